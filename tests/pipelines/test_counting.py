"""Which evidence a cluster's figures are corrected by, and what the cell then says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from classifier.counting.sector_count import Entries
from labels.audit import draw_sample
from labels.store import Judgement
from labels.taxonomy import Sector, Taxonomy
from pipelines.audit_files import Audit, Drawn
from pipelines.audit_results import SectorResult, results
from pipelines.counting import Corrections, Evidence, Kind, Listed
from pipelines.population import Population

ALL = ("all", "all")
TAXONOMY = Taxonomy("t", 1, (Sector("air", "Air"), Sector("cyber", "Cyber")), "0" * 64)
N = 2_000
GOOD = np.array([[800, 200, 100, 900], [0, 0, 0, 0]])  # hit rate 0.8, false alarms 0.1; nothing known of cyber


def people(assigned: int, first: int = 0, firms: int = N) -> Population:
    """Firms of which the first ones are assigned to air."""
    inside = np.arange(firms) < assigned
    chances = np.where(inside, 0.9, 0.05)
    both = np.stack([chances, np.zeros(firms)], axis=1).astype(np.float32)
    ids = tuple(f"F{number:05d}" for number in range(first, first + firms))
    return Population(ids, both, np.stack([inside, np.zeros(firms, dtype=np.bool_)], axis=1))


def listed(whole: Population) -> Listed:
    firms = len(whole.firm_ids)
    halves = Entries(np.arange(firms), np.arange(firms) % 2, np.ones(firms), 2)
    kinds = {"all": Kind(("all",), csr_matrix([[1, 1]])), "lad": Kind(("a", "b"), csr_matrix([[1, 0], [0, 1]]))}
    return Listed(pa.array(whole.firm_ids, pa.string()), halves, kinds, {"employees": np.full(firms, 4.0)}, None)


@dataclass(frozen=True)
class Said:
    """One corrected figure."""

    value: float
    low: float
    high: float
    judged: int
    flags: tuple[str, ...]


def figures_of(made: Corrections, cluster: str) -> dict[tuple[str, str], dict[str, Said]]:
    """Corrected figures by area and measure."""
    found = made.corrected(cluster)
    assert found is not None
    said: dict[tuple[str, str], dict[str, Said]] = {}
    for kind, areas in made.listed.kinds.items():
        for measure, ends in found.ends(kind, np.arange(len(areas.codes))).items():
            for at, code in enumerate(areas.codes):
                one = Said(ends.value[at], ends.low[at], ends.high[at], found.judged, found.flags)
                said.setdefault((kind, code), {})[measure] = one
    return said


def audit_of(
    whole: Population, member: NDArray[np.bool_], model_id: str = "m", coders: Sequence[str] = ("a", "b")
) -> tuple[Audit, dict[str, SectorResult]]:
    """An audit of air, judged by the truth."""
    drawn = draw_sample(
        whole.probabilities[:, 0].astype(np.float64), whole.assigned[:, 0], 300, np.random.default_rng(1)
    )
    rows = np.flatnonzero(drawn.drawn)
    sample = tuple(Drawn(whole.firm_ids[row], "air", int(drawn.stratum[row])) for row in rows)
    audit = Audit("a1", "2026-01-01", model_id, 1, False, tuple(coders), {"air": drawn.strata}, sample,
                  whole.firm_ids, drawn.stratum[:, None])  # fmt: skip
    judged = [
        Judgement(whole.firm_ids[row], "air", "include" if member[row] else "exclude", coder, "2026-01-02")
        for row in rows for coder in coders
    ]  # fmt: skip
    return audit, results(audit, judged, TAXONOMY)


def corrections(whole: Population, *audits: tuple[Audit, dict[str, SectorResult]], errors: bool = True) -> Corrections:
    return Corrections(TAXONOMY, whole, listed(whole), Evidence("m", audits, GOOD if errors else None))


def test_training_errors_correct_and_say_so() -> None:
    made = corrections(people(480))  # 0.24 assigned: (0.24 - 0.1) / 0.7 = 0.2
    found = figures_of(made, "air")
    count, jobs = found[ALL]["businesses"], found[ALL]["employees"]
    assert count.value == pytest.approx(400)
    assert count.low is not None
    assert count.high is not None
    assert 300 < count.low < 400 < count.high < 500
    assert jobs.value == pytest.approx(1_600)
    assert (count.flags, count.judged) == (("from_training_errors",), 2_000)
    assert "no audit sample" in made.choice("air").reason
    halves = [found["lad", code]["businesses"].value for code in "ab"]
    assert sum(half or 0 for half in halves) == pytest.approx(400)


def test_nothing_known_nothing_corrected() -> None:
    assert corrections(people(480), errors=False).corrected("air") is None
    assert corrections(people(480)).corrected("cyber") is None
    assert corrections(people(0, firms=0)).corrected("air") is None


def test_errors_that_cannot_be_right_leave_no_figure() -> None:
    found = corrections(people(20)).corrected("air")  # fewer assigned than false alarms alone would be
    assert found is not None
    assert found.parts is None
    assert found.flags == ("from_training_errors", "no_value")


def truth(whole: Population, seed: int = 0) -> NDArray[np.bool_]:
    """Half of the assigned firms belong, and one in fifty of the others."""
    chance = np.where(whole.assigned[:, 0], 0.5, 0.02)
    return np.random.default_rng(seed).random(len(chance)) < chance


@pytest.mark.parametrize("model_id", ["m", "an earlier one"])
def test_an_audit_of_these_firms_goes_before_all_else(model_id: str) -> None:
    whole = people(480)
    member = truth(whole)
    count = figures_of(corrections(whole, audit_of(whole, member, model_id)), "air")[ALL]["businesses"]
    assert count.flags == ("corrected_by_audit",)
    assert count.value == pytest.approx(member.sum(), rel=0.2)
    assert count.low is not None
    assert count.high is not None
    assert count.low <= member.sum() <= count.high


def test_a_few_new_firms_join_the_strata_of_their_scores() -> None:
    whole, more = people(480), people(560, firms=N + 100)
    found = figures_of(corrections(more, audit_of(whole, truth(whole))), "air")[ALL]["businesses"]
    assert found.flags == ("corrected_by_audit",)
    assert found.value == pytest.approx(truth(more).sum(), rel=0.2)


def test_error_rates_of_an_audit_serve_for_other_firms() -> None:
    """From a list in which a quarter is assigned to one in which far fewer are: P(assigned | member) carries over."""
    audited = people(480)
    member = truth(audited)
    hit_rate = float(audited.assigned[member, 0].mean())
    alarm_rate = float(audited.assigned[~member, 0].mean())
    other = people(round(0.05 * N * hit_rate + 0.95 * N * alarm_rate), first=50_000)  # a twentieth are members
    made = corrections(other, audit_of(audited, member))
    count = figures_of(made, "air")[ALL]["businesses"]
    assert count.flags == ("corrected_by_error_rates",)
    assert made.choice("air").basis == "audit_errors"
    assert count.low is not None
    assert count.high is not None
    assert count.low <= 0.05 * N <= count.high
    stranger = corrections(other, audit_of(audited, member, "an earlier one")).choice("air")
    assert stranger.basis == "training_errors"
    assert "another model" in stranger.reason


def test_the_newest_finished_audit_counts() -> None:
    whole = people(480)
    done = audit_of(whole, truth(whole))
    begun, found = audit_of(whole, truth(whole))
    unfinished = {"air": results(begun, [], TAXONOMY)["air"]}
    assert found
    made = corrections(whole, done, (begun, unfinished))
    assert made.choice("air").basis == "audit"
    assert "only 0% of the audit sample is judged" in corrections(whole, (begun, unfinished)).choice("air").reason


def test_one_coder_alone_is_told() -> None:
    whole = people(480)
    found = figures_of(corrections(whole, audit_of(whole, truth(whole), coders=("a",))), "air")
    assert found[ALL]["businesses"].flags == ("corrected_by_audit", "single_coder")


def test_the_same_evidence_gives_the_same_digits() -> None:
    whole = people(480)
    one, two = (figures_of(corrections(whole, audit_of(whole, truth(whole))), "air") for _ in range(2))
    assert one == two
