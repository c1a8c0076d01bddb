"""Every metric of the table ``cells``, once: what it is, in which unit, by which formula, after whom.

What documentation, exports and the scorecard say of a metric is read from here. Longer than it looks: a figure with
``_corrected`` behind its name, and the owners of each country, follow from an entry and have none of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from pipelines.errors import TableError

Kind = Literal["count", "sum", "ratio", "index", "class"]

BUSINESSES, EMPLOYEES, GBP, SHARE = "businesses", "employees", "GBP", "share of 1"
CORRECTED = "_corrected"
OWNERS = "owners_<CC>"  # CC: ISO 3166 alpha-2 code in lower case, as in owners_us

_REGISTER = "Companies House company data"
_ACCOUNTS = "filed accounts, or as the firm list says"
_GROWTH = "compound growth; Eurostat-OECD Manual on Business Demography Statistics, 2007"
_STARS = "European Cluster Observatory, 2007: stars for size and specialisation; growth in the place of focus"
_QUOTIENT = "Florence 1939; interval after Moineddin, Beyene and Boyle 2003"
_HHI = "Hirschman 1964"


@dataclass(frozen=True)
class Metric:
    """One metric.

    ``additive``: parts of the country that do not overlap add up to the whole, so that a share of the UK means
    something. ``scorecard``: its number in the Midlands Engine scorecard, '' where it has none.
    """

    name: str
    title: str
    unit: str
    kind: Kind
    additive: bool
    formula: str
    source: str
    scorecard: str = ""


_BASE = (
    Metric(
        "businesses", "Businesses", BUSINESSES, "count", True,
        "firms assigned to the cluster that are not dissolved, each shared out over its premises; of a year: those "
        "alive on its last day", "classification; " + _REGISTER, "1.1",
    ),
    Metric(
        "employees", "Employees", EMPLOYEES, "sum", True,
        "sum over firms of the newest known number, or of the year's", _ACCOUNTS, "3.1",
    ),
    Metric(
        "turnover_gbp", "Turnover", GBP, "sum", True,
        "sum over firms of the newest known turnover, or of the year's", _ACCOUNTS, "1.3",
    ),
    Metric(
        "businesses_growth", "Growth of businesses", SHARE, "ratio", False,
        "firms alive at the end of the newest year / at the end of the base year - 1", _GROWTH, "1.2",
    ),
    Metric(
        "employees_growth", "Growth of employees", SHARE, "ratio", False,
        "employees in the newest year / in the base year - 1, of firms known in both", _GROWTH,
    ),
    Metric(
        "turnover_gbp_growth", "Growth of turnover", SHARE, "ratio", False,
        "turnover in the newest year / in the base year - 1, of firms known in both; not adjusted for prices", _GROWTH,
    ),
    Metric(
        "incorporations", "Incorporations", BUSINESSES, "count", True,
        "firms incorporated in the period, dissolved since or not", _REGISTER,
    ),
    Metric(
        "large_turnover_businesses", "Businesses with a large turnover", BUSINESSES, "count", True,
        "firms whose newest known turnover is at least rollup.large_turnover_gbp (100 million)", _ACCOUNTS,
    ),
    Metric(
        "high_growth_businesses", "High-growth businesses", BUSINESSES, "count", True,
        "firms that grew by more than 20 % a year over three years, from at least ten employees",
        "Eurostat-OECD Manual on Business Demography Statistics, 2007, chapter 8", "1.4",
    ),
    Metric(
        "high_growth_grants_businesses", "High-growth businesses with an Innovate UK grant", BUSINESSES, "count", True,
        "high-growth firms with at least one grant", "as high-growth businesses; Innovate UK funded projects",
    ),
    Metric(
        "high_growth_foreign_owned_businesses", "Foreign-owned high-growth businesses", BUSINESSES, "count", True,
        "high-growth firms whose immediate corporate owner is registered abroad",
        "as high-growth businesses; Companies House, people with significant control",
    ),
    Metric(
        "turnover_per_employee_gbp", "Turnover per employee", "GBP per employee", "ratio", False,
        "sum of turnover / sum of employees, of firms with both known", _ACCOUNTS,
    ),
    Metric(
        "foreign_owned_businesses", "Foreign-owned businesses", BUSINESSES, "count", True,
        "firms whose immediate corporate owner is registered abroad",
        "Companies House, people with significant control", "4.9",
    ),
    Metric(
        "foreign_owned_share", "Foreign-owned share", SHARE, "ratio", False,
        "foreign-owned businesses / businesses whose ownership is known",
        "Companies House, people with significant control",
    ),
    Metric(
        OWNERS, "Businesses owned from a country", BUSINESSES, "count", True,
        "firms whose immediate corporate owner is registered there; the countries with most firms only",
        "Companies House, people with significant control",
    ),
    Metric(
        "grants_gbp", "Innovate UK grants", GBP, "sum", True,
        "sum of the grants offered to the firms", "Innovate UK funded projects", "2.6",
    ),
    Metric(
        "grants_businesses", "Businesses with an Innovate UK grant", BUSINESSES, "count", True,
        "firms with at least one grant", "Innovate UK funded projects",
    ),
    Metric(
        "location_quotient", "Location quotient, businesses", "quotient", "index", False,
        "(cluster's firms here / firms here) / (cluster's firms / firms)", _QUOTIENT,
    ),
    Metric(
        "location_quotient_employees", "Location quotient, employees", "quotient", "index", False,
        "(cluster's employees here / employees here) / (cluster's employees / employees)", _QUOTIENT,
    ),
    Metric(
        "size_class", "Star for size", "1 or 0", "class", False,
        "1: among the tenth of areas of its kind with most employees of the cluster", _STARS,
    ),
    Metric(
        "specialisation_class", "Star for specialisation", "1 or 0", "class", False,
        "1: location quotient of at least 2, with an interval above 1", _STARS,
    ),
    Metric(
        "growth_class", "Star for growth", "1 or 0", "class", False,
        "1: growing, and among the tenth of areas of its kind that grew most", _STARS,
    ),
    Metric("stars", "Stars", "stars, 0 to 3", "class", False, "size + specialisation + growth", _STARS),
    Metric(
        "top_5_employees_share", "Share of the five largest firms in employees", SHARE, "ratio", False,
        "employees of the five largest firms here / employees of the cluster here", "concentration ratio CR5",
    ),
    Metric(
        "top_5_turnover_share", "Share of the five largest firms in turnover", SHARE, "ratio", False,
        "turnover of the five largest firms here / turnover of the cluster here", "concentration ratio CR5",
    ),
    Metric(
        "herfindahl_employees", "Herfindahl index of employees", "index, 0 to 1", "index", False,
        "sum over firms of (employees / employees of the cluster here) squared", _HHI,
    ),
    Metric(
        "herfindahl_turnover", "Herfindahl index of turnover", "index, 0 to 1", "index", False,
        "sum over firms of (turnover / turnover of the cluster here) squared", _HHI,
    ),
)  # fmt: skip


def _corrected(metric: Metric) -> Metric:
    return replace(
        metric,
        name=metric.name + CORRECTED,
        title=f"{metric.title}, corrected",
        formula=f"{metric.formula}; corrected for the classifier's errors (classifier/README.md)",
        scorecard="",
    )


CORRECTABLE = ("businesses", "employees", "turnover_gbp")
METRICS: dict[str, Metric] = {
    metric.name: metric
    for base in _BASE
    for metric in ((base, _corrected(base)) if base.name in CORRECTABLE else (base,))
}


def metric_of(name: str) -> Metric:
    """The metric of a name as it stands in ``cells``, ``owners_us`` among them.

    Raises:
        TableError: There is no such metric.
    """
    if name in METRICS:
        return METRICS[name]
    country = re.fullmatch(r"owners_([a-z]{2})", name)
    if country is None:
        raise TableError(f"there is no metric {name!r}; the metrics are {', '.join(METRICS)}")
    code = country[1].upper()
    return replace(METRICS[OWNERS], name=name, title=f"Businesses owned from {code}")
