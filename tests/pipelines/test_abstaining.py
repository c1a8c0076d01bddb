"""Firms whose words the model cannot judge: said so, counted as not covered, and judged once they have more to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from labels.taxonomy import NONE
from pipelines.classified_shard import ABSTAINED
from pipelines.classifying import run_classify
from pipelines.firm_texts import classified_firms
from pipelines.importing import import_texts
from pipelines.runs import Run, start_run
from pipelines.screen import Screen
from pipelines.text_lists import read_texts
from pipelines.workspace import Workspace
from tests.pipelines.taught import SAID, taught

GERMAN = (
    "Wir entwickeln und bauen Satelliten f\u00fcr die Erdbeobachtung und liefern sie an Kunden in ganz Europa. "
    "Unsere Ingenieure pr\u00fcfen jedes Bauteil in der eigenen Werkstatt, bevor es in den Orbit gebracht wird. "
)
NEW = {
    "orbit": " ".join(SAID["space"]),
    "terse": "Satellites for earth observation.",
    "abroad": GERMAN * 5,
    "both": GERMAN * 5 + "\n" + " ".join(SAID["space"]),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return taught(tmp_path_factory.mktemp("abstain"), NEW)


def classify(workspace: Workspace) -> Run:
    with start_run(Workspace(workspace.folder), "classify") as run:
        run_classify(run, Screen())
    return run


def test_a_firm_that_cannot_be_judged_says_why_and_has_no_scores(workspace: Workspace, tmp_path: Path) -> None:
    classify(workspace)
    lake = Workspace(workspace.folder).lake
    rows = {row["firm_id"]: row for row in lake.read_arrow("assignments").to_pylist() if row["firm_id"] in NEW}
    assert rows["orbit"]["assigned"]
    said = {
        "terse": "too little text: 4 words, 12 are needed",
        "abroad": "language not covered: 160 of 160 words are in de; learnt: en",
    }
    for firm_id, reason in said.items():
        assert (rows[firm_id]["sector"], rows[firm_id]["assigned"]) == (NONE, False)
        assert rows[firm_id]["reason"] == f"{ABSTAINED}{reason}"
        assert rows[firm_id]["probability"] is None
    assert not set(said) & set(lake.read_arrow("scores", ["firm_id"])["firm_id"].to_pylist())
    assert not set(said) & classified_firms(lake).keys()  # so that coverage does not count them

    again = classify(workspace)
    assert (again.stages["classify"].rows_out, again.notes["tables_changed"]) == (0, [])

    more = tmp_path / "more.jsonl"
    words = " ".join(SAID["space"])
    more.write_text(f'{{"firm_id": "terse", "name": "The terse firm", "text": "{words}"}}\n', encoding="utf-8")
    with start_run(Workspace(workspace.folder), "import texts") as run:
        import_texts(run, read_texts(more), run.started_at)
    assert classify(workspace).stages["classify"].rows_out == 1
    lake = Workspace(workspace.folder).lake
    now = [row for row in lake.read_arrow("assignments").to_pylist() if row["firm_id"] == "terse"]
    assert {row["sector"] for row in now if row["assigned"]} == {"space", "air"}
    assert len(now) == 2
    assert "terse" in classified_firms(lake)
