"""What the gate is told, read from real tables at two moments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from labels.taxonomy import load_taxonomy
from pipelines.figures import Moment
from pipelines.night.gathering import gather_candidate, gather_state
from pipelines.night.state import Candidate
from pipelines.scheduling import Bounds
from pipelines.setup import create_workspace
from pipelines.store import shard_of
from pipelines.tables import TABLES
from pipelines.workspace import Workspace

FIRST = datetime(2026, 11, 21, 1, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)
BOUNDS = Bounds.of(20, 672)
Row = dict[str, Any]
TAXONOMY = """id: t
version: 1
sectors:
  - {key: air, name: Aerospace}
  - {key: space, name: Space, parents: [air]}
  - {key: cyber, name: Cyber}
"""
FIRMS = tuple(f"f{number:03}" for number in range(100))


def row(table: str, shards: int, **given: Any) -> Row:
    """A row of a table, with something in every column that must have it."""
    blank = {"text": "", "texts": [], "int": 0, "float": 0.0, "bool": False, "instant": FIRST, "vector": []}
    made = {column.name: None if column.optional else blank[column.kind] for column in TABLES[table].columns}
    made |= given
    return made | {"shard": shard_of(str(made[TABLES[table].key[0]]), shards)}


class Farm:
    """A hundred firms with a site and a page each, in a real lake."""

    written: ClassVar[dict[str, list[Row]]] = {}  # what the tables hold, since a table as it was is not written again

    def __init__(self, workspace: Workspace) -> None:
        self.lake = workspace.lake
        self.taxonomy = load_taxonomy(workspace.taxonomy_file)
        self.firms: dict[str, Row] = {
            firm_id: {"name": firm_id, "website": f"https://{firm_id}.example"} for firm_id in FIRMS
        }
        self.sites: dict[str, Row] = {
            firm_id: {"source": "crawl", "website": f"https://{firm_id}.example", "outcome": "ok", "crawled_at": FIRST}
            for firm_id in FIRMS
        }
        self.texts = dict.fromkeys(FIRMS, "word " * 400)
        self.assigned: dict[str, str] = {}

    def write(self) -> Moment:
        """Commit everything as it stands."""

        def put(table: str, rows: Iterable[Row]) -> None:
            made = [row(table, self.lake.shards, **given) for given in rows]
            if self.written.get(table) != made:
                self.lake.replace_all(table, made, "run")
                self.written[table] = made

        put("firms", ({"firm_id": firm_id, **given} for firm_id, given in self.firms.items()))
        put("sites", ({"firm_id": firm_id, **given} for firm_id, given in self.sites.items()))
        put("pages", ({"firm_id": firm_id, "url": "u", "text": text} for firm_id, text in self.texts.items()))
        put(
            "assignments",
            ({"firm_id": firm_id, "sector": key, "assigned": True} for firm_id, key in self.assigned.items()),
        )
        counts: dict[str, int] = {key: list(self.assigned.values()).count(key) for key in self.taxonomy.keys}
        put(
            "cells",
            (
                {"cluster": key, "area_kind": kind, "area_code": "all" if kind == "all" else "unknown",
                 "metric": "businesses", "period": "latest", "value": float(count), "n": count}
                for key, count in counts.items() for kind in ("all", "lad")
            ),
        )  # fmt: skip
        return Moment.now(self.lake)

    def visit(self, firm_ids: Iterable[str], outcome: str) -> None:
        """Visit sites on the second night, with this end."""
        for firm_id in firm_ids:
            self.sites[firm_id] |= {"outcome": outcome, "crawled_at": SECOND}

    def candidate(self, before: Moment | None) -> Candidate:
        """The facts of the second night."""
        return gather_candidate(before, self.write(), self.taxonomy, started_at=SECOND, bounds=BOUNDS)


@pytest.fixture(scope="module")
def one_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One lake for all cases: each writes whole tables, and compares snapshots of its own."""
    folder = tmp_path_factory.mktemp("gathering")
    (folder / "t.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "t.yaml"))
    return Workspace(folder / "ws")


@pytest.fixture
def farm(one_workspace: Workspace) -> Farm:
    """Firms that were read on the first night."""
    return Farm(one_workspace)


def test_the_first_night_has_a_state_and_nothing_beside_it(farm: Farm) -> None:
    farm.visit(FIRMS[:3], "timeout")
    farm.firms["f000"] |= {"status": "Dissolved"}
    farm.texts["f001"] = "x"
    del farm.texts["f002"]
    found = farm.candidate(None)
    assert (found.state.firms, found.state.read, found.state.sites, found.state.failing) == (99, 98, 100, 3)
    assert found.state.median_chars == 2_000
    assert (found.reached, found.coverage, found.failures, found.chars) == (None, None, None, None)
    assert found.breaks == ()


@pytest.mark.parametrize(
    ("failing", "outcome", "answered"),
    [
        (40, "timeout", 60), (6, "dns_failed", 94), (5, "http_error", 95), (1, "robots_unreachable", 99),
        (40, "not_attempted", 60), (40, "internal_error", 60), (40, "gone", 60), (40, "parked", 100),
        (40, "robots_disallowed", 100), (40, "unchanged", 100),
    ],
)  # fmt: skip
def test_a_site_answers_when_its_visit_says_something_of_the_site(
    farm: Farm, failing: int, outcome: str, answered: int
) -> None:
    before = farm.write()
    farm.visit(FIRMS, "ok")
    farm.visit(FIRMS[:failing], outcome)
    found = farm.candidate(before).reached
    assert found is not None
    assert (found.tried, found.answered, found.known) == (100, answered, 100)
    assert found.missed == ({outcome: failing} if answered < 100 else {})


Change = Callable[[Farm], object]


def _was_failing(farm: Farm) -> None:
    farm.sites["f000"] |= {"outcome": "timeout"}


def _leaves(farm: Farm) -> None:
    del farm.firms["f000"]


def _moves(farm: Farm) -> None:
    farm.firms["f000"] |= {"website": "https://new.example"}
    farm.sites["f000"] |= {"website": "https://new.example", "outcome": "timeout", "crawled_at": SECOND}


def _imports(farm: Farm) -> None:
    farm.sites["f000"] |= {"source": "texts"}


def _not_due(farm: Farm) -> None:
    farm.sites["f000"] |= {"crawled_at": SECOND - timedelta(hours=2)}


def _is_new(farm: Farm) -> None:
    farm.firms["new"] = {"name": "new", "website": "https://new.example"}
    farm.sites["new"] = farm.sites["f000"] | {"website": "https://new.example", "outcome": "timeout"}


@pytest.mark.parametrize(
    ("first", "then", "tried", "answered"),
    [
        pytest.param(None, None, 100, 99, id="due and not tried counts as not reached"),
        pytest.param(_was_failing, None, 99, 99, id="failed when last published"),
        pytest.param(None, _leaves, 99, 99, id="left the list"),
        pytest.param(None, _moves, 99, 99, id="another website"),
        pytest.param(_imports, None, 99, 99, id="words imported"),
        pytest.param(_not_due, None, 99, 99, id="not due"),
        pytest.param(None, _is_new, 100, 99, id="new firms say nothing of a night"),
    ],
)
def test_only_sites_that_were_read_and_are_due_can_be_missed(
    farm: Farm, first: Change | None, then: Change | None, tried: int, answered: int
) -> None:
    if first:
        first(farm)
    before = farm.write()
    farm.visit(FIRMS[1:], "ok")
    if then:
        then(farm)
    found = farm.candidate(before).reached
    assert found is not None
    assert (found.tried, found.answered) == (tried, answered)


def test_without_a_crawl_no_site_is_missed(farm: Farm) -> None:
    before = farm.write()
    found = gather_candidate(before, before, farm.taxonomy, started_at=None, bounds=BOUNDS).reached
    assert found is not None
    assert (found.tried, found.known) == (0, 100)


def test_coverage_and_failures_are_of_the_same_firms_on_both_sides(farm: Farm) -> None:
    before = farm.write()
    for number in range(300):
        farm.firms[f"new{number}"] = {"name": "n", "website": None}
        farm.sites[f"new{number}"] = {"source": "crawl", "website": "w", "outcome": "timeout", "crawled_at": SECOND}
    farm.visit(FIRMS[:10], "parked")
    for firm_id in FIRMS[:10]:
        del farm.texts[firm_id]
    farm.visit(FIRMS[10:14], "timeout")
    found = farm.candidate(before)
    assert found.coverage is not None
    assert found.failures is not None
    assert (found.coverage.n, found.coverage.before, found.coverage.now) == (100, 1.0, 0.9)
    assert (found.failures.n, found.failures.before, found.failures.now) == (100, 0.0, 0.04)
    assert (found.state.firms, found.state.failing) == (400, 304)


@pytest.mark.parametrize(
    ("read", "median"), [(30, 500.0), (19, 2_000.0)], ids=["sites read anew", "too few: all sites"]
)
def test_lengths_are_compared_over_the_sites_that_were_read_anew(farm: Farm, read: int, median: float) -> None:
    before = farm.write()
    farm.visit(FIRMS[:read], "ok")
    for firm_id in FIRMS[:read]:
        farm.texts[firm_id] = "word " * 100
    found = farm.candidate(before).chars
    assert found is not None
    assert (found.before, found.now) == (2_000, median)


def _more_in_the_areas(cells: list[Row]) -> None:
    next(cell for cell in cells if cell["cluster"] == "air" and cell["area_kind"] == "lad")["value"] = 4.0


def _no_areas(cells: list[Row]) -> None:
    cells.remove(next(cell for cell in cells if cell["cluster"] == "air" and cell["area_kind"] == "lad"))


def _more_in_all(cells: list[Row]) -> None:
    for cell in cells:
        if cell["cluster"] == "cyber":
            cell |= {"value": 2.0, "n": 2}


def _more_in_the_part(cells: list[Row]) -> None:
    for cell in cells:
        if cell["cluster"] == "space":
            cell |= {"value": 9.0}


def _suppressed(cells: list[Row]) -> None:
    _more_in_the_areas(cells)
    next(cell for cell in cells if cell["cluster"] == "air" and cell["area_kind"] == "lad")["flags"] = ["suppressed"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda _: None, "", id="whole"),
        pytest.param(_more_in_the_areas, "businesses of air: areas of kind lad add up to 4", id="areas"),
        pytest.param(_no_areas, "businesses of air: areas of kind lad add up to 0", id="areas missing"),
        pytest.param(_more_in_all, "The list of cyber has 1 firms, its figures count 2.", id="list and figures"),
        pytest.param(_more_in_the_part, "space has 9 businesses, air, which holds it, 3.", id="part above the whole"),
        pytest.param(_suppressed, "", id="withheld areas are not added up"),
    ],
)
def test_totals_that_do_not_bear_out_are_found(farm: Farm, spoil: Callable[[list[Row]], None], said: str) -> None:
    farm.assigned = {"f000": "air", "f001": "air", "f002": "air", "f003": "cyber"}
    moment = farm.write()
    cells = [{**cell} for cell in moment.read_arrow("cells").to_pylist()]
    spoil(cells)
    farm.lake.replace_all("cells", cells, "spoilt")
    del farm.written["cells"]
    found = gather_candidate(None, Moment.now(farm.lake), farm.taxonomy, started_at=SECOND, bounds=BOUNDS)
    assert any(said in sentence for sentence in found.breaks) if said else not found.breaks
    assert found.totals > 5


