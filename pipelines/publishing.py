"""The last stages: figures per cluster and area, and the set of files that is published.

A set rests on one state of the tables; it is made again only when that state, or this program, changed, or a file is no
longer as it was written.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from labels.taxonomy import load_taxonomy
from pipelines.crashing import crash_point
from pipelines.errors import UsageError
from pipelines.export_files import write_list
from pipelines.exporting.columns import EXPORTS
from pipelines.figures import Figures, Moment, WorkedOut, provenance_of, publishable, work_out
from pipelines.geography.hotspots import MIN_FIRMS
from pipelines.geography.outlines import FILE as OUTLINES
from pipelines.geography.placing import place_premises
from pipelines.landscape import all_hotspots, distortion_rows, related_rows
from pipelines.list_making import made_list
from pipelines.looking import facts_of, look
from pipelines.moments import figures_as_of, moment_as_of, refuse_other_rules
from pipelines.night import facts as night_facts
from pipelines.publication import (
    PublishedSet,
    baseline,
    building,
    finish,
    mend_links,
    refuse_within,
    set_of,
    sets,
    switch_to,
)
from pipelines.remembered import FIGURES, MADE, figures_basis, recall, remember
from pipelines.report_making import report_input
from pipelines.reporting import build_report
from pipelines.reporting.evaluation_page import PAGE as EVALUATION_PAGE
from pipelines.reporting.night_page import write_night_page
from pipelines.reporting.page_links import NIGHT, OVERVIEW, page_links
from pipelines.runs import Run
from pipelines.store import sharded
from pipelines.taxonomy_copies import keep_taxonomy
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.moments import PastMoment
    from pipelines.night.facts import Night

FORMATS = ("csv", "parquet")
SHOWN = (
    "firms", "premises", "accounts", "grants", "sites", "pages", "scores", "assignments", "near_misses", "cells",
    "matches", "published_metrics", "hotspots", "related", "distortions",
)  # fmt: skip
Verdict = Literal["published", "unchanged", "held"]


@dataclass(frozen=True)
class Release:
    """A held night that somebody has looked at: its run, the state of the tables it left, and why it may go out."""

    held: PublishedSet
    moment: PastMoment
    reason: str

    @property
    def run_id(self) -> str:
        """The night."""
        return self.held.run_id


@dataclass(frozen=True)
class Outcome:
    """What became of a night's figures; ``night`` is None when nothing was worked out anew."""

    verdict: Verdict
    published: PublishedSet
    night: Night | None


def run_rollup(run: Run) -> WorkedOut | None:
    """Work out every cell from the tables as they stand; firms that no figure counts are dropped with their reason.

    Returns:
        The figures, for a publication by the same run; None where nothing that they rest on has changed since they
        were last worked out, and the tables hold what came out then.

    Raises:
        UsageError: The firms were classified by several models, or with other sectors than the taxonomy has now.
    """
    workspace, lake = run.workspace, run.workspace.lake
    place_premises(run)
    with run.stage("rollup") as counts:
        moment = Moment.now(lake)
        basis = figures_basis(workspace, moment, load_taxonomy(workspace.taxonomy_file).digest)
        known = recall(workspace, FIGURES, basis)
        if known and known["made"] == moment.rows(MADE):
            counts.rows_in = counts.unchanged = known["firms"]
            return None
        figures = work_out(workspace, moment, workspace.engine)
        made, rules = figures.made, workspace.config.rollup
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
        now = Moment.now(lake)
        if figures_basis(workspace, moment, figures.taxonomy.digest) == basis:  # nobody judged a firm meanwhile
            remember(workspace, FIGURES, basis, {"made": now.rows(MADE), "firms": made.firms.rows_in})
        return replace(figures, moment=now)


def run_publish(run: Run, release: Release | None = None, worked_out: WorkedOut | None = None) -> Outcome:
    """Publish the tables as they stand, unless they are published already or the gate holds them back.

    Args:
        run: The run that publishes.
        release: A held night to publish in spite of the gate, as the tables were then.
        worked_out: What :func:`run_rollup` of the same run returned; taken where no table has changed since.

    Raises:
        UsageError: The figures cannot be published as they stand; the message says what to run first.
    """
    workspace = run.workspace
    moment = release.moment if release else Moment.now(workspace.lake)
    if release and release.held.rests_on["settings"] != _settings(workspace):
        raise UsageError(
            f"settings of [rollup], [areas] or [report] have changed since run {release.run_id}: set them back to "
            "release it, or run a night with the new ones"
        )
    rests_on = release.held.rests_on if release else _rests_on(workspace, moment)
    before = baseline(workspace)
    if before and before.rests_on == rests_on and before.is_whole:
        mend_links(workspace)
        _count_unchanged(run)
        return Outcome("unchanged", before, None)
    if not release and (made := _made_before(workspace, rests_on, before)):
        _count_unchanged(run)
        return _settle(workspace, made, None)
    figures: Figures
    if release:
        figures = figures_as_of(workspace, release.moment)
    elif worked_out and worked_out.moment.snapshots == moment.snapshots:
        figures = replace(worked_out, moment=moment)
    else:
        figures = publishable(workspace, moment)
    crash_point("before-gate")
    night = look(run, figures, before)
    keep_taxonomy(workspace)
    with building(workspace, run.run_id) as folder:
        _write_exports(run, figures, folder / "exports", _gate_words(night, release))
        _write_report(run, figures, folder / "report", night, release)
        finish(
            PublishedSet(
                folder=folder,
                run_id=run.run_id,
                made_at=datetime.now(UTC).isoformat(timespec="seconds"),
                rests_on=rests_on,
                snapshots=dict(moment.snapshots),
                gate={**night.gate.as_dict(), **_asked(workspace, before)},
                released={"run_id": release.run_id, "reason": release.reason} if release else None,
                files={},
            )
        )
    crash_point("set-built")
    outcome = _settle(workspace, set_of(workspace, run.run_id), night)
    if release:
        shutil.rmtree(workspace.published_folder / release.run_id, ignore_errors=True)
    return outcome


