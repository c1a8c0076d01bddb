"""Placing the addresses of a workspace: once, in one commit, with a reason for each that has no place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.geography import placing
from pipelines.geography.lookup import directory_version
from pipelines.geography.placing import NOTE, Placing, place_premises
from pipelines.runs import start_run
from pipelines.workspace import Workspace

ROWS: list[dict[str, Any]] = [
    {"firm_id": "a", "postcode": "NG7 2RD", "kind": "registered", "source": "register"},
    {"firm_id": "a", "postcode": "LE1 7RH", "kind": "trading", "source": "website"},
    {"firm_id": "b", "postcode": "NG7 9ZZ", "kind": "registered", "source": "register"},
    {"firm_id": "c", "postcode": "BT1 1AA", "kind": "registered", "source": "firm_list"},
    {"firm_id": "d", "postcode": None, "kind": "registered", "source": "register", "unplaced": "malformed"},
    {"firm_id": "e", "postcode": "NG7 2RD", "kind": "registered", "source": "firm_list", "lat": 52.0, "lon": -1.0},
    {"firm_id": "f", "postcode": None, "kind": "registered", "source": "firm_list", "lad_code": "E06000018"},
]


@pytest.fixture
def held(workspace: Workspace) -> Workspace:
    """A workspace with addresses that no importer has placed."""
    fields = ("lat", "lon", "lad_code", "h3", "employees", "unplaced")
    rows = [dict.fromkeys(fields) | row for row in ROWS]
    workspace.lake.replace_all("premises", rows, "test")
    return workspace


def _place(workspace: Workspace) -> tuple[Placing, dict[str, Any]]:
    with start_run(workspace, "place") as run:
        found = place_premises(run)
    return found, json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))


def _rows(workspace: Workspace) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["firm_id"], row["kind"]): row for row in workspace.lake.read_arrow("premises").to_pylist()}


def test_places_and_reasons(held: Workspace) -> None:
    """Every address is on the map or says why not, and the counts add up."""
    found, manifest = _place(held)
    assert (found.premises, found.on_map) == (7, 3)
    assert found.unplaced == {"malformed": 1, "no_postcode": 1, "northern_ireland": 1, "unknown": 1}
    assert manifest["notes"]["premises"] == {
        "directory": directory_version(), "rows": 7, "on_map": 3, "unplaced": found.unplaced,
        "sentences": found.sentences(),
    }  # fmt: skip
    rows = _rows(held)
    assert rows["a", "registered"]["lad_code"] == "E06000018"
    assert rows["a", "trading"]["lad_code"] == "E06000016"
    assert (rows["e", "registered"]["lat"], rows["e", "registered"]["lad_code"]) == (52.0, "E06000018")
    assert (rows["f", "registered"]["lad_code"], rows["f", "registered"]["unplaced"]) == ("E06000018", "no_postcode")
    assert all((row["h3"] is None) != (row["unplaced"] is None) for row in rows.values())
    assert found.sentences()[0] == f"3 of 7 addresses are on the map (postcode directory {directory_version()})"
    assert len(found.sentences()) == 5


def test_the_second_time_nothing_is_written(held: Workspace) -> None:
    """What has been placed, or has been looked for in vain, is left alone."""
    first, _ = _place(held)
    before = held.lake.snapshot("premises")
    second, manifest = _place(held)
    assert second == first
    assert held.lake.snapshot("premises") == before
    counts = manifest["counts"]["place premises"]
    assert (counts["rows_in"], counts["rows_out"], counts["unchanged"]) == (7, 0, 7)


def test_a_new_address_is_placed(held: Workspace) -> None:
    """An address that came later is placed, and the others stay."""
    _place(held)
    fresh = {"firm_id": "g", "postcode": "B1 1BB", "kind": "trading", "source": "imported"}
    nothing = dict.fromkeys(("lat", "lon", "lad_code", "h3", "employees", "unplaced"))
    held.lake.replace_firms("premises", ["g"], [nothing | fresh], "test")
    found, _ = _place(held)
    assert (found.premises, found.on_map) == (8, 4)
    assert _rows(held)["g", "trading"]["lad_code"] == "E08000025"


def test_another_directory_places_anew(held: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came from postcodes alone is worked out again; what a list may have given is not touched."""
    _place(held)
    monkeypatch.setattr(placing, "directory_version", lambda: "2001.1.1")  # the directory that placed these
    rows = [
        row | {"lat": 51.5, "lon": -0.1, "h3": "x", "unplaced": None}
        if row["h3"] or row["postcode"] == "NG7 9ZZ"
        else row
        for row in held.lake.read_arrow("premises").to_pylist()
    ]
    held.lake.replace_all("premises", rows, "test")
    _place(held)
    assert held.lake.notes("premises")[NOTE] == "2001.1.1"
    monkeypatch.undo()
    found, _ = _place(held)
    placed = _rows(held)
    assert placed["a", "registered"]["lat"] == pytest.approx(52.9404, abs=1e-3)
    assert placed["b", "registered"]["unplaced"] == "unknown"
    assert placed["b", "registered"]["lat"] is None
    assert placed["d", "registered"]["unplaced"] == "malformed"
    assert (placed["e", "registered"]["lat"], placed["e", "registered"]["h3"]) == (51.5, "x")
    assert held.lake.notes("premises")[NOTE] == directory_version() == found.directory


def test_no_addresses(workspace: Workspace) -> None:
    """A workspace without addresses has none on the map."""
    found, manifest = _place(workspace)
    assert (found.premises, found.on_map, found.unplaced) == (0, 0, {})
    assert manifest["outcome"] == "done"
