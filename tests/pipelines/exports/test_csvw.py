"""The description of cells.csv fits the file, by the rules of CSVW (W3C, Metadata Vocabulary for Tabular Data)."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipelines.export_files import write_list
from pipelines.exporting.columns import CELLS_EXPORT
from pipelines.provenance import Provenance
from tests.pipelines.exports.conftest import Make

# Members that the vocabulary gives to each kind of description; others have to be names with a prefix.
TABLE = {"@context", "@id", "@type", "url", "dialect", "notes", "tableDirection", "tableSchema", "transformations",
         "suppressOutput"}  # fmt: skip
SCHEMA = {"columns", "foreignKeys", "primaryKey", "rowTitles"}
COLUMN = {"name", "suppressOutput", "titles", "virtual"}
INHERITED = {"aboutUrl", "datatype", "default", "lang", "null", "ordered", "propertyUrl", "required", "separator",
             "textDirection", "valueUrl"}  # fmt: skip
DIALECT = {"commentPrefix", "delimiter", "doubleQuote", "encoding", "header", "headerRowCount", "lineTerminators",
           "quoteChar", "skipBlankRows", "skipColumns", "skipInitialSpace", "skipRows", "trim"}  # fmt: skip
PREFIXES = {"dc", "schema"}  # of the vocabulary's initial context
LEXICAL = {
    "string": re.compile(r".*", re.DOTALL),
    "integer": re.compile(r"[+-]?[0-9]+"),
    "double": re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|-?INF"),
    "boolean": re.compile("true|false"),
}


@pytest.fixture
def written(make: Make, provenance: Provenance, tmp_path: Path) -> Path:
    write_list(make("cells"), tmp_path / "my cells.csv", "csv", provenance)
    return tmp_path / "my cells.csv"


def _described(path: Path) -> Any:
    return json.loads(path.with_name(f"{path.name}-metadata.json").read_text(encoding="utf-8"))


def _is_prefixed(name: str) -> bool:
    return name.partition(":")[0] in PREFIXES and bool(name.partition(":")[2])


def test_members_are_those_of_the_vocabulary(written: Path) -> None:
    table = _described(written)
    assert table["@context"][0] == "http://www.w3.org/ns/csvw"
    assert table["url"] == "my%20cells.csv"
    for described, known in (
        (table, TABLE), (table["tableSchema"], SCHEMA), (table["dialect"], DIALECT),
        *((column, COLUMN | INHERITED) for column in table["tableSchema"]["columns"]),
    ):  # fmt: skip
        assert not [name for name in described if name not in known and not _is_prefixed(name)]
    assert "dc:license" not in table


def test_columns_are_those_of_the_file_and_its_cells_are_of_their_kind(written: Path) -> None:
    table = _described(written)
    header, *rows = csv.reader(io.StringIO(written.read_text(encoding="utf-8"), newline=""))
    columns = table["tableSchema"]["columns"]
    assert [column["name"] for column in columns] == header == [column.name for column in CELLS_EXPORT]
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", column["name"]) for column in columns)
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        assert column["name"] in column["titles"]  # by which a reader knows the header
        assert column["dc:description"]
        for value in values:
            parts = value.split(column["separator"]) if "separator" in column else [value]
            if value == column["null"]:
                assert not column.get("required"), column["name"]
            else:
                assert all(LEXICAL[column["datatype"]].fullmatch(part) for part in parts), (column["name"], value)


def test_the_key_is_one(written: Path) -> None:
    table = _described(written)
    rows = list(csv.DictReader(io.StringIO(written.read_text(encoding="utf-8"), newline="")))
    key = table["tableSchema"]["primaryKey"]
    assert len({tuple(row[name] for name in key) for row in rows}) == len(rows) == 7
    required = {column["name"] for column in table["tableSchema"]["columns"] if column.get("required")}
    assert set(key) <= required


def test_units_and_names_stand_in_every_row(written: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(written.read_text(encoding="utf-8"), newline="")))
    assert {(row["metric"], row["unit"]) for row in rows} == {
        ("businesses", "businesses"), ("employees", "employees"), ("growth", ""),  # no metric of the catalogue
    }  # fmt: skip
    assert {row["area_name"] for row in rows} >= {"Nottingham", "all", "mine"}


def test_only_cells_as_csv_are_described(make: Make, provenance: Provenance, tmp_path: Path) -> None:
    write_list(make("cells"), tmp_path / "c.parquet", "parquet", provenance)
    write_list(make("firms"), tmp_path / "f.csv", "csv", provenance)
    assert not list(tmp_path.glob("*-metadata.json"))
