"""Say what the columns of a CSV file mean, as the W3C's Metadata Vocabulary for Tabular Data (CSVW, 2015) has it.

CSVW and not SDMX-CSV: it describes the plain file that everybody can open, where SDMX-CSV needs a structure definition
kept by an agency, which lists of your own sectors do not have. The terms of SDMX for area, period and value are named
in it. A licence is left to who publishes: add ``"dc:license": {"@id": "https://..."}``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pipelines.exporting.columns import CELLS_KEY
from pipelines.exporting.made import Page
from pipelines.exporting.plain import JOINER
from pipelines.statistics.catalogue import METRICS
from pipelines.tables import Column

SUFFIX = "-metadata.json"  # behind the file's name: where a reader of CSVW looks first
CONTEXT = ["http://www.w3.org/ns/csvw", {"@language": "en"}]
_SDMX = "http://purl.org/linked-data/sdmx/2009/"
_TERMS = {
    "area_code": f"{_SDMX}dimension#refArea",
    "period": f"{_SDMX}dimension#refPeriod",
    "value": f"{_SDMX}measure#obsValue",
    "unit": f"{_SDMX}attribute#unitMeasure",
}
_TYPES = {
    "text": "string", "texts": "string", "int": "integer", "float": "double", "vector": "double", "bool": "boolean",
    "date": "date", "instant": "dateTimeStamp",
}  # fmt: skip
_UNITS = {"coverage": "share of 1", "uk_share": "share of 1", "imputed_share": "share of 1", "n": "firms"}


def cells_metadata(page: Page, file: str) -> dict[str, Any]:
    """The metadata document of a CSV file of cells.

    Args:
        page: As it was written.
        file: Name of the CSV file, in whose folder the document is to lie.
    """
    said = page.provenance
    return {
        "@context": CONTEXT,
        "url": quote(file),
        "dc:title": f"Cluster figures by area: taxonomy {said.taxonomy_id} version {said.taxonomy_version}",
        "dc:description": (
            "One row per cluster, area, metric and period. Clusters overlap: they do not add up to all firms. "
            f"Areas: {said.boundaries or 'see the column boundaries'}. Run {said.run_id}, model {said.model_id}."
        ),
        **({"dc:date": said.data_date} if said.data_date else {}),
        "dialect": {"encoding": "utf-8", "header": True, "delimiter": ",", "lineTerminators": ["\n"]},
        "tableSchema": {
            "columns": [_column(column, column.name in CELLS_KEY) for column in page.columns],
            "primaryKey": list(CELLS_KEY),
        },
        "notes": [
            {"metric": metric.name, "title": metric.title, "unit": metric.unit, "formula": metric.formula}
            for metric in METRICS.values()
        ],
    }


def _column(column: Column, key: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": column.name,
        "titles": [column.name, column.name.replace("_", " ")] if "_" in column.name else [column.name],
        "dc:description": column.meaning,
        "datatype": _TYPES[column.kind],
    }
    if column.name in _UNITS:
        found["schema:unitText"] = _UNITS[column.name]
    if column.name in _TERMS:
        found["propertyUrl"] = _TERMS[column.name]
    if column.kind in ("texts", "vector"):
        found["separator"] = JOINER
    if key or not column.optional:
        found["required"] = column.kind not in ("texts", "vector")  # an empty list is an empty cell
    found["null"] = ""
    return found
