"""Read what the gate judges from two moments of the tables: the one published and the one that would take its place.

Shares are taken of the same firms on both sides, so that firms which an import added or took away are no fall. Texts
are read shard by shard: they are all that is large here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.changes import GONE_SITE, PASSING, READ
from pipelines.night.state import Candidate, ListMove, Pair, Reached, State
from pipelines.night.totals import check_totals, counted
from pipelines.scheduling import Bounds, is_due

if TYPE_CHECKING:
    from labels.taxonomy import Taxonomy
    from pipelines.figures import Moment

UNANSWERED = PASSING | {GONE_SITE}
MANY_SITES = 20  # fewer that were read anew say little of a median: then all sites with words are compared
_SITES = ("firm_id", "source", "website", "outcome", "crawled_at", "due_at", "not_before")


def gather_candidate(
    before: Moment | None,
    now: Moment,
    taxonomy: Taxonomy,
    lists: Iterable[ListMove] = (),
    *,
    started_at: datetime | None,
    bounds: Bounds,
) -> Candidate:
    """The facts of a night.

    Args:
        before: The tables as they stand published; None before the first publication.
        now: The tables as the night left them.
        taxonomy: Sectors and clusters of now.
        lists: How each list changed since ``before``.
        started_at: When the night began: a site that was due then, and was not tried, is one that was not reached. None
            when no site was to be visited, as when figures are published without a crawl.
        bounds: Settings by which sites are due.
    """
    totals = check_totals(now, taxonomy)
    sites, lengths = _sites(now), _lengths(now)
    state = _state(now, sites, lengths)
    if before is None:
        return Candidate(state, totals.breaks, totals=totals.checked)
    same_pages = before.snapshots["pages"] == now.snapshots["pages"]
    old_sites, old_lengths = _sites(before), lengths if same_pages else _lengths(before)
    both = old_sites.add_suffix("_before").join(sites, how="inner")
    both = both[both["website_before"] == both["website"]]
    tried = both["crawled_at"] != both["crawled_at_before"]
    return Candidate(
        state,
        totals.breaks,
        reached=_reached(now, both, tried, started_at, bounds),
        coverage=_coverage(before, now, old_lengths, lengths),
        failures=_failures(both),
        chars=_chars(old_lengths, lengths, both.index[tried & both["outcome"].isin(READ)]),
        lists=tuple(lists),
        totals=totals.checked,
    )


def gather_state(moment: Moment) -> State:
    """The facts of one moment."""
    return _state(moment, _sites(moment), _lengths(moment))


def _sites(moment: Moment) -> pd.DataFrame:
    """Sites that are visited, of firms of the list, by firm_id."""
    firms = moment.read_arrow("firms", ["firm_id"])["firm_id"].combine_chunks()
    rows = moment.read_arrow("sites", _SITES)
    rows = rows.filter(pc.and_(pc.equal(rows["source"], "crawl"), pc.is_valid(rows["website"])))
    rows = rows.filter(pc.is_in(rows["firm_id"], value_set=firms))
    frame: pd.DataFrame = rows.select(["firm_id", "website", "outcome", "crawled_at"]).to_pandas()
    return frame.set_index("firm_id")


def _lengths(moment: Moment) -> pd.Series[float]:
    """Characters of each firm's words, by firm_id; firms without words are absent."""
    made = []
    for shard in range(moment.shards):
        pages = moment.read_arrow("pages", ["firm_id", "text"], [shard])
        sizes = pa.table({"firm_id": pages["firm_id"], "chars": pc.utf8_length(pages["text"])})
        made.append(sizes.group_by("firm_id").aggregate([("chars", "sum")]))
    found = pa.concat_tables(made).to_pandas()
    return pd.Series(found["chars_sum"].to_numpy(np.float64), index=pd.Index(found["firm_id"]))


def _state(moment: Moment, sites: pd.DataFrame, lengths: pd.Series[float]) -> State:
    listed = _counted(moment)
    read = lengths[_among(lengths.index, listed)]
    median = float(read.median()) if len(read) else None
    return State(len(listed), len(read), len(sites), int(sites["outcome"].isin(UNANSWERED).sum()), median)


def _counted(moment: Moment) -> pd.Index[str]:
    found: pd.Index[str] = pd.Index(
        counted(moment.read_arrow("firms", ["firm_id", "status", "dissolved_on"])).to_pylist()
    )
    return found


def _among(firms: pd.Index[str], others: pd.Index[str]) -> NDArray[np.bool_]:
    """Which of the firms are among others; many times faster than ``isin``, which makes Python's texts of all."""
    return np.asarray(others.unique().get_indexer(firms) >= 0)


def _reached(
    now: Moment, both: pd.DataFrame, tried: pd.Series[bool], started_at: datetime | None, bounds: Bounds
) -> Reached:
    known = both["outcome_before"].isin(READ)
    untried = _untried(now, both.index[known & ~tried], started_at, bounds) if started_at else []
    due = known & _among(both.index, pd.Index(untried))
    missed = known & ((tried & both["outcome"].isin(UNANSWERED)) | due)
    why = both["outcome"].where(~due, "not_attempted")[missed]
    asked = int((known & (tried | due)).sum())
    return Reached(asked, asked - int(missed.sum()), int(known.sum()), dict(sorted(Counter(why).items())))


def _untried(now: Moment, firm_ids: pd.Index[str], started_at: datetime, bounds: Bounds) -> list[str]:
    """Firms whose sites were due when the night began, out of those that it did not visit."""
    rows = now.read_arrow("sites", _SITES)
    rows = rows.filter(pc.is_in(rows["firm_id"], value_set=pa.array(firm_ids, pa.string())))
    return [row["firm_id"] for row in rows.to_pylist() if is_due(row, row["website"], started_at, bounds)]


def _coverage(before: Moment, now: Moment, old: pd.Series[float], new: pd.Series[float]) -> Pair | None:
    firms = _counted(before).intersection(_counted(now))
    if not len(firms):
        return None
    return Pair(len(firms), *(float(_among(firms, found.index).mean()) for found in (old, new)))


def _failures(both: pd.DataFrame) -> Pair | None:
    if not len(both):
        return None
    then, now = (both[name].isin(UNANSWERED).mean() for name in ("outcome_before", "outcome"))
    return Pair(len(both), float(then), float(now))


def _chars(old: pd.Series[float], new: pd.Series[float], read: pd.Index[str]) -> Pair | None:
    firms = old.index.intersection(new.index)
    anew = firms.intersection(read)
    firms = anew if len(anew) >= MANY_SITES else firms
    return Pair(len(firms), float(old[firms].median()), float(new[firms].median())) if len(firms) else None
