"""What a preview foresees is what training and classifying then do, and it neither writes nor waits."""

from __future__ import annotations

import itertools

import pytest

from pipelines.errors import FirmscopeError, UsageError
from pipelines.previewing import preview, preview_here
from pipelines.workspace import Workspace
from tests.pipelines.asking.conftest import Grown, space_list


def test_a_preview_foresees_the_list(grown: Grown) -> None:
    after = space_list(grown.workspace)
    assert frozenset(grown.foreseen.entered) == after - grown.before
    assert frozenset(grown.foreseen.left) == grown.before - after
    assert frozenset(grown.foreseen.stays) == grown.before & after
    assert grown.foreseen.stays
    assert grown.foreseen.entered or grown.foreseen.left  # or this test could not fail


def test_a_preview_foresees_the_probabilities(grown: Grown) -> None:
    rows = grown.workspace.lake.read_arrow("scores", ["firm_id", "sector", "probability"]).to_pylist()
    held = {row["firm_id"]: row["probability"] for row in rows if row["sector"] == "space"}
    for firm_id, chance in grown.foreseen.probabilities.items():
        assert chance == pytest.approx(held[firm_id], abs=1e-3)
    ranked = [grown.foreseen.probabilities[firm_id] for firm_id in grown.foreseen.stays]
    assert ranked == sorted(ranked, reverse=True)


def test_a_preview_tells_how_far_it_is(grown: Grown) -> None:
    shares = [share for _, share in grown.reports]
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert all(one <= other for one, other in itertools.pairwise(shares))
    assert list(dict.fromkeys(doing for doing, _ in grown.reports)) == [
        "Reading the examples",
        "Training",
        "Scoring firms",
    ]


def test_the_same_judgements_give_the_same_model(grown: Grown) -> None:
    again = preview_here(grown.workspace, "space", lambda *_: None)
    assert again.model_id == grown.foreseen.model_id
    assert (again.entered, again.left) == ((), ())  # it is the list now
    assert again.stays


@pytest.mark.parametrize(
    ("sector", "words"),
    [
        pytest.param(
            "space", "space has 0 includes and 0 excludes of firms with words; a model needs two", id="no label"
        ),
        pytest.param("spice", "sector 'spice' is not in taxonomy.yaml; nearest are space", id="no sector"),
    ],
)
def test_what_cannot_be_previewed_is_said_in_the_other_process_words(cold: Workspace, sector: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        preview_here(cold, sector, lambda *_: None)


def test_the_other_process_tells_its_error(cold: Workspace) -> None:
    with pytest.raises(UsageError, match=r"'spice' is not in taxonomy\.yaml"):
        preview(cold, "spice", lambda *_: None)


def test_who_stops_listening_ends_the_work(grown: Grown) -> None:
    class GoneAwayError(Exception):
        pass

    def listen(_doing: str, _share: float) -> None:
        raise GoneAwayError

    with pytest.raises(GoneAwayError):
        preview(grown.workspace, "space", listen)


def test_a_process_that_dies_is_no_empty_list(grown: Grown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(FirmscopeError, match="did not finish"):
        preview(grown.workspace, "space", lambda *_: None)
