"""``firmscope taxonomy``: checked and changed through the real command, labels and seeds following."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labels.store import read_judgements
from labels.taxonomy import load_taxonomy
from labels.taxonomy_history import Change, change_text, read_changes
from pipelines.audit_files import Audit, Drawn
from pipelines.current_audits import under_new_keys
from pipelines.judgements import current_judgements
from pipelines.taxonomy_edits import open_splits
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command

FIRMS = "firm_id,name,website\n" + "".join(
    f"F{number},Firm {number},https://f{number}.example/\n" for number in range(1, 5)
)
LABELS = """firm_id,sector,label,coder
F1,space,include,anna
F2,space,exclude,anna
F3,space,include,anna
F3,space,exclude,ben
F4,cyber,include,ben
"""
SEEDS = """# written by hand
- {id: s1, kind: include, sectors: [space], text: We build satellites.}
- {id: s2, kind: none, sectors: [], text: We bake bread.}  # nobody
"""


@pytest.fixture
def judged(workspace: Workspace, firmscope: Command, tmp_path: Path) -> Workspace:
    """Three sectors, four firms, five judgements of two coders, two seeds."""
    (tmp_path / "firms.csv").write_text(FIRMS, encoding="utf-8")
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    workspace.seeds_file.write_text(SEEDS, encoding="utf-8")
    for command in (["import", "firms", tmp_path / "firms.csv"], ["labels", "import", tmp_path / "labels.csv"]):
        assert firmscope("--workspace", workspace.folder, *command).code == 0
    return workspace


def standing(workspace: Workspace) -> list[tuple[str, str, str, str]]:
    """Judgements as they count today."""
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    found = current_judgements(workspace, taxonomy)
    return sorted((word.firm_id, word.sector, word.label, word.coder) for word in found)


def test_a_year_of_changes(judged: Workspace, firmscope: Command) -> None:
    def taxonomy(*arguments: str) -> str:
        answer = firmscope("--workspace", judged.folder, "taxonomy", *arguments)
        assert answer.code == 0, answer.err
        return answer.out

    stored = judged.labels_file.read_bytes()
    first = judged.taxonomy_file.read_bytes()
    assert "they count as 4 on orbit" in taxonomy("rename", "space", "orbit", "--name", "Orbit")
    assert (judged.taxonomies_folder / "t-1.yaml").read_bytes() == first
    assert ("F1", "orbit", "include", "anna") in standing(judged)

    said = taxonomy(
        "split", "orbit", "craft", "data", "--definition", "craft=Makers of spacecraft.", "--name", "data=Data"
    )
    assert "2 firms are to be dealt out" in said
    assert [(found.firm_id, found.sector) for found in open_splits(judged)] == [
        ("F1", "craft"), ("F1", "data"), ("F3", "craft"), ("F3", "data"),
    ]  # fmt: skip
    assert standing(judged) == [
        ("F1", "air", "include", "anna"),  # who was in orbit was in aerospace
        ("F2", "craft", "exclude", "anna"),
        ("F2", "data", "exclude", "anna"),
        ("F4", "cyber", "include", "ben"),
    ]
    (judged.folder / "dealt.csv").write_text("firm_id,sector,label,coder\nF1,craft,include,ben\n", encoding="utf-8")
    assert firmscope("--workspace", judged.folder, "labels", "import", judged.folder / "dealt.csv").code == 0
    assert "3 judgements to make on 2 firms" in taxonomy("pending")
    assert [row["firm_id"] for row in json.loads(taxonomy("pending", "--sector", "craft", "--json"))] == ["F3"]

    taxonomy("merge", "data", "cyber", "--into", "digital", "--name", "Digital")
    assert [row for row in standing(judged) if row[1] == "digital"] == [("F4", "digital", "include", "ben")]
    taxonomy("retire", "craft")
    assert [row[:2] for row in standing(judged)] == [("F1", "air"), ("F1", "air"), ("F4", "digital")]

    held = load_taxonomy(judged.taxonomy_file)
    assert (held.version, held.keys) == (5, ("air", "digital"))
    assert judged.labels_file.read_bytes().startswith(stored)  # nothing that was judged was touched
    assert [word.sector for word in read_judgements(judged.labels_file)][:1] == ["space"]
    assert sorted(path.name for path in judged.taxonomies_folder.iterdir()) == [f"t-{n}.yaml" for n in (1, 2, 3, 4)]
    assert judged.seeds_file.read_text(encoding="utf-8") == SEEDS.replace("[space]", "[air]").replace(
        "text: We build satellites.}", "text: We build satellites., unsure: [digital]}"
    )
    assert "Version 5 (" in taxonomy("show")
    shown = json.loads(taxonomy("show", "--json"))
    assert [change["kind"] for change in shown["changes"]] == ["rename", "split", "merge", "retire"]


def test_parts_from_a_file(judged: Workspace, firmscope: Command, tmp_path: Path) -> None:
    parts = tmp_path / "parts.yaml"
    parts.write_text(
        "- {key: craft, name: Craft, parents: [], definition: They fly., keywords: ['rocket*']}\n", "utf-8"
    )
    run = ("--workspace", judged.folder, "taxonomy", "split", "space")
    assert firmscope(*run, "craft", "data", "--sectors", parts).code == 0
    found = load_taxonomy(judged.taxonomy_file).by_key
    assert (found["craft"].parents, found["craft"].definition, found["craft"].keywords) == (
        (),
        "They fly.",
        ("rocket*",),
    )
    assert (found["data"].parents, found["data"].name) == (("air",), "Data")
    for text, message in (
        ("- {key: rest}\n", "describes 'rest', which is not one of the parts a, b"),
        ("- {key: a, keyword: []}\n", "line 1: unknown field 'keyword'; did you mean keywords?"),
        ("a: b\n", "expected a list of sectors"),
    ):
        parts.write_text(text, encoding="utf-8")
        answer = firmscope("--workspace", judged.folder, "taxonomy", "split", "air", "a", "b", "--sectors", parts)
        assert (answer.code, message in answer.err) == (2, True), answer.err
    answer = firmscope("--workspace", judged.folder, "taxonomy", "split", "air", "a", "b", "--name", "c=C")
    assert (answer.code, "expected KEY=TEXT, KEY one of a, b" in answer.err) == (2, True)


@pytest.mark.parametrize("point", ["taxonomy-change-written", "taxonomy-seeds-written"])
def test_killed_in_the_middle_and_run_again(judged: Workspace, firmscope: Command, point: str) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "--workspace", str(judged.folder), "taxonomy", "retire", "space"]
    before = judged.taxonomy_file.read_bytes()
    killed = subprocess.run(command, env=os.environ | {"FIRMSCOPE_CRASH_AT": point}, check=False, timeout=60)
    assert killed.returncode == -9
    assert judged.taxonomy_file.read_bytes() == before
    for refused in (["taxonomy", "rename", "air", "planes"], ["taxonomy", "pending"]):
        answer = firmscope("--workspace", judged.folder, *refused)
        assert (answer.code, "firmscope taxonomy retire space (again)" in answer.err) == (2, True), answer.err
    assert firmscope("--workspace", judged.folder, "taxonomy", "retire", "space").code == 0
    assert [change.said for change in read_changes(judged.taxonomy_changes_file)] == ["retire space"]
    assert load_taxonomy(judged.taxonomy_file).keys == ("air", "cyber")
    assert "sectors: [air]" in judged.seeds_file.read_text(encoding="utf-8")


def test_two_branches_that_changed_one_version(judged: Workspace, firmscope: Command) -> None:
    ours = Change(1, 2, "rename", ("space",), ("orbit",), "2026-11-22")
    theirs = Change(1, 2, "retire", ("cyber",), (), "2026-11-21")
    judged.taxonomy_changes_file.write_text(change_text(ours) + change_text(theirs), encoding="utf-8")
    for command in (["train"], ["taxonomy", "retire", "air"]):
        answer = firmscope("--workspace", judged.folder, *command)
        assert (answer.code, "version 1 was changed twice (rename space orbit; retire cyber)" in answer.err) == (
            2,
            True,
        )
    found = check(judged, firmscope)
    assert any("changed twice" in problem["text"] for problem in found["problems"])
    judged.taxonomy_changes_file.unlink()
    judged.taxonomies_folder.mkdir()
    (judged.taxonomies_folder / "t-1.yaml").write_text("another one", encoding="utf-8")
    answer = firmscope("--workspace", judged.folder, "taxonomy", "retire", "air")
    assert (answer.code, "is another version 1 than" in answer.err) == (2, True)
    assert not judged.taxonomy_changes_file.exists()


def check(workspace: Workspace, firmscope: Command, code: int = 2) -> dict[str, Any]:
    answer = firmscope("--workspace", workspace.folder, "taxonomy", "check", "--json")
    assert answer.code == code, answer.out + answer.err
    found: dict[str, Any] = json.loads(answer.out)
    return found


def test_check_names_everything_at_once(judged: Workspace, firmscope: Command) -> None:
    judged.taxonomy_file.write_text(
        """id: t
