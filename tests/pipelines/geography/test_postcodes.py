"""Postcodes: how they are read, where they lie, and why some lie nowhere."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.geography.lookup import Lookup
from pipelines.geography.postcodes import REASONS, Places, placed, postcode_area, postcode_of
from pipelines.geography.towns import distance_km
from pipelines.schemas import arrow_schema
from pipelines.tables import PREMISES

READ = {
    "usual form": ("NG7 2RD", "NG7 2RD"),
    "small letters, no blank": ("ng72rd", "NG7 2RD"),
    "blanks about and within": ("  NG7   2RD ", "NG7 2RD"),
    "no-break space": ("NG7\u00a02RD", "NG7 2RD"),
    "byte-order mark": ("\ufeffNG7 2RD", "NG7 2RD"),
    "tab and line end": ("NG7\t2RD\r\n", "NG7 2RD"),
    "one letter": ("B1 1AA", "B1 1AA"),
    "letter behind": ("EC1A 1BB", "EC1A 1BB"),
    "letter behind one digit": ("W1A 0AX", "W1A 0AX"),
    "district 0": ("BL0 9AA", "BL0 9AA"),
    "Newport's first": ("NPT 0AA", "NPT 0AA"),
    "Girobank": ("gir0aa", "GIR 0AA"),
    "O for 0, inward": ("W1A OAX", "W1A 0AX"),
    "O for 0, district": ("BLO 9AA", "BL0 9AA"),
    "O for 0, ten": ("N1O 1AA", "N10 1AA"),
    "0 for O, first": ("0X1 2JD", "OX1 2JD"),
    "0 for O, second": ("S014 3AB", "SO14 3AB"),
    "0 for O, one digit": ("P01 2AB", "PO1 2AB"),
    "I for 1": ("BI IAA", "B1 1AA"),
    "1 for I": ("1P1 1AA", "IP1 1AA"),
    "O stays O": ("CO4 3AB", "CO4 3AB"),
    "half": ("NG7", None),
    "digit at the end": ("NG7 2R0", None),
    "no area of one letter has a district 0": ("B0 1AA", None),
    "Ascension": ("ASCN 1ZZ", None),
    "American": ("90210", None),
    "two": ("NG7 2RD NG7 2RE", None),
    "empty": ("", None),
    "nothing": (None, None),
    "long": ("N" * 100_000, None),
    "formula": ("=1+1", None),
    "full-width digits": ("NG\uff17 2RD", None),
}


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ)
def test_reading(text: str | None, expected: str | None) -> None:
    """A postcode in its usual form, or nothing."""
    assert postcode_of(text) == expected


@given(st.text(alphabet="ABCOIPS0123456789 \u00a0oi", max_size=9))
def test_reading_twice_changes_nothing(text: str) -> None:
    """What was read is read as itself."""
    found = postcode_of(text)
    assert found is None or postcode_of(found) == found


def test_every_postcode_of_the_directory_is_read_as_itself(lookup: Lookup) -> None:
    """No rule about slips turns a real postcode into another, or refuses it."""
    assert [text for text in lookup.postcodes()[::7] if postcode_of(text) != text] == []


@pytest.mark.parametrize(
    ("postcode", "area"),
    [("NG7 2RD", "NG"), ("B1 1AA", "B"), ("EC1A 1BB", "EC"), ("NPT 0AA", "NPT"), ("GIR 0AA", "GIR")],
)
def test_area(postcode: str, area: str) -> None:
    """The letters at the beginning."""
    assert postcode_area(postcode) == area


FOUND = {
    "University of Nottingham": ("NG7 2RD", 52.9397, -1.1880, "E06000018"),
    "Buckingham Palace": ("SW1A 1AA", 51.5010, -0.1416, "E09000033"),
    "University of Glasgow": ("G12 8QQ", 55.8721, -4.2882, "S12000049"),
    "Birmingham Council House": ("B1 1BB", 52.4800, -1.9030, "E08000025"),
    "Cardiff City Hall": ("CF10 3ND", 51.4850, -3.1779, "W06000015"),
    "University of Leicester": ("LE1 7RH", 52.6211, -1.1246, "E06000016"),
    "Carlisle, Cumberland since 2023": ("CA3 8NA", 54.8930, -2.9350, "E06000063"),
    "withdrawn": ("AB1 0AA", 57.1015, -2.2429, "S12000033"),
}


@pytest.mark.parametrize(("postcode", "lat", "lon", "lad"), FOUND.values(), ids=FOUND)
def test_places(places: Places, postcode: str, lat: float, lon: float, lad: str) -> None:
    """Within 300 metres of where maps have it, in the district of 2025."""
    found = places.find([postcode])
    assert distance_km(found.lat[0], found.lon[0], lat, lon) < 0.3
    assert found.lad_code.to_pylist() == [lad]
    assert found.reason.to_pylist() == [None]


NOWHERE = {
    "null": (None, "no_postcode"),
    "empty": ("", "no_postcode"),
    "blanks": (" \u00a0 ", "no_postcode"),
    "words": ("Nottingham", "malformed"),
    "half": ("NG7", "malformed"),
    "no such": ("ZZ1 1ZZ", "unknown"),
    "no such end": ("NG7 9ZZ", "unknown"),
    "without a place": ("GIR 0AA", "no_coordinate"),
    "Belfast": ("BT1 1AA", "northern_ireland"),
    "Belfast, as typed": ("bti 1aa", "northern_ireland"),
    "Jersey": ("JE2 3AB", "crown_dependency"),
    "Guernsey": ("GY1 1AA", "crown_dependency"),
    "Man": ("IM1 1AA", "crown_dependency"),
}


@pytest.mark.parametrize(("text", "reason"), NOWHERE.values(), ids=NOWHERE)
def test_reasons(places: Places, text: str | None, reason: str) -> None:
    """Every text that has no place has one reason, and nothing else."""
    found = places.find([text])
    assert found.reason.to_pylist() == [reason]
    assert reason in REASONS
    assert np.isnan(found.lat[0])
    assert np.isnan(found.lon[0])
    assert found.lad_code.to_pylist() == found.h3.to_pylist() == [None]
    assert found.unplaced() == {reason: 1}


def test_rows_keep_their_order_whatever_holds_them(places: Places) -> None:
    """A list, an array, chunks and a dictionary give one answer, row by row."""
    texts = ["NG7 2RD", None, "ng72rd", "BT1 1AA", "G12 8QQ", "NG7 2RD", "x"]
    array = pa.array(texts)
    answers = [
        places.find(given)
        for given in (texts, array, pa.chunked_array([array[:3], array[3:]]), array.dictionary_encode(), array[0:])
    ]
    for found in answers:
        assert found.lad_code.to_pylist() == ["E06000018", None, "E06000018", None, "S12000049", "E06000018", None]
        assert found.reason.to_pylist() == [None, "no_postcode", None, "northern_ireland", None, None, "malformed"]
        assert np.array_equal(found.lat, answers[0].lat, equal_nan=True)
        assert found.h3.to_pylist() == answers[0].h3.to_pylist()
    assert places.find(array[3:5]).lad_code.to_pylist() == [None, "S12000049"]


@pytest.mark.parametrize("empty", [[], pa.array([], pa.string()), pa.nulls(0)], ids=["list", "array", "null type"])
def test_no_postcodes(places: Places, empty: Any) -> None:
    """Nothing is found for nothing."""
    found = places.find(empty)
    assert len(found.lat) == len(found.h3) == len(found.reason) == 0


def test_a_million_postcodes(places: Places, lookup: Lookup) -> None:
    """Every postcode is found at its own place, a million of them in under five seconds of processor time."""
    every = pa.array(lookup.postcodes())
    rows = np.random.default_rng(5).permutation(len(every))[:1_000_000]
    texts = every.take(pa.array(rows))
    start = time.process_time()
    found = places.find(texts)
    seconds = time.process_time() - start
    there = ~np.isnan(found.lat)
    assert np.array_equal(found.lat[there], lookup.lat[rows][there] / 1e6)
    assert np.array_equal(~there, found.reason.is_valid().to_numpy(zero_copy_only=False))
    assert found.h3.null_count == int((~there).sum())
    assert set(found.unplaced()) == {"no_coordinate"}
    assert seconds < 5


@pytest.mark.realdata
def test_outcodes(lookup: Lookup, shared: Path) -> None:
    """The middle and the main district of every outward half agree with a table made by somebody else."""
    with (shared / "geo" / "outcodes_gb.csv").open(encoding="utf-8", newline="") as file:
        table = {row["out"]: row for row in csv.DictReader(file)}
    outward = lookup.key // 6760
    there = lookup.lat != np.iinfo(np.int32).min
    far, other, seen = [], [], 0
    for number, name in enumerate(lookup.outwards):
        rows = np.flatnonzero((outward == number) & there) if name in table else np.zeros(0, dtype=np.int64)
        if len(rows) < 20:
            continue
        seen += 1
        lat, lon = lookup.lat[rows].mean() / 1e6, lookup.lon[rows].mean() / 1e6
        if distance_km(lat, lon, float(table[name]["lat"]), float(table[name]["lon"])) > 0.5:
            far.append(name)
        main = lookup.districts[int(np.bincount(lookup.district[rows]).argmax())]
        if main != table[name]["lad25cd"]:
            other.append(name)
    assert seen > 2_500
    assert far == []
    assert other == []


def _premises(**columns: list[Any]) -> pa.Table:
    rows = len(next(iter(columns.values())))
    given = {
        "firm_id": [f"f{row}" for row in range(rows)],
        "kind": ["registered"] * rows,
        "source": ["imported"] * rows,
    }
    schema = arrow_schema(PREMISES, [name for name in PREMISES.names if name != "shard"])
    given |= columns
    return pa.table({one.name: pa.array(given.get(one.name, [None] * rows), one.type) for one in schema}, schema=schema)


def test_only_what_is_missing_is_filled_in(places: Places) -> None:
    """Coordinates and districts that came with a row stay; the hexagon is that of the row's own coordinates."""
    found = places.find(["NG7 2RD", "G12 8QQ"])
    here, there = found.h3.to_pylist()
    table = placed(
        _premises(
            postcode=["NG7 2RD", "NG7 2RD", "NG7 2RD", "NG7 2RD", None, "BT1 1AA"],
            lat=[None, float(found.lat[1]), None, 55.0, float(found.lat[1]), None],
            lon=[None, float(found.lon[1]), None, None, float(found.lon[1]), None],
            lad_code=[None, None, "E07000026", None, None, "N09000003"],
        ),
        places,
    )
    assert table["lad_code"].to_pylist() == ["E06000018", "E06000018", "E07000026", "E06000018", None, "N09000003"]
    assert table["h3"].to_pylist() == [here, there, here, here, there, None]
    assert table["lat"].to_pylist() == [*(float(found.lat[at]) for at in (0, 1, 0, 0, 1)), None]
    assert table["unplaced"].to_pylist() == [None] * 5 + ["northern_ireland"]
    assert placed(table, places).equals(table)


def test_reasons_that_stay(places: Places) -> None:
    """Coordinates off the earth are no place, and a row without a postcode keeps the reason it came with."""
    table = placed(
        _premises(
            postcode=["NG7 2RD", None, None, "NG7 2RD"],
            lat=[952.9, None, None, None],
            lon=[-1.2, None, None, None],
            unplaced=[None, "malformed", None, "unknown"],
        ),
        places,
    )
    assert table["unplaced"].to_pylist() == ["bad_coordinates", "malformed", "no_postcode", None]
    assert table["lat"].to_pylist()[:3] == [952.9, None, None]
    assert table["h3"].is_valid().to_pylist() == [False, False, False, True]


def test_no_premises(places: Places) -> None:
    """An empty table stays one."""
    assert placed(_premises(postcode=[]), places).num_rows == 0