def report_as_of(workspace: Workspace, text: str, folder: Path) -> Path:
    """Write a report with the figures of a day, or of a run, as they were then. Returns its first page.

    Raises:
        UsageError: No such state is kept, the folder is where the night publishes, or it holds something already.
    """
    refuse_within(workspace, folder / OVERVIEW)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not empty; name a new folder")
    figures = figures_as_of(workspace, moment_as_of(workspace, text))
    refuse_other_rules(workspace, figures)
    return build_report(folder, report_input(workspace, figures))


def _settle(workspace: Workspace, made: PublishedSet, night: Night | None) -> Outcome:
    if made.held:
        return Outcome("held", made, night)
    switch_to(workspace, made.run_id)
    return Outcome("published", made, night)


def _made_before(workspace: Workspace, rests_on: Mapping[str, Any], before: PublishedSet | None) -> PublishedSet | None:
    """A set of the same tables that is held, or that a run was killed before it could switch to.

    Its verdict holds only for the same settings of the gate, beside the same set.
    """
    asked = _asked(workspace, before)
    found = [
        one
        for one in sets(workspace)
        if one.rests_on == rests_on and {name: one.gate.get(name) for name in asked} == asked and one.is_whole
    ]
    return found[-1] if found else None


def _asked(workspace: Workspace, before: PublishedSet | None) -> dict[str, Any]:
    """What the gate was asked."""
    return {"before": before.run_id if before else None, "settings": workspace.config.gate.model_dump()}


def _count_unchanged(run: Run) -> None:
    for name, files in (("export", len(EXPORTS) * len(FORMATS)), ("report", 1)):
        with run.stage(name) as counts:
            counts.rows_in = counts.unchanged = files


def _gate_words(night: Night, release: Release | None) -> str:
    if release:
        return f"released after a look: {release.reason}"
    return "held" if night.gate.held else "passed"


def _write_exports(run: Run, figures: Figures, folder: Path, gate: str) -> None:
    provenance = replace(provenance_of(figures, run.run_id), gate=gate)
    folder.mkdir()
    with run.stage("export") as counts:
        for name in EXPORTS:
            made = made_list(run.workspace, figures, name)
            for file_format in FORMATS:
                write_list(made, folder / f"{name}.{file_format}", file_format, provenance)
                counts.rows_in = counts.rows_out = counts.rows_out + 1


def _write_report(run: Run, figures: Figures, folder: Path, night: Night, release: Release | None) -> None:
    evaluation = run.workspace.evaluation_folder / EVALUATION_PAGE
    with run.stage("report") as counts:
        counts.rows_in = counts.rows_out = 1
        released = night_facts.Release(release.run_id, release.reason) if release else None
        verdict: night_facts.Verdict = "released" if release else "held" if night.gate.held else "published"
        facts = facts_of(run, verdict, night, run.run_id, released, moment=figures.moment)
        given = report_input(run.workspace, figures, facts, evaluation.is_file())
        build_report(folder, given)
        if given.evaluation_page:
            shutil.copyfile(evaluation, folder / EVALUATION_PAGE)
        write_night_page(folder, facts, page_links(given, NIGHT))


def _rests_on(workspace: Workspace, moment: Moment) -> dict[str, Any]:
    """What published files depend on.

    A site read again changes ``sites`` even when it says what it said: the files are then written again, because they
    state the date of the newest visit.
    """
    return {
        "snapshots": moment.rows(SHOWN),
        "taxonomy": load_taxonomy(workspace.taxonomy_file).digest,
        "settings": _settings(workspace),
        "firmscope": version("firmscope"),
        "beside": {name: _sha256(path) for name, path in _beside(workspace).items()},
    }


def _settings(workspace: Workspace) -> list[dict[str, Any]]:
    config = workspace.config
    return [config.rollup.model_dump(), config.areas.model_dump(), config.report.model_dump()]


def _beside(workspace: Workspace) -> dict[str, Path]:
    """Files that the report shows beside the tables."""
    return {
        "evaluation": workspace.evaluation_folder / EVALUATION_PAGE,
        "outlines": workspace.folder / OUTLINES,
        "labels": workspace.labels_file,
    }


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