version: 1
sectors:
  - {key: air, name: Aerospace, definition: d, parents: [space]}
  - {key: space, name: Space, definition: d, parents: [air], keywords: ['NEAR("a"']}
  - {key: cyber, name: Cyber, parents: [nowhere]}
clusters:
  - {key: all, name: All, sectors: [air, rail]}
""",
        encoding="utf-8",
    )
    judged.seeds_file.write_text(SEEDS.replace("[space]", "[spice]"), encoding="utf-8")
    found = check(judged, firmscope)
    assert [(problem["file"], problem["line"], problem["level"]) for problem in found["problems"]] == [
        ("seeds.yaml", 2, "error"),  # spice
        ("taxonomy.yaml", 4, "error"),  # cycle
        ("taxonomy.yaml", 5, "error"),  # rule
        ("taxonomy.yaml", 6, "error"),  # nowhere
        ("taxonomy.yaml", 6, "warning"),  # no definition
        ("taxonomy.yaml", 8, "error"),  # rail
    ]
    assert (found["errors"], found["warnings"], found["sectors"], found["clusters"]) == (5, 1, 3, 1)
    answer = firmscope("--workspace", judged.folder, "taxonomy", "check")
    assert answer.code == 2
    assert "error: taxonomy.yaml, line 6: sector cyber: unknown parent 'nowhere'" in answer.out
    judged.taxonomy_file.write_text("id: [\n", encoding="utf-8")
    assert "not a YAML file" in check(judged, firmscope)["problems"][0]["text"]


def test_check_looks_at_words_and_labels(workspace: Workspace, firmscope: Command, tmp_path: Path) -> None:
    workspace.taxonomy_file.write_text(
        """id: t
