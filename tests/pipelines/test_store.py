"""The lake: real Iceberg tables that take whole commits of valid rows, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.errors import TableError
from pipelines.schemas import arrow_schema
from pipelines.store import Lake, shard_of
from pipelines.tables import TABLES

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


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_table_reads_back_empty_with_its_schema(lake: Lake, table: Any) -> None:
    rows = lake.read_arrow(table.name)
    assert rows.num_rows == 0
    assert rows.schema == arrow_schema(table)


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
