"""Corrected counts beside classify and count, on populations of known prevalence made of real out-of-fold scores.

Firms of the directory's 70 % that may be used for choosing are scored by models that did not see them; populations of
any prevalence are drawn from them with replacement, members and others apart. The word model alone is used: it is
quick, and worse than the shipped one, which is the harder case.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.counting.giants import giants
from classifier.counting.records import ErrorCounts, Interval
from classifier.counting.sector_count import Firms, Sample, add_up, rated_by_audit, rated_by_errors
from classifier.counting.training_errors import count_errors, errors_of
from classifier.features import new_vectorizer
from classifier.sector_classifier import SectorClassifier
from labels.audit import SIZE, Draw, draw_sample
from tests.benchmarks.machine import describe, need_shared, table

PREVALENCES = (0.005, 0.01, 0.05, 0.2)
FIRMS = 20_000
DRAWS = 1_000  # per prevalence, dealt to the sectors
MIN_INCLUDES = 100  # of a sector that populations are made of; fewer would repeat each member too often


@dataclass(frozen=True)
class Scored:
    """One sector's labelled firms with out-of-fold probabilities."""

    sector: str
    probabilities: NDArray[np.float64]
    member: NDArray[np.bool_]
    threshold: float
    employees: NDArray[np.float64]  # 0 where not known
    errors: ErrorCounts


@dataclass(frozen=True)
class Answer:
    """One simulated audit: truth and estimates of the count and of employees."""

    truth: float
    plain: float
    corrected: Interval
    from_errors: Interval | None
    employees_truth: float
    employees_plain: float
    employees: Interval


def run() -> None:
    """Print, per prevalence, what classify and count finds and what an audit makes of it."""
    describe("numpy", "scikit-learn")
    began = time.perf_counter()
    scored = real_scores(need_shared("labelled") / "yc.jsonl")
    print(f"{len(scored)} sectors: {', '.join(one.sector for one in scored)}; {FIRMS:,} firms, {SIZE} of them judged\n")
    rows, money = [], []
    for prevalence in PREVALENCES:
        found = list(simulate(scored, prevalence, DRAWS, seed=7))
        rows.append([f"{prevalence:.1%}", *_line([(a.truth, a.plain, a.corrected) for a in found])])
        money.append(
            [f"{prevalence:.1%}", *_line([(a.employees_truth, a.employees_plain, a.employees) for a in found])]
        )
        errors = [(a.truth, a.plain, a.from_errors) for a in found if a.from_errors]
        rows.append(["  by training errors", *_line(errors)])
        sys.stdout.flush()
    head = [
        "prevalence",
        "plain / truth",
        "corrected / truth",
        "error",
        "covered",
        "low / truth",
        "high / truth",
        "draws",
    ]
    print("Businesses")
    table(head, rows)
    print("\nEmployees (those the directory states)")
    table(head, money)
    print(f"\nratio: see the columns; {time.perf_counter() - began:.0f} s\n")


def real_scores(corpus: Path, limit: int = 5) -> list[Scored]:
    """Out-of-fold scores of the first sectors with enough includes, on the 70 % that may be used for choosing."""
    from sklearn.model_selection import train_test_split

    records = [json.loads(line) for line in corpus.read_text(encoding="utf-8").split("\n") if line]
    chosen, _ = train_test_split(np.arange(len(records)), test_size=0.3, random_state=0)
    records = [records[row] for row in sorted(chosen)]
    keys = sorted({key for record in records for key in record["sectors"]})
    Y = np.array([[key in record["sectors"] for key in keys] for record in records])
    words = new_vectorizer().fit_transform([record["text"] for record in records])
    model = SectorClassifier(C=10.0).fit(words, Y, None, [record["domain"] for record in records])
    counts = count_errors(model.oof_probabilities_, Y, model.thresholds_)
    employees = np.array([float(record["employees"] or 0) for record in records])
    found: list[Scored] = []
    for column, key in enumerate(keys):
        errors = errors_of(counts, column)
        if Y[:, column].sum() >= MIN_INCLUDES and errors and len(found) < limit:
            chances = model.oof_probabilities_[:, column]
            found.append(Scored(key, chances, Y[:, column], float(model.thresholds_[column]), employees, errors))
    return found


def simulate(
    scored: Sequence[Scored], prevalence: float, draws: int, seed: int, firms: int = FIRMS, size: int = SIZE
) -> Iterator[Answer]:
    """A new population and a new audit each time."""
    for number in range(draws):
        one = scored[number % len(scored)]
        rng = np.random.default_rng([seed, number])
        members = round(prevalence * firms)
        rows = np.concatenate([
            rng.choice(np.flatnonzero(one.member), members), rng.choice(np.flatnonzero(~one.member), firms - members)
        ])  # fmt: skip
        yield audited(one, rows, rng, size)


def audited(one: Scored, rows: NDArray[np.int64], rng: np.random.Generator, size: int) -> Answer:
    """Draw a sample of these firms, judge it by the truth, and correct the counts."""
    chances, member, employees = one.probabilities[rows], one.member[rows], one.employees[rows]
    assigned = chances >= one.threshold
    giant = giants(chances, assigned, [employees])
    draw = draw_sample(chances, assigned, size, rng, giant)
    everybody = Firms(np.ones(len(rows), dtype=np.bool_), assigned, giant, None)
    rated = rated_by_audit(everybody, sample_of(draw, member), rng)
    part = np.zeros(len(rows), dtype=np.int64)
    (count,) = add_up(rated, part, 1, rng)
    (jobs,) = add_up(rated, part, 1, rng, employees)
    by_errors = rated_by_errors(everybody, one.errors, rng)
    return Answer(
        float(member.sum()), float(assigned.sum()), count, add_up(by_errors, part, 1, rng)[0] if by_errors else None,
        float(employees[member].sum()), float(employees[assigned].sum()), jobs,
    )  # fmt: skip


def sample_of(draw: Draw, member: NDArray[np.bool_]) -> Sample:
    """An audit in which everybody drawn was judged rightly."""
    n = len(draw.strata)
    return Sample(
        draw.stratum, np.array([at.side == "in" for at in draw.strata]),
        np.array([at.side == "giant" for at in draw.strata]), draw.drawn, member,
        np.bincount(draw.stratum[draw.drawn], minlength=n), np.bincount(draw.stratum[draw.drawn & member], minlength=n),
    )  # fmt: skip


def coverage(found: Sequence[tuple[float, Interval]]) -> float:
    """Share of intervals that hold the truth."""
    return float(np.mean([interval.low <= truth <= interval.high for truth, interval in found]))


def _line(found: Sequence[tuple[float, float, Interval | None]]) -> list[str]:
    kept = [(truth, plain, interval) for truth, plain, interval in found if interval]
    if not kept:
        return ["-"] * 6 + ["0"]
    truth = np.array([at[0] for at in kept])
    values, lows, highs = (np.array([getattr(at[2], name) for at in kept]) for name in ("value", "low", "high"))
    plain = np.array([at[1] for at in kept])
    return [
        f"{(plain / truth).mean():.2f}", f"{(values / truth).mean():.3f}", f"{(values / truth).std():.2f}",
        f"{coverage([(at[0], at[2]) for at in kept]):.3f}", f"{np.median(lows / truth):.2f}",
        f"{np.median(highs / truth):.2f}", str(len(kept)),
    ]  # fmt: skip
