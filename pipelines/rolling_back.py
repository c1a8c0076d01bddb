"""Go back to the model that was in use before, and to its lists.

Classifying anew with the old model would not give its lists back: members stay down to a lower threshold, so firms that
only the new model let in would remain. What the old model wrote is therefore restored from the tables' history, firm by
firm where the words are still the same, and only the rest is classified.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.classifying import run_classify
from pipelines.firm_texts import site_digests
from pipelines.promotion import RESTORED, Promotion, last_promotion, point
from pipelines.publishing import run_rollup
from pipelines.runs import Run
from pipelines.screen import Screen
from pipelines.store import Lake


@dataclass(frozen=True)
class RolledBack:
    """What a rollback did."""

    left: str  # model that was in use
    model_id: str  # model in use now
    restored: int  # firms whose rows were brought back
    classified: int  # firms whose words had changed meanwhile, or were new


def run_rollback(run: Run, screen: Screen) -> RolledBack:
    """Bring back the previous model, its rows, and the figures that follow from them.

    Raises:
        UsageError: There is no previous model, or it no longer fits the taxonomy or the encoder; nothing changed.
        BundleError, ModelMismatchError: Its bundle is damaged; nothing changed.
    """
    from pipelines.training import fitting_model

    undone = last_promotion(run.workspace)
    target = str(undone.previous)
    fitting_model(run.workspace, target)
    restored = 0
    with run.stage("rollback") as counts:
        point(run, target, "rollback")
        for number in range(run.workspace.lake.shards):
            restored += _restore(run, undone, target, number)
        counts.rows_in = counts.rows_out = restored
    run_classify(run, screen)
    run_rollup(run)
    return RolledBack(undone.model_id, target, restored, run.stages["classify"].rows_out)


def _restore(run: Run, undone: Promotion, target: str, number: int) -> int:
    """Rows of a shard's firms as they were, for firms still listed whose words ``target`` scored; how many firms."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lake = run.workspace.lake
    if undone.snapshots.get("scores") is None:  # the old model had classified nobody
        return 0
    listed = set(lake.read_arrow("firms", ["firm_id"], [number])["firm_id"].to_pylist())
    words = site_digests(lake, [number])
    held = _scored(lake, number, None)
    before = _scored(lake, number, undone.snapshots["scores"])
    ids = sorted(
        firm_id
        for firm_id, scored in before.items()
        if firm_id in listed and scored == (target, words.get(firm_id)) and held.get(firm_id) != scored
    )
    for name in RESTORED if ids else ():
        snapshot = undone.snapshots.get(name)
        rows = lake.read_arrow(name, shards=() if snapshot is None else [number], snapshot_id=snapshot)
        lake.replace_firms(name, ids, rows.filter(pc.is_in(rows["firm_id"], value_set=pa.array(ids))), run.run_id)
    return len(ids)


def _scored(lake: Lake, number: int, snapshot_id: int | None) -> dict[str, tuple[str, str]]:
    rows = lake.read_arrow("scores", ["firm_id", "model_id", "text_digest"], [number], snapshot_id)
    return {row["firm_id"]: (row["model_id"], row["text_digest"]) for row in rows.to_pylist()}
