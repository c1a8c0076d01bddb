"""Columns of every export, once, as data: writers, ``DATA.md`` and the note beside each file follow this page.

New columns go to the end of their export: programs that read the ones of today by place go on working. The answer
columns stand behind all others, in files that people fill in (CSV and Excel) and in no other.
"""

from __future__ import annotations

from dataclasses import replace

from pipelines.tables import ASSIGNMENTS, CELLS, Column

FIRM_ID = Column("firm_id", "text", "the firm, as named in the imported firm list")
FIRMS_EXPORT = (
    FIRM_ID,
    Column("name", "text", "name as given"),
    Column("website", "text", "website as given", optional=True),
    Column("outcome", "text", "how the newest visit to the website ended, in one word"),
    Column("postcode", "text", "postcode at which the firm is counted", optional=True),
    Column("lad_code", "text", "local authority district at which the firm is counted, ONS code", optional=True),
    Column("employees", "float", "people employed, newest known figure", optional=True),
    Column("turnover_gbp", "float", "turnover in pounds sterling, newest known figure", optional=True),
    Column("sectors", "texts", "sectors the firm was put in, the most probable first; empty when it is in none"),
    Column("probabilities", "vector", "calibrated probability of each of these sectors, in the same order"),
    Column("since", "texts", "day since which the firm has been in each of these sectors without a break"),
    Column("evidence_sector", "text", "most probable sector that has a sentence to show", optional=True),
    Column("evidence_sentence", "text", "sentence of the website that carries most of that score", optional=True),
    Column("evidence_url", "text", "page of the sentence", optional=True),
    Column("left_out", "text", "why the firm is in no count; empty when it is counted", optional=True),
    Column("clusters", "texts", "clusters of the taxonomy that gather the firm, by its sectors or its SIC codes"),
    Column("company_number", "text", "Companies House number", optional=True),
    Column("status", "text", "status in the register, e.g. Active", optional=True),
    Column("incorporated_on", "date", "date of incorporation", optional=True),
    Column("dissolved_on", "date", "date of dissolution", optional=True),
    Column("sic_codes", "texts", "SIC 2007 codes, five digits each"),
    Column("district", "text", "name of the local authority district", optional=True),
    Column("region_code", "text", "region, or Wales, Scotland or Northern Ireland, ONS code", optional=True),
    Column("region", "text", "name of the region", optional=True),
    Column("lat", "float", "latitude of the place at which the firm is counted, degrees, WGS 84", optional=True),
    Column("lon", "float", "longitude of that place, degrees, WGS 84", optional=True),
    Column("h3", "text", "H3 cell of that place at resolution 8 (about 1 km)", optional=True),
    Column("employees_on", "date", "last day of the period that the employees refer to", optional=True),
    Column("employees_source", "text", "where the employees come from", optional=True),
    Column("employees_estimated", "bool", "the employees were estimated, not reported", optional=True),
    Column("turnover_on", "date", "last day of the period that the turnover refers to", optional=True),
    Column("turnover_source", "text", "where the turnover comes from", optional=True),
    Column("turnover_estimated", "bool", "the turnover was estimated, not reported", optional=True),
    Column("sector_names", "texts", "names of the sectors, in the order of sectors"),
    Column("evidence_terms", "texts", "terms that weigh most for evidence_sector", optional=True),
    Column(
        "nearest_names", "texts",
        "labelled firms nearest in meaning to it, for evidence_sector; an example text says that it is one",
        optional=True,
    ),
    Column("flags", "texts", "what to look at twice; see the list of flags of firms"),
    Column("remarks", "text", "what the distortion rules found where the firm takes part, in sentences", optional=True),
)  # fmt: skip
SCORES_EXPORT = (
    FIRM_ID,
    Column("sector", "text", "sector key; 'none' in the single row of a firm that was not scored"),
    Column("probability", "float", "calibrated probability, 0 to 1; empty for 'none'", optional=True),
    Column("assigned", "bool", "the firm was put in the sector"),
    Column("reason", "text", "why it was, or was not"),
)
CELLS_EXPORT = (
    *CELLS.columns[1:],
    Column("area_name", "text", "name of the area; its code where it has no other name"),
    Column("unit", "text", "unit of value, low, high and value_without", optional=True),
)
CELLS_KEY = CELLS.key
EVIDENCE_EXPORT = (
    FIRM_ID,
    Column("name", "text", "name as given"),
    *(
        replace(column, optional=True) if column.name == "since" else column
        for column in ASSIGNMENTS.columns[2:]
        if column.name != "text_digest"  # says nothing to a reader
    ),
    Column("near_miss", "bool", "the firm is not in the sector, which is the one that it came closest to"),
    Column("nearest_names", "texts", "names of the labelled firms; an example text says that it is one", optional=True),
)
EXPORTS: dict[str, tuple[Column, ...]] = {
    "firms": FIRMS_EXPORT,
    "scores": SCORES_EXPORT,
    "cells": CELLS_EXPORT,
    "evidence": EVIDENCE_EXPORT,
}

