"""The report's table of an area's shares, out of firms made so that the truth is known."""

from collections.abc import Mapping, Sequence

import pandas as pd
import pytest

from pipelines.errors import TableError, UsageError
from pipelines.statistics.side_by_side import side_by_side

CLUSTERS = ("first", "second", "third", "fourth")
# The report's figures: the Midlands' proportion of the UK, per cent, for four clusters.
BUSINESSES = (17, 30, 20, 21)
EMPLOYEES = (7, 22, 10, 12)


def firms_of(cluster: str, businesses: int, employees: int) -> pd.DataFrame:
    """100 firms of which ``businesses`` stand in the Midlands and have ``employees`` per cent of 100,000 jobs.

    Firms differ in size; the jobs left over by whole numbers go to the last firm of either side.
    """

    def sizes(firms: int, jobs: int) -> list[int]:
        weights = range(1, firms + 1)
        made = [jobs * weight // sum(weights) for weight in weights]
        return [*made[:-1], jobs - sum(made[:-1])]

    inside, outside = sizes(businesses, employees * 1000), sizes(100 - businesses, (100 - employees) * 1000)
    return pd.DataFrame({
        "firm_id": [f"{cluster}{number}" for number in range(100)],
        "cluster": cluster,
        "area": ["midlands_engine"] * len(inside) + ["elsewhere"] * len(outside),
        "employees": inside + outside,
    })  # fmt: skip


def cells_of(firms: pd.DataFrame) -> pd.DataFrame:
    """Cells by plain pandas: shares of the cluster's figure for the whole list."""
    of = firms.groupby(["cluster", "area"]).agg(businesses=("firm_id", "count"), employees=("employees", "sum"))
    shares = of / of.groupby("cluster").transform("sum")
    long = shares.reset_index().melt(["cluster", "area"], var_name="metric", value_name="uk_share")
    return long.rename(columns={"area": "area_code"}).assign(
        area_kind="custom", period="latest", flags=pd.Series([[] for _ in long.index], dtype="object")
    )


def table(cells: pd.DataFrame, clusters: Sequence[str], metrics: Sequence[str]) -> list[list[str]]:
    return side_by_side(cells, clusters, "custom", "midlands_engine", metrics).texts()


def test_the_table_of_the_report_is_reproduced_from_firms() -> None:
    firms = pd.concat(map(firms_of, CLUSTERS, BUSINESSES, EMPLOYEES))
    assert table(cells_of(firms), CLUSTERS, ("businesses", "employees")) == [
        ["Proportion of the UK total", *CLUSTERS],
        ["Businesses", "17 %", "30 %", "20 %", "21 %"],
        ["Employees", "7 %", "22 %", "10 %", "12 %"],
    ]
    # One Midlands firm moved away: the table shows it.
    moved = firms.assign(area=firms["area"].where(firms["firm_id"] != "first0", "elsewhere"))
    assert table(cells_of(moved), CLUSTERS, ("businesses",))[1][1] == "16 %"


def row(share: float | None, cluster: str = "first", **more: object) -> Mapping[str, object]:
    return {
        "cluster": cluster, "area_kind": "custom", "area_code": "midlands_engine", "metric": "businesses",
        "period": "latest", "uk_share": share, "flags": [], **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("share", "flags", "expected"),
    [
        pytest.param(0.165, [], "17 %", id="halves go up, as in the report"),
        pytest.param(0.0, [], "0 %", id="nothing"),
        pytest.param(0.004, [], "under 1 %", id="little is not nothing"),
        pytest.param(1.0, [], "100 %", id="all"),
        pytest.param(None, ["suppressed"], "withheld", id="withheld"),
        pytest.param(None, [], "not known", id="not known"),
    ],
)
def test_how_a_share_is_written(share: float | None, flags: list[str], expected: str) -> None:
    assert table(pd.DataFrame([row(share, flags=flags)]), ["first"], ["businesses"])[1] == ["Businesses", expected]


def test_what_is_not_there_is_not_known_and_a_metric_that_nobody_has_no_line() -> None:
    cells = pd.DataFrame(
        [row(0.2), row(0.4, period="2020"), row(0.6, area_code="E12000004"), row(0.9, "second", metric="employees")]
    )
    assert table(cells, ["first", "second"], ("businesses", "employees", "turnover_gbp"))[1:] == [
        ["Businesses", "20 %", "not known"],
        ["Employees", "not known", "90 %"],
    ]


def test_what_does_not_add_up_has_no_share_of_the_uk() -> None:
    cells = pd.DataFrame([row(0.2)])
    with pytest.raises(UsageError, match="location_quotient does not add up"):
        side_by_side(cells, ["first"], "custom", "midlands_engine", ["location_quotient"])
    with pytest.raises(TableError, match="no metric 'firms'"):
        side_by_side(cells, ["first"], "custom", "midlands_engine", ["firms"])
