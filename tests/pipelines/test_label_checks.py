"""Judgements that are wrong, old or from elsewhere: refused or kept with who and when, found, and never promoted."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from labels.store import read_judgements
from labels.taxonomy import load_taxonomy
from pipelines.judged_words import Words
from pipelines.judgements import current_judgements
from pipelines.promotion import current_id
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command
from tests.pipelines.test_promotion import PLAIN, WORDS

FIRMS = {"air": 33, "space": 33, "cyber": 20, "": 34}
N_TURNED = 6  # 5 % of 120 firms


def done(firmscope: Command, workspace: Workspace, *arguments: str | Path) -> str:
    answer = firmscope("--workspace", workspace.folder, *arguments)
    assert answer.code == 0, answer.err
    return answer.out


def write_texts(path: Path, texts: Sequence[tuple[str, str]]) -> Path:
    rows = ({"firm_id": firm_id, "name": firm_id.upper(), "text": text, "url": ""} for firm_id, text in texts)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_sheet(path: Path, rows: Sequence[Sequence[str]], columns: Sequence[str] = ()) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns or ("firm_id", "sector", "label", "coder", "labelled_on", "note"), *rows])
    return path


@pytest.fixture
def known(workspace: Workspace, firmscope: Command, tmp_path: Path) -> Workspace:
    """A workspace with three firms that say something and one that does not."""
    texts = [("f", "We make wings."), ("g", "We bake bread."), ("h", "We test networks.")]
    done(firmscope, workspace, "import", "texts", write_texts(tmp_path / "texts.jsonl", texts))
    firms = tmp_path / "firms.csv"
    firms.write_text("firm_id,name,website\nsilent,Silent Ltd,\n", encoding="utf-8")
    done(firmscope, workspace, "import", "firms", firms, "--allow-missing-websites")
    return workspace


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(("f", "aire", "include"), "row 3: unknown sector 'aire'; did you mean air?", id="unknown sector"),
        pytest.param(("x", "air", "include"), "row 3: firm 'x' is not in this workspace", id="unknown firm"),
        pytest.param(("f", "air", "both"), "row 3: label 'both', expected one of", id="unknown label"),
        pytest.param(("f", "air", "include", "a", "2099-01-01"), "row 3: labelled_on 2099-01-01 is in the future",
                     id="future date"),
        pytest.param(("f", "air", "include", "a", "2099-01-01T00:00:00Z"), "row 3: labelled_on 2099-01-01T00:00:00Z is",
                     id="future second"),
    ],
)  # fmt: skip
def test_m09_a_wrong_row_brings_nothing_in(
    known: Workspace, firmscope: Command, tmp_path: Path, row: tuple[str, ...], message: str
) -> None:
    sheet = write_sheet(tmp_path / "sheet.csv", [("f", "air", "include"), row])
    answer = firmscope("--workspace", known.folder, "labels", "import", sheet)
    assert answer.code == 2
    assert message in answer.err
    assert not known.labels_file.exists()


def test_m09_disagreement_is_kept_with_who_and_when(known: Workspace, firmscope: Command, tmp_path: Path) -> None:
    rows = [
        ("f", "air", "include", "anna", "2026-01-02", "makes wings"),
        ("f", "air", "exclude", "ben", "2026-01-03", "only sells them"),
        ("g", "air", "include", "anna", "2026-01-02", ""),
        ("g", "air", "exclude", "anna", "2026-01-02", "on second thoughts"),
    ]
    sheet = write_sheet(tmp_path / "sheet.csv", rows)
    assert done(firmscope, known, "labels", "import", sheet).startswith("4 judgements added")
    assert done(firmscope, known, "labels", "import", sheet).startswith("0 judgements added")
    kept = [(w.firm_id, w.sector, w.label, w.coder, w.labelled_on, w.note) for w in read_judgements(known.labels_file)]
    assert sorted(kept) == sorted(rows)
    found = json.loads(done(firmscope, known, "labels", "agreement", "--json"))
    assert found["conflicts"] == [
        {"firm_id": "f", "sector": "air", "words": [["anna", "include"], ["ben", "exclude"]],
         "notes": ["makes wings", "only sells them"]}
    ]  # fmt: skip
    assert found["alpha"][0]["firms"] == 1
    shown = done(firmscope, known, "labels", "agreement")
    assert "Krippendorff's alpha" in shown
    assert "only sells them" in shown
    done(firmscope, known, "labels", "settle", "f", "air", "include")
    assert json.loads(done(firmscope, known, "labels", "agreement", "--json"))["conflicts"] == []
    assert len(read_judgements(known.labels_file)) == 5


def test_m09_ten_thousand_labels_come_in_at_once(known: Workspace, firmscope: Command, tmp_path: Path) -> None:
    numbers = range(3_334)
    firms = tmp_path / "firms.csv"
    firms.write_text("firm_id,name,website\n" + "".join(f"n{n},N {n},\n" for n in numbers), encoding="utf-8")
    done(firmscope, known, "import", "firms", firms, "--allow-missing-websites")
    rows = [
        (f"n{n}", sector, "include" if n % 3 else "exclude") for n in numbers for sector in ("air", "space", "cyber")
    ]
    sheet = write_sheet(tmp_path / "sheet.csv", rows[:10_000])
    began = time.process_time()
    assert done(firmscope, known, "labels", "import", sheet).startswith("10000 judgements added")
    assert done(firmscope, known, "labels", "import", sheet).startswith("0 judgements added")
    assert time.process_time() - began < 20  # about 2 on a quiet machine; one file write a row would take minutes
    assert len(current_judgements(known, load_taxonomy(known.taxonomy_file))) == 10_000


def test_m09_labels_on_other_words_are_listed(known: Workspace, firmscope: Command, tmp_path: Path) -> None:
    rows = [
        ("f", "air", "include", "anna", "", ""), ("g", "air", "exclude", "anna", "", ""),
        ("h", "air", "exclude", "ben", "2020-05-01", ""), ("silent", "air", "exclude", "ben", "", ""),
    ]  # fmt: skip
    done(firmscope, known, "labels", "import", write_sheet(tmp_path / "sheet.csv", rows))
    digest = {word.firm_id: word.text_digest for word in read_judgements(known.labels_file)}
    assert [len(digest[firm_id]) for firm_id in ("f", "g", "h", "silent")] == [64, 64, 0, 0]
    outdated = json.loads(done(firmscope, known, "labels", "check", "--json"))["outdated"]
    assert [(at["firm_id"], at["why"]) for at in outdated] == [("h", "older than the words")]

    texts = [("f", "We make wings and sell cakes."), ("g", "We bake bread.")]
    done(firmscope, known, "import", "texts", write_texts(tmp_path / "new.jsonl", texts))
    outdated = json.loads(done(firmscope, known, "labels", "check", "--json"))["outdated"]
    assert [(at["firm_id"], at["label"], at["coder"], at["why"]) for at in outdated] == [
        ("h", "exclude", "ben", "older than the words"), ("f", "include", "anna", "other words now")
    ]  # fmt: skip
    assert "other words now" in done(firmscope, known, "labels", "check", "--sector", "air")
    assert firmscope("--workspace", known.folder, "labels", "check", "--sector", "aire").code == 2


@pytest.fixture
def firms() -> dict[str, tuple[str, list[str]]]:
    """Words and sectors of 120 firms, by firm_id."""
    rng = np.random.default_rng(0)
    found = {}
    for topic, words in WORDS.items():
        for number in range(FIRMS[topic]):
            text = f"We work with {' '.join(rng.choice(words, 5))}. Our {' '.join(rng.choice(PLAIN, 5))}."
            found[f"{topic or 'bakery'}-{number:02d}"] = (text, [topic] if topic else [])
    return found


def test_m11_turned_labels_are_found_and_their_model_is_not_promoted(
    workspace: Workspace, firmscope: Command, tmp_path: Path, firms: dict[str, tuple[str, list[str]]]
) -> None:
    done(firmscope, workspace, "config", "set", "train.use_seeds", "false")
    texts = write_texts(tmp_path / "texts.jsonl", [(firm_id, text) for firm_id, (text, _) in firms.items()])
    done(firmscope, workspace, "import", "texts", texts)
    right = {firm_id: "include" if "cyber" in sectors else "exclude" for firm_id, (_, sectors) in firms.items()}
    sheet = write_sheet(tmp_path / "right.csv", [(firm_id, "cyber", word) for firm_id, word in right.items()])
    done(firmscope, workspace, "labels", "import", sheet)
    done(firmscope, workspace, "train")
    good = current_id(workspace)
    clean = json.loads(done(firmscope, workspace, "labels", "check", "--sector", "cyber", "--json"))
    assert clean["judged"] == len(firms)
    assert clean["doubtful"] == []

    turned = set(np.random.default_rng(1).choice(sorted(right), N_TURNED, replace=False).tolist())
    other = {"include": "exclude", "exclude": "include"}
    wrong = [(firm_id, "cyber", other[right[firm_id]]) for firm_id in sorted(turned)]
    done(firmscope, workspace, "labels", "import", write_sheet(tmp_path / "wrong.csv", wrong))
    answer = firmscope("--workspace", workspace.folder, "train")
    assert answer.code == 10
    assert "F1 of cyber falls from 1.000 to 0." in answer.err
    assert "is not promoted" in answer.err
    assert current_id(workspace) == good

    found = json.loads(done(firmscope, workspace, "labels", "check", "--sector", "cyber", "--json"))["doubtful"]
    assert {at["firm_id"] for at in found[:N_TURNED]} == turned
    assert [at["doubt"] for at in found] == sorted((at["doubt"] for at in found), reverse=True)
    assert {at["firm_id"] for at in found if at["flagged"]} <= turned
    shown = done(firmscope, workspace, "labels", "check")
    assert "contradicts" in shown
    assert min(turned) in shown

    mended = [(firm_id, "cyber", right[firm_id]) for firm_id in sorted(turned)]
    done(firmscope, workspace, "labels", "import", write_sheet(tmp_path / "mended.csv", mended))
    done(firmscope, workspace, "train")


def test_firms_go_to_a_tool_and_answers_come_back(known: Workspace, firmscope: Command, tmp_path: Path) -> None:
    rows = [("f", "air", "include", "anna", "2026-01-02", "makes wings"), ("silent", "air", "exclude", "anna", "", "")]
    done(firmscope, known, "labels", "import", write_sheet(tmp_path / "sheet.csv", rows))
    before = known.labels_file.read_bytes()
    for format, out in (("label-studio", "tasks.json"), ("argilla", "firms"), ("doccano", "firms.jsonl")):
        target = tmp_path / out
        told = done(firmscope, known, "labels", "export", "--format", format, "--sector", "air", "--out", target)
        assert told.startswith("1 firms written")
        assert "1 firms have no words and were left out." in told
        back = done(firmscope, known, "labels", "import", target, "--format", format)
        assert back.startswith("0 judgements added")
    assert known.labels_file.read_bytes() == before
    assert (tmp_path / "tasks.xml").read_text(encoding="utf-8").startswith("<View>")
    assert firmscope("--workspace", known.folder, "labels", "export", "--format", "argilla", "--out",
                     tmp_path / "firms").code == 2  # fmt: skip

    wanted = write_sheet(tmp_path / "next.csv", [("h",), ("g",)], ("firm_id",))
    tasks = tmp_path / "more.json"
    done(firmscope, known, "labels", "export", "--format", "label-studio", "--firms", wanted, "--out", tasks)
    handed = json.loads(tasks.read_text(encoding="utf-8"))
    assert [task["data"]["firm_id"] for task in handed] == ["h", "g"]
    handed[0]["annotations"] = [
        {"completed_by": {"id": 3, "email": "ben@firm.example"}, "updated_at": "2026-02-01T08:00:00Z", "result": [
            {"type": "choices", "from_name": "cyber", "to_name": "text", "value": {"choices": ["include"]}}]}
    ]  # fmt: skip
    tasks.write_text(json.dumps(handed), encoding="utf-8")
    told = done(
        firmscope, known, "labels", "import", tasks, "--format", "label-studio", "--coder", "ben@firm.example=ben"
    )
    assert told.startswith("1 judgements added")
    (word,) = [word for word in read_judgements(known.labels_file) if word.firm_id == "h"]
    assert (word.sector, word.label, word.coder, word.labelled_on) == (
        "cyber",
        "include",
        "ben",
        "2026-02-01T08:00:00Z",
    )
    assert word.text_digest == handed[0]["data"]["text_digest"]


def test_words_read_in_the_second_of_the_judgement_were_there() -> None:
    since = datetime(2026, 5, 1, 10, 0, 0, 700_000, tzinfo=UTC)
    words = Words("d" * 64, since)
    assert words.were_there("2026-05-01T10:00:00Z")
    assert not words.were_there("2026-05-01T09:59:59Z")
    assert words.were_there("2026-05-01")
    assert not words.were_there("2026-04-30")
