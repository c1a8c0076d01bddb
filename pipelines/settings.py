"""Settings of crawling, classifying and storing, each with its default and its reason."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from crawler import windows
from crawler.errors import SettingsError
from crawler.records import CONTACT
from pipelines.storage import LAKE, Storage


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


def _bucket(text: str) -> str:
    if text and not LAKE.fullmatch(text):
        raise ValueError(f"{text!r} is not a place in a bucket such as s3://my-bucket/lake")
    return text


def _endpoint(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^/\s]+", text):
        raise ValueError(f"{text!r} is not an address such as https://s3.example.org")
    return text


def _scheduler(text: str) -> str:
    if text and not re.fullmatch(r"(tcp|tls)://[^/\s]+:\d+", text):
        raise ValueError(f"{text!r} is not a scheduler's address such as tls://10.0.0.5:8786")
    return text


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CrawlConfig(Section):
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


class MatchConfig(Section):
    """What it takes for a site's words to count as a firm's."""

    require: bool = Field(
        False, description="leave firms out of classification whose site is not recognised as their own"
    )


class EncoderConfig(Section):
    """How text becomes vectors."""

    name: str = Field("minilm", description="minilm (packaged), or a folder with a sentence-transformers model")


class TrainConfig(Section):
    """How a model is made."""

    use_seeds: bool = Field(True, description="train on the seed examples of seeds.yaml beside the labels")
    tune: Literal["auto", "off"] = Field(
        "auto",
        description="auto: tune the encoder's last layers where there are labels enough; every text is then read anew",
    )


class ClassifyConfig(Section):
    """How firms are put into sectors."""

    fast_path: float = Field(
        0, ge=0, le=20,
        description="log odds below every threshold at which a firm is settled by its n-grams and not encoded, e.g. 2; "
        "0: every firm is encoded",
    )  # fmt: skip


class StoreConfig(Section):
    """Where tables are kept."""

    shards: int = Field(
        4, ge=1, le=4096,
        description="partitions of every table, one for 5,000 firms or so; fixed when something is first imported",
    )  # fmt: skip
    lake: Annotated[str, AfterValidator(_bucket)] = Field(
        "", description="s3://bucket/folder for tables on object storage; empty: the folder lake; fixed like shards"
    )
    s3_endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        "", description="address of the server that has the bucket, e.g. https://s3.example.org; empty: Amazon's"
    )
    s3_region: str = Field("us-east-1", description="region of the bucket")

    def storage(self) -> Storage | None:
        """The bucket; None where tables are in the workspace's folder."""
        return Storage(self.lake, self.s3_endpoint, self.s3_region) if self.lake else None


class EngineConfig(Section):
    """What the work runs on."""

    kind: Literal["local", "dask"] = Field("local", description="local: this machine; dask: a Dask cluster")
    workers: int = Field(
        1, ge=1, le=1024,
        description="processes on this machine; 1: this very one, whose encoder uses every core",
    )  # fmt: skip
    scheduler: Annotated[str, AfterValidator(_scheduler)] = Field(
        "", description="address of the Dask scheduler, e.g. tls://10.0.0.5:8786"
    )
    tls_ca: str = Field("", description="file of the authority that signed the cluster's certificates")
    tls_cert: str = Field("", description="file of our certificate, with its key unless tls_key names it")
    tls_key: str = Field("", description="file of our certificate's key")
