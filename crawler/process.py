"""Crawl a list of firms' sites in one child process and hand each site over as it is finished.

A process of its own because a Twisted reactor cannot be started twice, and because a crash of native code on a
hostile page must cost some sites, not the run. The child appends to a file that the parent reads, so neither
waits for the other and no line is too long.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from crawler.errors import BadWebsiteError
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl, utc_now
from crawler.urls import site_key

POLL_S = 0.05
STOP_GRACE_S = 8.0
PROXY_VARIABLES = {"http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy"}


def crawl(
    targets: Sequence[CrawlTarget], settings: CrawlSettings, archive_dir: Path, work_dir: Path
) -> Iterator[SiteCrawl]:
    """Crawl firms' sites; every target comes out exactly once, in the order in which sites finish.

    Closing the generator early stops the child, gently and then by force. Scrapy's log goes to
    ``work_dir/crawl.log``. Start it from a thread that outlives the crawl: on Linux the child is bound to it.

    Args:
        targets: Firms and their website cells. Two cells that name one site are crawled once.
        settings: How to crawl.
        archive_dir: Folder for WARC files; made if missing.
        work_dir: Folder for the log and for files that live as long as the crawl; made if missing.

    Yields:
        One ``SiteCrawl`` per target. Sites that the child did not come to are ``not_attempted``, those that it
        was reading when it died ``internal_error``.
    """
    groups: dict[str, list[CrawlTarget]] = {}
    for target in targets:
        try:
            groups.setdefault(site_key(target.website), []).append(target)
        except BadWebsiteError as error:
            now = utc_now()
            yield SiteCrawl(target.firm_id, target.website, "", "bad_url", str(error), now, now)
    if groups:
        yield from _crawl_groups(list(groups.values()), settings, archive_dir, work_dir)


def _crawl_groups(
    groups: list[list[CrawlTarget]], settings: CrawlSettings, archive_dir: Path, work_dir: Path
) -> Iterator[SiteCrawl]:
    work_dir.mkdir(parents=True, exist_ok=True)
    job = work_dir / f"crawl-{uuid.uuid4().hex[:12]}.job.json"
    out = job.with_suffix(".jsonl")
    out.touch()
    job.write_text(
        json.dumps(
            {
                "settings": settings.to_dict(),
                "targets": [{"firm_id": group[0].firm_id, "website": group[0].website} for group in groups],
                "archive_dir": str(archive_dir.resolve()),
                "out": str(out.resolve()),
                "parent": os.getpid(),
            }
        ),
        encoding="utf-8",
    )
    state = _State(len(groups))
    child = _start(job, work_dir / "crawl.log")
    try:
        with out.open("rb") as lines:
            for index, site in state.follow(lines, child):
                yield from _shared(site, groups[index])
        for index, group in enumerate(groups):
            if index not in state.done:
                yield from _shared(state.unfinished(group[0], index, child.returncode), group)
    finally:
        _stop(child)
        job.unlink(missing_ok=True)
        out.unlink(missing_ok=True)


class _State:
    """What the child has said so far."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.started: dict[int, float] = {}
        self.done: set[int] = set()
        self.stopped = ""

    def follow(self, lines: object, child: subprocess.Popen[bytes]) -> Iterator[tuple[int, SiteCrawl]]:
        """Yield finished sites until the child has ended and its file is read to the end."""
        rest = b""
        while True:
            ended = child.poll() is not None
            chunk = lines.read(1 << 20)  # type: ignore[attr-defined]
            if chunk:
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield from self._take(line)
            elif ended:
                return  # a last line without an end was cut by a kill and does not count
            else:
                time.sleep(POLL_S)

    def unfinished(self, target: CrawlTarget, index: int, returncode: int | None) -> SiteCrawl:
        """The outcome of a site that the child never finished."""
        now = utc_now()
        why = self.stopped or _ended(returncode)
        if index in self.started and not self.stopped:
            return SiteCrawl(
                target.firm_id, target.website, "", "internal_error", f"{why} while this site was being read", now, now
            )
        return SiteCrawl(
            target.firm_id, target.website, "", "not_attempted", f"{why} before this site was read", now, now
        )

    def _take(self, line: bytes) -> Iterator[tuple[int, SiteCrawl]]:
        event = json.loads(line)
        if "done" in event and event["done"] not in self.done:
            self.done.add(event["done"])
            yield event["done"], SiteCrawl.from_json(json.dumps(event["site"]))
        elif "started" in event:
            self.started[event["started"]] = time.monotonic()
        elif "stopped" in event:
            self.stopped = self.stopped or str(event["stopped"])


def _shared(site: SiteCrawl, group: list[CrawlTarget]) -> Iterator[SiteCrawl]:
    """The site's result for its first firm, and a copy for each further firm that names the same site."""
    yield site
    for target in group[1:]:
        yield replace(
            site,
            firm_id=target.firm_id,
            website=target.website,
            reason=f"site is shared with firm {site.firm_id}, crawled once: {site.reason}",
            fetches=tuple(replace(fetch, firm_id=target.firm_id) for fetch in site.fetches),
            pages=tuple(replace(page, firm_id=target.firm_id) for page in site.pages),
            flags=tuple(sorted({*site.flags, "shared_site"})),
        )


def _start(job: Path, log: Path) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name.lower() not in PROXY_VARIABLES}
    root = str(Path(__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH", ""))))
    with log.open("ab") as stderr:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "crawler.run", str(job.resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environment,
            start_new_session=True,  # a Ctrl-C at the terminal reaches the parent, which then decides
        )


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        child.stdin.close()
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(STOP_GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _ended(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        return f"the crawl process was killed by {signal.Signals(-returncode).name}"
    return f"the crawl process ended with exit code {returncode}"
