"""What is not worked out again is what would have come out: whatever changes, in any order, and whatever is lost."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from classifier.model import SectorModel
from pipelines.config import set_key
from pipelines.export_files import write_list
from pipelines.exporting.columns import EXPORTS
from pipelines.figures import Moment, provenance_of, publishable
from pipelines.firm_texts import words_digest
from pipelines.list_making import made_list
from pipelines.publishing import run_publish, run_rollup
from pipelines.remembered import FIGURES, MADE, PLACED
from pipelines.runs import Run, start_run
from pipelines.tables import TABLES
from pipelines.tidying import tidy
from pipelines.workspace import Workspace
from tests.classifier.conftest import make_world
from tests.kept_states import KeptStates, in_crumbs, state
from tests.pipelines.conftest import small_workspace

NOW = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
EMPTY = {"text": "", "texts": [], "int": 0, "float": 0.0, "bool": False, "instant": NOW}
FIRMS = tuple(f"F{number}" for number in range(12))
POSTCODES = ("NG7 2RD", "B4 7XG", "LE1 7RH", "CV1 5FB", "BT1 1AA", None)
SECTORS = ("air", "space", "cyber")
NIGHTS = 6


def row(table: str, **given: Any) -> dict[str, Any]:
    return {
        column.name: None if column.optional else EMPTY.get(column.kind) for column in TABLES[table].columns[1:]
    } | given


def put(run: Run, table: str, *rows: dict[str, Any]) -> None:
    run.workspace.lake.replace_firms(table, {found["firm_id"] for found in rows}, rows, run.run_id)


Rows = dict[str, list[dict[str, Any]]]  # by table


class World:
    """A list whose firms change one at a time; a change is what tables say of a firm from then on."""

    def __init__(self, workspace: Workspace, model: SectorModel, seed: int) -> None:
        self.workspace, self.model, self.draw = workspace, model, random.Random(seed)
        self.words: dict[str, str] = {}
        model.save(workspace.models_folder / model.model_id, {})
        made: Rows = {"firms": [row("firms", firm_id=one, name=f"Firm {one}") for one in FIRMS]}
        for firm_id in FIRMS:
            for change in (self.moves, self.speaks, self.is_sorted, self.employs):
                for table, rows in change(firm_id).items():
                    made.setdefault(table, []).extend(rows)
        self.put(workspace, made)

    def put(self, workspace: Workspace, made: Rows) -> None:
        with start_run(workspace, "change") as run:
            for table, rows in made.items():
                put(run, table, *rows)

    def moves(self, firm_id: str) -> Rows:
        place = self.draw.choice(POSTCODES)
        return {"premises": [row("premises", firm_id=firm_id, postcode=place, kind="registered", source="register")]}

    def speaks(self, firm_id: str) -> Rows:
        words = self.words[firm_id] = f"We make {self.draw.random()}."
        page = row("pages", firm_id=firm_id, url="https://x.example/", text=words, text_digest=words)
        return {"pages": [page], **self.is_visited(firm_id)}

    def is_visited(self, firm_id: str) -> Rows:
        return {"sites": [row("sites", firm_id=firm_id, outcome="ok", reason="read", crawled_at=datetime.now(UTC))]}

    def is_sorted(self, firm_id: str) -> Rows:
        model_id, chosen = self.model.model_id, self.draw.sample(["air", "cyber"], self.draw.randrange(3))
        if "air" in chosen and self.draw.random() < 0.5:
            chosen.append("space")
        page = {"kind": "", "url": "https://x.example/", "text_digest": self.words[firm_id]}
        return {
            "assignments": [
                row("assignments", firm_id=firm_id, sector=sector, assigned=sector != "none", reason="r",
                    probability=None if sector == "none" else 0.9, model_id=model_id)
                for sector in chosen or ["none"]
            ],
            "scores": [
                row("scores", firm_id=firm_id, sector=sector, probability=0.9 if sector in chosen else 0.1,
                    model_id=model_id, text_digest=words_digest([page]))
                for sector in SECTORS
            ],
        }  # fmt: skip

    def employs(self, firm_id: str) -> Rows:
        jobs, day = float(self.draw.randrange(500)), date(2025, 1, 1)
        return {"accounts": [row("accounts", firm_id=firm_id, period_end=day, employees=jobs, source="accounts")]}

    def is_dissolved(self, firm_id: str) -> Rows:
        gone = self.draw.choice([None, date(2025, 6, 1)])
        return {"firms": [row("firms", firm_id=firm_id, name=f"Firm {firm_id}", dissolved_on=gone)]}

    def rules_change(self, _: str) -> Rows:
        set_key(self.workspace.config_file, "rollup.counting", self.draw.choice(["whole", "fractional"]))
        return {}

    def nothing(self, _: str) -> Rows:
        """As on most nights."""
        return {}


CHANGES: tuple[Callable[[World, str], Rows], ...] = (
    World.moves, World.speaks, World.is_visited, World.is_sorted, World.employs, World.is_dissolved, World.rules_change,
    World.nothing,
)  # fmt: skip


@pytest.fixture(scope="module")
def model() -> SectorModel:
    world = make_world(8, 0)
    return SectorModel.train(
        world.firms, world.vectors, world.Y, world.mask, SECTORS, ((), (0,), ()), encoder_id="x"
    )  # fmt: skip


def night(workspace: Workspace) -> Run:
    with start_run(workspace, "nightly") as run:
        run_publish(run, worked_out=run_rollup(run))
    return run


def made(workspace: Workspace) -> dict[str, int | None]:
    found = workspace.lake.snapshots()
    return {name: found[name] for name in (*MADE, "premises")}


def forget(workspace: Workspace) -> None:
    for name in (FIGURES, PLACED):
        (workspace.index_folder / name).unlink(missing_ok=True)


@pytest.mark.parametrize("seed", range(3))
def test_any_changes_leave_what_working_out_afresh_gives(model: SectorModel, tmp_path: Path, seed: int) -> None:
    """After every night: nothing remembered, the roll-up commits nothing, and lists come out as they are published."""
    workspace = small_workspace(tmp_path)
    set_key(workspace.config_file, "gate.list_firms", "1000")  # who moves is not the question here
    world, folder = World(workspace, model, seed), workspace.folder
    for step in range(NIGHTS):
        world.put(Workspace(folder), world.draw.choice(CHANGES)(world, world.draw.choice(FIRMS)))
        fresh = Workspace(folder)  # settings are read once
        night(fresh)
        before = made(fresh)
        forget(fresh)
        with start_run(fresh, "rollup") as run:
            figures = run_rollup(run)
        assert made(fresh) == before, step
        assert figures is not None, step
        for name in EXPORTS:
            path = tmp_path / f"{name}.csv"
            write_list(made_list(fresh, figures, name), path, "csv", provenance_of(figures, None))
            assert path.read_bytes() == (fresh.exports_folder / path.name).read_bytes(), (step, name)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, model: SectorModel) -> KeptStates:
    """A list whose figures stand, worked out once."""
    folder = tmp_path_factory.mktemp("figures-that-stand")
    states = KeptStates(small_workspace(folder).folder, folder / "aside")
    World(states.workspace(), model, 1)
    night(states.workspace())
    states.keep("stands")
    return states


stands = state("stands")


def test_figures_that_stand_are_not_worked_out_again(stands: Workspace) -> None:
    before = made(stands)
    run = night(stands)
    assert (run.stages["rollup"].unchanged, run.stages["rollup"].rows_in) == (len(FIRMS), len(FIRMS))
    assert run.stages["place premises"].unchanged == len(FIRMS)
    assert made(stands) == before


def test_figures_outlive_that_files_are_put_together(stands: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.compaction.MANY", 1)
    for table in ("scores", "cells"):
        in_crumbs(stands, table)
    night(stands)
    maker = made_by(stands)
    with start_run(stands, "tidy") as run:
        before = stands.lake.snapshots()
        assert tidy(run).files > 0
    assert stands.lake.snapshots()["scores"] != before["scores"]
    assert stands.lake.snapshots()["cells"] != before["cells"]
    assert made_by(stands) == maker != run.run_id, "who puts files together has made no figure"
    run = night(stands)
    assert run.stages["rollup"].unchanged == len(FIRMS)
    assert run.stages["report"].unchanged == 1


def made_by(workspace: Workspace) -> str:
    return provenance_of(publishable(workspace, Moment.now(workspace.lake)), None).run_id


def labelled(workspace: Workspace) -> None:
    workspace.labels_file.write_text("", encoding="utf-8")


def audited(workspace: Workspace) -> None:
    workspace.audits_folder.mkdir()
    (workspace.audits_folder / "notes.txt").write_text("x", encoding="utf-8")


def renamed(workspace: Workspace) -> None:
    text = workspace.taxonomy_file.read_text(encoding="utf-8")
    workspace.taxonomy_file.write_text(text.replace("Cyber", "Cyber security"), encoding="utf-8")


def emptied(workspace: Workspace) -> None:
    workspace.lake.replace_all("cells", [], "by hand")


def placed_nowhere(workspace: Workspace) -> None:
    workspace.lake.replace_all("hotspots", [], "by hand")
    workspace.lake.replace_all("related", [], "by hand")


def spoilt(workspace: Workspace) -> None:
    (workspace.index_folder / FIGURES).write_bytes(b"\xff\x00{")


def lost(workspace: Workspace) -> None:
    shutil.rmtree(workspace.index_folder)


def test_whatever_figures_rest_on_has_them_worked_out_again(stands: Workspace) -> None:
    """Files beside the tables count, and so do tables that somebody else has written to."""
    rows = stands.lake.read_arrow("cells").num_rows
    for change in (labelled, audited, renamed, emptied, placed_nowhere, spoilt, lost):
        change(stands)
        for expected in (True, False):
            with start_run(stands, "rollup") as run:
                assert (run_rollup(run) is not None) is expected, change.__name__
        assert stands.lake.read_arrow("cells").num_rows == rows
    publishable(stands, Moment.now(stands.lake))


def test_figures_of_other_tables_are_not_handed_on(stands: Workspace, model: SectorModel) -> None:
    """What a roll-up worked out is published only as long as no table has changed since."""
    forget(stands)
    with start_run(stands, "nightly") as run:
        worked_out = run_rollup(run)
        put(
            run,
            "accounts",
            row("accounts", firm_id="F1", period_end=date(2025, 1, 1), employees=9e6, source="accounts"),
        )
        with pytest.raises(Exception, match="the figures are older than the tables"):
            run_publish(run, worked_out=worked_out)
