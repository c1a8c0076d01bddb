"""Which source is believed: by figure, period, name of the source and newest filing; never by the order of rows."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import TableError
from pipelines.firm_facts import newest_amounts
from pipelines.schemas import arrow_schema
from pipelines.sources.precedence import newest, settle
from pipelines.tables import ACCOUNTS

SOURCES = ["accounts", "firm_list"]
D2022, D2023 = date(2022, 12, 31), date(2023, 12, 31)


def row(
    employees: float | None = None,
    turnover: float | None = None,
    source: str = "accounts",
    *,
    end: date = D2022,
    firm: str = "f1",
    filing: str | None = None,
    filed: date | None = None,
    imputed: bool = False,
) -> dict[str, Any]:
    return {
        "shard": 0, "firm_id": firm, "period_end": end, "employees": employees, "turnover_gbp": turnover,
        "source": source, "imputed": imputed, "filing": filing, "filed_on": filed, "period_start": None,
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(ACCOUNTS))


def settled(rows: list[dict[str, Any]], sources: list[str] | None = None) -> list[tuple[Any, ...]]:
    found = settle(table(rows), SOURCES if sources is None else sources).to_pylist()
    return [tuple(one.values()) for one in found]


CASES = [
    ("one row", [row(5, 100)], (5, "accounts", 100, "accounts", False, False, False)),
    ("each figure by itself", [row(5), row(7, 100, "bought")], (5, "accounts", 100, "bought", False, False, False)),
    ("the source named first", [row(5), row(7, source="firm_list")], (5, "accounts", None, None, False, False, False)),
    ("others by alphabet", [row(5, source="b"), row(7, source="a")], (7, "a", None, None, False, False, False)),
    ("named before others", [row(5, source="a"), row(7, source="firm_list")],
     (7, "firm_list", None, None, False, False, False)),
    ("reported before estimated", [row(5, imputed=True), row(7, source="z")],
     (7, "z", None, None, False, False, False)),
    ("estimated where that is all", [row(5, imputed=True), row(None, 9, "z")],
     (5, "accounts", 9, "z", True, True, False)),
    ("the newest filing", [row(5, filing="a", filed=date(2024, 1, 1)), row(6, filing="b", filed=date(2023, 1, 1))],
     (5, "accounts", None, None, False, False, False)),
    ("then the last name", [row(5, filing="a", filed=D2023), row(6, filing="b", filed=D2023)],
     (6, "accounts", None, None, False, False, False)),
    ("a dated filing before one without a day", [row(5, filing="z"), row(6, filing="a", filed=D2022)],
     (6, "accounts", None, None, False, False, False)),
    ("a newer filing without the figure", [row(5, filing="a", filed=D2022), row(None, 3, filing="b", filed=D2023)],
     (5, "accounts", 3, "accounts", False, False, False)),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_settled(rows: list[dict[str, Any]], expected: tuple[Any, ...]) -> None:
    assert settled(rows) == [("f1", D2022, *expected)]
    assert settled(rows[::-1]) == [("f1", D2022, *expected)]


def test_other_sources_first_when_the_setting_says_so() -> None:
    rows = [row(5), row(7, source="tax")]
    assert settled(rows, ["tax", "accounts"])[0][2:4] == (7, "tax")
    assert settled(rows, [])[0][2:4] == (5, "accounts")


def test_rows_in_order_of_firm_and_day() -> None:
    rows = [row(1, firm="f2"), row(2, firm="f10", end=D2023), row(3, firm="f10"), row(firm="f3")]
    assert [(one[0], one[1], one[2]) for one in settled(rows)] == [
        ("f10", D2022, 3),
        ("f10", D2023, 2),
        ("f2", D2022, 1),
    ]


def test_nothing_in_nothing_out() -> None:
    assert settled([]) == []
    assert newest(settle(table([]), SOURCES), "employees").num_rows == 0
    assert settled([row()]) == []


def test_an_infinite_figure_is_refused() -> None:
    with pytest.raises(TableError, match="turnover_gbp"):
        settle(table([row(1, float("inf"))]), SOURCES)


def test_the_later_period_goes_before_the_better_source() -> None:
    rows = [row(5, 50), row(7, source="firm_list", end=D2023), row(9, source="z", end=D2023), row(1, firm="f2")]
    found = newest(settle(table(rows), SOURCES), "employees").to_pylist()
    assert found == [
        {"firm_id": "f1", "period_end": D2023, "value": 7, "source": "firm_list", "imputed": False},
        {"firm_id": "f2", "period_end": D2022, "value": 1, "source": "accounts", "imputed": False},
    ]
    turnover = newest(settle(table(rows), SOURCES), "turnover_gbp").to_pylist()
    assert [(one["firm_id"], one["period_end"], one["value"]) for one in turnover] == [("f1", D2022, 50)]


ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from([None, 0.0, 1.0, 2.0]),
        st.sampled_from([None, 10.0, 20.0]),
        st.sampled_from(["accounts", "firm_list", "a", "z"]),
        end=st.sampled_from([D2022, D2023]),
        firm=st.sampled_from(["f1", "f2", "g"]),
        filing=st.sampled_from([None, "x", "y"]),
        filed=st.sampled_from([None, D2022, D2023]),
        imputed=st.booleans(),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_is_of_no_consequence(rows: list[dict[str, Any]], seed: int) -> None:
    mixed = random.Random(seed).sample(rows, len(rows))
    assert settled(mixed) == settled(rows)


def by_hand(rows: list[dict[str, Any]], figure: str) -> dict[tuple[str, date], tuple[Any, ...]]:
    """The rule once more, row by row."""
    best: dict[tuple[str, date], tuple[Any, ...]] = {}
    order = {"accounts": (0, ""), "firm_list": (1, "")}
    for one in sorted(
        (one for one in rows if one[figure] is not None),
        key=lambda one: (
            one["imputed"],
            order.get(one["source"], (2, one["source"])),
            -(one["filed_on"] or date.min).toordinal(),
            [-ord(char) for char in one["filing"] or " "],
        ),
    ):
        key = (one["firm_id"], one["period_end"])
        best.setdefault(key, (one["source"], one["imputed"], one["filed_on"], one["filing"]))
    return best


@settings(max_examples=150, deadline=None)
@given(rows=ROWS)
def test_as_worked_out_row_by_row(rows: list[dict[str, Any]]) -> None:
    found = settle(table(rows), SOURCES).to_pylist()
    for figure, short in (("employees", "employees"), ("turnover_gbp", "turnover")):
        best = by_hand(rows, figure)
        expected = {key: value[:2] for key, value in best.items()}
        assert {
            (one["firm_id"], one["period_end"]): (one[f"{short}_source"], one[f"{short}_imputed"])
            for one in found
            if one[figure] is not None
        } == expected
        for one in found:
            if one[figure] is not None:
                place = (one["firm_id"], one["period_end"])
                of_the_filing = [
                    two[figure]
                    for two in rows
                    if (two["firm_id"], two["period_end"]) == place
                    and (two["source"], two["imputed"], two["filed_on"], two["filing"]) == best[place]
                ]
                assert one[figure] in of_the_filing


@settings(max_examples=100, deadline=None)
@given(rows=ROWS)
def test_the_newest_value_is_that_of_the_rule_before(rows: list[dict[str, Any]]) -> None:
    """With the two sources of its time, and one row for each firm, day and source."""
    alone = {(one["firm_id"], one["period_end"], one["source"]): one for one in rows if one["source"] in SOURCES}
    kept = table(list(alone.values()))
    before = newest_amounts(kept.to_pandas(), "employees")
    found = newest(settle(kept, SOURCES), "employees").to_pylist()
    assert {one["firm_id"]: (one["value"], one["imputed"]) for one in found} == {
        firm: (amount.value, amount.imputed) for firm, amount in before.items()
    }


def test_what_does_not_fit_into_one_sorting_key_is_sorted_by_two() -> None:
    """3,000 firms, all days that there are, 70 sources and estimates take more than 63 bits together."""
    rows = [row(1, end=date(1, 1, 1), filed=date(1, 1, 1)), row(2, end=date(9999, 12, 31), filed=date(9999, 12, 31))]
    rows += [row(number, source=f"s{number % 70:02}", firm=f"g{number}") for number in range(3000)]
    rows += [row(99, end=date(1, 1, 1), filed=date(2, 1, 1)), row(98, end=date(1, 1, 1), imputed=True)]
    rows += [row(7, source="s00", firm="g3"), row(8, filing="a", firm="g4"), row(9, filing="b", firm="g4")]
    found = {(one[0], one[1]): one[2] for one in settled(rows)}
    assert len(found) == 3002
    assert (found["f1", date(1, 1, 1)], found["g3", D2022], found["g4", D2022]) == (99, 7, 9)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        pytest.param(date(2022, 1, 1), 150.0, id="a year as filed"),
        pytest.param(date(2021, 12, 26), 150.0, id="52 weeks and some days are a year"),
        pytest.param(date(2021, 7, 1), 150.0 * 365 / 549, id="eighteen months"),
        pytest.param(date(2022, 7, 1), 150.0 * 365 / 184, id="half a year"),
        pytest.param(date(2022, 11, 1), None, id="two months say nothing of a year"),
        pytest.param(None, 150.0, id="nobody says how long"),
    ],
)
def test_turnover_is_that_of_a_year_and_employees_stay(start: date | None, expected: float | None) -> None:
    found = settle(table([row(7, 150) | {"period_start": start}, row(3, 90, firm="f2")]), SOURCES).to_pylist()
    assert [one["employees"] for one in found] == [7, 3]
    assert found[0]["turnover_gbp"] == (None if expected is None else pytest.approx(expected))
    assert found[1]["turnover_gbp"] == 90
