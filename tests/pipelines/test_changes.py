"""What a night does to the ledger: outcome, dates, history, fetches and marks, as a table of nights, without a lake."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawler.records import Fetch, Mark, Page, SiteCrawl
from pipelines.changes import Known
from pipelines.scheduling import Bounds
from pipelines.visits import After, Rules, after_visit, no_website

FIRST = datetime(2026, 1, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SITE = "http://firm.example/"
RULES = Rules(Bounds.of(20, 672), timedelta(days=90))


def fetch(path: str, at: datetime, outcome: str = "ok", status: int | None = 200, chosen: str = "link") -> Fetch:
    return Fetch("f", SITE + path, outcome, status, at, f'"{path}"', "", "digest", "", f"a.warc.gz:{at.day}", chosen)


def page(path: str, text: str = "words", title: str = "Title") -> Page:
    return Page("f", SITE + path, title, "en", f"{text} of /{path}", f"digest of {text} {path}", "other")


def visit(day: int, outcome: str = "ok", **changes: Any) -> SiteCrawl:
    at = FIRST + day * DAY
    paths = changes.pop("paths", ("", "about") if outcome == "ok" else ())
    text = changes.pop("text", "words")
    made = SiteCrawl(
        "f", SITE, SITE if outcome == "ok" else "", outcome, "why", at, at,
        fetches=tuple(fetch(path, at) for path in paths), pages=tuple(page(path, text) for path in paths),
    )  # fmt: skip
    return replace(made, **changes)


def after(*visits: SiteCrawl, rules: Rules = RULES) -> After:
    known, made = Known(), None
    for night in visits:
        made = after_visit(night, known, rules)
        known = Known(made.site, made.pages, made.fetches, made.marks)
    assert made is not None
    return made


def down(*days: int) -> list[SiteCrawl]:
    return [visit(day, "connect_failed") for day in days]


CUT: dict[str, Any] = {"flags": ("parse_cut",)}
PARTIAL: dict[str, Any] = {"flags": ("partial",)}


@pytest.mark.parametrize(
    ("nights", "outcome", "compared", "failures"),
    [
        pytest.param([visit(0)], "ok", "0/0", 0, id="first night"),
        pytest.param([visit(0), visit(1)], "unchanged", "0/1", 0, id="same words"),
        pytest.param([visit(0), visit(1), visit(2)], "unchanged", "0/2", 0, id="same words again"),
        pytest.param([visit(0), visit(1, text="new")], "ok", "1/1", 0, id="new words"),
        pytest.param([visit(0), visit(1, paths=("about", ""))], "unchanged", "0/1", 0, id="read in another order"),
        pytest.param([visit(0), visit(1, paths=("",))], "ok", "1/1", 0, id="a page less"),
        pytest.param([visit(0), visit(1, **CUT)], "ok", "0/0", 0, id="cut, against uncut"),
        pytest.param([visit(0, **CUT), visit(1)], "ok", "0/0", 0, id="uncut, against cut"),
        pytest.param([visit(0, **CUT), *down(1), visit(2)], "ok", "0/0", 0, id="uncut, against cut, a failure between"),
        pytest.param([visit(0, **CUT), visit(1, **CUT)], "unchanged", "0/1", 0, id="cut both times"),
        pytest.param([visit(0), visit(1, paths=("",), **PARTIAL)], "ok", "0/0", 0, id="ended early: too little seen"),
        pytest.param([visit(0), visit(1, paths=("",), text="new", **PARTIAL)], "ok", "1/1", 0, id="ended early, new"),
        pytest.param([visit(0), *down(1)], "connect_failed", "0/0", 1, id="down"),
        pytest.param([visit(0), *down(1, 2, 3)], "connect_failed", "0/0", 3, id="down for three visits"),
        pytest.param([visit(0), *down(1), visit(2)], "unchanged", "0/1", 0, id="down, and back as it was"),
        pytest.param([visit(0), *down(1), visit(2, "not_attempted")], "not_attempted", "0/0", 1, id="our own doing"),
        pytest.param([visit(0), visit(1, "internal_error"), visit(2)], "unchanged", "0/1", 0, id="our fault, then not"),
        pytest.param([visit(0), visit(1, "parked")], "parked", "1/1", 0, id="parked now"),
        pytest.param([visit(0, "parked"), visit(1, "parked")], "parked", "0/1", 0, id="parked still"),
        pytest.param([visit(0), visit(1, "parked"), visit(2, "parked")], "parked", "1/2", 0, id="parked twice"),
        pytest.param([visit(0), visit(1, "parked"), *down(2), visit(3, "parked")], "parked", "1/1", 0, id="and down"),
        pytest.param([visit(0, "parked"), visit(1)], "ok", "1/1", 0, id="parked no more"),
        pytest.param([visit(0, "timeout"), visit(1)], "ok", "0/0", 0, id="never read before"),
        pytest.param([visit(0), visit(1), visit(2, website="http://new.example/")], "ok", "0/0", 0, id="another site"),
        pytest.param([visit(0), *down(89)], "connect_failed", "0/0", 1, id="down, words 89 days old"),
        pytest.param([visit(0), *down(1, 90)], "gone", "0/0", 2, id="down, words 90 days old"),
        pytest.param([visit(0), visit(60), *down(120)], "connect_failed", "0/1", 1, id="counted from the last reading"),
        pytest.param([visit(0), *down(90, 99)], "gone", "0/0", 2, id="gone still"),
        pytest.param([visit(0), *down(90), visit(91)], "ok", "0/0", 0, id="gone, and back"),
        pytest.param(down(0, 200), "connect_failed", "0/0", 2, id="never read, so nothing to be gone"),
        pytest.param([visit(0), visit(95, "not_attempted")], "not_attempted", "0/0", 0, id="we stayed away ourselves"),
        pytest.param([visit(0), visit(99, "opted_out")], "opted_out", "1/1", 0, id="owner's wish"),
        pytest.param([visit(0), no_website("f", FIRST + DAY)], "bad_url", "0/0", 0, id="no website any more"),
    ],
)  # fmt: skip
def test_ledger(nights: list[SiteCrawl], outcome: str, compared: str, failures: int) -> None:
    site = after(*nights).site
    assert (site["outcome"], f"{site['changes']}/{site['visits']}", site["failures"]) == (outcome, compared, failures)


@pytest.mark.parametrize(
    ("last", "paths"),
    [
        pytest.param(visit(1, "connect_failed"), ["", "about"], id="down: words stay"),
        pytest.param(visit(1, "truncated"), ["", "about"], id="cut short on the way: words stay"),
        pytest.param(visit(91, "connect_failed"), [], id="gone: words go"),
        pytest.param(visit(1, "opted_out"), [], id="opted out: words go at once"),
        pytest.param(visit(1, "noindex"), [], id="noindex: words go at once"),
        pytest.param(visit(1, "robots_disallowed"), [], id="robots.txt: words go at once"),
        pytest.param(
            visit(1, paths=("",), fetches=(fetch("", FIRST), fetch("about", FIRST, "skipped", None)), **PARTIAL),
            ["", "about"], id="page budget used up: a page skipped is not a page gone",
        ),
        pytest.param(
            visit(1, paths=("",), fetches=(fetch("", FIRST), fetch("about", FIRST, "noindex")), **PARTIAL),
            [""], id="ended early: a page that is noindex now goes",
        ),
    ],
)  # fmt: skip
def test_words_kept(last: SiteCrawl, paths: list[str]) -> None:
    left = after(visit(0), last)
    assert [row["url"].removeprefix(SITE) for row in left.pages] == paths
    assert left.site["pages"] == len(paths)
    assert all(row["archive_ref"] == "a.warc.gz:1" for row in left.pages)


def test_gone_says_since_when_and_why() -> None:
    site = after(visit(0), *down(100)).site
    assert site["reason"] == "last read on 01 January 2026, more than 90 days ago; now connect_failed: why"
    assert site["last_ok_at"] == FIRST
    assert after(visit(0), *down(1), rules=replace(RULES, keep_text=timedelta(0))).site["outcome"] == "gone"


def test_an_unchanged_site_leaves_its_pages_as_they_stand() -> None:
    first = after(visit(0))
    retitled = visit(1, pages=(page("about", title="(3) Title"), page("", title="12:01")))
    assert after(visit(0), retitled).pages == first.pages


def test_what_a_lake_of_the_release_before_knows() -> None:
    """Its rows of ``sites`` have none of the columns that history is kept in."""
    row = dict.fromkeys(after(visit(0)).site) | {
        "website": SITE, "outcome": "ok", "crawled_at": FIRST, "flags": [], "source": "crawl",
    }  # fmt: skip
    known = Known(row, after(visit(0)).pages)
    same, failed = after_visit(visit(1), known, RULES).site, after_visit(visit(91, "timeout"), known, RULES).site
    assert (same["outcome"], same["visits"], same["watched_h"]) == ("unchanged", 1, 24)
    assert (failed["outcome"], failed["last_ok_at"]) == ("gone", FIRST)
    down_then = Known(row | {"outcome": "timeout", "crawled_at": FIRST + 80 * DAY}, known.pages)
    assert after_visit(visit(91, "timeout"), down_then, RULES).site["outcome"] == "gone"


@pytest.mark.parametrize(
    ("statuses", "days"),
    [
        pytest.param([403, 403], (25, 28), id="403 throughout"),
        pytest.param([403, 401], (25, 28), id="401 and 403"),
        pytest.param([403, 503], (3, 4), id="something else too"),
    ],
)
def test_a_site_that_refuses_us_throughout_is_left_alone(statuses: list[int], days: tuple[float, float]) -> None:
    def night(day: int) -> SiteCrawl:
        at = FIRST + day * DAY
        robots = fetch("robots.txt", at, chosen="robots.txt")
        answers = [fetch(str(status), at, "http_error", status) for status in statuses]
        return visit(day, "http_error", fetches=(robots, *answers))

    site = after(night(0), night(1), night(2)).site
    assert days[0] <= (site["due_at"] - site["crawled_at"]) / DAY <= days[1]


def test_a_wait_that_was_asked_for_outlives_a_night_on_which_we_stayed_away() -> None:
    until = FIRST + 9 * DAY
    asked = visit(0, "http_error", not_before=until)
    assert after(asked).site["due_at"] == until
    assert after(asked, visit(1, "not_attempted")).site["not_before"] == until
    assert after(asked, visit(9)).site["not_before"] is None


def test_news_that_a_killed_run_had_put_into_pages_but_not_into_the_ledger_are_news_still() -> None:
    first, torn = after(visit(0)), after(visit(0), visit(1, text="new"))
    again = after_visit(visit(2, text="new"), Known(first.site, torn.pages), RULES)
    assert (again.site["outcome"], again.site["changes"], again.pages) == ("ok", 1, torn.pages)


MARKS = (
    Mark("company_number", "01234567", "registered in England", SITE + "about", "about"),
    Mark("postcode", "NG7 2RD", "registered", SITE, "home"),
)


@pytest.mark.parametrize(
    ("last", "values"),
    [
        pytest.param(visit(1, marks=MARKS), {"01234567", "NG7 2RD"}, id="there still"),
        pytest.param(visit(1, marks=MARKS[:1]), {"01234567"}, id="one is gone"),
        pytest.param(visit(1, "timeout"), {"01234567", "NG7 2RD"}, id="down: marks stay with their pages"),
        pytest.param(visit(1, paths=("",), marks=(), **PARTIAL), {"01234567"}, id="only the home page was read"),
        pytest.param(visit(1, "parked"), {"01234567", "NG7 2RD"}, id="parked: they stay for a while"),
        pytest.param(visit(91, "parked"), set(), id="parked, and last read long ago: they go"),
    ],
)
def test_marks(last: SiteCrawl, values: set[str]) -> None:
    assert {row["value"] for row in after(visit(0, marks=MARKS), last).marks} == values


def test_pages_kept_stay_known_and_each_url_has_one_row() -> None:
    """The validators of a page that could not be tried tonight are of use tomorrow."""
    second = visit(
        1, paths=("",), flags=("partial",), fetches=(
            fetch("", FIRST + DAY, "timeout", None), fetch("", FIRST + DAY),
            fetch("about", FIRST + DAY, "skipped", None), fetch("basket", FIRST + DAY, "skipped", None),
        ),
    )  # fmt: skip
    rows = {row["url"].removeprefix(SITE): row for row in after(visit(0), second).fetches}
    assert {url: (row["outcome"], row["fetched_at"].day) for url, row in rows.items()} == {
        "": ("ok", 2), "about": ("ok", 1), "basket": ("skipped", 2),
    }  # fmt: skip
    assert rows["about"]["etag"] == '"about"'
