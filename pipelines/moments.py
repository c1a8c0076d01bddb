"""Past states of the tables: as a run left them, as they stood at the end of a day, and their figures.

The figures of the past are read as they were then and never worked out anew: a newer release, or other settings, would
print figures that nobody ever published. A state older than ``keep.words_days`` has lists and figures, but not the
words of websites any more (:func:`without_words`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from labels.taxonomy import load_taxonomy
from pipelines.errors import PastGoneError, TableError, UsageError
from pipelines.figures import MADE_IN, Figures, Moment
from pipelines.firm_texts import classified_firms
from pipelines.night.totals import check_totals
from pipelines.publication import sets
from pipelines.rollup import rules_text
from pipelines.run_states import (
    RUN_LOG,
    Left,
    complete,
    hold_other_rows,
    is_gone,
    is_kept,
    named_run,
    next_kept,
    recorded_states,
)
from pipelines.runs import list_runs
from pipelines.store import Lake
from pipelines.taxonomy_copies import taxonomy_of
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

NOT_TRAINED = "not_trained"  # flag of cells whose sector the model could not find
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class PastMoment(Moment):
    """The lake as a run left it, or as it stands; what is read of it fits together.

    Args:
        run_id: The run; empty for a state that no run is known to have left yet.
        ended_at: When it ended; None for the state of now.
        taxonomy_digest: SHA-256 of the taxonomy.yaml that its lists and figures were made with; None: not noted.
    """

    run_id: str
    ended_at: datetime | None
    taxonomy_digest: str | None

    def read_arrow(
        self, name: str, columns: Sequence[str] | None = None, shards: Iterable[int] | None = None
    ) -> pa.Table:
        """Rows of a table as Arrow; of ``runs`` those of runs that had ended by then.

        Raises:
            PastGoneError: The table's state of then has been removed, perhaps while it was read.
        """
        import pyarrow.compute as pc

        if name == RUN_LOG:
            rows = self.lake.read_arrow(name, None, shards)
            past = rows if self.ended_at is None else rows.filter(pc.less_equal(rows["ended_at"], self.ended_at))
            return past.select(columns or rows.column_names)
        try:
            return super().read_arrow(name, columns, shards)
        except TableError as error:
            self.lake.close()  # what was known of its tables is older than the files that are gone
            if self.has(name):
                raise
            raise PastGoneError(
                f"table {name} as run {self.run_id or 'under way'} left it has been removed from the tables' history, "
                "as [keep] in firmscope.toml says; choose a later run, or ask again"
            ) from error

    def has(self, name: str) -> bool:
        """Whether a table can be read as it was then; the large ones go before the others."""
        snapshot = self.snapshots[name]
        return snapshot is None or is_kept(self.lake, name, snapshot)


def moment_now(workspace: Workspace, run_id: str = "") -> PastMoment:
    """The tables as they stand, under today's taxonomy; ``run_id``: of the run that asks."""
    digest = load_taxonomy(workspace.taxonomy_file).digest
    return PastMoment(workspace.lake, workspace.lake.snapshots(), run_id, None, digest)


def moment_of(
    workspace: Workspace, snapshots: Mapping[str, int | None], run_id: str, taxonomy_digest: str | None
) -> PastMoment:
    """The tables at these snapshots, as a publication notes them.

    Raises:
        UsageError: One of them has been removed.
    """
    found = complete(snapshots)
    if is_gone(workspace.lake, found):
        raise UsageError(f"the state of the tables that run {run_id} published has been removed from their history")
    return PastMoment(workspace.lake, found, run_id, None, taxonomy_digest)


def run_moment(workspace: Workspace, run_id: str) -> PastMoment:
    """The lake as a run left it; a run that changed no table left what the run before it did.

    Args:
        workspace: The workspace.
        run_id: The run, or the start of its id.

    Raises:
        UsageError: No run begins so, or several; it was killed; or its state has been removed (``[keep]``).
    """
    recorded = recorded_states(workspace.lake)
    manifests = {manifest["run_id"]: manifest for manifest in list_runs(workspace)}
    chosen = named_run({left.run_id for left in recorded} | manifests.keys(), run_id)
    made = next((one for one in sets(workspace) if one.run_id == chosen), None)
    if made:  # what it published, or would have: a release publishes the state of another run
        found = moment_of(workspace, made.snapshots, chosen, made.rests_on["taxonomy"])
        return replace(found, ended_at=datetime.fromisoformat(made.made_at))
    own = next((left for left in recorded if left.run_id == chosen), None)
    if own:
        return _moment(workspace, recorded, chosen, own.ended_at)
    manifest = manifests[chosen]
    if not manifest["ended_at"]:
        how = "is still under way" if manifest["outcome"] == "running" else "was killed"
        raise UsageError(
            f"run {chosen} {how}, and no state of the tables is on record for it; choose another: firmscope runs list"
        )
    return _moment(workspace, recorded, chosen, datetime.fromisoformat(manifest["ended_at"]))


def moment_as_of(workspace: Workspace, text: str) -> PastMoment:
    """The lake as of a day, which is the state after the last run that ended on it or before (UTC), or as of a run.

    Raises:
        UsageError: Not a day or a run, a day to come or before the first run, or a state that has been removed.
    """
    if not _DAY.fullmatch(text):
        return run_moment(workspace, text)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a day; expected YYYY-MM-DD, such as 2026-06-30, or a run id") from error
    if day > datetime.now(UTC).date():
        raise UsageError(f"{text} is still to come; expected a day that has begun (UTC), or a run id")
    recorded = recorded_states(workspace.lake)
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    past = [left for left in recorded if left.ended_at < end]
    if not past:
        began = f"the first run on record ended on {recorded[0].ended_at.date()}" if recorded else "no run is on record"
        raise UsageError(f"no run had ended by {text}: {began}")
    return _moment(workspace, recorded, past[-1].run_id, past[-1].ended_at)


