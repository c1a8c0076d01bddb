"""Drift at its edge: read from a real lake with a real encoder, and never written to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier import drift as lines_of_drift
from classifier.drift import DriftLine
from classifier.reference import mark
from labels.taxonomy import load_taxonomy
from pipelines.classifying import run_classify
from pipelines.drift import drift_lines, scored
from pipelines.figures import Moment
from pipelines.importing import import_texts
from pipelines.runs import start_run
from pipelines.screen import Screen
from pipelines.text_lists import read_texts
from pipelines.training import current_model
from pipelines.workspace import Workspace
from tests.pipelines.taught import POLITE, SAID, taught

ALIKE = {
    f"new-{topic}-{number}": f"{said[number % 4]} {POLITE[(number + 1) % 3]} {said[(number + 2) % 4]}"
    for topic, said in SAID.items()
    for number in range(6)
}
STRANGE = {
    f"odd-{number}": (
        f"Hinc lucem et pocula sacra, numerus {number}. Veritas vos liberabit, sapientia ianua vitae; dominus "
        "illuminatio mea, scientia imperii decus et tutamen, lux et veritas floreant semper apud nos."
    )
    for number in range(60)
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = taught(tmp_path_factory.mktemp("drift"), ALIKE)
    with start_run(made, "classify") as run:
        run_classify(run, Screen())
    return made


@pytest.fixture(autouse=True)
def small_lists_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workspace is small so that it is quick; what chance does to small lists is tested elsewhere."""
    monkeypatch.setattr(lines_of_drift, "MIN_FIRMS", 10)


def found(workspace: Workspace, before: Moment | None = None) -> dict[tuple[str, str | None], DriftLine]:
    model = current_model(workspace, load_taxonomy(workspace.taxonomy_file))
    return {(one.kind, one.sector): one for one in drift_lines(workspace, Moment.now(workspace.lake), model, before)}


def test_firms_like_those_learnt_from_cross_nothing_and_nothing_is_written(workspace: Workspace) -> None:
    snapshots = workspace.lake.snapshots()
    first = found(workspace)
    again = found(workspace, Moment.now(workspace.lake))
    assert {kind for kind, _ in first} == {"vocabulary", "embedding"}
    assert {kind for kind, _ in again} == {"vocabulary", "embedding", "prevalence", "scores"}
    assert not [one.sentence for one in (*first.values(), *again.values()) if one.crossed]
    assert all(one.value == 0 for one in again.values() if one.kind == "scores")
    assert workspace.lake.snapshots() == snapshots


def test_a_trained_bundle_remembers_its_training_firms(workspace: Workspace) -> None:
    model = current_model(workspace, load_taxonomy(workspace.taxonomy_file))
    assert model.reference is not None
    assert mark("seed:space-1") in model.reference.firms
    assert mark("space-0") in model.reference.firms
    assert not {mark(firm_id) for firm_id in ALIKE} & set(model.reference.firms.tolist())
    assert np.linalg.norm(model.reference.vectors.astype(np.float32), axis=1) == pytest.approx(1, abs=1e-3)
    assert sum(values.nbytes for values in model.reference.arrays().values()) < 1_000_000


def test_firms_of_another_kind_cross_words_and_meaning(tmp_path: Path, workspace: Workspace) -> None:
    before = Moment.now(workspace.lake)
    lines = [f'{{"firm_id": "{key}", "name": "{key}", "text": "{text}"}}\n' for key, text in STRANGE.items()]
    (tmp_path / "odd.jsonl").write_text("".join(lines), encoding="utf-8")
    with start_run(workspace, "import texts") as run:
        import_texts(run, read_texts(tmp_path / "odd.jsonl"), run.started_at)
    with start_run(workspace, "classify") as run:
        run_classify(run, Screen())
    lines_now = found(workspace, before)
    assert lines_now["vocabulary", None].crossed, lines_now["vocabulary", None]
    assert lines_now["embedding", None].crossed, lines_now["embedding", None]
    model = current_model(workspace, load_taxonomy(workspace.taxonomy_file))
    now, then = scored(Moment.now(workspace.lake), model), scored(before, model)
    assert now.firms > then.firms
    assert now.histogram.sum(axis=1).tolist() == [now.firms] * 3
    assert workspace.lake.read_arrow("assignments")["assigned"].to_pylist().count(True) == sum(now.members.values())


def test_an_audited_count_is_compared_and_one_from_training_errors_is_not(workspace: Workspace) -> None:
    def cell(metric: str, value: float, flags: list[str]) -> dict[str, object]:
        return {
            "shard": 0, "cluster": "cyber", "area_kind": "all", "area_code": "all", "metric": metric,
            "period": "latest", "value": value, "low": value * 0.8, "high": value * 1.2, "n": 50, "coverage": 1.0,
            "flags": flags,
        }  # fmt: skip

    for flag, kinds in (("corrected_by_training_errors", set()), ("corrected_by_audit", {("prevalence", "cyber")})):
        rows = [cell("businesses", 40, []), cell("businesses_corrected", 10, [flag])]
        workspace.lake.replace_all("cells", rows, "r")
        lines = found(workspace)
        assert {key for key in lines if key[0] == "prevalence"} == kinds
    assert lines["prevalence", "cyber"].crossed
    assert "10 should be" in lines["prevalence", "cyber"].sentence


def test_a_model_without_reference_is_no_fault(workspace: Workspace) -> None:
    model = replace(current_model(workspace, load_taxonomy(workspace.taxonomy_file)), reference=None)
    moment = Moment.now(workspace.lake)
    lines = drift_lines(workspace, moment, model, moment)
    assert "kept nothing" in lines[0].sentence
    assert {one.kind for one in lines[1:]} == {"prevalence", "scores"}
