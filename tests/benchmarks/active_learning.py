"""How many labels asking well saves: the queue of ``labels next`` against firms drawn at random.

Labels are asked of the 70 % of the directory firms and mean average precision is taken on the other 30 %, which took no
part in any choice. *Asked* starts cold, from the definitions and keywords alone, and learns after every batch; *random*
judges as many firms of every sector, each sector's drawn by itself. Both learn with the same model from the same hints.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from classifier.design_matrix import FirmDesign
from classifier.evaluation import HOLDOUT_SEED, HOLDOUT_SHARE
from classifier.features import (
    MIN_FIRMS_PER_TERM,
    FirmText,
    chunk_matrix,
    firm_chunks,
    firm_words,
    mean_vector,
    new_vectorizer,
    texts_to_embed,
)
from classifier.hints import Hint, directions, hint_of, hint_texts
from classifier.likeness import likeness, readable_rules
from classifier.metrics import average_precision
from classifier.model import NGRAM_STRENGTH, VECTOR_STRENGTH
from classifier.sector_classifier import SectorClassifier
from labels.lot import permanent_numbers
from labels.queue import SectorView, ask
from models.chunking import distinct
from models.digest import text_digest
from models.encoder import load_encoder
from tests.benchmarks.machine import describe, need_shared, table

BATCHES = (10, 10, 20, 20, 20, 20, 50, 50)  # firms asked for a sector before its model learns of them
RANDOM_LABELS = (50, 100, 200, 400)  # firms judged for each sector, each sector's drawn by itself
SEEDS = 5
TARGET = 400  # random labels per sector, whose quality asking is to reach with half as many
WIDTH = 40  # columns of the curve
SECTORS = Path(__file__).parents[1] / "evaluation" / "directory_sectors.yaml"
CURVE = Path(__file__).with_suffix(".csv")

Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]
Row = tuple[str, int, list[float], list[float]]  # how firms were chosen, judged per sector, quality and share by seed


@dataclass(frozen=True)
class Corpus:
    """The directory, read once: everything but what depends on which firms are judged."""

    firm_ids: tuple[str, ...]
    groups: tuple[str, ...]
    sectors: tuple[str, ...]
    labels: Bools  # (n_firms, n_sectors)
    counts: Any  # (n_firms, n_terms) CSR, how often each n-gram stands in each firm
    terms: NDArray[np.str_]
    means: NDArray[np.float32]  # (n_firms, dimension)
    hints: tuple[Hint, ...]
    hint_vectors: dict[str, NDArray[np.float32]]
    likeness: NDArray[np.float64]  # (n_firms, n_sectors)


@dataclass(frozen=True)
class Learnt:
    """What a model trained on some judgements says of all firms."""

    model: SectorClassifier
    probabilities: NDArray[np.float64]  # (n_firms, n_sectors)
    words: NDArray[np.float64]
    meaning: NDArray[np.float64]


def run() -> None:
    """Print the curve, and write it beside this file as CSV."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    describe("scikit-learn", "torch")
    started = time.monotonic()
    corpus = _read()
    pool, test = _split(corpus)
    with threadpool_limits(limits=1):
        drawn = {size: [_drawn(corpus, pool, test, size, seed) for seed in range(SEEDS)] for size in RANDOM_LABELS}
        runs = [_asked(corpus, pool, test, seed) for seed in range(SEEDS)]
    asked = {size: [one[size] for one in runs] for size in runs[0]}
    cold = _mean_ap(corpus, test, corpus.likeness)
    rows: list[Row] = [("nothing judged", 0, [cold], [])]
    rows += [("asked", size, *_columns(found)) for size, found in asked.items()]
    rows += [("random", size, *_columns(found)) for size, found in drawn.items()]
    _print(rows)
    _write(rows)
    target = float(np.mean([quality for quality, _ in drawn[TARGET]]))
    enough = [size for size, found in asked.items() if np.mean([quality for quality, _ in found]) >= target]
    sure = [size for size, found in asked.items() if min(quality for quality, _ in found) >= target]
    print(f"mAP {target:.3f} of {TARGET} random labels per sector: reached with {_least(enough)} asked, by every seed "
          f"with {_least(sure)}; {time.monotonic() - started:.0f} s in all, {len(pool)} firms to ask, {len(test)} to "
          "score\n")  # fmt: skip


