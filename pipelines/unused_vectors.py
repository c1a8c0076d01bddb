"""Drop vectors that no text needs any more, shard by shard, before they outnumber the others.

What is needed is found by cutting the firms' words of now into their chunks, as embedding does, which is little beside
encoding them, but is work for each firm. So a shard is looked at only when it has grown by a quarter since the last
time, and few shards a night. A vector that is dropped and wanted again is made again: nothing but time is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.compaction import by_shard
from pipelines.leaves import in_order, rows_of_file, written_files
from pipelines.tables import EMBEDDINGS

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as IcebergTable

    from pipelines.workspace import Workspace

NOTE = "firmscope.looked-at."  # and the shard: rows that were left there when it was looked at last
LEAST_ROWS = 2_000  # of a shard: 3 MB; one that had fewer is looked at when it has grown from these
GROWTH = (1.15, 1.35)  # times the rows of then, for the first shard and the last: they do not fall due all at once.
# At 1 % of firms changed a night this is every 15th to 35th night, and about 1 row in 8 is unused
SHARE = 16  # of this many shards one a night is looked at: all of them in time at 5 % of firms changed a night
WORTH = 0.02  # share of a shard's rows that must be unused before its files are written anew


@dataclass(frozen=True)
class Dropped:
    """Vectors that went, out of how many, in shards that were looked at."""

    rows: int
    held: int
    shards: tuple[int, ...]


def drop_unused(workspace: Workspace, found: IcebergTable, properties: dict[str, str]) -> Dropped:
    """Look at the shards that have grown most, and write those anew of whose vectors enough are unused.

    Args:
        workspace: Whose words, seeds, taxonomy and models say what is needed.
        found: The table ``embeddings``; its metadata is the new one afterwards.
        properties: Noted with a commit.

    Raises:
        LabelsError: The taxonomy or the seed examples cannot be read; nothing was changed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from pipelines.table_commits import commit_files, set_notes

    files = by_shard(list(found.scan().plan_files()))
    due = shards_due({shard: _rows(tasks) for shard, tasks in files.items()}, found.properties, workspace.lake.shards)
    notes = dict[str, str]()
    removed, added, rows_held, rows_dropped = list["DataFile"](), list["DataFile"](), 0, 0
    if due:
        encoders = pa.array(sorted(_encoders(workspace)), pa.string())
        examples = _examples(workspace)
    for shard in due:
        rows = pa.concat_tables(rows_of_file(found, EMBEDDINGS, task) for task in files[shard])
        needed = pa.array(sorted(examples | _spoken(workspace, shard)), pa.string())
        used = pc.and_(
            pc.is_in(rows["text_digest"], value_set=needed), pc.is_in(rows["encoder_id"], value_set=encoders)
        )
        left, held = rows.filter(used), rows.num_rows
        del rows
        rows_held += held
        if held - left.num_rows < WORTH * held:
            notes[f"{NOTE}{shard}"] = str(held)
            continue
        rows_dropped += held - left.num_rows
        notes[f"{NOTE}{shard}"] = str(left.num_rows)
        removed += [task.file for task in files[shard]]
        added += written_files(found, in_order(left, EMBEDDINGS)) if left.num_rows else []
    if removed:
        commit_files(found, removed, added, properties, notes)
    elif notes:
        set_notes(found, notes)
    return Dropped(rows_dropped, rows_held, tuple(due))


def shards_due(rows: Mapping[int, int], notes: Mapping[str, str], shards: int) -> list[int]:
    """Shards to look at tonight, those first that are most overdue.

    Args:
        rows: Rows of each shard.
        notes: Of the table.
        shards: Shards of the lake.
    """
    first, last = GROWTH
    overdue: dict[int, float] = {}
    for shard, count in rows.items():
        limit = max(int(notes.get(f"{NOTE}{shard}", 0)), LEAST_ROWS) * (first + (last - first) * shard / shards)
        if count >= limit:
            overdue[shard] = count / limit
    return sorted(overdue, key=lambda shard: (-overdue[shard], shard))[: -(-shards // SHARE)]


def _spoken(workspace: Workspace, shard: int) -> set[str]:
    """Digests of everything that the firms of a shard may have a vector for: chunks, and chunks without a piece."""
    from classifier.features import page_chunks
    from classifier.quotable import pieces
    from models.digest import text_digest
    from pipelines.firm_texts import firm_texts

    found = set[str]()
    for firm in firm_texts(workspace.lake, [shard]).values():
        for text in page_chunks(firm):
            found.add(text_digest(text))
            found.update(text_digest(piece.rest) for piece in pieces(text) if piece.rest)
    return found


def _examples(workspace: Workspace) -> set[str]:
    """Digests of what training reads beside firms' own words."""
    from classifier.features import texts_to_embed
    from classifier.hints import hint_texts
    from labels.taxonomy import load_taxonomy
    from models.digest import text_digest
    from pipelines.training_data import gather_seeds, sector_hints

    taxonomy = load_taxonomy(workspace.taxonomy_file)
    texts = [text for firm in gather_seeds(workspace, taxonomy).firms for text in texts_to_embed(firm)]
    return {text_digest(text) for text in (*texts, *hint_texts(sector_hints(taxonomy)))}


def _encoders(workspace: Workspace) -> set[str]:
    """Encoders by which something may be read again: the one that is set, and those of the models that are there."""
    from pipelines.encoders import plain_encoder
    from pipelines.promotion import list_models

    of_models = {str(shown.manifest.facts.get("encoder_id")) for shown in list_models(workspace) if shown.manifest}
    return of_models | {plain_encoder(workspace).encoder_id}


def _rows(tasks: Sequence[FileScanTask]) -> int:
    return sum(int(task.file.record_count) for task in tasks)
