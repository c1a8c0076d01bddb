"""Judgements carried to another version of the taxonomy: the rules by hand, and laws that no history may break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.carrying import Undealt, carry, dealing_out
from labels.matrix import label_matrix
from labels.store import SETTLED, Judgement
from labels.taxonomy import Sector, Taxonomy
from labels.taxonomy_history import Change

RENAME = Change(1, 2, "rename", ("a",), ("z",))
MERGE = Change(1, 2, "merge", ("a", "b"), ("m",))
SPLIT = Change(1, 2, "split", ("a",), ("p", "q"))
RETIRE = Change(1, 2, "retire", ("a",), ())
UP = replace(RETIRE, implied=(("a", ("up",)),))  # what is retired lay inside of up


def word(said: str, version: int = 1, firm: str = "F1", number: int = 0) -> Judgement:
    """``anna a +`` is Anna's include of sector a; - is exclude, ? unsure, ! a settled word."""
    coder, sector, label = said.split()
    labels = {"+": "include", "-": "exclude", "?": "unsure"}
    return Judgement(firm, sector, labels[label], coder, f"2026-11-{number + 1:02}", "", str(version))


def words(said: str) -> list[Judgement]:
    return [word(part.strip(), number=number) for number, part in enumerate(said.split(",")) if part.strip()]


def short(judgements: Sequence[Judgement]) -> str:
    signs = {"include": "+", "exclude": "-", "unsure": "?"}
    return ", ".join(f"{found.coder} {found.sector} {signs[found.label]}" for found in judgements)


@pytest.mark.parametrize(
    ("said", "change", "carried"),
    [
        pytest.param("anna a +, ben a -, anna b ?", RENAME, "anna z +, ben z -, anna b ?", id="rename"),
        pytest.param("anna a +", MERGE, "anna m +", id="merge: in one part"),
        pytest.param("anna a -, anna b +", MERGE, "anna m +", id="merge: out of one, in the other"),
        pytest.param("anna a -, anna b -", MERGE, "anna m -", id="merge: out of all"),
        pytest.param("anna a -", MERGE, "", id="merge: out of one, other not judged"),
        pytest.param("anna a -, ben b -", MERGE, "", id="merge: nobody excluded all"),
        pytest.param("anna a ?, anna b -", MERGE, "anna m ?", id="merge: unsure of one"),
        pytest.param("anna a +, anna a -, anna b -", MERGE, "anna m -", id="merge: the last word counts"),
        pytest.param("anna a +, ben a -", MERGE, "anna m +, ben m ?", id="merge: a contested include stays open"),
        pytest.param("anna a +, ben a -, cleo b +", MERGE, "anna m +, cleo m +", id="merge: another include stands"),
        pytest.param("anna a +, anna b -, ben a -, ben b +", MERGE, "anna m +, ben m +", id="merge: they agree on it"),
        pytest.param("anna a +, ben a -, ben b -", MERGE, "anna m +, ben m -", id="merge: open stays open"),
        pytest.param("anna a +, anna b -, settled a -", MERGE, "anna m -", id="merge: settled for one part"),
        pytest.param("anna a -, anna b -, settled a +", MERGE, "anna m -, settled m +", id="merge: settled include"),
        pytest.param("anna a -, ben b -, settled a -", MERGE, "ben m -", id="merge: settled out of one"),
        pytest.param("anna a -, ben a ?", SPLIT, "anna p -, anna q -, ben p ?, ben q ?", id="split: out"),
        pytest.param("anna a +", SPLIT, "", id="split: in"),
        pytest.param("anna a -, anna a +", SPLIT, "", id="split: the last word counts"),
        pytest.param("anna a +, ben a -", SPLIT, "", id="split: who disagrees is dealt out as well"),
        pytest.param("anna a +, settled a -", SPLIT, "settled p -, settled q -", id="split: settled out"),
        pytest.param("anna a -, settled a +", SPLIT, "", id="split: settled in"),
        pytest.param("anna a +, ben a -, ben b +", RETIRE, "ben b +", id="retire"),
        pytest.param("anna a +", UP, "anna up +", id="parents stay known"),
        pytest.param("anna a +, anna up -", UP, "anna up -", id="own word first"),
        pytest.param("anna a +, ben a -", UP, "", id="no parents from a dispute"),
        pytest.param("anna a -", replace(MERGE, nested=("b",)), "anna m -", id="merge with a child: parent's exclude"),
        pytest.param("anna b -", replace(MERGE, nested=("b",)), "", id="merge with a child: child's exclude"),
        pytest.param("anna a +", replace(SPLIT, after=("a", "q")), "", id="split that keeps its key"),
    ],
)  # fmt: skip
def test_rules(said: str, change: Change, carried: str) -> None:
    found = carry(words(said), [change])
    assert short(found) == carried
    before = words(said)
    assert all(after in before or after.taxonomy_version == "2" for after in found)


