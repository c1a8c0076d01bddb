"""A sheet of questions for a coder: each firm with the sentence that says most of the sector, and an empty label.

``labels import`` takes the filled sheet back; rows left empty are passed over, and the note keeps why a firm was asked,
which is how a firm drawn by lot is known later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labels.keyword_matching import IndexedText, Rule
from labels.queue import asked_note
from labels.taxonomy import load_taxonomy
from pipelines.asking import Asked
from pipelines.asking_look import CHUNKS_OF_UNSCORED, SomeFirms, vectors_at_hand
from pipelines.asking_views import scoring_model
from pipelines.audit_files import sheet_csv
from pipelines.encoders import encoder_of
from pipelines.firm_texts import firm_texts
from pipelines.outside_text import spreadsheet_text
from pipelines.store import shard_of
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from classifier.features import FirmText

COLUMNS = ("firm_id", "name", "website", "sector", "why", "sentence", "label", "coder", "note")


@dataclass(frozen=True)
class Question:
    """One row of a sheet."""

    firm_id: str
    name: str
    website: str
    sector: str
    why: str
    probability: float | None
    sentence: str  # empty where nothing may be quoted


def questions(workspace: Workspace, asked: Sequence[Asked]) -> list[Question]:
    """What a coder sees of the firms asked for, in the same order."""
    from crawler.e_mail import without_e_mail

    ids = list(dict.fromkeys(one.firm_id for one in asked))
    firms = {
        row["firm_id"]: row
        for row in workspace.lake.read_firms("firms", ids, ["firm_id", "name", "website"]).to_pylist()
    }
    sentences = _sentences(workspace, asked)
    return [
        Question(
            firm_id=one.firm_id,
            name=firms.get(one.firm_id, {}).get("name") or one.firm_id,
            website=firms.get(one.firm_id, {}).get("website") or "",
            sector=one.sector,
            why=one.why,
            probability=one.probability,
            sentence=without_e_mail(sentences.get((one.firm_id, one.sector), "")),
        )
        for one in asked
    ]


def question_sheet(listed: Iterable[Question], coder: str) -> bytes:
    """The sheet as CSV, safe to open in a spreadsheet."""
    rows = [
        {
            "firm_id": one.firm_id, "name": one.name, "website": one.website, "sector": one.sector, "why": one.why,
            "sentence": one.sentence, "label": "", "coder": coder, "note": asked_note(one.why),
        }
        for one in listed
    ]  # fmt: skip
    return sheet_csv(COLUMNS, [{name: spreadsheet_text(text)[0] for name, text in row.items()} for row in rows])


def _sentences(workspace: Workspace, asked: Sequence[Asked]) -> dict[tuple[str, str], str]:
    """What speaks most for the sector, by firm and sector: as the model reads the firm, else by the keywords."""
    from classifier.likeness import readable_rules

    lake, taxonomy = workspace.lake, load_taxonomy(workspace.taxonomy_file)
    model = scoring_model(workspace)
    encoder = encoder_of(workspace, model)
    if model is not None and model.encoder_id != encoder.encoder_id:
        model = None
    rules = {one.sector: readable_rules(taxonomy.by_key[one.sector].keywords) for one in asked}
    texts = firm_texts(SomeFirms(lake, list({one.firm_id for one in asked})))
    found = {}
    for one in asked:
        firm = texts.get(one.firm_id)
        if firm is None:
            continue
        if model is None or one.probability is None:
            found[one.firm_id, one.sector] = _by_keywords(firm, rules[one.sector])
            continue
        firm = model.judgeable(firm).firm
        vectors = vectors_at_hand(lake, encoder, shard_of(one.firm_id, lake.shards), model.texts_to_embed(firm))
        found[one.firm_id, one.sector] = model.evidence(firm, one.sector, vectors).sentence
    return found


def _by_keywords(firm: FirmText, rules: Sequence[Rule]) -> str:
    """The sentence that meets most rules among the first that the firm says; the first one where none meets any."""
    from classifier.features import firm_chunks
    from classifier.quotable import Kind, pieces

    said = [piece for chunk in firm_chunks(firm)[:CHUNKS_OF_UNSCORED] for piece in pieces(chunk.text)]
    said = [piece for piece in said if piece.kind is not Kind.FURNITURE]

    def worth(piece_text: str) -> int:
        text = IndexedText(piece_text)
        return sum(rule.matches(text) for rule in rules)

    best = max(said, key=lambda piece: (worth(piece.text), -piece.kind), default=None)
    return best.text if best else ""
