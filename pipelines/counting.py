"""Corrected counts, employees and turnover of every cluster and area, with an error bar and the evidence they rest
on.

Firms keep the stratum they were drawn in whatever model classifies them later, so that an audit outlives a training.
Chance is seeded by what a figure rests on: the same tables and labels give the same figures, to the last digit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.counting.choice import Choice, choose
from classifier.counting.giants import giants
from classifier.counting.sector_count import (
    Entries,
    Firms,
    Rated,
    Sample,
    rated_by_audit,
    rated_by_errors,
    sums_of,
    weighted_errors,
)
from classifier.counting.totals import Parts, ends, gathered
from classifier.counting.training_errors import errors_of
from labels.audit import place
from pipelines.statistics.flags import MIN_TWICE

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from classifier.counting.records import ErrorCounts, MemberRates
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
class Kind:
    """The areas of one kind, made of atoms: the smallest places that no border of any kind divides."""

    codes: tuple[str, ...]
    atoms: Any  # (n_areas, n_atoms) sparse matrix of noughts and ones


@dataclass(frozen=True)
class Listed:
    """All firms that count, sorted by firm_id; those without words may be left out where nobody stands for them."""

    firm_ids: pa.Array
    entries: Entries  # firms over atoms
    kinds: Mapping[str, Kind]
    sizes: Mapping[str, NDArray[np.float64]]  # measure: (n_firms,), 0 where not known
    cells: NDArray[np.int64] | None  # size and age, when read firms are to stand for the others


@dataclass(frozen=True)
class Ends:
    """Corrected figures of the areas of one kind, each ``(n_areas,)``: value, and the ends of the 95 % interval."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Corrected:
    """What corrects the figures of one cluster; ``parts`` is None where the evidence cannot explain what was found."""

    judged: int  # firms on whose judgement they rest
    flags: tuple[str, ...]
    parts: Mapping[str, tuple[Parts, MemberRates]] | None  # by measure, over atoms
    kinds: Mapping[str, Kind]
    rng: np.random.Generator

    def ends(self, kind: str, areas: NDArray[np.int64]) -> dict[str, Ends]:
        """Corrected figures of some areas of a kind, by measure; asked in the same order they are the same digits."""
        atoms = self.kinds[kind].atoms[areas]
        return {
            measure: Ends(*ends(gathered(parts, atoms), rates, self.rng))
            for measure, (parts, rates) in (self.parts or {}).items()
        }


class Corrections:
    """Corrected figures of one moment."""

    def __init__(self, taxonomy: Taxonomy, whole: Population, listed: Listed, evidence: Evidence) -> None:
        """Args: sectors; firms that were classified, all of them listed; firms that count; what is known of errors."""
        import pyarrow as pa
        import pyarrow.compute as pc

        self.taxonomy, self.whole, self.listed, self.evidence = taxonomy, whole, listed, evidence
        found = pc.index_in(pa.array(whole.firm_ids, pa.string()), value_set=listed.firm_ids)
        self._rows = found.to_numpy(zero_copy_only=False).astype(np.int64)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {firm_id: row for row, firm_id in enumerate(self.listed.firm_ids.to_pylist())}

    def choice(self, cluster: str) -> Choice:
        """On which evidence a cluster's count is corrected, and why."""
        return self._chosen(cluster)[0]

    def corrected(self, cluster: str) -> Corrected | None:
        """What corrects a cluster's figures; None where there is no evidence at all."""
        choice, audit, result = self._chosen(cluster)
        if choice.basis == "none" or not len(self._rows):
            return None
        about = f"{self.evidence.model_id} {audit.audit_id if audit else ''} {cluster} {choice.basis}"
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(about.encode()).digest()[:8], "big"))
        rated = self._rated(cluster, choice, audit, result, rng)
        flags = [_BASES[choice.basis]]
        if rated is None:
            return Corrected(0, (*flags, "no_value"), None, self.listed.kinds, rng)
        if audit and result and result.twice < MIN_TWICE * int(result.known.sum()):
            flags.append("single_coder")
        if rated.giants_at_word:
            flags.append("giants_uncorrected")
        if self.listed.cells is not None:
            flags.append("unread_like_read")
        measures = ((COUNT, None), *self.listed.sizes.items())
        parts = {measure: sums_of(rated, self.listed.entries, rng, sizes) for measure, sizes in measures}
        return Corrected(rated.rates.judged, tuple(flags), parts, self.listed.kinds, rng)

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
        index = self._index
        rows = np.array([index.get(firm_id, -1) for firm_id in audit.firm_ids], dtype=np.int64)
        stratum[rows[rows >= 0]] = audit.frame[rows >= 0, audit.sectors.index(result.sector)]
        judged, member = np.zeros(len(stratum), dtype=np.bool_), np.zeros(len(stratum), dtype=np.bool_)
        for firm_id, known, is_member in zip(result.firm_ids, result.known, result.member, strict=True):
            if known and firm_id in index:
                judged[index[firm_id]], member[index[firm_id]] = True, is_member
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
