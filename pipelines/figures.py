"""Work the figures out from the tables of one moment, and say whether they may be published.

Figures are always worked out afresh, which is cheap, and compared with the table ``cells``: stages run alone cannot
print old figures beside new firms. No lock is needed to read beside a night.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any

from labels.taxonomy import Taxonomy, load_taxonomy
from pipelines.correcting import corrector_maker
from pipelines.engine import Engine
from pipelines.errors import UsageError
from pipelines.firm_texts import classified_firms
from pipelines.geography.areas import BOUNDARIES
from pipelines.leaves import in_order
from pipelines.provenance import Provenance
from pipelines.rollup import ListTables, Rollup, rollup, rules_text
from pipelines.run_states import hold_other_rows
from pipelines.store import Lake, sharded
from pipelines.tables import CELLS
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from classifier.model import SectorModel

KEPT_BYTES = 1_000_000  # answers up to this size are kept: a short list is asked for the same rows forty times a night
MADE_IN = ("assignments", "cells")  # tables of whose rows a change makes a run the one that made the figures


@dataclass(frozen=True)
class Moment:
    """The lake as of one set of snapshots: what is read of it fits together, whatever is committed meanwhile."""

    lake: Lake
    snapshots: Mapping[str, int | None]
    _held: dict[Any, pa.Table] = field(default_factory=dict, init=False, repr=False, compare=False)  # small answers

    @classmethod
    def now(cls, lake: Lake) -> Moment:
        """The lake as it stands."""
        return cls(lake, lake.snapshots())

    def rows(self, names: Iterable[str]) -> dict[str, int | None]:
        """Which rows some tables hold, by name; the same for a moment after which files were only put together."""
        return {name: self.lake.rows_id(name, self.snapshots[name]) for name in names}

    @property
    def shards(self) -> int:
        """Partitions of every table."""
        return self.lake.shards

    def read(self, name: str) -> pd.DataFrame:
        """Rows of a table as a DataFrame."""
        frame: pd.DataFrame = self.read_arrow(name).to_pandas()
        return frame

    def read_arrow(
        self, name: str, columns: Sequence[str] | None = None, shards: Iterable[int] | None = None
    ) -> pa.Table:
        """Rows of a table as Arrow; none of a table that was not written yet."""
        asked = (name, tuple(columns or ()), None if shards is None else tuple(shards))
        if asked not in self._held:
            snapshot = self.snapshots[name]
            found = self.lake.read_arrow(name, columns, () if snapshot is None else asked[2], snapshot)
            if found.nbytes > KEPT_BYTES:
                return found
            self._held[asked] = found
        return self._held[asked]


@dataclass(frozen=True)
class Figures:
    """The figures of one moment, and what they rest on: they stand in its table ``cells``."""

    moment: Moment
    taxonomy: Taxonomy
    model_id: str | None
    untrained: frozenset[str]
    classified: frozenset[str]
    rules: str
    boundaries: str


@dataclass(frozen=True)
class WorkedOut(Figures):
    """Figures worked out afresh, which those of a past moment are not (``pipelines.moments.figures_as_of``)."""

    made: Rollup


def work_out(workspace: Workspace, moment: Moment, engine: Engine | None = None) -> WorkedOut:
    """The roll-up of the tables as they stand.

    Raises:
        UsageError: The firms were classified by several models, by one that is gone, or with other sectors than the
            taxonomy has now.
    """
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    classified = classified_firms(moment)
    model = deciding_model(workspace, taxonomy, moment, classified.values())
    untrained = frozenset(model.untrained if model else ())
    config = workspace.config
    made = rollup(
        taxonomy, ListTables.of(moment), classified, untrained,
        config.rollup, config.areas, corrector_maker(workspace, moment, taxonomy, model) if model else None, engine,
    )  # fmt: skip
    return WorkedOut(
        moment,
        taxonomy,
        model.model_id if model else None,
        untrained,
        frozenset(classified),
        rules_text(config.rollup),
        BOUNDARIES,
        made,
    )


def publishable(workspace: Workspace, moment: Moment) -> WorkedOut:
    """The same, when the table ``cells`` says so too.

    Raises:
        UsageError: As for :func:`work_out`, or the cells were made from other tables.
    """
    figures = work_out(workspace, moment)
    held = moment.read_arrow("cells")
    refuse_other_rules(held, workspace)
    wanted = sharded("cells", figures.made.cells, moment.shards)
    if not in_order(held, CELLS).equals(in_order(wanted, CELLS)):
        raise UsageError(
            "the figures are older than the tables: run firmscope rollup (or wait for the night that is under way)"
        )
    return figures


def refuse_other_rules(cells: pa.Table, workspace: Workspace) -> None:
    """Raise a UsageError when cells were made by other settings than the workspace has now."""
    said, now = set(cells["rules"].unique().to_pylist()), rules_text(workspace.config.rollup)
    if said - {now}:
        raise UsageError(
            "settings of [rollup] have changed since these figures were made: run firmscope rollup, then this again"
        )


def deciding_model(
    workspace: Workspace, taxonomy: Taxonomy, moment: Moment, scored_by: Iterable[str]
) -> SectorModel | None:
    """The model behind every assignment and score, which need not be the newest one trained; None before any.

    Raises:
        UsageError: There are several, it is gone, or it has other sectors than the taxonomy.
    """
    from classifier.persistence import load_model

    decided_by = moment.read_arrow("assignments", ["model_id"])["model_id"].unique().to_pylist()
    ids = sorted({*scored_by, *decided_by} - {None})
    if not ids:
        return None
    if len(ids) > 1:
        raise UsageError(
            f"the firms were classified by more than one model ({', '.join(ids)}), as after a classify that was "
            "stopped; their figures do not go together: run firmscope classify"
        )
    folder = workspace.models_folder / ids[0]
    if not folder.is_dir():
        raise UsageError(
            f"{folder}, the model that classified the firms, is missing: put it back, or run firmscope train, then "
            "firmscope classify"
        )
    model = load_model(folder)
    if model.sectors != taxonomy.keys or model.parents != taxonomy.parents:
        odd = ", ".join(sorted(set(model.sectors) ^ set(taxonomy.keys))) or "their order or parents"
        raise UsageError(
            f"taxonomy.yaml has changed since the firms were classified ({odd}), so that no figure would be right: "
            "run firmscope train, then firmscope classify"
        )
    return model


def provenance_of(figures: Figures, running: str | None) -> Provenance:
    """Where the figures come from.

    Args:
        figures: As worked out.
        running: Id of the run that asks; None when a reader does.
    """
    visits = figures.moment.read_arrow("sites", ["crawled_at"])["crawled_at"].to_pylist()
    data_date = max(visits).astimezone(UTC).date().isoformat() if visits else None
    return Provenance.of(
        figures.taxonomy, _made_by(figures.moment, running), data_date, figures.model_id, figures.rules,
        figures.boundaries,
    )  # fmt: skip


def _made_by(moment: Moment, running: str | None) -> str:
    made_by: str | None = None
    before: Mapping[str, int | None] = {}
    recorded = moment.read_arrow("runs", ["run_id", "ended_at", "fingerprints"]).to_pylist()
    for row in sorted(recorded, key=lambda row: row["ended_at"]):
        after = json.loads(row["fingerprints"])["snapshots"]
        if hold_other_rows(moment.lake, MADE_IN, before, after):
            made_by = row["run_id"]
        before = after
    if hold_other_rows(moment.lake, MADE_IN, before, moment.snapshots):
        made_by = running
    return made_by or "none"
