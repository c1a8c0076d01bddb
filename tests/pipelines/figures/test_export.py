"""Exports: everyone is in them, nothing in them can run, and the same tables give the same bytes."""

import csv
import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.atomic import replacing
from pipelines.errors import TableError, UsageError
from pipelines.export import (
    EXPORTS,
    cells_export,
    evidence_export,
    firms_export,
    scores_export,
)
from pipelines.export_files import write_export
from pipelines.exporting.columns import ANSWERS
from pipelines.frames import as_frame, rows
from pipelines.reporting import ReportInput
from pipelines.store import Lake
from tests.pipelines.figures.sheets import FORMULA_STARTS, original_text

SCORES = [
    ("00123", "space_tech", 0.93, "model-1"),
    ("00123", "cyber", 0.04, "model-1"),
    ("00123", "cyber", 0.99, "model-0"),
    ("F7", "cyber", 0.2, "model-1"),
]


NEAR_MISSES = pd.DataFrame(
    {
        "firm_id": firm_id, "sector": sector, "probability": probability, "model_id": model_id, "threshold": 0.25,
        "evidence_url": "https://bakery.example/", "evidence_sentence": "=We guard, write to jo@orbit.example",
        "evidence_effect": -0.01, "evidence_terms": ["guard"], "evidence_weights": [0.25],
        "evidence_nearest": ["F8", "seed:cyber-01", "left-the-list"], "evidence_similarity": [0.5, 0.25, 0.125],
    }
    for firm_id, sector, probability, model_id in (
        ("F7", "cyber", 0.2, "model-1"), ("00123", "cyber", 0.04, "model-1"), ("F8", "aerospace", 0.3, "model-0"),
        ("GONE", "aerospace", 0.3, "model-1"),
    )
)  # fmt: skip


@pytest.fixture
def frames(tables: ReportInput) -> dict[str, pd.DataFrame]:
    """Every export of the small list."""
    return _frames(tables)


def _frames(tables: ReportInput) -> dict[str, pd.DataFrame]:
    scores = pd.DataFrame(SCORES, columns=["firm_id", "sector", "probability", "model_id"])
    return {
        "firms": firms_export(
            tables.taxonomy, tables.firms, tables.premises, tables.accounts, tables.sites, tables.assignments
        ),
        "scores": as_frame(scores_export(tables.taxonomy, tables.firms, tables.sites, scores, tables.assignments)),
        "cells": as_frame(cells_export(tables.taxonomy, tables.cells)),
        "evidence": evidence_export(tables.taxonomy, tables.firms, tables.assignments, NEAR_MISSES),
    }


def _read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def test_every_firm_is_in_every_list(tables: ReportInput, frames: dict[str, pd.DataFrame]) -> None:
    everyone = sorted(tables.firms["firm_id"])
    assert list(frames["firms"]["firm_id"]) == everyone
    assert sorted(set(frames["scores"]["firm_id"])) == everyone
    assert sorted(set(frames["evidence"]["firm_id"])) == everyone
    for name, frame in frames.items():
        assert list(frame.columns) == [column.name for column in EXPORTS[name]]


def test_firms_carry_their_facts_and_their_strongest_evidence(frames: dict[str, pd.DataFrame]) -> None:
    firms = {row["firm_id"]: row for row in frames["firms"].to_dict("records")}
    orbit = firms["00123"]
    assert (orbit["employees"], orbit["turnover_gbp"]) == (1200.0, 1_000_000.0)
    assert (orbit["postcode"], orbit["lad_code"]) == ("NG7 2RD", "E06000018")
    assert orbit["sectors"] == ["space_tech", "aerospace", "transport"]  # as probable as its parents, and narrower
    assert (orbit["evidence_sector"], orbit["evidence_sentence"]) == ("space_tech", "plain")
    assert orbit["since"] == ["2026-03-01"] * 3
    assert firms["F2"]["sectors"] == ["transport", "aerospace"]
    assert "[e-mail]" in firms["F2"]["evidence_sentence"]
    assert (firms["F5"]["outcome"], firms["F5"]["sectors"]) == ("not_attempted", [])
    assert (firms["F3"]["name"], firms["F5"]["name"], firms["F5"]["website"]) == ("NA", "null", None)
    assert {firm_id: row["left_out"] for firm_id, row in firms.items() if row["left_out"]} == {
        "F4": "dissolved on 2024-05-06",
        "F5": "no words: no text",
        "F6": "no words: no text",
    }


