"""The match stage on rows as a crawl leaves them: what it writes, what it leaves, and what classify makes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import matching
from pipelines.classified_shard import NOT_OWN, read_shard
from pipelines.failed_parts import FAILED, NOTE
from pipelines.firm_lists import read_firm_list
from pipelines.importing import import_firms
from pipelines.match_shard import NO_PAGE, NO_SITE, MatchedShard, MatchJob, MatchTask, match_shard
from pipelines.matching import not_recognised, run_match
from pipelines.runs import Run, start_run
from pipelines.setup import create_workspace
from pipelines.store import shard_of
from pipelines.tables import TABLES
from pipelines.workspace import Workspace
from tests.pipelines.conftest import TAXONOMY, Command

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


def full(table: str, **values: Any) -> Row:
    """A row of a table, what is not given being null or, where it must not be null, empty."""
    empty = {"text": "", "texts": [], "int": 0, "bool": False, "float": 0.0, "instant": NOW}
    columns = [column for column in TABLES[table].columns if column.name != "shard"]
    return {column.name: None if column.optional else empty.get(column.kind) for column in columns} | values


def firm(firm_id: str, name: str, number: str | None, host: str) -> Row:
    return full("firms", firm_id=firm_id, name=name, company_number=number, website=host)


def site(firm_id: str, host: str, source: str = "crawl", outcome: str = "ok") -> Row:
    url = f"https://{host}/"
    return full("sites", firm_id=firm_id, website=host, final_url=url, source=source, outcome=outcome)


def page(firm_id: str, host: str, title: str = "Home") -> Row:
    return full("pages", firm_id=firm_id, url=f"https://{host}/", title=title, text="words", text_digest=firm_id)


def mark(firm_id: str, kind: str, value: str, label: str, host: str) -> Row:
    return full(
        "marks", firm_id=firm_id, kind=kind, value=value, label=label, url=f"https://{host}/", page_kind="legal"
    )


FIRMS = [
    firm("own", "Tarn Castings Ltd", "1234567", "www.tarn.co.uk"),
    firm("other", "Oak Joinery Ltd", "07654321", "www.elm.co.uk"),
    firm("same", "Tarn Castings Sales Ltd", None, "tarn.co.uk"),
    firm("part", "Tarn Castings Depot Ltd", None, "depot.tarn.co.uk"),
    firm("down", "Down Ltd", None, "down.co.uk"),
    firm("text", "Text Ltd", None, "text.co.uk"),
    firm("none", "None Ltd", None, ""),
]


@pytest.fixture
def crawled(workspace: Workspace) -> Workspace:
    fill(workspace)
    return workspace


@pytest.fixture(scope="module")
def matched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Run]:
    """A workspace on which match has run, for tests that change nothing in it."""
    folder = tmp_path_factory.mktemp("matched")
    (folder / "sectors.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "sectors.yaml"))
    fill(Workspace(folder / "ws"))
    run = match(Workspace(folder / "ws"))
    return Workspace(folder / "ws"), run


def fill(workspace: Workspace) -> None:
    lake = workspace.lake
    with start_run(workspace, "test") as run:
        lake.replace_all("firms", FIRMS, run.run_id)
        sites = [site("own", "www.tarn.co.uk"), site("other", "www.elm.co.uk"), site("same", "tarn.co.uk")]
        sites += [site("part", "depot.tarn.co.uk")]
        sites += [site("down", "down.co.uk", outcome="dns_failed"), site("text", "text.co.uk", source="texts")]
        lake.replace_all("sites", sites, run.run_id)
        pages = [page("own", "www.tarn.co.uk"), page("other", "www.elm.co.uk"), page("text", "text.co.uk")]
        pages += [page("same", "tarn.co.uk", "Tarn Castings Sales")]
        pages += [page("part", "depot.tarn.co.uk", "Tarn Castings Depot")]
        lake.replace_all("pages", pages, run.run_id)
        marks = [
            mark("own", "company_number", "01234567", "owner", "www.tarn.co.uk"),
            mark("own", "postcode", "LS1 4AB", "registered", "www.tarn.co.uk"),
            mark("own", "postcode", "DY9 8AA", "trading", "www.tarn.co.uk"),
            mark("other", "company_number", "09999999", "owner", "www.elm.co.uk"),
            mark("other", "postcode", "YO1 7HH", "trading", "www.elm.co.uk"),
            mark("same", "name", "Tarn Castings Sales Ltd", "owner", "tarn.co.uk"),
            mark("part", "name", "Tarn Castings Depot Ltd", "owner", "depot.tarn.co.uk"),
        ]
        lake.replace_all("marks", marks, run.run_id)
        listed = full("premises", firm_id="own", postcode="LS1 4AB", kind="registered", source="firm_list", lat=53.8)
        lake.replace_all("premises", [listed], run.run_id)


def match(workspace: Workspace) -> Run:
    with start_run(Workspace(workspace.folder), "match") as run:
        run_match(run, lambda *_: None)
    return run


def rows(workspace: Workspace, table: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in workspace.lake.read_arrow(table).to_pylist():
        found.setdefault(row["firm_id"], []).append(row)
    return found


def test_every_firm_is_compared_or_named(matched: tuple[Workspace, Run]) -> None:
    workspace, run = matched
    counts = run.stages["match"]
    assert (counts.rows_in, counts.rows_out) == (7, 4)
    assert counts.dropped == {NO_PAGE: 2, NO_SITE: 1}
    assert run.notes["match"] == {"compared": 4, "matched": 2, "not_recognised": 2}
    found = {firm_id: row for firm_id, (row,) in rows(workspace, "matches").items()}
    matched_ids = {firm_id for firm_id, row in found.items() if row["matched"]}
    assert matched_ids == {"own", "part"}  # a host of its own is a site of its own
    assert found["own"]["site"] == "www.tarn.co.uk"
    assert found["own"]["reasons"][0] == "company number 01234567 stands on /"
    assert found["other"]["reasons"][0] == "the site calls company number 09999999 its own, not 07654321"
    assert found["same"]["reasons"][0] == "the site states the number of own, which names it too"


def test_addresses_on_the_firms_own_site_become_premises(matched: tuple[Workspace, Run]) -> None:
    premises = rows(matched[0], "premises")
    found = {(row["postcode"], row["kind"], row["source"], row["lat"]) for row in premises["own"]}
    assert found == {("LS1 4AB", "registered", "firm_list", 53.8), ("DY9 8AA", "trading", "website", None)}
    assert "other" not in premises  # it is not the firm's site


def test_a_second_run_writes_nothing(matched: tuple[Workspace, Run]) -> None:
    run = match(matched[0])
    counts = run.stages["match"]
    assert (counts.rows_out, counts.unchanged, counts.written) == (0, 4, {})
    assert run.notes["tables_changed"] == []


def test_only_what_changed_is_rewritten(crawled: Workspace) -> None:
    match(crawled)
    with start_run(crawled, "test") as run:
        crawled.lake.replace_firms("marks", ["own"], [], run.run_id)
        crawled.lake.replace_firms("firms", ["other"], [], run.run_id)
    counts = match(crawled).stages["match"]
    assert counts.rows_in == 6
    assert counts.rows_out == 2  # own lost its number, and with it the firm that shares its site may match by name
    fresh = Workspace(crawled.folder)
    assert {firm_id: row["matched"] for firm_id, (row,) in rows(fresh, "matches").items()} == {
        "own": False,
        "part": True,
        "same": True,
    }
    assert {row["source"] for row in rows(fresh, "premises")["own"]} == {"firm_list"}


@pytest.mark.parametrize(
    ("victim", "dropped", "unchanged"),
    [
        pytest.param("other", {FAILED: 1, NO_PAGE: 2, NO_SITE: 1}, 3, id="a-firm-that-was-compared-before"),
        pytest.param("down", {FAILED: 1, NO_PAGE: 1, NO_SITE: 1}, 4, id="a-firm-without-a-page"),
        pytest.param("text", {FAILED: 1, NO_PAGE: 2}, 4, id="a-firm-without-a-site"),
    ],
)
def test_a_failed_part_leaves_its_firms_as_they_were_and_no_others(
    crawled: Workspace, monkeypatch: pytest.MonkeyPatch, victim: str, dropped: dict[str, int], unchanged: int
) -> None:
    before = match(crawled).notes["match"]
    changed = {"none", victim} if victim != "down" else {"text", victim}
    assert len({shard_of(firm_id, crawled.lake.shards) for firm_id in changed}) == 2
    for row in FIRMS:
        if row["firm_id"] in changed:
            crawled.lake.replace_firms("firms", [row["firm_id"]], [row | {"name": "Another Ltd"}], "test")
    crawled.lake.close()

    def faulty(job: MatchJob, task: MatchTask) -> MatchedShard:
        return match_shard(job, task) if victim not in (task.firm_ids or ()) else 1 / 0  # type: ignore[return-value]

    monkeypatch.setattr(matching, "match_shard", faulty)
    run = match(crawled)
    counts = run.stages["match"]
    assert (counts.rows_in, counts.rows_out, counts.unchanged) == (7, 0, unchanged)
    assert counts.dropped == dropped
    assert run.notes["match"] == before
    assert [one["part"] for one in run.notes[NOTE]] == [f"firm {victim}"]


def test_of_a_whole_shard_that_failed_no_firm_is_counted_as_compared(
    crawled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = shard_of("own", crawled.lake.shards)
    of_it = [row["firm_id"] for row in FIRMS if shard_of(row["firm_id"], crawled.lake.shards) == shard]

    def faulty(job: MatchJob, task: MatchTask) -> MatchedShard:
        return match_shard(job, task) if task.shard != shard else 1 / 0  # type: ignore[return-value]

    monkeypatch.setattr(matching, "match_shard", faulty)
    run = match(crawled)
    assert run.stages["match"].dropped[FAILED] == len(of_it) < len(FIRMS)
    assert [one["part"] for one in run.notes[NOTE]] == [f"shard {shard}"]


def test_a_list_that_names_an_address_of_the_site_goes_before_it(crawled: Workspace, tmp_path: Path) -> None:
    with start_run(crawled, "test") as run:
        crawled.lake.replace_firms("premises", ["own"], [], run.run_id)
    match(crawled)
    assert {row["source"] for row in rows(Workspace(crawled.folder), "premises")["own"]} == {"website"}
    path = tmp_path / "firms.csv"
    path.write_text("firm_id,name,website,postcode\nown,Tarn Castings Ltd,www.tarn.co.uk,LS1 4AB\n", encoding="utf-8")
    with start_run(Workspace(crawled.folder), "import") as run:
        import_firms(run, read_firm_list(path, NOW.date()))
    match(crawled)
    found = {(row["postcode"], row["source"]) for row in rows(Workspace(crawled.folder), "premises")["own"]}
    assert found == {("LS1 4AB", "firm_list"), ("DY9 8AA", "website")}


@pytest.mark.parametrize("require", [False, True])
def test_classify_leaves_out_other_peoples_words_where_told_to(matched: tuple[Workspace, Run], require: bool) -> None:
    lake = matched[0].lake
    spoken: set[str] = set()
    reasons: dict[str, str] = {}
    for number in range(lake.shards):
        shard = read_shard(lake, number, require)
        spoken |= shard.digests.keys()
        reasons |= shard.reasons
    assert spoken == ({"own", "part", "text"} if require else {"own", "part", "text", "same", "other"})
    assert (NOT_OWN in reasons["other"]) == require
    assert reasons["other"].endswith("its own, not 07654321") == require


def test_the_command_explains(matched: tuple[Workspace, Run], firmscope: Command) -> None:
    at = ("--workspace", matched[0].folder)
    assert "run firmscope crawl, then firmscope match" in firmscope(*at, "match", "--firm", "none").err
    answer = firmscope(*at, "match")
    assert answer.code == 0
    assert answer.out.startswith(
        "4 sites compared with the firms they were read for: 2 recognised as the firm's own, 2 not."
    )
    told = firmscope(*at, "match", "--firm", "other")
    assert told.out.startswith("www.elm.co.uk is not taken for the site of other (score 0.00):\n  - the site calls")
    [row] = json.loads(firmscope(*at, "match", "--firm", "own", "--json").out)
    assert (row["firm_id"], row["site"], row["matched"]) == ("own", "www.tarn.co.uk", True)
    assert json.loads(firmscope(*at, "match", "--json").out)["not_recognised"] == 2
    unknown = firmscope(*at, "match", "--firm", "nobody")
    assert unknown.code == 2
    assert "'nobody' is not in the firm list" in unknown.err


def test_not_recognised_names_the_weightiest_reason(matched: tuple[Workspace, Run]) -> None:
    lake = matched[0].lake
    assert not_recognised(lake).keys() == {"other", "same"}
    shard = shard_of("other", lake.shards)
    assert not_recognised(lake, [shard])["other"] == "the site calls company number 09999999 its own, not 07654321"
