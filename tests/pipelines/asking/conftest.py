"""Two workspaces to ask about: one that has learnt and judged on, and one in which nobody has judged anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labels.store import Judgement
from pipelines.classifying import run_classify
from pipelines.importing import import_texts
from pipelines.judging import judge
from pipelines.previewing import Preview, preview
from pipelines.runs import start_run
from pipelines.screen import Screen
from pipelines.setup import create_workspace
from pipelines.text_lists import read_texts
from pipelines.training import run_train
from pipelines.workspace import Workspace
from tests.pipelines.taught import POLITE, SAID, taught

TOWNS = ("Lower Fenwick", "Ashcombe", "Marl Bridge", "Oxley", "Thorne End", "Kirkby Vale", "Saltmarsh", "Brook Heath")
SHORT = "short"  # a firm that says too little to be judged
SEEN_AS = {"space": "include", "air": "exclude", "cyber": "exclude", "none": "exclude"}


def new_firms() -> dict[str, str]:
    """32 firms of four kinds, no two with the same words, and one that says next to nothing."""
    said = {
        f"{topic}-new-{number}": f"{SAID[topic][(number + 1) % 4]} We work in {town}. {SAID[topic][number % 4]} "
        f"{POLITE[number % 3]}"
        for topic in SAID
        for number, town in enumerate(TOWNS)
    }
    return said | {SHORT: "Welcome to our site."}


def word(firm_id: str, label: str, coder: str = "anna", note: str = "", sector: str = "space") -> Judgement:
    """A judgement of one day."""
    return Judgement(firm_id, sector, label, coder, "2026-11-20", note, "1")


@dataclass(frozen=True)
class Grown:
    """A workspace, and what was said and done while it learnt."""

    workspace: Workspace
    before: frozenset[str]  # space list of the first model
    foreseen: Preview  # asked for after more judgements, while a run held the workspace
    reports: tuple[tuple[str, float], ...]


def space_list(workspace: Workspace) -> frozenset[str]:
    """Firms assigned to space."""
    rows = workspace.lake.read_arrow("assignments", ["firm_id", "sector", "assigned"]).to_pylist()
    return frozenset(row["firm_id"] for row in rows if row["assigned"] and row["sector"] == "space")


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    """Trained, classified, judged on, previewed, trained and classified again."""
    workspace = taught(tmp_path_factory.mktemp("grown"), new_firms())
    with start_run(workspace, "classify") as run:
        run_classify(run, Screen())
    before = space_list(workspace)
    # Judgements that turn the world round, so that somebody enters and somebody leaves.
    judged = {f"space-new-{number}": "exclude" for number in range(4)} | {
        f"none-new-{number}": "include" for number in range(4)
    }
    judge(workspace, [word(firm_id, label, note="asked: near the threshold") for firm_id, label in judged.items()])
    reports: list[tuple[str, float]] = []
    with workspace.locked():
        foreseen = preview(workspace, "space", lambda doing, share: reports.append((doing, share)))
    with start_run(workspace, "train") as run:
        run_train(run, Screen())
    workspace.models_folder.joinpath("current").write_text(f"{run.notes['model_id']}\n")  # whatever the gate said
    with start_run(workspace, "classify") as run:
        run_classify(run, Screen())
    return Grown(workspace, before, foreseen, tuple(reports))


@pytest.fixture
def workspace(grown: Grown) -> Iterator[Workspace]:
    """The grown workspace; what a test judges is forgotten after it."""
    files = (grown.workspace.labels_file, grown.workspace.seal_file)
    held = {path: path.read_bytes() for path in files if path.is_file()}
    yield grown.workspace
    for path in files:
        if path in held:
            path.write_bytes(held[path])
        else:
            path.unlink(missing_ok=True)


COLD_TAXONOMY = """id: cold
version: 1
sectors:
  - key: space
    name: Space
    definition: Satellites, rockets, spacecraft and what they carry.
    keywords: ['satellite*', 'rocket*', 'orbit', 'spacecraft']
  - {key: cyber, name: Cyber security, definition: Protection of computers and data against attack.}
"""


@pytest.fixture(scope="session")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Firms with words, and no label, no seed, no model, no vector."""
    folder = tmp_path_factory.mktemp("cold")
    (folder / "cold.yaml").write_text(COLD_TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "cold.yaml"))
    workspace = Workspace(folder / "ws")
    rows = [{"firm_id": key, "name": f"The {key} firm", "text": text} for key, text in new_firms().items()]
    texts = folder / "texts.jsonl"
    texts.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with start_run(workspace, "import texts") as run:
        import_texts(run, read_texts(texts), run.started_at)
    return workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where sheets go."""
    return tmp_path
