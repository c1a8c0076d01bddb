"""The overview: every number is its cell's, what cannot be said is left out and said, what is withheld is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from pipelines.figure_settings import AreasConfig, RollupConfig
from pipelines.reporting import ReportInput
from pipelines.reporting.formats import change, count, estimate, quotient, share
from pipelines.reporting.sparklines import HEIGHT, PAD, WIDTH, sparkline
from tests.pipelines.reporting.listing import TAXONOMY, listing
from tests.pipelines.reporting.reading import Page, pages_of

HERE = ("custom", "midlands_engine")
NAMES = {sector.key: sector.name for sector in TAXONOMY.sectors} | {
    cluster.key: cluster.name for cluster in TAXONOMY.clusters
}
Cells = dict[tuple[str, str, str, str, str], dict[str, Any]]


def _cells(given: ReportInput) -> Cells:
    keys = ("cluster", "area_kind", "area_code", "metric", "period")
    return {tuple(row[key] for key in keys): row for row in given.cells.to_dict("records")}  # type: ignore[misc]


def _words(html: str) -> str:
    return " ".join("".join(Page(html).text).split())


def _line(html: str, name: str) -> list[str]:
    """The cluster's row of the first table; its name's cell may say more."""
    lines = [[" ".join(cell.split()) for cell in row] for row in Page(html).rows]
    return next(row for row in lines if row and row[0].startswith(name) and len(row) > 5)


def _begins(shown: str, figure: str) -> bool:
    return re.match(rf"{re.escape(figure)}(?![\d,.%])", shown) is not None


@pytest.fixture(scope="module")
def corrected() -> ReportInput:
    """The list, with corrected figures beside the plain ones of two clusters."""
    given = listing()
    plain = given.cells[(given.cells["area_kind"] == "all") & (given.cells["period"] == "latest")]
    plain = plain[plain["cluster"].isin(["mobility", "rail"]) & plain["metric"].isin(["businesses", "employees"])]
    better = plain.assign(
        metric=plain["metric"] + "_corrected", value=plain["value"] * 1.37, low=plain["value"] * 0.9,
        high=plain["value"] * 2.113,
    )  # fmt: skip
    return replace(given, cells=pd.concat([given.cells, better], ignore_index=True))


def test_every_number_is_its_cell(corrected: ReportInput, tmp_path: Path) -> None:
    html = pages_of(corrected, tmp_path)["index.html"]
    cells = _cells(corrected)
    shown = 0
    for key, name in NAMES.items():
        line = _line(html, name)
        for place, metric in enumerate(("businesses", "employees", "turnover_gbp"), start=1):
            cell = cells[key, "all", "all", metric, "latest"]
            value: float | None = None if pd.isna(cell["value"]) else cell["value"]
            assert _begins(line[place], count(value)), (key, metric, line)
            better = cells.get((key, "all", "all", f"{metric}_corrected", "latest"))
            assert ("corrected" in line[place]) == (better is not None)
            if better is not None:
                assert f"corrected {estimate(better['value'])} {estimate(better['low'])} to" in line[place]
                assert line[place].endswith(f"to {estimate(better['high'])}")
                shown += 1
        here = cells.get((key, *HERE, "businesses", "latest"))
        assert line[4] == ("–" if here is None else share(here["uk_share"]))  # noqa: RUF001
        special = cells.get((key, *HERE, "location_quotient", "latest"))
        ends = special and f"{quotient(special['value'])} {quotient(special['low'])} to {quotient(special['high'])}"
        assert line[5] == (ends or "–")  # noqa: RUF001
        growth = cells.get((key, "all", "all", "employees_growth", "2018-2023"))
        known = growth is not None and not pd.isna(growth["value"])
        assert line[6] == (change(growth["value"]) if growth is not None and known else "–")  # noqa: RUF001
        assert line[7] == share(cells[key, "all", "all", "businesses", "latest"]["coverage"])
    assert shown == 4


def test_sparklines_say_the_cells_of_their_years(tmp_path: Path) -> None:
    given = listing()
    html = pages_of(given, tmp_path)["index.html"]
    cells = _cells(given)
    for key in ("mobility", "rail", "bakers"):
        years = [
            (int(period), cell["value"])
            for (cluster, kind, _, metric, period), cell in cells.items()
            if (cluster, kind, metric) == (key, "all", "businesses") and period.isdecimal()
        ]
        assert len(years) == 10
        told = f"{NAMES[key]}, businesses by year: " + ", ".join(
            f"{year} {value:,.0f}" for year, value in sorted(years)
        )
        assert f'aria-label="{told}"' in html


def test_sorting_goes_by_the_exact_figure(tmp_path: Path) -> None:
    given = listing()
    page = Page(pages_of(given, tmp_path)["index.html"])
    values = [attributes.get("data-value") for tag, attributes in page.elements if tag == "td"]
    cell = _cells(given)["rail", *HERE, "location_quotient", "latest"]
    assert repr(float(cell["value"])) in values


@pytest.mark.parametrize(
    ("given", "said", "unsaid"),
    [
        pytest.param(
            lambda: listing(areas=AreasConfig(kinds=["lad"], custom={})),
            "No area of areas.custom holds a firm of this list",
            "Location quotient",
            id="no area chosen",
        ),
        pytest.param(
            lambda: replace(listing(), area=("custom", "atlantis")),
            "No area of areas.custom holds a firm of this list",
            "Side by side",
            id="an area without a firm",
        ),
        pytest.param(
            lambda: (lambda found: replace(found, cells=found.cells[found.cells["period"] == "latest"]))(listing()),
            "Growth is not shown: no cluster has figures of two years.",
            "Growth of",
            id="one year",
        ),
        pytest.param(
            lambda: listing(RollupConfig(counting="fractional")),
            "A firm of several sectors is split over them in equal parts",
            "counted in full in each",
            id="fractional counting",
        ),
    ],
)
def test_what_cannot_be_said_is_left_out_with_a_sentence(given: Any, said: str, unsaid: str, tmp_path: Path) -> None:
    words = _words(pages_of(given(), tmp_path)["index.html"])
    assert said in words
    assert unsaid not in words


def test_another_area_can_be_chosen(tmp_path: Path) -> None:
    given = replace(listing(), area=("lad", "E06000018"))
    html = pages_of(given, tmp_path)["index.html"]
    cell = _cells(given)["mobility", "lad", "E06000018", "businesses", "latest"]
    assert _line(html, "Mobility")[4] == share(cell["uk_share"])
    assert "Side by side: Nottingham, proportion of the UK total" in _words(html)


def test_side_by_side_has_the_chosen_clusters_alone(tmp_path: Path) -> None:
    given = replace(listing(), side_by_side=("rail", "bakers"))
    html = pages_of(given, tmp_path)["index.html"]
    table = Page(html[html.index('<table class="side">') : html.index('<section id="accounts"')])
    found = [[" ".join(cell.split()) for cell in row] for row in table.rows]
    assert [row[0] for row in found if len(row) > 1] == ["Cluster", "Rail", "Bakers"]
    cell = _cells(given)["rail", *HERE, "businesses", "latest"]
    assert next(row for row in found if row[0] == "Rail")[1] == share(cell["uk_share"])


def test_a_cluster_of_codes_alone_says_so(tmp_path: Path) -> None:
    html = pages_of(listing(), tmp_path)["index.html"]
    assert _line(html, "Bakers")[0] == "Bakers by SIC code"
    assert "by SIC code" not in _line(html, "Rail")[0]


def test_withheld_figures_say_so_and_their_lists_are_gone(tmp_path: Path) -> None:
    given = listing(RollupConfig(suppress_below=6))
    cells = _cells(given)
    hidden = [key for key in NAMES if "suppressed" in cells[key, "all", "all", "businesses", "latest"]["flags"]]
    assert "rail" in hidden
    pages = pages_of(given, tmp_path)
    for key in hidden:
        assert _begins(_line(pages["index.html"], NAMES[key])[1], "withheld")
        assert 'class="name"' not in pages[f"cluster-{key}.html"]
    words = _words(pages["index.html"])
    assert "Figures of few firms are withheld, and so is the list of a cluster that is withheld" in words
    assert "memberships" not in words  # their sum, less what is shown, is what is withheld
    assert "withheld" not in _words(pages_of(listing(), tmp_path / "open")["index.html"])


@pytest.mark.parametrize(
    ("points", "lines"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(2020, 5.0)], [], id="one year"),
        pytest.param([(2020, None), (2021, 5.0)], [], id="one known"),
        pytest.param([(2020, 0.0), (2021, 10.0)], [[(PAD, HEIGHT - PAD), (WIDTH - PAD, PAD)]], id="from nought"),
        pytest.param([(2020, 0.0), (2021, 0.0)], [[(PAD, HEIGHT - PAD), (WIDTH - PAD, HEIGHT - PAD)]], id="all nought"),
        pytest.param(
            [(2020, 10.0), (2021, 10.0), (2022, None), (2023, 10.0)],
            [[(PAD, PAD), (round(PAD + (WIDTH - 2 * PAD) / 3, 1), PAD)]],
            id="a gap",
        ),
    ],
)
def test_sparkline(points: list[tuple[int, float | None]], lines: list[list[tuple[float, float]]]) -> None:
    svg = sparkline("x", points)
    drawn = [line.attrib["points"].split() for line in ET.fromstring(svg).iter("polyline")] if svg else []
    assert [[tuple(map(float, point.split(","))) for point in line] for line in drawn] == lines


def test_no_name_breaks_out_of_a_sparkline() -> None:
    evil = "\"><script>alert('1')</script>&\u202e"
    svg = sparkline(evil, [(2020, 1.0), (2021, 2.0)])
    assert [element.tag for element in ET.fromstring(svg).iter()] == ["svg", "title", "polyline", "circle"]
    assert "\u202e" not in svg