ANSWERS = (
    Column("list_run", "text", "run whose figures this list shows (Excel only); goes with answers", optional=True),
    Column("list_clusters", "texts", "clusters that this list was restricted to; empty: all", optional=True),
    Column(
        "wrong", "text",
        "for you to fill in: sectors that the firm is not in, joined by ;, or x where the row is about one sector",
        optional=True,
    ),
    Column("missing", "text", "for you to fill in: sectors that the firm is in and that are not named", optional=True),
)  # fmt: skip
ANSWERED = ("firms", "evidence")  # exports that come back with answers

_FIRM = {column.name: column for column in FIRMS_EXPORT}
_WHY = {column.name: column for column in EVIDENCE_EXPORT}
_WHY |= {
    "probability": Column("probability", "float", "calibrated probability of the sector, 0 to 1", optional=True),
    "threshold": Column("threshold", "float", "threshold of the sector", optional=True),
    "reason": Column("reason", "text", "why the firm is in the sector", optional=True),
}
_OF_FIRM = ("firm_id", "name", "website")
_OF_DECISION = ("probability", "threshold", "since", "reason", "evidence_sentence", "evidence_url", "evidence_terms",
                "nearest_names")  # fmt: skip
_OF_FIRM_TOO = (
    "postcode", "district", "region", "employees", "employees_on", "employees_source", "employees_estimated",
    "turnover_gbp", "turnover_on", "turnover_source", "turnover_estimated", "company_number", "status",
    "incorporated_on", "sic_codes", "flags", "remarks", "left_out",
)  # fmt: skip
CLUSTER_SHEET = (
    *(_FIRM[name] for name in _OF_FIRM),
    Column("cluster", "text", "key of the cluster that the sheet is about"),
    Column("sectors", "texts", "sectors through which the firm is in the cluster; empty: through its SIC codes"),
    *(_WHY[name] for name in _OF_DECISION),
    *(_FIRM[name] for name in _OF_FIRM_TOO),
    Column("other_sectors", "texts", "further sectors of the firm"),
)
"""Columns of a cluster's sheet: one row per firm of the cluster, with the evidence for this cluster and no other."""

FIRM_FLAGS: dict[str, str] = {
    "near_threshold": "The firm is in a sector whose threshold it passes by less than 0.1, or is kept in one below it.",
    "near_miss": "The firm is less than 0.1 below the threshold of a sector that it is not in.",
    "stale_words": "The website has changed since the firm was classified; the next classify reads the new words.",
    "old_words": "The newest visit could not read the website: the words are those of an earlier one.",
    "site_not_recognised": "Nothing on the website says that it is this firm's own.",
    "no_place": "No address of the firm is on the map.",
    "one_parent": "Several firms of one parent are registered at this address; they may be one business.",
    "address_factory": "The registered office is an address at which hundreds of unrelated firms are registered.",
    "giant": "The firm is larger than all others of a cluster in its square kilometre together.",
    "out_of_line_employees": "The employees do not go with the turnover, or with the year before.",
    "out_of_line_turnover": "The turnover does not go with the employees.",
}
NEAR = 0.1  # of probability: the band in which a second judge of the same pages often says otherwise; a convention