def test_a_word_of_the_new_version_is_left_alone() -> None:
    said = [word("anna a +", version=2), word("anna p +", version=2), replace(word("ben a -"), taxonomy_version="")]
    assert carry(said, [SPLIT])[:2] == said[:2]
    assert short(carry(said, [SPLIT])[2:]) == "ben p -, ben q -"  # no version: before all that is on record


def test_a_key_that_comes_back() -> None:
    back = [RETIRE, Change(2, 3, "rename", ("b",), ("a",))]
    said = [word("anna a +"), word("anna b -"), word("ben a +", version=3)]
    assert short(carry(said, back)) == "anna a -, ben a +"


def test_dealing_out() -> None:
    said = [word("anna a +"), word("anna a -", firm="F2"), word("anna a +", firm="F3"), word("settled a -", firm="F3")]
    assert dealing_out(said, [SPLIT]) == [Undealt("F1", "p", "a", 2), Undealt("F1", "q", "a", 2)]
    dealt = [*said, word("ben p -", version=2)]
    assert dealing_out(dealt, [SPLIT]) == [Undealt("F1", "q", "a", 2)]
    later = [SPLIT, Change(2, 3, "rename", ("q",), ("r",)), Change(3, 4, "split", ("r",), ("s", "t"))]
    assert dealing_out(dealt, later) == [Undealt("F1", "s", "a", 2), Undealt("F1", "t", "a", 2)]
    assert dealing_out(dealt, [SPLIT, Change(2, 3, "retire", ("q",), ())]) == []
    again = [SPLIT, Change(2, 3, "merge", ("p", "q"), ("a",))]
    assert dealing_out(said, again) == [Undealt("F1", "a", "a", 2)]
    assert dealing_out(dealt, again) == [Undealt("F1", "a", "a", 2)]  # out of p says nothing of a


KEYS = ("a", "b", "c", "d")
CODERS = ("anna", "ben", SETTLED)


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """Edits that could have been made one after the other; keys come and go, and come back."""
    keys, changes = list(KEYS), []
    for version in range(1, draw(st.integers(1, 5)) + 1):
        fresh = [key for key in (*KEYS, *"efghijklmn") if key not in keys]
        kind = draw(st.sampled_from(["rename", "split", "merge", "retire"]))
        if kind == "merge" and len(keys) > 2:
            before = draw(st.lists(st.sampled_from(keys), min_size=2, max_size=3, unique=True))
            after = [draw(st.sampled_from([before[0], *fresh]))]
        elif kind == "split" and len(fresh) > 1:
            before = [draw(st.sampled_from(keys))]
            after = draw(st.lists(st.sampled_from([before[0], *fresh]), min_size=2, max_size=3, unique=True))
        elif kind == "retire" and len(keys) > 2:
            before, after = [draw(st.sampled_from(keys))], []
        else:
            kind, before, after = "rename", [draw(st.sampled_from(keys))], [draw(st.sampled_from(fresh))]
        changes.append(Change(version, version + 1, kind, tuple(before), tuple(after)))  # type: ignore[arg-type]
        keys = [key for key in keys if key not in before] + after
    return changes


