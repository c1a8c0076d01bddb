"""The sentences of changed sites, and what a model makes of the words of before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from crawler.e_mail import without_e_mail
from pipelines.churn.reading import rows_of
from pipelines.churn.result import Churn, Move
from pipelines.churn.states import Firm, State
from pipelines.firm_texts import words_digest

if TYPE_CHECKING:
    from classifier.features import FirmText
    from classifier.model import SectorModel
    from labels.taxonomy import Taxonomy
    from pipelines.moments import PastMoment
    from pipelines.workspace import Workspace

Pages = list[dict[str, Any]]
_PAGE = ("firm_id", "url", "position", "kind", "language", "text", "text_digest")


def pages_of(moment: PastMoment, firm_ids: Iterable[str]) -> dict[str, Pages]:
    """Pages of some firms in the order in which they were read."""
    found: dict[str, Pages] = {}
    for row in rows_of(moment, "pages", _PAGE, pa.array(sorted(firm_ids), pa.string())):
        found.setdefault(row["firm_id"], []).append(row)
    return {firm_id: sorted(pages, key=lambda page: page["position"]) for firm_id, pages in found.items()}


def asked_on_old_words(
    workspace: Workspace, taxonomy: Taxonomy, before: State, moment: PastMoment, model: SectorModel,
    firm_ids: Sequence[str],
) -> dict[str, frozenset[str]]:  # fmt: skip
    """Sectors in which a model would have put firms by the words of before, had nothing else changed.

    Membership goes by where the firms stood, as it does in a night. Firms whose words of before are no longer at hand
    are left out.

    Args:
        workspace: The workspace; its vectors are used where they are there, and none are written.
        taxonomy: The model's.
        before: State with the firms.
        moment: The same as tables.
        model: The model.
        firm_ids: Firms to ask about.
    """
    from pipelines.classify_part import standing
    from pipelines.embedding import vectors_beside
    from pipelines.encoders import encoder_of
    from pipelines.store import shard_of

    encoder = encoder_of(workspace, model)
    if encoder.encoder_id != model.encoder_id or model.sectors != taxonomy.keys:
        return {}
    held = {firm_id: before.firms[firm_id] for firm_id in firm_ids}
    read = {
        firm_id: model.judgeable(_firm_text(firm_id, pages))
        for firm_id, pages in sorted(pages_of(moment, held).items())
        if words_digest(pages) == held[firm_id].words
    }
    found = {firm_id: frozenset[str]() for firm_id, one in read.items() if one.reason}
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(moment, "assignments", _STANDING, pa.array(sorted(held), pa.string())):
        rows.setdefault(row["firm_id"], []).append(row)
    by_shard: dict[int, list[FirmText]] = {}
    for firm_id, one in read.items():
        if not one.reason:
            by_shard.setdefault(shard_of(firm_id, moment.shards), []).append(one.firm)
    for shard, firms in sorted(by_shard.items()):
        texts = [text for firm in firms for text in model.texts_to_embed(firm)]
        chances = model.predict_proba(firms, vectors_beside(workspace.lake, encoder, shard, texts))
        decided = model.assign(chances, standing(taxonomy, [rows.get(firm.firm_id, []) for firm in firms]))
        for place, firm in enumerate(firms):
            found[firm.firm_id] = frozenset(key for column, key in enumerate(taxonomy.keys) if decided[place, column])
    return found


_STANDING = ("firm_id", "sector", "assigned", "probability", "threshold")


def with_sentences(
    found: Churn, before: State, after: State, words: tuple[Mapping[str, Pages], Mapping[str, Pages]]
) -> Churn:
    """The same with the sentence that came or went, for moves of firms whose words are given."""
    moves = tuple(
        _with_sentence(move, (before, after), words) if move.firm_id in words[1 if move.entered else 0] else move
        for move in found.moves
    )
    return replace(found, moves=moves)


def _with_sentence(
    move: Move, states: tuple[State, State], words: tuple[Mapping[str, Pages], Mapping[str, Pages]]
) -> Move:
    """Evidence of the list that the firm is in on one side, looked for in the words of the other."""
    there = states[1 if move.entered else 0].firms[move.firm_id]
    texts = tuple(_plain(page["text"] for page in of.get(move.firm_id, ())) for of in words)
    absent_from = texts[0 if move.entered else 1]
    row = _evidence(there, move)
    more = len(texts[1]) - len(texts[0])
    length = f"{abs(more):,} characters {'more' if more > 0 else 'fewer'}" if more else "as many characters"
    if row is None:
        return replace(move, detail=f"{move.detail}; {length}")
    sentence, url = row
    if _plain([sentence]) not in absent_from:
        return replace(move, sentence=without_e_mail(sentence), sentence_is="came" if move.entered else "went", url=url)
    return replace(
        move, detail=f"{move.detail}; no sentence {'came' if move.entered else 'went'}, {length}",
        sentence=without_e_mail(sentence), sentence_is="stays", url=url,
    )  # fmt: skip


def _evidence(there: Firm, move: Move) -> tuple[str, str] | None:
    row = there.sectors.get(move.through or move.key)
    return (row.sentence, row.url) if row and row.sentence else None


def _firm_text(firm_id: str, pages: Pages) -> FirmText:
    from classifier.features import FirmPage, FirmText

    return FirmText(
        firm_id, tuple(FirmPage(row["url"], row["kind"], row["text"], row["language"] or "") for row in pages)
    )


def _plain(texts: Iterable[str]) -> str:
    return " ".join(" ".join(texts).split()).casefold()
