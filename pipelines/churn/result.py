"""What changed between two states: every firm that entered or left a list with its cause, and totals that bear it out.

A cause is one word, for counting; ``detail`` says the same in words for a person. Details and sentences hold words of
strangers: whoever prints them makes them safe first.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from pipelines.errors import FirmscopeError, UsageError

Cause = Literal[
    "site_changed",  # other words, or words where there were none
    "site_gone",  # no words any more that could be the firm's
    "register_changed",  # the firm list: new, removed, dissolved, another website, other SIC codes
    "model_changed",
    "taxonomy_changed",
    "label_changed",  # a model that has learnt another judgement of this very firm
    "settings_changed",
    "site_and_model",  # both changed, and which of the two did it was not asked
    "unexplained",
]
CAUSES: tuple[Cause, ...] = get_args(Cause)
LISTED = 100  # moves of one list that are written out; the rest is counted


@dataclass(frozen=True)
class Move:
    """One firm that entered or left one list.

    Args:
        key: Sector or cluster.
        firm_id: The firm.
        name: Its name.
        entered: False: it left.
        cause: Why.
        detail: The same in words.
        through: Sector whose list it entered or left, and so this one as well; empty where the move is its own.
        sentence: Of a changed site, the sentence that came or went, or that it was in the list by.
        sentence_is: ``came``: it was not there before; ``went``: it is there no more; ``stays``: it was there before
            and after, and other words made the difference; empty without a sentence.
        url: Page of the sentence.
    """

    key: str
    firm_id: str
    name: str
    entered: bool
    cause: Cause
    detail: str
    through: str = ""
    sentence: str = ""
    sentence_is: Literal["came", "went", "stays", ""] = ""
    url: str = ""


@dataclass(frozen=True)
class ListChurn:
    """How one list changed; ``entered`` and ``left`` by cause, causes without a firm left out."""

    key: str
    name: str
    before: int
    after: int
    entered: Mapping[str, int]
    left: Mapping[str, int]

    @property
    def by_cause(self) -> dict[str, int]:
        """Firms that entered or left, by cause."""
        both = Counter(self.entered) + Counter(self.left)
        return {cause: both[cause] for cause in CAUSES if both[cause]}


@dataclass(frozen=True)
class Churn:
    """All lists in taxonomy order, and all moves by list, the entering ones first, then by firm.

    ``before`` and ``after`` are the runs that left the two states; ``notes`` say what could not be looked at.
    """

    before: str
    after: str
    lists: tuple[ListChurn, ...]
    moves: tuple[Move, ...]
    notes: tuple[str, ...] = ()

    def of_list(self, key: str) -> tuple[Move, ...]:
        """Moves of one list."""
        return tuple(move for move in self.moves if move.key == key)

    def as_dict(self, listed: int = LISTED) -> dict[str, Any]:
        """For JSON; of each list at most ``listed`` moves, and how many more there are."""
        by_list: dict[str, list[Move]] = {}
        for move in self.moves:
            by_list.setdefault(move.key, []).append(move)
        return {
            "before": self.before,
            "after": self.after,
            "lists": [
                asdict(one)
                | {
                    "moves": [asdict(move) for move in by_list.get(one.key, ())[:listed]],
                    "moves_left_out": max(0, len(by_list.get(one.key, ())) - listed),
                }
                for one in self.lists
            ],
            "notes": list(self.notes),
        }


def totalled(key: str, name: str, before: int, after: int, moves: Iterable[Move]) -> ListChurn:
    """One list with its moves counted.

    Raises:
        FirmscopeError: Sizes and moves do not bear each other out.
    """
    counted: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for move in moves:
        counted[move.entered][move.cause] += 1
    entered, left = ({str(cause): of[cause] for cause in CAUSES if of[cause]} for of in (counted[True], counted[False]))
    if before + sum(entered.values()) - sum(left.values()) != after:
        raise FirmscopeError(
            f"list {key}: {before} before + {sum(entered.values())} entered - {sum(left.values())} left is not the "
            f"{after} there are; a fault in firmscope, nothing of it was published"
        )
    return ListChurn(key, name, before, after, entered, left)


def of_one_list(found: Churn, key: str) -> Churn:
    """The same, of one list alone.

    Raises:
        UsageError: There is no list of this key.
    """
    keys = [one.key for one in found.lists]
    if key not in keys:
        near = difflib.get_close_matches(key, keys, 1, 0.4)
        hint = f"did you mean {near[0]}?" if near else "firmscope taxonomy show lists all"
        raise UsageError(f"there is no sector or cluster {key[:60]!r}, then or now; {hint}")
    return replace(found, lists=tuple(one for one in found.lists if one.key == key), moves=found.of_list(key))


def recounted(found: Churn, moves: Iterable[Move]) -> Churn:
    """The same lists with other causes for the same moves.

    Raises:
        FirmscopeError: They are not the same moves.
    """
    by_list: dict[str, list[Move]] = {}
    for move in moves:
        by_list.setdefault(move.key, []).append(move)
    lists = tuple(totalled(one.key, one.name, one.before, one.after, by_list.get(one.key, ())) for one in found.lists)
    return replace(found, lists=lists, moves=tuple(move for one in lists for move in by_list.get(one.key, ())))
