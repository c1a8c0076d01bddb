"""Past states: found by run or day, read as they were, refused where they are gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.errors import UsageError
from pipelines.figures import publishable
from pipelines.firm_lists import read_firm_list
from pipelines.importing import import_firms
from pipelines.moments import figures_as_of, moment_as_of, moment_now, moment_of, run_moment
from pipelines.publishing import run_rollup
from pipelines.runs import Run, start_run
from pipelines.setup import create_workspace
from pipelines.taxonomy_copies import keep_taxonomy
from pipelines.workspace import Workspace
from tests.pipelines.conftest import TAXONOMY

FIRMS = "firm_id,name,website,employees\nf-1,One Ltd,,5\nf-2,Two Ltd,,7\n"


def row(firm_id: str, sector: str, run: Run) -> dict[str, object]:
    empty = dict.fromkeys(
        ("evidence_url", "evidence_sentence", "evidence_terms", "evidence_nearest", "model_id", "text_digest",
         "evidence_effect", "evidence_weights", "evidence_similarity", "probability", "threshold")
    )  # fmt: skip
    return empty | {
        "firm_id": firm_id, "sector": sector, "assigned": sector != "none", "reason": "said so",
        "since": run.started_at,
    }  # fmt: skip


@dataclass(frozen=True)
class Past:
    workspace: Workspace
    imported: str
    first: str
    nothing: str
    second: str
    edited: str


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """A past that tests only read."""
    made = lived(tmp_path_factory.mktemp("past"))
    yield made
    made.workspace.lake.close()


@pytest.fixture
def own_past(tmp_path: Path) -> Iterator[Past]:
    """A past that a test may spoil."""
    made = lived(tmp_path)
    yield made
    made.workspace.lake.close()


def lived(folder: Path) -> Past:
    """Two figures, the second under another taxonomy; between them a run that changed nothing."""
    (folder / "t.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "t.yaml"))
    workspace = Workspace(folder / "ws")
    (folder / "firms.csv").write_text(FIRMS, encoding="utf-8")
    with start_run(workspace, "import firms") as imported:
        import_firms(imported, read_firm_list(folder / "firms.csv", imported.started_at.date(), True))
    with start_run(workspace, "first") as first:
        workspace.lake.replace_firms("assignments", ["f-1"], [row("f-1", "air", first)], first.run_id)
        run_rollup(first)
    keep_taxonomy(workspace)
    with start_run(workspace, "nothing") as nothing:
        pass
    workspace.taxonomy_file.write_text(TAXONOMY.replace("Aerospace", "Flight"), encoding="utf-8")
    keep_taxonomy(workspace)
    with start_run(workspace, "second") as second:
        workspace.lake.replace_firms("assignments", ["f-2"], [row("f-2", "air", second)], second.run_id)
        run_rollup(second)
    workspace.taxonomy_file.write_text(TAXONOMY.replace("Aerospace", "Planes"), encoding="utf-8")
    with start_run(workspace, "edited") as edited:
        pass
    return Past(workspace, *(run.run_id for run in (imported, first, nothing, second, edited)))


def members(past: Past, run_id: str) -> list[str]:
    return sorted(run_moment(past.workspace, run_id).read("assignments")["firm_id"])


def test_a_run_is_found_by_its_beginning_and_reads_what_it_left(past: Past) -> None:
    assert [members(past, run_id) for run_id in (past.imported, past.first, past.nothing, past.second)] == [
        [], ["f-1"], ["f-1"], ["f-1", "f-2"]
    ]  # fmt: skip
    moment = run_moment(past.workspace, past.first)
    assert set(moment.read_arrow("runs", ["run_id"])["run_id"].to_pylist()) == {past.imported, past.first}


def test_figures_of_then_are_those_of_then(past: Past) -> None:
    then = {run_id: figures_as_of(past.workspace, run_moment(past.workspace, run_id)) for run_id in
            (past.first, past.nothing, past.second, past.edited)}  # fmt: skip
    names = {run_id: figures.taxonomy.sectors[0].name for run_id, figures in then.items()}
    assert list(names.values()) == ["Aerospace", "Aerospace", "Flight", "Flight"]
    assert {figures.rules for figures in then.values()} == {
        publishable(past.workspace, moment_now(past.workspace)).rules
    }
    assert then[past.first].untrained == frozenset()


def test_a_day_is_the_state_after_its_last_run(past: Past) -> None:
    today = datetime.now(UTC).date()
    assert moment_as_of(past.workspace, today.isoformat()).run_id == past.second


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("20", "the newest of them: "),
        ("zz", "no run begins with 'zz'"),
        ("2026-02-31", "is not a day"),
        ("2001-01-01", "no run had ended by 2001-01-01: the first run on record ended on "),
        ((datetime.now(UTC) + timedelta(days=2)).date().isoformat(), "still to come"),
    ],
    ids=["many", "none", "no day", "before", "to come"],
)
def test_what_cannot_be_found_is_named(past: Past, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        moment_as_of(past.workspace, text)


def test_a_killed_run_has_no_state(own_past: Past) -> None:
    folder = own_past.workspace.runs_folder / "20990101T000000Z-abcdef"
    folder.mkdir()
    manifest: dict[str, object] = {
        "run_id": folder.name,
        "stage": "nightly",
        "ended_at": None,
        "outcome": "running",
        "notes": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(UsageError, match="was killed"):
        run_moment(own_past.workspace, "2099")


def test_figures_before_any_are_refused(past: Past) -> None:
    with pytest.raises(UsageError, match="no figures had been worked out"):
        figures_as_of(past.workspace, run_moment(past.workspace, past.imported))


def test_a_taxonomy_that_is_not_kept_is_asked_for(own_past: Past) -> None:
    for path in own_past.workspace.taxonomies_folder.rglob("*.yaml"):
        path.unlink()
    with pytest.raises(UsageError, match="put that version of taxonomy"):
        figures_as_of(own_past.workspace, run_moment(own_past.workspace, own_past.first))


def test_a_removed_state_says_since_when_states_are_kept(own_past: Past) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    lake = own_past.workspace.lake
    noted = run_moment(own_past.workspace, own_past.first).snapshots
    gone = noted["assignments"]
    folder = lake.folder.resolve()
    catalog = SqlCatalog("firmscope", uri=f"sqlite:///{folder / 'catalog.db'}", warehouse=folder.as_uri())
    table = catalog.load_table("firmscope.assignments")
    table.maintenance.expire_snapshots().by_id(gone).commit()
    catalog.close()
    lake.close()
    with pytest.raises(UsageError, match=rf"the next that is kept is of .* \(run {own_past.second}\)"):
        run_moment(own_past.workspace, own_past.first)
    with pytest.raises(UsageError, match="has been removed"):
        moment_of(own_past.workspace, noted, own_past.first, None)
    assert members(own_past, own_past.second) == ["f-1", "f-2"]
