"""One crawl under watch: what its process holds, how long it was busy, whom it connected to and where it listened."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from crawler.guard import AddressPolicy
from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl

INSTRUMENTS = Path(__file__).with_name("instruments")
SAMPLE_S = 0.02
LOOK_S = 0.25  # looking for processes and sockets costs milliseconds
MB = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """What the crawl process held and had used at one instant; ``all_bytes`` counts its own children too."""

    at: float
    own_bytes: int
    all_bytes: int
    cpu_s: float


@dataclass
class Watched:
    """What came of a crawl, and what its process did meanwhile."""

    settings: CrawlSettings
    results: dict[str, SiteCrawl]
    log: str
    events: list[list[Any]]
    samples: list[Sample]
    listening: list[str]
    folder: Path

    def of(self, what: str) -> list[tuple[Any, ...]]:
        """Events of one kind: ``name``, ``connect``, ``blocked`` or ``started``."""
        return [tuple(event[1:]) for event in self.events if event[0] == what]

    def during(self, begin: float, end: float) -> list[Sample]:
        """Samples of a span, and the last one before it."""
        before = [sample for sample in self.samples if sample.at < begin][-1:]
        return before + [sample for sample in self.samples if begin <= sample.at <= end]

    def check(self) -> None:
        """What holds of every crawl, whatever the sites do: the invariants I1, I5 and I6, and a clean log."""
        assert sorted(self.results) == sorted(site.firm_id for site in self.results.values())
        assert self.of("started"), "the instruments were not in place"
        assert self.of("blocked") == [] or max(event[0] for event in self.of("blocked")) < 2, self.of("blocked")
        policy = AddressPolicy(self.settings.allow_addresses)
        assert self.of("connect")
        refused = {(host, port) for host, port in self.of("connect") if policy.refusal(host, port)}
        assert refused == set()
        assert self.listening == []
        for word in ("Traceback", "Unhandled"):
            assert word not in self.log, self.log[max(0, self.log.find(word) - 500) :][:2000]


@dataclass
class _Watch:
    """A thread that looks at the crawl process."""

    samples: list[Sample] = field(default_factory=list)
    listening: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        process: psutil.Process | None = None
        children: list[psutil.Process] = []
        looked = 0.0
        while not self.ended.wait(SAMPLE_S):
            with contextlib.suppress(psutil.Error):
                if process is None:
                    process = next((p for p in psutil.Process().children() if "crawler.run" in p.cmdline()), None)
                    continue
                if time.monotonic() - looked > LOOK_S:
                    looked = time.monotonic()
                    children = process.children(recursive=True)
                    for one in (process, *children):
                        found = [c for c in one.net_connections() if c.status == psutil.CONN_LISTEN]
                        self.listening += map(str, found)
                self.samples.append(self._sample(process, children))

    @staticmethod
    def _sample(process: psutil.Process, children: Sequence[psutil.Process]) -> Sample:
        own, cpu = process.memory_info().rss, process.cpu_times()
        total, used = own, cpu.user + cpu.system + cpu.children_user + cpu.children_system
        for child in children:
            with contextlib.suppress(psutil.Error):
                total += child.memory_info().rss
                used += sum(child.cpu_times()[:2])
        return Sample(time.monotonic(), own, total, used)


WatchedCrawl = Callable[..., Watched]


@pytest.fixture(scope="session")
def watched_crawl(tmp_path_factory: pytest.TempPathFactory) -> WatchedCrawl:
    """Crawl ``websites`` (by firm_id) with instruments in the crawl process.

    ``names``: what a host name resolves to, look-up by look-up; the last answer stays; ``*.firm.co.uk`` stands for all
    hosts of a domain. ``routes``: where a connection to ``ADDRESS:PORT`` ends instead, without the crawler's knowing.
    """

    def run(
        websites: Mapping[str, str],
        settings: CrawlSettings,
        names: Mapping[str, Sequence[Sequence[str]]] | None = None,
        routes: Mapping[str, tuple[str, int]] | None = None,
        path: Sequence[Path] = (),
    ) -> Watched:
        folder = tmp_path_factory.mktemp("watched")
        plan = {"log": str(folder / "events"), "names": names or {}, "routes": routes or {}}
        watch = _Watch()
        thread = threading.Thread(target=watch.run, daemon=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FAULT_INSTRUMENTS", json.dumps(plan))
            patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (INSTRUMENTS, *path))))
            patch.setenv("HOME", str(folder / "home"))
            for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
                patch.delenv(name, raising=False)
            (folder / "home").mkdir()
            thread.start()
            try:
                targets = [CrawlTarget(firm_id, website) for firm_id, website in websites.items()]
                found = list(crawl(targets, settings, folder / "archive", folder / "work"))
            finally:
                watch.ended.set()
                thread.join(10)
        assert sorted(site.firm_id for site in found) == sorted(websites), "every firm exactly once"
        return Watched(
            settings=settings,
            results={site.firm_id: site for site in found},
            log=(folder / "work" / "crawl.log").read_text(),
            events=[json.loads(line) for line in (folder / "events").read_text().splitlines()],
            samples=watch.samples,
            listening=watch.listening,
            folder=folder,
        )

    return run
