"""The classify stage: put firms whose words or model changed into sectors, with evidence, and state every 'none'.

Assignments are committed before scores: a firm counts as classified only when its scores name the model and the words
read, so that a run killed between the two does that firm again.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from labels.taxonomy import load_taxonomy
from pipelines.classify_part import (
    INPUTS,
    PART_FIRMS,
    ROWS,
    ClassifiedPart,
    ClassifyJob,
    Part,
    Todo,
    classify_part,
    look_at_shard,
)
from pipelines.encoders import encoder_of
from pipelines.engine import Done
from pipelines.failed_parts import FAILED, firms_of_part, report_failures
from pipelines.pinned_lake import PinnedLake
from pipelines.runs import Run, StageCounts
from pipelines.screen import Screen
from pipelines.settling import fast_path
from pipelines.training import current_model

# A kill loses at most this much, beside what workers are at; each commit writes the files anew that it touches.
COMMIT_FIRMS = 1_000
COMMIT_S = 30.0
SHARDS_AT_ONCE = 64


def run_classify(run: Run, screen: Screen) -> None:
    """Classify what changed.

    Raises:
        UsageError: There is no model, or not one for this taxonomy and encoder.
    """
    workspace, lake, engine = run.workspace, run.workspace.lake, run.workspace.engine
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    model = current_model(workspace, taxonomy)
    run.notes["model_id"] = model.model_id
    encoder = encoder_of(workspace, model)
    with (
        run.stage("classify") as counts,
        engine.working(),
        screen.bar("Classifying firms") as progress,
    ):
        job = ClassifyJob(
            PinnedLake.of(lake, INPUTS), taxonomy, model, fast_path(workspace, model), workspace.config.encoder.name,
            encoder.encoder_id, workspace.config.match.require, run.started_at,
        )  # fmt: skip
        writer, unseen, failed = _Writer(run, counts), list[tuple[str, str]](), list[tuple[str, str]]()
        tried, total = 0, lake.rows_in("firms")
        for start in range(0, lake.shards, SHARDS_AT_ONCE):  # what is to be done is known for these alone
            parts, strangers = list[Part](), list[str]()
            for looked in engine.run(look_at_shard, job, range(start, min(start + SHARDS_AT_ONCE, lake.shards))):
                if looked.made is None:
                    unseen.append((f"shard {looked.task}", looked.failure))
                    firms = lake.read_arrow("firms", ["firm_id"], [looked.task]).num_rows
                    counts.rows_in += firms
                    counts.dropped[FAILED] += firms
                else:
                    todo = looked.made
                    counts.rows_in += todo.firms
                    counts.unchanged += todo.firms - len(todo.spoken) - len(todo.stated)
                    parts += _parts(todo)
                    strangers += todo.strangers
            writer.open(parts, strangers)
            tried += len(parts)
            for done in engine.run(classify_part, job, parts):
                if done.made is None:
                    failed.append((firms_of_part(done.task.firm_ids), done.failure))
                    counts.dropped[FAILED] += writer.left_out(done)
                else:
                    writer.add(done.task, done.made)
                progress(counts.rows_out + counts.unchanged + counts.dropped[FAILED], total)
            progress(counts.rows_in, total)
        writer.commit()
        report_failures(run, "classify", unseen, lake.shards)
        report_failures(run, "classify", failed, tried)


def _parts(todo: Todo) -> list[Part]:
    ids = sorted({*todo.spoken, *todo.stated, *todo.strangers})
    return [Part(todo.shard, tuple(ids[start : start + PART_FIRMS])) for start in range(0, len(ids), PART_FIRMS)]


class _Writer:
    """What parts made on its way into the tables: vectors first, scores last."""

    def __init__(self, run: Run, counts: StageCounts) -> None:
        self._run, self._counts = run, counts
        self._strangers: set[str] = set()
        self._open: dict[int, int] = defaultdict(int)  # parts to come, by shard
        self._known: dict[int, pa.Array] = {}  # digests written for a shard that still has parts to come
        self._waiting: list[tuple[Part, ClassifiedPart]] = []
        self._firms, self._since = 0, time.monotonic()

    def open(self, parts: Sequence[Part], strangers: Iterable[str]) -> None:
        """Say which parts of some shards are to come, and which of their firms are no longer listed."""
        self._strangers.update(strangers)
        for part in parts:
            self._open[part.shard] += 1

    def add(self, part: Part, made: ClassifiedPart) -> None:
        """Take what a part made."""
        self._waiting.append((part, made))
        self._firms += len(part.firm_ids)
        self._counts.rows_out += self._listed(part)
        if self._firms >= COMMIT_FIRMS or time.monotonic() - self._since > COMMIT_S:
            self.commit()

    def left_out(self, done: Done[Part, ClassifiedPart]) -> int:
        """How many listed firms a part that failed leaves as they were."""
        self._open[done.task.shard] -= 1
        return self._listed(done.task)

    def commit(self) -> None:
        """Write what waits."""
        if not self._waiting:
            return
        lake, run_id, written = self._run.workspace.lake, self._run.run_id, self._counts.written
        lake.append("embeddings", pa.concat_tables([self._new(made) for _, made in self._waiting]), run_id)
        ids = [firm_id for part, _ in self._waiting for firm_id in part.firm_ids]
        for name in ROWS:
            rows = pa.concat_tables([made.rows[name] for _, made in self._waiting])
            written[name] = written.get(name, 0) + lake.replace_firms(name, ids, rows, run_id)
        self._waiting, self._firms, self._since = [], 0, time.monotonic()

    def _listed(self, part: Part) -> int:
        return sum(firm_id not in self._strangers for firm_id in part.firm_ids)

    def _new(self, made: ClassifiedPart) -> pa.Table:
        """Vectors that no other part of the shard brought before: two firms may say the same."""
        rows, known = made.embeddings, self._known.get(made.shard)
        if known is not None:
            rows = rows.filter(pc.invert(pc.is_in(rows["text_digest"], value_set=known)))
        digests = rows["text_digest"].combine_chunks()
        self._open[made.shard] -= 1
        if self._open[made.shard]:
            self._known[made.shard] = digests if known is None else pa.concat_arrays([known, digests])
        else:
            self._known.pop(made.shard, None)
        return rows