def test_a_firm_that_stands_twice_is_found_behind_the_lake_that_would_refuse_it(farm: Farm) -> None:
    import pyarrow as pa

    class Doubled(Moment):
        def read_arrow(self, name: str, *given: Any) -> pa.Table:
            rows = super().read_arrow(name, *given)
            return pa.concat_tables([rows, rows.slice(0, 1)]) if name == "firms" else rows

    moment = farm.write()
    doubled = Doubled(moment.lake, moment.snapshots)
    found = gather_candidate(None, doubled, farm.taxonomy, started_at=SECOND, bounds=BOUNDS)
    assert len(found.breaks) == 1
    assert found.breaks[0].startswith("1 row of the table firms stands twice, first f")


def test_tables_without_cells_have_no_totals_to_break(farm: Farm) -> None:
    moment = farm.write()
    farm.lake.replace_all("cells", [], "emptied")
    del farm.written["cells"]
    found = gather_candidate(None, Moment.now(farm.lake), farm.taxonomy, started_at=SECOND, bounds=BOUNDS)
    assert found.breaks == ()
    assert found.state == gather_state(moment)


def test_a_state_reads_the_same_as_a_candidate(farm: Farm) -> None:
    before = farm.write()
    assert gather_state(before) == farm.candidate(None).state
