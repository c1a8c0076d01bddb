"""Corrected counts, employees and turnover of every cluster and area, with an error bar and the evidence they rest
on.

Firms keep the stratum they were drawn in whatever model classifies them later, so that an audit outlives a training.
Chance is seeded by what a figure rests on: the same tables and labels give the same figures, to the last digit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.counting.choice import Choice, choose
from classifier.counting.giants import giants
from classifier.counting.records import Interval
from classifier.counting.sector_count import (
    Firms,
    Rated,
    Sample,
    add_up,
    rated_by_audit,
    rated_by_errors,
    weighted_errors,
)
from classifier.counting.training_errors import errors_of
from labels.audit import place
from pipelines.rollup import MIN_TWICE, AreaKey, Corrected

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.counting.records import ErrorCounts
    from labels.taxonomy import Taxonomy
    from pipelines.audit_files import Audit
    from pipelines.audit_results import SectorResult
    from pipelines.population import Population

COUNT = "businesses"


@dataclass(frozen=True)
class Evidence:
    """What there is to correct counts by: audits with their results, oldest first; the model's errors in training."""

    model_id: str
    audits: tuple[tuple[Audit, Mapping[str, SectorResult]], ...]
    training_errors: NDArray[np.int64] | None  # (n_sectors, 4), see classifier.counting.training_errors


@dataclass(frozen=True)
class Listed:
    """All firms that count, sorted by firm_id."""

    firm_ids: tuple[str, ...]
    areas: tuple[tuple[AreaKey, ...], ...]  # of each firm: one of each kind, always in the same order
    sizes: Mapping[str, NDArray[np.float64]]  # measure: (n_firms,), 0 where not known
    cells: NDArray[np.int64] | None  # size and age, when read firms are to stand for the others


