"""Districts and what they make up: the shipped table, old codes, areas of one's own, columns for the roll-up."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.errors import UsageError
from pipelines.figure_settings import AreasConfig
from pipelines.geography.area_columns import AreaColumns, area_columns
from pipelines.geography.areas import BOUNDARIES, KINDS, Areas, Kind, areas_of, name_of, shipped
from pipelines.geography.lookup import Lookup

SIZES: dict[Kind, int] = {"country": 4, "region": 12, "utla": 218, "cauth": 15, "lad": 361}


@pytest.mark.parametrize(("kind", "count"), SIZES.items(), ids=SIZES)
def test_number_of_areas(kind: Kind, count: int) -> None:
    """Countries, regions with Wales, Scotland and Northern Ireland, upper tiers, combined authorities, districts."""
    assert len(shipped().codes(kind)) == count
    assert list(shipped().codes(kind)) == sorted(shipped().codes(kind))


def test_a_district() -> None:
    """A district of a county, with all it lies in."""
    found = areas_of("E07000172")
    assert [found.name(kind) for kind in KINDS] == [
        "England", "East Midlands", "Nottinghamshire", "East Midlands", "Broxtowe",
    ]  # fmt: skip
    assert [found.code(kind) for kind in KINDS] == [
        "E92000001", "E12000004", "E10000024", "E47000013", "E07000172",
    ]  # fmt: skip


OLD = {
    "Allerdale": ("E07000026", "Cumberland"),
    "Corby": ("E07000150", "North Northamptonshire"),
    "Daventry": ("E07000151", "West Northamptonshire"),
    "Taunton Deane, merged twice": ("E07000190", "Somerset"),
    "Somerset West and Taunton": ("E07000246", "Somerset"),
    "Harrogate": ("E07000165", "North Yorkshire"),
    "Waveney": ("E07000206", "East Suffolk"),
    "Wycombe": ("E07000007", "Buckinghamshire"),
    "Poole": ("E06000029", "Bournemouth, Christchurch and Poole"),
    "Purbeck": ("E07000051", "Dorset"),
    "Glasgow": ("S12000046", "Glasgow City"),
    "North Lanarkshire": ("S12000044", "North Lanarkshire"),
    "Sheffield": ("E08000019", "Sheffield"),
    "Fife": ("S12000015", "Fife"),
}


@pytest.mark.parametrize(("code", "name"), OLD.values(), ids=OLD)
def test_old_codes(code: str, name: str) -> None:
    """A code that is no more stands for what it became."""
    assert areas_of(code).lad_name == name


def test_every_change_leads_to_a_district_of_today() -> None:
    """No old code is a code of today, and none leads to another old one."""
    areas = shipped()
    today = set(areas.codes("lad"))
    assert today.isdisjoint(areas.changes)
    assert today.issuperset(areas.changes.values())


def test_the_directory_knows_the_same_districts(lookup: Lookup) -> None:
    """Every district of Great Britain has postcodes, and every postcode's district is in the table."""
    ours = {code for code in shipped().codes("lad") if not code.startswith("N")}
    assert set(lookup.districts) == ours


def test_no_code_of_one_kind_is_another_area_of_another_kind() -> None:
    """A code in a list of one's own can be of any kind, so it must mean one area only."""
    lads: dict[str, tuple[str, ...]] = {}
    for kind in KINDS:
        for code in shipped().codes(kind):
            members = tuple(d.lad_code for d in shipped().districts if d.code(kind) == code)
            assert lads.setdefault(code, members) == members


def test_names() -> None:
    """Areas of a kind have names; hexagons and areas of one's own are called by their code."""
    assert name_of("cauth", "E47000002") == "South Yorkshire"
    assert name_of("lad", "E07000083") == "North Gloucestershire"
    assert name_of("region", "W92000004") == "Wales"
    assert name_of("custom", "midlands_engine") == "midlands_engine"
    assert name_of("lad", "unknown") == "unknown"


