"""What the gate compares: plain facts of the state of the tables that is published and of the one to take its place.

Shares stand as pairs: the same figure of the same firms, before and now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# Causes of churn that somebody decided on: what they move is news, and no fault of the night's. A model passed a gate
# of its own. Every other cause, also one that this release does not know, is the websites' or nobody's.
DECIDED = frozenset({"register_changed", "model_changed", "taxonomy_changed", "label_changed", "settings_changed"})
UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class State:
    """The list at one moment: firms that count, those of them with words, sites, sites that failed when last tried.

    ``median_chars``: length of the words of the site in the middle; None when no site has any.
    """

    firms: int
    read: int
    sites: int
    failing: int
    median_chars: float | None

    def as_dict(self) -> dict[str, Any]:
        """The facts as they are kept beside a publication."""
        return asdict(self)


@dataclass(frozen=True)
class Reached:
    """Of the sites read when last published: how many were tried since, or should have been, and how many answered.

    Args:
        tried: Sites tried since, and sites that are due and were not.
        answered: Those whose newest visit says something of the site, not only of the connection.
        known: All that were read then and are still the firm's.
        missed: Outcome words of those that did not answer, with how many had them.
    """

    tried: int
    answered: int
    known: int
    missed: Mapping[str, int] = field(default_factory=dict)

    @property
    def shortfall(self) -> int:
        """Sites that did not answer."""
        return self.tried - self.answered


@dataclass(frozen=True)
class Pair:
    """The same figure of the same firms, before and now."""

    n: int
    before: float
    now: float


@dataclass(frozen=True)
class ListMove:
    """How one list changed: sizes, and how many firms entered and left by each cause."""

    key: str
    name: str
    before: int
    after: int
    entered: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)

    @property
    def undecided(self) -> int:
        """Firms that entered or left and nobody decided so."""
        return sum(
            number for causes in (self.entered, self.left) for cause, number in causes.items() if cause not in DECIDED
        )

    @property
    def left_undecided(self) -> int:
        """Those of them that left."""
        return sum(number for cause, number in self.left.items() if cause not in DECIDED)

    @property
    def unexplained(self) -> int:
        """Those for which no cause was found."""
        return self.entered.get(UNEXPLAINED, 0) + self.left.get(UNEXPLAINED, 0)

    @property
    def share(self) -> float:
        """Undecided moves over the size before; a list that had nobody is taken to have had one."""
        return self.undecided / max(self.before, 1)


@dataclass(frozen=True)
class Candidate:
    """What would take its place.

    Args:
        state: Its facts.
        breaks: Sentences on totals that do not bear out; empty where the figures may be published.
        reached: None before the first publication, as are the next three.
        coverage: Share of firms with words, of those that both moments count.
        failures: Share of sites that could not be read when last tried, of those that both moments have.
        chars: Median length of words of the sites read on both occasions; see ``gathering``.
        lists: How each list changed.
        totals: Totals that were recomputed.
        undone: Firms that a stage left as they were, because their part of it failed three times.
    """

    state: State
    breaks: tuple[str, ...] = ()
    reached: Reached | None = None
    coverage: Pair | None = None
    failures: Pair | None = None
    chars: Pair | None = None
    lists: tuple[ListMove, ...] = ()
    totals: int = 0
    undone: int = 0
