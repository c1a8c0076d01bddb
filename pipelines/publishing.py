"""The last stages: figures per cluster and area, the files that are handed over, and the report.

What is published rests on one state of the tables; it is written again only when that state, or this program, changed,
or a file is no longer as it was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labels.taxonomy import load_taxonomy
from pipelines import export
from pipelines.best_accounts import best_accounts
from pipelines.export_files import write_export
from pipelines.figures import Figures, Moment, provenance_of, publishable, work_out
from pipelines.geography.areas import Areas
from pipelines.geography.hotspots import MIN_FIRMS
from pipelines.geography.placing import place_premises
from pipelines.landscape import all_hotspots, distortion_rows, related_rows
from pipelines.reporting import ReportInput, build_report
from pipelines.runs import Run
from pipelines.store import sharded
from pipelines.workspace import Workspace, write_whole

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("csv", "parquet")
STATE = (
    "published.json"  # in exports/ and in report/: the state of the tables that the files beside it show, and theirs
)
SHOWN = ("firms", "premises", "accounts", "grants", "sites", "pages", "scores", "assignments", "near_misses", "cells")
_EXPORTED = tuple(f"{name}.{file_format}" for name in export.EXPORTS for file_format in FORMATS)


def run_rollup(run: Run) -> None:
    """Work out every cell from the tables as they stand; firms that no figure counts are dropped with their reason.

    Raises:
        UsageError: The firms were classified by several models, or with other sectors than the taxonomy has now.
    """
    lake = run.workspace.lake
    place_premises(run)
    with run.stage("rollup") as counts:
        made = work_out(run.workspace, Moment.now(lake)).made
        rules = run.workspace.config.rollup
        open_ = not rules.suppress_below and not rules.dominance  # else sums over hexagons and firms would tell
        beside: dict[str, list[dict[str, Any]]] = {
            "distortions": distortion_rows(made) if open_ else [],
            "hotspots": all_hotspots(made, MIN_FIRMS) if open_ else [],
            "related": related_rows(made, rules.suppress_below),
        }
        for name, found in beside.items():
            counts.written[name] = lake.replace_all(name, found, run.run_id)
        counts.rows_in, counts.rows_out = made.firms.rows_in, made.firms.counted
        run.drop_all(counts, ((drop.firm_id, drop.reason, drop.detail) for drop in made.firms.dropped))
        counts.written["cells"] = lake.replace_all("cells", sharded("cells", made.cells, lake.shards), run.run_id)


def run_export(run: Run) -> list[Path]:
    """Write every export in every format into ``exports/``. Returns the files written; none when nothing changed.

    Raises:
        UsageError: The figures cannot be published as they stand; the message says what to run first.
    """
    workspace, folder = run.workspace, run.workspace.exports_folder
    with run.stage("export") as counts:
        counts.rows_in = len(_EXPORTED)
        moment = Moment.now(workspace.lake)
        files = [file for name in _EXPORTED for file in (name, f"{name}.meta.json")]
        if _is_published(workspace, moment, folder, files):
            counts.unchanged = counts.rows_in
            return []
        figures = publishable(workspace, moment)
        folder.mkdir(exist_ok=True)
        provenance = provenance_of(figures, run.run_id)
        written = []
        for name in export.EXPORTS:
            frame = _frame(workspace, figures, name)
            for file_format in FORMATS:
                path = folder / f"{name}.{file_format}"
                written.append(write_export(name, frame, path, file_format, provenance).path)
        counts.rows_out = len(written)
        _mark_published(workspace, moment, folder, files)
        return written


def run_report(run: Run) -> Path:
    """Write the report into ``report/``, unless it shows this state of the tables already. Returns its page.

    Raises:
        UsageError: The figures cannot be published as they stand; the message says what to run first.
    """
    workspace, folder = run.workspace, run.workspace.report_folder
    page = folder / "index.html"
    with run.stage("report") as counts:
        counts.rows_in = 1
        moment = Moment.now(workspace.lake)
        if _is_published(workspace, moment, folder, [page.name]):
            counts.unchanged = 1
            return page
        figures = publishable(workspace, moment)
        worded = frozenset(moment.read_arrow("pages", ["firm_id"])["firm_id"].to_pylist())
        given = ReportInput(
            taxonomy=figures.taxonomy,
            provenance=provenance_of(figures, run.run_id),
            firms=moment.read("firms"),
            premises=moment.read("premises"),
            accounts=best_accounts(moment.read_arrow("accounts"), workspace.config.rollup.amount_sources),
            sites=moment.read("sites"),
            readable=figures.classified,
            waiting=worded - figures.classified,
            assignments=moment.read("assignments"),
            cells=moment.read("cells"),
            untrained=figures.untrained,
            area_names=_area_names(),
        )
        build_report(folder, given)
        counts.rows_out = 1
        _mark_published(workspace, moment, folder, [page.name])
        return page


def _area_names() -> dict[str, str]:
    areas = Areas.load()
    return {code: areas.name_of("lad", code) for code in areas.codes("lad")}


def export_to(workspace: Workspace, name: str, file_format: str, path: Path) -> int:
    """Write one export to a file of the user's choice, beside a night if need be. Returns its rows.

    Raises:
        UsageError: The figures cannot be published as they stand; the message says what to run first.
    """
    figures = publishable(workspace, Moment.now(workspace.lake))
    return write_export(name, _frame(workspace, figures, name), path, file_format, provenance_of(figures, None)).rows


def _frame(workspace: Workspace, figures: Figures, name: str) -> pd.DataFrame:
    read, taxonomy = figures.moment.read, figures.taxonomy
    if name == "cells":
        return export.cells_export(taxonomy, read("cells"))
    firms, assignments = read("firms"), read("assignments")
    if name == "evidence":
        return export.evidence_export(taxonomy, firms, assignments, read("near_misses"))
    sites = read("sites")
    if name == "scores":
        return export.scores_export(taxonomy, firms, sites, read("scores"), assignments)
    accounts = best_accounts(figures.moment.read_arrow("accounts"), workspace.config.rollup.amount_sources)
    return export.firms_export(taxonomy, firms, read("premises"), accounts, sites, assignments)


def _mark(workspace: Workspace, moment: Moment, folder: Path, files: Sequence[str]) -> dict[str, object]:
    """What published files depend on, and the files as they lie in the folder.

    A site read again changes ``sites`` even when it says what it said: the files are then written again, because they
    state the date of the newest visit.
    """
    return {
        "snapshots": {name: moment.snapshots[name] for name in SHOWN},
        "taxonomy": load_taxonomy(workspace.taxonomy_file).digest,
        "settings": [workspace.config.rollup.model_dump(), workspace.config.areas.model_dump()],
        "firmscope": version("firmscope"),
        "sha256": {name: _sha256(folder / name) for name in files},
    }


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_published(workspace: Workspace, moment: Moment, folder: Path, files: Sequence[str]) -> bool:
    try:
        marked = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    now = _mark(workspace, moment, folder, files)
    return bool(marked == now)


def _mark_published(workspace: Workspace, moment: Moment, folder: Path, files: Sequence[str]) -> None:
    write_whole(folder / STATE, json.dumps(_mark(workspace, moment, folder, files), indent=1).encode())
