"""What ``firmscope explain`` knows of a firm, as records; None is what is not known.

Words in it are a website's own and untrusted: whoever prints them has to make them printable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PageRead:
    """A page whose words were read."""

    url: str
    kind: str
    words: int
    read_at: datetime


@dataclass(frozen=True)
class Neighbour:
    """A labelled firm that is similar."""

    firm_id: str
    name: str
    similarity: float | None
    begins: str | None  # how an example text begins


@dataclass(frozen=True)
class SectorShown:
    """A firm and one sector."""

    sector: str
    name: str
    assigned: bool
    reason: str
    probability: float | None
    threshold: float | None
    since: datetime | None
    url: str | None
    sentence: str | None
    effect: float | None  # probability that goes when the sentence is deleted
    terms: tuple[tuple[str, float | None], ...]  # and the log odds that each adds
    nearest: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Explanation:
    """All that is known of why a firm stands where it stands."""

    firm_id: str
    name: str
    website: str | None
    outcome: str | None  # of the newest visit; None before the first
    outcome_reason: str | None
    visited_at: datetime | None
    pages: tuple[PageRead, ...]
    model_id: str | None
    in_none: str | None  # why the firm is in no sector; None when it is in one
    sectors: tuple[SectorShown, ...]  # assigned, the most probable first
    near_miss: SectorShown | None
    asked: SectorShown | None  # the sector that was asked about
    cautions: tuple[str, ...]  # what has changed since the decision
