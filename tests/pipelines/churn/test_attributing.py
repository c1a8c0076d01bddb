"""The rule for causes on plain values: one case per question it asks, and totals that always bear out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.taxonomy import Cluster, Sector, Taxonomy
from labels.taxonomy_history import Change
from pipelines.churn.attributing import churn
from pipelines.churn.result import CAUSES, Churn, Move, totalled
from pipelines.churn.states import ABSENT, Firm, Known, Row, State
from pipelines.errors import FirmscopeError

SECTORS = (Sector("air", "Aerospace"), Sector("space", "Space", parents=("air",)), Sector("cyber", "Cyber"))
ABOVE = Cluster("above", "Above", sectors=("space",), sic=("303",))
TAXONOMY = Taxonomy("t", 1, SECTORS, "d1", (ABOVE,))
WIDER = replace(TAXONOMY, clusters=(replace(ABOVE, sectors=("space", "cyber")),))
WITHOUT_CYBER = replace(TAXONOMY, version=2, sectors=SECTORS[:2])
APART = replace(TAXONOMY, sectors=(SECTORS[0], Sector("space", "Space"), SECTORS[2]))
RENAMED = replace(TAXONOMY, version=2, sectors=(*SECTORS[:2], Sector("infosec", "Infosec")))

OWN = Row("probability 0.90 reaches the threshold 0.50", "We build rockets.", "https://x.example/")
IN_PART = replace(OWN, reason="in its part space")
IN = Firm(name="F", sectors={"cyber": OWN}, model_id="m1", words="w1", website="https://f.example")
OUT = replace(IN, sectors={}, none="no sector reached its threshold")
SPACE = replace(IN, sectors={"air": IN_PART, "space": OWN})
SILENT = replace(OUT, model_id=None, words=None, none="parked: a domain seller")
NOT_OWN = replace(SILENT, none="site not recognised as the firm's own: another name", own_site=False)
SETTLED = replace(OUT, none="settled by its n-grams: every sector is 2 or more below its threshold in log odds")


def of(
    before: Firm, after: Firm, old: Taxonomy = TAXONOMY, new: Taxonomy = TAXONOMY, known: Known | None = None
) -> Churn:
    """What became of one firm."""
    states = [
        State(run, taxonomy, Counter(firm.lists(taxonomy)), {"f": firm} if firm.listed else {})
        for run, taxonomy, firm in (("r1", old, before), ("r2", new, after))
    ]
    return churn(states[0], states[1], known or Known())


def both(firm: Firm) -> Firm:
    """With other words and another model."""
    return replace(firm, model_id="m2", words="w2")


CASES = {
    "new in the list": (ABSENT, IN, "register_changed"),
    "removed": (IN, ABSENT, "register_changed"),
    "dissolved": (IN, replace(IN, gone="dissolved on 2026-05-01"), "register_changed"),
    "dissolved and parked": (IN, replace(SILENT, gone="dissolved on 2026-05-01"), "register_changed"),
    "alive again": (replace(IN, gone="dissolved on 2026-05-01"), IN, "register_changed"),
    "other words": (OUT, replace(IN, words="w2"), "site_changed"),
    "words of another website": (OUT, replace(IN, words="w2", website="https://g.example"), "register_changed"),
    "parked": (IN, SILENT, "site_gone"),
    "opted out": (IN, replace(SILENT, none="opted_out: asked by e-mail"), "site_gone"),
    "no website any more": (IN, replace(SILENT, website="", none="bad_url: none"), "register_changed"),
    "can be read again": (SILENT, IN, "site_changed"),
    "read for the first time": (replace(SILENT, none="not visited yet"), IN, "register_changed"),
    "not tried before": (replace(SILENT, none="not_attempted: window closed"), IN, "register_changed"),
    "never judged before": (Firm(judged=False), IN, "register_changed"),
    "site not its own now": (replace(IN, own_site=True), NOT_OWN, "site_gone"),
    "site its own again": (NOT_OWN, replace(IN, own_site=True), "site_changed"),
    "other number in the list": (replace(IN, own_site=True), replace(NOT_OWN, entry=("2",)), "register_changed"),
    "match.require on": (replace(IN, own_site=False), NOT_OWN, "settings_changed"),
    "match.require off": (NOT_OWN, replace(IN, own_site=False), "settings_changed"),
    "fast path off": (SETTLED, IN, "settings_changed"),
    "other model": (OUT, replace(IN, model_id="m2"), "model_changed"),
    "words and model, not asked": (OUT, both(IN), "site_and_model"),
    "nothing changed": (OUT, IN, "unexplained"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "cause"), CASES.values(), ids=CASES.keys())
def test_one_firm_in_one_sector(before: Firm, after: Firm, cause: str) -> None:
    (move,) = [move for move in of(before, after).moves if move.key == "cyber"]
    assert move.cause == cause
    assert move.detail


NEW_MODEL = replace(IN, model_id="m2")
JUDGED = Known(labels={("f", "cyber"): (None, True)})
REDRAWN = Known(changes=(Change(1, 2, "split", ("cyber",), ("cyber", "hardware")),))


@pytest.mark.parametrize(
    ("after", "known", "cause"),
    [
        (NEW_MODEL, JUDGED, "label_changed"),
        (NEW_MODEL, REDRAWN, "taxonomy_changed"),
        (NEW_MODEL, Known(labels={("g", "cyber"): (None, True)}), "model_changed"),
        (NEW_MODEL, Known(labels={("f", "cyber"): (True, None)}), "model_changed"),
        (both(IN), Known(asked={"f": frozenset({"cyber"})}), "model_changed"),
        (both(IN), Known(asked={"f": frozenset()}), "site_changed"),
        (both(IN), Known(asked={"f": frozenset({"cyber"})}, labels=JUDGED.labels), "label_changed"),
        (both(IN), Known(asked={"f": frozenset()}, labels=JUDGED.labels), "site_changed"),
    ],
    ids=[
        "judged",
        "sector split",
        "another firm judged",
        "judged against",
        "model alone",
        "words alone",
        "label alone",
        "words, judged",
    ],
)
def test_what_was_found_out_decides(after: Firm, known: Known, cause: str) -> None:
    assert [move.cause for move in of(OUT, after, known=known).moves] == [cause]


def test_leaving_by_the_model_is_the_models() -> None:
    asked = Known(asked={"f": frozenset()})
    assert [move.cause for move in of(IN, both(OUT), known=asked).moves] == ["model_changed"]


@pytest.mark.parametrize(
    ("before", "after", "old", "new", "known", "moves"),
    [
        (IN, IN, TAXONOMY, WIDER, Known(), {("above", True, "taxonomy_changed", "")}),
        (IN, IN, WIDER, TAXONOMY, Known(), {("above", False, "taxonomy_changed", "")}),
        (
            OUT, replace(SPACE, words="w2"), TAXONOMY, TAXONOMY, Known(),
            {("air", True, "site_changed", "space"), ("space", True, "site_changed", ""),
             ("above", True, "site_changed", "space")},
        ),
        (OUT, replace(OUT, sic=("30300",)), TAXONOMY, TAXONOMY, Known(), {("above", True, "register_changed", "")}),
        (SPACE, replace(SPACE, sectors={"space": OWN}), TAXONOMY, APART, Known(),
         {("air", False, "taxonomy_changed", "space")}),
        (IN, replace(OUT, model_id="m2"), TAXONOMY, WITHOUT_CYBER, Known(), {("cyber", False, "taxonomy_changed", "")}),
        (
            IN, replace(IN, sectors={"infosec": OWN}, model_id="m2"), TAXONOMY, RENAMED,
            Known(changes=(Change(1, 2, "rename", ("cyber",), ("infosec",)),)),
            {("cyber", False, "taxonomy_changed", ""), ("infosec", True, "taxonomy_changed", "")},
        ),
    ],
    ids=["cluster wider", "cluster narrower", "parent and cluster follow", "SIC code", "no parent any more",
         "sector retired", "sector renamed"],
)  # fmt: skip
def test_lists_that_follow_from_others(
    before: Firm, after: Firm, old: Taxonomy, new: Taxonomy, known: Known, moves: set[tuple[str, bool, str, str]]
) -> None:
    found = of(before, after, old, new, known).moves
    assert {(move.key, move.entered, move.cause, move.through) for move in found} == moves


def test_addresses_of_persons_are_not_in_a_detail() -> None:
    (move,) = of(IN, replace(SILENT, none="opted_out: jo@firm.example asked")).moves
    assert "jo@firm.example" not in move.detail


def test_totals_that_do_not_bear_out_are_a_fault() -> None:
    with pytest.raises(FirmscopeError, match="list cyber: 5 before"):
        totalled("cyber", "Cyber", 5, 7, [Move("cyber", "f", "F", True, "site_changed", "")])


firms = st.builds(
    Firm,
    listed=st.booleans(),
    gone=st.sampled_from(["", "", "dissolved on 2026-05-01"]),
    website=st.sampled_from(["a", "b"]),
    sic=st.sampled_from([(), ("30300",)]),
    own_site=st.sampled_from([None, True, False]),
    judged=st.booleans(),
    none=st.sampled_from(["", SILENT.none, NOT_OWN.none, SETTLED.none, "not visited yet"]),
    sectors=st.dictionaries(st.sampled_from(["air", "space", "cyber"]), st.sampled_from([OWN, IN_PART])),
    model_id=st.sampled_from([None, "m1", "m2"]),
    words=st.sampled_from([None, "w1", "w2"]),
)
lists = st.lists(firms, max_size=5)
taxonomies = st.sampled_from([TAXONOMY, WIDER, WITHOUT_CYBER, APART, RENAMED])


@settings(max_examples=300, deadline=None)
@given(lists, lists, taxonomies, taxonomies)
def test_whatever_happened_every_move_has_one_cause_and_sizes_bear_out(
    before: list[Firm], after: list[Firm], old: Taxonomy, new: Taxonomy
) -> None:
    states = []
    for run, taxonomy, there in (("r1", old, before), ("r2", new, after)):
        held = {f"f{number}": firm for number, firm in enumerate(there) if firm.listed}
        totals = Counter(key for firm in held.values() for key in firm.lists(taxonomy))
        states.append(State(run, taxonomy, totals, held))
    found = churn(states[0], states[1], Known())
    assert churn(states[0], states[1], Known()) == found
    assert {move.cause for move in found.moves} <= set(CAUSES)
    assert len({(move.key, move.firm_id) for move in found.moves}) == len(found.moves)
    for one in found.lists:
        assert one.before == states[0].totals[one.key]
        assert one.before + sum(one.entered.values()) - sum(one.left.values()) == one.after == states[1].totals[one.key]
    shown = found.as_dict(2)
    assert sum(len(one["moves"]) + one["moves_left_out"] for one in shown["lists"]) == len(found.moves)
