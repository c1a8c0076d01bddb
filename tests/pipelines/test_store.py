"""The lake: real Iceberg tables that take whole commits of valid rows, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import leaves
from pipelines.errors import TableError
from pipelines.schemas import arrow_schema
from pipelines.store import Lake, shard_of
from pipelines.tables import TABLES, Column, Table

NOW = datetime(2026, 11, 21, 1, 2, 3, 456789, tzinfo=UTC)


def firm(firm_id: str, name: str = "Firm") -> dict[str, Any]:
    rest = ("website", "company_number", "status", "incorporated_on", "dissolved_on", "sic_codes", "parent_id")
    return dict.fromkeys((*rest, "foreign_owned")) | {"firm_id": firm_id, "name": name}


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    lake = Lake(tmp_path / "lake", shards=3)
    lake.create()
    yield lake
    lake.close()


def test_every_table_reads_back_empty_with_its_schema(lake: Lake) -> None:
    for table in TABLES.values():
        rows = lake.read_arrow(table.name)
        assert rows.num_rows == 0
        assert rows.schema == arrow_schema(table), table.name


def test_rows_come_back_as_they_went_in(lake: Lake) -> None:
    odd = ["NA", "null", "00123", "=1+1", "naïve 🚀", "a\nb", "1e5"]
    lake.replace_firms("firms", odd, [firm(name, name) for name in odd], "r1")
    held = lake.read_arrow("firms")
    assert sorted(held["name"].to_pylist()) == sorted(odd)
    assert sorted(held["firm_id"].to_pylist()) == sorted(odd)
    assert {row["firm_id"]: row["shard"] for row in held.to_pylist()} == {name: shard_of(name, 3) for name in odd}
    assert held["website"].null_count == len(odd)


def test_replacing_touches_these_firms_only(lake: Lake) -> None:
    ids = [f"f{number}" for number in range(20)]
    lake.replace_firms("firms", ids, [firm(firm_id) for firm_id in ids], "r1")
    lake.replace_firms("firms", ["f3", "f4"], [firm("f3", "new")], "r2")
    names = dict(zip(*(lake.read_arrow("firms")[column].to_pylist() for column in ("firm_id", "name")), strict=True))
    assert names == {firm_id: "Firm" for firm_id in ids if firm_id != "f4"} | {"f3": "new"}


def test_a_replacement_that_changes_nothing_commits_nothing(lake: Lake) -> None:
    rows = [firm(f"f{number}") for number in range(10)]
    ids = [row["firm_id"] for row in rows]
    assert lake.replace_firms("firms", ids, rows, "r1") == 10
    before = lake.snapshots()
    assert lake.replace_firms("firms", ids, rows[::-1], "r2") == 0
    assert lake.replace_all("firms", rows, "r2") == 0
    assert lake.snapshots() == before


def test_only_shards_that_change_are_written(lake: Lake) -> None:
    ids = [f"f{number}" for number in range(30)]
    lake.replace_firms("firms", ids, [firm(firm_id) for firm_id in ids], "r1")
    written = lake.replace_firms(
        "firms", ids, [firm(firm_id, "new" if firm_id == "f0" else "Firm") for firm_id in ids], "r2"
    )
    assert written == sum(shard_of(firm_id, 3) == shard_of("f0", 3) for firm_id in ids)


def test_files_of_other_shards_are_not_read(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a commit of a few firms would cost what all firms cost."""
    lake.append("firms", [firm(f"f{at}") for at in range(60)], "r1")
    assert {shard for shard, tasks in lake.files("firms").items() if tasks} == {0, 1, 2}
    read: list[int] = []

    def rows_of_file(found: Any, table: Table, leaf: Any) -> Any:
        read.append(leaf.file.partition[0])
        return leaves_rows_of_file(found, table, leaf)

    leaves_rows_of_file = leaves.rows_of_file
    monkeypatch.setattr(leaves, "rows_of_file", rows_of_file)
    ours = [f"f{at}" for at in range(60) if shard_of(f"f{at}", 3) == 1]
    lake.replace_firms("firms", [ours[0], ours[-1]], [firm(ours[0], "Other")], "r2")
    assert read == [1]
    assert lake.read_arrow("firms").num_rows == 59


