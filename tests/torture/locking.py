"""Four processes that write to one lake under its lock, and what has to stand in it at the end."""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import time
from collections import Counter
from pathlib import Path

from pipelines.errors import WorkspaceBusyError
from pipelines.setup import create_workspace
from pipelines.workspace import Workspace
from tests.pipelines.conftest import TAXONOMY
from tests.torture.world import World

WRITERS = 4
WRITES = 6  # of each
FIRMS = 20
PATIENCE_S = 300.0


def four_writers(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """Replace, add and take out firms at random; the rows left are those that the writes, in their order, make."""
    folder = world.folder / "four"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "t.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "t.yaml"))
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(folder, one, rng.random())) for one in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(PATIENCE_S)
    faults = [f"a writer ended with {writer.exitcode}" for writer in writers if writer.exitcode != 0]
    model: dict[str, str | None] = {}
    for line in (folder / "log").read_text(encoding="utf-8").splitlines():
        model.update(json.loads(line))
        hits["writes"] += 1
    lake = Workspace(folder / "ws").lake
    rows = {row["firm_id"]: row["name"] for row in lake.read_arrow("firms", ["firm_id", "name"]).to_pylist()}
    lake.close()
    expected = {firm_id: name for firm_id, name in model.items() if name is not None}
    return faults + ([] if rows == expected else [f"{rows} stand in the table, expected {expected}"])


def _write(folder: Path, writer: int, seed: float) -> None:
    rng = random.Random(seed)
    for number in range(WRITES):
        change = {f"f{firm}": rng.choice([None, f"{writer}-{number}"]) for firm in rng.sample(range(FIRMS), 5)}
        rows = [{"firm_id": firm_id, "name": name} for firm_id, name in change.items() if name is not None]
        deadline = time.monotonic() + PATIENCE_S
        while True:
            workspace = Workspace(folder / "ws")
            try:
                with workspace.locked():
                    workspace.lake.replace_firms("firms", list(change), rows, f"{writer}-{number}")
                    workspace.lake.close()
                    with (folder / "log").open("a", encoding="utf-8") as log:
                        log.write(json.dumps(change) + "\n")
                break
            except WorkspaceBusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(rng.random() / 50)