def learn(corpus: Corpus, judged: Bools) -> Learnt:
    """Train as ``SectorModel.train`` does, on one vector per firm; n-grams were counted before.

    Args:
        corpus: The directory.
        judged: ``(n_firms, n_sectors)``, which labels may be seen.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    rows = np.flatnonzero(judged.any(axis=1))
    seen = np.asarray((corpus.counts[rows] > 0).sum(axis=0)).ravel() >= MIN_FIRMS_PER_TERM
    weigh = TfidfTransformer(sublinear_tf=True).fit(corpus.counts[rows][:, seen])
    ngrams = weigh.transform(corpus.counts[:, seen]).astype(np.float32)
    vectorizer = new_vectorizer(corpus.terms[seen].tolist())
    vectorizer.idf_ = weigh.idf_
    design = FirmDesign(ngrams, corpus.means, corpus.means, np.arange(len(corpus.firm_ids) + 1))
    towards = directions(corpus.hints, corpus.hint_vectors, vectorizer, corpus.means.shape[1])
    model = SectorClassifier(C=(NGRAM_STRENGTH, VECTOR_STRENGTH)).fit(
        design.take(rows),
        corpus.labels[rows] & judged[rows],
        judged[rows],
        [corpus.groups[row] for row in rows],
        towards,
    )
    n_terms = ngrams.shape[1]
    words = np.asarray(ngrams @ model.coef_[:, :n_terms].T, dtype=np.float64)
    meaning = corpus.means @ model.coef_[:, n_terms:].T
    return Learnt(model, model.probabilities(words + meaning + model.intercept_), words, meaning)


def _asked(corpus: Corpus, pool: Rows, test: Rows, seed: int) -> dict[int, tuple[float, float]]:
    """Quality and share of includes found, by firms judged for each sector."""
    numbers = permanent_numbers([corpus.firm_ids[row] for row in pool], seed)
    judged = np.zeros_like(corpus.labels)
    learnt: Learnt | None = None
    done, found = 0, {}
    for batch in BATCHES:
        for sector in range(len(corpus.sectors)):
            view = _view(corpus, pool, numbers, judged, learnt, sector, done)
            judged[[pool[pick.row] for pick in ask(view, batch)], sector] = True
        done += batch
        learnt = learn(corpus, judged)
        found[done] = _mean_ap(corpus, test, learnt.probabilities), _found(corpus, pool, judged)
    return found


def _view(
    corpus: Corpus,
    pool: Rows,
    numbers: NDArray[np.float64],
    judged: Bools,
    learnt: Learnt | None,
    sector: int,
    done: int,
) -> SectorView:
    trained = learnt is not None and sector not in learnt.model.untrained_
    probability, threshold, halves = None, 0.5, None
    if trained and learnt is not None:
        probability, threshold = learnt.probabilities[pool, sector], float(learnt.model.thresholds_[sector])
        halves = learnt.words[pool, sector], learnt.meaning[pool, sector]
    return SectorView(
        sector=corpus.sectors[sector],
        numbers=numbers,
        vectors=corpus.means[pool],
        open=~judged[pool, sector],
        second=np.zeros(len(pool), dtype=bool),
        listed=np.zeros(len(pool), dtype=bool) if probability is None else probability >= threshold,
        likeness=corpus.likeness[pool, sector],
        probability=probability,
        threshold=threshold,
        halves=halves,
        includes=int((corpus.labels & judged)[pool, sector].sum()),
        asked=done,
    )


def _drawn(corpus: Corpus, pool: Rows, test: Rows, size: int, seed: int) -> tuple[float, float]:
    judged = np.zeros_like(corpus.labels)
    for sector in range(len(corpus.sectors)):
        judged[np.random.default_rng([seed, sector]).permutation(pool)[:size], sector] = True
    return _mean_ap(corpus, test, learn(corpus, judged).probabilities), _found(corpus, pool, judged)


def _read() -> Corpus:
    from sklearn.feature_extraction.text import CountVectorizer

    records = [
        json.loads(line) for line in need_shared("labelled", "yc.jsonl").read_text(encoding="utf-8").split("\n") if line
    ]
    sectors = yaml.safe_load(SECTORS.read_text(encoding="utf-8"))["sectors"]
    firms = [FirmText.from_description(record["firm_id"], record["text"]) for record in records]
    hints = tuple(hint_of(one["name"], one.get("definition", ""), one.get("keywords", ())) for one in sectors)
    encoder = load_encoder("minilm")
    texts = distinct([*(text for firm in firms for text in texts_to_embed(firm)), *hint_texts(hints)])
    vectors = dict(zip(map(text_digest, texts), encoder.encode(texts), strict=True))
    means = np.stack([mean_vector(chunk_matrix(firm_chunks(firm), vectors, encoder.dimension)) for firm in firms])
    words = [firm_words(firm) for firm in firms]
    counter = CountVectorizer(analyzer=new_vectorizer().build_analyzer())
    counts = counter.fit_transform(words).astype(np.float32)
    rules = [readable_rules(one.get("keywords", ())) for one in sectors]
    return Corpus(
        firm_ids=tuple(record["firm_id"] for record in records),
        groups=tuple(record["domain"] or record["firm_id"] for record in records),
        sectors=tuple(one["key"] for one in sectors),
        labels=np.array([[one["key"] in record["sectors"] for one in sectors] for record in records]),
        counts=counts,
        terms=counter.get_feature_names_out(),
        means=means,
        hints=hints,
        hint_vectors=vectors,
        likeness=likeness(hints, vectors, rules, words, means),
    )


def _split(corpus: Corpus) -> tuple[Rows, Rows]:
    """Firms to ask, and firms to score on, no domain on both sides."""
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(np.arange(len(corpus.firm_ids)), test_size=HOLDOUT_SHARE, random_state=HOLDOUT_SEED)
    held_out = {corpus.groups[row] for row in test}
    return np.array([row for row in train if corpus.groups[row] not in held_out]), test


def _mean_ap(corpus: Corpus, test: Rows, scores: NDArray[np.float64]) -> float:
    labels = corpus.labels[test]
    return float(np.mean([average_precision(labels[:, at], scores[test, at]) for at in range(labels.shape[1])]))


def _found(corpus: Corpus, pool: Rows, judged: Bools) -> float:
    """Share of the judged that are includes, mean over sectors."""
    return float(np.mean((corpus.labels & judged)[pool].sum(axis=0) / judged[pool].sum(axis=0)))


def _columns(found: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [quality for quality, _ in found], [share for _, share in found]


def _least(sizes: Sequence[int]) -> str:
    return str(min(sizes)) if sizes else "more than were asked"


def _print(rows: Sequence[Row]) -> None:
    means = [float(np.mean(quality)) for _, _, quality, _ in rows]
    lowest, highest = min(means), max(means)
    listed = []
    for (name, size, quality, share), mean in zip(rows, means, strict=True):
        place = round((WIDTH - 1) * (mean - lowest) / (highest - lowest))
        spread = f"{min(quality):.3f} to {max(quality):.3f}"
        found = f"{np.mean(share):.0%}" if share else ""
        listed.append([name, str(size), f"{mean:.3f}", spread, found, ("." * place + "*").ljust(WIDTH)])
    table(["firms", "judged per sector", "mAP", f"of {SEEDS} seeds", "includes", "curve"], listed)


def _write(rows: Sequence[Row]) -> None:
    with CURVE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["firms", "judged_per_sector", "map_mean", "map_low", "map_high", "share_of_includes"])
        for name, size, quality, share in rows:
            found = f"{np.mean(share):.3f}" if share else ""
            writer.writerow(
                [name, size, f"{np.mean(quality):.4f}", f"{min(quality):.4f}", f"{max(quality):.4f}", found]
            )
