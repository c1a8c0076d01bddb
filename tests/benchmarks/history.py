"""A year of nights: how large the lake becomes beside its newest state, and how long reading it takes beside night 1.

Nothing is crawled and no model is asked: rows as wide as real ones are written as the stages write them
(``history_lake.py``), and swept by the vacuum that a night ends with. Days pass in the rows' and the vacuum's calendar.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.setup import create_workspace
from pipelines.tables import TABLES
from pipelines.workspace import Workspace
from tests.benchmarks.history_lake import SimulatedLake, Size
from tests.benchmarks.machine import describe, table

NIGHTS = 365
SHOWN = (1, 30, 90, 180, 365)
FIRMS = 600  # the ratios do not depend on it: a file holds more firms than this, and all of them are written anew
CHANGED = 0.01
LATER = timedelta(hours=2)  # the faked calendar begins after the hour for which the vacuum spares what is new
READ = ("assignments", "firms", "scores")  # what a list is made of
TAXONOMY = "midlands"
TIMES = 15  # a reading is timed so often, and the fastest counts


@dataclass(frozen=True)
class Weight:
    """Bytes of the lake's files: ``all`` of them, those that the ``newest`` state needs, and ``notes`` about rows.

    ``tables``: for each table all bytes, those of the newest state, and the files with rows of the newest state.
    """

    all: int
    newest: int
    notes: int
    tables: dict[str, tuple[int, int, int]]

    @property
    def times(self) -> float:
        """How many times its newest state the lake is."""
        return self.all / self.newest


@dataclass(frozen=True)
class Reading:
    """Processor seconds: to read a list whole, and to read the pages of one shard."""

    list_s: float
    pages_s: float


@dataclass(frozen=True)
class Night:
    """One night: what the lake weighs after it, and processor seconds that its commits and its vacuum took."""

    number: int
    weight: Weight
    commit_s: float
    sweep_s: float


def weigh(workspace: Workspace) -> Weight:
    """Weigh the lake as it stands."""
    from pyiceberg.manifest import read_manifest_list

    lake = workspace.lake
    lake.close()
    catalog = sum(path.stat().st_size for path in lake.folder.glob("catalog.db*"))
    total, newest, notes, tables = catalog, catalog, catalog, dict[str, tuple[int, int, int]]()
    for name in TABLES:
        found: Any = lake.find(name)
        if found is None:
            continue
        place = Path(found.location().removeprefix("file://"))
        sizes = {path: path.stat().st_size for path in place.rglob("*") if path.is_file()}
        snapshot = found.current_snapshot()
        needed = {found.metadata_location, snapshot.manifest_list}
        needed |= {one.manifest_path for one in read_manifest_list(found.io.new_input(snapshot.manifest_list))}
        files = [task.file for task in found.scan().plan_files()]
        now = sum(sizes[Path(one.removeprefix("file://"))] for one in needed)
        now += sum(file.file_size_in_bytes for file in files)
        tables[name] = (sum(sizes.values()), now, len(files))
        notes += sum(size for path, size in sizes.items() if path.suffix != ".parquet")
        total, newest = total + tables[name][0], newest + now
    return Weight(total, newest, notes, tables)


def read(*workspaces: Workspace) -> list[Reading]:
    """Time a list and a shard's pages of each, in turns, so that what else is at work slows them all."""
    found = (_fastest(workspaces, reader) for reader in (_read_list, _read_pages))
    return [Reading(*seconds) for seconds in zip(*found, strict=True)]


def live(workspace: Workspace, size: Size, nights: int, each: Callable[[Night], None], every: int = 1) -> None:
    """Simulate nights on a new workspace; ``each`` is told of the first, the last, and ``every`` so many between."""
    lake = SimulatedLake(workspace, size, datetime.now(UTC) + LATER)
    for number in range(1, nights + 1):
        began = time.process_time()
        run_id = lake.write_night()
        written = time.process_time()
        lake.sweep(run_id)
        swept = time.process_time()
        if number in (1, nights) or number % every == 0:
            each(Night(number, weigh(workspace), written - began, swept - written))


def run() -> None:
    """Print the lake's size by night, its tables at the end, and what reading and a night's commits cost."""
    describe("pyiceberg", "pyarrow")
    firms = int(_option("--firms", FIRMS))
    changed = float(_option("--changed", CHANGED))
    nights = int(_option("--nights", NIGHTS))
    print(f"{firms:,} firms, {changed:.0%} of them changed a night, {nights} nights\n")
    kept: list[Night] = []
    readings: dict[int, list[Reading]] = {}
    with tempfile.TemporaryDirectory() as folder:
        workspace, young = (_made(Path(folder) / name) for name in ("workspace", "young"))
        live(young, Size(firms, changed), 1, lambda _: None)  # stays as it is after its first night

        def each(night: Night) -> None:
            kept.append(night)
            if night.number in (*SHOWN, nights):
                readings[night.number] = read(workspace, young)
                print(".", end="", file=sys.stderr, flush=True)

        live(workspace, Size(firms, changed), nights, each)
    most = max(kept, key=lambda night: night.weight.times)
    first = readings[1][1]
    lines = []
    for night in kept:
        if night.number in readings or night is most:
            weight, beside = night.weight, readings.get(night.number)
            lines.append(
                [
                    f"{night.number}{' (most)' if night is most else ''}", f"{weight.newest / 1e6:.1f}",
                    f"{weight.all / 1e6:.1f}", f"{weight.times:.2f}", f"{weight.notes / 1e6:.2f}",
                    *(_times(*beside) if beside else ("", "")),
                ]
            )  # fmt: skip
    table(["night", "newest MB", "lake MB", "times", "metadata MB", "list / night 1", "pages / night 1"], lines)
    last = kept[-1].weight.tables
    rows = [
        [name, f"{now / 1e6:.2f}", f"{all_ / 1e6:.2f}", f"{all_ / now:.1f}", str(files)]
        for name, (all_, now, files) in sorted(last.items(), key=lambda item: -item[1][0])
    ]
    table(["table", "newest MB", "lake MB", "times", "files"], rows)
    late = kept[-30:]
    print(f"a list is read in {first.list_s:.3f} s at night 1, a shard's pages in {first.pages_s:.3f} s (processor)")
    for name in ("commit_s", "sweep_s"):
        spent = [getattr(night, name) for night in late]
        mean = sum(spent) / len(spent)
        print(f"{name}: {mean:.2f} s of processor a night over the last {len(late)}, most {max(spent):.2f}")
    print(f"the lake was at most {most.weight.times:.2f} times its newest state, in night {most.number}\n")


def _times(now: Reading, then: Reading) -> tuple[str, str]:
    return f"{now.list_s / then.list_s:.2f}", f"{now.pages_s / then.pages_s:.2f}"


def _made(folder: Path) -> Workspace:
    create_workspace(folder, TAXONOMY)
    return Workspace(folder)


def _read_list(workspace: Workspace) -> None:
    for name in READ:
        workspace.lake.read(name)


def _read_pages(workspace: Workspace) -> None:
    workspace.lake.read_arrow("pages", shards=[0])


def _fastest(workspaces: Sequence[Workspace], reader: Callable[[Workspace], None]) -> list[float]:
    """Processor seconds of each, the fastest of its turns; a lake is opened for each."""
    found = [[math.inf] for _ in workspaces]
    for _ in range(TIMES):
        for workspace, seconds in zip(workspaces, found, strict=True):
            workspace.lake.close()
            began = time.process_time()
            reader(workspace)
            seconds.append(time.process_time() - began)
    return [min(seconds) for seconds in found]


def _option(name: str, default: float) -> str:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else str(default)
