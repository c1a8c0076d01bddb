"""The scorecard: what is computed, what is imported, what is said not to be there."""

from typing import Any

import pandas as pd
import pytest

from pipelines.statistics.scorecard import CATALOGUE, ScoreRow, scorecard

AREA = ("region", "E12000004")


def cell(metric: str, value: float | None, period: str = "latest", **more: Any) -> dict[str, Any]:
    return {
        "cluster": "space", "area_kind": AREA[0], "area_code": AREA[1], "metric": metric, "period": period,
        "value": value, "low": None, "high": None, "uk_share": None, "flags": [], **more,
    }  # fmt: skip


def cells(*made: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(made, columns=list(cell("businesses", 1.0)))


def published(*made: tuple[str, str, float, str, str, int], cluster: str = "space") -> pd.DataFrame:
    columns = ["metric", "area", "value", "unit", "source", "year"]
    return pd.DataFrame(made, columns=columns).assign(cluster=cluster)


def card(of: pd.DataFrame, others: pd.DataFrame) -> dict[str, ScoreRow]:
    return {row.number: row for row in scorecard(of, others, "space", *AREA)}


def test_the_catalogue_has_four_ecosystems_in_order() -> None:
    numbers = [entry.number for entry in CATALOGUE]
    assert len(numbers) == 26
    assert numbers == sorted(numbers)
    assert {entry.number for entry in CATALOGUE if entry.how == "computed"} == {
        "1.1", "1.2", "1.3", "1.4", "2.6", "3.1", "4.9",
    }  # fmt: skip
    assert [entry.ecosystem for entry in CATALOGUE if entry.number.endswith(".1")] == [
        "business", "innovation", "talent", "investment",
    ]  # fmt: skip


def test_with_nothing_there_every_row_says_so() -> None:
    found = scorecard(cells(), published(), "space", *AREA)
    assert [row.status for row in found] == ["not_available"] * 26
    assert {row.value for row in found} == {None}


def test_figures_computed_here() -> None:
    found = card(
        cells(
            cell("businesses", 120.0, uk_share=0.3, flags=["uncorrected"]),
            cell("businesses", 90.0, period="2023", uk_share=0.9),
            cell("businesses_corrected", 100.0, low=80.0, high=125.0),
            cell("businesses_growth", 0.25, period="2018-2023"),
            cell("businesses_growth", 0.5, period="2019-2024"),
            cell("businesses_growth", 0.1, period="2022-2024"),
            cell("high_growth_businesses", 8.0),
            cell("foreign_owned_businesses", 30.0, uk_share=0.2),
            cell("high_growth_foreign_owned_businesses", 2.0),
            cell("businesses", 5000.0, area_code="E12000005"),
            cell("businesses", 6000.0, cluster="rail"),
        ),
        published(),
    )
    businesses = found["1.1"]
    assert (businesses.status, businesses.value, businesses.uk_share) == ("computed", 120.0, 0.3)
    assert (businesses.year, businesses.period, businesses.flags) == (None, "latest", ("uncorrected",))
    assert (businesses.corrected, businesses.corrected_low, businesses.corrected_high) == (100.0, 80.0, 125.0)
    assert (found["1.2"].value, found["1.2"].year, found["1.2"].period) == (0.5, 2024, "2019-2024")
    assert found["4.9"].of_high_growth == 0.25  # 2 of the 8 high-growth firms
    assert found["1.4"].of_high_growth is None
    assert found["1.3"].status == "not_available"


def test_imported_figures_newest_year_first_source_with_the_share_of_all() -> None:
    found = card(
        cells(),
        published(
            ("2.1", "all", 500.0, "patents", "Office B", 2023),
            ("2.1", "E12000004", 40.0, "patents", "Office B", 2023),
            ("2.1", "E12000004", 50.0, "patents", "Office B", 2024),
            ("2.1", "E12000004", 51.0, "patents", "Office C", 2024),
            ("2.1", "all", 200.0, "patents", "Office B", 2024),
            ("2.2 Spin-outs", "E12000004", 7.0, "firms", "Office B", 2022),
            ("2.3", "E12000005", 7.0, "firms", "Office B", 2022),
            ("patents", "E12000004", 7.0, "firms", "Office B", 2022),
        ),
    )
    patents = found["2.1"]
    assert (patents.status, patents.value, patents.source, patents.year) == ("imported", 50.0, "Office B", 2024)
    assert patents.title == "Metric 2.1 (patents)"
    assert patents.uk_share == 0.25
    assert patents.flags == ("several_sources", "share_if_additive")
    assert (found["2.2"].title, found["2.2"].uk_share, found["2.2"].flags) == ("Spin-outs", None, ())
    assert found["2.3"].status == "not_available"


@pytest.mark.parametrize(
    ("unit", "here", "whole", "expected"),
    [
        pytest.param("GBP", 30.0, 120.0, 0.25, id="a sum"),
        pytest.param("%", 30.0, 120.0, None, id="per cent"),
        pytest.param("GBP per hour", 30.0, 120.0, None, id="per something"),
        pytest.param("Average salary, GBP", 30.0, 120.0, None, id="an average"),
        pytest.param("GBP", 130.0, 120.0, None, id="more than the whole cannot be a part of it"),
        pytest.param("performances", 30.0, 120.0, 0.25, id="the letters per within a word"),
    ],
)
def test_a_share_of_the_uk_only_of_what_adds_up(unit: str, here: float, whole: float, expected: float | None) -> None:
    found = card(
        cells(),
        published(("3.2", "E12000004", here, unit, "S", 2024), ("3.2", "all", whole, unit, "S", 2024)),
    )
    assert found["3.2"].uk_share == expected


def test_a_computed_figure_comes_before_an_imported_one_and_says_so() -> None:
    others = published(("1.1", "E12000004", 999.0, "businesses", "ONS", 2024))
    found = card(cells(cell("businesses", 120.0)), others)["1.1"]
    assert (found.value, found.status, found.flags) == (120.0, "computed", ("computed_instead",))
    unknown = card(cells(cell("businesses", None, flags=["no_value"])), others)["1.1"]
    assert (unknown.value, unknown.status) == (999.0, "imported")


def test_what_is_withheld_is_not_got_from_elsewhere() -> None:
    others = published(("1.1", "E12000004", 999.0, "businesses", "ONS", 2024))
    found = card(cells(cell("businesses", None, flags=["suppressed"])), others)["1.1"]
    assert (found.value, found.status) == (None, "computed")
    assert "suppressed" in found.flags


def test_imported_metrics_of_other_clusters_are_not_taken() -> None:
    others = published(("2.1", "E12000004", 40.0, "patents", "B", 2023), cluster="rail")
    assert card(cells(), others)["2.1"].status == "not_available"
