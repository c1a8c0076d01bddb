"""The model's reasons for a firm and sector: those that the tables hold at once, others from the model, aside.

They are those of ``firmscope explain``, and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from classifier.errors import ClassifierError
from models.errors import ModelsError
from pipelines.errors import FirmscopeError
from pipelines.evidence_rows import neighbour_name
from pipelines.explaining import explain_firm
from pipelines.explanation import Neighbour, SectorShown
from pipelines.labelling.shelf import FirmRecord, Kept
from pipelines.workspace import Workspace

MAX_KEPT = 1_000


@dataclass(frozen=True)
class Told:
    """The model's answer, or why there is none."""

    shown: SectorShown | None = None
    fault: str = ""
    cautions: tuple[str, ...] = ()


class Reasons:
    """Answers by firm, sector, model and words."""

    def __init__(self, ask: Callable[[str, str], Future[Told]]) -> None:
        """Args: how the model is asked about a firm and a sector."""
        self._ask = ask
        self._kept = Kept(MAX_KEPT)

    def known(self, record: FirmRecord, sector: str, name: str) -> Told | None:
        """The answer as far as it costs nothing: from the firm's rows, or asked before."""
        if record.model_id is None:
            return Told(fault=record.in_none or "No model has classified this firm yet.")
        if row := record.rows.get(sector):
            return Told(_shown(record, row, name))
        held = self._kept.get(_key(record, sector))
        return held if isinstance(held, Told) else None

    def ask(self, record: FirmRecord, sector: str) -> Told:
        """The answer of the model; may take seconds."""
        held = self._kept.get(_key(record, sector))
        if held is None:
            held = self._ask(record.firm_id, sector).result()
            self._kept.put(_key(record, sector), held, (0, 0))
        return held if isinstance(held, Told) else Told()


def told_by_model(workspace: Workspace, firm_id: str, sector: str) -> Told:
    """Put the sector to the model that decided."""
    try:
        found = explain_firm(workspace, firm_id, sector)
    except (FirmscopeError, ModelsError, ClassifierError) as error:
        return Told(fault=str(error))
    return Told(found.asked, "" if found.model_id else found.in_none or "", found.cautions)


def _key(record: FirmRecord, sector: str) -> tuple[str, str, str | None, str]:
    return record.firm_id, sector, record.model_id, record.text_digest


def _shown(record: FirmRecord, row: Any, name: str) -> SectorShown:
    similarity = row["evidence_similarity"] or []
    weights = row["evidence_weights"] or []
    terms = row["evidence_terms"] or []
    nearest = row["evidence_nearest"] or []
    return SectorShown(
        sector=row["sector"],
        name=name,
        assigned=row["assigned"],
        reason=row.get("reason") or "below the threshold",
        probability=row["probability"],
        threshold=row["threshold"],
        since=row.get("since"),
        url=row["evidence_url"],
        sentence=row["evidence_sentence"],
        effect=row["evidence_effect"],
        terms=tuple((term, weights[at] if at < len(weights) else None) for at, term in enumerate(terms)),
        nearest=tuple(
            Neighbour(near, neighbour_name(near, record.names), similarity[at] if at < len(similarity) else None, None)
            for at, near in enumerate(nearest)
        ),
    )