@pytest.mark.parametrize(
    ("firm_id", "expected"),
    [
        pytest.param(
            "00123",
            [
                ("transport", 0.93, True, "child assigned"),
                ("aerospace", 0.93, True, "child assigned"),
                ("space_tech", 0.93, True, "threshold passed"),
                ("cyber", 0.04, False, "threshold not passed"),
            ],
            id="scored; a former model's score is not shown",
        ),
        pytest.param("F7", [("cyber", 0.2, False, "threshold not passed")], id="scored and in none"),
        pytest.param("F6", [("none", None, False, "parked")], id="not read"),
        pytest.param("F5", [("none", None, False, "not_attempted")], id="never visited"),
    ],
)
def test_scores(frames: dict[str, pd.DataFrame], firm_id: str, expected: list[tuple[Any, ...]]) -> None:
    scores = frames["scores"]
    listed = scores[scores["firm_id"] == firm_id].drop(columns="firm_id").itertuples(index=False, name=None)
    assert list(listed) == expected


@pytest.mark.parametrize(
    ("assigned_none", "reason"), [(True, "too few words"), (False, "not_classified")], ids=["reason stated", "no row"]
)
def test_a_firm_that_was_read_and_not_scored(tables: ReportInput, assigned_none: bool, reason: str) -> None:
    kept = tables.assignments[tables.assignments["firm_id"] != "F7"]
    stated = tables.assignments[tables.assignments["firm_id"] == "F7"].assign(reason="too few words")
    assignments = pd.concat([kept, stated]) if assigned_none else kept
    nothing = pd.DataFrame({"firm_id": [], "sector": [], "probability": [], "model_id": []})
    scores = as_frame(scores_export(tables.taxonomy, tables.firms, tables.sites, nothing, assignments))
    assert scores.set_index("firm_id").loc["F7", "reason"] == reason


@pytest.mark.parametrize("name", EXPORTS)
def test_no_export_hands_on_an_e_mail_address(tables: ReportInput, name: str) -> None:
    assignments = tables.assignments.assign(
        reason="write to jo@orbit.example",
        evidence_url="https://two.example/about?write=jo@orbit.example",
        evidence_sentence="Jo, jo@orbit.example",
    )
    assignments["evidence_terms"] = [["jo@orbit.example", "satellite"]] * len(assignments)
    found = str(list(rows(_frames(replace(tables, assignments=assignments))[name], [c.name for c in EXPORTS[name]])))
    assert "jo@orbit.example" not in found
    assert name == "cells" or "[e-mail]" in found


def test_near_misses_are_marked_and_come_last(frames: dict[str, pd.DataFrame]) -> None:
    listed = list(rows(frames["evidence"], ["firm_id", "sector", "assigned", "near_miss", "reason", "since"]))
    near = {row[0]: row for row in listed if row[3]}
    assert near == {
        "00123": ("00123", "cyber", False, True, "0.21 below the threshold", None),
        "F7": ("F7", "cyber", False, True, "0.05 below the threshold", None),
    }  # not one of another model than decided, not one of a firm that left the list
    assert [row[1:4] for row in listed if row[0] == "00123"] == [
        ("transport", True, False), ("aerospace", True, False), ("space_tech", True, False), ("cyber", False, True),
    ]  # fmt: skip
    assert [row[1:4] for row in listed if row[0] == "F7"] == [("none", False, False), ("cyber", False, True)]


def test_nearest_labelled_firms_are_named(frames: dict[str, pd.DataFrame]) -> None:
    evidence = frames["evidence"]
    near = evidence[evidence["near_miss"]].iloc[0]
    names = dict(rows(frames["firms"], ("firm_id", "name")))
    assert near["nearest_names"] == [names["F8"], "example text cyber-01", "left-the-list"]
    assert near["evidence_similarity"] == [0.5, 0.25, 0.125]


def test_firms_that_no_classify_has_seen_say_so(tables: ReportInput) -> None:
    unseen = replace(tables, assignments=tables.assignments[tables.assignments["firm_id"] != "F7"])
    firms = _frames(unseen)["firms"].set_index("firm_id")["left_out"]
    assert (firms["F7"], firms["F4"], firms["F6"]) == (
        "not classified yet",
        "dissolved on 2024-05-06",
        "no words: no text",
    )


@pytest.mark.parametrize("name", EXPORTS)
def test_csv_is_safe_and_parquet_is_exact(
    tables: ReportInput, frames: dict[str, pd.DataFrame], tmp_path: Path, name: str
) -> None:
    texts = [column.name for column in EXPORTS[name] if column.kind in ("text", "texts")]
    sheet, machine = tmp_path / f"{name}.csv", tmp_path / f"{name}.parquet"
    written = write_export(name, frames[name], sheet, "csv", tables.provenance)
    write_export(name, frames[name], machine, "parquet", tables.provenance)
    cells = _read_csv(sheet)
    exact = pq.read_table(machine).to_pylist()
    assert len(cells) == len(exact) == written.rows == len(frames[name])
    for row, original in zip(cells, exact, strict=True):
        for column in texts:
            assert row[column].lstrip(" \"'")[:1] not in set(FORMULA_STARTS) or row[column].startswith("'")
            value = original[column]
            whole = ";".join(value) if isinstance(value, list) else value or ""
            assert original_text(row[column]) == whole
    assert b"\r\n" not in sheet.read_bytes()


