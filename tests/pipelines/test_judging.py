"""The label store in a workspace: judged beside a run, sealed, merged by the real git, repaired by the real command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labels.errors import LabelsError
from labels.seal import read_seal
from labels.store import COLUMNS, Judgement, read_judgements
from labels.taxonomy import load_taxonomy
from pipelines.judgements import current_judgements
from pipelines.judging import judge, label_lock
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command

ROOT = Path(__file__).resolve().parents[2]
JUDGING = """
import sys
from pathlib import Path
from labels.store import Judgement
from pipelines.judging import judge
from pipelines.workspace import Workspace
workspace, coder = Workspace(Path(sys.argv[1])), sys.argv[2]
for n in range(int(sys.argv[3])):
    judge(workspace, [Judgement(f"{coder}{n}", "cyber", "include", coder, "2026-01-01", "x" * 500)] * 3)
    print(n, flush=True)
"""
HEADER = ",".join(COLUMNS)


def said(
    firm_id: str, label: str = "include", coder: str = "anna", at: str = "2026-01-01", note: str = ""
) -> Judgement:
    return Judgement(firm_id, "cyber", label, coder, at, note, "1")


def current(workspace: Workspace) -> list[Judgement]:
    return current_judgements(workspace, load_taxonomy(workspace.taxonomy_file))


def test_judging_goes_on_while_a_run_holds_the_workspace(workspace: Workspace) -> None:
    with workspace.locked():
        assert judge(workspace, [said("f"), said("g")]) == 2
    assert current(workspace) == [said("f"), said("g")]


def test_what_is_written_is_sealed_and_unwritable_words_write_nothing(workspace: Workspace) -> None:
    judge(workspace, [said("f", note="two\nlines")])
    before = workspace.labels_file.read_bytes(), workspace.seal_file.read_bytes()
    assert len(read_seal(workspace.seal_file)) == 1
    with pytest.raises(LabelsError, match="label 'maybe'"):
        judge(workspace, [said("g"), said("h", "maybe")])
    assert (workspace.labels_file.read_bytes(), workspace.seal_file.read_bytes()) == before
    assert current(workspace) == [said("f", note="two lines")]


def test_an_old_store_gets_its_new_column_at_the_first_judgement(workspace: Workspace) -> None:
    workspace.labels_file.write_text(
        'firm_id,sector,label,coder,labelled_on,note,taxonomy_version\nf,cyber,include,anna,2026-01-01,"a\nb",1\n',
        encoding="utf-8",
    )
    assert current(workspace) == [said("f", note="a b")]
    judge(workspace, [said("g")])
    assert workspace.labels_file.read_text(encoding="utf-8").splitlines() == [
        HEADER, "f,cyber,include,anna,2026-01-01,a b,1,", "g,cyber,include,anna,2026-01-01,,1,"
    ]  # fmt: skip


def test_two_processes_write_whole_lines(workspace: Workspace) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", JUDGING, workspace.folder, coder, "40"], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        for coder in ("anna", "ben")
    ]
    assert [process.wait() for process in both] == [0, 0]
    assert len(workspace.labels_file.read_text(encoding="utf-8").splitlines()) == 1 + 2 * 40 * 3
    assert len(current(workspace)) == 80
    assert len(read_seal(workspace.seal_file)) == 80


def test_what_was_acknowledged_survives_a_kill(workspace: Workspace) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", JUDGING, workspace.folder, "f", "1000000"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.readline()
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    acknowledged = [0, *(int(line) for line in process.stdout.read().split())]
    process.wait()
    process.stdout.close()
    kept = {judgement.firm_id for judgement in current(workspace)}
    assert {f"f{number}" for number in acknowledged} <= kept
    judge(workspace, [said("after")])  # a seal cut short in its last line is mended
    assert len(read_seal(workspace.seal_file)) >= len(acknowledged) + 1
    assert "after" in {judgement.firm_id for judgement in current(workspace)}


def test_a_store_that_is_never_let_go_is_an_error(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.errors import WorkspaceBusyError

    monkeypatch.setattr("pipelines.judging.PATIENCE_S", 0.1)
    with label_lock(workspace), pytest.raises(WorkspaceBusyError, match="held by another process"):
        judge(workspace, [said("f")])
    assert not workspace.labels_file.exists()


def test_m10_a_changed_line_stops_training_until_it_is_restored_or_accepted(
    workspace: Workspace, firmscope: Command
) -> None:
    judge(workspace, [said("f"), said("g"), said("h", "exclude")])
    whole = workspace.labels_file.read_text(encoding="utf-8")
    workspace.labels_file.write_text(whole.replace("g,cyber,include", "g,cyber,exclude"), encoding="utf-8")
    ours = ("--workspace", workspace.folder)
    for command in (("train",), ("evaluate",), ("labels", "agreement"), ("labels", "merge")):
        answer = firmscope(*ours, *command)
        assert answer.code == 2, command
        assert "anna's include of firm 'g' for cyber (2026-01-01), where line 3 now says exclude" in answer.err
    assert not any(path.is_dir() for path in workspace.models_folder.iterdir())

    workspace.labels_file.write_text(whole, encoding="utf-8")
    assert "sealed" not in firmscope(*ours, "train").err  # another refusal: the firms have no words

    workspace.labels_file.write_text(whole.replace("g,cyber,include", "g,cyber,exclude"), encoding="utf-8")
    assert firmscope(*ours, "labels", "accept", "--reason", " ").code == 2
    accepted = firmscope(*ours, "labels", "accept", "--reason", "wrong firm, agreed on the phone")
    assert accepted.out == "given up: g,cyber,include,anna,2026-01-01\n"
    assert "wrong firm, agreed on the phone" in workspace.seal_file.read_text(encoding="utf-8")
    assert {word.firm_id: word.label for word in current(workspace)} == {"f": "include", "g": "exclude", "h": "exclude"}
    assert "nothing was changed" in firmscope(*ours, "labels", "accept", "--reason", "again").err
    workspace.labels_file.write_text(whole, encoding="utf-8")  # now the old line is the tampered one
    assert "where line 3 now says include" in firmscope(*ours, "train").err


def test_m10_lines_added_by_hand_are_sealed_once_a_model_learnt_from_them(
    workspace: Workspace, firmscope: Command
) -> None:
    judge(workspace, [said("f")])
    with workspace.labels_file.open("a", encoding="utf-8") as file:
        file.write("g,cyber,include,ben,2026-01-02,,1,\n")
    firmscope("--workspace", workspace.folder, "train")  # has nothing to learn from, but has read the lines
    lines = workspace.labels_file.read_text(encoding="utf-8").splitlines(keepends=True)
    workspace.labels_file.write_text("".join(lines[:-1]), encoding="utf-8")
    assert "ben's include of firm 'g' for cyber" in firmscope("--workspace", workspace.folder, "train").err


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    who = ("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main",
           "-c", "commit.gpgsign=false")  # fmt: skip
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("attributes", [pytest.param(True, id="as init made it"), pytest.param(False, id="without")])
def test_two_branches_of_git_come_together(workspace: Workspace, firmscope: Command, attributes: bool) -> None:
    folder, ours = workspace.folder, ("--workspace", workspace.folder)
    assert git(folder, "init").returncode == 0
    if not attributes:
        (folder / ".gitattributes").unlink()
    files = ["labels.csv", "labels.seal", *([".gitattributes"] if attributes else [])]
    judge(workspace, [said("base")])
    git(folder, "add", *files)
    git(folder, "commit", "-m", "base")
    git(folder, "checkout", "-b", "ben")
    judge(workspace, [said("f", "exclude", "ben", "2026-01-02"), said("b", "include", "ben", "2026-01-04")])
    git(folder, "commit", "-am", "ben")
    git(folder, "checkout", "main")
    judge(workspace, [said("f", "include", "anna", "2026-01-03"), said("a", "include", "anna", "2026-01-03")])
    git(folder, "commit", "-am", "anna")
    merged = git(folder, "merge", "ben")

    if attributes:
        assert merged.returncode == 0, merged.stdout
    else:
        assert merged.returncode == 1
        refused = firmscope(*ours, "train")
        assert refused.code == 2
        assert "conflict markers of git on lines 3, 6, 9" in refused.err
        answer = firmscope(*ours, "labels", "merge")
        assert "The judgements of both sides are kept" in answer.out
        assert git(folder, "commit", "-am", "merged").returncode == 0
    assert [(word.coder, word.firm_id, word.label) for word in current(workspace)] == [
        ("anna", "base", "include"), ("ben", "f", "exclude"), ("anna", "f", "include"), ("anna", "a", "include"),
        ("ben", "b", "include"),
    ]  # fmt: skip
    assert len(read_seal(workspace.seal_file)) == 5
    found = json.loads(firmscope(*ours, "labels", "agreement", "--json").out)["conflicts"]
    assert [(at["firm_id"], at["words"]) for at in found] == [("f", [["anna", "include"], ["ben", "exclude"]])]


def test_another_analysts_file_is_taken_in(workspace: Workspace, firmscope: Command, tmp_path: Path) -> None:
    judge(workspace, [said("f"), said("g")])
    other = tmp_path / "hers.csv"
    other.write_text(
        f"{HEADER}\nf,cyber,include,anna,2026-01-01,,1,\n{HEADER}\nf,cyber,exclude,ben,2026-01-02,,1,\n"
        "f,cyber,exclude,ben,2026-01-02,,1,\n",
        encoding="utf-8",
    )
    ours = ("--workspace", workspace.folder)
    before = workspace.labels_file.read_bytes()
    assert firmscope(*ours, "labels", "merge", other).out.startswith("1 judgements added")
    assert workspace.labels_file.read_bytes() == before + b"f,cyber,exclude,ben,2026-01-02,,1,\n"
    assert firmscope(*ours, "labels", "merge", other).out.startswith("0 judgements added")
    assert len(read_seal(workspace.seal_file)) == 3
    assert firmscope(*ours, "labels", "merge", tmp_path / "none.csv").code == 2
    assert "Nothing to settle" in firmscope(*ours, "labels", "merge").out


def test_a_lost_line_comes_back_with_the_file_that_has_it(
    workspace: Workspace, firmscope: Command, tmp_path: Path
) -> None:
    judge(workspace, [said("f"), said("g")])
    shutil.copy(workspace.labels_file, tmp_path / "copy.csv")
    workspace.labels_file.write_text(f"{HEADER}\nf,cyber,include,anna,2026-01-01,,1,\n", encoding="utf-8")
    answer = firmscope("--workspace", workspace.folder, "labels", "merge", tmp_path / "copy.csv")
    assert answer.code == 0, answer.err
    assert read_judgements(workspace.labels_file) == [said("f"), said("g")]
    assert current(workspace) == [said("f"), said("g")]
