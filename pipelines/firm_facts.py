"""State each firm's facts as every figure takes them: whether it counts, its place, its newest employees and turnover.

Roll-up, exports and report all ask here, so that a list's rows add up to the figure printed above it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.errors import TableError
from pipelines.frames import rows

if TYPE_CHECKING:
    import pandas as pd

AMOUNTS = ("employees", "turnover_gbp")
NOT_ATTEMPTED = "not_attempted"
# The Companies House status of a company that has ceased to exist; "Active - Proposal to Strike off" still counts.
DISSOLVED = "dissolved"
# Where several sources name a registered office, the register is the authority, then the list that was imported.
SOURCES = ("register", "firm_list", "website")
_POSTCODE_AREA = re.compile(r"([A-Z]{1,2})[0-9]")


@dataclass(frozen=True)
class Place:
    """Where a firm is counted; what is not known is None."""

    postcode: str | None = None
    lad_code: str | None = None

    @property
    def postcode_area(self) -> str | None:
        """Letters at the start of the postcode, e.g. ``NG``."""
        found = _POSTCODE_AREA.match((self.postcode or "").strip().upper())
        return found.group(1) if found else None


@dataclass(frozen=True)
class Amount:
    """A firm's newest known figure; ``imputed`` when it was estimated and not reported."""

    value: float
    imputed: bool


def left_out(firms: pd.DataFrame) -> dict[str, str]:
    """Firms of the list that no figure counts, and why, by firm_id.

    Raises:
        TableError: A firm_id stands twice: every figure would count the firm twice.
    """
    reasons: dict[str, str] = {}
    seen: set[str] = set()
    for firm_id, status, dissolved_on in rows(firms, ("firm_id", "status", "dissolved_on")):
        if firm_id in seen:
            raise TableError(f"firm {firm_id!r} stands twice in the table firms; import the firm list again")
        seen.add(firm_id)
        if dissolved_on is not None:
            reasons[firm_id] = f"dissolved on {str(dissolved_on)[:10]}"
        elif status is not None and status.strip().lower() == DISSOLVED:
            reasons[firm_id] = "dissolved according to its status in the register"
    return reasons


def places(premises: pd.DataFrame) -> dict[str, Place]:
    """Place of each firm, by firm_id: its registered address, or else its only trading address.

    A firm with several trading addresses and no registered one has no place: choosing one would be a guess.
    """
    registered: dict[str, list[tuple[int, str, str]]] = {}
    trading: dict[str, set[Place]] = {}
    for firm_id, postcode, kind, source, lad_code in rows(
        premises, ("firm_id", "postcode", "kind", "source", "lad_code")
    ):
        if kind == "registered":
            rank = SOURCES.index(source) if source in SOURCES else len(SOURCES)
            registered.setdefault(firm_id, []).append((rank, postcode or "", lad_code or ""))
        else:
            trading.setdefault(firm_id, set()).add(Place(postcode or None, lad_code or None))
    known = {firm_id: next(iter(found)) for firm_id, found in trading.items() if len(found) == 1}
    for firm_id, found in registered.items():
        _, postcode, lad_code = min(found)
        known[firm_id] = Place(postcode or None, lad_code or None)
    return known


def sic_codes(firms: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """SIC 2007 codes of every firm of the list, each once, by firm_id."""
    return {firm_id: tuple(dict.fromkeys(found or ())) for firm_id, found in rows(firms, ("firm_id", "sic_codes"))}


def newest_amounts(accounts: pd.DataFrame, amount: str) -> dict[str, Amount]:
    """Newest known ``employees`` or ``turnover_gbp`` of each firm, by firm_id; firms without one are absent.

    For the same day a reported figure goes before an estimated one, and filed accounts before a firm list.

    Raises:
        TableError: A figure is infinite.
    """
    best: dict[str, tuple[str, bool, bool, str, float]] = {}
    for firm_id, period_end, value, source, imputed in rows(
        accounts, ("firm_id", "period_end", amount, "source", "imputed")
    ):
        if value is None:
            continue
        if not math.isfinite(value):
            raise TableError(f"firm {firm_id!r}, {period_end}: {amount} is {value}; expected a number, import it again")
        # The value itself comes last, so that full ties are settled alike in any order of rows.
        rank = (str(period_end)[:10], not imputed, source == "accounts", str(source), float(value))
        if firm_id not in best or rank > best[firm_id]:
            best[firm_id] = rank
    return {firm_id: Amount(value=rank[4], imputed=not rank[1]) for firm_id, rank in best.items()}


def site_outcomes(sites: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """How each firm's newest visit ended, by firm_id: outcome word and its reason in a sentence.

    A visit that found the words it knew is ``ok`` here: whether they were read tonight or before is news about the
    night, not about the firm.
    """
    return {
        firm_id: ("ok" if outcome == "unchanged" else outcome, reason or "")
        for firm_id, outcome, reason in rows(sites, ("firm_id", "outcome", "reason"))
    }


def sectors_of(assignments: pd.DataFrame) -> dict[str, set[str]]:
    """Sectors each firm was put in, by firm_id; firms in none are absent."""
    found: dict[str, set[str]] = {}
    for firm_id, sector, assigned in rows(assignments, ("firm_id", "sector", "assigned")):
        if assigned:
            found.setdefault(firm_id, set()).add(sector)
    return found


def probability_order(probability: Any) -> float:
    """Sort key that puts the most probable first and an unknown probability last."""
    return math.inf if probability is None else -float(probability)
