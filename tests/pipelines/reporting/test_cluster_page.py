"""A cluster's page: every number is its cell's, what is not known or withheld says so, strangers' words stay text."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from pipelines.figure_settings import RollupConfig
from pipelines.reporting import ReportInput
from pipelines.reporting.cluster_page import OPEN_PROVISOS, cluster_pages
from pipelines.reporting.formats import change, count, estimate, quotient, share
from pipelines.reporting.gathering import gather
from tests.browser import WIDTHS, Axe, Visit
from tests.pipelines.reporting.listing import listing
from tests.pipelines.reporting.reading import Page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = ("custom", "midlands_engine")
NAMES = {"E06000018": "Nottingham", "E08000025": "Birmingham", "E09000001": "City of London",
         "E06000012": "North East Lincolnshire"}  # fmt: skip
HOSTILE = '</li><script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}"{{7*7}}'


@pytest.fixture(scope="module")
def given() -> ReportInput:
    """The list with everything beside it that a page can show."""
    made = listing()
    return replace(
        made,
        published_metrics=pd.DataFrame(
            [("2.1 Patents <b>", "rail", "all", 1200.0, "patents", HOSTILE, 2025),
             ("2.1 Patents <b>", "rail", "midlands_engine", 300.0, "patents", HOSTILE, 2025)],
            columns=["metric", "cluster", "area", "value", "unit", "source", "year"],
        ),
        hotspots=pd.DataFrame(
            [("rail", 1, "Derby", 52.9, -1.4, ["x"], 7.5, 310.0, 0.4, ["E06000018", "E08000025"],
              ["E47000013", "E47000007"])],
            columns=["cluster", "hotspot", "nearest_town", "lat", "lon", "h3_cells", "businesses", "employees", "share",
                     "lad_codes", "cauth_codes"],
        ),
        related=pd.DataFrame(
            [("rail", "mobility", 19, 1.0, 1.5, 0.1), ("rail", "cyber", 2, 0.1, 0.25, None)],
            columns=["cluster", "other", "shared_firms", "share", "lift", "places"],
        ),
        distortions=pd.DataFrame(
            [("rail", "giant", f"F{place:03}", [f"F{place:03}"], 1.0, 10.0, None, place / 100,
              f"{HOSTILE} number {place}")
             for place in range(9)],
            columns=["cluster", "kind", "subject", "firm_ids", "businesses", "employees", "turnover_gbp", "share",
                     "sentence"],
        ),
        measured={"rail": {"f1": 0.71, "ece": 0.012, "includes": 20}},
    )  # fmt: skip


@pytest.fixture(scope="module")
def pages(given: ReportInput, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every page, by cluster."""
    return _pages(given, tmp_path_factory.mktemp("report"))


def _pages(given: ReportInput, folder: Path) -> dict[str, str]:
    written = cluster_pages(folder, given, gather(given))
    return {file.stem.removeprefix("cluster-"): file.read_text(encoding="utf-8") for file in written}


def _cell(given: ReportInput, *key: str) -> dict[str, Any]:
    names = ("cluster", "area_kind", "area_code", "metric", "period")
    frame = given.cells
    for name, value in zip(names, key, strict=True):
        frame = frame[frame[name] == value]
    (row,) = frame.to_dict("records")
    return {str(name): value for name, value in row.items()}


def _words(html: str) -> str:
    return " ".join(" ".join(Page(html).text).split())


def _rows(html: str) -> list[list[str]]:
    return [[" ".join(cell.split()) for cell in row] for row in Page(html).rows]


def _of(html: str, section: str) -> str:
    found = re.search(rf'<section id="{section}".*?</section>', html, re.DOTALL)
    assert found, section
    return found[0]


def test_there_is_a_page_for_every_sector_and_gathering(pages: dict[str, str]) -> None:
    assert list(pages) == ["mobility", "rail", "bakers", "cyber", "nobody"]


