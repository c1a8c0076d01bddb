"""``labels next`` as a person uses it: a sheet out, filled, and back in."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from labels.taxonomy import load_taxonomy
from pipelines.judgements import current_judgements
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command


def test_a_sheet_goes_out_is_filled_and_comes_back(workspace: Workspace, folder: Path, firmscope: Command) -> None:
    sheet = folder / "sheet.csv"
    answer = firmscope(
        "--workspace", workspace.folder, "labels", "next", "--sector", "space", "--count", "10", "--coder", "dora",
        "--out", sheet,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert "10 questions written to" in answer.out
    rows = list(csv.DictReader(io.StringIO(sheet.read_text(encoding="utf-8-sig"))))
    assert list(rows[0]) == ["firm_id", "name", "website", "sector", "why", "sentence", "label", "coder", "note"]
    assert {(row["sector"], row["label"], row["coder"]) for row in rows} == {("space", "", "dora")}
    assert all(row["note"] == f"asked: {row['why']}" for row in rows)
    assert all(row["sentence"] for row in rows)
    for row in rows[:6]:
        row["label"] = "include"
    rows[0]["note"] += "; makes engines"
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    assert firmscope("--workspace", workspace.folder, "labels", "import", sheet).out.startswith("6 judgements added")
    words = [
        one for one in current_judgements(workspace, load_taxonomy(workspace.taxonomy_file)) if one.coder == "dora"
    ]
    assert [one.firm_id for one in words] == [row["firm_id"] for row in rows[:6]]
    assert words[0].note.endswith("; makes engines")
    again = json.loads(
        firmscope("--workspace", workspace.folder, "labels", "next", "--sector", "space", "--count", "10", "--json").out
    )
    assert len(again) == 10
    assert not {one["firm_id"] for one in again} & {one.firm_id for one in words}


def test_a_table_for_the_eye(cold: Workspace, firmscope: Command) -> None:
    answer = firmscope("--workspace", cold.folder, "labels", "next", "--sector", "space", "--count", "3")
    assert answer.code == 0, answer.err
    assert "To judge now" in answer.out
    assert "definition" in answer.out
    assert "satellites" in answer.out or "orbit" in answer.out or "spacecraft" in answer.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["--sector", "spice"], 2, "nearest are space", id="no such sector"),
        pytest.param(["--count", "0"], 2, "", id="no questions"),
        pytest.param(["--sector", "space", "--out", "no/such/folder/sheet.csv"], 2, "does not exist", id="no folder"),
    ],
)
def test_what_cannot_be_asked(cold: Workspace, firmscope: Command, arguments: list[str], code: int, words: str) -> None:
    answer = firmscope("--workspace", cold.folder, "labels", "next", *arguments)
    assert answer.code == code
    assert words in answer.err