JUDGEMENTS = st.lists(
    st.builds(
        Judgement, st.sampled_from(["F1", "F2"]), st.sampled_from((*KEYS, "e", "f")),
        st.sampled_from(["include", "exclude", "unsure"]), st.sampled_from(CODERS), st.just("2026-11-22"), st.just(""),
        st.sampled_from(["", "1", "2", "3"]),
    ),
    max_size=14,
)  # fmt: skip


@given(JUDGEMENTS, histories(), st.integers(0, 5))
@settings(max_examples=150, deadline=None)
def test_carrying_in_two_steps_is_carrying_at_once(said: list[Judgement], changes: list[Change], cut: int) -> None:
    at_once = carry(said, changes)
    assert carry(carry(said, changes[:cut]), changes[cut:]) == at_once
    assert carry(at_once, changes) == at_once


@given(JUDGEMENTS, histories(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_different_firms_does_not_matter(
    said: list[Judgement], changes: list[Change], dice: object
) -> None:
    of_firm = {firm: [found for found in said if found.firm_id == firm] for firm in ("F1", "F2")}
    shuffled, waiting = [], {firm: list(found) for firm, found in of_firm.items()}
    while any(waiting.values()):
        firm = dice.choice([firm for firm, found in waiting.items() if found])  # type: ignore[attr-defined]
        shuffled.append(waiting[firm].pop(0))
    carried, again = carry(said, changes), carry(shuffled, changes)
    for firm in of_firm:
        assert [at for at in carried if at.firm_id == firm] == [at for at in again if at.firm_id == firm]
    assert dealing_out(said, changes) == dealing_out(shuffled, changes)


@given(JUDGEMENTS)
def test_renamed_there_and_back(said: list[Judgement]) -> None:
    there_and_back = [Change(3, 4, "rename", ("a",), ("x",)), Change(4, 5, "rename", ("x",), ("a",))]
    carried = carry(said, there_and_back)
    assert [replace(found, taxonomy_version="") for found in carried] == [
        replace(found, taxonomy_version="") for found in said
    ]


def standing(judgements: list[Judgement], key: str) -> str:
    """What the label store itself makes of a firm's words on a sector."""
    taxonomy = Taxonomy("t", 1, (Sector(key, key),), "")
    include, judged = label_matrix(judgements, ["F1"], taxonomy)
    return "include" if include[0, 0] else "exclude" if judged[0, 0] else ""


FIRST = st.lists(
    st.builds(
        Judgement, st.just("F1"), st.sampled_from(["a", "b", "c"]), st.sampled_from(["include", "exclude", "unsure"]),
        st.sampled_from(("anna", "ben", "cleo", SETTLED)), st.just("2026-11-22"), st.just(""), st.just("1"),
    ),
    max_size=10,
)  # fmt: skip


@given(FIRST)
@settings(max_examples=250, deadline=None)
def test_a_merge_knows_what_its_parts_knew_and_no_more(said: list[Judgement]) -> None:
    known = {standing(said, key) for key in ("a", "b", "c")}
    merged = standing(carry(said, [Change(1, 2, "merge", ("a", "b", "c"), ("m",))]), "m")
    assert merged == "include" or "include" not in known
    assert merged != "exclude" or known == {"exclude"}
    if merged == "include" and "include" not in known:  # they differ on the part, and agree on the whole
        last = {(found.sector, found.coder): found.label for found in said}
        settled = {key for key, coder in last if coder == SETTLED}
        included = {key for key, label in last.items() if label == "include" and key[0] not in settled}
        on_these = {coder for key, coder in last if key in {sector for sector, _ in included}}
        assert on_these == {coder for _, coder in included}


@given(FIRST)
@settings(max_examples=150, deadline=None)
def test_a_split_knows_who_was_out_and_deals_out_who_was_in(said: list[Judgement]) -> None:
    change = Change(1, 2, "split", ("a",), ("p", "q"))
    carried, was = carry(said, [change]), standing(said, "a")
    assert [standing(carried, key) for key in ("p", "q")] == ["exclude" if was == "exclude" else ""] * 2
    assert was != "include" or [found.sector for found in dealing_out(said, [change])] == ["p", "q"]
    assert was != "exclude" or dealing_out(said, [change]) == []
