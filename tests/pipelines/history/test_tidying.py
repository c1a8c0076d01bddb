"""Small files put together: the same rows, fewer files, beside readers and writers too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.compaction import MANY, PLAIN_FLOATS, merge_small
from pipelines.leaves import in_order
from pipelines.runs import start_run
from pipelines.store import Lake
from pipelines.tables import TABLES
from pipelines.tidying import tidy
from pipelines.workspace import Workspace

APPENDS = 12


def vectors(number: int, rows: int = 8) -> list[dict[str, Any]]:
    """New vectors, spread over all shards."""
    names = [f"{number:04}-{one:03}" for one in range(rows)]
    return [
        {"shard": place % 4, "text_digest": name, "encoder_id": "e", "vector": [float(number), 0.5]}
        for place, name in enumerate(names)
    ]


def files(lake: Lake, name: str) -> dict[int, int]:
    lake.close()
    found = lake.find(name)
    assert found is not None
    shards = [int(task.file.partition[0]) for task in found.scan().plan_files()]
    return {shard: shards.count(shard) for shard in sorted(set(shards))}


def test_files_that_appends_left_become_few_and_rows_stay(workspace: Workspace) -> None:
    lake = workspace.lake
    for number in range(APPENDS):
        lake.append("embeddings", vectors(number), "r")
    before = in_order(lake.read_arrow("embeddings"), TABLES["embeddings"])
    assert set(files(lake, "embeddings").values()) == {APPENDS}
    with start_run(workspace, "tidy") as run:
        assert tidy(run).files == 4 * (APPENDS - 1)
        assert tidy(run).files == 0
    assert set(files(lake, "embeddings").values()) == {1}
    assert in_order(lake.read_arrow("embeddings"), TABLES["embeddings"]).equals(before)
    assert PLAIN_FLOATS.items() <= lake.notes("embeddings").items()


def test_few_small_files_are_left_alone(workspace: Workspace) -> None:
    for number in range(MANY):
        workspace.lake.append("embeddings", vectors(number), "r")
    snapshot = workspace.lake.snapshot("embeddings")
    with start_run(workspace, "tidy") as run:
        assert tidy(run).files == 0
    assert workspace.lake.snapshot("embeddings") == snapshot


def test_whole_leaves_of_rows_that_compress_well_are_left_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On disk they are small for ever: putting them together would write the table anew every night."""
    for module in ("leaves", "compaction"):
        monkeypatch.setattr(f"pipelines.{module}.LEAF_BYTES", 2**12)
    lake = workspace.lake
    ids = [f"f{number:04}" for number in range(1_500)]
    rows = [
        {"firm_id": firm_id, "sector": sector, "probability": 0.5, "model_id": "m", "text_digest": "d"}
        for firm_id in ids
        for sector in ("air", "space", "cyber")
    ]
    lake.replace_firms("scores", ids, rows, "r")
    left = files(lake, "scores")
    assert min(left.values()) > MANY
    for firm_id in ids[:80]:  # and crumbs beside them
        lake.append("scores", [{**rows[0], "firm_id": firm_id, "sector": "other"}], "r")
    with start_run(workspace, "tidy") as run:
        assert tidy(run).files > 0
        snapshot = workspace.lake.snapshot("scores")
        assert tidy(run).files == 0
    assert workspace.lake.snapshot("scores") == snapshot
    assert files(workspace.lake, "scores") == {shard: count + 1 for shard, count in left.items()}


def test_nights_that_each_add_a_row_leave_few_files(workspace: Workspace) -> None:
    lake, most = workspace.lake, 0
    for number in range(30):
        lake.append("warc_files", [warc(number)], "r")
        found = lake.find("warc_files")
        assert found is not None
        merge_small(found, TABLES["warc_files"], {})
        most = max(most, *files(lake, "warc_files").values())
    assert most == MANY
    assert lake.read_arrow("warc_files").num_rows == 30


def test_a_spoilt_file_is_named_and_ends_no_night(workspace: Workspace) -> None:
    for number in range(APPENDS):
        workspace.lake.append("embeddings", vectors(number), "r")
    found = workspace.lake.find("embeddings")
    assert found is not None
    path = next(iter(found.scan().plan_files())).file.file_path.removeprefix("file://")
    Path(path).write_bytes(b"PAR1 spoilt PAR1")
    with start_run(workspace, "tidy") as run:
        done = tidy(run)
    assert done.files == 0
    assert "table embeddings cannot be read" in done.left[0]
    assert set(files(workspace.lake, "embeddings").values()) == {APPENDS}


