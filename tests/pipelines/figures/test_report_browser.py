"""The report in a real browser: it opens from the disk, asks for nothing else, breaks no rule of its own policy."""

import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pipelines.reporting import build_report
from pipelines.reporting.content import PublicationNote
from pipelines.reporting.quality_content import (
    Audited,
    Calibrated,
    Calibration,
    Measure,
    QualityInput,
    Reach,
    card_parts,
)
from tests.browser import WIDTHS, Axe, Visit
from tests.pipelines.figures.conftest import small_list
from tests.pipelines.reporting.listing import listing

KINDS = ("index.html", "quality.html", "left-out.html", "cluster-aerospace.html", "cluster-textiles.html")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the small, hostile list, as it was written."""
    return build_report(tmp_path_factory.mktemp("small"), small_list())


@pytest.fixture
def report(written: Path, tmp_path: Path) -> Path:
    """The same, to be opened or spoilt."""
    shutil.copytree(written.parent, tmp_path / "report")
    return tmp_path / "report" / written.name


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a list with years and places, audits, calibration and a model card; its overview."""
    bins = ((90, 0.1, 0.08, 0.04, 0.15), (10, 0.9, 0.8, 0.5, 0.95))
    audit = Audited("rail", "a1", "2026-04-02", 100, 90, 80, (85, 81), Measure(0.9, 0.8, 0.97), None, this_model=False)
    quality = QualityInput(
        by_area=(Reach("Region", 10.0, 5.0), Reach("not known", 3.0, 0.0)),
        area_kind="region",
        by_size=(Reach("10 to 49", 10.0, 5.0), Reach("250 and more", 0.0, 0.0)),
        audits=(audit,),
        calibrated=Calibrated("labelled firms", "run-7", (Calibration("rail", bins),)),
        card=card_parts("# Card\n\nWords.\n\n| a | b |\n|---|---|\n| c | d |\n\n- item\n"),
        trained_on=(0, 12),
    )
    measured = {"rail": {"judged": 100, "includes": 12, "precision": 0.75, "recall": 0.5, "f1": 0.6, "ece": 0.01}}
    note = PublicationNote("The gate let it pass.", "looked at", "Coverage fell.")
    given = replace(listing(), quality=quality, measured=measured, publication=note)
    return build_report(tmp_path_factory.mktemp("rich"), given)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (400, True)], ids=["wide", "narrow"])
@pytest.mark.parametrize("file", KINDS)
def test_opens_quietly_at_every_width_and_in_both_schemes(
    browser: Browser, report: Path, axe: Axe, file: str, width: int, dark: bool
) -> None:
    visit = Visit(browser, report.with_name(file), width, dark)
    for scheme in (dark, not dark):
        visit.shown(width, scheme)
        assert visit.number("document.documentElement.scrollWidth") <= width
        ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 25, 27)" if scheme else "rgb(253, 252, 250)")  # so the policy let the style sheet in
        assert axe(visit.page) == []
    assert visit.said == []
    assert visit.asked == [visit.url]
    visit.close()


@pytest.mark.parametrize("file", ["index.html", "quality.html", "cluster-rail.html", "cluster-bakers.html"])
def test_a_full_report_has_no_grave_finding(browser: Browser, rich: Path, axe: Axe, file: str) -> None:
    visit = Visit(browser, rich.with_name(file))
    visit.page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    for width, dark in product(WIDTHS, (False, True)):
        visit.shown(width, dark)
        assert axe(visit.page) == [], (width, dark)
        assert visit.number("document.documentElement.scrollWidth") <= width, (width, dark)
    assert visit.said == []
    visit.close()


def test_axe_finds_what_is_wrong(browser: Browser, rich: Path, axe: Axe) -> None:
    visit = Visit(browser, rich)
    visit.page.evaluate("document.querySelector('#find').parentElement.replaceWith(document.querySelector('#find'))")
    assert [line.split(":")[0] for line in axe(visit.page)] == ["critical label"]
    visit.close()


def _order(visit: Visit, tier: str) -> list[str]:
    rows = visit.page.locator(f"#glance tbody[data-tier={tier}] tr:not(.tier):visible th a")
    return rows.all_inner_texts()


def test_the_table_is_sorted_by_keyboard_and_says_so(browser: Browser, rich: Path) -> None:
    visit = Visit(browser, rich)
    assert _order(visit, "established") == ["Rail", "Bakers"]
    assert _order(visit, "new_economy") == ["Cyber <i>& co", "Nobody"]
    glance = visit.page.locator("#glance")
    head = glance.get_by_role("columnheader", name="Businesses", exact=True)
    button = head.get_by_role("button")
    button.focus()
    visit.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert _order(visit, "established") == ["Rail", "Bakers"]
    visit.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert _order(visit, "established") == ["Bakers", "Rail"]
    assert _order(visit, "new_economy") == ["Nobody", "Cyber <i>& co"]
    expect(visit.page.get_by_role("status")).to_have_text("Each tier by businesses, smallest first")
    quotient = glance.get_by_role("columnheader", name="Location quotient")
    for last in ("descending", "ascending"):
        quotient.get_by_role("button").click()
        assert quotient.get_attribute("aria-sort") == last
        assert _order(visit, "new_economy")[-1] == "Nobody"  # what is not known comes last either way
    assert head.get_attribute("aria-sort") is None
    assert visit.said == []
    visit.close()


