"""A register made by dice of which everything is known, and its figures worked out firm by firm, in plain Python."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from labels.taxonomy import Sector, Taxonomy

TAXONOMY = Taxonomy(
    "truth",
    1,
    (Sector("transport", "Transport"), Sector("space", "Space", parents=("transport",)), Sector("agri", "Agri")),
    "b" * 64,
)  # fmt: skip
# District, region, letters of its postcodes; the last lies in no combined authority.
PLACES = [
    ("E06000018", "E12000004", "NG"), ("E08000025", "E12000005", "B"), ("E06000013", "E12000003", "DN"),
    ("E08000003", "E12000002", "M"), ("W06000015", "W92000004", "CF"),
]  # fmt: skip
MIDLANDS = {"E06000018", "E08000025", "E06000013"}
FIRST, NEWEST = 2015, 2024
BASE = 2019


IN_SECTORS: list[tuple[str, ...]] = [
    ("transport",), ("transport", "space"), ("agri",), ("transport", "space", "agri"), (), (),
]  # fmt: skip


@dataclass
class Firm:
    """One firm, all of it."""

    firm_id: str
    sectors: tuple[str, ...]
    begun: date
    ended: date | None
    sites: list[tuple[str, str]]  # postcode, district; the first is the registered office
    employees: dict[int, float] = field(default_factory=dict)
    turnover: dict[int, float] = field(default_factory=dict)
    owner: str | None = None
    foreign: bool | None = None
    grants: list[float] = field(default_factory=list)

    def alive(self, year: int) -> bool:
        """Whether it stood in the register on the last day of a year."""
        return self.begun <= date(year, 12, 31) and (self.ended is None or self.ended > date(year, 12, 31))


def register(firms: int, seed: int) -> list[Firm]:
    """Firms of all kinds."""
    dice = random.Random(seed)
    found = []
    for number in range(firms):
        begun = date(dice.randint(2005, 2024), dice.randint(1, 12), dice.randint(1, 28))
        ended = None
        if dice.random() < 0.2 and begun.year < 2023:
            ended = date(dice.randint(begun.year + 1, 2024), dice.randint(1, 12), dice.randint(1, 28))
        sites = []
        for place in dice.sample(PLACES, dice.choice([1, 1, 1, 2, 3])):
            sites.append((f"{place[2]}{dice.randint(1, 9)} {dice.randint(1, 9)}AA", place[0]))
        firm = Firm(
            f"F{number:04d}", dice.choice(IN_SECTORS),
            begun, ended, sites,
        )  # fmt: skip
        size, growth = dice.choice([3.0, 12.0, 40.0, 900.0]), dice.choice([0.9, 1.0, 1.1, 1.3])
        for year in range(max(begun.year + 1, FIRST), min(ended.year if ended else 2025, 2025)):
            if dice.random() < 0.9:
                firm.employees[year] = round(size * growth ** (year - FIRST))
            if dice.random() < 0.4:
                firm.turnover[year] = round(size * growth ** (year - FIRST) * dice.choice([90_000, 300_000]))
        firm.foreign = dice.choice([True, False, False, None])
        if firm.foreign:
            firm.owner = dice.choice(["US", "DE", "FR", "US"])
        firm.grants = [float(dice.randint(1, 500) * 1000) for _ in range(dice.choice([0, 0, 0, 1, 2]))]
        found.append(firm)
    return found


def frames(firms: list[Firm]) -> dict[str, Any]:
    """The register as tables, and everybody read."""
    return {
        "firms": pd.DataFrame([
            {"firm_id": firm.firm_id, "name": firm.firm_id, "status": "Active", "incorporated_on": firm.begun,
             "dissolved_on": firm.ended, "foreign_owned": firm.foreign, "owner_country": firm.owner,
             "register_date": date(2024, 12, 31)} for firm in firms
        ]),
        "premises": pd.DataFrame([
            {"firm_id": firm.firm_id, "postcode": postcode, "lad_code": lad,
             "source": "register" if not at else "website", "kind": "trading" if at else "registered"}
            for firm in firms for at, (postcode, lad) in enumerate(firm.sites)
        ]),
        "accounts": pd.DataFrame([
            {"firm_id": firm.firm_id, "period_end": date(year, 3, 31), "employees": firm.employees.get(year),
             "turnover_gbp": firm.turnover.get(year), "source": "accounts", "imputed": False}
            for firm in firms for year in sorted({*firm.employees, *firm.turnover})
        ]),
        "assignments": pd.DataFrame([
            {"firm_id": firm.firm_id, "sector": sector, "assigned": sector != "none", "reason": "", "probability": 1.0}
            for firm in firms for sector in firm.sectors or ("none",)
        ]),
        "grants": pd.DataFrame([
            {"firm_id": firm.firm_id, "project": f"{firm.firm_id}-{at}", "offered_gbp": gbp, "withdrawn": False,
             "source": "x", "year": 2020} for firm in firms for at, gbp in enumerate(firm.grants)
        ]),
        "readable": [firm.firm_id for firm in firms],
    }  # fmt: skip


def worked(firms: list[Firm], cluster: str, lads: set[str] | None) -> dict[tuple[str, str], float | None]:
    """Every figure of a cluster in an area (a set of districts; None: everywhere), by equal split: metric, period."""
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    top: defaultdict[str, list[float]] = defaultdict(list)
    ends: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    both = [0.0, 0.0]
    owned = 0.0
    for firm in firms:
        inside = [lad for _, lad in firm.sites if lads is None or lad in lads]
        part = len(inside) / len(firm.sites)
        if cluster not in firm.sectors or not part:
            continue
        for year in range(FIRST, NEWEST + 1):
            if firm.alive(year):
                sums["businesses", str(year)] += part
            if firm.begun.year == year:
                sums["incorporations", str(year)] += part
            if year in firm.employees:
                sums["employees", str(year)] += part * firm.employees[year]
            if year in firm.turnover:
                sums["turnover_gbp", str(year)] += part * firm.turnover[year]
        if BASE < firm.begun.year <= NEWEST:
            sums["incorporations", f"{BASE + 1}-{NEWEST}"] += part
        for name, known in (("employees", firm.employees), ("turnover_gbp", firm.turnover)):
            if BASE in known and NEWEST in known:
                ends[name][0] += part * known[BASE]
                ends[name][1] += part * known[NEWEST]
        if firm.ended:
            continue
        sums["businesses", "latest"] += part
        jobs = firm.employees[max(firm.employees)] if firm.employees else None
        sales = firm.turnover[max(firm.turnover)] if firm.turnover else None
        for name, value in (("employees", jobs), ("turnover_gbp", sales)):
            if value is not None:
                sums[name, "latest"] += part * value
                top[name].append(part * value)
        if jobs and sales is not None:
            both[0] += part * sales
            both[1] += part * jobs
        if sales is not None:
            sums["large_turnover_businesses", "latest"] += part * (sales >= 100e6)
        start, end = firm.employees.get(NEWEST - 3), firm.employees.get(NEWEST)
        if start is not None and end is not None and start >= 10:
            high = (end / start) ** (1 / 3) - 1 > 0.2
            sums["high_growth_businesses", "latest"] += part * high
            sums["high_growth_foreign_owned_businesses", "latest"] += part * (high and firm.foreign is True)
            sums["high_growth_grants_businesses", "latest"] += part * (high and bool(firm.grants))
        if firm.foreign is not None:
            owned += part
            sums["foreign_owned_businesses", "latest"] += part * firm.foreign
        if firm.owner:
            sums[f"owners_{firm.owner.lower()}", "latest"] += part
        sums["grants_gbp", "latest"] += part * sum(firm.grants)
        sums["grants_businesses", "latest"] += part * bool(firm.grants)
    found: dict[tuple[str, str], float | None] = dict(sums)
    period = f"{BASE}-{NEWEST}"
    if sums["businesses", str(BASE)]:
        found["businesses_growth", period] = sums["businesses", str(NEWEST)] / sums["businesses", str(BASE)] - 1
    for name, (start, end) in ends.items():
        if start:
            found[f"{name}_growth", period] = end / start - 1
    if owned:
        found["foreign_owned_share", "latest"] = sums["foreign_owned_businesses", "latest"] / owned
    if both[1]:
        found["turnover_per_employee_gbp", "latest"] = both[0] / both[1]
    for name, values in top.items():
        short = name.removesuffix("_gbp")
        if sum(values):
            found[f"top_5_{short}_share", "latest"] = sum(sorted(values)[-5:]) / sum(values)
            found[f"herfindahl_{short}", "latest"] = sum((value / sum(values)) ** 2 for value in values)
    return found
