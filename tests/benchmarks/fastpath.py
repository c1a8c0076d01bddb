"""Firms per second of ``classifier.fast_path``, and the macro-F1 given up for it, at several margins.

Measured on folds of the 70 % of the directory firms that choices may be made on; the other 30 % are not read. Firms of
one domain share a fold. What the first stage settles costs its n-grams alone, the rest n-grams, encoder and full model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation import HOLDOUT_SEED, HOLDOUT_SHARE
from classifier.fast_path import clear_firms, fit_first_stage
from classifier.features import FirmText, Vectors, texts_to_embed
from classifier.folds import group_folds
from classifier.metrics import figures
from classifier.model import SectorModel
from models.chunking import distinct
from models.digest import text_digest
from models.encoder import SentenceEncoder
from models.packaged import find_minilm
from tests.benchmarks.machine import describe, need_shared, table

FOLDS = 3
MARGINS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
SETTLES = {False: "in no sector", True: "members too"}
ALLOWED_LOSS = 0.005  # macro-F1; the fast path is off by default unless it gives up less


@dataclass(frozen=True)
class Corpus:
    """Firms that choices may be made on."""

    firms: tuple[FirmText, ...]
    labels: NDArray[np.bool_]  # (n_firms, n_sectors)
    sectors: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Held:
    """Every firm scored once, by models that had not seen its fold; arrays are ``(n_firms, n_sectors)``."""

    full: NDArray[np.float64]
    first: NDArray[np.float64]
    fold: NDArray[np.int64]  # (n_firms,)
    models: tuple[SectorModel, ...]
    full_s: float  # seconds of the full model's scoring, vectors at hand
    first_s: float  # seconds of the first stage


def run() -> None:
    """Print the table and what it says about the default."""
    describe("scikit-learn", "torch")
    corpus = chosen_on()
    vectors, encode_s = encoded(corpus.firms)
    held = score_folds(corpus, vectors)
    n_firms = len(corpus.firms)
    slow_s = held.full_s + encode_s
    rows = []
    good: list[tuple[float, str]] = []  # settings that give up little, and how much faster they are
    best = macro_f1(corpus, held, np.zeros(n_firms, np.bool_))
    for members_too, margin in product((False, True), MARGINS):
        settled = settled_at(held, margin, members_too)
        seconds = held.first_s + slow_s * float((~settled).mean())
        f1 = macro_f1(corpus, held, settled)
        if best - f1 < ALLOWED_LOSS:
            good.append((slow_s / seconds, f"margin {margin:.1f}, settling those {SETTLES[members_too]}"))
        rows.append(
            [f"{margin:.1f}", SETTLES[members_too], f"{settled.mean():.1%}", f"{n_firms / seconds:,.0f}",
             f"{slow_s / seconds:.2f}", f"{f1:.4f}", f"{best - f1:+.4f}"]
        )  # fmt: skip
    rows.append(["off", "", "0.0%", f"{n_firms / slow_s:,.0f}", "1.00", f"{best:.4f}", "+0.0000"])
    table(["margin", "settles", "settled", "firms/s", "ratio", "macro-F1", "given up"], rows)
    print(f"{n_firms} firms in {FOLDS} folds, {len(corpus.sectors)} sectors; encoding took {encode_s:.1f} s, scoring")
    print(f"{held.full_s:.1f} s, the first stage {held.first_s:.1f} s. Firms here are members of a sector or two each;")
    print("in a register most firms are far from every sector, and more are settled.")
    faster, setting = max(good, default=(1.0, "no setting"))
    print(f"ratio: {setting} gives up less than {ALLOWED_LOSS} and reads {faster:.2f} times as many firms per second\n")


def chosen_on() -> Corpus:
    """The 70 % of the pinned split."""
    from sklearn.model_selection import train_test_split

    lines = need_shared("labelled", "yc.jsonl").read_text(encoding="utf-8").split("\n")
    records = [json.loads(line) for line in lines if line]
    sectors = tuple(sorted({sector for record in records for sector in record["sectors"]}))
    train, _ = train_test_split(np.arange(len(records)), test_size=HOLDOUT_SHARE, random_state=HOLDOUT_SEED)
    kept = [records[row] for row in sorted(train)]
    return Corpus(
        tuple(FirmText.from_description(record["firm_id"], record["text"]) for record in kept),
        np.array([[sector in record["sectors"] for sector in sectors] for record in kept]),
        sectors,
        tuple(record["domain"] or record["firm_id"] for record in kept),
    )


def encoded(firms: Sequence[FirmText]) -> tuple[Vectors, float]:
    """Vectors of all chunks, and the seconds that they took."""
    encoder = SentenceEncoder(find_minilm())
    texts = distinct(text for firm in firms for text in texts_to_embed(firm))
    encoder.encode(texts[:8])
    started = time.perf_counter()
    vectors = encoder.encode(texts)
    seconds = time.perf_counter() - started
    return dict(zip(map(text_digest, texts), vectors, strict=True)), seconds


def score_folds(corpus: Corpus, vectors: Vectors) -> Held:
    """Probabilities of both stages, out of fold."""
    fold = group_folds(corpus.groups, FOLDS)
    full, first = np.zeros(corpus.labels.shape), np.zeros(corpus.labels.shape)
    full_s = first_s = 0.0
    models = []
    for held_out in range(FOLDS):
        inside, outside = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
        firms, tested = [corpus.firms[row] for row in inside], [corpus.firms[row] for row in outside]
        groups, judged = [corpus.groups[row] for row in inside], np.ones(corpus.labels[inside].shape, np.bool_)
        model = SectorModel.train(firms, vectors, corpus.labels[inside], judged, corpus.sectors, groups=groups)
        stage = fit_first_stage(model, firms, corpus.labels[inside], judged, groups)
        started = time.perf_counter()
        full[outside] = model.predict_proba(tested, vectors)
        between = time.perf_counter()
        first[outside] = stage.probabilities(model, tested)
        full_s, first_s = full_s + between - started, first_s + time.perf_counter() - between
        models.append(model)
    return Held(full, first, fold, tuple(models), full_s, first_s)


def settled_at(held: Held, margin: float, members_too: bool) -> NDArray[np.bool_]:
    """Firms that the first stage settles, ``(n_firms,)``."""
    found = np.zeros(len(held.fold), np.bool_)
    for place, model in enumerate(held.models):
        rows = held.fold == place
        trained = model.classifier.trained()
        found[rows] = clear_firms(held.first[rows], model.thresholds, trained, margin, members_too=members_too)
    return found


def macro_f1(corpus: Corpus, held: Held, settled: NDArray[np.bool_]) -> float:
    """Over all firms, each decided by its own fold's model."""
    probabilities = np.where(settled[:, None], held.first, held.full)
    assigned = np.zeros(probabilities.shape, np.bool_)
    for place, model in enumerate(held.models):
        rows = held.fold == place
        assigned[rows] = model.assign(probabilities[rows])
    everywhere = np.ones(corpus.labels.shape, np.bool_)
    found = figures("", corpus.sectors, corpus.labels, everywhere, probabilities, assigned, probabilities=True)
    return float(found.macro_f1 or 0.0)
