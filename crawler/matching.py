"""Score that a site belongs to a register entry, with the reasons in words: evidence is added up as log-odds.

The number decides where there is one: a site that states another company's number as its own is not the firm's, however
well name and postcode fit, since dissolved predecessors and sister companies share both. A group's site that lists a
subsidiary with its number among its own companies is that subsidiary's site; one that names it as its parent is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crawler.match_evidence import (
    DOMAIN,
    NAME_STRUCTURED,
    Entry,
    Fact,
    Site,
    domain_facts,
    listed_facts,
    name_facts,
    postcode_facts,
)
from crawler.number_evidence import NUMBER_MENTIONED, NUMBER_NEARLY, QUOTED, number_facts, vat_facts

__all__ = ["THRESHOLD", "Entry", "Match", "Site", "score", "settle"]

PRIOR = -3.0  # log-odds before any evidence: a firm list's addresses are often somebody else's
THRESHOLD = 0.5
NO_EVIDENCE = "nothing on the site speaks for or against"


@dataclass(frozen=True, slots=True)
class Match:
    """``score`` from 0 to 1; ``reasons``, what weighs most first; ``by_number`` when a number of the firm's decided."""

    score: float
    matched: bool
    reasons: tuple[str, ...]
    by_number: bool = False


def score(entry: Entry, site: Site) -> Match:
    """How surely a site belongs to a register entry. Pure; the order of marks and titles does not matter."""
    names, domain, postcodes = name_facts(entry, site), domain_facts(entry, site), postcode_facts(entry, site)
    placed = any(fact.points > 0 for fact in postcodes) or any(fact.points >= DOMAIN for fact in domain)
    sure = placed and any(fact.points >= NAME_STRUCTURED for fact in names)
    numbers = number_facts(entry, site, names, domain, sure)
    vat = vat_facts(entry, site, numbers)
    if any(0 < fact.points <= NUMBER_MENTIONED for fact in (*numbers, *vat)) and not any(f.points > 0 for f in domain):
        # Whoever quotes a firm's number quotes its name and address with it: that is one fact, not three.
        names, postcodes = _quoted(names), _quoted(postcodes)
    facts = [*numbers, *vat, *names, *domain, *postcodes, *listed_facts(entry, site)]
    value = 1.0 / (1.0 + math.exp(-PRIOR - sum(fact.points for fact in facts)))
    reasons = tuple(fact.reason for fact in sorted(facts, key=lambda fact: (-abs(fact.points), fact.reason)))
    by_number = any(fact.points >= NUMBER_NEARLY for fact in (*numbers, *vat))
    return Match(round(value, 4), value >= THRESHOLD, reasons or (NO_EVIDENCE,), by_number)


def _quoted(facts: Sequence[Fact]) -> list[Fact]:
    return [replace(fact, points=min(fact.points, QUOTED)) for fact in facts]


def settle(found: Sequence[tuple[str, Match]]) -> dict[str, Match]:
    """Matches of several firms that name one site: where one has its number on it, a name alone does not do.

    Args:
        found: firm_id and match, in any order.
    """
    numbered = sorted(firm_id for firm_id, match in found if match.matched and match.by_number)
    settled = {}
    for firm_id, match in found:
        if numbered and match.matched and not match.by_number:
            reason = f"the site states the number of {numbered[0]}, which names it too"
            match = Match(round(match.score * (1 - THRESHOLD), 4), False, (reason, *match.reasons))
        settled[firm_id] = match
    return settled
