"""The crawl stage: visit the sites that are due and put what they say into sites, pages and fetches.

Sites are committed in batches, ``sites`` last: a firm counts as visited only when everything about it is in the lake.
They are visited shard by shard, in the order in which the tables hold them: a commit then touches few files.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from crawler.errors import CrawlerError, CrawlPausedError
from crawler.opt_out import parse
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl
from crawler.rendering import crawl_and_render
from pipelines.changes import Known, Row
from pipelines.errors import FirmscopeError, InterruptedRunError, UsageError
from pipelines.firm_texts import Tables
from pipelines.known_pages import known_pages
from pipelines.runs import Run
from pipelines.scheduling import UNVISITED, Bounds, is_due
from pipelines.site_owners import SiteOwners
from pipelines.store import Lake, shard_of
from pipelines.tables import PAGES, TABLES
from pipelines.visits import Rules, after_visit, keeps_words, no_website
from pipelines.workspace import Workspace

# A kill loses at most this much; a commit rewrites the shards in which it changes a firm that was there before.
BATCH_SITES = 500
BATCH_CHARS = 8_000_000  # of text: 170 sites of 20 pages
BATCH_S = 30.0

DUE_BY = ["firm_id", "source", "website", "outcome", "crawled_at", "due_at", "not_before"]

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
    lake, config = run.workspace.lake, run.workspace.config
    now = now or datetime.now(UTC)
    firms = lake.read_arrow("firms", ["firm_id", "website"]).to_pylist()
    held = {row["firm_id"]: row for row in lake.read_arrow("sites", DUE_BY).to_pylist()}
    websites: dict[str, str | None] = {row["firm_id"]: row["website"] for row in firms}
    bounds = crawl_rules(run.workspace).bounds
    due = sorted(
        (firm_id for firm_id, website in websites.items() if is_due(held.get(firm_id), website, now, bounds)),
        key=lambda firm_id: (shard_of(firm_id, lake.shards), firm_id),
    )
    with run.stage("crawl") as counts:
        counts.rows_in = len(websites)
        counts.unchanged = len(websites) - len(due)
        known = known_pages(lake, [firm_id for firm_id in due if _is_same_site(held.get(firm_id), websites[firm_id])])
        targets = [
            CrawlTarget(firm_id, website, known.pop(firm_id, ())) for firm_id in due if (website := websites[firm_id])
        ]
        if targets and not config.crawl.contact:
            raise UsageError(
                "crawl.contact is not set: site owners must be able to reach you; set it with: "
                "firmscope config set crawl.contact YOU@YOUR-ORGANISATION"
            )
        settings = crawl_settings(run.workspace) if targets else None
        commit(run, [no_website(firm_id, now) for firm_id in due if not websites[firm_id]])
        if settings is not None:
            if settings.allow_addresses:
                run.notes["allowed_addresses"] = list(settings.allow_addresses)
            _visit(run, targets, settings, progress)
        run.notes["outcomes"] = outcome_counts(run.workspace.lake)
        _refuse_broken_crawl(run, targets)


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


def _visit(run: Run, targets: Sequence[CrawlTarget], settings: CrawlSettings, progress: Progress) -> None:
    batch: list[SiteCrawl] = []
    owners, chars, since = SiteOwners(run.workspace.lake), 0, time.monotonic()
    progress(0, len(targets))
    try:
        visits = crawl_and_render(targets, settings, run.workspace.archive_folder, run.folder)
        for done, visit in enumerate(visits, start=1):
            batch.append(visit)
            chars += sum(len(page.text) for page in visit.pages)
            progress(done, len(targets))
            if len(batch) >= BATCH_SITES or chars >= BATCH_CHARS or time.monotonic() - since > BATCH_S:
                commit(run, batch, owners=owners)
                batch, chars, since = [], 0, time.monotonic()
    except CrawlPausedError as error:
        commit(run, batch, owners=owners)
        run.notes |= {"paused": error.cause, "outcomes": outcome_counts(run.workspace.lake)}
        raise InterruptedRunError(
            f"{error}; what was read is kept and nothing was published, the same command goes on from there"
        ) from error
    except (KeyboardInterrupt, CrawlerError):
        commit(run, batch, owners=owners)
        raise
    commit(run, batch, owners=owners)


def _refuse_broken_crawl(run: Run, targets: Sequence[CrawlTarget]) -> None:
    """A crawl that hardly happened must not go on to be published as figures."""
    due = {target.firm_id for target in targets}
    ended = run.workspace.lake.read_arrow("sites", ["firm_id", "outcome", "reason"]).to_pylist()
    unvisited = [row for row in ended if row["firm_id"] in due and row["outcome"] in UNVISITED]
    if len(unvisited) > len(due) / 2:
        raise FirmscopeError(
            f"{len(unvisited)} of {len(due)} sites were not visited ({unvisited[0]['reason']}); nothing was published: "
            f"look into {run.folder / 'crawl.log'}, then run this again"
        )


def outcome_counts(tables: Tables) -> dict[str, int]:
    """Firms per outcome word of their newest visit; firms whose words were imported were not visited."""
    sites = tables.read_arrow("sites", ["source", "outcome"]).to_pylist()
    return dict(sorted(Counter(row["outcome"] for row in sites if row["source"] != "texts").items()))


def _is_same_site(held: dict[str, Any] | None, website: str | None) -> bool:
    return held is not None and website is not None and held["website"] == website
