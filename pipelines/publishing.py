"""The last stages: figures per cluster and area, the files that are handed over, and the report.

What is published rests on one state of the tables; it is written again only when that state, or this program, changed.
"""

from __future__ import annotations

import json
from datetime import UTC
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from labels.taxonomy import Taxonomy, load_taxonomy
from pipelines import export
from pipelines.export_files import write_export
from pipelines.provenance import Provenance
from pipelines.reporting import ReportInput, build_report
from pipelines.rollup import rollup
from pipelines.runs import Run
from pipelines.workspace import Workspace, write_whole

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "parquet")
STATE = "published.json"  # in exports/ and in report/: which state of the tables the files beside it show


def run_rollup(run: Run) -> None:
    """Work out every cell from the tables as they stand; firms that no figure counts are dropped with their reason."""
    lake = run.workspace.lake
    taxonomy = load_taxonomy(run.workspace.taxonomy_file)
    with run.stage("rollup") as counts:
        made = rollup(
            taxonomy,
            lake.read("firms"),
            lake.read("premises"),
            lake.read("accounts"),
            set(lake.read("pages", ["firm_id"])["firm_id"]),
            lake.read("assignments"),
        )
        counts.rows_in, counts.rows_out = made.firms.rows_in, made.firms.counted
        for drop in made.firms.dropped:
            run.drop(counts, drop.firm_id, drop.reason, drop.detail)
        counts.written["cells"] = lake.replace_all("cells", made.cells, run.run_id)


def run_export(run: Run) -> list[Path]:
    """Write every export in every format into ``exports/``. Returns the files written; none when nothing changed."""
    workspace = run.workspace
    with run.stage("export") as counts:
        counts.rows_in = len(export.EXPORTS) * len(FORMATS)
        if _is_published(workspace, workspace.exports_folder):
            counts.unchanged = counts.rows_in
            return []
        workspace.exports_folder.mkdir(exist_ok=True)
        provenance = _provenance(workspace, run.run_id)
        written = []
        for name in export.EXPORTS:
            frame = _frame(workspace, name)
            for file_format in FORMATS:
                path = workspace.exports_folder / f"{name}.{file_format}"
                written.append(write_export(name, frame, path, file_format, provenance).path)
        counts.rows_out = len(written)
        _mark_published(workspace, workspace.exports_folder)
        return written


def run_report(run: Run) -> Path:
    """Write the report into ``report/``, unless it shows this state of the tables already. Returns its page."""
    workspace = run.workspace
    page = workspace.report_folder / "index.html"
    with run.stage("report") as counts:
        counts.rows_in = 1
        if page.is_file() and _is_published(workspace, workspace.report_folder):
            counts.unchanged = 1
            return page
        lake = workspace.lake
        given = ReportInput(
            taxonomy=load_taxonomy(workspace.taxonomy_file),
            provenance=_provenance(workspace, run.run_id),
            firms=lake.read("firms"),
            premises=lake.read("premises"),
            accounts=lake.read("accounts"),
            sites=lake.read("sites"),
            readable=frozenset(lake.read("pages", ["firm_id"])["firm_id"]),
            assignments=lake.read("assignments"),
            cells=lake.read("cells"),
        )
        build_report(workspace.report_folder, given)
        counts.rows_out = 1
        _mark_published(workspace, workspace.report_folder)
        return page


def export_to(workspace: Workspace, name: str, file_format: str, path: Path) -> int:
    """Write one export to a file of the user's choice. Returns its rows."""
    rows = workspace.lake.read("runs", ["run_id"])["run_id"]
    provenance = _provenance(workspace, max(rows, default="none"))
    return write_export(name, _frame(workspace, name), path, file_format, provenance).rows


def _frame(workspace: Workspace, name: str) -> pd.DataFrame:
    lake, taxonomy = workspace.lake, load_taxonomy(workspace.taxonomy_file)
    if name == "cells":
        return export.cells_export(taxonomy, lake.read("cells"))
    firms, assignments = lake.read("firms"), lake.read("assignments")
    if name == "evidence":
        return export.evidence_export(taxonomy, firms, assignments)
    sites = lake.read("sites")
    if name == "scores":
        return export.scores_export(taxonomy, firms, sites, lake.read("scores"), assignments)
    return export.firms_export(taxonomy, firms, lake.read("premises"), lake.read("accounts"), sites, assignments)


def _provenance(workspace: Workspace, run_id: str) -> Provenance:
    taxonomy: Taxonomy = load_taxonomy(workspace.taxonomy_file)
    visits = workspace.lake.read_arrow("sites", ["crawled_at"])["crawled_at"].to_pylist()
    models = workspace.lake.read_arrow("assignments", ["model_id"])["model_id"].to_pylist()
    data_date = max(visits).astimezone(UTC).date().isoformat() if visits else None
    return Provenance.of(taxonomy, run_id, data_date, max((model for model in models if model), default=None))


def _state(workspace: Workspace) -> dict[str, object]:
    """What published files depend on; ``embeddings`` and ``runs`` are never shown."""
    shown = {
        name: snapshot for name, snapshot in workspace.lake.snapshots().items() if name not in ("embeddings", "runs")
    }
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    return {"snapshots": shown, "taxonomy": taxonomy.digest, "firmscope": version("firmscope")}


def _is_published(workspace: Workspace, folder: Path) -> bool:
    try:
        published = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return bool(published == _state(workspace))


def _mark_published(workspace: Workspace, folder: Path) -> None:
    write_whole(folder / STATE, json.dumps(_state(workspace), indent=1).encode())