def test_history_can_be_read(lake: Lake) -> None:
    lake.replace_firms("firms", ["a"], [firm("a", "old")], "r1")
    then = lake.snapshots()["firms"]
    lake.replace_firms("firms", ["a"], [firm("a", "new")], "r2")
    assert lake.read_arrow("firms", ["name"])["name"].to_pylist() == ["new"]
    assert lake.read_arrow("firms", ["name"], snapshot_id=then)["name"].to_pylist() == ["old"]


def test_vectors_and_instants_are_exact(lake: Lake) -> None:
    vector = np.linspace(-1, 1, 384, dtype=np.float32)
    lake.append("embeddings", [{"text_digest": "d", "encoder_id": "e", "vector": vector}], "r")
    np.testing.assert_array_equal(np.array(lake.read_arrow("embeddings")["vector"][0].as_py(), np.float32), vector)
    site: dict[str, Any] = {
        "firm_id": "a", "source": "crawl", "website": None, "final_url": None, "outcome": "ok", "reason": "",
        "crawled_at": NOW, "requests": 1, "bytes_read": 2, "pages": 0, "flags": [],
    }  # fmt: skip
    lake.replace_firms("sites", ["a"], [site], "r")
    assert lake.read_arrow("sites")["crawled_at"].to_pylist() == [NOW]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param([firm("a") | {"name": None}], "table firms, row 0, column name: None is not allowed", id="null"),
        pytest.param([firm("a"), firm("a")], "key ['a'] would stand there twice", id="key twice"),
        pytest.param([firm("a") | {"nme": "x"}], "row 0: unknown column 'nme'", id="unknown column"),
        pytest.param([firm("a") | {"name": 3}], "a value does not fit its column", id="wrong type"),
        pytest.param([firm("b")], "rows of firms that were not to be replaced, first 'b'", id="another firm"),
    ],
)
def test_refused_before_the_commit(lake: Lake, rows: list[dict[str, Any]], message: str) -> None:
    before = lake.snapshots()
    with pytest.raises(TableError) as caught:
        lake.replace_firms("firms", ["a"], rows, "r")
    assert message in str(caught.value)
    assert lake.snapshots() == before


def test_a_score_that_is_not_a_number_is_refused(lake: Lake) -> None:
    row = {"firm_id": "a", "sector": "s", "probability": float("nan"), "model_id": "m", "text_digest": "d"}
    with pytest.raises(TableError, match=r"table scores, row 0, column probability: nan is not allowed"):
        lake.replace_firms("scores", ["a"], [row], "r")


def test_another_number_of_shards_is_refused(lake: Lake, tmp_path: Path) -> None:
    lake._table("firms")
    other = Lake(tmp_path / "lake", shards=5)
    with pytest.raises(TableError, match=r"made with|has 3 shards but the configuration says 5"):
        other.read("firms")
    other.close()


def test_no_lake(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="run firmscope init"):
        Lake(tmp_path / "nowhere", 1).read("firms")


def test_shards_are_stable_and_even() -> None:
    assert [shard_of(name, 8) for name in ("a", "b", "00123", "é")] == [2, 2, 7, 3]
    counts = np.bincount([shard_of(f"firm {number}", 8) for number in range(8000)], minlength=8)
    assert counts.min() > 850


def earlier(name: str, columns: int, *others: Column) -> Table:
    """A table as a release made it that knew its first columns only, and perhaps others."""
    return replace(TABLES[name], columns=(*TABLES[name].columns[:columns], *others))


def site(firm_id: str, **changes: Any) -> dict[str, Any]:
    row = {"source": "crawl", "website": None, "final_url": None, "outcome": "ok", "reason": "", "crawled_at": NOW}
    return row | {"firm_id": firm_id, "requests": 1, "bytes_read": 2, "pages": 0, "flags": []} | changes