class Corrections:
    """Corrected figures of one moment."""

    def __init__(self, taxonomy: Taxonomy, whole: Population, listed: Listed, evidence: Evidence) -> None:
        """Args: sectors; firms that were classified, all of them listed; firms that count; what is known of errors."""
        self.taxonomy, self.whole, self.listed, self.evidence = taxonomy, whole, listed, evidence
        index = {firm_id: row for row, firm_id in enumerate(listed.firm_ids)}
        self._index = index
        self._rows = np.array([index[firm_id] for firm_id in whole.firm_ids], dtype=np.int64)
        self._parts = tuple(_partition([of_firm[kind] for of_firm in listed.areas])
                            for kind in range(len(listed.areas[0]) if listed.areas else 0))  # fmt: skip

    def choice(self, cluster: str) -> Choice:
        """On which evidence a cluster's count is corrected, and why."""
        return self._chosen(cluster)[0]

    def corrected(self, cluster: str) -> dict[AreaKey, dict[str, Corrected]]:
        """Corrected figures by area and plain metric; nothing where there is no evidence at all.

        Where the evidence cannot explain what was found, the whole list has figures without a value and no area has
        any.
        """
        choice, audit, result = self._chosen(cluster)
        if choice.basis == "none" or not len(self._rows):
            return {}
        about = f"{self.evidence.model_id} {audit.audit_id if audit else ''} {cluster} {choice.basis}"
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(about.encode()).digest()[:8], "big"))
        rated = self._rated(cluster, choice, audit, result, rng)
        flags = [_BASES[choice.basis]]
        if rated is None:
            keys = self._parts[0][0]
            nothing = Corrected(None, None, None, 0, (*flags, "no_value"))
            return {key: dict.fromkeys((COUNT, *self.listed.sizes), nothing) for key in keys}
        if audit and result and result.twice < MIN_TWICE * int(result.known.sum()):
            flags.append("single_coder")
        if rated.giants_at_word:
            flags.append("giants_uncorrected")
        if self.listed.cells is not None:
            flags.append("unread_like_read")
        found: dict[AreaKey, dict[str, Corrected]] = {}
        for measure, sizes in ((COUNT, None), *self.listed.sizes.items()):
            for keys, part in self._parts:
                for key, total in zip(keys, add_up(rated, part, len(keys), rng, sizes), strict=True):
                    found.setdefault(key, {})[measure] = _figure(total, rated.rates.judged, flags)
        return found

    def _chosen(self, cluster: str) -> tuple[Choice, Audit | None, SectorResult | None]:
        """The newest audit that can be used; without one, why the newest cannot."""
        training = self._training_errors(cluster) is not None
        reasons = [choose(settled=None, training_errors=training)]
        for audit, found in reversed(self.evidence.audits):
            if cluster in found:
                in_frame = float(np.isin(self.whole.firm_ids, audit.firm_ids).mean()) if len(self._rows) else 0.0
                choice = choose(
                    settled=found[cluster].settled, in_frame=in_frame,
                    same_model=audit.model_id == self.evidence.model_id, training_errors=training,
                )  # fmt: skip
                if choice.basis.startswith("audit"):
                    return choice, audit, found[cluster]
                reasons.append(choice)
        return reasons[min(1, len(reasons) - 1)], None, None

    def _rated(
        self, cluster: str, choice: Choice, audit: Audit | None, result: SectorResult | None, rng: np.random.Generator
    ) -> Rated | None:
        column, n_firms = self.taxonomy.keys.index(cluster), len(self.listed.firm_ids)
        read, assigned = np.zeros(n_firms, dtype=np.bool_), np.zeros(n_firms, dtype=np.bool_)
        chances = np.zeros(n_firms)
        read[self._rows] = True
        assigned[self._rows] = self.whole.assigned[:, column]
        chances[self._rows] = self.whole.probabilities[:, column]
        giant = giants(chances, assigned, tuple(self.listed.sizes.values()))
        firms = Firms(read, assigned, giant, self.listed.cells)
        if audit is not None and result is not None:
            sample = self._sample(audit, result, chances, assigned)
            if choice.basis == "audit":
                return rated_by_audit(firms, sample, rng)
            weights = np.array([stratum.firms for stratum in audit.strata[cluster]], dtype=np.float64)
            return rated_by_errors(firms, weighted_errors(sample, weights), rng)
        errors = self._training_errors(cluster)
        return rated_by_errors(firms, errors, rng) if errors else None

    def _training_errors(self, cluster: str) -> ErrorCounts | None:
        counts = self.evidence.training_errors
        return None if counts is None else errors_of(counts, self.taxonomy.keys.index(cluster))

    def _sample(
        self, audit: Audit, result: SectorResult, chances: NDArray[np.float64], assigned: NDArray[np.bool_]
    ) -> Sample:
        strata = audit.strata[result.sector]
        stratum = place(strata, chances, assigned)
        drawn_from = [self._index.get(firm_id, -1) for firm_id in audit.firm_ids]
        rows = np.array(drawn_from, dtype=np.int64)
        stratum[rows[rows >= 0]] = audit.frame[rows >= 0, audit.sectors.index(result.sector)]
        judged, member = np.zeros(len(stratum), dtype=np.bool_), np.zeros(len(stratum), dtype=np.bool_)
        for firm_id, known, is_member in zip(result.firm_ids, result.known, result.member, strict=True):
            if known and firm_id in self._index:
                judged[self._index[firm_id]], member[self._index[firm_id]] = True, is_member
        return Sample(
            stratum, np.array([at.side == "in" for at in strata]), np.array([at.side == "giant" for at in strata]),
            judged, member, np.bincount(result.stratum[result.known], minlength=len(strata)),
            np.bincount(result.stratum[result.known & result.member], minlength=len(strata)),
        )  # fmt: skip


_BASES = {
    "audit": "corrected_by_audit",
    "audit_errors": "corrected_by_error_rates",
    "training_errors": "from_training_errors",
}


def _partition(areas: Sequence[AreaKey]) -> tuple[tuple[AreaKey, ...], NDArray[np.int64]]:
    """The areas of one kind, and the place of each firm among them."""
    keys = tuple(sorted(set(areas)))
    at = {key: number for number, key in enumerate(keys)}
    return keys, np.array([at[area] for area in areas], dtype=np.int64)


def _figure(total: Interval, judged: int, flags: Sequence[str]) -> Corrected:
    return Corrected(total.value, total.low, total.high, judged, tuple(flags))