version: 1
sectors:
  - {key: air, name: Aerospace, definition: d, keywords: ['aircraft', 'zeppelin*']}
  - {key: space, name: Space, definition: d, keywords: ['our', 'satellite* NOT dish']}
""",
        encoding="utf-8",
    )
    said = ["We build aircraft. Our hangar is large.", "Our satellites orbit.", "Our bread is baked daily."]
    texts = [{"firm_id": f"T{n}", "name": f"T{n}", "text": said[n % 3]} for n in range(36)]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    rows = [f"T{n},{key},{'include' if n < 6 else 'exclude'}" for n in range(12) for key in ("air", "space")]
    (tmp_path / "l.csv").write_text("\n".join(["firm_id,sector,label", *rows, ""]), encoding="utf-8")
    for command in (["import", "texts", tmp_path / "texts.jsonl"], ["labels", "import", tmp_path / "l.csv"]):
        assert firmscope("--workspace", workspace.folder, *command).code == 0
    found = check(workspace, firmscope, code=0)
    assert [(problem["line"], problem["text"]) for problem in found["problems"]] == [
        (4, "sector air: keyword rule 'zeppelin*' is met by none of 36 firms with words"),
        (5, "sector space: keyword rule 'our' is met by 36 of 36 firms with words: it tells nobody apart"),
        (5, "sectors air and space cannot be told apart by their labels: the same 6 includes and 6 excludes"),
    ]
    text = workspace.taxonomy_file.read_text(encoding="utf-8").replace("key: space", "key: orbit")
    workspace.taxonomy_file.write_text(text, encoding="utf-8")  # by hand, without a word to the map
    problems = check(workspace, firmscope, code=0)["problems"]
    assert any("12 judgements are on space, which taxonomy.yaml does not have" in at["text"] for at in problems)
    answer = firmscope("--workspace", workspace.folder, "taxonomy", "check")
    assert "0 error(s), 3 warning(s)" in answer.out


def test_nothing_to_say(workspace: Workspace, firmscope: Command) -> None:
    workspace.taxonomy_file.write_text(
        "id: t\nversion: 1\nsectors:\n  - {key: a, name: A, definition: d}\n", encoding="utf-8"
    )
    answer = firmscope("--workspace", workspace.folder, "taxonomy", "check")
    assert (answer.code, answer.out) == (0, "1 sectors, 0 seed examples: no problem found.\n")


def test_an_audit_follows_a_renamed_sector() -> None:
    audit = Audit(
        "20261101-1", "2026-11-01", "m", 0, False, ("anna", "ben"), {"space": (), "air": ()},
        (Drawn("F1", "space", 0), Drawn("F2", "air", 1)), ("F1", "F2"), np.zeros((2, 2), np.int16),
    )  # fmt: skip
    before = Change(1, 2, "rename", ("air",), ("sky",), "2026-10-31")
    renames = [Change(2, 3, "rename", ("space",), ("orbit",), "2026-11-01"),
               Change(3, 4, "rename", ("orbit",), ("sphere",), "2026-12-01")]  # fmt: skip
    found = under_new_keys(audit, [before, *renames, Change(4, 5, "retire", ("air",), (), "2026-12-01")])
    assert (found.sectors, [drawn.sector for drawn in found.sample]) == (("sphere", "air"), ["sphere", "air"])
    assert under_new_keys(audit, [before]) is audit
