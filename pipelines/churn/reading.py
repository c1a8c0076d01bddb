"""Read two moments: who moved, from Arrow columns, and then all that is known of those who did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.churn.states import Firm, Row, State
from pipelines.firm_facts import DISSOLVED

if TYPE_CHECKING:
    from labels.taxonomy import Taxonomy
    from pipelines.moments import PastMoment

_ENTRY = ("name", "company_number", "vat_number", "previous_names")
_FIRM = ("firm_id", "website", "status", "dissolved_on", "sic_codes", *_ENTRY)
_ASSIGNMENT = (
    "firm_id", "sector", "assigned", "reason", "evidence_sentence", "evidence_url", "model_id", "text_digest",
)  # fmt: skip


@dataclass(frozen=True)
class Lists:
    """Who is in which list at one moment; a sector or cluster in which nobody is may be absent."""

    moment: PastMoment
    taxonomy: Taxonomy
    members: Mapping[str, pa.Array]  # firm_id, each once
    classified: bool


def lists_of(moment: PastMoment, taxonomy: Taxonomy) -> Lists:
    """The lists of a moment, of sectors that the taxonomy has and of others that firms stand in."""
    firms = moment.read_arrow("firms", ["firm_id", "status", "dissolved_on", "sic_codes"])
    firms = firms.filter(pc.invert(_dissolved(firms)))
    rows = moment.read_arrow("assignments", ["firm_id", "sector", "assigned", "model_id"])
    classified = rows["model_id"].null_count < rows.num_rows
    rows = rows.filter(pc.and_(rows["assigned"], pc.is_in(rows["firm_id"], value_set=_ids(firms))))
    members = {
        str(sector): rows.filter(pc.equal(rows["sector"], sector))["firm_id"].unique()
        for sector in rows["sector"].unique().to_pylist()
    }
    for cluster in taxonomy.clusters:
        parts = [members[sector] for sector in cluster.sectors if sector in members]
        parts.append(_with_codes(firms, cluster.sic))
        members[cluster.key] = pa.concat_arrays(parts).unique()
    return Lists(moment, taxonomy, members, classified)


def moved(before: Lists, after: Lists) -> pa.Array:
    """Firms that are not in the same lists at both moments."""
    nobody = pa.array([], pa.string())
    found = [nobody]
    for key in sorted(before.members.keys() | after.members.keys()):
        was, now = before.members.get(key, nobody), after.members.get(key, nobody)
        found += [one.filter(pc.invert(pc.is_in(one, value_set=other))) for one, other in ((was, now), (now, was))]
    return pa.concat_arrays(found).unique()


def state_of(lists: Lists, firm_ids: pa.Array) -> State:
    """What is known of some firms at a moment, and how long its lists are."""
    judged: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(lists.moment, "assignments", _ASSIGNMENT, firm_ids):
        judged.setdefault(row["firm_id"], []).append(row)
    own: dict[str, bool] = {}
    for row in rows_of(lists.moment, "matches", ("firm_id", "matched"), firm_ids):
        own[row["firm_id"]] = own.get(row["firm_id"], False) or row["matched"]
    firms = {
        row["firm_id"]: _firm(row, judged.get(row["firm_id"], ()), own.get(row["firm_id"]))
        for row in rows_of(lists.moment, "firms", _FIRM, firm_ids)
    }
    totals = {key: len(members) for key, members in lists.members.items() if len(members)}
    return State(lists.moment.run_id, lists.taxonomy, totals, firms, lists.classified)


def rows_of(moment: PastMoment, name: str, columns: Iterable[str], firm_ids: pa.Array) -> Iterable[dict[str, Any]]:
    """Rows of some firms, one shard after the other: a table's texts are never held whole."""
    from pipelines.store import shard_of

    for shard in sorted({shard_of(firm_id, moment.shards) for firm_id in firm_ids.to_pylist()}):
        rows = moment.read_arrow(name, list(columns), [shard])
        yield from rows.filter(pc.is_in(rows["firm_id"], value_set=firm_ids)).to_pylist()


def _firm(row: Mapping[str, Any], judged: Iterable[Mapping[str, Any]], own_site: bool | None) -> Firm:
    rows = sorted(judged, key=lambda one: one["sector"])
    return Firm(
        listed=True,
        name=row["name"],
        gone=_gone(row),
        website=(row["website"] or "").strip(),
        entry=tuple(str(row[name] or "") for name in _ENTRY),
        sic=tuple(row["sic_codes"] or ()),
        own_site=own_site,
        judged=bool(rows),
        none=next((one["reason"] for one in rows if not one["assigned"]), ""),
        sectors={
            one["sector"]: Row(one["reason"], one["evidence_sentence"] or "", one["evidence_url"] or "")
            for one in rows
            if one["assigned"]
        },
        model_id=rows[0]["model_id"] if rows else None,
        words=rows[0]["text_digest"] if rows else None,
    )


def _gone(row: Mapping[str, Any]) -> str:
    """As ``pipelines.firm_facts.left_out`` says it."""
    if row["dissolved_on"] is not None:
        return f"dissolved on {str(row['dissolved_on'])[:10]}"
    if row["status"] is not None and row["status"].strip().lower() == DISSOLVED:
        return "dissolved according to its status in the register"
    return ""


def _dissolved(firms: pa.Table) -> pa.ChunkedArray:
    stated = pc.equal(pc.utf8_lower(pc.utf8_trim_whitespace(firms["status"])), DISSOLVED)
    return pc.or_(pc.is_valid(firms["dissolved_on"]), pc.fill_null(stated, False))


def _with_codes(firms: pa.Table, beginnings: Iterable[str]) -> pa.Array:
    """Firms one of whose SIC codes begins with one of these digits."""
    codes = firms["sic_codes"].combine_chunks()
    values, firm = pc.list_flatten(codes), pc.list_parent_indices(codes)
    hit = [firm.filter(pc.fill_null(pc.starts_with(values, beginning), False)) for beginning in beginnings]
    return _ids(firms).take(pa.concat_arrays(hit).unique()) if hit else _ids(firms)[:0]


def _ids(firms: pa.Table) -> pa.Array:
    return firms["firm_id"].combine_chunks()
