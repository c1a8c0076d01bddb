"""What a visit makes of what is held: a table of nights and what is left in the lake after them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawler.records import Fetch, Page, SiteCrawl
from pipelines.crawling import commit
from pipelines.runs import start_run
from pipelines.visits import no_website
from pipelines.workspace import Workspace

FIRST = datetime(2026, 11, 20, 1, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)
SITE = "http://firm.example/"
PAGES = ("", "about", "products")


def fetch(path: str, at: datetime, outcome: str = "ok", status: int | None = 200) -> Fetch:
    return Fetch("f", SITE + path, outcome, status, at, "", "", "", "", f"a.warc.gz:{at.day}", "link")


def page(path: str, text: str = "words") -> Page:
    return Page("f", SITE + path, "Title", "en", f"{text} of /{path}", f"digest of {text} {path}", "other")


def visit(at: datetime, outcome: str = "ok", **changes: Any) -> SiteCrawl:
    paths = changes.pop("paths", PAGES if outcome == "ok" else ())
    text = changes.pop("text", "words")
    made = SiteCrawl(
        "f", SITE, SITE, outcome, "reason", at, at,
        fetches=tuple(fetch(path, at) for path in paths), pages=tuple(page(path, text) for path in paths),
    )  # fmt: skip
    return replace(made, **changes)


def after(workspace: Workspace, *visits: SiteCrawl) -> dict[str, str]:
    """Paths of the pages held after these visits, with the day of their reading."""
    for made in visits:
        with start_run(workspace, "crawl") as run, run.stage("crawl") as counts:
            counts.rows_in = 1
            commit(run, [made])
    rows = sorted(workspace.lake.read_arrow("pages").to_pylist(), key=lambda row: row["position"])
    assert [row["position"] for row in rows] == list(range(len(rows)))
    sites = workspace.lake.read_arrow("sites").to_pylist()
    assert [row["pages"] for row in sites] == [len(rows)]
    return {row["url"].removeprefix(SITE): f"{row['read_at']:%d} {row['archive_ref']}" for row in rows}


OLD, NEW = "20 a.warc.gz:20", "21 a.warc.gz:21"


@pytest.mark.parametrize(
    ("second", "left"),
    [
        pytest.param(visit(SECOND), dict.fromkeys(PAGES, OLD), id="nothing changed"),
        pytest.param(visit(SECOND, text="new words"), dict.fromkeys(PAGES, NEW), id="every page changed"),
        pytest.param(visit(SECOND, paths=("", "about")), {"": OLD, "about": OLD}, id="a page is no longer linked"),
        pytest.param(visit(SECOND, "connect_failed"), dict.fromkeys(PAGES, OLD), id="down tonight"),
        pytest.param(visit(SECOND, "http_error"), dict.fromkeys(PAGES, OLD), id="failing tonight"),
        pytest.param(visit(SECOND, "robots_disallowed"), {}, id="robots.txt says no"),
        pytest.param(visit(SECOND, "parked"), dict.fromkeys(PAGES, OLD), id="parked"),
        pytest.param(visit(SECOND, "empty"), dict.fromkeys(PAGES, OLD), id="nothing to read tonight"),
        pytest.param(visit(SECOND, "redirect_offsite"), {}, id="moved to another domain"),
        pytest.param(visit(SECOND, "connect_failed", website="http://other.example/"), {}, id="another website, down"),
        pytest.param(
            visit(SECOND, paths=("",), flags=("partial",),
                  fetches=(fetch("", SECOND), fetch("about", SECOND, "http_error", 503))),
            dict.fromkeys(PAGES, OLD), id="sub-pages failing: those and the untried stay",
        ),
        pytest.param(
            visit(SECOND, paths=("",), flags=("partial",),
                  fetches=(fetch("", SECOND), fetch("about", SECOND, "http_error", 404))),
            {"": OLD, "products": OLD}, id="a sub-page gone for good goes, beside failures",
        ),
        pytest.param(no_website("f", SECOND), {}, id="no website any more"),
    ],
)  # fmt: skip
def test_second_night(workspace: Workspace, second: SiteCrawl, left: dict[str, str]) -> None:
    assert after(workspace, visit(FIRST), second) == left


def test_the_same_night_twice_changes_no_pages(workspace: Workspace) -> None:
    after(workspace, visit(FIRST))
    before = workspace.lake.snapshots()["pages"]
    after(workspace, visit(SECOND))
    assert workspace.lake.snapshots()["pages"] == before


def test_a_url_tried_twice_is_one_row_with_the_last_try(workspace: Workspace) -> None:
    twice = (fetch("", FIRST, "timeout", None), fetch("", FIRST + timedelta(seconds=9)))
    after(workspace, visit(FIRST, paths=("",), fetches=twice))
    rows = workspace.lake.read_arrow("fetches").to_pylist()
    assert [(row["url"], row["outcome"]) for row in rows] == [(SITE, "ok")]
