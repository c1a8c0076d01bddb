"""What is published fits the tables of one moment: stages run alone, kills and lost files can publish no other mix."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from classifier.model import SectorModel
from pipelines.errors import UsageError
from pipelines.exporting.columns import EXPORTS
from pipelines.figures import Moment
from pipelines.firm_texts import classified_firms, site_digests
from pipelines.list_making import Wanted, export_list
from pipelines.nightly import cluster_rows
from pipelines.publication import CURRENT, FACTS, sets
from pipelines.publishing import run_publish, run_rollup
from pipelines.runs import list_runs, start_run
from pipelines.screen import cluster_table
from pipelines.tables import TABLES
from pipelines.workspace import Workspace
from tests.classifier.conftest import make_world
from tests.commands import Command
from tests.kept_states import KeptStates, state
from tests.pipelines.conftest import small_workspace

NOW = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
EMPTY = {
    "text": "", "texts": [], "int": 0, "float": 0.0, "bool": False, "instant": NOW, "date": date(2026, 3, 1),
}  # fmt: skip
SECTORS = ("air", "space", "cyber")
# firm: the sectors it was put in; c's site was never read
FIRMS = {"a": ("air", "space"), "b": ("none",), "c": ("none",)}
WORDS = {"a": "We build satellites.", "b": "We bake bread."}
FILES = {f"{name}.{kind}" for name in EXPORTS for kind in ("csv", "parquet")}
Do = Callable[..., Any]


@pytest.fixture(scope="module")
def models() -> tuple[SectorModel, SectorModel]:
    """Two models of three sectors; neither saw a firm of the third, cyber."""
    found = []
    for seed in (0, 1):
        world = make_world(8, seed)
        labels = world.Y.copy()
        labels[:, 2] = False
        found.append(
            SectorModel.train(world.firms, world.vectors, labels, world.mask, SECTORS, ((), (0,), ()), encoder_id="x")
        )
    assert all(model.untrained == ("cyber",) for model in found)
    return found[0], found[1]


def row(table: str, **given: Any) -> dict[str, Any]:
    """A row of a table; columns that are not given are null, or empty where null is refused."""
    columns = TABLES[table].columns[1:]
    assert given.keys() <= {column.name for column in columns}
    return {column.name: None if column.optional else EMPTY[column.kind] for column in columns} | given


def put(run: Any, table: str, *rows: dict[str, Any]) -> None:
    """Replace what the table says about these firms."""
    run.workspace.lake.replace_firms(table, {found["firm_id"] for found in rows}, rows, run.run_id)


def crawl(run: Any, **words: str) -> None:
    page = {"url": "https://x.example/"}
    put(run, "pages", *(row("pages", **page, firm_id=key, text=text, text_digest=text) for key, text in words.items()))
    site = {"outcome": "ok", "reason": "read", "crawled_at": NOW, "pages": 1}
    put(run, "sites", *(row("sites", **site, firm_id=firm_id) for firm_id in words))


def employ(run: Any, number: float) -> None:
    put(run, "accounts", row("accounts", firm_id="a", period_end=date(2025, 1, 1), employees=number, source="accounts"))


def classify(run: Any, model_id: str, firms: str = "abc") -> None:
    digests = site_digests(run.workspace.lake)
    put(run, "assignments", *(
        row("assignments", firm_id=firm_id, sector=sector, assigned=sector != "none", reason="r",
            model_id=model_id if firm_id in digests else None)
        for firm_id in firms for sector in FIRMS[firm_id]
    ))  # fmt: skip
    put(run, "scores", *(
        row("scores", firm_id=firm_id, sector=sector, model_id=model_id, text_digest=digests[firm_id])
        for firm_id in firms if firm_id in digests for sector in SECTORS
    ))  # fmt: skip


def run_stage(workspace: Workspace, stage: Callable[..., Any], *given: Any, **named: Any) -> str:
    """Run one stage as a run of its own; its run id."""
    with start_run(workspace, stage.__name__) as run:
        stage(run, *given, **named)
    return run.run_id


def imported(run: Any) -> None:
    put(run, "firms", *(row("firms", firm_id=firm_id, name=f"Firm {firm_id}") for firm_id in FIRMS))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, models: tuple[SectorModel, SectorModel]) -> KeptStates:
    """One workspace new, classified, published, then with a night that empties lists: not yet published, and held.

    Every test starts from one of these, put back in its place.
    """
    folder = tmp_path_factory.mktemp("publishing")
    states = KeptStates(small_workspace(folder).folder, folder / "aside")
    states.keep("new")
    run_stage(states.workspace(), imported)
    run_stage(states.workspace(), crawl, **WORDS)
    run_stage(states.workspace(), employ, 70)
    for model in models:
        model.save(states.workspace().models_folder / model.model_id, {})
    run_stage(states.workspace(), classify, models[0].model_id)
    states.keep("classified")
    for stage in (run_rollup, run_publish):
        run_stage(states.workspace(), stage)
    states.keep("published")
    run_stage(states.workspace(), turned, models[0].model_id)
    run_stage(states.workspace(), run_rollup)
    states.keep("turned")
    with start_run(states.workspace(), "report") as run:
        assert run_publish(run).verdict == "held"
    states.keep("held")
    return states


workspace = state("new")
classified = state("classified")  # three firms, two of them read and classified; nothing rolled up yet
published = state("published")
emptied = state("turned")  # after a night that empties lists, which is rolled up and not yet published
held = state("held")  # the same once the gate has held that night back


@pytest.fixture
def do(kept: KeptStates) -> Do:
    """Run one stage as a run of its own, on the workspace that the test was given; its run id."""
    return lambda stage, *given, **named: run_stage(kept.standing, stage, *given, **named)


def cell(workspace: Workspace, cluster: str, metric: str = "businesses") -> dict[str, Any]:
    found = workspace.lake.read_arrow("cells").to_pylist()
    (wanted,) = [
        made for made in found if (made["cluster"], made["area_kind"], made["metric"]) == (cluster, "all", metric)
    ]
    return dict(wanted)


def page(workspace: Workspace) -> str:
    return " ".join((workspace.report_folder / "index.html").read_text(encoding="utf-8").split())


def note(workspace: Workspace, name: str = "firms.csv") -> dict[str, Any]:
    text = (workspace.exports_folder / f"{name}.meta.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def assert_nothing_is_published(workspace: Workspace, do: Do, cure: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=cure):
        do(run_publish)
    for name in EXPORTS:
        with pytest.raises(UsageError, match=cure):
            export_list(Workspace(workspace.folder), Wanted(name, "csv", tmp_path / "x.csv"))
    assert not (tmp_path / "x.csv").exists()


def test_figures_older_than_the_tables_are_not_published(published: Workspace, do: Do, tmp_path: Path) -> None:
    assert cell(published, "space", "employees")["value"] == 70
    do(employ, 7_000)
    assert_nothing_is_published(published, do, "the figures are older than the tables: run firmscope rollup", tmp_path)
    assert "7,000" not in page(published)
    for stage in (run_rollup, run_publish):
        do(stage)
    assert cell(published, "space", "employees")["value"] == 7_000
    assert "7,000" in page(published)
    assert (note(published)["rows"], export_list(published, Wanted("cells", "csv", tmp_path / "x.csv")).rows > 0) == (
        3,
        True,
    )


def test_before_the_first_classify_nothing_is_known(workspace: Workspace, do: Do) -> None:
    do(imported)
    do(crawl, **WORDS)
    for stage in (run_rollup, run_publish):
        do(stage)
    for sector in SECTORS:
        found = cell(workspace, sector)
        assert (found["value"], found["n"], found["coverage"]) == (None, 0, 0.0)
        assert {"low_coverage", "no_value"} <= set(found["flags"])
    assert "2 firms were read and have not been classified yet" in page(workspace)
    assert (note(workspace)["model_id"], note(workspace)["run_id"] != "none") == (None, True)
    firms = {
        firm["firm_id"]: firm["left_out"]
        for firm in pq.read_table(workspace.exports_folder / "firms.parquet").to_pylist()
    }
    assert firms == dict.fromkeys("abc", "not classified yet")


def test_words_that_wait_for_the_classifier_lower_the_coverage(published: Workspace, do: Do) -> None:
    assert cell(published, "air")["coverage"] == pytest.approx(2 / 3)
    do(crawl, b="We bake cakes now.")
    assert classified_firms(published.lake).keys() == {"a"}
    do(run_rollup)
    do(run_publish)
    assert cell(published, "air")["coverage"] == pytest.approx(1 / 3)
    assert "1 firm was read and has not been classified yet" in page(published)
    do(crawl, a="We bake cakes too.")  # still counted, by its earlier words
    do(run_rollup)
    do(run_publish)
    assert (cell(published, "air")["value"], cell(published, "air")["coverage"]) == (1.0, 0.0)
    assert "1 firm in a cluster is there by earlier words" in page(published)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param("  - {key: quantum, name: Quantum}\n", id="a sector more"),
        pytest.param("  - {key: quantum, name: Quantum, parents: [cyber]}\n", id="a sector and its parent"),
    ],
)
def test_sectors_that_no_model_has_seen_are_not_counted(
    published: Workspace, do: Do, tmp_path: Path, changed: str
) -> None:
    before = published.lake.snapshots()["cells"]
    with published.taxonomy_file.open("a", encoding="utf-8") as file:
        file.write(changed)
    cure = "quantum.*run firmscope train, then firmscope classify"
    with pytest.raises(UsageError, match=cure):
        do(run_rollup)
    assert published.lake.snapshots()["cells"] == before
    assert_nothing_is_published(published, do, cure, tmp_path)


def test_other_parents_are_other_sectors(published: Workspace, do: Do) -> None:
    text = published.taxonomy_file.read_text(encoding="utf-8")
    published.taxonomy_file.write_text(text.replace("parents: [air]", "parents: [cyber]"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"parents.*run firmscope train, then firmscope classify"):
        do(run_rollup)


def test_a_sector_without_training_is_unknown_not_nought(published: Workspace) -> None:
    found = cell(published, "cyber")
    assert (found["value"], found["n"]) == (None, 0)
    assert "not_trained" in found["flags"]
    assert "not_trained" not in cell(published, "air")["flags"]
    assert "The model was not trained for Cyber" in page(published)
    rows = {made.cluster: made for made in cluster_rows(published)}
    assert (rows["cyber"].businesses, rows["cyber"].not_trained, rows["space"].businesses) == (None, True, 1.0)
    printed = StringIO()
    Console(file=printed, width=120).print(cluster_table(cluster_rows(published)))
    assert "Not counted, because the model was not trained for them: Cyber." in " ".join(printed.getvalue().split())
    assert "have no business" not in printed.getvalue()


@pytest.mark.parametrize("firms", ["a", "b"], ids=["in sectors", "in none"])
def test_figures_of_two_models_are_not_published(
    published: Workspace, do: Do, models: tuple[SectorModel, SectorModel], tmp_path: Path, firms: str
) -> None:
    do(classify, models[1].model_id, firms=firms)
    cure = f"{'.*'.join(sorted(model.model_id for model in models))}.*run firmscope classify"
    with pytest.raises(UsageError, match=cure):
        do(run_rollup)
    assert_nothing_is_published(published, do, cure, tmp_path)
    do(classify, models[1].model_id)
    do(run_rollup)
    do(run_publish)
    assert note(published)["model_id"] == models[1].model_id


def test_a_model_that_is_gone_cannot_vouch_for_its_figures(classified: Workspace, do: Do) -> None:
    for folder in classified.models_folder.iterdir():
        folder.rename(classified.folder / folder.name)
    with pytest.raises(UsageError, match="is missing: put it back, or run firmscope train, then firmscope classify"):
        do(run_rollup)


def test_the_run_named_is_the_one_that_made_the_figures(classified: Workspace, do: Do, tmp_path: Path) -> None:
    made_by = do(run_rollup)
    do(run_publish)
    assert note(classified)["run_id"] == made_by
    do(put, "sites", row("sites", firm_id="c", outcome="timeout", reason="slow", crawled_at=NOW))
    do(run_publish)
    export_list(Workspace(classified.folder), Wanted("cells", "csv", tmp_path / "x.csv"))
    assert note(classified)["run_id"] == made_by
    assert json.loads((tmp_path / "x.csv.meta.json").read_text(encoding="utf-8"))["run_id"] == made_by


def test_a_run_under_way_is_named_once_it_is_recorded(classified: Workspace, tmp_path: Path) -> None:
    with start_run(classified, "night") as run:
        run_rollup(run)
        run_publish(run)
        export_list(Workspace(classified.folder), Wanted("cells", "csv", tmp_path / "x.csv"))
    assert note(classified)["run_id"] == run.run_id
    assert json.loads((tmp_path / "x.csv.meta.json").read_text(encoding="utf-8"))["run_id"] == "none"


def test_what_is_read_together_is_of_one_moment(published: Workspace, do: Do) -> None:
    reader = Workspace(published.folder)
    moment = Moment.now(reader.lake)
    do(employ, 7_000)
    do(put, "premises", row("premises", firm_id="a", postcode="NG7 2RD", kind="registered"))
    reader.lake.close()  # so that a table is opened again, as a read that comes late would
    assert moment.read("accounts")["employees"].tolist() == [70]
    assert moment.read("premises").empty
    assert Moment.now(reader.lake).read("accounts")["employees"].tolist() == [7_000]


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("exports/firms.csv", "removed"), ("exports/cells.parquet", "cut"), ("exports/scores.csv.meta.json", "other"),
        ("report/index.html", "removed"), ("report/cluster-air.html", "cut"),
    ],
)  # fmt: skip
def test_a_lost_or_changed_file_is_written_again(published: Workspace, name: str, harm: str) -> None:
    path = published.folder / name
    whole = path.read_bytes()
    path.unlink() if harm == "removed" else path.write_bytes(whole[:-1] + (b"" if harm == "cut" else b"#"))
    with start_run(published, "report") as run:
        assert run_publish(run).verdict == "published"
    assert path.read_bytes() == whole
    with start_run(published, "report") as run:
        assert run_publish(run).verdict == "unchanged"
    assert (run.stages["report"].rows_out, run.stages["report"].unchanged) == (0, 1)


@pytest.mark.parametrize("facts", [b"", b"[]", b"null", b'{"state": {}}'])
def test_facts_that_say_nothing_switch_no_gate_off(published: Workspace, do: Do, facts: bytes) -> None:
    """With nothing to compare with, an emptied list would pass for a first publication."""
    (published.published_folder / CURRENT / FACTS).write_bytes(facts)
    with pytest.raises(UsageError, match="cannot be read, so that nothing says what stands published"):
        do(run_publish)


def test_links_that_were_lost_are_made_again(published: Workspace, do: Do) -> None:
    published.exports_folder.unlink()
    do(run_publish)
    assert (published.exports_folder / "firms.csv").is_file()


def test_a_held_night_that_was_killed_before_it_could_say_so_is_released(
    emptied: Workspace, firmscope: Command
) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "--workspace", str(emptied.folder), "report"]
    killed = subprocess.run(command, env=os.environ | {"FIRMSCOPE_CRASH_AT": "set-built"}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert firmscope("--workspace", emptied.folder, "report").code == 10
    (waiting,) = (one for one in sets(emptied) if one.held)
    done = firmscope("--workspace", emptied.folder, "nightly", "--release", waiting.run_id, "--reason", "seen")
    assert done.code == 0, done.err


def test_of_two_held_nights_the_newer_can_follow_the_older(held: Workspace, do: Do, firmscope: Command) -> None:
    waiting = [one.run_id for one in sets(held) if one.held]
    do(employ, 8_000)
    do(run_rollup)
    assert firmscope("--workspace", held.folder, "report").code == 10
    waiting += [one.run_id for one in sets(held) if one.held and one.run_id not in waiting]
    assert len(waiting) == 2
    for run_id in waiting:
        done = firmscope("--workspace", held.folder, "nightly", "--release", run_id, "--reason", "seen")
        assert done.code == 0, done.err
    old = firmscope("--workspace", held.folder, "diff", *waiting)
    assert old.code == 0, old.err


def test_a_verdict_holds_for_the_settings_it_was_given_under(held: Workspace, firmscope: Command) -> None:
    go = ("--workspace", held.folder)
    said = firmscope(*go, "config", "set", "gate.list_empties", "50")
    assert said.code == 0, said.err
    assert "went from 1 to none" not in firmscope(*go, "report").out  # asked anew, under the new setting
    assert [one.held for one in sets(held)].count(True) == 2


def test_readers_see_one_set_through_links(published: Workspace, do: Do) -> None:
    """Whoever resolves the link once reads one night's files to the end, and the next set beside it."""
    assert published.exports_folder.is_symlink()
    assert {path.name for path in published.exports_folder.iterdir()} >= FILES
    held = published.exports_folder.resolve()
    before = {path.name: path.read_bytes() for path in held.iterdir()}
    do(employ, 7_000)
    do(run_rollup)
    do(run_publish)
    assert {path.name: path.read_bytes() for path in held.iterdir()} == before
    assert published.exports_folder.resolve() != held
    assert published.exports_folder.resolve().parent == published.report_folder.resolve().parent


