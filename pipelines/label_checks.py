"""The command ``labels check``: judgements worth a second look.

Two things make a judgement doubtful: a model that did not learn from it says otherwise, or the words that were judged
are no longer what the firm says. Neither changes a label; a coder does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labels.agreement import last_judgements
from labels.store import SETTLED, Judgement
from labels.taxonomy import load_taxonomy
from pipelines.embedding import vectors_for
from pipelines.encoders import plain_encoder
from pipelines.errors import UsageError
from pipelines.judged_words import Words, words_of
from pipelines.judgements import current_judgements
from pipelines.runs import Run
from pipelines.screen import Screen
from pipelines.suspicion import suspicion
from pipelines.training_data import both, labelled_firms, sector_hints, seed_examples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labels.taxonomy import Taxonomy
    from pipelines.training_data import Examples

LEAST_DOUBT = 0.5  # below it the model is on the judgement's side


@dataclass(frozen=True)
class Doubtful:
    """A judgement that the model contradicts."""

    firm_id: str
    name: str
    sector: str
    label: str
    probability: float  # of membership, out of fold
    doubt: float  # probability of the opposite label
    flagged: bool  # among those that confident learning counts as errors
    said: tuple[tuple[str, str, str], ...]  # coder, day, note


@dataclass(frozen=True)
class Outdated:
    """A judgement on words that the firm no longer says."""

    firm_id: str
    name: str
    sector: str
    label: str
    coder: str
    labelled_on: str
    since: str  # when the newest of today's words was first read
    why: (
        str  # "other words now": the digest differs; "older than the words": no digest was kept, and the day is earlier
    )


@dataclass(frozen=True)
class Check:
    """What to look at again, most doubtful first."""

    judged: int  # pairs with a label that takes part in training and was said by a coder
    unscored: tuple[str, ...]  # sectors with too few labels for a model out of fold
    doubtful: tuple[Doubtful, ...]
    outdated: tuple[Outdated, ...]


def check_labels(run: Run, screen: Screen, sectors: Sequence[str] = ()) -> Check:
    """Rank judgements by what speaks against them.

    Args:
        run: The run; new texts are encoded and kept, as training does.
        screen: Shows the progress.
        sectors: What to check; none: every sector.

    Raises:
        UsageError: An unknown sector, or no labelled firm with words.
        LabelsError: The store cannot be read, or does not fit its seal.
    """
    workspace = run.workspace
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    for key in sectors:
        if key not in taxonomy.by_key:
            raise UsageError(f"sector {key!r} is not in taxonomy.yaml; known: {', '.join(taxonomy.keys)}")
    wanted = tuple(key for key in taxonomy.keys if not sectors or key in sectors)
    with run.stage("labels check") as counts:
        firms = labelled_firms(run, counts, taxonomy)
        seeds = seed_examples(run, counts, taxonomy)
        if not firms.firms:
            raise UsageError(f"{workspace.folder} has no labelled firm with words; bring in some with labels import")
        judgements = current_judgements(workspace, taxonomy)
        known = workspace.lake.read_arrow("firms", ["firm_id", "name"])
        names = dict(zip(known["firm_id"].to_pylist(), known["name"].to_pylist(), strict=True))
        scores = _out_of_fold(run, screen, both(firms, seeds), taxonomy, wanted)
        judged, doubtful = _doubtful(firms, scores, judgements, names, taxonomy, wanted)
        words = words_of(workspace.lake, {firm.firm_id for firm in firms.firms})
        return Check(
            judged,
            tuple(key for place, key in enumerate(wanted) if np.isnan(scores[:, place]).all()),
            doubtful,
            tuple(outdated(judgements, words, names, set(wanted))),
        )


def outdated(
    judgements: Iterable[Judgement], words: Mapping[str, Words], names: Mapping[str, str], sectors: set[str]
) -> list[Outdated]:
    """Coders' last judgements on words that have changed since, oldest first."""
    found = []
    for (firm_id, sector), by_coder in last_judgements(judgements).items():
        now = words.get(firm_id)
        if now is None or sector not in sectors:
            continue
        for coder, said in by_coder.items():
            if said.text_digest and said.text_digest != now.digest:
                why = "other words now"
            elif not said.text_digest and not now.were_there(said.labelled_on):
                why = "older than the words"
            else:
                continue
            since = now.since.isoformat(timespec="seconds")
            found.append(
                Outdated(firm_id, names.get(firm_id, ""), sector, said.label, coder, said.labelled_on, since, why)
            )
    return sorted(found, key=lambda at: (at.labelled_on, at.firm_id, at.sector, at.coder))