@pytest.mark.parametrize("key", ["mobility", "rail", "cyber", "bakers"])
def test_headline_figures_are_their_cells(given: ReportInput, pages: dict[str, str], key: str) -> None:
    told = _words(_of(pages[key], "figures"))
    labels = {"businesses": "Businesses", "employees": "Employees", "turnover_gbp": "Turnover, £"}
    for metric, label in labels.items():
        cell, here = _cell(given, key, "all", "all", metric, "latest"), _cell(given, key, *HERE, metric, "latest")
        code = ", by SIC code" if key == "bakers" and metric == "businesses" else ""
        assert re.search(rf"{label}{code} {re.escape(count(cell['value']))}(?![\d,.])", told), (metric, told)
        assert f"Midlands Engine: {count(here['value'])}, {share(here['uk_share'])} of the list's" in told
    spans = given.cells[given.cells["metric"] == "businesses_growth"]["period"].unique().tolist()
    grown = _cell(given, key, "all", "all", "businesses_growth", *spans)
    assert f"Growth of businesses, {spans[0].replace('-', ' to ')} {change(grown['value'])}" in told
    found = _cell(given, key, *HERE, "location_quotient", "latest")
    numbers = f"{quotient(found['value'])} ({quotient(found['low'])} to {quotient(found['high'])})"
    assert f"Location quotient, Midlands Engine {numbers}" in told


def test_districts_are_ranked_by_quotient_and_are_their_cells(given: ReportInput, pages: dict[str, str]) -> None:
    html = _of(pages["mobility"], "areas")
    found = [row for row in _rows(html) if row[0].split(" low")[0] in NAMES.values()]
    codes = {name: code for code, name in NAMES.items()}
    ranked = []
    for row in found:
        code = codes[row[0].split(" low")[0]]
        cell = _cell(given, "mobility", "lad", code, "location_quotient", "latest")
        firms = _cell(given, "mobility", "lad", code, "businesses", "latest")
        if pd.isna(cell["value"]):
            assert row[1] == "too few firms"
        else:
            assert row[1] == f"{quotient(cell['value'])} {quotient(cell['low'])} to {quotient(cell['high'])}"
            assert f"{quotient(cell['value'])} ({quotient(cell['low'])} to {quotient(cell['high'])})" in html  # drawn
        assert row[2] == count(firms["value"])
        assert row[5] == share(firms["uk_share"])
        ranked.append(-1.0 if pd.isna(cell["value"]) else cell["value"])
    assert len(found) == 3
    assert ranked == sorted(ranked, reverse=True)


def test_years_are_their_cells(given: ReportInput, pages: dict[str, str]) -> None:
    html = _of(pages["rail"], "years")
    tables = [_rows(table) for table in re.findall(r"<table>.*?</table>", html, re.DOTALL)]
    assert [table[0][1] for table in tables] == ["Businesses", "Businesses", "Employees"]
    for metric, table in zip(("incorporations", "businesses", "employees"), tables, strict=True):
        for year, value, n in table[1:]:
            cell = _cell(given, "rail", "all", "all", metric, year)
            assert (re.split(r" [a-z]", value)[0], n) == (count(cell["value"]), count(cell["n"]))


def test_the_scorecard_has_every_number_once_with_source_or_as_not_known(pages: dict[str, str]) -> None:
    html = _of(pages["rail"], "scorecard")
    numbers = sorted(set(re.findall(r"\b[1-4]\.\d\b", _words(html))))
    assert len([number for number in numbers if number[0] in "1234"]) >= 26
    patents = next(row for row in _rows(html) if row[0].startswith("2.1 Patents <b>"))
    assert patents[1].startswith("1,200")
    assert patents[2] == "300 25% of the whole"
    assert patents[4] == "2025"
    firms = next(row for row in _rows(html) if row[0] == "1.1 Businesses")
    assert firms[3] == "1st of 2"  # rail has more firms than bakers


def test_hotspots_and_relatives(pages: dict[str, str]) -> None:
    (found,) = [row for row in _rows(_of(pages["rail"], "hotspots")) if row[0] == "Derby"]
    assert found[1:4] == ["7.5", "310", "40%"]
    assert found[4].startswith("crosses the border of ")
    kin = _of(pages["rail"], "kin")
    assert next(row for row in _rows(kin) if row[0].startswith("Cyber"))[1:] == [
        "2",
        "10%",
        "0.2\N{MULTIPLICATION SIGN}",
    ]
    assert "cluster-mobility.html" not in kin  # it contains rail: that all of rail is in it is no news
    assert '<a href="cluster-mobility.html">Mobility</a>' in pages["rail"]
    assert '<a href="cluster-rail.html">Rail</a>' in _of(pages["mobility"], "kin")


