"""Firms found by keywords or by likeness, as the page lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labels.keywords import KeywordError, pointed
from pipelines.errors import FirmscopeError
from pipelines.labelling.desk import Desk, Place
from pipelines.labelling.marking import Segment
from pipelines.searching import search_firms
from pipelines.similar import similar_firms

MAX_HITS = 50


@dataclass(frozen=True)
class Hit:
    """A firm found."""

    firm_id: str
    name: str
    similarity: float | None
    word: str  # what this coder said of it; empty: nothing
    snippet: tuple[Segment, ...] = ()


@dataclass(frozen=True)
class Found:
    """What a search found, or what is wrong with it."""

    hits: tuple[Hit, ...] = ()
    total: int = 0
    reason: str = ""
    pointed: str = ""  # the query, and a caret under the character that is wrong


def find(desk: Desk, place: Place, query: str) -> Found:
    """Firms whose words meet a keyword query."""
    try:
        found = desk.searching.ask(lambda workspace: search_firms(workspace, query, MAX_HITS))[0]
    except KeywordError as error:
        return Found(reason=error.reason, pointed=pointed(error.rule, error.position))
    names, words = _known(desk, place, [hit.firm_id for hit in found.hits])
    hits = tuple(
        Hit(
            hit.firm_id,
            names.get(hit.firm_id, hit.firm_id),
            None,
            words.get(hit.firm_id, ""),
            tuple(Segment(text, "keyword" if marked else "") for text, marked in hit.snippet),
        )
        for hit in found.hits
    )
    return Found(hits, found.total)


def find_similar(desk: Desk, place: Place, firm_id: str) -> Found:
    """Firms whose words mean something near this firm's."""
    try:
        found = desk.searching.ask(lambda workspace: similar_firms(workspace, firm_id, MAX_HITS))[0]
    except FirmscopeError as error:
        return Found(reason=str(error))
    names, words = _known(desk, place, [near for near, _ in found])
    hits = tuple(Hit(near, names.get(near, near), cosine, words.get(near, "")) for near, cosine in found)
    return Found(hits, len(hits))


def _known(desk: Desk, place: Place, firm_ids: list[str]) -> tuple[dict[str, str], Mapping[str, str]]:
    judged = desk.ledger.judged(place.sector)
    own = {firm_id: judged.get(firm_id, {}).get(place.coder, "") for firm_id in firm_ids}
    return desk.shelf.names(firm_ids), own