def test_a_list_of_the_users_does_not_go_where_the_night_publishes(published: Workspace) -> None:
    with pytest.raises(UsageError, match="replaced whole; choose another"):
        export_list(published, Wanted("cells", "csv", published.exports_folder / "mine.csv"))
    assert not (published.exports_folder / "mine.csv").exists()


def turned(run: Any, model_id: str) -> None:
    """The only firm of two lists says something else, and is in none."""
    crawl(run, a="We bake cakes now, and nothing else.")
    digest = site_digests(run.workspace.lake)["a"]
    put(run, "assignments", row("assignments", firm_id="a", sector="none", reason="r", model_id=model_id,
                                text_digest=digest))  # fmt: skip
    put(run, "scores", *(
        row("scores", firm_id="a", sector=sector, model_id=model_id, text_digest=digest) for sector in SECTORS
    ))  # fmt: skip


def test_a_night_that_empties_lists_is_held_and_published_after_a_look(emptied: Workspace, firmscope: Command) -> None:
    """K13, K14. Readers see the old files until somebody says why the new ones are right."""
    published = emptied
    held_by = published.exports_folder.resolve()
    before = {path.name: path.read_bytes() for path in held_by.iterdir()}
    for _ in range(2):  # and again, without a second set
        answer = firmscope("--workspace", published.folder, "report")
        assert answer.code == 10
        assert "Space went from 1 to none, 1 of them by their websites" in " ".join(answer.out.split())
    assert published.exports_folder.resolve() == held_by
    assert {path.name: path.read_bytes() for path in held_by.iterdir()} == before
    (waiting,) = (one for one in sets(published) if one.held)
    assert f"firmscope nightly --release {waiting.run_id}" in answer.out
    assert (waiting.folder / "report" / "night.html").is_file()

    release = ("--workspace", published.folder, "nightly", "--release", waiting.run_id)
    refused = firmscope(*release)
    assert (refused.code, "say why" in refused.err) == (2, True)
    done = firmscope(*release, "--reason", "The <b>firm</b> was sold")
    assert done.code == 0, done.err
    assert note(published)["gate"] == "released after a look: The <b>firm</b> was sold"
    assert "The &lt;b&gt;firm&lt;/b&gt; was sold" in (published.report_folder / "quality.html").read_text("utf-8")
    assert [one.run_id for one in sets(published) if one.held] == []
    again = firmscope(*release, "--reason", "twice")
    assert (again.code, "0 publications begin with" in again.err) == (2, True)
    with start_run(published, "report") as run:
        assert run_publish(run).verdict == "unchanged"