def test_the_midlands_engine() -> None:
    """The default area of the configuration has 67 districts."""
    made = shipped().custom(AreasConfig().custom)
    assert len(made["midlands_engine"]) == 67
    assert {"E06000012", "E06000018", "E08000025"} <= made["midlands_engine"]
    assert "E06000014" not in made["midlands_engine"]  # York


MIXED = {
    "county": (["E10000024"], 7),
    "combined authority": (["E47000013"], 17),
    "county and a district of it": (["E10000024", "E07000172"], 7),
    "country": (["W92000004"], 22),
    "old district": (["E07000026"], 1),
    "districts": (["E06000018", "E06000015"], 2),
}


@pytest.mark.parametrize(("codes", "count"), MIXED.values(), ids=MIXED)
def test_areas_of_ones_own(codes: list[str], count: int) -> None:
    """A list takes codes of any kind, and counts each district once."""
    assert len(shipped().custom({"mine": codes})["mine"]) == count


WRONG = {
    "a digit short": ("E1200004", "did you mean E12000004 (East Midlands)?"),
    "a name": ("nottingham", "did you mean E06000018 (Nottingham)?"),
    "small letters": ("e06000018", "did you mean E06000018 (Nottingham)?"),
    "nothing like it": ("Mercia", "expected an ONS code of a district"),
    "empty": ("", "expected an ONS code of a district"),
}


@pytest.mark.parametrize(("code", "hint"), WRONG.values(), ids=WRONG)
def test_a_wrong_code(code: str, hint: str) -> None:
    """The message names the setting, the code and the nearest."""
    with pytest.raises(UsageError) as caught:
        shipped().custom({"mine": ["E12000004", code]})
    assert "areas.custom, mine" in str(caught.value)
    assert repr(code) in str(caught.value)
    assert hint in str(caught.value)


def test_an_empty_list() -> None:
    """An area of nothing would be a row of noughts."""
    with pytest.raises(UsageError, match="the list is empty"):
        shipped().custom({"mine": []})


def test_no_district() -> None:
    """A larger area is no district, and says so."""
    with pytest.raises(UsageError, match="E12000004 is no district"):
        areas_of("E12000004")


LADS = ["E06000018", None, "E07000026", "E06000016", "nonsense", None, "S12000049", "N09000003", None]
POSTCODES = ["NG7 2RD", "BT1 1AA", "CA13 0AA", None, "LE1 1AA", None, "G12 8QQ", "BT2 7AA", "GIR 0AA"]
HEXAGONS = ["b", None, "a", "b", None, None, "c", None, None]


def _columns(kinds: Sequence[str], custom: dict[str, list[str]] | None = None) -> AreaColumns:
    return area_columns(pa.array(LADS), pa.array(HEXAGONS), pa.array(POSTCODES), kinds, custom or {})


COLUMNS = {
    "lad": [
        "E06000018", "unknown", "E06000063", "E06000016", "unknown", "unknown", "S12000049", "N09000003", "unknown",
    ],
    "cauth": ["E47000013", *["unknown"] * 8],
    "utla": [
        "E06000018", "unknown", "E06000063", "E06000016", "unknown", "unknown", "S12000049", "N09000003", "unknown",
    ],
    "region": [
        "E12000004", "N92000002", "E12000002", "E12000004", "unknown", "unknown", "S92000003", "N92000002", "unknown",
    ],
    "country": [
        "E92000001", "N92000002", "E92000001", "E92000001", "unknown", "unknown", "S92000003", "N92000002", "unknown",
    ],
    "postcode_area": ["NG", "BT", "CA", "unknown", "LE", "unknown", "G", "BT", "GIR"],
    "h3": ["b", "unknown", "a", "b", "unknown", "unknown", "c", "unknown", "unknown"],
}  # fmt: skip


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns(kind: str) -> None:
    """Every address has one area of a kind, or stands at an unknown place; BT says Northern Ireland."""
    found = _columns([kind]).kinds
    assert list(found) == [kind]
    assert [found[kind].codes[place] for place in found[kind].place] == COLUMNS[kind]
    assert found[kind].codes[-1] == "unknown"
    assert list(found[kind].codes[:-1]) == sorted(set(found[kind].codes[:-1]))
    assert found[kind].place.dtype == np.int32


