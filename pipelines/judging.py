"""Move judgements between files and the workspace's label store."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from labels.store import Judgement, append_judgements, parse_complete_jsonl, parse_label_csv, read_judgements
from labels.taxonomy import load_taxonomy
from pipelines.runs import Run
from pipelines.workspace import Workspace, write_whole


def import_labels(run: Run, file: Path, complete: bool) -> int:
    """Add a file's judgements to ``labels.csv``; what is a coder's last word there already is not said again.

    Raises:
        LabelsError: An unknown firm, sector or label; nothing was added.
    """
    workspace = run.workspace
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    firms = set(workspace.lake.read("firms", ["firm_id"])["firm_id"])
    parse = parse_complete_jsonl if complete else parse_label_csv
    with run.stage("labels import") as counts:
        judgements = parse(file, taxonomy, firms, run.started_at.date())
        counts.rows_in = len(judgements)
        fresh = news(read_judgements(workspace.labels_file), judgements)
        counts.unchanged = len(judgements) - len(fresh)
        counts.rows_out = append_judgements(workspace.labels_file, fresh) if fresh else 0
    return counts.rows_out


def news(held: Iterable[Judgement], judgements: Iterable[Judgement]) -> list[Judgement]:
    """Judgements that say something else than the same coder's last word on the firm and sector."""
    last = {(word.firm_id, word.sector, word.coder): (word.label, word.note) for word in held}
    fresh = []
    for word in judgements:
        key = (word.firm_id, word.sector, word.coder)
        if last.get(key) != (word.label, word.note):
            last[key] = (word.label, word.note)
            fresh.append(word)
    return fresh


def export_labels(workspace: Workspace, out: Path) -> int:
    """Copy the label store to a file. Returns the number of judgements."""
    judgements = read_judgements(workspace.labels_file)
    content = workspace.labels_file.read_bytes() if workspace.labels_file.is_file() else b""
    write_whole(out, content)
    return len(judgements)
