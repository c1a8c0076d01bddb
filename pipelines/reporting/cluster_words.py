"""What a cluster's page says in sentences: how sure the figures are, what a rank is worth, which borders are crossed.

A sentence is said only when the cells bear it out; of several bases of a correction each is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pipelines.reporting.cell_index import Cell
from pipelines.reporting.wording import FLAG_LABELS
from pipelines.rollup import FLAGS

GROWTH_NAMES = {
    "businesses_growth": "Growth of businesses",
    "employees_growth": "Growth of employees",
    "turnover_gbp_growth": "Growth of turnover",
}
AREA_TITLES = {
    "lad": "Local authority districts", "postcode_area": "Postcode areas", "region": "Regions and nations",
    "cauth": "Combined authorities", "custom": "Areas of your own",
}  # fmt: skip
ECOSYSTEM_NAMES = {
    "business": "Business", "innovation": "Innovation", "talent": "Talent", "investment": "Investment",
}  # fmt: skip
DISTORTION_NOTES = {
    "one_parent": "one of many of one owner",
    "address_factory": "at an address of very many firms",
    "giant": "a giant of the cluster",
    "out_of_line_employees": "employees out of line",
    "out_of_line_turnover": "turnover out of line",
}
BY_CODE_NOTE = "by SIC code"
NOT_READ_NOTE = "not read any more"
SAID = ("uncorrected", "no_interval", "no_value", "suppressed", "gathered")
"""Flags that a page says in a sentence, or in the place of the figure, and not as a mark beside it."""

SCORE_LABELS = {
    "several_sources": "several sources", "share_if_additive": "share only of a sum",
    "computed_instead": "also published",
}  # fmt: skip
MADE_UP = "The corrected figures make up for the classifier's mistakes."
_BASES = ("corrected_by_audit", "corrected_by_error_rates", "from_training_errors")
_PROVISOS = ("single_coder", "giants_uncorrected", "unread_like_read")
GOOD_F1, FAIR_F1 = 0.8, 0.6
"""Words for an F1, a convention: at 0.8 about one firm in five is misplaced or missed, at 0.6 two in five."""


def how_sure(
    corrected: Cell | None, measured: Mapping[str, Any] | None, codes: Literal["none", "some", "all"], read: str
) -> list[str]:
    """Two or three sentences on what the figures rest on.

    Args:
        corrected: Firms of the cluster in the whole list, corrected; None where nothing was.
        measured: ``f1``, ``ece`` and ``includes`` of the model on the firms it was trained with, as its bundle says;
            None where it does not.
        codes: Whether SIC codes bring none, some or all of the firms into the cluster.
        read: Coverage in words, e.g. 92%; empty where it is withheld.
    """
    if codes == "all":
        return [
            "Firms are in this cluster by SIC code alone: what they told Companies House, not what their websites say. "
            "No classifier looked for others, and nothing is corrected."
        ]
    if not read:
        said = []
    elif codes == "some":
        said = [f"{read} of the firms of the list were read and classified; others are here by SIC code alone."]
    else:
        said = [
            f"{read} of the firms of the list were read and classified; what the others do is not known, and they are "
            "in no plain figure."
        ]
    said += _correction(corrected)
    if measured and measured.get("f1") is not None:
        said.append(_model(measured))
    return said


def _correction(corrected: Cell | None) -> list[str]:
    if corrected is None or corrected.withheld:
        return ["The figures take the classifier's word for every firm: they have not been corrected for its mistakes."]
    if corrected.value is None:
        return ["What is known of the classifier's mistakes was too little to correct the figures."]
    basis = [FLAGS[flag] for flag in _BASES if flag in corrected.flags]
    judged = f" {corrected.n:,} judged firms are behind the correction." if corrected.n else ""
    return [
        f"{' '.join(basis) or MADE_UP}{judged}",
        *(FLAGS[flag] for flag in _PROVISOS if flag in corrected.flags),
    ]


def _model(measured: Mapping[str, Any]) -> str:
    f1 = float(measured["f1"])
    how = "well" if f1 >= GOOD_F1 else "fairly" if f1 >= FAIR_F1 else "poorly"
    told = f"On the firms that the model learnt from, it tells members from others {how} (F1 {f1:.2f}"
    if measured.get("ece") is not None:
        told += f"; stated probabilities are off by {float(measured['ece']):.3f} on average"
    if measured.get("includes"):
        told += f"; {int(measured['includes']):,} members were among them"
    return f"{told})."


def flag_words(flags: Sequence[str], said: Sequence[str] = ()) -> list[str]:
    """Flags of a figure as words, without those that are ``said`` elsewhere."""
    return [(FLAG_LABELS | SCORE_LABELS).get(flag, flag) for flag in flags if flag not in SAID and flag not in said]


def place_among(rank: int, of: int) -> str:
    """A rank in words, e.g. 2nd of 12."""
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending} of {of:,}"


def borders(districts: Sequence[str], authorities: Sequence[str]) -> str:
    """Where a hotspot lies, and what borders it crosses; names with most firms first."""
    if len(authorities) > 1:
        return f"crosses the border of {listing(authorities)}: {listing(districts)}"
    if len(districts) > 1:
        return f"crosses the border of {listing(districts)}"
    return f"in {districts[0]}" if districts else ""


def listing(names: Sequence[str]) -> str:
    """Names as a sentence lists them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def area_name(code: str) -> str:
    """An area of the user's own as a heading names it: midlands_engine is Midlands Engine."""
    return code.replace("_", " ").title() if code.islower() else code.replace("_", " ")
