"""Take from a churn what the gate counts and what a person is shown: the moves most worth a look.

A firm that moved in a sector moved in what holds the sector too; it is told of where the move began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.night.facts import Movement
from pipelines.night.state import DECIDED, UNEXPLAINED, ListMove
from pipelines.outside_text import page_text

if TYPE_CHECKING:
    from pipelines.churn.result import Churn, Move

SHOWN = 20
_SAYS = {"came": "now says", "went": "no longer says", "stays": "still says"}


def list_moves(churn: Churn) -> tuple[ListMove, ...]:
    """Every list of a churn, in its order."""
    return tuple(
        ListMove(found.key, page_text(found.name), found.before, found.after, dict(found.entered), dict(found.left))
        for found in churn.lists
    )


def movements(churn: Churn, shown: int = SHOWN) -> tuple[tuple[Movement, ...], int]:
    """Moves to show, and how many there are beside them.

    First those without a cause, then those that nobody decided, from the lists that such moves changed most.
    """
    names = {found.key: found.name for found in churn.lists}
    undecided = {move.key: move.undecided for move in list_moves(churn)}
    own = [move for move in churn.moves if not move.through]

    def worth(move: Move) -> tuple[bool, bool, int, str, str, bool]:
        return (
            move.cause != UNEXPLAINED, move.cause in DECIDED, -undecided.get(move.key, 0), move.key, move.firm_id,
            move.entered,
        )  # fmt: skip

    chosen = sorted(own, key=worth)[:shown]
    told = tuple(
        Movement(
            move.key, names.get(move.key, move.key), move.firm_id, move.name or move.firm_id, move.entered, move.cause,
            sentence_of(move),
        )
        for move in chosen
    )  # fmt: skip
    return told, len(own) - len(chosen)


def sentence_of(move: Move) -> str:
    """Why, in words: the sentence that made the difference where there is one, else the cause in full."""
    says = _SAYS.get(move.sentence_is, "")
    return f"{says} \u201c{move.sentence}\u201d" if says and move.sentence else move.detail