def test_custom_columns() -> None:
    """Areas of one's own overlap; one that takes in all of Northern Ireland has its addresses without a district."""
    custom = {
        "midlands": ["E12000004", "E12000005"],
        "city": ["E06000018"],
        "ni": ["N92000002"],
        "belfast": ["N09000003"],
    }
    found = _columns(["custom"], custom)
    assert {name: np.flatnonzero(inside).tolist() for name, inside in found.custom.items()} == {
        "midlands": [0, 3], "city": [0], "ni": [1, 7], "belfast": [7],
    }  # fmt: skip
    assert found.kinds == {}
    assert _columns(["lad"], custom).custom == {}
    assert found.no_districts == {"nonsense": 1}


def test_columns_of_nothing_and_of_chunks() -> None:
    """No address gives no rows; chunks and dictionaries are read like arrays."""
    kinds = [*COLUMNS, "custom"]
    none = area_columns(pa.array([], pa.string()), pa.nulls(0), pa.array([], pa.string()), kinds, {"a": ["E12000004"]})
    assert {len(column.place) for column in none.kinds.values()} == {0}
    assert len(none.custom["a"]) == 0
    nulls = area_columns(pa.nulls(2), pa.nulls(2), pa.nulls(2), kinds, {})
    assert {column.codes[place] for column in nulls.kinds.values() for place in column.place} == {"unknown"}
    whole = _columns(kinds)
    lads, hexagons = (pa.chunked_array([rows[:4], rows[4:]]) for rows in (pa.array(LADS), pa.array(HEXAGONS)))
    chunked = area_columns(lads, hexagons, pa.array(POSTCODES).dictionary_encode(), kinds, {})
    for kind in COLUMNS:
        assert chunked.kinds[kind].codes == whole.kinds[kind].codes
        assert np.array_equal(chunked.kinds[kind].place, whole.kinds[kind].place)


def test_boundaries_are_named() -> None:
    """The vintage that stands in every output."""
    assert "May 2025" in BOUNDARIES


@pytest.mark.realdata
def test_against_another_table(shared: Path) -> None:
    """Every district's areas and names are those of a table made by somebody else, but for one name.

    That table calls the combined authority of Sheffield by the name it had until 2021.
    """
    fields = ("lad25cd", "lad25nm", "utla25cd", "utla25nm", "rgncd", "rgnnm", "ctry", "cauthcd", "cauthnm")
    with (shared / "geo" / "lad25_utla_region_ca.csv").open(encoding="utf-8", newline="") as file:
        theirs = {tuple(row[field] for field in fields) for row in csv.DictReader(file)}
    ours = {
        (
            d.lad_code, d.lad_name, d.utla_code, d.utla_name, d.region_code, d.region_name, d.country_name,
            d.cauth_code, d.cauth_name.replace("South Yorkshire", "Sheffield City Region"),
        )
        for d in Areas.load().districts
    }  # fmt: skip
    assert ours == theirs


@pytest.mark.realdata
def test_the_midlands_engine_against_a_list(shared: Path) -> None:
    """The default area is that of the reports, district by district."""
    with (shared / "geo" / "midlands_engine_lad25.csv").open(encoding="utf-8", newline="") as file:
        theirs = {row["lad25cd"]: row["region"] for row in csv.DictReader(file)}
    assert shipped().custom(AreasConfig().custom)["midlands_engine"] == theirs.keys()
    assert {code: areas_of(code).region_name for code in theirs} == theirs
