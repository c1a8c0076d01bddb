"""Every setting of a workspace, typed, with its default and its reason; read from ``firmscope.toml``.

An unknown key stops the run: a misspelt ``crawl.delay`` must not leave a site without its pause.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from tomlkit.exceptions import TOMLKitError

from crawler import windows
from crawler.errors import SettingsError
from crawler.records import CONTACT
from pipelines.errors import UsageError

# East Midlands, West Midlands, North East and North Lincolnshire: 67 districts. No official list is published.
_MIDLANDS_ENGINE = ("E12000004", "E12000005", "E06000012", "E06000013")


def _network(text: str) -> str:
    import ipaddress

    try:
        return str(ipaddress.ip_network(text, strict=True))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a network such as 127.0.0.0/8 ({error})") from error


def _contact(text: str) -> str:
    if text and not CONTACT.fullmatch(text):
        raise ValueError(f"{text!r} is neither an e-mail address nor a web address that site owners can write to")
    return text


def _language(text: str) -> str:
    if text and not re.fullmatch(r"[a-z]{2}", text):
        raise ValueError(f"{text!r} is not a language code of two letters such as en")
    return text


def _window(text: str) -> str:
    try:
        windows.check(text, "UTC")
    except SettingsError as error:
        raise ValueError(str(error)) from error
    return text


def _zone(text: str) -> str:
    try:
        windows.check("", text)
    except SettingsError as error:
        raise ValueError(str(error)) from error
    return text


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CrawlConfig(_Section):
    """How firms' sites are visited."""

    contact: Annotated[str, AfterValidator(_contact)] = Field(
        "", description="e-mail or web address that site owners can write to; no crawl without it"
    )
    delay_s: float = Field(1.0, ge=0, le=60, description="pause between two requests to one host, seconds")
    page_budget: int = Field(20, ge=1, le=500, description="pages fetched per site at most")
    depth: int = Field(3, ge=0, le=10, description="links followed from the home page at most")
    timeout_s: float = Field(30, gt=0, le=300, description="time limit of one request, seconds")
    concurrent_sites: int = Field(200, ge=1, le=500, description="sites visited side by side")
    recrawl_after_h: float = Field(
        20, ge=0, description="hours before a visited site may be due again; 0: every site is due in every run"
    )
    recrawl_at_most_h: float = Field(
        672, ge=0, description="hours after which a visited site is due at the latest, however seldom it changes"
    )
    keep_text_days: float = Field(
        90, ge=0, description="days for which the words of a site that cannot be read any more are kept"
    )
    language: Annotated[str, AfterValidator(_language)] = Field(
        "", description="version to read where a site has several, e.g. en; empty: the one its address leads to"
    )
    window: Annotated[str, AfterValidator(_window)] = Field(
        "", description="hours in which sites may be begun, e.g. 22:00-06:00; empty: at any time"
    )
    window_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="time zone of window, e.g. Europe/London"
    )
    tls: Literal["record", "verify"] = Field(
        "record", description="a certificate that cannot be verified: record reads and flags the site, verify does not"
    )
    render: bool = Field(
        False, description="draw pages whose text only script can show, in a browser (needs the extra js)"
    )
    allow_addresses: list[Annotated[str, AfterValidator(_network)]] = Field(
        default_factory=list, description="networks that may be visited beside public ones, e.g. 127.0.0.0/8"
    )


class MatchConfig(_Section):
    """What it takes for a site's words to count as a firm's."""

    require: bool = Field(
        False, description="leave firms out of classification whose site is not recognised as their own"
    )


class EncoderConfig(_Section):
    """How text becomes vectors."""

    name: str = Field("minilm", description="minilm (packaged), or a folder with a sentence-transformers model")


class TrainConfig(_Section):
    """How a model is made."""

    use_seeds: bool = Field(True, description="train on the seed examples of seeds.yaml beside the labels")
    tune: Literal["auto", "off"] = Field(
        "auto",
        description="auto: tune the encoder's last layers where there are labels enough; every text is then read anew",
    )


