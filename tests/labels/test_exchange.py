"""Annotation tools: what is handed out is what their own code has read, and what their code wrote is understood.

The files were made by ``exchange_files/make.py`` with Label Studio's SDK 2.1.2, Argilla's 2.8.0 and doccano 1.8.4.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labels.errors import LabelsError
from labels.exchange import argilla, doccano, label_studio
from labels.exchange.records import CUT, MAX_TEXT_CHARS, Answer, FirmSheet, named, to_judgements
from labels.store import Judgement
from labels.taxonomy import Taxonomy, load_taxonomy
from tests.labels.exchange_files.made import FIRMS, SECTORS

FILES = Path(__file__).with_name("exchange_files")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HELD = [judgement for firm in FIRMS for judgement in firm.judgements]
Said = tuple[str, str, str, str, str, str]  # firm, sector, label, coder, time, note


@pytest.fixture
def taxonomy(tmp_path: Path) -> Taxonomy:
    path = tmp_path / "taxonomy.yaml"
    path.write_text("id: t\nversion: 3\nsectors:\n  - {key: air, name: A}\n  - {key: space, name: S}\n", "utf-8")
    return load_taxonomy(path)


def content(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def said(answers: list[Answer]) -> list[Said]:
    assert {answer.text_digest for answer in answers} <= {firm.text_digest for firm in FIRMS}
    return [(at.firm_id, at.sector, at.label, at.coder, at.at, at.note) for at in answers]


def test_what_is_handed_out_is_what_the_tools_have_read() -> None:
    assert label_studio.tasks_json(FIRMS) == content("label-studio-out.json")
    assert label_studio.labelling_config(SECTORS) == content("label-studio-out.xml")
    assert doccano.examples_jsonl(FIRMS) == content("doccano-out.jsonl")
    assert doccano.label_types(SECTORS) == content("doccano-out.labels.json")
    for place, text in argilla.dataset_files("firms", FIRMS, SECTORS).items():
        assert text == content(f"argilla-out/{place}"), place


def test_label_studio_answers() -> None:
    held, answers = label_studio.read_tasks(
        "f", content("label-studio-back.json"), named({"7": "anna"}, "label-studio")
    )
    assert held == HELD
    assert said(answers) == [
        ("00017", "air", "include", "anna", "2026-02-03T09:01:30.654321Z", "wings"),
        ("00017", "space", "unsure", "anna", "2026-02-03T09:01:30.654321Z", "wings"),
        ("00017", "air", "exclude", "label-studio-8", "2026-02-03T09:02:30.654321Z", ""),
    ]  # the cancelled one is none


def test_argilla_answers() -> None:
    held, answers = argilla.read_records("f", content("argilla-back/records.json"), named({}, "argilla"))
    anna, ben = (f"argilla-5d0c2b1e-0000-4000-8000-00000000000{end}" for end in "ab")
    assert held == HELD
    assert said(answers) == [
        ("00017", "air", "include", anna, "", "wings"), ("00017", "air", "exclude", ben, "", ""),
        ("00017", "space", "unsure", anna, "", "wings"),
    ]  # fmt: skip


def test_doccano_answers() -> None:
    text = content("doccano-back.jsonl")
    held, answers = doccano.read_examples("f", text, named({"": "anna"}, "doccano"))
    assert held == HELD
    assert said(answers) == [
        ("00017", "air", "include", "anna", "", "wings"), ("00017", "space", "unsure", "anna", "", "wings"),
        ("f3", "space", "exclude", "anna", "", ""),
    ]  # fmt: skip
    _, complete = doccano.read_examples("f", text, named({}, "doccano"), ("air", "space"))
    assert [(at.firm_id, at.sector, at.label, at.coder) for at in complete[2:4]] == [
        ("f2", "air", "exclude", "doccano"), ("f2", "space", "exclude", "doccano")
    ]  # fmt: skip
    assert len(complete) == 6


@pytest.mark.parametrize(
    ("read", "text"),
    [
        pytest.param(label_studio.read_tasks, "label-studio-out.json", id="label-studio"),
        pytest.param(argilla.read_records, "argilla-out/records.json", id="argilla"),
        pytest.param(doccano.read_examples, "doccano-out.jsonl", id="doccano"),
    ],
)
def test_what_comes_back_unanswered_is_what_went_out(
    read: Callable[..., tuple[list[Judgement], list[Answer]]], text: str
) -> None:
    assert read("f", content(text), named({}, "tool")) == (HELD, [])


def test_answers_become_judgements_of_the_words_that_were_shown(taxonomy: Taxonomy) -> None:
    answers = [
        Answer("task 1", "f2", "0b" * 32, "air", "include", "anna", "2026-02-03T10:01:30.654321+01:00", "two\nlines"),
        Answer("task 1", "f2", "0b" * 32, "space", "unsure", "anna"),
    ]
    assert to_judgements(answers, taxonomy, {"f2"}, NOW) == [
        Judgement("f2", "air", "include", "anna", "2026-02-03T09:01:30Z", "two lines", "3", "0b" * 32),
        Judgement("f2", "space", "unsure", "anna", "2026-03-01T12:00:00Z", "", "3", "0b" * 32),
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer("task 4", "f9", "", "air", "include", "a"), "task 4: firm 'f9' is not in this workspace"),
        (Answer("task 4", "f2", "", "aire", "include", "a"), "task 4: unknown sector 'aire'; did you mean air"),
        (Answer("task 4", "f2", "", "air", "yes", "a"), "task 4: label 'yes', expected one of include"),
        (Answer("task 4", "f2", "", "air", "include", "a", "2027-01-01T00:00:00Z"), "task 4: labelled_on 2027"),
        (Answer("task 4", "f2", "edited", "air", "include", "a"), "task 4: text_digest 'edited'"),
    ],
)
def test_answers_that_cannot_be_judgements(taxonomy: Taxonomy, answer: Answer, message: str) -> None:
    with pytest.raises(LabelsError) as caught:
        to_judgements([answer], taxonomy, {"f2"}, NOW)
    assert message in str(caught.value)


TASK = {"data": FIRMS[1].beside()}


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (label_studio.read_tasks, "{", "f: not JSON"),
        (label_studio.read_tasks, "[" * 100_000, "f: not JSON"),
        (label_studio.read_tasks, "{}", "f: dict, expected the list of tasks of Label Studio's export format JSON"),
        (label_studio.read_tasks, '[{"text": "JSON-MIN"}]', "f, task 1: no 'data'; export the project as JSON"),
        (label_studio.read_tasks, '[{"data": {}, "annotations": [{"result": []}]}]', "f, task 1: no firm_id"),
        (label_studio.read_tasks, json.dumps([TASK | {"annotations": [
            {"result": [{"type": "choices", "from_name": "air", "value": {"choices": ["include", "exclude"]}}]}]}]),
         "f, task 1: choices ['include', 'exclude'] for 'air'"),
        (label_studio.read_tasks, json.dumps([{"data": FIRMS[1].beside() | {"judgements": '[{"firm_id": "f2"}]'}}]),
         "f, task 1: 'judgements' is not as firmscope wrote it"),
        (argilla.read_records, '[{"id": "f2"}]', "f, record 1: no 'metadata'; expected the list of records"),
        (doccano.read_examples, '{"firm_id": "f2", "label": "air"}', "f, line 1: label 'air'; expected a list"),
        (doccano.read_examples, '{"firm_id": "f2", "label": [[0, 4, "air"]]}', "f, line 1: label [[0, 4, 'air']]"),
        (doccano.read_examples, '{"firm_id": "f2", "label": ["air:include", "air:exclude"]}',
         "f, line 1: air is both include and exclude; decide in doccano"),
        (doccano.read_examples, "\nnot json", "f, line 2: not JSON"),
    ],
)  # fmt: skip
def test_files_that_are_something_else(
    read: Callable[..., tuple[list[Judgement], list[Answer]]], text: str, message: str
) -> None:
    with pytest.raises(LabelsError) as caught:
        read("f", text, named({}, "tool"))
    assert message in str(caught.value)


def test_a_long_text_is_cut_and_says_so() -> None:
    shown = FirmSheet("f", "F", "", "x" * (MAX_TEXT_CHARS + 1), "").shown()
    assert len(shown) == MAX_TEXT_CHARS
    assert shown.endswith(CUT)


@pytest.mark.parametrize(
    ("coders", "annotator", "name"),
    [({}, "7", "argilla-7"), ({}, "", "argilla"), ({}, "anna@firm.example", "anna@firm.example"),
     ({"7": "ben"}, "7", "ben"), ({"": "carl"}, "7", "carl"), ({"7": "ben", "": "carl"}, "8", "carl")],
)  # fmt: skip
def test_who_judged(coders: dict[str, str], annotator: str, name: str) -> None:
    assert named(coders, "argilla")(annotator) == name
