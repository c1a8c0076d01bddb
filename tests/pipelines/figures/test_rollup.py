"""Cells: figures worked by hand, parts that add up, and no trace of the order of rows or of sharding."""

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labels.taxonomy import Sector, Taxonomy
from pipelines.errors import TableError
from pipelines.firm_facts import Amount, Place, left_out, newest_amounts, places
from pipelines.frames import rows
from pipelines.reporting import ReportInput
from pipelines.rollup import FLAGS, METRICS, Drop, Rollup
from pipelines.tables import CELLS
from tests.pipelines.figures.rolling import cells_of, roll


def _roll(tables: ReportInput, **changed: Any) -> Rollup:
    now = replace(tables, **changed)
    return roll(now.taxonomy, now.firms, now.premises, now.accounts, now.readable, now.assignments, now.untrained)


def _cell(made: Rollup, *key: str) -> dict[str, Any]:
    names = ("cluster", "area_kind", "area_code", "metric")
    (found,) = [cell for cell in cells_of(made) if tuple(cell[name] for name in names) == key]
    return found


# Seven firms count (F4 is dissolved), five of them can be read. Transport holds 00123, F2 and F3.
@pytest.mark.parametrize(
    ("key", "value", "n", "coverage", "flags"),
    [
        pytest.param(
            ("transport", "all", "all", "businesses"), 3.0, 3, 5 / 7, {"low_coverage"}, id="two of seven not read"
        ),
        pytest.param(
            ("transport", "all", "all", "employees"), 1234.0, 2, 2 / 3, {"low_coverage", "imputed_values"},
            id="newest employees of two in three",
        ),
        pytest.param(
            ("transport", "all", "all", "turnover_gbp"), 1_000_000.0, 1, 1 / 3, {"low_coverage", "few_values"},
            id="older turnover where the newest is missing",
        ),
        pytest.param(
            ("cyber", "all", "all", "employees"), None, 0, 0.0, {"low_coverage", "no_value"},
            id="no value is null, the dissolved firm's is not used",
        ),
        pytest.param(("textiles", "all", "all", "businesses"), 0.0, 0, 5 / 7, {"low_coverage"}, id="empty cluster"),
        pytest.param(
            ("textiles", "all", "all", "turnover_gbp"), None, 0, 0.0, {"low_coverage", "no_value"}, id="sum of nobody"
        ),
        pytest.param(("transport", "lad", "E06000018", "businesses"), 1.0, 1, 1.0, set(), id="registered, not trading"),
        pytest.param(
            ("transport", "lad", "unknown", "businesses"), 1.0, 1, 3 / 5, {"low_coverage"}, id="postcode, no district"
        ),
        pytest.param(("transport", "postcode_area", "NG", "businesses"), 2.0, 2, 1.0, set(), id="two firms in NG"),
        pytest.param(("transport", "postcode_area", "B", "businesses"), 1.0, 1, 1.0, set(), id="lower-case postcode"),
        pytest.param(
            ("cyber", "postcode_area", "unknown", "businesses"), 1.0, 1, 2 / 4, {"low_coverage"},
            id="two trading addresses are no place",
        ),
    ],
)  # fmt: skip
def test_figures_worked_by_hand(
    tables: ReportInput, key: tuple[str, ...], value: float | None, n: int, coverage: float, flags: set[str]
) -> None:
    cell = _cell(_roll(tables), *key)
    assert (cell["value"], cell["n"], cell["coverage"]) == (value, n, pytest.approx(coverage))
    assert set(cell["flags"]) == flags | {"uncorrected", "no_interval"}
    assert (cell["low"], cell["high"], cell["period"]) == (None, None, "latest")


def test_every_firm_and_every_assignment_is_counted_or_dropped_with_a_reason(tables: ReportInput) -> None:
    made = _roll(tables)
    assert (made.firms.rows_in, made.firms.counted) == (len(tables.firms), 7)
    assert made.firms.dropped == (Drop("F4", "dissolved", "dissolved on 2024-05-06"),)
    assert made.assignments.rows_in == len(tables.assignments) == made.assignments.counted + 2
    assert [(drop.firm_id, drop.reason) for drop in made.assignments.dropped] == [
        ("F4", "dissolved"),
        ("GONE", "not_in_firm_list"),
    ]


def test_rows_fit_their_table(tables: ReportInput) -> None:
    made = _roll(tables)
    optional = {column.name for column in CELLS.columns if column.optional}
    assert all(list(cell) == CELLS.names[1:] for cell in cells_of(made))
    assert all(value is not None or name in optional for cell in cells_of(made) for name, value in cell.items())
    keys = [tuple(cell[name] for name in CELLS.key) for cell in cells_of(made)]
    assert len(set(keys)) == len(keys)
    assert {flag for cell in cells_of(made) for flag in _texts(cell["flags"])} <= set(FLAGS)
    for sector in tables.taxonomy.keys:
        assert [key[3] for key in keys if key[:3] == (sector, "all", "all")] == list(METRICS)


