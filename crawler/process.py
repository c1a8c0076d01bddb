"""Crawl a list of firms' sites in child processes, one at a time, and hand each site over as it is finished.

A process of its own because a Twisted reactor cannot be started twice, and because a crash of native code on a
hostile page must cost some sites, not the run: after a death a new child goes on with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from crawler.child import Child
from crawler.e_mail import without_e_mail
from crawler.errors import BadWebsiteError, CrawlPausedError
from crawler.opt_out import REASON, opted_out
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl, utc_now
from crawler.urls import site_key, start_urls
from crawler.windows import is_open, next_open

# A start takes 1 to 2 s, and a site that kills costs two of them: room for ten such sites in a night. A machine on
# which more die has a fault of its own, and every death puts up to ``concurrent_sites`` into the slow second round.
MAX_RESTARTS = 20


def crawl(
    targets: Sequence[CrawlTarget],
    settings: CrawlSettings,
    archive_dir: Path,
    work_dir: Path,
    watch: Callable[[], None] = lambda: None,
) -> Iterator[SiteCrawl]:
    """Crawl firms' sites; every target comes out exactly once, in the order in which sites finish.

    When the child dies by itself (a signal, the memory limit, an error exit), another goes on with the sites not yet
    begun. Those that were being read are tried once more at the end, one at a time; one on which the child dies
    again is ``internal_error``. Closing the generator early stops the child, gently and then by force. Scrapy's log
    goes to ``work_dir/crawl.log``. Ask for sites from a thread that outlives the crawl: on Linux a child is bound to
    the thread that started it.

    Args:
        targets: Firms and their website cells. Two cells that name one site are crawled once.
        settings: How to crawl.
        archive_dir: Folder for WARC files; made if missing.
        work_dir: Folder for the log and for files that live as long as the crawl; made if missing.
        watch: Called many times a second; what it raises ends the crawl, as closing the generator does.

    Yields:
        One ``SiteCrawl`` per target; ``opted_out`` and without any request where the host is on the opt-out list. When
        the crawl is given up (``MAX_RESTARTS``, a child that dies before it begins any site) or the child is told to
        stop, sites never begun are ``not_attempted``.

    Raises:
        CrawlPausedError: The crawl window closed, or the connection seems to be down. Every site has come out before,
            those not read as ``not_attempted``.
        ArchiveError: What is read cannot be stored: disk full, folder not writable. Its ``errno`` is the system's.
            Sites that came out before are whole; the others have to be crawled again.
        GuardError: The address guard is not installed, so nothing may be fetched.
        OSError: ``work_dir`` cannot be used.
    """
    groups: dict[str, list[CrawlTarget]] = {}
    for target in targets:
        try:
            host = urlsplit(start_urls(target.website)[0]).hostname or ""
            if opted_out(host, settings.opt_out):
                yield _unread(target, "opted_out", f"{host} is {REASON}")
            else:
                groups.setdefault(site_key(target.website), []).append(target)
        except BadWebsiteError as error:
            yield _unread(target, "bad_url", without_e_mail(str(error)))
    if groups:
        work_dir.mkdir(parents=True, exist_ok=True)
        yield from _crawl_groups(list(groups.values()), settings, archive_dir, work_dir, watch)


def _crawl_groups(
    groups: list[list[CrawlTarget]],
    settings: CrawlSettings,
    archive_dir: Path,
    work_dir: Path,
    watch: Callable[[], None],
) -> Iterator[SiteCrawl]:
    waiting = list(range(len(groups)))
    suspects: dict[int, str] = {}  # sites that were being read at a death, and what it was
    deaths, end, paused = 0, "", ""
    if not is_open(utc_now(), settings.window, settings.window_zone):
        paused, end = "window", f"the crawl window {settings.window} ({settings.window_zone}) was closed"
    while not paused and (waiting or suspects):
        alone = not waiting
        batch = list(suspects) if alone else waiting
        using = replace(settings, concurrent_sites=1) if alone else settings
        child = Child([groups[index][0] for index in batch], using, archive_dir, work_dir)
        try:
            for place, site in child.follow(watch):
                suspects.pop(batch[place], None)
                yield from _shared(site, groups[batch[place]])
        finally:
            child.stop()
        child.raise_failure()
        end = child.end()
        left = [index for place, index in enumerate(batch) if place not in child.done]
        if paused := child.paused:
            waiting = sorted({*left, *suspects})
            suspects.clear()
            break
        if child.asked_to_stop:
            waiting = [] if alone else left
            break
        died_on = [batch[place] for place in child.begun if place not in child.done]
        if alone:
            for index in died_on[-1:]:  # those before it were read, and held back while nobody had answered
                reason = f"{end} while this site was being read alone, after {suspects.pop(index)}"
                yield from _shared(_unread(groups[index][0], "internal_error", reason), groups[index])
        else:
            suspects |= dict.fromkeys(died_on, end)
            waiting = [index for index in left if index not in suspects]
        deaths += bool(left)
        if left and (not child.begun or deaths > MAX_RESTARTS):
            end = f"{end}, and the crawl was given up after {deaths} deaths"
            break
    for index, first in suspects.items():
        reason = f"{first} while this site was being read, and it was not tried again: {end}"
        yield from _shared(_unread(groups[index][0], "internal_error", reason), groups[index])
    for index in waiting:
        yield from _shared(
            _unread(groups[index][0], "not_attempted", f"{end} before this site was read"), groups[index]
        )
    if paused and waiting:
        raise CrawlPausedError(
            paused, f"{end}; {len(waiting)} of {len(groups)} sites were not read: {_cure(settings, paused)}"
        )


def _cure(settings: CrawlSettings, paused: str) -> str:
    if paused == "window":
        opens = next_open(utc_now(), settings.window, settings.window_zone)
        return f"crawl again when it opens, at {opens:%Y-%m-%d %H:%M} UTC"
    return "see to the connection, then crawl again"


def _unread(target: CrawlTarget, outcome: str, reason: str) -> SiteCrawl:
    now = utc_now()
    return SiteCrawl(target.firm_id, target.website, "", outcome, reason, now, now)


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
