"""``DATA.md`` says what the schemas say."""

from __future__ import annotations

from pathlib import Path

from pipelines.data_dictionary import data_dictionary
from pipelines.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]

# Columns that other programs build on; design.md fixes them, and removing one breaks somebody's night.
STABLE = {
    "firms": "firm_id name website company_number status incorporated_on dissolved_on sic_codes parent_id "
    "foreign_owned",
    "premises": "firm_id postcode kind source lat lon lad_code h3",
    "accounts": "firm_id period_end employees turnover_gbp source imputed",
    "fetches": "firm_id url outcome http_status fetched_at etag last_modified body_digest text_digest archive_ref",
    "pages": "firm_id url title language text text_digest kind",
    "matches": "firm_id site score reasons matched",
    "embeddings": "text_digest encoder_id vector",
    "scores": "firm_id sector probability model_id text_digest",
    "assignments": "firm_id sector assigned reason evidence_url evidence_sentence evidence_terms evidence_nearest "
    "since",
    "cells": "cluster area_kind area_code metric value low high n coverage flags period",
    "runs": "run_id stage started_at ended_at outcome counts fingerprints",
}


def test_the_dictionary_in_the_repository_is_the_generated_one() -> None:
    assert (ROOT / "DATA.md").read_text(encoding="utf-8") == data_dictionary(), "run: make data-dictionary"


def test_stable_columns_are_there() -> None:
    for name, columns in STABLE.items():
        assert set(columns.split()) <= set(TABLES[name].names), name


def test_every_table_is_sharded_and_keyed() -> None:
    for table in TABLES.values():
        assert table.names[0] == "shard"
        assert set(table.key) <= set(table.names)
        assert len(set(table.names)) == len(table.names)
        assert all(column.meaning for column in table.columns)
