"""Files of the lake read by their field ids: what comes out is what pyiceberg's own scan gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.data_files import rows_of_files
from pipelines.errors import TableError
from pipelines.schemas import arrow_schema
from pipelines.store import Lake
from pipelines.tables import TABLES

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


def site(firm_id: str, **given: Any) -> dict[str, Any]:
    row: dict[str, Any] = {column.name: None for column in TABLES["sites"].columns[1:]}
    row |= {"firm_id": firm_id, "website": f"{firm_id}.example", "source": "crawl", "outcome": "ok", "reason": ""}
    row |= {"crawled_at": NOW, "requests": 1, "bytes_read": 2, "pages": 1, "flags": ["shared_host"], "aliases": ["x"]}
    return row | given


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    made = Lake(tmp_path / "lake", shards=3)
    made.create()
    made.append("sites", [site(f"firm-{number}") for number in range(20)], "first")
    made.append("sites", [site("late", due_at=NOW, flags=[])], "second")
    yield made
    made.close()


def test_as_pyiceberg_reads_them(lake: Lake) -> None:
    found = lake.find("sites")
    assert found is not None
    tasks = [task for shard in lake.files("sites").values() for task in shard]
    assert len(tasks) > 3
    ours = rows_of_files(found, tasks, arrow_schema(TABLES["sites"]))
    theirs = found.scan().to_arrow().select(ours.column_names).cast(ours.schema)
    assert ours.sort_by("firm_id").equals(theirs.sort_by("firm_id"))
    few = ["aliases", "firm_id"]
    assert (
        rows_of_files(found, tasks, arrow_schema(TABLES["sites"], few))
        .sort_by("firm_id")
        .equals(theirs.select(few).sort_by("firm_id"))
    )


def test_a_column_with_another_name_is_found_by_its_id(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    found = lake.find("sites")
    assert found is not None
    with found.update_schema() as update:
        update.rename_column("website", "homepage")
    sites = TABLES["sites"]
    columns = tuple(replace(one, name="homepage") if one.name == "website" else one for one in sites.columns)
    monkeypatch.setitem(TABLES, "sites", replace(sites, columns=columns))
    lake.replace_firms("sites", ["firm-1"], [], "third")
    rows = lake.read_arrow("sites", ["firm_id", "homepage"])
    assert rows.num_rows == 20
    assert all(row["homepage"] == f"{row['firm_id']}.example" for row in rows.to_pylist())


def test_rows_that_another_program_deleted_are_not_taken_for_ours(lake: Lake) -> None:
    found = lake.find("sites")
    assert found is not None
    task = lake.files("sites")[0][0]
    deleted = type(task)(task.file, {task.file})
    with pytest.raises(TableError, match="another program has deleted rows"):
        rows_of_files(found, [deleted], arrow_schema(TABLES["sites"]))