def test_the_table_is_filtered_by_words_and_tier(browser: Browser, rich: Path) -> None:
    visit = Visit(browser, rich)
    status = visit.page.get_by_role("status")
    visit.page.get_by_label("Find a cluster").fill("  BAK")
    assert _order(visit, "established") == ["Bakers"]
    assert _order(visit, "super") == []
    expect(status).to_have_text("1 of 5 clusters")
    visit.page.get_by_label("Find a cluster").fill("zzz")
    expect(status).to_have_text("0 of 5 clusters")
    visit.page.emulate_media(media="print")
    assert _order(visit, "established") == ["Rail", "Bakers"]  # paper has them all
    visit.page.emulate_media(media="screen")
    visit.page.get_by_label("Find a cluster").fill("")
    visit.page.get_by_label("Tier").select_option("new_economy")
    expect(status).to_have_text("2 of 5 clusters")
    assert _order(visit, "established") == []
    visit.close()


def test_without_script_the_table_is_whole_and_nothing_dead_stands_there(browser: Browser, rich: Path) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(rich.as_uri())
    assert page.locator("#glance tbody tr:not(.tier):visible").count() == 5
    assert page.get_by_role("button").count() == 0
    assert not page.get_by_label("Find a cluster").is_visible()
    context.close()


def test_on_a_phone_every_figure_has_its_name(browser: Browser, rich: Path) -> None:
    visit = Visit(browser, rich, width=400)
    table = visit.page.locator("#glance")
    assert table.get_by_role("columnheader").count() >= 8
    assert table.get_by_role("rowheader").count() == 5 + 3
    names = visit.page.eval_on_selector_all(
        "#glance tbody tr:not(.tier) td", "cells => cells.map(cell => getComputedStyle(cell, '::before').content)"
    )
    assert len(names) == 5 * 8
    assert not {name for name in names if name in ("none", '""')}
    visit.close()


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """A listening socket that stands for another host."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        yield listening


def _heard(elsewhere: socket.socket) -> bytes:
    """What the first caller said; Chromium may open a connection ahead of a frame that the policy then forbids."""
    try:
        connection, _ = elsewhere.accept()
    except TimeoutError:
        return b""
    with connection:
        connection.settimeout(elsewhere.gettimeout())
        try:
            return connection.recv(4096)
        except TimeoutError:
            return b""


def _inject(report: Path, html: str) -> None:
    whole = report.read_text(encoding="utf-8")
    report.write_text(whole.replace('<main id="main">', f'<main id="main">{html}'), encoding="utf-8")


@pytest.mark.parametrize(
    "injected",
    [
        '<script>alert("ran")</script>',
        '<p style="color: red">',
        "<style>p { color: red }</style>",
        '<img src="x" onerror="alert(1)">',
        '<img src="http://HOST/x.png">',
        '<link rel="stylesheet" href="http://HOST/x.css">',
        '<iframe src="http://HOST/"></iframe>',
    ],
    ids=["script", "style attribute", "style sheet", "handler", "picture", "linked style sheet", "frame"],
)
def test_the_policy_would_stop_what_slipped_through(
    browser: Browser, report: Path, elsewhere: socket.socket, injected: str
) -> None:
    _inject(report, injected.replace("HOST", f"127.0.0.1:{elsewhere.getsockname()[1]}"))
    visit = Visit(browser, report)
    assert any("Content Security Policy" in line for line in visit.said), visit.said
    assert not [line for line in visit.said if line.startswith("dialog")]
    assert _heard(elsewhere) == b""
    visit.close()


def test_without_the_policy_the_other_host_would_be_asked(
    browser: Browser, report: Path, elsewhere: socket.socket
) -> None:
    whole = report.read_text(encoding="utf-8")
    report.write_text(whole.replace("Content-Security-Policy", "x-none"), encoding="utf-8")
    _inject(report, f'<script src="http://127.0.0.1:{elsewhere.getsockname()[1]}/x.js" async></script>')
    context = browser.new_context()
    context.new_page().goto(report.as_uri(), wait_until="commit")
    elsewhere.settimeout(10)
    assert _heard(elsewhere).startswith(b"GET /x.js")
    context.close()


def test_bars_are_as_long_as_their_figures(browser: Browser, report: Path) -> None:
    visit = Visit(browser, report)
    widths = visit.page.eval_on_selector_all(
        "rect.bar", "bars => bars.map(bar => bar.getBoundingClientRect().width / bar.ownerSVGElement.clientWidth)"
    )
    assert widths == pytest.approx([3 / 3, 2 / 3, 1 / 3, 1 / 3], abs=0.01)  # transport, aerospace, space tech, cyber
    assert visit.page.get_by_role("img", name="Super clusters: businesses in each cluster").count() == 1
    visit.close()


def test_lists_that_are_folded_on_screen_are_printed(browser: Browser, report: Path) -> None:
    visit = Visit(browser, report.with_name("left-out.html"))
    height = "document.querySelector('#unread details:not([open]) tbody tr').getBoundingClientRect().height"
    hidden = (
        "document.querySelector('#unread details:not([open]) tbody tr').checkVisibility({contentVisibilityAuto: true})"
    )
    assert visit.page.evaluate(hidden) is False
    visit.page.emulate_media(media="print")
    assert visit.page.evaluate(hidden) is True
    assert visit.number(height) > 10
    visit.close()


def test_stacked_lists_stay_tables_to_a_screen_reader(browser: Browser, report: Path) -> None:
    visit = Visit(browser, report.with_name("cluster-transport.html"), width=400)
    table = visit.page.locator("table.firms")
    assert table.get_by_role("row").count() == 4
    assert table.get_by_role("columnheader").count() == 5
    assert table.get_by_role("rowheader").count() == 3
    visit.close()