def test_a_lake_of_the_release_before_takes_on_new_columns_and_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as past:
        past.setitem(TABLES, "sites", earlier("sites", 12))
        past.delitem(TABLES, "marks")
        old = Lake(tmp_path / "old", shards=3)
        old.create()
        old.replace_firms("sites", ["a", "b"], [site("a"), site("b")], "r1")
        then = old.snapshots()["sites"]
        old.close()
    lake = Lake(tmp_path / "old", shards=3)
    held = lake.read_arrow("sites")
    assert held.schema == arrow_schema(TABLES["sites"])
    assert held["due_at"].null_count == 2
    assert lake.snapshots()["sites"] == then
    lake.replace_firms("sites", ["a"], [site("a", due_at=NOW, aliases=["x.example"])], "r2")
    rows = {row["firm_id"]: row for row in lake.read_arrow("sites").to_pylist()}
    assert (rows["a"]["due_at"], rows["a"]["aliases"], rows["b"]["due_at"]) == (NOW, ["x.example"], None)
    assert lake.read_arrow("sites", ["firm_id", "due_at"], snapshot_id=then)["due_at"].null_count == 2
    assert lake.read_arrow("marks").num_rows == 0
    lake.close()


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(earlier("sites", 11), id="a column missing that may not be null"),
        pytest.param(
            earlier("sites", 12, Column("colour", "text", "?", optional=True)),
            id="a column that this release does not have",
        ),
    ],
)
def test_a_lake_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Table) -> None:
    with monkeypatch.context() as other:
        other.setitem(TABLES, "sites", made)
        old = Lake(tmp_path / "old", shards=3)
        old.create()
        old._table("sites")
        old.close()
    with pytest.raises(TableError, match=r"table sites was made by another release .*start a new workspace"):
        Lake(tmp_path / "old", shards=3).read_arrow("sites")


def files(lake: Lake, name: str) -> set[str]:
    return {task.file.file_path for task in lake._table(name).scan().plan_files()}


@pytest.fixture
def leafy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A lake of one shard whose table of firms is cut into many files."""
    monkeypatch.setattr(leaves, "LEAF_BYTES", 4096)
    monkeypatch.setattr(leaves, "SMALL_BYTES", 0)
    lake = Lake(tmp_path / "leafy", shards=1)
    lake.create()
    ids = [f"f{number:03d}" for number in range(400)]
    lake.replace_firms("firms", ids, [firm(firm_id, f"Firm {firm_id}") for firm_id in ids], "r1")
    yield lake
    lake.close()


def test_a_commit_writes_only_the_files_that_hold_what_changes(leafy: Lake) -> None:
    before = files(leafy, "firms")
    assert len(before) >= 5
    written = leafy.replace_firms("firms", ["f007", "f399"], [firm("f007", "new"), firm("f399", "new")], "r2")
    after = files(leafy, "firms")
    assert len(after) == len(before)
    assert len(after - before) == 2
    assert 2 < written < 200
    names = dict(zip(*(leafy.read_arrow("firms")[column].to_pylist() for column in ("firm_id", "name")), strict=True))
    assert {firm_id for firm_id, name in names.items() if name == "new"} == {"f007", "f399"}
    assert len(names) == 400


def test_firms_can_come_go_and_come_back_in_any_file(leafy: Lake) -> None:
    everybody = [f"f{number:03d}" for number in range(400)]
    leafy.replace_firms("firms", everybody, [firm(firm_id) for firm_id in everybody[::2]], "r2")
    assert sorted(leafy.read_arrow("firms")["firm_id"].to_pylist()) == everybody[::2]
    leafy.replace_firms("firms", everybody, [], "r3")
    assert (leafy.read_arrow("firms").num_rows, files(leafy, "firms")) == (0, set())
    assert leafy.replace_firms("firms", everybody, [], "r4") == 0
    leafy.replace_firms("firms", everybody, [firm(firm_id) for firm_id in everybody], "r5")
    assert leafy.read_firms("firms", {"f001", "f250"}, ["firm_id"])["firm_id"].to_pylist() == ["f001", "f250"]


def test_many_small_commits_leave_few_files_and_few_lists_of_files(lake: Lake) -> None:
    for number in range(12):
        lake.replace_firms("firms", [f"f{number}"], [firm(f"f{number}")], f"r{number}")
        lake.replace_firms("firms", ["f0"], [firm("f0", str(number))], f"s{number}")
    table = lake._table("firms")
    assert len(files(lake, "firms")) <= lake.shards
    assert len(table.current_snapshot().manifests(table.io)) <= 2 * lake.shards
    assert len(table.snapshots()) == 24