class ClassifyConfig(_Section):
    """How firms are put into sectors."""

    fast_path: float = Field(
        0, ge=0, le=20,
        description="log odds below every threshold at which a firm is settled by its n-grams and not encoded, e.g. 2; "
        "0: every firm is encoded",
    )  # fmt: skip


class RollupConfig(_Section):
    """What figures take for granted."""

    unread_firms: Literal["left_out", "like_read_of_same_size_and_age"] = Field(
        "left_out",
        description="corrected figures leave firms that could not be read out, or take them to be like others",
    )
    allocation: Literal["equal", "employees", "registered"] = Field(
        "equal",
        description="how a firm is shared out over its addresses: equally, by employees at each where known, or all of "
        "it at the registered office",
    )
    counting: Literal["whole", "fractional"] = Field(
        "whole", description="a firm of several sectors counts in full in each (whole), or in equal parts (fractional)"
    )
    amount_sources: list[str] = Field(
        default_factory=lambda: ["accounts", "firm_list"],
        description="sources of employees and turnover, the one to believe first; sources not named come last",
    )
    missing_amounts: Literal["left_out", "by_sector_and_size"] = Field(
        "left_out",
        description="firms without employees or turnover: left out of sums, or estimated from like firms of the sector",
    )
    distortions: Literal["flag", "group_by_parent", "trim"] = Field(
        "flag",
        description="what distorts a figure is flagged, or firms of one parent count as one, or it is trimmed",
    )
    base_year: int = Field(
        0, ge=0, le=2200, description="year that growth is measured from; 0: five years before the newest full year"
    )
    years: int = Field(10, ge=1, le=50, description="years for which figures are worked out, up to the newest full one")
    high_growth_measure: Literal["employees", "turnover_gbp"] = Field(
        "employees", description="what a high-growth firm grows in"
    )
    high_growth_rate: float = Field(
        0.2, gt=0, le=10, description="growth a year, on average, above which a firm is high-growth (OECD: 0.2)"
    )
    high_growth_years: int = Field(3, ge=1, le=10, description="years over which that growth is measured (OECD: 3)")
    high_growth_employees: float = Field(
        10, ge=0, description="employees at the start of those years, at least (OECD: 10)"
    )
    large_turnover_gbp: float = Field(
        100_000_000, gt=0, description="turnover from which a company counts as large, pounds"
    )
    quotient_firms: int = Field(
        5, ge=1, description="firms of the cluster in an area from which its location quotient is given"
    )
    suppress_below: int = Field(
        0,
        ge=0,
        description="figures of fewer firms than this are withheld, with others that would give them away; 0: none",
    )
    dominance: float = Field(
        0, ge=0, le=1,
        description="sums of which the largest firm holds more than this share are withheld, e.g. 0.75; 0: none",
    )  # fmt: skip


AreaKind = Literal["country", "region", "utla", "cauth", "lad", "custom", "postcode_area", "h3"]


AREA_KINDS: tuple[AreaKind, ...] = ("country", "region", "cauth", "utla", "lad", "custom", "postcode_area", "h3")


class AreasConfig(_Section):
    """Which places figures are made for."""

    kinds: list[AreaKind] = Field(
        default_factory=lambda: list(AREA_KINDS),
        description="kinds of area beside the whole list; cauth: combined authority, utla: upper tier, lad: district",
    )
    custom: dict[str, list[str]] = Field(
        default_factory=lambda: {"midlands_engine": list(_MIDLANDS_ENGINE)},
        description="areas of your own, as lists of district, upper-tier, combined authority or region codes",
    )


class StoreConfig(_Section):
    """Where tables are kept."""

    shards: int = Field(4, ge=1, le=4096, description="partitions of every table; fixed when the workspace is made")


