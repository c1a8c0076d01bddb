"""A part of a stage that fails three times: its firms are named and stay as they were, and the others go on."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines import classifying
from pipelines.classify_part import ClassifyJob, Part, classify_part
from pipelines.errors import FirmscopeError
from pipelines.failed_shards import FAILED, NOTE
from pipelines.runs import Run, start_run
from pipelines.screen import Screen
from pipelines.workspace import Workspace
from tests.pipelines.taught import taught

NEW = {
    "new-1": "We build satellites for earth observation. Our rockets put a payload into orbit every single month.",
    "new-2": "We bake bread and cakes for cafes. Our florists deliver flowers in town and we mend taps too.",
}


def test_the_others_go_on_and_all_of_them_is_the_stage(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = taught(tmp_path, NEW)
    tries: list[tuple[str, ...]] = []
    bad: set[str] = {"new-1"}

    def faulty(job: ClassifyJob, part: Part) -> Any:
        if bad & set(part.firm_ids):
            tries.append(part.firm_ids)
            raise ZeroDivisionError("a fault")
        return classify_part(job, part)

    monkeypatch.setattr(classifying, "PART_FIRMS", 1)
    monkeypatch.setattr(classifying, "classify_part", faulty)
    run = classified(workspace)
    assert tries == [("new-1",)] * 3
    counts = run.stages["classify"]
    assert (counts.dropped[FAILED], counts.rows_in) == (1, counts.rows_out + counts.unchanged + 1)
    assert [(one["stage"], one["reason"]) for one in run.notes[NOTE]] == [("classify", "ZeroDivisionError: a fault")]
    done = set(workspace.lake.read_arrow("assignments", ["firm_id"])["firm_id"].to_pylist())
    assert "new-2" in done
    assert "new-1" not in done
    monkeypatch.setattr(classifying, "look_at_shard", lambda *_: 1 / 0)
    with pytest.raises(FirmscopeError, match="failed three times in every part"):
        classified(workspace)
    monkeypatch.undo()
    assert classified(workspace).stages["classify"].rows_out == 1


def classified(workspace: Workspace) -> Run:
    with start_run(Workspace(workspace.folder), "classify") as run:
        run_classify(run)
    return run


def run_classify(run: Run) -> None:
    classifying.run_classify(run, Screen())
