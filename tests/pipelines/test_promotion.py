"""Worse models stay out of use, and a rollback brings back what the old model had written, byte for byte."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from classifier.model import SectorModel
from pipelines.errors import UsageError
from pipelines.promotion import CURRENT, LOG, current_id, read_log
from pipelines.workspace import Workspace
from tests.classifier.conftest import make_world
from tests.pipelines.conftest import Command

WORDS = {
    "air": ["aircraft", "wing", "turbine", "avionics", "fuselage", "airline", "hangar", "propeller"],
    "space": ["satellite", "orbit", "payload", "launcher", "telemetry", "spacecraft", "rocket", "lunar"],
    "cyber": ["firewall", "malware", "encryption", "phishing", "intrusion", "antivirus", "hacker", "ransomware"],
    "": ["bread", "flour", "oven", "pastry", "loaf", "cake", "bakery", "sourdough"],
}
PLAIN = ["quality", "service", "customers", "team", "family", "experience", "projects", "local"]
PER_TOPIC = 10
FILES = ("firms.csv", "scores.parquet", "evidence.csv")  # cells that differ would stop the export


@dataclass(frozen=True)
class Made:
    """Files to import."""

    firms: list[dict[str, object]]

    def write(self, path: Path, wrong: int = 0) -> Path:
        """Firms as JSON lines; ``wrong`` firms of cyber are said to be in no sector, and as many bakers in cyber."""
        rows = [dict(firm) for firm in self.firms]
        cyber = [row for row in rows if row["sectors"] == ["cyber"]][:wrong]
        bakers = [row for row in rows if row["sectors"] == []][:wrong]
        for row in cyber:
            row["sectors"] = []
        for row in bakers:
            row["sectors"] = ["cyber"]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path


@pytest.fixture
def made() -> Made:
    """Ten firms of each topic, in a text of a dozen words."""
    rng = np.random.default_rng(0)
    firms: list[dict[str, object]] = []
    for topic, words in WORDS.items():
        for number in range(PER_TOPIC):
            text = f"We work with {' '.join(rng.choice(words, 5))}. Our {' '.join(rng.choice(PLAIN, 5))}."
            sectors = [topic] if topic else []
            firm_id = f"{topic or 'bakery'}-{number:02d}"
            firms.append({"firm_id": firm_id, "name": firm_id, "text": text, "url": "", "sectors": sectors})
    return Made(firms)


@dataclass(frozen=True)
class Trained:
    """A workspace whose firms a good model has classified."""

    workspace: Workspace
    model_id: str
    made: Made

    def exports(self) -> dict[str, bytes]:
        """The files that are handed over; their notes name the run, which differs."""
        folder = self.workspace.exports_folder
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".csv", ".parquet")}


def done(firmscope: Command, workspace: Workspace, *arguments: str | Path) -> str:
    answer = firmscope("--workspace", workspace.folder, *arguments)
    assert answer.code == 0, answer.err
    return answer.out


def publish(firmscope: Command, workspace: Workspace) -> None:
    for stage in ("classify", "rollup"):
        done(firmscope, workspace, stage)
    export(firmscope, workspace)


def export(firmscope: Command, workspace: Workspace) -> None:
    workspace.exports_folder.mkdir(exist_ok=True)
    for file in FILES:
        name, _, kind = file.partition(".")
        out = workspace.exports_folder / file
        done(firmscope, workspace, "export", name, "--format", kind, "--out", out)


@pytest.fixture
def trained(
    workspace: Workspace, firmscope: Command, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Trained:
    """Firms imported, labelled and trained on, few of them: the gate is told that ten includes are enough to judge."""
    monkeypatch.setattr("pipelines.gate.MIN_SECTOR_INCLUDES", PER_TOPIC)
    workspace.seeds_file.unlink(missing_ok=True)
    done(firmscope, workspace, "config", "set", "train.use_seeds", "false")
    file = made.write(tmp_path / "firms.jsonl")
    done(firmscope, workspace, "import", "texts", file)
    done(firmscope, workspace, "labels", "import", "--complete", file)
    done(firmscope, workspace, "train")
    return Trained(workspace, str(current_id(workspace)), made)


def test_a_worse_model_is_refused_forced_and_rolled_back(trained: Trained, firmscope: Command, tmp_path: Path) -> None:
    workspace = trained.workspace
    publish(firmscope, workspace)
    before = trained.exports()
    assert b"cyber-00" in before["firms.csv"]

    poisoned = trained.made.write(tmp_path / "poisoned.jsonl", wrong=PER_TOPIC // 2)
    done(firmscope, workspace, "labels", "import", "--complete", poisoned)
    answer = firmscope("--workspace", workspace.folder, "train")
    assert answer.code == 10
    assert "F1 of cyber falls from" in answer.err
    assert current_id(workspace) == trained.model_id

    listed = json.loads(done(firmscope, workspace, "models", "list", "--json"))
    assert [(row["model_id"] == trained.model_id, row["current"]) for row in listed] == [(True, True), (False, False)]
    worse = listed[1]["model_id"]
    facts = listed[0]["facts"]
    assert facts["metrics"]["sectors"]["cyber"]["includes"] == PER_TOPIC
    assert facts["metrics"]["macro_f1"] > listed[1]["facts"]["metrics"]["macro_f1"]
    assert {"taxonomy", "training_set", "encoder_id", "created_at", "run_id"} <= facts.keys()
    assert trained.model_id in done(firmscope, workspace, "models", "list")

    refused = firmscope("--workspace", workspace.folder, "models", "promote", worse)
    assert (refused.code, current_id(workspace)) == (10, trained.model_id)
    done(firmscope, workspace, "models", "promote", worse[:8], "--force", "the coders were right")
    assert current_id(workspace) == worse
    publish(firmscope, workspace)
    assert trained.exports() != before

    said = done(firmscope, workspace, "models", "rollback")
    assert f"Model {trained.model_id} is in use again" in said
    assert " 0 were classified now" in said.replace(";", "")
    export(firmscope, workspace)
    assert trained.exports() == before
    assert [(entry.kind, entry.forced) for entry in read_log(workspace.models_folder / LOG)] == [
        ("promote", None), ("promote", "the coders were right"), ("rollback", None),
    ]  # fmt: skip

    again = firmscope("--workspace", workspace.folder, "models", "rollback")
    assert again.code == 2
    assert "nothing to roll back to" in again.err


def test_words_that_changed_since_are_classified_by_the_old_model(
    trained: Trained, firmscope: Command, tmp_path: Path
) -> None:
    workspace = trained.workspace
    done(firmscope, workspace, "classify")
    poisoned = trained.made.write(tmp_path / "poisoned.jsonl", wrong=PER_TOPIC // 2)
    done(firmscope, workspace, "labels", "import", "--complete", poisoned)
    assert firmscope("--workspace", workspace.folder, "train").code == 10
    worse = next(
        path.name for path in workspace.models_folder.iterdir() if path.is_dir() and path.name != trained.model_id
    )
    done(firmscope, workspace, "models", "promote", worse, "--force", "trial")
    changed = tmp_path / "changed.jsonl"
    changed.write_text(json.dumps({"firm_id": "air-00", "name": "a", "text": "Firewall malware phishing.", "url": ""}))
    done(firmscope, workspace, "import", "texts", changed)
    done(firmscope, workspace, "classify")
    assert " 1 were classified now" in done(firmscope, workspace, "models", "rollback")
    scores = workspace.lake.read_arrow("scores", ["firm_id", "model_id"]).to_pylist()
    assert {row["model_id"] for row in scores} == {trained.model_id}


def test_a_damaged_model_is_not_promoted_and_a_damaged_one_in_use_holds_nobody_back(
    workspace: Workspace, firmscope: Command
) -> None:
    ids = []
    for seed in (0, 1):
        world = make_world(8, seed)
        model = SectorModel.train(world.firms, world.vectors, world.Y, world.mask, ("air", "space", "cyber"))
        figures = {"f1": 0.9 - seed * 0.5, "average_precision": 0.9, "includes": 50}
        model.save(workspace.models_folder / model.model_id, {"metrics": {"sectors": {"air": figures}}})
        ids.append(model.model_id)
    good, worse = ids
    done(firmscope, workspace, "models", "promote", good)
    assert firmscope("--workspace", workspace.folder, "models", "promote", worse).code == 10
    manifest, arrays = (workspace.models_folder / good / name for name in ("manifest.json", "arrays.npz"))
    arrays.write_bytes(arrays.read_bytes()[:-1])
    refused = firmscope("--workspace", workspace.folder, "models", "promote", good)
    assert (refused.code, "arrays.npz" in refused.err) == (1, True)
    manifest.write_text("{}")
    listed = json.loads(done(firmscope, workspace, "models", "list", "--json"))
    assert {row["model_id"]: bool(row["fault"]) for row in listed} == {good: True, worse: False}
    done(firmscope, workspace, "models", "promote", worse)
    assert current_id(workspace) == worse


def test_no_model_is_named_by_a_start_that_fits_none(workspace: Workspace, firmscope: Command) -> None:
    workspace.models_folder.mkdir(exist_ok=True)
    answer = firmscope("--workspace", workspace.folder, "models", "promote", "ab")
    assert (answer.code, "0 models begin with 'ab'" in answer.err) == (2, True)
    assert json.loads(done(firmscope, workspace, "models", "list", "--json")) == []
    assert not (workspace.models_folder / CURRENT).exists()


def test_a_log_line_cut_short_is_left_out_and_a_wrong_one_named(tmp_path: Path) -> None:
    line = json.dumps({
        "at": "2026-01-01", "run_id": "r", "model_id": "m", "previous": None, "kind": "promote", "forced": None,
        "snapshots": {},
    })  # fmt: skip
    path = tmp_path / LOG
    path.write_text(f"{line}\n{line[:20]}")
    assert [entry.model_id for entry in read_log(path)] == ["m"]
    path.write_text(f"{line[:20]}\n{line}\n")
    with pytest.raises(UsageError, match="line 1: not a promotion"):
        read_log(path)