def warc(number: int) -> dict[str, Any]:
    return {
        "shard": 1, "digest": f"{number}", "name": "w", "imported_at": datetime(2026, 1, 1, tzinfo=UTC), "bytes": 1,
        "records": 1, "responses": 1, "taken": 1, "skipped": 0,
    }  # fmt: skip


READER = """
import sys
from pathlib import Path
from pipelines.store import Lake
folder, stop = Path(sys.argv[1]), Path(sys.argv[2])
lake, most, read = Lake(folder, 4), 0, 0
while not stop.exists() or read < 3:
    lake.close()
    names = lake.read_arrow("embeddings", ["text_digest"])["text_digest"].to_pylist()
    if len(names) != len(set(names)) or len(names) < most:
        sys.exit(f"{len(names)} rows, {len(set(names))} of them distinct, after {most}")
    most, read = len(names), read + 1
    if read == 1:
        print("reading", flush=True)
print(most)
"""

TIDIER = """
import sys
from pathlib import Path
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pipelines.compaction import merge_small
from pipelines.store import Lake
from pipelines.tables import TABLES
import pipelines.compaction
pipelines.compaction.MANY = 1  # at every look there is something to do
folder, stop = Path(sys.argv[1]), Path(sys.argv[2])
lake, done = Lake(folder, 4), 0
merge_small(lake.find("embeddings"), TABLES["embeddings"], {})
print("tidying", flush=True)
while not stop.exists() or not done:  # what the writer leaves is enough for one
    lake.close()
    try:
        done += merge_small(lake.find("embeddings"), TABLES["embeddings"], {}) > 0
    except (CommitFailedException, ValidationException):
        pass
print(done)
"""


@contextmanager
def beside(program: str, *arguments: Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def test_beside_a_reader_and_a_writer_every_row_is_there_once(workspace: Workspace) -> None:
    lake, stop = workspace.lake, workspace.folder / "stop"
    lake.append("embeddings", vectors(0), "r")
    with beside(READER, lake.folder, stop) as reader, beside(TIDIER, lake.folder, stop) as tidier:
        for child in (reader, tidier):
            assert child.stdout is not None
            assert child.stdout.readline()
        for number in range(1, APPENDS):
            written(lake, number)
        stop.touch()
        answers = [child.communicate(timeout=60) for child in (reader, tidier)]
        assert [child.returncode for child in (reader, tidier)] == [0, 0], answers
    assert int(answers[0][0]) > len(vectors(0))
    assert int(answers[1][0]) >= 1
    lake.close()
    names = lake.read_arrow("embeddings", ["text_digest"])["text_digest"].to_pylist()
    assert sorted(names) == sorted(row["text_digest"] for number in range(APPENDS) for row in vectors(number))


def written(lake: Lake, number: int) -> None:
    """Append, again where a compaction was faster: a writer that does not hold the workspace's lock would do so."""
    from pyiceberg.exceptions import CommitFailedException, ValidationException

    for _ in range(50):
        lake.close()
        try:
            lake.append("embeddings", vectors(number), "r")
        except (CommitFailedException, ValidationException):
            continue
        return
    pytest.fail("the compaction never let a writer commit")


def test_a_commit_is_never_refused_for_lists_that_another_thread_looks_at(workspace: Workspace) -> None:
    """pyiceberg asks threads about a table's lists of files with one object that remembers the last (table_commits)."""
    lake = workspace.lake
    for number in range(24):
        lake.append("embeddings", [row | {"shard": number % 4} for row in vectors(number, 1)], "r")
    found = lake.find("embeddings")
    assert found is not None
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        assert merge_small(found, TABLES["embeddings"], {}) == 0  # six a shard are few
        for _ in range(3):
            replaced(found)
    finally:
        sys.setswitchinterval(interval)
    lake.close()
    assert lake.read_arrow("embeddings").num_rows == 24


def replaced(found: Any) -> None:
    """Every file written anew, in one commit."""
    from pipelines.leaves import rows_of_file, written_files
    from pipelines.table_commits import commit_files

    tasks = list(found.scan().plan_files())
    added = [file for task in tasks for file in written_files(found, rows_of_file(found, TABLES["embeddings"], task))]
    commit_files(found, [task.file for task in tasks], added, {})