def test_tables_that_went_through_the_lake_give_the_same_exports(tables: ReportInput, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", shards=2)
    lake.create()
    given = {
        "firms": tables.firms,
        "premises": tables.premises,
        "accounts": tables.accounts,
        "assignments": tables.assignments,
        "cells": tables.cells,
    }
    read: dict[str, Any] = {}
    for name, frame in given.items():
        listed = [dict(zip(frame.columns, row, strict=True)) for row in rows(frame, list(frame.columns))]
        lake.replace_all(name, listed, "run")
        read[name] = lake.read(name)
    lake.close()
    before, after = _frames(tables), _frames(replace(tables, **read))
    for name in EXPORTS:
        columns = [column.name for column in EXPORTS[name]]
        assert list(rows(after[name], columns)) == list(rows(before[name], columns))


def test_parquet_keeps_kinds_and_what_is_missing(
    tables: ReportInput, frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    write_export("firms", frames["firms"], tmp_path / "f.parquet", "parquet", tables.provenance)
    schema = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "f.parquet")}
    assert (schema["firm_id"], schema["employees"]) == ("string", "double")
    bakery = pq.read_table(tmp_path / "f.parquet").to_pylist()[6]
    assert (bakery["firm_id"], bakery["employees"], bakery["postcode"], bakery["sectors"]) == ("F7", None, None, [])


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("name", EXPORTS)
def test_the_same_tables_give_the_same_bytes(tables: ReportInput, tmp_path: Path, name: str, file_format: str) -> None:
    shuffled = {
        table: getattr(tables, table).sample(frac=1, random_state=4)
        for table in ("firms", "premises", "accounts", "sites", "assignments", "cells")
    }
    one, other = tmp_path / "one", tmp_path / "other"
    write_export(name, _frames(tables)[name], one, file_format, tables.provenance)
    write_export(name, _frames(replace(tables, **shuffled))[name], other, file_format, tables.provenance)
    assert one.read_bytes() == other.read_bytes()


def test_provenance_stands_beside_the_file(
    tables: ReportInput, frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    frame = frames["firms"].assign(name="a\x00b")
    written = write_export("firms", frame, tmp_path / "firms.csv", "csv", tables.provenance)
    note = json.loads((tmp_path / "firms.csv.meta.json").read_text(encoding="utf-8"))
    assert note["sha256"] == hashlib.sha256((tmp_path / "firms.csv").read_bytes()).hexdigest() == written.sha256
    assert (note["rows"], note["replaced_characters"]) == (8, 8)
    assert (note["run_id"], note["model_id"], note["data_date"]) == ("20260301T043000Z-ab12", "model-1", "2026-03-01")
    assert (note["taxonomy_id"], note["taxonomy_digest"]) == ("small", "a" * 64)
    assert list(note["columns"]) == [*frame.columns, *(column.name for column in ANSWERS[1:])]  # no run in every row


@pytest.mark.parametrize(
    ("name", "file_format", "path", "message"),
    [
        pytest.param("firms", "ods", "f", "'ods' is not known; expected one of csv, parquet, xlsx", id="format"),
        pytest.param("cells", "kml", "f", "cells cannot be had as kml; expected one of csv, parquet", id="no points"),
        pytest.param("firm", "csv", "f", "'firm' is not known; expected one of firms, scores", id="export"),
        pytest.param("firms", "csv", ".", "is a folder", id="folder"),
        pytest.param("firms", "csv", "no/f", "no does not exist", id="missing folder"),
    ],
)
def test_bad_requests_are_refused(
    tables: ReportInput,
    frames: dict[str, pd.DataFrame],
    tmp_path: Path,
    name: str,
    file_format: str,
    path: str,
    message: str,
) -> None:
    with pytest.raises(UsageError, match=message):
        write_export(name, frames["firms"], tmp_path / path, file_format, tables.provenance)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_export_is_refused(
    tables: ReportInput, frames: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    with pytest.raises(TableError, match="no column cluster"):
        write_export("cells", frames["firms"], tmp_path / "f", "csv", tables.provenance)


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), replacing(path) as stream:
        stream.writelines([b"half of the n", None])  # type: ignore[list-item]
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"old", [path])
    with replacing(path) as stream:
        stream.write(b"new")
        assert path.read_bytes() == b"old"
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"new", [path])
