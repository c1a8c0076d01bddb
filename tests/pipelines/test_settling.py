"""The fast path of ``classify``: clear firms cost no vector, say so, and are read again once it is switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from labels.taxonomy import NONE
from models.digest import text_digest
from pipelines.classified_shard import SETTLED
from pipelines.classifying import run_classify
from pipelines.config import set_key
from pipelines.errors import UsageError
from pipelines.runs import Run, start_run
from pipelines.screen import Screen
from pipelines.training import run_train
from pipelines.workspace import Workspace
from tests.pipelines.taught import SAID, taught

FAR = "We bake bread and cakes for cafes, our florists deliver flowers in town, and our plumbers mend boilers and taps."
NEW = {"orbit": " ".join(SAID["space"]), "painter": FAR}


def classify(workspace: Workspace) -> Run:
    with start_run(Workspace(workspace.folder), "classify") as run:
        run_classify(run, Screen())
    return run


def rows_of(workspace: Workspace, firm_id: str) -> list[dict[str, object]]:
    rows = Workspace(workspace.folder).lake.read_arrow("assignments").to_pylist()
    return [row for row in rows if row["firm_id"] == firm_id]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return taught(tmp_path, NEW)


def test_clear_firms_are_not_encoded_until_the_fast_path_is_off(workspace: Workspace) -> None:
    set_key(workspace.config_file, "classify.fast_path", "0.1")
    with pytest.raises(UsageError, match="run: firmscope train"):
        classify(workspace)
    with start_run(Workspace(workspace.folder), "train") as run:
        run_train(run, Screen())
    classify(workspace)
    (settled,) = rows_of(workspace, "painter")
    assert (settled["sector"], settled["assigned"]) == (NONE, False)
    assert str(settled["reason"]).startswith(f"{SETTLED}every sector is 0.1 or more below")
    assert {row["sector"] for row in rows_of(workspace, "orbit") if row["assigned"]} == {"space", "air"}

    def encoded() -> set[str]:
        return set(
            Workspace(workspace.folder).lake.read_arrow("embeddings", ["text_digest"])["text_digest"].to_pylist()
        )

    def scored() -> dict[str, float]:
        rows = Workspace(workspace.folder).lake.read_arrow("scores").to_pylist()
        return {row["sector"]: row["probability"] for row in rows if row["firm_id"] == "painter"}

    assert text_digest(FAR) not in encoded()
    by_words = scored()
    assert by_words  # a settled firm has scores, and is covered
    assert classify(workspace).stages["classify"].rows_out == 0

    rows = Workspace(workspace.folder).lake.read_arrow("assignments").to_pylist()
    settled_firms = {row["firm_id"] for row in rows if row["reason"].startswith(SETTLED)}
    set_key(workspace.config_file, "classify.fast_path", "0")
    assert classify(workspace).stages["classify"].rows_out == len(settled_firms)
    assert text_digest(FAR) in encoded()
    assert scored() != by_words
    assert not any(str(row["reason"]).startswith(SETTLED) for row in rows_of(workspace, "painter"))


def test_a_member_is_judged_by_the_full_model_however_far_its_words_went(workspace: Workspace, tmp_path: Path) -> None:
    from pipelines.importing import import_texts
    from pipelines.text_lists import read_texts

    set_key(workspace.config_file, "classify.fast_path", "0.1")
    with start_run(Workspace(workspace.folder), "train") as run:
        run_train(run, Screen())
    classify(workspace)
    more = tmp_path / "more.jsonl"
    more.write_text(f'{{"firm_id": "orbit", "name": "The orbit firm", "text": "{FAR}"}}\n', encoding="utf-8")
    with start_run(Workspace(workspace.folder), "import texts") as run:
        import_texts(run, read_texts(more), run.started_at)
    classify(workspace)
    (left,) = rows_of(workspace, "orbit")
    assert left["sector"] == NONE
    assert not str(left["reason"]).startswith(SETTLED)
