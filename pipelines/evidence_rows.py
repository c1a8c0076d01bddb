"""Find the evidence for firms' sectors and near misses, and put it into the columns of the tables.

Chunks are encoded once more without their candidate sentences; those vectors are kept in ``embeddings`` like any
other, so that a run killed half-way ends in the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.training_data import SEED_PREFIX

if TYPE_CHECKING:
    from classifier.evidence import Evidence
    from classifier.features import FirmText, Vectors
    from classifier.model import SectorModel

Embed = Callable[[Sequence[str]], "Vectors"]
"""Vectors of texts by ``text_digest``."""

EVIDENCE_COLUMNS = (
    "evidence_url", "evidence_sentence", "evidence_effect", "evidence_terms", "evidence_weights", "evidence_nearest",
    "evidence_similarity",
)  # fmt: skip
DIGITS = 4  # of effects, weights and similarities; the vectors behind them have no more under bfloat16


def weighed(
    model: SectorModel, firms: Sequence[FirmText], wanted: Sequence[Mapping[int, bool]], vectors: Vectors, embed: Embed
) -> list[dict[int, Evidence]]:
    """Evidence for each firm, by column of the model's sectors.

    Firms are read twice rather than kept: what a reading holds is several times a firm's own words.

    Args:
        model: The model.
        firms: ``n_firms`` firms.
        wanted: For each firm the columns asked about, and whether what the sentence carries is to be measured, which
            costs ``MAX_CANDIDATES`` chunks to encode, or only estimated.
        vectors: Of the firms' chunks.
        embed: Called once, with the chunks from which a candidate sentence was taken.
    """
    from classifier.evidence import candidates, texts_without, weigh
    from classifier.occlusion import Reading

    cuts = []
    for firm, columns in zip(firms, wanted, strict=True):
        reading = Reading(model, firm, vectors)
        cuts.append({column: candidates(reading, column) for column in columns})
    texts = [
        text
        for of_firm, columns in zip(cuts, wanted, strict=True)
        for column, found in of_firm.items()
        if columns[column]
        for text in texts_without(found)
    ]
    cut_vectors = embed(list(dict.fromkeys(texts))) if texts else {}
    evidence = []
    for firm, of_firm in zip(firms, cuts, strict=True):
        reading = Reading(model, firm, vectors)
        evidence.append({column: weigh(reading, column, found, cut_vectors) for column, found in of_firm.items()})
    return evidence


def evidence_columns(found: Evidence | None, assigned: bool = True) -> dict[str, Any]:
    """Values of ``EVIDENCE_COLUMNS``; all null where there is no evidence.

    A sector that a firm is not in is given no sentence that does not speak for it.
    """
    if found is None:
        return dict.fromkeys(EVIDENCE_COLUMNS)
    quoted = bool(found.sentence) and (assigned or found.effect > 0)
    return {
        "evidence_url": found.page_url or None if quoted else None,
        "evidence_sentence": found.sentence if quoted else None,
        "evidence_effect": round(found.effect, DIGITS) if quoted and found.measured else None,
        "evidence_terms": [term for term, _ in found.terms],
        "evidence_weights": [round(weight, DIGITS) for _, weight in found.terms],
        "evidence_nearest": [name for name, _ in found.nearest],
        "evidence_similarity": [round(similarity, DIGITS) for _, similarity in found.nearest],
    }


def neighbour_name(firm_id: str, names: Mapping[str, str]) -> str:
    """A labelled firm as a reader knows it: its name, or that it is an example text; its id where it left the list."""
    if firm_id.startswith(SEED_PREFIX):
        return f"example text {firm_id.removeprefix(SEED_PREFIX)}"
    return names.get(firm_id, firm_id)