def test_nobody_found_by_a_model_that_was_not_trained_is_unknown(tables: ReportInput) -> None:
    made = _roll(tables, untrained=frozenset({"textiles", "aerospace"}))
    textiles, aerospace = (_cell(made, key, "all", "all", "businesses") for key in ("textiles", "aerospace"))
    assert (textiles["value"], textiles["n"], textiles["coverage"]) == (None, 0, pytest.approx(5 / 7))
    assert {"not_trained", "no_value"} <= set(textiles["flags"])
    assert (aerospace["value"], aerospace["n"]) == (2.0, 2)  # through its part, space technologies
    flagged = {cell["cluster"] for cell in cells_of(made) if "not_trained" in _texts(cell["flags"])}
    assert flagged == {"textiles", "aerospace"}
    assert all("not_trained" in _texts(cell["flags"]) for cell in cells_of(made) if cell["cluster"] == "aerospace")


def test_nobody_found_where_nobody_was_read_is_unknown(tables: ReportInput) -> None:
    found = _cell(_roll(tables, readable=frozenset()), "textiles", "all", "all", "businesses")
    assert (found["value"], found["coverage"]) == (None, 0.0)
    assert {"low_coverage", "no_value"} <= set(found["flags"])
    assert _cell(_roll(tables, readable=frozenset()), "cyber", "all", "all", "businesses")["value"] == 1.0


def test_no_firms_at_all(tables: ReportInput) -> None:
    none = {name: getattr(tables, name).iloc[:0] for name in ("firms", "premises", "accounts", "assignments")}
    made = _roll(tables, readable=frozenset(), **none)
    assert {(cell["metric"], cell["value"], cell["coverage"]) for cell in cells_of(made)} == {
        ("businesses", 0.0, 0.0), ("employees", None, 0.0), ("turnover_gbp", None, 0.0)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        pytest.param(
            ("F7", "bakeries"), "'bakeries', which taxonomy small version 3 does not have", id="unknown sector"
        ),
        pytest.param(("F7", "aerospace"), "'F7' is assigned to aerospace but not to its parent", id="child alone"),
    ],
)
def test_assignments_that_would_make_wrong_figures_are_refused(
    tables: ReportInput, assignment: tuple[str, str], message: str
) -> None:
    extra = tables.assignments.iloc[[0]].assign(firm_id=assignment[0], sector=assignment[1])
    with pytest.raises(TableError, match=message):
        _roll(tables, assignments=pd.concat([tables.assignments, extra]))


def test_a_firm_that_stands_twice_is_refused(tables: ReportInput) -> None:
    with pytest.raises(TableError, match="'F2' stands twice"):
        _roll(tables, firms=pd.concat([tables.firms, tables.firms.iloc[[1]]]))


def test_an_infinite_figure_is_refused(tables: ReportInput) -> None:
    accounts = tables.accounts.assign(employees=float("inf"))
    with pytest.raises(TableError, match="employees is inf"):
        _roll(tables, accounts=accounts)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            [("2024-12-31", 5, "accounts", False), ("2025-12-31", 7, "accounts", False)], (7, False), id="newest"
        ),
        pytest.param(
            [("2025-12-31", 9, "accounts", True), ("2025-12-31", 7, "firm_list", False)], (7, False), id="reported"
        ),
        pytest.param(
            [("2025-12-31", 9, "firm_list", False), ("2025-12-31", 7, "accounts", False)], (7, False), id="filed"
        ),
        pytest.param(
            [("2025-12-31", None, "accounts", False), ("2020-12-31", 7, "accounts", True)], (7, True), id="known"
        ),
        pytest.param([("2025-12-31", 0, "accounts", False)], (0, False), id="a reported nought is a value"),
    ],
)
def test_newest_amount(found: list[tuple[str, float | None, str, bool]], expected: tuple[float, bool]) -> None:
    listed = [("F", date.fromisoformat(day), value, source, imputed) for day, value, source, imputed in found]
    frame = pd.DataFrame(listed, columns=["firm_id", "period_end", "employees", "source", "imputed"])
    assert newest_amounts(frame, "employees") == {"F": Amount(*expected)}
    assert newest_amounts(frame.iloc[::-1], "employees") == {"F": Amount(*expected)}


@pytest.mark.parametrize(
    ("status", "dissolved_on", "counts"),
    [
        pytest.param("Active", None, True, id="active"),
        pytest.param(None, None, True, id="nothing known"),
        pytest.param("Active - Proposal to Strike off", None, True, id="struck off soon"),
        pytest.param("Dissolved", None, False, id="status alone"),
        pytest.param("Active", date(2020, 1, 1), False, id="date alone"),
    ],
)
def test_dissolved_firms_do_not_count(status: str | None, dissolved_on: date | None, counts: bool) -> None:
    frame = pd.DataFrame({"firm_id": ["F"], "status": [status], "dissolved_on": [dissolved_on]})
    assert (left_out(frame) == {}) is counts


