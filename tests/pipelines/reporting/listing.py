"""A list with several years, places, tiers and a cluster of SIC codes alone, large enough for quotients and growth."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from labels.taxonomy import Cluster, Sector, Taxonomy
from pipelines.figure_settings import AreasConfig, RollupConfig
from pipelines.provenance import Provenance
from pipelines.reporting import ReportInput
from pipelines.rollup import rules_text
from tests.pipelines.figures.rolling import roll

TAXONOMY = Taxonomy(
    "years",
    2,
    (
        Sector("mobility", "Mobility", "super", (), "Moving people and goods."),
        Sector("rail", "Rail", "established", ("mobility",), "Trains."),
        Sector("cyber", "Cyber <i>& co", "new_economy", (), "Security."),
        Sector("nobody", "Nobody", "new_economy", (), "No firm is here."),
    ),
    "c" * 64,
    (Cluster("bakers", "Bakers", "established", (), ("1071",)),),
)
LADS = ("E06000018", "E08000025", "E09000001", "E06000012")
AREAS = AreasConfig(kinds=["region", "lad", "custom"], custom={"midlands_engine": ["E12000004", "E12000005"]})
FIRMS = 60


_made: dict[str, ReportInput] = {}


def listing(rules: RollupConfig | None = None, areas: AreasConfig = AREAS, firms: int = FIRMS) -> ReportInput:
    """Tables of the list, with cells rolled up from them under these rules; made once, and not to be changed."""
    rules = rules or RollupConfig()
    key = f"{rules!r} {areas!r} {firms}"
    if key not in _made:
        _made[key] = _listing(rules, areas, firms)
    return _made[key]


def _listing(rules: RollupConfig, areas: AreasConfig, firms: int) -> ReportInput:
    ids = [f"F{place:03}" for place in range(firms)]
    listed = pd.DataFrame(
        {
            "firm_id": ids,
            "name": [f"Firm {place}" for place in range(firms)],
            "website": None,
            "status": ["Dissolved" if place % 20 == 19 else "Active" for place in range(firms)],
            "incorporated_on": [date(2012 + place % 12, 5, 1) for place in range(firms)],
            "dissolved_on": [date(2024, 3, 1) if place % 20 == 19 else None for place in range(firms)],
            "sic_codes": [["10710"] if place % 5 == 0 else ["62020"] for place in range(firms)],
        }
    )
    rows = []
    for place, firm_id in enumerate(ids):
        sectors = ["mobility", "rail"] if place % 3 == 0 else ["mobility"] if place % 3 == 1 else ["cyber"]
        for sector in sectors:
            rows.append((firm_id, sector, True, "threshold passed", 0.9, "We do this.", "https://firm.example/"))
    assignments = pd.DataFrame(
        rows,
        columns=["firm_id", "sector", "assigned", "reason", "probability", "evidence_sentence", "evidence_url"],
    ).assign(since=pd.Timestamp("2026-03-01", tz="UTC"), threshold=0.5, model_id="model-1")
    assignments["evidence_terms"] = [["we"]] * len(assignments)
    assignments["evidence_nearest"] = [["seed:one"]] * len(assignments)
    premises = pd.DataFrame(
        {
            "firm_id": ids,
            "postcode": None,
            "kind": "registered",
            "source": "register",
            "lad_code": [LADS[place * place % 7 % 4] for place in range(firms)],
        }
    )
    accounts = pd.DataFrame(
        [
            (
                firm_id,
                date(year, 12, 31),
                5.0 + place + (year - 2018) * (place % 4),
                1e5 * (place + 1),
                "accounts",
                False,
            )
            for place, firm_id in enumerate(ids)
            for year in range(2018, 2026)
            if place % 7
        ],
        columns=["firm_id", "period_end", "employees", "turnover_gbp", "source", "imputed"],
    )
    tables: dict[str, Any] = {"firms": listed, "premises": premises, "accounts": accounts}
    readable = frozenset(firm_id for place, firm_id in enumerate(ids) if place % 11)
    made = roll(TAXONOMY, **tables, readable=readable, assignments=assignments, rules=rules, kinds=areas)
    sites = pd.DataFrame({"firm_id": ids, "outcome": "ok", "reason": "read", "final_url": None})
    return ReportInput(
        taxonomy=TAXONOMY,
        provenance=Provenance.of(TAXONOMY, "run", "2026-03-01", "model-1", rules_text(rules), "May 2025"),
        sites=sites,
        readable=readable,
        assignments=assignments,
        cells=pd.DataFrame(made.cells.to_pylist()),
        area_names={"E06000018": "Nottingham", "E08000025": "Birmingham"},
        **tables,
    )