def test_a_held_night_is_not_released_over_a_newer_one(
    held: Workspace, do: Do, models: tuple[SectorModel, SectorModel], firmscope: Command
) -> None:
    (waiting,) = (one for one in sets(held) if one.held)
    do(crawl, **WORDS)
    do(classify, models[0].model_id)
    do(run_rollup)
    assert firmscope("--workspace", held.folder, "report").code == 0
    late = firmscope("--workspace", held.folder, "nightly", "--release", waiting.run_id, "--reason", "late")
    assert (late.code, "has been published since" in late.err) == (2, True)


def test_what_was_published_passed_the_gate_and_says_so(published: Workspace) -> None:
    assert note(published)["gate"] == "passed"
    assert "Passed every check" in (published.report_folder / "quality.html").read_text("utf-8")


def test_a_report_of_a_past_day_shows_the_figures_of_then(
    published: Workspace, do: Do, firmscope: Command, tmp_path: Path
) -> None:
    then = list_runs(published)[-1]["run_id"]
    do(employ, 7_000)
    do(run_rollup)
    do(run_publish)
    made = firmscope("--workspace", published.folder, "report", "--as-of", then, "--out", tmp_path / "then")
    assert made.code == 0, made.err
    shown = (tmp_path / "then" / "index.html").read_text("utf-8")
    assert ("7,000" in shown, "7,000" in page(published)) == (False, True)
    for arguments, cure in (
        (("--as-of", then), "go together"),
        (("--as-of", then, "--out", tmp_path / "then"), "not empty"),
        (("--as-of", then, "--out", published.report_folder / "then"), "choose another"),
    ):
        answer = firmscope("--workspace", published.folder, "report", *arguments)
        assert (answer.code, cure in answer.err) == (2, True), answer.err