def moments_between(workspace: Workspace, before: PastMoment, after: PastMoment, most: int) -> list[PastMoment]:
    """States that other runs left between two moments and that can be read: the last ``most``, the oldest first."""
    recorded = recorded_states(workspace.lake)
    earlier = sum(left.run_id < before.run_id for left in recorded)
    found: list[PastMoment] = []
    for left in reversed(recorded[_until(recorded, before, earlier) : _until(recorded, after, len(recorded))]):
        if len(found) < most and left.run_id != after.run_id and not is_gone(workspace.lake, left.snapshots):
            found.append(PastMoment(workspace.lake, left.snapshots, left.run_id, left.ended_at, left.taxonomy_digest))
    return found[::-1]


def _until(recorded: Sequence[Left], moment: PastMoment, unknown: int) -> int:
    """How many of the runs on record lie before a moment or left it; ids of one second have no order."""
    ids = [left.run_id for left in recorded]
    if moment.run_id in ids:
        return ids.index(moment.run_id) + 1
    return unknown if moment.ended_at is None else sum(left.ended_at <= moment.ended_at for left in recorded)


def figures_as_of(workspace: Workspace, moment: PastMoment) -> Figures:
    """The figures as the table ``cells`` had them, with the taxonomy of then.

    Raises:
        UsageError: There were none yet, the taxonomy of then is not kept, or several models had classified.
    """
    import pyarrow.compute as pc

    cells = moment.read_arrow("cells", ["cluster", "flags", "rules", "boundaries"])
    if not cells.num_rows:
        raise UsageError(f"no figures had been worked out by run {moment.run_id}; choose a later one")
    taxonomy = taxonomy_of(workspace, moment.taxonomy_digest)
    if check_totals(moment, taxonomy).breaks:
        raise UsageError(
            f"run {moment.run_id} left lists and figures that do not fit together, as between a classify and a rollup; "
            "choose the run after it, or an earlier day"
        )
    by = sorted(set(moment.read_arrow("assignments", ["model_id"])["model_id"].unique().to_pylist()) - {None})
    if len(by) > 1:
        raise UsageError(
            f"run {moment.run_id} left firms classified by more than one model ({', '.join(by)}), as after a classify "
            "that was stopped; choose the run after it"
        )
    flags = cells["flags"].combine_chunks()
    flagged = pc.list_parent_indices(flags).filter(pc.equal(pc.list_flatten(flags), NOT_TRAINED))
    blind = {*cells["cluster"].take(flagged).unique().to_pylist()} & {*taxonomy.keys}
    rules, boundaries = (pc.drop_null(cells[name].unique()).to_pylist() for name in ("rules", "boundaries"))
    return Figures(
        moment, taxonomy, by[0] if by else None, frozenset(blind), _classified(moment),
        "; ".join(rules), "; ".join(boundaries),
    )  # fmt: skip


def without_words(moment: PastMoment) -> tuple[str, ...]:
    """What a past moment cannot say because the words of then are gone, in sentences; none where they are there."""
    if moment.has("pages"):
        return ()
    return (
        f"The words of websites as run {moment.run_id} left them are no longer kept ([keep] words_days): firms with "
        "scores count as read; were some read again and not yet classified, that is not known.",
    )


def _classified(moment: PastMoment) -> frozenset[str]:
    """Firms whose words of then had been classified; where those words are gone, all that had scores.

    The two differ only for a state between a crawl and the next classify.
    """
    if moment.has("pages"):
        return frozenset(classified_firms(moment))
    return frozenset(moment.read_arrow("scores", ["firm_id"])["firm_id"].unique().to_pylist())


def refuse_other_rules(workspace: Workspace, figures: Figures) -> None:
    """Raise a UsageError when lists beside past figures would be drawn up by other rules than the figures."""
    now = rules_text(workspace.config.rollup)
    if figures.rules != now:
        raise UsageError(
            f"settings of [rollup] have changed since these figures were made ({figures.rules}; now {now}): set them "
            "back for as long as you look at the past, or export cells, which are as they were"
        )


def _moment(workspace: Workspace, recorded: Sequence[Left], run_id: str, ended_at: datetime) -> PastMoment:
    past = [left for left in recorded if left.ended_at <= ended_at]
    snapshots = past[-1].snapshots if past else complete({})
    if is_gone(workspace.lake, snapshots):
        later = next_kept(workspace.lake, recorded[len(past) :])
        raise UsageError(
            f"the state that run {run_id} left on {ended_at.date()} has been removed from the tables' history, as "
            f"[keep] in firmscope.toml says; {later}"
        )
    return PastMoment(workspace.lake, snapshots, run_id, ended_at, _made_under(workspace.lake, past))


def _made_under(lake: Lake, past: Sequence[Left]) -> str | None:
    """Taxonomy of the newest run that changed lists or figures: the file may have been edited since, to no effect."""
    found: str | None = None
    before: Mapping[str, int | None] = complete({})
    for left in past:
        if found is None or hold_other_rows(lake, MADE_IN, before, left.snapshots):
            found = left.taxonomy_digest
        before = left.snapshots
    return found
