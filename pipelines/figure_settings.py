"""Settings of figures: what they take for granted, and the areas that they are worked out for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.settings import Section

# East Midlands, West Midlands, North East and North Lincolnshire: 67 districts. No official list is published.
_MIDLANDS_ENGINE = ("E12000004", "E12000005", "E06000012", "E06000013")


class RollupConfig(Section):
    """What figures take for granted."""

    unread_firms: Literal["left_out", "like_read_of_same_size_and_age"] = Field(
        "left_out",
        description="corrected figures leave firms that could not be read out, or take them to be like others",
    )
    allocation: Literal["equal", "employees", "registered"] = Field(
        "equal",
        description="how a firm is shared out over its addresses: equally, by employees at each where known, or all of "
        "it at the registered office",
    )
    counting: Literal["whole", "fractional"] = Field(
        "whole", description="a firm of several sectors counts in full in each (whole), or in equal parts (fractional)"
    )
    amount_sources: list[str] = Field(
        default_factory=lambda: ["accounts", "firm_list"],
        description="sources of employees and turnover, the one to believe first; sources not named come last",
    )
    missing_amounts: Literal["left_out", "by_sector_and_size"] = Field(
        "left_out",
        description="firms without employees or turnover: left out of sums, or estimated from like firms of the sector",
    )
    distortions: Literal["flag", "group_by_parent", "trim"] = Field(
        "flag",
        description="what distorts a figure is flagged, or firms of one parent count as one, or it is trimmed",
    )
    base_year: int = Field(
        0, ge=0, le=2200, description="year that growth is measured from; 0: five years before the newest full year"
    )
    years: int = Field(10, ge=1, le=50, description="years for which figures are worked out, up to the newest full one")
    high_growth_measure: Literal["employees", "turnover_gbp"] = Field(
        "employees", description="what a high-growth firm grows in"
    )
    high_growth_rate: float = Field(
        0.2, gt=0, le=10, description="growth a year, on average, above which a firm is high-growth (OECD: 0.2)"
    )
    high_growth_years: int = Field(3, ge=1, le=10, description="years over which that growth is measured (OECD: 3)")
    high_growth_employees: float = Field(
        10, ge=0, description="employees at the start of those years, at least (OECD: 10)"
    )
    large_turnover_gbp: float = Field(
        100_000_000, gt=0, description="turnover from which a company counts as large, pounds"
    )
    quotient_firms: int = Field(
        5, ge=1, description="firms of the cluster in an area from which its location quotient is given"
    )
    suppress_below: int = Field(
        0,
        ge=0,
        description="figures of fewer firms than this are withheld, with others that would give them away; 0: none",
    )
    dominance: float = Field(
        0, ge=0, le=1,
        description="sums of which the largest firm holds more than this share are withheld, e.g. 0.75; 0: none",
    )  # fmt: skip


AreaKind = Literal["country", "region", "utla", "cauth", "lad", "custom", "postcode_area", "h3"]


AREA_KINDS: tuple[AreaKind, ...] = ("country", "region", "cauth", "utla", "lad", "custom", "postcode_area", "h3")


class AreasConfig(Section):
    """Which places figures are made for."""

    kinds: list[AreaKind] = Field(
        default_factory=lambda: list(AREA_KINDS),
        description="kinds of area beside the whole list; cauth: combined authority, utla: upper tier, lad: district",
    )
    custom: dict[str, list[str]] = Field(
        default_factory=lambda: {"midlands_engine": list(_MIDLANDS_ENGINE)},
        description="areas of your own, as lists of district, upper-tier, combined authority or region codes",
    )


class ReportConfig(Section):
    """What the report compares."""

    area: str = Field(
        "", description="code or key of the area that stands beside the whole list; empty: the first of areas.custom"
    )
    side_by_side: list[str] = Field(
        default_factory=list, description="clusters in the table of proportions; none: all of them"
    )
