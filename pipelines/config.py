"""Every setting of a workspace, typed, with its default and its reason; read from ``firmscope.toml``.

An unknown key stops the run: a misspelt ``crawl.delay`` must not leave a site without its pause.
"""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel, ValidationError
from tomlkit.exceptions import TOMLKitError

from pipelines.errors import UsageError
from pipelines.figure_settings import AreasConfig, ReportConfig, RollupConfig
from pipelines.night_settings import DriftConfig, GateConfig, KeepConfig
from pipelines.settings import (
    ClassifyConfig,
    CrawlConfig,
    EncoderConfig,
    EngineConfig,
    MatchConfig,
    Section,
    StoreConfig,
    TrainConfig,
)


class Config(Section):
    """All settings of a workspace."""

    crawl: CrawlConfig = CrawlConfig()
    match: MatchConfig = MatchConfig()
    encoder: EncoderConfig = EncoderConfig()
    train: TrainConfig = TrainConfig()
    classify: ClassifyConfig = ClassifyConfig()
    rollup: RollupConfig = RollupConfig()
    areas: AreasConfig = AreasConfig()
    report: ReportConfig = ReportConfig()
    gate: GateConfig = GateConfig()
    drift: DriftConfig = DriftConfig()
    keep: KeepConfig = KeepConfig()
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
    try:
        values = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(path, error) from error
    return _check(values, path)


@cache  # every new workspace asks, and it takes as long as making the lake
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
    """The file with its comments, to be changed: this takes a dozen times as long as reading its values."""
    try:
        return tomlkit.parse(_text(path))
    except TOMLKitError as error:
        raise _no_toml(path, error) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file; make a workspace with: firmscope init {path.parent}") from error
    except UnicodeDecodeError as error:
        raise _no_toml(path, error) from error


def _no_toml(path: Path, error: Exception) -> UsageError:
    return UsageError(f"{path}: not a TOML file ({error}); mend that line")


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
