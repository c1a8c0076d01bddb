"""What of a churn the gate counts and a person is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.churn.result import CAUSES, Churn, Move, totalled
from pipelines.night.moves import list_moves, movements, sentence_of
from pipelines.night.state import DECIDED, UNEXPLAINED


def move(key: str, firm_id: str, cause: str = "site_changed", entered: bool = True, through: str = "") -> Move:
    """A move, with a detail."""
    return Move(key, firm_id, f"Firm {firm_id}", entered, cause, "its site says something else", through)  # type: ignore[arg-type]


def churn(*moves: Move, before: int = 10) -> Churn:
    """A churn of these moves."""
    lists = []
    for key in sorted({move.key for move in moves}):
        of_list = [move for move in moves if move.key == key]
        after = before + sum(1 if move.entered else -1 for move in of_list)
        lists.append(totalled(key, key.title(), before, after, of_list))
    return Churn("R1", "R2", tuple(lists), moves)


def test_lists_are_taken_as_they_are() -> None:
    (found,) = list_moves(churn(move("a", "1"), move("a", "2", entered=False), move("a", "3", "model_changed")))
    assert (found.key, found.name, found.before, found.after) == ("a", "A", 10, 11)
    assert (found.entered, found.left) == ({"site_changed": 1, "model_changed": 1}, {"site_changed": 1})
    assert (found.undecided, found.left_undecided, found.unexplained) == (2, 1, 0)


def test_every_cause_is_decided_by_somebody_or_not() -> None:
    undecided = {"site_changed", "site_gone", "site_and_model", UNEXPLAINED}
    assert set(CAUSES) == DECIDED | undecided


def test_those_without_a_cause_come_first_then_the_undecided_of_the_list_that_moved_most() -> None:
    shown, more = movements(
        churn(
            move("a", "1", "model_changed"), move("b", "2"), move("c", "3"), move("c", "4"),
            move("a", "5", "unexplained"),
        )
    )  # fmt: skip
    assert [(found.list_key, found.firm_id) for found in shown] == [
        ("a", "5"), ("c", "3"), ("c", "4"), ("b", "2"), ("a", "1"),
    ]  # fmt: skip
    assert more == 0


def test_a_move_is_told_where_it_began_and_the_rest_is_counted() -> None:
    moves = [move("part", str(number)) for number in range(30)]
    moves += [move("whole", str(number), through="part") for number in range(30)]
    shown, more = movements(churn(*moves), shown=7)
    assert {found.list_key for found in shown} == {"part"}
    assert (len(shown), more) == (7, 23)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "its site says something else"),
        ({"sentence": "We build satellites.", "sentence_is": "came"}, "now says “We build satellites.”"),
        ({"sentence": "We build satellites.", "sentence_is": "went"}, "no longer says “We build satellites.”"),
        ({"sentence": "We build satellites.", "sentence_is": "stays"}, "still says “We build satellites.”"),
        ({"sentence": "We build satellites.", "sentence_is": ""}, "its site says something else"),
    ],
    ids=["no sentence", "came", "went", "stays", "unsure"],
)
def test_the_sentence_that_made_the_difference(given: dict[str, str], said: str) -> None:
    assert sentence_of(replace(move("a", "1"), **given)) == said  # type: ignore[arg-type]
