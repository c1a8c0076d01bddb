"""What an audit's judgements say so far: how far it is, how good the lists are, what stands between two coders.

A pair is known by the label store's own rules; an audit keeps no judgements of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labels.agreement import Conflict, conflicts, last_words
from labels.matrix import label_matrix
from labels.store import SETTLED, Judgement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.counting.records import Interval
    from labels.taxonomy import Taxonomy
    from pipelines.audit_files import Audit


@dataclass(frozen=True)
class SectorResult:
    """One sector's sample with what is known of it; arrays over the firms drawn."""

    sector: str
    firm_ids: tuple[str, ...]
    stratum: NDArray[np.int16]
    known: NDArray[np.bool_]  # judged, and agreed or settled where several coders judged
    member: NDArray[np.bool_]  # False where not known
    words: int  # judged by anybody
    twice: int  # judged by two coders, or settled

    @property
    def settled(self) -> float:
        """Share of the sample that is known."""
        return float(self.known.mean()) if len(self.known) else 0.0


@dataclass(frozen=True)
class Quality:
    """Precision and recall on the firms an audit was drawn from; None where they have no meaning yet."""

    precision: Interval | None
    recall: Interval | None


def results(audit: Audit, judgements: Sequence[Judgement], taxonomy: Taxonomy) -> dict[str, SectorResult]:
    """Every audited sector that the taxonomy still has, by key."""
    firm_ids = sorted({drawn.firm_id for drawn in audit.sample})
    row = {firm_id: place for place, firm_id in enumerate(firm_ids)}
    column = {key: place for place, key in enumerate(taxonomy.keys)}
    included, known = label_matrix(judgements, firm_ids, taxonomy)
    words = last_words(judgements)
    found = {}
    for key in audit.sectors:
        if key not in column:
            continue
        mine = [drawn for drawn in audit.sample if drawn.sector == key]
        rows = np.array([row[drawn.firm_id] for drawn in mine], dtype=np.int64)
        said = [words.get((drawn.firm_id, key), {}) for drawn in mine]
        found[key] = SectorResult(
            sector=key,
            firm_ids=tuple(drawn.firm_id for drawn in mine),
            stratum=np.array([drawn.stratum for drawn in mine], dtype=np.int16),
            known=known[rows, column[key]],
            member=included[rows, column[key]],
            words=sum(bool(by_coder) for by_coder in said),
            twice=sum(len(by_coder) > 1 or SETTLED in by_coder for by_coder in said),
        )
    return found


def quality(audit: Audit, result: SectorResult) -> Quality:
    """Precision and recall with 95 % intervals, weighted as the firms were drawn; giants count as judged."""
    from classifier.counting.rates import audited_rates, precision_and_recall

    strata = audit.strata[result.sector]
    judged = np.bincount(result.stratum[result.known], minlength=len(strata))
    members = np.bincount(result.stratum[result.known & result.member], minlength=len(strata))
    usable = np.array([stratum.side != "giant" for stratum in strata]) & (judged > 0)
    if not usable.any():
        return Quality(None, None)
    inside = np.array([stratum.side == "in" for stratum in strata])[usable]
    firms = np.array([stratum.firms for stratum in strata])[usable]
    rates = audited_rates(judged[usable], members[usable], inside, np.random.default_rng(0))
    return Quality(*precision_and_recall(rates, inside, firms, members[usable], judged[usable]))


def open_conflicts(audit: Audit, judgements: Iterable[Judgement]) -> list[Conflict]:
    """Pairs of the sample on which coders differ and that nobody has settled."""
    drawn = {(at.firm_id, at.sector) for at in audit.sample}
    return [found for found in conflicts(judgements) if (found.firm_id, found.sector) in drawn]