class EngineConfig(_Section):
    """What the work runs on."""

    kind: Literal["local"] = Field("local", description="local: this machine")


class Config(_Section):
    """All settings of a workspace."""

    crawl: CrawlConfig = CrawlConfig()
    match: MatchConfig = MatchConfig()
    encoder: EncoderConfig = EncoderConfig()
    train: TrainConfig = TrainConfig()
    classify: ClassifyConfig = ClassifyConfig()
    rollup: RollupConfig = RollupConfig()
    areas: AreasConfig = AreasConfig()
    store: StoreConfig = StoreConfig()
    engine: EngineConfig = EngineConfig()


def known_keys() -> list[str]:
    """Every setting as ``section.key``, in order."""
    return [f"{section}.{key}" for section, model in _sections().items() for key in model.model_fields]


def load_config(path: Path) -> Config:
    """Read and check a configuration file.

    Raises:
        UsageError: No such file, not TOML, an unknown key, or a value of the wrong kind.
    """
    return _check(_parse(path).unwrap(), path)


def default_toml() -> str:
    """A configuration file with every setting, its default and what it means."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Settings of this firmscope workspace. Unknown keys are refused."))
    for section, model in _sections().items():
        table = tomlkit.table()
        for key, field in model.model_fields.items():
            table.add(tomlkit.comment(field.description or ""))
            table.add(key, _written(field.get_default(call_default_factory=True)))
        document.add(section, table)
    return tomlkit.dumps(document)


def set_key(path: Path, key: str, text: str) -> Config:
    """Set one key in the file, comments kept, and return the checked configuration.

    Args:
        path: Configuration file.
        key: ``section.key``.
        text: Value as typed; lists as ``a,b`` or ``["a", "b"]``.

    Raises:
        UsageError: Unknown key or a value that does not fit; the file is left as it was.
    """
    if key not in known_keys():
        raise UsageError(_unknown(key, path))
    section, name = key.split(".")
    document = _parse(path)
    if section not in document:
        document.add(section, tomlkit.table())
    document[section][name] = _value(key, text)
    config = _check(document.unwrap(), path)
    from pipelines.workspace import write_whole

    write_whole(path, tomlkit.dumps(document).encode())
    return config


def _value(key: str, text: str) -> Any:
    section, name = key.split(".")
    kind = _sections()[section].model_fields[name].annotation
    is_list = str(kind).startswith("list")
    if kind is str or (text.strip() and not text.strip().startswith("[") and is_list):
        return text if kind is str else [part.strip() for part in text.split(",") if part.strip()]
    if is_list and not text.strip():
        return []
    try:
        return tomlkit.parse(f"x = {text}").unwrap()["x"]
    except TOMLKitError:
        return text


def _written(value: Any) -> Any:
    """A default as it stands in the file: a table within a section on one line, so that it keeps its key's place."""
    if not isinstance(value, dict):
        return value
    inline = tomlkit.inline_table()
    inline.update(value)
    return inline


def _parse(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file; make a workspace with: firmscope init {path.parent}") from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a TOML file ({error}); mend that line") from error


def _check(values: dict[str, Any], path: Path) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"][:2])
        if problem["type"] == "extra_forbidden":
            raise UsageError(_unknown(key, path)) from error
        message = problem["msg"].removeprefix("Value error, ")
        raise UsageError(f"{path}: {key} = {problem['input']!r}: {message}; set it with: "
                         f"firmscope config set {key} VALUE") from error  # fmt: skip


def _unknown(key: str, path: Path) -> str:
    keys = known_keys()
    near = difflib.get_close_matches(key, keys, n=1, cutoff=0.4)
    near = near or [known for known in keys if known.split(".")[-1] == key.split(".")[-1]]
    hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(keys)}"
    return f"{path}: unknown key {key}; {hint}"


def _sections() -> dict[str, type[BaseModel]]:
    return {name: type(field.default) for name, field in Config.model_fields.items()}