def test_provisos_stand_below_the_figures_the_largest_first_and_the_rest_folded(pages: dict[str, str]) -> None:
    html = _of(pages["rail"], "figures")
    told = [int(number) for number in re.findall(r"number (\d)", html)]
    assert told == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert html.index("<details>") > html.index(f"number {told[OPEN_PROVISOS - 1]}")
    assert "a giant of the cluster" in _of(pages["rail"], "firms")
    assert "F1 0.71" in html


def test_words_of_strangers_stay_text(pages: dict[str, str]) -> None:
    for key, html in pages.items():
        assert "<script>alert" not in html, key
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in html, key
    assert "<script>alert(1)</script>" in _words(pages["rail"])
    assert "{{7*7}}" in _words(pages["rail"])


@pytest.mark.parametrize(
    ("key", "untrained", "told", "absent"),
    [
        ("nobody", frozenset(), "No firm of the list was put in this cluster.", 'id="firms"'),
        ("nobody", frozenset({"nobody"}), "The model was not trained for this cluster", "How sure we are"),
        ("bakers", frozenset(), "by SIC code alone", "Corrected"),
    ],
    ids=["nobody", "untrained", "by code"],
)
def test_clusters_with_little_to_say(
    given: ReportInput, tmp_path: Path, key: str, untrained: frozenset[str], told: str, absent: str
) -> None:
    html = _pages(replace(given, untrained=untrained), tmp_path)[key]
    assert told in _words(html)
    assert absent not in html


def test_a_list_without_areas_or_years_or_anything_beside(given: ReportInput, tmp_path: Path) -> None:
    cells = given.cells[(given.cells["area_kind"] == "all") & (given.cells["period"] == "latest")]
    bare = replace(given, cells=cells, hotspots=None, related=None, distortions=None, published_metrics=None)
    html = _pages(bare, tmp_path)["rail"]
    for section in ("areas", "hotspots", "years"):
        assert f'id="{section}"' not in html
        assert f'href="#{section}"' not in html


def test_withheld_figures_say_so_and_give_nothing_away(tmp_path: Path) -> None:
    given = listing(RollupConfig(suppress_below=12))
    hidden = {
        (row["area_code"], row["metric"])
        for row in given.cells.to_dict("records")
        if row["cluster"] == "rail" and row["area_kind"] == "lad" and "suppressed" in row["flags"]
    }
    assert ("E06000018", "businesses") in hidden
    html = _of(_pages(given, tmp_path)["rail"], "areas")
    assert "withheld" in html
    for row in _rows(html):
        code = next((code for code, name in NAMES.items() if name == row[0]), None)
        if (code, "businesses") in hidden:
            assert not re.search(r"\d", " ".join(row[1:])), row


def test_corrected_figures_stand_beside_the_plain_ones(given: ReportInput, tmp_path: Path) -> None:
    plain = given.cells[(given.cells["cluster"] == "rail") & (given.cells["metric"] == "businesses")]
    plain = plain[plain["period"] == "latest"]
    better = plain.assign(
        metric="businesses_corrected", value=plain["value"] * 1.37, low=plain["value"] * 0.9,
        high=plain["value"] * 2.113, flags=pd.Series([("corrected_by_audit",)] * len(plain), plain.index), n=120,
    )  # fmt: skip
    both = replace(given, cells=pd.concat([given.cells, better], ignore_index=True))
    html = _pages(both, tmp_path)["rail"]
    value = _cell(given, "rail", "all", "all", "businesses", "latest")["value"]
    ends = f"({estimate(value * 0.9)} to {estimate(value * 2.113)})"
    assert f"corrected: {estimate(value * 1.37)} {ends}" in _words(_of(html, "figures"))
    assert f"≈ {estimate(value * 1.37)} {ends}" in _words(_of(html, "scorecard"))
    assert "120 judged firms" in _words(_of(html, "figures"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_everybody_can_read_it(
    given: ReportInput, tmp_path: Path, browser: Browser, axe: Axe, width: int, dark: bool
) -> None:
    cluster_pages(tmp_path, given, gather(given))
    for key in ("rail", "bakers", "nobody"):
        visit = Visit(browser, tmp_path / f"cluster-{key}.html", width, dark)
        try:
            assert visit.said == []
            assert visit.asked == [visit.url]
            assert visit.number("document.documentElement.scrollWidth") <= width
            visit.page.evaluate("document.querySelectorAll('details').forEach(found => { found.open = true; })")
            assert axe(visit.page) == []
        finally:
            visit.close()
