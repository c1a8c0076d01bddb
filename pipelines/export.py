"""Draw up the lists that leave the workspace: firms, scores, cells and evidence, one row order for ever.

Every firm of the list is in ``firms`` and ``scores``, every classified one in ``evidence``; a firm without a sector is
there with its reason. E-mail addresses that a website's words hold are taken out of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from crawler.e_mail import without_e_mail
from pipelines.containers import codes_needed
from pipelines.evidence_rows import DIGITS, neighbour_name
from pipelines.exporting.columns import CELLS_EXPORT, EVIDENCE_EXPORT, EXPORTS, FIRMS_EXPORT, SCORES_EXPORT
from pipelines.exporting.facts import Beside, firm_facts, lenient_rows
from pipelines.exporting.long_lists import BELOW_THRESHOLD, cells_list, scores_list
from pipelines.firm_facts import (
    NOT_ATTEMPTED,
    Place,
    left_out,
    newest_amounts,
    places,
    probability_order,
    site_outcomes,
)
from pipelines.frames import rows
from pipelines.schemas import arrow_schema
from pipelines.tables import ASSIGNMENTS, CELLS, FIRMS, NEAR_MISSES, SCORES, Column, Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from labels.taxonomy import Taxonomy

    Given: TypeAlias = pd.DataFrame | pa.Table

__all__ = [
    "BELOW_THRESHOLD",
    "CELLS_EXPORT",
    "EVIDENCE_EXPORT",
    "EXPORTS",
    "FIRMS_EXPORT",
    "SCORES_EXPORT",
    "cells_export",
    "evidence_export",
    "firms_export",
    "scores_export",
    "strongest_first",
]

NOT_CLASSIFIED = "not_classified"
WAITING = "not classified yet"
_READ = ("ok", "unchanged")

_UNDECIDED = tuple(set(ASSIGNMENTS.names) - set(NEAR_MISSES.names))  # columns that a near miss does not have
_DECISION = ("firm_id", "model_id", "reason")
_ASSIGNMENT = (
    "sector", "probability", "since", "evidence_sentence", "evidence_url", "evidence_terms", "evidence_nearest",
)  # fmt: skip
_REGISTER = ("company_number", "status", "incorporated_on", "dissolved_on", "sic_codes")


def firms_export(
    taxonomy: Taxonomy,
    firms: pd.DataFrame,
    premises: pd.DataFrame,
    accounts: pd.DataFrame,
    sites: pd.DataFrame,
    assignments: pd.DataFrame,
    beside: Beside | None = None,
) -> pd.DataFrame:
    """Classified firm list, one row per firm, columns ``FIRMS_EXPORT``, sorted by firm_id.

    Args:
        taxonomy: Sectors and clusters.
        firms: Table ``firms``.
        premises: Table ``premises``.
        accounts: As of ``pipelines.best_accounts``.
        sites: Table ``sites``.
        assignments: Table ``assignments``.
        beside: Further tables; what is not given leaves its columns empty.
    """
    gone, where, outcomes = left_out(firms), places(premises), site_outcomes(sites)
    employees, turnover = newest_amounts(accounts, "employees"), newest_amounts(accounts, "turnover_gbp")
    held = strongest_first(taxonomy, assignments)
    decided = {firm_id: (model_id, reason) for firm_id, model_id, reason in rows(assignments, _DECISION)}
    codes = codes_needed(taxonomy, firms)
    facts = firm_facts(firms, premises, sites, assignments, beside or Beside())
    called = {sector.key: sector.name for sector in taxonomy.sectors}
    listed = []
    for firm_id, name, website, *register, sic in lenient_rows(firms, ("firm_id", "name", "website", *_REGISTER)):
        place = where.get(firm_id, Place())
        mine = held.get(firm_id, [])
        sectors = [found["sector"] for found in mine]
        given = codes.get(firm_id, ())
        shown = next((found for found in mine if found["evidence_sentence"]), {})
        why = shown or next(iter(mine), {})
        listed.append(
            (
                firm_id,
                name,
                website,
                outcomes.get(firm_id, (NOT_ATTEMPTED, ""))[0],
                place.postcode,
                place.lad_code,
                employees[firm_id].value if firm_id in employees else None,
                turnover[firm_id].value if firm_id in turnover else None,
                sectors,
                [found["probability"] for found in mine],
                [str(found["since"])[:10] for found in mine],
                shown.get("sector"),
                _handed_on(shown.get("evidence_sentence")),
                _handed_on(shown.get("evidence_url")),
                gone.get(firm_id) or _uncounted(decided.get(firm_id)),
                [cluster.key for cluster in taxonomy.clusters if cluster.holds(sectors, given)],
                *(_day(value) for value in register),
                list(sic or ()),
                *facts.place(firm_id, place),
                *facts.amounts(firm_id),
                [called.get(key, key) for key in sectors],
                _handed_on(why.get("evidence_terms")),
                facts.nearest(why.get("evidence_nearest")),
                facts.flags_of(firm_id),
                facts.remarks_of(firm_id),
            )
        )
    return _frame(sorted(listed, key=lambda row: row[0]), FIRMS_EXPORT)


def _day(value: Any) -> Any:
    """A date, also where pandas made an instant of it."""
    return value.date() if isinstance(value, datetime) else value


def _uncounted(decision: tuple[str | None, str] | None) -> str | None:
    """Why a firm that exists is in no count: nobody has classified it, or it had no words; None when it is counted."""
    if decision is None:
        return WAITING
    model_id, reason = decision
    return None if model_id is not None else f"no words: {without_e_mail(reason)}"


def scores_export(
    taxonomy: Taxonomy, firms: Given, sites: pd.DataFrame, scores: Given, assignments: Given
) -> pa.Table:  # fmt: skip
    """Scores, one row per firm and sector, columns ``SCORES_EXPORT``, sorted by firm_id, then in taxonomy order.

    A firm that was not scored has one row: sector ``none``, probability null, reason = how its visit ended.
    """
    outcomes = site_outcomes(sites)

    def unscored(firm_ids: Sequence[str], stated: Mapping[str, str]) -> list[str]:
        return [_unscored(firm_id, outcomes, stated) for firm_id in firm_ids]

    decided = as_table(ASSIGNMENTS, assignments, ("firm_id", "sector", "assigned", "reason", "probability", "model_id"))
    scored = as_table(SCORES, scores, ("firm_id", "sector", "probability", "model_id"))
    return scores_list(taxonomy, as_table(FIRMS, firms, ("firm_id",))["firm_id"], scored, decided, unscored)


def cells_export(taxonomy: Taxonomy, cells: Given) -> pa.Table:
    """Cells as they stand in the table, columns ``CELLS_EXPORT``, in taxonomy order, then by area and metric."""
    return cells_list(taxonomy, as_table(CELLS, cells, CELLS.names[1:]))


def as_table(table: Table, given: Given, columns: Sequence[str]) -> pa.Table:
    """Columns of a table as Arrow, also of one that came as a frame."""
    import pandas as pd
    import pyarrow as pa

    if not isinstance(given, pd.DataFrame):
        return given.select(list(columns))
    found = list(zip(*rows(given, columns), strict=True)) or [()] * len(columns)
    kinds = arrow_schema(table, columns)
    return pa.table({field.name: pa.array(values, field.type) for field, values in zip(kinds, found, strict=True)})


def evidence_export(
    taxonomy: Taxonomy, firms: pd.DataFrame, assignments: pd.DataFrame, near_misses: pd.DataFrame
) -> pd.DataFrame:
    """Assignments and near misses with their evidence, columns ``EVIDENCE_EXPORT``.

    By firm_id; a firm's sectors in taxonomy order, then 'none', then its near miss, if the model that decided found
    it. Firms that are no longer in the list are left out, as they are in the counts.
    """
    order = _ranks(taxonomy.keys)
    names = dict(rows(firms, ("firm_id", "name")))
    columns = [column.name for column in EVIDENCE_EXPORT if column.name not in ("name", "near_miss", "nearest_names")]
    decided = {(firm_id, model_id) for firm_id, model_id in rows(assignments, ("firm_id", "model_id"))}
    found = [dict(zip(columns, row, strict=True)) | {"near_miss": False} for row in rows(assignments, columns)]
    missed = [name for name in columns if name not in _UNDECIDED]
    for row in rows(near_misses, missed):
        near = dict(zip(missed, row, strict=True)) | dict.fromkeys(_UNDECIDED)
        if (near["firm_id"], near["model_id"]) in decided:
            lacking = near["threshold"] - near["probability"]
            found.append(near | {"assigned": False, "near_miss": True, "reason": f"{lacking:.2f} below the threshold"})
    listed = []
    for made in found:
        if made["firm_id"] in names:
            made["nearest_names"] = [neighbour_name(name, names) for name in made["evidence_nearest"] or ()]
            made["name"] = names[made["firm_id"]]
            listed.append(tuple(_handed_on(made[column.name]) for column in EVIDENCE_EXPORT))
    place = {column.name: number for number, column in enumerate(EVIDENCE_EXPORT)}

    def rank(row: tuple[Any, ...]) -> tuple[str, bool, int, str]:
        sector = row[place["sector"]]
        return row[0], row[place["near_miss"]], order.get(sector, len(order)), sector

    return _frame(sorted(listed, key=rank), EVIDENCE_EXPORT)


def strongest_first(taxonomy: Taxonomy, assignments: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Assigned sectors of each firm with probability, since and evidence, by firm_id, the most probable first.

    Of two equally probable sectors the narrower goes first: a parent takes its probability from its child.
    """
    order = _ranks(taxonomy.keys)
    depth = {key: len(taxonomy.ancestors(key)) for key in taxonomy.keys}
    held: dict[str, list[dict[str, Any]]] = {}
    for firm_id, assigned, *values in lenient_rows(assignments, ("firm_id", "assigned", *_ASSIGNMENT)):
        if assigned:
            held.setdefault(firm_id, []).append(dict(zip(_ASSIGNMENT, values, strict=True)))
    for found in held.values():
        found.sort(
            key=lambda made: (
                probability_order(made["probability"]),
                -depth.get(made["sector"], 0),
                order.get(made["sector"], len(order)),
            )
        )
    return held


def _handed_on(value: Any) -> Any:
    """A value that may hold a website's words, without the e-mail addresses in them; members of vectors rounded."""
    if isinstance(value, list):
        return [round(member, DIGITS) if isinstance(member, float) else _handed_on(member) for member in value]
    return without_e_mail(value) if isinstance(value, str) else value


def _unscored(firm_id: str, outcomes: Mapping[str, tuple[str, str]], stated: Mapping[str, str]) -> str:
    outcome = outcomes.get(firm_id, (NOT_ATTEMPTED, ""))[0]
    return stated.get(firm_id, NOT_CLASSIFIED) if outcome in _READ else outcome


def _ranks(names: Iterable[str]) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(names)}


def _frame(listed: list[tuple[Any, ...]], columns: Sequence[Column]) -> pd.DataFrame:
    import pandas as pd

    # As objects: pandas would turn a missing number into NaN, and with it a column of integers into floats.
    return pd.DataFrame(listed, columns=[column.name for column in columns], dtype=object)
