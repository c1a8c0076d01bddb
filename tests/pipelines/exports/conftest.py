"""A hostile little list as an export sees it, and a real workspace whose lists are handed over and come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from labels.taxonomy import Cluster, Sector, Taxonomy
from pipelines.classifying import run_classify
from pipelines.export import cells_export, evidence_export, firms_export, scores_export
from pipelines.exporting.facts import Beside
from pipelines.exporting.filters import Filters
from pipelines.exporting.made import MadeList
from pipelines.provenance import Provenance
from pipelines.runs import start_run
from pipelines.screen import Screen
from pipelines.workspace import Workspace
from tests.pipelines.taught import taught

SINCE = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
LATER = datetime(2026, 5, 1, tzinfo=UTC)
RUN = "20260301T043000Z-ab12"
LONG = "=" + "\N{ROCKET}" * 20_000  # 40,000 units of UTF-16
TAXONOMY = Taxonomy(
    "small",
    3,
    (
        Sector("air", "Air: planes/jets [all]"),
        Sector("space", "=SUM(A1)", parents=("air",)),
        Sector("cyber", "About"),
        Sector("cyber_two", "'ABOUT'"),
        Sector("empty", "Nobody is in it"),
    ),
    "a" * 64,
    (Cluster("secure", "Security " * 8, sectors=("cyber", "cyber_two"), sic=("62",)),),
)
FIRMS = pd.DataFrame(
    [
        ("00123", "=1+1", "https://orbit.example/", "OC123456", "Active", date(1899, 5, 6), None, ["30300"]),
        ("F2", "+44 <b>&\"'</b>", "javascript:alert(1)", None, None, date(2001, 2, 3), None, []),
        ("F3", "#N/A", None, None, None, None, None, ["62012"]),
        ("F4", "_x003D_1+1\r\nnew line", None, None, None, None, None, []),
        ("F5", "\ud800half\x00\x07", None, None, "Dissolved", None, date(2024, 5, 6), []),
    ],
    columns=[
        "firm_id", "name", "website", "company_number", "status", "incorporated_on", "dissolved_on", "sic_codes",
    ],
    dtype=object,  # half a pair is no text to pandas
)  # fmt: skip
PREMISES = pd.DataFrame(
    [
        ("00123", "NG7 2RD", "registered", "register", 52.95, -1.15, "E06000018", "88195c059dfffff"),
        ("00123", "B4 7XG", "trading", "website", 52.48, -1.88, "E08000025", "88195c05c3fffff"),
        ("F2", "B4 7XG", "registered", "register", 52.48, -1.88, "E08000025", "88195c05c3fffff"),
        ("F3", "BT1 1AA", "registered", "register", None, None, None, None),
    ],
    columns=["firm_id", "postcode", "kind", "source", "lat", "lon", "lad_code", "h3"],
)
SITES = pd.DataFrame(
    [("00123", "ok", "read", 0, SINCE), ("F2", "timeout", "no answer", 2, SINCE), ("F4", "ok", "read", 0, SINCE)],
    columns=["firm_id", "outcome", "reason", "failures", "last_ok_at"],
)
# firm_id, sector, probability, threshold, since, evidence_sentence
ASSIGNED = [
    ("00123", "air", 0.95, 0.5, SINCE, "@We fly"),
    ("00123", "space", 0.93, 0.5, LATER, "\uff1dcmd|' /C calc'!A0"),
    ("F2", "cyber", 0.55, 0.5, SINCE, LONG),
    ("F2", "cyber_two", 0.9, 0.4, LATER, None),
    ("F5", "cyber", 0.8, 0.5, SINCE, "write to jo@dead.example"),
]
ASSIGNMENTS = pd.DataFrame(
    [
        *((*row, True, "m1", "passed") for row in ASSIGNED),
        ("F3", "none", None, None, SINCE, None, False, None, "no text"),
        ("F4", "none", 0.45, 0.5, SINCE, None, False, "m1", "below"),
    ],
    columns=[
        "firm_id", "sector", "probability", "threshold", "since", "evidence_sentence", "assigned", "model_id", "reason",
    ],
).assign(
    evidence_url="https://two.example/", evidence_effect=0.25
)  # fmt: skip
ASSIGNMENTS["evidence_terms"] = [["=orbit", "satellite"]] * len(ASSIGNMENTS)
ASSIGNMENTS["evidence_nearest"] = [["seed:=one", "F2"]] * len(ASSIGNMENTS)
ASSIGNMENTS["evidence_weights"] = [[1.5, 0.1]] * len(ASSIGNMENTS)
ASSIGNMENTS["evidence_similarity"] = [[0.71, 0.5]] * len(ASSIGNMENTS)
NEAR_MISSES = ASSIGNMENTS[ASSIGNMENTS["firm_id"] == "F4"].assign(sector="air").drop(columns=["since", "reason"])
SETTLED = pa.table(
    {
        "firm_id": ["00123", "00123", "F2"],
        "period_end": [date(2024, 3, 31), date(2025, 3, 31), date(2025, 1, 1)],
        "employees": [900.0, 1200.0, -5.0],
        "employees_source": ["accounts", "accounts", "firm_list"],
        "employees_imputed": [False, False, True],
        "turnover_gbp": [1e6, None, 0.1],
        "turnover_source": ["accounts", None, "firm_list"],
        "turnover_imputed": [False, False, False],
    }
)
ACCOUNTS = pd.DataFrame(
    [
        ("00123", date(2024, 3, 31), 900.0, 1e6, "accounts", False),
        ("00123", date(2025, 3, 31), 1200.0, None, "accounts", False),
        ("F2", date(2025, 1, 1), -5.0, 0.1, "firm_list", True),
    ],
    columns=["firm_id", "period_end", "employees", "turnover_gbp", "source", "imputed"],
)
BESIDE = Beside(
    settled=SETTLED,
    near_misses=NEAR_MISSES,
    matches=pd.DataFrame([("F2", False), ("00123", True), ("00123", False)], columns=["firm_id", "matched"]),
    distortions=pd.DataFrame(
        [
            ("giant", ["00123", "F2"], "=One has 90%."),
            ("giant", ["00123"], "=One has 90%."),
            ("one_parent", ["F2"], "B."),
        ],
        columns=["kind", "firm_ids", "sentence"],
    ),
    classified=frozenset({"00123", "F4"}),
)
CELLS = pd.DataFrame(
    [
        ("air", "all", "all", "businesses", "latest", 1.0, None, None, 1, 0.5, ["uncorrected", "no_interval"]),
        ("air", "h3", "88195c059dfffff", "businesses", "latest", 0.5, 0.1, 0.9, 1, 1.0, ["uncorrected"]),
        ("air", "h3", "88195c059dfffff", "employees", "latest", 600.0, None, None, 1, 1.0, ["suppressed"]),
        ("air", "h3", "unknown", "businesses", "latest", None, None, None, 0, 0.0, []),
        ("air", "lad", "E06000018", "growth", "2019-2024", -0.25, None, None, 1, 1e-05, []),
        ("secure", "h3", "88195c059dfffff", "businesses", "2024", 0.5, None, None, 1, 1.0, []),
        ("secure", "custom", "mine", "businesses", "latest", 0.5, None, None, 1, 1.0, []),
    ],
    columns=[
        "cluster", "area_kind", "area_code", "metric", "period", "value", "low", "high", "n", "coverage", "flags",
    ],
).assign(
    uk_share=None, rank=None, value_without=None, imputed_share=None, rules="r", boundaries="b"
)  # fmt: skip
SCORES = pd.DataFrame([("00123", "cyber", 0.04, "m1")], columns=["firm_id", "sector", "probability", "model_id"])

Make = Callable[..., MadeList]


@pytest.fixture
def make() -> Make:
    """A list of the small world, in any order of rows."""

    def made(name: str, filters: Filters | None = None, seed: int | None = None) -> MadeList:
        def mixed(frame: pd.DataFrame) -> pd.DataFrame:
            return frame if seed is None else frame.sample(frac=1, random_state=seed)

        firms, assignments = mixed(FIRMS), mixed(ASSIGNMENTS)
        evidence = evidence_export(TAXONOMY, firms, assignments, mixed(NEAR_MISSES))
        lists: dict[str, Callable[[], pd.DataFrame | pa.Table]] = {
            "firms": lambda: firms_export(
                TAXONOMY, firms, mixed(PREMISES), mixed(ACCOUNTS), mixed(SITES), assignments, BESIDE
            ),
            "scores": lambda: scores_export(TAXONOMY, firms, mixed(SITES), mixed(SCORES), assignments),
            "cells": lambda: cells_export(TAXONOMY, mixed(CELLS)),
            "evidence": lambda: evidence,
        }
        held = evidence[evidence["assigned"].astype(bool)]
        coverage = {"firms": len(FIRMS), "classified": 2}
        return MadeList(
            name, lists[name](), filters or Filters(), 0, coverage, TAXONOMY, held if name == "firms" else None
        )

    return made


@pytest.fixture
def provenance() -> Provenance:
    """Of the small world."""
    return Provenance.of(TAXONOMY, RUN, "2026-03-01", "m1", "rules", "boundaries")


NEW = {
    "orbit": "Welcome to our website. We build satellites and rockets that carry a payload into orbit. We are few.",
    "bread": "We bake bread and cakes. Our cafes are in the old market square. We have been here for twenty years.",
}
PLACES = {
    "orbit": ("NG7 2RD", 52.95, -1.19, "E06000018", "8819409b37fffff"),
    "bread": ("B4 7XG", 52.48, -1.88, "E08000025", "88195c05c3fffff"),
}


@pytest.fixture(scope="session")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Two firms on the map, classified by a real model; only judgements are ever added."""
    from pipelines.publishing import run_rollup

    workspace = taught(Path(tmp_path_factory.mktemp("exports")), NEW, "https://a-firm.example/")
    with start_run(workspace, "import premises") as run:
        rows = [
            {
                "firm_id": firm_id, "postcode": postcode, "kind": "registered", "source": "imported", "lat": lat,
                "lon": lon, "lad_code": lad_code, "h3": h3,
            }
            for firm_id, (postcode, lat, lon, lad_code, h3) in PLACES.items()
        ]  # fmt: skip
        workspace.lake.replace_all("premises", rows, run.run_id)
    with start_run(workspace, "classify") as run:
        run_classify(run, Screen())
    with start_run(workspace, "rollup") as run:
        run_rollup(run)
    yield workspace
    workspace.lake.close()