def _out_of_fold(
    run: Run, screen: Screen, examples: Examples, taxonomy: Taxonomy, sectors: Sequence[str]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Calibrated probabilities, rows as in ``examples``, columns as ``sectors``; NaN where not judged."""
    from classifier.errors import LabelShapeError
    from classifier.hints import hint_texts
    from classifier.model import SectorModel

    encoder = plain_encoder(run.workspace)  # one tuned on these judgements would agree with them
    columns = [taxonomy.keys.index(key) for key in sectors]
    hints = tuple(sector_hints(taxonomy)[column] for column in columns)
    with screen.bar("Reading the examples") as progress:
        texts = examples.texts_by_shard(run.workspace.lake.shards)
        texts.setdefault(0, []).extend(hint_texts(hints))
        vectors = vectors_for(run.workspace.lake, encoder, texts, run.run_id, progress)
    with screen.bar("Scoring each firm without its own judgement"):
        # Each sector by itself: the hierarchy has already filled in the labels.
        try:
            model = SectorModel.train(
                examples.firms, vectors, examples.labels[:, columns], examples.judged[:, columns], sectors,
                groups=examples.groups, encoder_id=encoder.encoder_id, hints=hints,
            )  # fmt: skip
        except LabelShapeError:  # a handful of firms without a word in common
            return np.full((len(examples.firms), len(sectors)), np.nan)
    ids = [firm.firm_id for firm in examples.firms]
    scores = np.empty(model.classifier.oof_probabilities_.shape)
    scores[sorted(range(len(ids)), key=ids.__getitem__)] = model.classifier.oof_probabilities_  # it trains by id
    return scores


def _doubtful(
    firms: Examples, scores: np.ndarray[tuple[int, int], np.dtype[np.float64]], judgements: Sequence[Judgement],
    names: Mapping[str, str], taxonomy: Taxonomy, sectors: Sequence[str],
) -> tuple[int, tuple[Doubtful, ...]]:  # fmt: skip
    said = last_judgements(judgements)
    found = []
    judged = 0
    for place, sector in enumerate(sectors):
        column = taxonomy.keys.index(sector)
        rows = np.flatnonzero(firms.judged[:, column] & ~np.isnan(scores[: len(firms.firms), place]))
        labels, chances = firms.labels[rows, column], scores[rows, place]
        against = suspicion(labels, chances)
        for at, row in enumerate(rows):
            firm_id = firms.firms[row].firm_id
            by_coder = said.get((firm_id, sector), {})
            holds = by_coder if SETTLED not in by_coder else {SETTLED: by_coder[SETTLED]}
            if not holds:
                continue  # the hierarchy said it; the judgement that did is looked at in its own sector
            judged += 1
            if against.doubt[at] >= LEAST_DOUBT or against.flagged[at]:
                found.append(
                    Doubtful(
                        firm_id, names.get(firm_id, ""), sector, "include" if labels[at] else "exclude",
                        round(float(chances[at]), 4), round(float(against.doubt[at]), 4), bool(against.flagged[at]),
                        tuple((coder, one.labelled_on, one.note) for coder, one in sorted(holds.items())),
                    )
                )  # fmt: skip
    return judged, tuple(sorted(found, key=lambda at: (-at.doubt, at.sector, at.firm_id)))
