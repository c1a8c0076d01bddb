"""The label store: nothing judged is lost, nothing unjudged becomes an exclude."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from labels.errors import LabelsError
from labels.store import (
    Judgement,
    append_judgements,
    label_matrix,
    parse_complete_jsonl,
    parse_label_csv,
    read_judgements,
)
from labels.taxonomy import Taxonomy, load_taxonomy

TODAY = date(2026, 11, 21)


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
        Judgement("00123", "air", "include", 'a "b", c', "2026-01-01", "two\nlines, =1+1", "1"),
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
    ],
)
def test_label_csv_refused(tmp_path: Path, taxonomy: Taxonomy, row: str, message: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(f"firm_id,sector,label,coder,labelled_on\n{row}\n", encoding="utf-8")
    with pytest.raises(LabelsError) as caught:
        parse_label_csv(path, taxonomy, {"f"}, TODAY)
    assert message in str(caught.value)


def test_label_csv_without_its_columns(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = tmp_path / "in.csv"
    path.write_text("firm,sector,label\n", encoding="utf-8")
    with pytest.raises(LabelsError, match="row 1: column firm_id is missing"):
        parse_label_csv(path, taxonomy, {"f"}, TODAY)


def test_label_csv_with_bom_and_crlf(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"\xef\xbb\xbffirm_id,sector,label\r\nf,space,include\r\n")
    assert parse_label_csv(path, taxonomy, {"f"}, TODAY) == [
        Judgement("f", "space", "include", "import", "2026-11-21", "", "3")
    ]


def test_complete_means_the_rest_is_excluded(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(
        '{"firm_id": "f", "sectors": ["space"], "other": 1}\n\n{"firm_id": "g", "sectors": []}\n', encoding="utf-8"
    )
    found = parse_complete_jsonl(path, taxonomy, {"f", "g"}, TODAY)
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
        parse_complete_jsonl(path, taxonomy, {"f"}, TODAY)
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
    assert [found.sector for found in parse_label_csv(path, taxonomy, {"f"}, TODAY)] == ["cyber"]
    path.write_text("firm_id,sector,label,note\nf,air,,forgotten\n", encoding="utf-8")
    with pytest.raises(LabelsError, match="row 2: label ''"):
        parse_label_csv(path, taxonomy, {"f"}, TODAY)
