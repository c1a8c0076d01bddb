"""The flat map in a real browser: with the pointer, with the keyboard alone, without a script, on a phone, on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pipelines.maps.content import HexMap
from pipelines.maps.ground import Ground
from pipelines.maps.hexagons import page_map
from pipelines.reporting import html
from pipelines.reporting.page import outside
from tests.browser import Axe, Visit
from tests.pipelines.maps.conftest import DERBY, NOTTINGHAM, cells, many, rows

TAB_STOP = ".map-cells [tabindex='0']"


def _page(folder: Path, hex_map: HexMap | None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page with nothing but a map, through the same door as the report's."""
    templates = folder / "templates"
    shutil.copytree(html.TEMPLATES, templates)
    shutil.copy(Path(__file__).parent / "map_page.html.j2", templates)
    monkeypatch.setattr(html, "TEMPLATES", templates)
    return html.write_page(
        folder / "map.html", "map_page.html.j2", ["base.css", "map.css"], {"outside": outside},
        scripts=["map.js"], map=hex_map,
    )  # fmt: skip


@pytest.fixture
def page(tmp_path: Path, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A map of four hexagons in a row, from west to east, with something withheld and something not known."""
    import h3

    east = sorted(h3.grid_disk(NOTTINGHAM, 1), key=lambda cell: h3.cell_to_latlng(cell)[1])[-1]
    made = page_map(
        cells(
            rows(DERBY, 2, 30, None),
            rows(NOTTINGHAM, 12, 5, 5_230_000),
            rows(east, None, None, None, flags=("suppressed",)),
            rows("unknown", 3),
        ),
        ground,
    )
    return _page(tmp_path, made, monkeypatch)


@pytest.fixture
def visit(browser: Browser, page: Path) -> Iterator[Visit]:
    """The page, opened."""
    opened = Visit(browser, page)
    yield opened
    assert opened.said == []
    assert opened.asked == [opened.url]
    opened.close()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_read_it(browser: Browser, page: Path, axe: Axe, width: int, dark: bool) -> None:
    visit = Visit(browser, page, width, dark)
    assert visit.said == []
    assert visit.asked == [visit.url]
    assert visit.number("document.documentElement.scrollWidth") <= width
    visit.page.get_by_text("The map as a table").click()
    assert visit.number("document.documentElement.scrollWidth") <= width
    assert axe(visit.page) == []
    land = visit.page.evaluate("getComputedStyle(document.querySelector('.map-districts path')).fill")
    assert land == ("rgb(30, 37, 40)" if dark else "rgb(253, 252, 250)")
    visit.close()


def test_the_pointer_shows_figures(visit: Visit) -> None:
    visit.page.locator(".map-cells path").first.hover()
    says = visit.page.locator(".map-says")
    assert says.inner_text() == visit.page.locator(".map-cells path title").first.text_content()
    assert says.get_attribute("aria-live") == "polite"


def test_the_keyboard_goes_from_hexagon_to_hexagon(visit: Visit) -> None:
    page = visit.page
    assert page.locator(TAB_STOP).count() == 1
    _tab_to_map(page)
    assert "12 businesses" in page.inner_text(".map-says")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text(".map-says").startswith("Derby")
    page.keyboard.press("ArrowLeft")  # nothing is further west
    assert page.inner_text(".map-says").startswith("Derby")
    page.keyboard.press("ArrowRight")
    assert "12 businesses" in page.inner_text(".map-says")
    page.keyboard.press("ArrowRight")
    assert "businesses withheld" in page.inner_text(".map-says")
    assert page.locator(TAB_STOP).count() == 1
    assert page.get_by_role("option", selected=True).count() == 1
    assert page.inner_text(".map-says") in page.get_by_role("listbox").aria_snapshot()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Nearer"


def test_coming_nearer_keeps_the_chosen_hexagon_in_view(visit: Visit) -> None:
    page = visit.page
    _tab_to_map(page)
    before = page.locator(TAB_STOP).bounding_box()
    for _ in range(3):
        page.keyboard.press("+")
    after, frame = page.locator(TAB_STOP).bounding_box(), page.locator(".map-svg").bounding_box()
    assert before
    assert after
    assert frame
    assert after["width"] == pytest.approx(8 * before["width"], rel=0.2)
    assert frame["x"] <= after["x"] <= frame["x"] + frame["width"]
    assert frame["y"] <= after["y"] <= frame["y"] + frame["height"]
    page.get_by_role("button", name="Whole map").click()
    whole = page.locator(TAB_STOP).bounding_box()
    assert whole
    assert whole["width"] == pytest.approx(before["width"])


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_figures_are_switched_with_and_without_a_script(browser: Browser, page: Path, script: bool) -> None:
    context = browser.new_context(java_script_enabled=script)
    opened = context.new_page()
    opened.goto(page.as_uri())
    cell = opened.locator(".map-cells path", has_text="Derby")
    fills = []
    for name, legend in (
        ("Businesses", "2 1 hexagon"),
        ("Employees", "30 1 hexagon"),
        ("Turnover", "£5.23m 1 hexagon"),
    ):
        opened.get_by_role("radio", name=name).check()
        shown = opened.locator(".map-legend").filter(visible=True)
        assert shown.count() == 1
        assert legend in " ".join(shown.inner_text().split())
        fills.append(cell.evaluate("cell => getComputedStyle(cell).fill") if script else None)
    if script:
        assert fills[0] != fills[1]  # the fewest businesses, the most employees
        assert fills[2] == "rgb(253, 252, 250)"  # turnover is not known
        hidden = opened.locator(".map-cells path", has_text="withheld")
        assert "#map-hatch" in hidden.evaluate("cell => getComputedStyle(cell).fill")
    assert opened.locator(".map-live").is_visible() is script
    assert cell.locator("title").text_content() is not None
    context.close()


def test_on_paper_the_table_is_there_and_the_buttons_are_not(visit: Visit) -> None:
    visit.page.emulate_media(media="print")
    assert not visit.page.locator(".map-buttons").is_visible()
    assert visit.page.locator(".map-svg").is_visible()
    assert (
        visit.page.evaluate("getComputedStyle(document.querySelector('.map-cells path')).printColorAdjust") == "exact"
    )


def test_two_thousand_hexagons_stay_light(tmp_path: Path, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = _page(tmp_path / "empty", page_map(cells(rows("unknown")), ground), monkeypatch)
    monkeypatch.undo()
    full = _page(tmp_path / "full", page_map(many(2_000), ground), monkeypatch)
    assert full.stat().st_size - empty.stat().st_size < 600_000


def test_a_map_of_nothing_is_a_sentence(
    browser: Browser, tmp_path: Path, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = Visit(browser, _page(tmp_path, page_map(cells(rows("unknown")), ground), monkeypatch))
    assert visit.said == []
    assert visit.page.locator(".hexmap svg, .hexmap input, .hexmap table").count() == 0
    assert "There is no map" in visit.page.inner_text(".hexmap")
    visit.close()


def _tab_to_map(page: Page) -> None:
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.map-cells path')"):
            return
    raise AssertionError("the Tab key does not reach the map")
