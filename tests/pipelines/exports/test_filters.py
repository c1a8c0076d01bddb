"""Filters keep what was asked for, tell what they left out, and refuse what is not there."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import UsageError
from pipelines.export_files import write_list
from pipelines.exporting.filters import Filters, check_areas, filtered, firms_inside, keeper
from pipelines.provenance import Provenance
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command
from tests.pipelines.exports.conftest import PREMISES, TAXONOMY, Make

MAY = date(2026, 5, 1)
CUSTOM = {"mine": ["E06000018"], "all_ni": ["N92000002"]}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param(Filters(), ["00123", "F2", "F3", "F4", "F5"], id="none"),
        pytest.param(Filters(clusters=("air",)), ["00123"], id="a parent has its child's firms"),
        pytest.param(Filters(clusters=("air", "cyber")), ["00123", "F2", "F5"], id="any of two"),
        pytest.param(Filters(clusters=("secure",)), ["F2", "F3", "F5"], id="a cluster, by sectors and SIC codes"),
        pytest.param(Filters(clusters=("secure",), min_probability=0.5), ["F2", "F5"], id="codes have no probability"),
        pytest.param(Filters(min_probability=0.9), ["00123", "F2"], id="at least"),
        pytest.param(Filters(clusters=("cyber",), min_probability=0.9), [], id="of the same membership"),
        pytest.param(Filters(entered_since=MAY), ["00123", "F2"], id="on that day or later"),
        pytest.param(Filters(clusters=("air",), entered_since=MAY), [], id="entered another sector"),
        pytest.param(Filters(clusters=("space",), entered_since=MAY), ["00123"], id="entered this one"),
    ],
)
def test_firms(make: Make, filters: Filters, expected: list[str]) -> None:
    frame = filtered(make("firms").frame, keeper("firms", filters, TAXONOMY, None))
    assert list(frame["firm_id"]) == expected


@pytest.mark.parametrize(
    ("name", "filters", "expected"),
    [
        pytest.param("evidence", Filters(clusters=("secure",)), 3, id="memberships of gathered sectors"),
        pytest.param("evidence", Filters(clusters=("air",)), 2, id="with its near miss"),
        pytest.param("evidence", Filters(clusters=("air",), entered_since=date(2020, 1, 1)), 1, id="entered: no miss"),
        pytest.param("scores", Filters(min_probability=0.9), 3, id="scores"),
        pytest.param("cells", Filters(clusters=("air",)), 5, id="cells of a cluster"),
        pytest.param("cells", Filters(areas=("E06000018", "mine")), 2, id="cells of areas"),
    ],
)
def test_other_lists(make: Make, name: str, filters: Filters, expected: int) -> None:
    assert len(filtered(make(name).frame, keeper(name, filters, TAXONOMY, None))) == expected


@pytest.mark.parametrize(
    ("codes", "registered_only", "expected"),
    [
        pytest.param(["E06000018"], False, {"00123"}, id="district"),
        pytest.param(["E12000005"], False, {"00123", "F2"}, id="region, at any address"),
        pytest.param(["E12000005"], True, {"F2"}, id="region, at the registered office"),
        pytest.param(["N92000002"], False, {"F3"}, id="Northern Ireland, by postcode"),
        pytest.param(["mine"], False, {"00123"}, id="area of your own"),
        pytest.param(["all_ni", "E06000018"], False, {"00123"}, id="any of two"),
        pytest.param(["NG"], False, {"00123"}, id="postcode area"),
        pytest.param(["B"], False, {"00123", "F2"}, id="postcode area of one letter"),
        pytest.param(["88195c05c3fffff"], False, {"00123", "F2"}, id="hexagon"),
        pytest.param(["85195c07fffffff"], False, {"00123", "F2"}, id="larger hexagon"),
    ],
)
def test_firms_of_areas(codes: list[str], registered_only: bool, expected: set[str]) -> None:
    assert firms_inside(codes, PREMISES, CUSTOM, registered_only) == expected


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("Nottingham", "did you mean E06000018", id="a name"),
        pytest.param("E06000081", "did you mean E07000081", id="a digit"),
        pytest.param("mien", "or is it mine, of areas.custom", id="an area of your own"),
        pytest.param("ZZ", "no ONS area", id="letters of no postcode"),
        pytest.param("89195c05c3fffff", "no ONS area|smaller than those", id="no hexagon of ours"),
    ],
)
def test_areas_that_are_not_there(code: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        firms_inside([code], PREMISES, CUSTOM, False)


def test_cells_may_be_restricted_to_what_they_have() -> None:
    check_areas(["ZZ9", "mine", "88195c05c3fffff", "E12000005"], {"ZZ9"}, CUSTOM)
    with pytest.raises(UsageError, match="did you mean E06000018"):
        check_areas(["Nottingham"], {"ZZ9"}, CUSTOM)


@pytest.mark.parametrize(
    ("name", "filters", "message"),
    [
        pytest.param("firms", Filters(clusters=("spcae",)), "did you mean space", id="cluster misspelt"),
        pytest.param("firms", Filters(clusters=("shoes",)), "known: air, space", id="no such cluster"),
        pytest.param("firms", Filters(min_probability=93), "from 0 to 1", id="percent"),
        pytest.param("cells", Filters(min_probability=0.5), "cells are figures of areas", id="cells have none"),
    ],
)
def test_filters_that_cannot_be(name: str, filters: Filters, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        filters.check(name, TAXONOMY)


def test_the_note_tells_what_was_left_out(make: Make, provenance: Provenance, tmp_path: Path) -> None:
    filters = Filters(("air",), ("mine",), 0.5, MAY)
    made = replace(make("firms", filters), rows_left_out=4)
    written = write_list(made, tmp_path / "f.csv", "csv", provenance)
    note = json.loads((tmp_path / "f.csv.meta.json").read_text(encoding="utf-8"))
    assert (note["rows_left_out"], written.left_out) == (4, 4)
    assert note["filters"] == {
        "clusters": ["air"], "areas": ["mine"], "min_probability": 0.5, "entered_since": "2026-05-01",
    }  # fmt: skip


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--cluster", "air"], "orbit", id="cluster"),
        pytest.param(["--area", "E12000004", "--cluster", "air"], "orbit", id="region"),
        pytest.param(["--area", "E12000005"], "bread", id="another region"),
        pytest.param(["--area", "E12000005", "--cluster", "air"], None, id="both"),
        pytest.param(["--cluster", "space", "--entered-since", "2999-01-01"], None, id="nobody entered since"),
    ],
)
def test_the_command_restricts(
    listed: Workspace, firmscope: Command, tmp_path: Path, arguments: list[str], expected: str | None
) -> None:
    out = tmp_path / "f.csv"
    answer = firmscope("--workspace", listed.folder, "export", "firms", "--out", out, *arguments, "--bom")
    assert answer.code == 0, answer.err
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    found = [row["firm_id"] for row in _rows(out)]
    assert (expected in found) if expected else not found
    whole = listed.lake.read_arrow("firms", ["firm_id"]).num_rows
    assert f"{whole - len(found)} rows left out by the filters" in answer.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["scores", "--format", "kml"], "expected one of csv, parquet, xlsx", id="no place"),
        pytest.param(["cells", "--format", "kml"], "expected one of csv, parquet, xlsx, geojson", id="no points"),
        pytest.param(["firms", "--format", "xlsx", "--bom"], "--bom is for CSV", id="mark"),
        pytest.param(["firms", "--cluster", "spcae"], "did you mean space", id="cluster"),
        pytest.param(["firms", "--area", "Nottingham"], "did you mean E06000018", id="area"),
        pytest.param(["firms", "--entered-since", "yesterday"], "yesterday", id="day"),
        pytest.param(["firms", "--as-of", "yesterday"], "yesterday", id="moment"),
    ],
)
def test_the_command_refuses(
    listed: Workspace, firmscope: Command, tmp_path: Path, arguments: list[Any], message: str
) -> None:
    answer = firmscope("--workspace", listed.folder, "export", *arguments, "--out", tmp_path / "f")
    assert answer.code == 2
    assert message in " ".join(answer.err.replace("\u2502", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_the_list_as_of_a_run_is_the_list_of_then(listed: Workspace, firmscope: Command, tmp_path: Path) -> None:
    now, then = tmp_path / "now.csv", tmp_path / "then.csv"
    assert firmscope("--workspace", listed.folder, "export", "firms", "--out", now).code == 0
    run = json.loads((tmp_path / "now.csv.meta.json").read_text(encoding="utf-8"))["run_id"]
    answer = firmscope("--workspace", listed.folder, "export", "firms", "--as-of", run, "--out", then)
    assert answer.code == 0, answer.err
    assert then.read_bytes() == now.read_bytes()
