"""The label store: nothing judged is lost, nothing unjudged becomes an exclude."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from labels.errors import LabelsError
from labels.label_files import parse_complete_jsonl, parse_label_csv
from labels.matrix import label_matrix
from labels.store import (
    COLUMNS,
    UNDONE,
    Judgement,
    append_judgements,
    must_be_rewritten,
    read_judgements,
    read_lines,
    store_text,
    without_undone,
)
from labels.taxonomy import Taxonomy, load_taxonomy

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)


@pytest.fixture
def taxonomy(tmp_path: Path) -> Taxonomy:
    path = tmp_path / "taxonomy.yaml"
    path.write_text(
        "id: t\nversion: 3\nsectors:\n  - {key: air, name: A}\n  - {key: space, name: S, parents: [air]}\n"
        "  - {key: cyber, name: C}\n",
        encoding="utf-8",
    )
    return load_taxonomy(path)


def judged(firm_id: str, sector: str, label: str, coder: str = "a") -> Judgement:
    return Judgement(firm_id, sector, label, coder, "2026-01-01")


def test_append_and_read_back_with_awkward_text(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    rows = [
        Judgement("00123", "air", "include", 'a "b", c', "2026-01-01", "one line, =1+1", "1", "0f" * 32),
        judged("NA", "air", "exclude"),
    ]
    assert append_judgements(path, rows[:1]) == 1
    before = path.read_bytes()
    assert append_judgements(path, rows[1:]) == 1
    assert path.read_bytes().startswith(before)
    assert read_judgements(path) == rows


def test_a_store_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("firm_id,sector\n", encoding="utf-8")
    with pytest.raises(LabelsError, match=r"line 1: expected the columns firm_id,sector,label,coder"):
        read_judgements(path)


HEADER = ",".join(COLUMNS)
OLD_HEADER = HEADER.removesuffix(",text_digest")


def test_a_note_is_one_line_whatever_it_says(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    append_judgements(path, [Judgement("f", "air", "include", "a\nb", "2026-01-01", "two\r\nlines\u2028, three\0")])
    assert path.read_text(encoding="utf-8") == f'{HEADER}\nf,air,include,a b,2026-01-01,"two lines , three",,\n'


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(f"{OLD_HEADER}\nf,air,include,a,2026-01-01,n,1\n", ["include"], id="before text_digest"),
        pytest.param(f'{OLD_HEADER}\nf,air,include,a,2026-01-01,"two\nlines",1\n', ["include"],
                     id="a note over two lines, as earlier releases wrote it"),
        pytest.param(f"{HEADER}\r\nf,air,include,a,2026-01-01,n,1,\r\n", ["include"], id="line ends of Windows"),
        pytest.param(f"\ufeff{HEADER}\n\nf,air,include,a,2026-01-01,n,1,\n", ["include"], id="byte order mark, gap"),
        pytest.param(f"{HEADER}\nf,air,include,a,2026-01-01,,1,\n{HEADER}\ng,air,exclude,a,2026-01-02,,1,\n",
                     ["include", "exclude"], id="a header in the middle"),
        pytest.param(f"{HEADER}\nf,air,include,a,2026-01-01,,1,\n{OLD_HEADER}\ng,air,exclude,a,2026-01-02,,1\n",
                     ["include", "exclude"], id="a branch from before text_digest"),
        pytest.param(f"{HEADER}\ng,air,exclude,a,2026-01-02,,1,\nf,air,include,a,2026-01-01,,1,\n",
                     ["include", "exclude"], id="in the order of the days"),
        pytest.param(f"{HEADER}\nf,air,include,a,20260101,,1,\ng,air,exclude,a,2026-01-02,,1,\n",
                     ["include", "exclude"], id="a day without hyphens, as earlier releases let in"),
        pytest.param(f"{HEADER}\nf,air,include,a,2026-01-01,,1,\nf,air,include,a,2026-01-01,,1,\n", ["include"],
                     id="the same line twice"),
        pytest.param(f"{HEADER}\nf,air,include,a,2026-01-01,,1,\ng,air,exclude,a,2026-01-", ["include"],
                     id="a last line that a crash cut short"),
        pytest.param(f"{HEADER}\nf,air,include,a,2026-01-01,,1,\ng,air,exclude,a,2026-01-02,,1,0f0f", ["include"],
                     id="a crash inside the digest"),
        pytest.param(f"{HEADER}\nf,air,include,a,2026-01-01,,1,\ng,air,exclude,a,2026-01-02,,1,",
                     ["include", "exclude"], id="a whole last line without its end, as editors leave it"),
    ],
)  # fmt: skip
def test_what_is_read(tmp_path: Path, content: str, found: list[str]) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content.encode())
    assert [judgement.label for judgement in read_judgements(path)] == found


@pytest.mark.parametrize(
    ("days", "last"),
    [
        pytest.param(["2026-01-02", "2026-01-01"], 0, id="a later day"),
        pytest.param(["2026-01-01", "2026-01-01"], 1, id="the same day: the later line"),
        pytest.param(["2026-01-01T10:00:01Z", "2026-01-01T10:00:00Z"], 0, id="a later second"),
        pytest.param(["2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z"], 1, id="the same second: the later line"),
        pytest.param(["2026-01-01T10:00:00Z", "2026-01-01"], 1, id="a sheet with a bare date after the page"),
        pytest.param(["2026-01-01", "2026-01-01T00:00:00Z"], 1, id="the page after a sheet with a bare date"),
        pytest.param(["2026-01-01T10:00:00Z", "2026-01-01", "2026-01-01T09:00:00Z"], 1,
                     id="another branch, from before both"),
    ],
)  # fmt: skip
def test_the_last_word_is_the_latest(tmp_path: Path, days: list[str], last: int) -> None:
    path = tmp_path / "labels.csv"
    append_judgements(path, [Judgement("f", "air", "unsure", "a", day, str(at)) for at, day in enumerate(days)])
    assert read_judgements(path)[-1].note == str(last)


def test_a_word_taken_back_and_said_again_holds(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    said = [judged("f", "air", label) for label in ("include", "exclude", "include")]
    append_judgements(path, said)
    assert read_judgements(path) == said


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("f,air,maybe,a,2026-01-01,,1,", "line 2: label 'maybe', expected one of include"),
        ("f,air,include,a,yesterday,,1,", "line 2: labelled_on 'yesterday', expected a date"),
        ("f,air,include,a,2026-01-01,,1,xyz", "line 2: text_digest 'xyz', expected 64 hex digits"),
        ("f,air,include,a,2026-01-01", "line 2: 5 columns, expected 8; restore the line from git"),
        ("<<<<<<< HEAD\nf,air,include,a,2026-01-01,,1,\n=======\n>>>>>>> theirs, with a comma",
         "conflict markers of git on lines 2, 4, 5; keep the judgements of both sides with: firmscope labels merge"),
    ],
)  # fmt: skip
def test_a_store_that_cannot_be_read_says_where(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"{HEADER}\n{row}\ng,air,include,a,2026-01-01,,1,\n", encoding="utf-8")
    with pytest.raises(LabelsError) as caught:
        read_judgements(path)
    assert message in str(caught.value)


def test_both_sides_of_a_conflict_are_there(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        f"<<<<<<< HEAD\n{HEADER}\nf,air,include,a,2026-01-01,,1,\n||||||| base\n=======\n{HEADER}\n"
        "g,air,exclude,b,2026-01-01,,1,\n>>>>>>> theirs\n",
        encoding="utf-8",
    )
    assert [(line.number, line.judgement.firm_id) for line in read_lines(path, past_markers=True)] == [
        (3, "f"), (7, "g")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "must"),
    [("", False), (f"{HEADER}\n", False), (f"{OLD_HEADER}\n", True), (f"{HEADER}\nf,air,unsure,a,2026-01-01,,,", True)],
)  # fmt: skip
def test_when_a_store_must_be_rewritten(tmp_path: Path, content: str, must: bool) -> None:
    path = tmp_path / "labels.csv"
    assert not must_be_rewritten(path)
    path.write_text(content, encoding="utf-8")
    assert must_be_rewritten(path) == must
    path.write_text(store_text(line.judgement for line in read_lines(path)), encoding="utf-8")
    assert not must_be_rewritten(path)


@pytest.mark.parametrize(
    ("judgements", "known", "include"),
    [
        pytest.param([], [0, 0, 0], [0, 0, 0], id="nothing judged is unknown"),
        pytest.param([judged("f", "cyber", "exclude")], [0, 0, 1], [0, 0, 0], id="an exclude speaks for one sector"),
        pytest.param([judged("f", "space", "include")], [1, 1, 0], [1, 1, 0], id="an include goes up"),
        pytest.param([judged("f", "air", "exclude")], [1, 1, 0], [0, 0, 0], id="an exclude goes down"),
        pytest.param([judged("f", "space", "exclude")], [0, 1, 0], [0, 0, 0], id="a child's exclude stays there"),
        pytest.param([judged("f", "air", "include")], [1, 0, 0], [1, 0, 0], id="a parent's include stays there"),
        pytest.param([judged("f", "air", "exclude"), judged("f", "space", "include", "b")], [1, 1, 0], [1, 1, 0],
                     id="in a child after all"),
        pytest.param([judged("f", "cyber", "include"), judged("f", "cyber", "exclude")], [0, 0, 1], [0, 0, 0],
                     id="a coder's last word holds"),
        pytest.param([judged("f", "cyber", "include"), judged("f", "cyber", "exclude", "b")], [0, 0, 0], [0, 0, 0],
                     id="coders who disagree leave it open"),
        pytest.param([judged("f", "cyber", "unsure")], [0, 0, 0], [0, 0, 0], id="unsure is unknown"),
        pytest.param([judged("g", "cyber", "include"), judged("f", "gone", "include")], [0, 0, 0], [0, 0, 0],
                     id="other firms and retired sectors"),
    ],
)  # fmt: skip
def test_label_matrix(taxonomy: Taxonomy, judgements: list[Judgement], known: list[int], include: list[int]) -> None:
    Y, mask = label_matrix(judgements, ["f"], taxonomy)
    np.testing.assert_array_equal(mask[0], np.array(known, bool))
    np.testing.assert_array_equal(Y[0], np.array(include, bool))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("f,spaec,include", "row 2: unknown sector 'spaec'; did you mean space?"),
        ("g,space,include", "row 2: firm 'g' is not in this workspace"),
        ("f,space,yes", "row 2: label 'yes', expected one of include"),
        ("f,space,include,x,2030-01-01", "row 2: labelled_on 2030-01-01 is in the future"),
        ("f,space,include,x,1.2.2020", "row 2: labelled_on '1.2.2020', expected a date"),
        ("f,space,include,x,2026-11-21T10:16:00Z", "row 2: labelled_on 2026-11-21T10:16:00Z is in the future"),
        ("f,space,include,x,2026-11-21T25:00:00Z", "row 2: labelled_on '2026-11-21T25:00:00Z', expected a date"),
        ("f,space,include,x,2026-01-01," + "n" * 2001, "row 2: note of 2001 characters, expected at most 2000"),
        ("f,space,include,x,2026-01-01,n,abc", "row 2: text_digest 'abc', expected 64 hex digits or nothing"),
    ],
)
def test_label_csv_refused(tmp_path: Path, taxonomy: Taxonomy, row: str, message: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(f"firm_id,sector,label,coder,labelled_on,note,text_digest\n{row}\n", encoding="utf-8")
    with pytest.raises(LabelsError) as caught:
        parse_label_csv(path, taxonomy, {"f"}, NOW)
    assert message in str(caught.value)


def test_label_csv_without_its_columns(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = tmp_path / "in.csv"
    path.write_text("firm,sector,label\n", encoding="utf-8")
    with pytest.raises(LabelsError, match="row 1: column firm_id is missing"):
        parse_label_csv(path, taxonomy, {"f"}, NOW)


def test_label_csv_with_bom_and_crlf(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"\xef\xbb\xbffirm_id,sector,label\r\nf,space,include\r\n")
    assert parse_label_csv(path, taxonomy, {"f"}, NOW) == [
        Judgement("f", "space", "include", "import", "2026-11-21T10:15:00Z", "", "3")
    ]


def test_complete_means_the_rest_is_excluded(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(
        '{"firm_id": "f", "sectors": ["space"], "other": 1}\n\n{"firm_id": "g", "sectors": []}\n', encoding="utf-8"
    )
    found = parse_complete_jsonl(path, taxonomy, {"f", "g"}, NOW)
    assert [(row.firm_id, row.sector, row.label) for row in found] == [
        ("f", "air", "include"), ("f", "space", "include"), ("f", "cyber", "exclude"),
        ("g", "air", "exclude"), ("g", "space", "exclude"), ("g", "cyber", "exclude"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"firm_id": "f"}', "row 1: expected an object with firm_id and a list of sectors"),
        ("[]", "row 1: expected an object"),
        ("{", "row 1: expected an object"),
        ('{"firm_id": "f", "sectors": "space"}', "row 1: expected firm_id as text and sectors as a list"),
        ('{"firm_id": "f", "sectors": ["nope"]}', "row 1: unknown sector 'nope'"),
        ('{"firm_id": "f", "sectors": [["space"]]}', "row 1: unknown sector"),
    ],
)
def test_complete_jsonl_refused(tmp_path: Path, taxonomy: Taxonomy, line: str, message: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(LabelsError) as caught:
        parse_complete_jsonl(path, taxonomy, {"f"}, NOW)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("words", "known", "include"),
    [
        pytest.param([("a", "include"), ("b", "exclude"), ("settled", "include")], 1, 1, id="settled"),
        pytest.param([("settled", "exclude"), ("a", "include"), ("b", "include")], 1, 0, id="whatever is said later"),
        pytest.param([("a", "include"), ("settled", "exclude"), ("settled", "unsure")], 0, 0, id="opened again"),
    ],
)
def test_the_settled_word_goes_before_coders(
    taxonomy: Taxonomy, words: list[tuple[str, str]], known: int, include: int
) -> None:
    Y, mask = label_matrix([judged("f", "cyber", label, coder) for coder, label in words], ["f"], taxonomy)
    assert (int(mask[0, 2]), int(Y[0, 2])) == (known, include)


def test_rows_of_an_audit_without_a_label_wait(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = tmp_path / "in.csv"
    path.write_text("firm_id,sector,label,note\nf,air,,audit 1\nf,cyber,include,audit 1\n", encoding="utf-8")
    assert [found.sector for found in parse_label_csv(path, taxonomy, {"f"}, NOW)] == ["cyber"]
    path.write_text("firm_id,sector,label,note\nf,air,,forgotten\n", encoding="utf-8")
    with pytest.raises(LabelsError, match="row 2: label ''"):
        parse_label_csv(path, taxonomy, {"f"}, NOW)


def test_a_word_taken_back_is_no_word_until_the_coder_speaks_again() -> None:
    said = [
        Judgement("f1", "air", "include", "anna", "2026-11-21T10:00:00Z"),
        Judgement("f1", "air", "exclude", "ben", "2026-11-21T10:01:00Z"),
        Judgement("f1", "air", "unsure", "anna", "2026-11-21T10:02:00Z", UNDONE),
    ]
    assert without_undone(said) == [said[1]]
    again = [*said, Judgement("f1", "air", "exclude", "anna", "2026-11-21T10:03:00Z")]
    assert without_undone(again) == again
    unsure = Judgement("f1", "air", "unsure", "ben", "2026-11-21T10:02:00Z", "cannot tell")
    assert without_undone([unsure]) == [unsure]
