"""A small list of firms with every oddity that roll-up, exports and report must survive, as tables."""

from datetime import UTC, date, datetime

import pandas as pd
import pytest

from labels.taxonomy import Sector, Taxonomy
from pipelines.provenance import Provenance
from pipelines.reporting import ReportInput
from tests.pipelines.figures.rolling import roll

SINCE = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
HOSTILE_NAME = '<script>alert(1)</script></title>\N{RIGHT-TO-LEFT OVERRIDE}txt.exe & "Sons" {{7*7}} \''
HOSTILE_SENTENCE = '</q></td><img src=x onerror=alert(1)> We build "satellites". Ask sales@orbit.example for more.'

TAXONOMY = Taxonomy(
    "small",
    3,
    (
        Sector("transport", "Transport <b>technologies</b>", "super", (), "Vehicles & </style> vessels."),
        Sector("aerospace", "Aerospace", "established", ("transport",), "Aircraft."),
        Sector("textiles", "Textiles", "established", (), "Cloth."),
        Sector("space_tech", "Space technologies", "new_economy", ("aerospace", "transport"), "Satellites."),
        Sector("cyber", "Cyber", "new_economy", (), "Security of systems."),
    ),
    "a" * 64,
)

# firm_id, name, website, status, dissolved_on
FIRMS = [
    ("00123", HOSTILE_NAME, "https://orbit.example/", "Active", None),
    ("F2", "=1+1", "javascript:alert(1)", "Active", None),
    ("F3", "NA", "http://user:secret@wings.example/", None, None),
    ("F4", "Dead Ltd", "https://dead.example/", "Dissolved", date(2024, 5, 6)),
    ("F5", "null", None, None, None),
    ("F6", "Parked \N{ROCKET}", "parked.example", "Active", None),
    ("F7", "Plain Bakery", "https://bakery.example/", "Active", None),
    ("F8", "Guard & Co", "https://guard.example/", "Active", None),
]
# firm_id, postcode, kind, source, lad_code
PREMISES = [
    ("00123", "NG7 2RD", "registered", "firm_list", "E06000018"),
    ("00123", "B1 1BB", "trading", "website", "E08000025"),
    ("F2", "NG1 5FS", "registered", "firm_list", None),
    ("F3", "b3 3dq", "registered", "firm_list", "E08000025"),
    ("F4", "B3 3DQ", "registered", "firm_list", "E08000025"),
    ("F8", "LE1 1AA", "trading", "website", "E06000016"),
    ("F8", "LE1 1AB", "trading", "website", "E06000016"),
]
# firm_id, period_end, employees, turnover_gbp, source, imputed
ACCOUNTS = [
    ("00123", date(2024, 3, 31), 900.0, 1_000_000.0, "accounts", False),
    ("00123", date(2025, 3, 31), 1200.0, None, "accounts", False),
    ("F2", date(2025, 12, 31), 34.0, None, "firm_list", True),
    ("F4", date(2023, 12, 31), 5_000.0, 7_000_000.0, "accounts", False),
    ("F8", date(2025, 12, 31), None, None, "firm_list", False),
]
# firm_id, outcome, reason, final_url, pages
SITES = [
    ("00123", "ok", "read", "https://www.orbit.example/", 4),
    ("F2", "ok", "read", None, 2),
    ("F3", "ok", "read", "https://wings.example/", 3),
    ("F4", "connect_failed", "nothing answered", None, 0),
    ("F6", "parked", "<b>for sale</b>, write to owner@parked.example", None, 0),
    ("F7", "ok", "read", "https://bakery.example/", 1),
    ("F8", "ok", "read", "https://guard.example/", 1),
]
# firm_id, sector, assigned, reason, probability, evidence_url, evidence_sentence
ASSIGNMENTS = [
    ("00123", "transport", True, "child assigned", 0.93, None, None),
    ("00123", "aerospace", True, "child assigned", 0.93, "javascript:alert(2)", "We fly."),
    ("00123", "space_tech", True, "threshold passed", 0.93, "https://www.orbit.example/a?x=1&y=<2>", "plain"),
    ("F2", "transport", True, "child assigned", 0.999, "https://two.example/about", HOSTILE_SENTENCE),
    ("F2", "aerospace", True, "threshold passed", 0.71, "https://two.example/about", "-5 degrees"),
    ("F3", "transport", True, "threshold passed", None, None, None),
    ("F4", "cyber", True, "threshold passed", 0.9, None, None),
    ("F5", "none", False, "no text", None, None, None),
    ("F6", "none", False, "no text", None, None, None),
    ("F7", "none", False, "no sector passed its threshold", 0.2, None, None),
    ("F8", "cyber", True, "threshold passed", 0.66, "https://guard.example/", "@cmd and more"),
    ("GONE", "cyber", True, "threshold passed", 0.8, None, None),
]
READABLE = frozenset({"00123", "F2", "F3", "F7", "F8"})


@pytest.fixture
def tables() -> ReportInput:
    """All tables of the small list, with cells rolled up from them."""
    return small_list()


def small_list() -> ReportInput:
    """The same, for fixtures that serve a whole module."""
    firms = pd.DataFrame(FIRMS, columns=["firm_id", "name", "website", "status", "dissolved_on"])
    premises = pd.DataFrame(PREMISES, columns=["firm_id", "postcode", "kind", "source", "lad_code"])
    accounts = pd.DataFrame(
        ACCOUNTS, columns=["firm_id", "period_end", "employees", "turnover_gbp", "source", "imputed"]
    )
    sites = pd.DataFrame(SITES, columns=["firm_id", "outcome", "reason", "final_url", "pages"])
    assignments = pd.DataFrame(
        ASSIGNMENTS,
        columns=["firm_id", "sector", "assigned", "reason", "probability", "evidence_url", "evidence_sentence"],
    ).assign(threshold=0.5, model_id="model-1", since=pd.Timestamp(SINCE))
    assignments.loc[assignments["reason"] == "no text", "model_id"] = None
    assignments["evidence_terms"] = [["satellite", "=orbit"]] * len(assignments)
    assignments["evidence_nearest"] = [["seed:=one", "F2"]] * len(assignments)
    assignments["evidence_effect"] = 0.25
    assignments["evidence_weights"] = [[1.5, 0.1]] * len(assignments)
    assignments["evidence_similarity"] = [[0.71, 0.5]] * len(assignments)
    cells = pd.DataFrame(roll(TAXONOMY, firms, premises, accounts, READABLE, assignments).cells.to_pylist())
    return ReportInput(
        taxonomy=TAXONOMY,
        provenance=Provenance.of(TAXONOMY, "20260301T043000Z-ab12", "2026-03-01", "model-1"),
        firms=firms,
        premises=premises,
        accounts=accounts,
        sites=sites,
        readable=READABLE,
        assignments=assignments,
        cells=cells,
        area_names={"E06000018": "Nottingham", "E08000025": "Birmingham"},
    )
