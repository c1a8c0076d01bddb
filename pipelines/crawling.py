"""The crawl stage: visit the sites that are due and put what they say into sites, pages and fetches.

Sites are committed in batches, ``sites`` last: a firm counts as visited only when everything about it is in the lake.
They are visited shard by shard, in the order in which the tables hold them: a commit then touches few files.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from crawler.errors import CrawlerError, CrawlPausedError
from crawler.opt_out import parse
from crawler.records import CrawlSettings, SiteCrawl
from pipelines.changes import Known, Row
from pipelines.crawl_parts import (
    INPUTS,
    PART_SITES,
    STREAM_SITES,
    CrawlJob,
    Part,
    crawl_part,
    due_sites,
    parts_of,
    visits_of,
)
from pipelines.crawl_sign import giving_sign
from pipelines.engine import ParallelEngine
from pipelines.errors import FirmscopeError, InterruptedRunError, UsageError
from pipelines.failed_parts import firms_of_part, report_failures
from pipelines.firm_texts import Tables
from pipelines.pinned_lake import PinnedLake
from pipelines.runs import Run
from pipelines.scheduling import UNVISITED, Bounds
from pipelines.site_owners import SiteOwners
from pipelines.store import Lake
from pipelines.tables import PAGES, TABLES
from pipelines.visits import Rules, after_visit, keeps_words, no_website
from pipelines.workspace import Workspace

# A kill loses at most this much; a commit rewrites the shards in which it changes a firm that was there before.
BATCH_SITES = 500
BATCH_CHARS = 8_000_000  # of text: 170 sites of 20 pages
BATCH_S = 30.0

Progress = Callable[[int, int], None]


def run_crawl(run: Run, progress: Progress, now: datetime | None = None) -> None:
    """Visit every firm's site that is due; firms without a website are stated as such.

    Args:
        run: The run to work for.
        progress: Called with sites done and sites due.
        now: Instant against which sites are due; the present when not given.

    Raises:
        UsageError: ``crawl.contact`` is not set.
        SettingsError: A line of ``opt-out.txt`` names no site.
        InterruptedRunError: The crawl window closed, or the connection is down; firms not visited stay due.
    """
    workspace, lake = run.workspace, run.workspace.lake
    now = now or datetime.now(UTC)
    due = due_sites(lake, now, crawl_rules(workspace).bounds)
    with run.stage("crawl") as counts:
        counts.rows_in = due.firms
        counts.unchanged = due.firms - len(due.sites) - len(due.without_website)
        if due.sites and not workspace.config.crawl.contact:
            raise UsageError(
                "crawl.contact is not set: site owners must be able to reach you; set it with: "
                "firmscope config set crawl.contact YOU@YOUR-ORGANISATION"
            )
        settings = crawl_settings(workspace) if due.sites else None
        commit(run, [no_website(firm_id, now) for firm_id in due.without_website])
        if settings is not None:
            if settings.allow_addresses:
                run.notes["allowed_addresses"] = list(settings.allow_addresses)
            with _job(run, settings) as job:
                if isinstance(workspace.engine, ParallelEngine):
                    _visit_in_workers(run, job, parts_of(due, PART_SITES), progress)
                else:
                    _visit_here(run, job, parts_of(due, STREAM_SITES), progress)
        run.notes["outcomes"] = outcome_counts(lake)
        _refuse_broken_crawl(run, {firm_id for firm_id, _, _ in due.sites})


def commit(
    run: Run,
    visits: Sequence[SiteCrawl],
    source: str = "crawl",
    stage: str = "crawl",
    owners: SiteOwners | None = None,
) -> None:
    """Put visits into pages, fetches, marks and sites, in this order.

    Args:
        run: The run to work for, in its stage ``stage``.
        visits: At most one per firm.
        source: ``crawl``, or ``warc`` when an archive stood in for the sites.
        stage: Stage whose counts the rows belong to.
        owners: Whose website is whose; worked out from the firm list when not given.
    """
    lake, counts = run.workspace.lake, run.stages[stage]
    ids = {visit.firm_id for visit in visits}
    if not ids:
        return
    owners, rules, known = owners or SiteOwners(lake), crawl_rules(run.workspace), _known(lake, visits)
    made = {visit.firm_id: after_visit(owners.judged(visit), known[visit.firm_id], rules, source) for visit in visits}
    reworded = {firm_id for firm_id, after in made.items() if after.pages != known[firm_id].pages}
    pages = [row for firm_id in reworded for row in made[firm_id].pages]
    for name, of, rows in (
        ("pages", reworded, _with_texts(lake, pages)),
        ("fetches", ids, [row for after in made.values() for row in after.fetches]),
        ("marks", ids, [row for after in made.values() for row in after.marks]),
        ("sites", ids, [after.site for after in made.values()]),
    ):
        counts.written[name] = counts.written.get(name, 0) + lake.replace_firms(name, of, rows, run.run_id)
    counts.rows_out += len(visits)
    for after in made.values():
        site = after.site
        run.log("site", **{name: site[name] for name in ("firm_id", "outcome", "reason", "pages", "due_at")})


def crawl_rules(workspace: Workspace) -> Rules:
    """When sites are visited again and how long words outlive them, as the settings state it."""
    config = workspace.config.crawl
    return Rules(Bounds.of(config.recrawl_after_h, config.recrawl_at_most_h), timedelta(days=config.keep_text_days))


def crawl_settings(workspace: Workspace) -> CrawlSettings:
    """How sites are read, as the settings and the opt-out list state it.

    Raises:
        SettingsError: A setting is out of range, or a line of the list names no site.
    """
    config, listed = workspace.config.crawl, workspace.opt_out_file
    return CrawlSettings(
        contact=config.contact,
        delay_s=config.delay_s,
        page_budget=config.page_budget,
        depth=config.depth,
        timeout_s=config.timeout_s,
        concurrent_sites=config.concurrent_sites,
        allow_addresses=tuple(config.allow_addresses),
        tls=config.tls,
        opt_out=parse(listed.read_text(encoding="utf-8")) if listed.is_file() else (),
        window=config.window,
        window_zone=config.window_zone,
        language=config.language,
        render=config.render,
    )


def _known(lake: Lake, visits: Sequence[SiteCrawl]) -> dict[str, Known]:
    """What the tables hold of the firms visited; of pages all but the text, which is most of the lake."""
    known = {visit.firm_id: Known() for visit in visits}
    for row in lake.read_firms("sites", known).to_pylist():
        known[row["firm_id"]] = Known(row)
    without_text = [name for name in PAGES.names if name not in ("shard", "text")]
    for row in lake.read_firms("pages", known, without_text).sort_by("position").to_pylist():
        known[row["firm_id"]].pages.append(row)
    keeping = {visit.firm_id for visit in visits if keeps_words(visit)}
    for name in ("fetches", "marks"):
        for row in lake.read_firms(name, keeping, TABLES[name].names[1:]).to_pylist():
            getattr(known[row["firm_id"]], name).append(row)
    return known


def _with_texts(lake: Lake, pages: list[Row]) -> list[Row]:
    """Rows of pages, those kept from earlier visits with the text that the table holds."""
    lacking = {row["firm_id"] for row in pages if "text" not in row}
    held = lake.read_firms("pages", lacking, ["firm_id", "url", "text"]).to_pylist()
    texts = {(row["firm_id"], row["url"]): row["text"] for row in held}
    return [{"text": texts.get((row["firm_id"], row["url"])), **row} for row in pages]


@contextmanager
def _job(run: Run, settings: CrawlSettings) -> Iterator[CrawlJob]:
    archive = run.workspace.archive_folder.resolve()
    archive.mkdir(parents=True, exist_ok=True)
    with giving_sign(archive, run.workspace.engine.name) as sign:
        lake = PinnedLake.of(run.workspace.lake, INPUTS)
        yield CrawlJob(lake, settings, archive, run.folder.resolve(), sign)


def _visit_here(run: Run, job: CrawlJob, parts: Sequence[Part], progress: Progress) -> None:
    """Crawl part by part and commit sites as they finish."""
    batch: list[SiteCrawl] = []
    owners, chars, since = SiteOwners(run.workspace.lake), 0, time.monotonic()
    total = sum(map(len, parts))
    progress(0, total)
    try:
        visits = (visit for part in parts for visit in visits_of(job, part))
        for done, visit in enumerate(visits, start=1):
            batch.append(visit)
            chars += sum(len(page.text) for page in visit.pages)
            progress(done, total)
            if len(batch) >= BATCH_SITES or chars >= BATCH_CHARS or time.monotonic() - since > BATCH_S:
                commit(run, batch, owners=owners)
                batch, chars, since = [], 0, time.monotonic()
    except CrawlPausedError as error:
        commit(run, batch, owners=owners)
        raise _paused(run, error.cause, str(error)) from error
    except (KeyboardInterrupt, CrawlerError):
        commit(run, batch, owners=owners)
        raise
    commit(run, batch, owners=owners)


def _visit_in_workers(run: Run, job: CrawlJob, parts: Sequence[Part], progress: Progress) -> None:
    """Crawl parts side by side; a part is committed when all of it has come."""
    engine, owners = run.workspace.engine, SiteOwners(run.workspace.lake)
    total, seen, paused = sum(map(len, parts)), 0, ("", "")
    failed: list[tuple[str, str]] = []
    progress(0, total)
    with engine.working():
        for done in engine.run(crawl_part, job, parts):
            if done.made is None:
                failed.append((firms_of_part([firm_id for firm_id, *_ in done.task]), done.failure))
                commit(run, [_not_visited(*site[:2], done.failure) for site in done.task], owners=owners)
            else:
                commit(run, done.made.visits, owners=owners)
                paused = (done.made.paused, done.made.said) if done.made.paused else paused
            seen += len(done.task)
            progress(seen, total)
    report_failures(run, "crawl", failed, len(parts))
    if paused[0]:
        raise _paused(run, *paused)


def _not_visited(firm_id: str, website: str, failure: str) -> SiteCrawl:
    now = datetime.now(UTC)
    return SiteCrawl(firm_id, website, "", "internal_error", f"its part of the crawl failed: {failure}", now, now)


def _paused(run: Run, cause: str, said: str) -> InterruptedRunError:
    run.notes |= {"paused": cause, "outcomes": outcome_counts(run.workspace.lake)}
    return InterruptedRunError(
        f"{said}; what was read is kept and nothing was published, the same command goes on from there"
    )


def _refuse_broken_crawl(run: Run, due: Collection[str]) -> None:
    """A crawl that hardly happened must not go on to be published as figures."""
    if not due:
        return
    lake, unvisited, reason = run.workspace.lake, 0, ""
    for shard in range(lake.shards):
        for row in lake.read_arrow("sites", ["firm_id", "outcome", "reason"], [shard]).to_pylist():
            if row["outcome"] in UNVISITED and row["firm_id"] in due:
                unvisited += 1
                reason = reason or row["reason"]
    if unvisited > len(due) / 2:
        raise FirmscopeError(
            f"{unvisited} of {len(due)} sites were not visited ({reason}); nothing was published: "
            f"look into {run.folder / 'crawl.log'}, then run this again"
        )


def outcome_counts(tables: Tables) -> dict[str, int]:
    """Firms per outcome word of their newest visit; firms whose words were imported were not visited."""
    sites = tables.read_arrow("sites", ["source", "outcome"])
    found = Counter[str]()
    for row in sites.group_by(["source", "outcome"]).aggregate([([], "count_all")]).to_pylist():
        if row["source"] != "texts":
            found[row["outcome"]] += row["count_all"]
    return dict(sorted(found.items()))