@pytest.mark.parametrize(
    ("postcode", "area"),
    [
        ("NG7 2RD", "NG"),
        ("m1 1ae", "M"),
        (" WC2N 5DU", "WC"),
        ("", None),
        (None, None),
        ("UNKNOWN", None),
        ("7NG", None),
    ],
)
def test_postcode_area(postcode: str | None, area: str | None) -> None:
    assert Place(postcode).postcode_area == area


def test_the_register_knows_the_registered_address_best() -> None:
    listed = [
        ("F", "AB1 1AA", "registered", "website", None),
        ("F", "ZE1 0AA", "registered", "register", "S12000027"),
        ("G", "DE1 1AA", "trading", "website", None),
    ]
    frame = pd.DataFrame(listed, columns=["firm_id", "postcode", "kind", "source", "lad_code"])
    assert places(frame) == {"F": Place("ZE1 0AA", "S12000027"), "G": Place("DE1 1AA", None)}


def test_missing_is_none_whatever_pandas_calls_it() -> None:
    day = pd.Timestamp("2025-01-01")
    frame = pd.DataFrame({"a": ["NA", None], "b": [1.5, float("nan")], "c": pd.Series([day, pd.NaT])})
    assert list(rows(frame, ("a", "b", "c"))) == [("NA", 1.5, day), (None, None, None)]


LISTS = st.lists(
    st.tuples(
        st.sampled_from(["", "parent", "child", "other", "both"]),
        st.sampled_from([None, "NG1 1AA", "B1 1AA", "nonsense"]),
        st.sampled_from([None, "E06000018", "E08000025"]),
        st.one_of(st.none(), st.floats(0, 1e12)),
        st.booleans(),  # readable
        st.sampled_from([None, "Dissolved"]),
    ),
    max_size=25,
)
SECTORS = {"": [], "parent": ["p"], "child": ["p", "c"], "other": ["o"], "both": ["p", "c", "o"]}
FAMILY = Taxonomy("t", 1, (Sector("p", "P"), Sector("c", "C", parents=("p",)), Sector("o", "O")), "0" * 64)


def _tables(listed: list[tuple[Any, ...]], order: Any) -> Rollup:
    """Roll the list up, its tables shuffled by ``order`` and spread over shards that mean nothing."""
    firms, premises, accounts, assignments, readable = [], [], [], [], []
    for number, (kind, postcode, lad, amount, read, status) in enumerate(listed):
        firm_id = f"F{number}"
        firms.append((firm_id, status, None))
        if postcode:
            premises.append((firm_id, postcode, "registered", "firm_list", lad))
        accounts.append((firm_id, date(2025, 1, 1), amount, amount, "accounts", False))
        assignments += [(firm_id, sector, True) for sector in SECTORS[kind]] or [(firm_id, "none", False)]
        readable += [firm_id] if read else []
    columns = {
        "firms": ["firm_id", "status", "dissolved_on"],
        "premises": ["firm_id", "postcode", "kind", "source", "lad_code"],
        "accounts": ["firm_id", "period_end", "employees", "turnover_gbp", "source", "imputed"],
        "assignments": ["firm_id", "sector", "assigned"],
    }
    tables: dict[str, list[Any]] = dict(zip(columns, (firms, premises, accounts, assignments), strict=True))
    frames = {}
    for name, found in tables.items():
        order.shuffle(found)
        frames[name] = pd.DataFrame(found, columns=columns[name]).assign(shard=order.randrange(4))
    return roll(FAMILY, frames["firms"], frames["premises"], frames["accounts"], readable, frames["assignments"])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LISTS, st.randoms(use_true_random=False), st.randoms(use_true_random=False))
def test_order_and_sharding_do_not_matter_and_parts_add_up(listed: list[tuple[Any, ...]], one: Any, other: Any) -> None:
    made = _tables(listed, one)
    assert _tables(listed, other) == made
    assert made.firms.rows_in == made.firms.counted + len(made.firms.dropped) == len(listed)
    cells: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for cell in cells_of(made):
        cells.setdefault((str(cell["cluster"]), str(cell["metric"]), str(cell["area_kind"])), []).append(cell)
    for (cluster, metric, kind), parts in cells.items():
        (whole,) = cells[cluster, metric, "all"]
        assert sum(cell["n"] for cell in parts) == whole["n"], kind
        assert sum(cell["value"] or 0 for cell in parts) == pytest.approx(whole["value"] or 0), kind
        read = cells[cluster, "businesses", "all"][0]["coverage"] > 0 or not made.firms.counted
        assert all(
            (cell["value"] is None) == (cell["n"] == 0 and not (metric == "businesses" and read)) for cell in parts
        )
        assert all(0 <= cell["coverage"] <= 1 for cell in parts)
    for metric in METRICS:
        assert cells["p", metric, "all"][0]["n"] >= cells["c", metric, "all"][0]["n"]


def _texts(flags: object) -> list[str]:
    assert isinstance(flags, list)
    return flags
