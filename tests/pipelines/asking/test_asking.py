"""The queue and the progress of a sector, on real tables, with the real encoder and model."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from labels.queue import CONFLICT, DEFINITION, RANDOM, SECOND
from labels.store import SETTLED
from pipelines import asking_views
from pipelines.asking import open_queue, progress
from pipelines.errors import UsageError
from pipelines.judging import judge
from pipelines.workspace import Workspace
from tests.pipelines.asking.conftest import SHORT, new_firms, space_list, word
from tests.pipelines.taught import SAID

MANY = 10_000
READABLE = new_firms().keys() - {SHORT}
JUDGED = {f"{topic}-new-{number}" for topic in ("space", "none") for number in range(4)}  # in conftest, for space


def asked_of(workspace: Workspace, **options: str) -> dict[str, str]:
    """Everybody who would be asked for space, and why."""
    return {one.firm_id: one.why for one in open_queue(workspace, "space", **options).next(MANY)}  # type: ignore[arg-type]


def test_a_cold_queue_begins_with_what_the_definition_says(cold: Workspace) -> None:
    found = open_queue(cold, "space").next(10)
    assert [one.probability for one in found] == [None] * 10
    by_definition = [one.firm_id for one in found if one.why == DEFINITION]
    assert len(by_definition) == 8
    assert by_definition[0].startswith("space")
    assert sum(firm_id.startswith("space") for firm_id in by_definition) >= 4  # of 8; 2 by chance
    assert [one.why for one in found].count(RANDOM) == 2


def test_a_cold_queue_needs_no_keywords(cold: Workspace) -> None:
    by_definition = [one.firm_id for one in open_queue(cold, "cyber").next(6) if one.why == DEFINITION]
    assert sum(firm_id.startswith("cyber") for firm_id in by_definition) >= 4


def test_everybody_with_words_is_asked_in_the_end_and_nobody_else(cold: Workspace, workspace: Workspace) -> None:
    assert asked_of(cold).keys() == READABLE
    assert asked_of(workspace).keys() == READABLE - JUDGED


def test_a_long_list_is_searched_for_keywords_and_looked_at_in_part(
    cold: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking_views, "LOOKED_AT", 12)  # of 33 firms
    found = open_queue(cold, "space").next(MANY)
    assert len(found) < 20
    assert sum(one.firm_id.startswith("space") for one in found) == 8


def test_a_long_list_with_a_model_is_looked_at_where_it_matters(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking_views, "LOOKED_AT", 12)
    found = open_queue(workspace, "space").next(MANY)
    assert 4 <= len(found) < len(READABLE - JUDGED)
    assert {one.firm_id for one in found} <= READABLE - JUDGED


def test_a_question_carries_the_probability_of_the_table(workspace: Workspace) -> None:
    rows = workspace.lake.read_arrow("scores", ["firm_id", "sector", "probability"]).to_pylist()
    held = {row["firm_id"]: row["probability"] for row in rows if row["sector"] == "space"}
    found = open_queue(workspace, "space").next(MANY)
    assert found
    assert {one.firm_id: one.probability for one in found} == pytest.approx(
        {one.firm_id: held[one.firm_id] for one in found}
    )


def test_a_queue_answers_at_once_and_says_the_same_again(workspace: Workspace) -> None:
    queue = open_queue(workspace, "space")
    first = queue.next(5)
    started = time.perf_counter()
    assert queue.next(5) == first
    rest = queue.next(5, skip=[one.firm_id for one in first[:3]])
    assert time.perf_counter() - started < 0.05
    assert rest[:2] == first[3:]
    assert not {one.firm_id for one in rest} & {one.firm_id for one in first[:3]}


def test_a_queue_opened_anew_forgets_who_was_judged(workspace: Workspace) -> None:
    first = open_queue(workspace, "space").next(1)[0].firm_id
    judge(workspace, [word(first, "unsure")])
    assert first not in asked_of(workspace)
    assert first not in asked_of(workspace, coder="anna")


def test_a_second_coder_is_now_and_then_asked_what_the_first_has_judged(workspace: Workspace) -> None:
    found = asked_of(workspace, coder="bert")
    by_others = JUDGED | {f"{topic}-{number}" for topic in SAID for number in (0, 2, 4, 6)}  # the latter imported
    assert {firm_id for firm_id, why in found.items() if why == SECOND} == by_others
    judge(workspace, [word("space-new-0", "include", "bert"), word("space-new-1", "include", SETTLED)])
    found = asked_of(workspace, coder="bert")
    left = by_others - {"space-new-0", "space-new-1"}
    assert {firm_id for firm_id, why in found.items() if why == SECOND} == left


def test_disagreements_come_first_when_they_are_wanted(workspace: Workspace) -> None:
    judge(workspace, [word("space-new-2", "include", "bert")])
    first = open_queue(workspace, "space", disagreements=True).next(3)
    assert (first[0].firm_id, first[0].why) == ("space-new-2", CONFLICT)
    assert CONFLICT not in {one.why for one in first[1:]}
    assert "space-new-2" not in asked_of(workspace)


def test_what_follows_from_the_hierarchy_is_not_asked(workspace: Workspace) -> None:
    judge(workspace, [word("space-new-5", "include"), word("cyber-new-5", "exclude", sector="air")])
    in_air = {one.firm_id for one in open_queue(workspace, "air").next(MANY)}
    assert "space-new-5" not in in_air  # who is in space is in air
    assert "cyber-new-5" not in asked_of(workspace)  # who is not in air is not in space


def test_all_sectors_at_once(workspace: Workspace) -> None:
    found = open_queue(workspace, None).next(24)
    assert {one.sector for one in found} == {"air", "space", "cyber"}
    assert len({(one.firm_id, one.sector) for one in found}) == 24
    order = [one.firm_id for one in found]
    assert len([1 for one, other in pairwise(order) if one != other]) == len(set(order)) - 1


def test_opening_writes_nothing_and_needs_no_lock(workspace: Workspace) -> None:
    before = workspace.lake.snapshots(), workspace.labels_file.read_bytes(), sorted(workspace.runs_folder.iterdir())
    with workspace.locked():
        assert open_queue(workspace, "space").next(1)
        assert progress(workspace, "space").judged
    assert (
        workspace.lake.snapshots(),
        workspace.labels_file.read_bytes(),
        sorted(workspace.runs_folder.iterdir()),
    ) == before


@pytest.mark.parametrize("ask", [open_queue, progress], ids=["queue", "progress"])
def test_a_sector_that_is_none_is_named_with_its_neighbour(workspace: Workspace, ask: object) -> None:
    assert callable(ask)
    with pytest.raises(UsageError, match=r"'spice' is not in taxonomy\.yaml; nearest are space"):
        ask(workspace, "spice")


def test_progress_counts_firms_once(workspace: Workspace) -> None:
    was = progress(workspace, "space")
    assert was.includes + was.excludes + was.unsure == was.judged == 24
    judge(
        workspace,
        [
            word("air-new-0", "include"), word("air-new-0", "exclude"),  # the last word of a coder holds
            word("air-new-1", "include"), word("air-new-1", "exclude", "bert"),  # they differ
            word("air-new-2", "unsure"),
            word("air-new-3", "include"), word("air-new-3", "exclude", SETTLED),
            word("air-new-4", "include", sector="cyber"),  # another sector
        ],
    )  # fmt: skip
    now = progress(workspace, "space")
    assert (now.judged - was.judged, now.excludes - was.excludes, now.unsure - was.unsure) == (4, 2, 2)
    assert now.includes == was.includes


def test_precision_comes_from_the_lot_and_not_from_what_was_doubtful(workspace: Workspace) -> None:
    listed = sorted(space_list(workspace))
    assert len(listed) > 8
    judge(workspace, [word(firm_id, "exclude", "settled", "asked: near the threshold") for firm_id in listed[:2]])
    before = progress(workspace, "space")
    assert "not drawn by lot" in before.basis
    queue = open_queue(workspace, "space", coder="carla")
    drawn = [one.firm_id for one in queue.next(MANY) if one.why == RANDOM and one.firm_id in listed]
    judge(workspace, [word(firm_id, "include", "carla", "asked: random; sure") for firm_id in drawn])
    after = progress(workspace, "space")
    assert f"of the list's {len(listed)} firms" in after.basis
    assert after.precision is not None
    assert after.precision_low is not None
    assert after.precision_high is not None
    assert after.precision_low <= after.precision <= after.precision_high


def test_precision_of_a_list_judged_whole_is_its_share(workspace: Workspace) -> None:
    listed = sorted(space_list(workspace))
    judge(
        workspace,
        [word(firm_id, "exclude" if place == 0 else "include", SETTLED) for place, firm_id in enumerate(listed)],
    )
    found = progress(workspace, "space")
    share = (len(listed) - 1) / len(listed)
    assert (found.precision, found.precision_low, found.precision_high) == (share, share, share)
    assert found.basis == f"{len(listed)} judged firms: all of the list"


def test_without_a_list_there_is_no_precision(cold: Workspace) -> None:
    found = progress(cold, "space")
    assert (found.judged, found.precision, found.precision_low, found.precision_high) == (0, None, None, None)
    assert found.basis == "nobody is in the list yet"
