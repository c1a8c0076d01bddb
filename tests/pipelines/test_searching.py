"""``firmscope search``: what a person, a program and a spreadsheet are given."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labels.keywords import KeywordError
from labels.taxonomy import load_taxonomy
from pipelines.search_screen import print_found
from pipelines.searching import named, search_firms, sector_rule
from pipelines.setup import create_workspace
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command
from tests.pipelines.sites import put_pages

TAXONOMY = """id: t
version: 1
sectors:
  - {key: space, name: Space, keywords: ['satellite*', 'NEAR("earth" "observation", 3)']}
  - {key: heat, name: Heat, keywords: ['heat pump*', '(boiler']}
  - {key: bare, name: Bare}
"""
NAMES = {"orbit": "Orbit [bold]Ltd[/bold]", "obs": "=Observe()", "bread": "Bread & Co", "silent": "Silent"}
SITES = {
    "orbit": [("home", "Small satellites.\nSatellites for Earth and ocean observation."), ("about", "Satellites.")],
    "obs": [("home", "=Earth observation \x1b[31mfrom\u202e drones")],
    "bread": [("home", "We bake bread; our ovens have heat pumps.")],
    "unlisted": [("home", "A satellite of nobody's list.")],
}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Four firms with words, three of them in the list, where a fourth has none."""
    folder = tmp_path_factory.mktemp("searching")
    (folder / "t.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "t.yaml"))
    workspace = Workspace(folder / "ws")
    workspace.lake.replace_firms(
        "firms", NAMES, [{"firm_id": key, "name": name} for key, name in NAMES.items()], "test"
    )
    put_pages(workspace, SITES)
    yield workspace
    workspace.lake.close()


def test_a_person_reads_how_many_and_which_and_where(listed: Workspace, firmscope: Command) -> None:
    answer = firmscope("--workspace", listed.folder, "search", "satellite*")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[0] == "2 of 4 firms with words."
    assert lines[2:5] == [
        "Orbit [bold]Ltd[/bold]  (orbit)",
        "  https://orbit.example/0",
        "  Small [satellites]. [Satellites] for Earth and ocean observation.",
    ]
    assert lines[6] == "unlisted  (unlisted)"
    shown = firmscope("--workspace", listed.folder, "search", "satellite*", "--limit", "1")
    assert "The first 1 are shown; --limit shows more, --csv writes all." in shown.out
    assert "unlisted" not in shown.out


def test_what_a_website_says_cannot_change_the_screen(listed: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    print_found(named(listed, search_firms(listed, "drones")), 20)
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "[drones]" in said


def test_a_program_reads_the_same(listed: Workspace, firmscope: Command) -> None:
    answer = firmscope("--workspace", listed.folder, "search", "satellite*", "--json", "--limit", "1")
    found = json.loads(answer.out)
    assert (found["query"], found["total"], found["searched"], len(found["firms"])) == ("satellite*", 2, 4, 1)
    first = found["firms"][0]
    assert (first["firm_id"], first["url"]) == ("orbit", "https://orbit.example/0")
    assert [part["text"] for part in first["snippet"] if part["found"]] == ["satellites", "Satellites"]


def test_a_list_holds_all_and_no_formula(listed: Workspace, firmscope: Command, tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    answer = firmscope("--workspace", listed.folder, "search", "earth OR bread", "--limit", "1", "--csv", out)
    assert answer.code == 0, answer.err
    assert f"All 3 written to {out}" in answer.out
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert {row["firm_id"]: row["name"] for row in rows} == {
        "orbit": "Orbit [bold]Ltd[/bold]", "obs": "'=Observe()", "bread": "Bread & Co",
    }  # fmt: skip
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    refused = firmscope("--workspace", listed.folder, "search", "bread", "--csv", tmp_path / "no" / "found.csv")
    assert refused.code == 2
    assert "does not exist" in refused.err


def test_a_sectors_own_rules_are_one(listed: Workspace, firmscope: Command) -> None:
    found = json.loads(firmscope("--workspace", listed.folder, "search", "--sector", "space", "--json").out)
    assert {firm["firm_id"] for firm in found["firms"]} == {"orbit", "obs", "unlisted"}
    assert found["query"] == "sector space"
    rule = sector_rule(load_taxonomy(listed.taxonomy_file), "space")
    assert [phrase.words for phrase in rule.sought()] == [("satellite*",), ("earth",), ("observation",)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["earth AND (moon"], "  earth AND (moon\n                 ^", id="caret"),
        pytest.param([], "expected one of the two", id="nothing"),
        pytest.param(["earth", "--sector", "space"], "expected one of the two", id="both"),
        pytest.param(["--sector", "heat"], "keyword rule '(boiler'", id="sector with a broken rule"),
        pytest.param(["--sector", "bare"], "has no keywords", id="sector without keywords"),
        pytest.param(["--sector", "spece"], "not in taxonomy.yaml", id="no such sector"),
    ],
)
def test_what_cannot_be_searched_for_is_said(
    listed: Workspace, firmscope: Command, arguments: list[str], message: str
) -> None:
    answer = firmscope("--workspace", listed.folder, "search", *arguments)
    assert answer.code == 2
    assert message in answer.err


def test_a_workspace_without_words_finds_nobody(workspace: Workspace, firmscope: Command) -> None:
    answer = firmscope("--workspace", workspace.folder, "search", "bread")
    assert (answer.code, answer.out.splitlines()[0]) == (0, "0 of 0 firms with words.")
    elsewhere = firmscope("--workspace", workspace.folder / "no", "search", "bread")
    assert (elsewhere.code, "is not a firmscope workspace" in elsewhere.err) == (2, True)


def test_the_error_says_where(listed: Workspace) -> None:
    with pytest.raises(KeywordError) as refused:
        search_firms(listed, "earth AND")
    assert refused.value.position == 9
