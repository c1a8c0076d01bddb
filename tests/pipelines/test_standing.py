"""Small rules of the stages that no night on good data would show."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from labels.store import Judgement
from labels.taxonomy import load_taxonomy
from pipelines.classify_part import standing
from pipelines.errors import TableError
from pipelines.judging import news
from pipelines.workspace import Workspace


def row(sector: str, probability: float, threshold: float) -> dict[str, Any]:
    return {"sector": sector, "assigned": True, "probability": probability, "threshold": threshold}


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param([], "", id="first classification"),
        pytest.param([row("air", 0.7, 0.6)], "air", id="in by its own score"),
        pytest.param([row("air", 0.52, 0.6), row("space", 0.52, 0.5)], "space", id="parent followed from the child"),
        pytest.param([row("air", 0.7, 0.6), row("space", 0.6, 0.5)], "air space", id="both by their own"),
        pytest.param([row("air", 0.5, 0.6)], "air", id="kept below the threshold before"),
        pytest.param([{"sector": "none", "assigned": False, "probability": 0.1, "threshold": 0.6}], "", id="none"),
        pytest.param([row("retired", 0.9, 0.5)], "", id="a sector that is no more"),
    ],
)
def test_standing(workspace: Workspace, held: list[dict[str, Any]], expected: str) -> None:
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    found = standing(taxonomy, [held])[0]
    assert {key for key, member in zip(taxonomy.keys, found, strict=True) if member} == set(expected.split())


def word(label: str, coder: str = "a", day: str = "2026-01-01", note: str = "") -> Judgement:
    return Judgement("f", "air", label, coder, day, note)


@pytest.mark.parametrize(
    ("held", "said", "kept"),
    [
        pytest.param([], [word("include")], [0], id="first word"),
        pytest.param([word("include")], [word("include", day="2026-02-02")], [], id="said again on another day"),
        pytest.param([word("include"), word("exclude")], [word("include")], [0], id="taken back"),
        pytest.param([word("include")], [word("include", coder="b")], [0], id="another coder"),
        pytest.param([word("include")], [word("include", note="why")], [0], id="another note"),
        pytest.param([], [word("include"), word("exclude"), word("exclude")], [0, 1], id="changed within a file"),
    ],
)
def test_news(held: list[Judgement], said: list[Judgement], kept: list[int]) -> None:
    assert news(held, said) == [said[place] for place in kept]


@pytest.mark.parametrize("how", ["copied", "moved"])
def test_a_lake_elsewhere_is_refused_and_left_alone(workspace: Workspace, tmp_path: Path, how: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    if how == "copied":
        shutil.copytree(workspace.folder, elsewhere)
    else:
        workspace.folder.rename(elsewhere)
    with pytest.raises(TableError, match=r"was made at .*ws.lake and is now at .*elsewhere.lake"):
        Workspace(elsewhere).lake.read("firms")
