"""What the crawl stage hands to the crawler, and what it makes of what comes back; without a network."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import SettingsError
from crawler.records import CrawlSettings, Fetch, KnownPage, Page, SiteCrawl
from pipelines.config import set_key
from pipelines.crawl_sign import SIGNS
from pipelines.crawling import _job, commit, crawl_rules, crawl_settings, run_crawl
from pipelines.errors import InterruptedRunError
from pipelines.known_pages import known_pages
from pipelines.runs import list_runs, start_run
from pipelines.tables import FIRMS
from pipelines.workspace import Workspace

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)


def listed(workspace: Workspace, **websites: str) -> None:
    """Put firms into the list."""
    empty = dict.fromkeys(column.name for column in FIRMS.columns if column.name != "shard")
    rows = [empty | {"firm_id": firm_id, "name": firm_id, "website": site} for firm_id, site in websites.items()]
    workspace.lake.replace_firms("firms", list(websites), rows, "r")


def visit(firm_id: str, website: str, final_url: str, *aliases: str) -> SiteCrawl:
    fetched = Fetch(firm_id, final_url, "ok", 200, NOW, '"1"', "", "digest", "text", "a.warc.gz:7", "home page")
    page = Page(firm_id, final_url, "Title", "en", "words", "digest", "home")
    return SiteCrawl(
        firm_id, website, final_url, "ok", "1 page", NOW, NOW, fetches=(fetched,), pages=(page,), aliases=aliases
    )


def committed(workspace: Workspace, *visits: SiteCrawl) -> dict[str, dict[str, Any]]:
    """Rows of ``sites`` after these visits."""
    with start_run(workspace, "crawl") as run, run.stage("crawl") as counts:
        counts.rows_in = len(visits)
        commit(run, visits)
    return {row["firm_id"]: row for row in workspace.lake.read_arrow("sites").to_pylist()}


def test_what_shows_workers_the_archive_is_what_vacuum_removes_after_a_kill(workspace: Workspace) -> None:
    set_key(workspace.config_file, "crawl.contact", "crawler@example.org")
    with start_run(workspace, "crawl") as run, _job(run, crawl_settings(workspace)) as job:
        assert list(job.archive.iterdir()) == list(job.archive.glob(SIGNS)) == [job.archive / job.sign]
    assert not list(job.archive.iterdir())


def test_a_home_page_that_leads_to_another_firms_website_gives_no_words(workspace: Workspace) -> None:
    listed(
        workspace,
        moved="old.example",
        taken="taken.example",
        owner="https://www.owner.example/",
        seller="market.example/shops/seller",
        shop="shop.example",
        own="owner.example/own-page",
    )
    sites = committed(
        workspace,
        visit("moved", "old.example", "https://new.example/", "old.example"),
        visit("taken", "taken.example", "https://owner.example/welcome", "taken.example"),
        visit("owner", "https://www.owner.example/", "https://www.owner.example/"),
        visit("shop", "shop.example", "https://market.example/shops/shop", "shop.example"),
        visit("own", "owner.example/own-page", "https://owner.example/own-page", "elsewhere.example"),
    )
    assert {firm_id: row["outcome"] for firm_id, row in sites.items()} == {
        "moved": "ok", "taken": "redirect_offsite", "owner": "ok", "shop": "ok", "own": "ok",
    }  # fmt: skip
    assert sites["moved"]["aliases"] == ["old.example"]
    assert sites["taken"]["reason"] == "the home page leads to owner.example, which is the website of firm owner"
    assert sites["taken"]["flags"] == ["shared_site"]
    worded = set(workspace.lake.read_arrow("pages", ["firm_id"])["firm_id"].to_pylist())
    assert worded == set(sites) - {"taken"}


def test_the_crawler_is_told_of_answers_that_the_archive_holds_whole(workspace: Workspace) -> None:
    def fetched(url: str, outcome: str = "ok", status: int | None = 200, **changes: Any) -> Fetch:
        made = Fetch("f", url, outcome, status, NOW, '"1"', "Tue", "digest", "", "a.warc.gz:7", "link")
        return replace(made, **changes)

    fetches = (
        fetched("https://f.example/"),
        fetched("https://f.example/same", status=304, etag=""),
        fetched("https://f.example/thin", "empty"),
        fetched("https://f.example/robots.txt", chosen="robots.txt"),
        fetched("https://f.example/gone", "http_error", 404),
        fetched("https://f.example/lost", archive_ref=""),
        fetched("https://f.example/void", body_digest=""),
        fetched("https://f.example/slow", "timeout", None),
    )
    committed(workspace, replace(visit("f", "f.example", "https://f.example/"), fetches=fetches))
    assert known_pages(workspace.lake, {"f", "unknown"}) == {
        "f": (
            KnownPage("https://f.example/", '"1"', "Tue", "digest", "a.warc.gz:7"),
            KnownPage("https://f.example/same", "", "Tue", "digest", "a.warc.gz:7"),
            KnownPage("https://f.example/thin", '"1"', "Tue", "digest", "a.warc.gz:7"),
        )
    }


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("contact", "a@b.example", "a@b.example"),
        ("delay_s", "2.5", 2.5),
        ("page_budget", "7", 7),
        ("depth", "2", 2),
        ("timeout_s", "9", 9),
        ("concurrent_sites", "3", 3),
        ("allow_addresses", "127.0.0.0/8", ("127.0.0.0/8",)),
        ("tls", "verify", "verify"),
        ("window", "22:00-06:00", "22:00-06:00"),
        ("window_zone", "Europe/London", "Europe/London"),
        ("language", "cy", "cy"),
        ("render", "true", True),
    ],
)
def test_every_setting_reaches_the_crawler(tmp_path: Path, key: str, text: str, value: object) -> None:
    (tmp_path / "firmscope.toml").touch()
    for name, cell in {"contact": "a@b.example", key: text}.items():
        set_key(tmp_path / "firmscope.toml", f"crawl.{name}", cell)
    made = crawl_settings(Workspace(tmp_path))
    assert getattr(made, key) == value
    if key != "contact":
        assert getattr(CrawlSettings(contact="a@b.example"), key) != value


def test_dates_follow_the_settings(tmp_path: Path) -> None:
    for key, text in {"recrawl_after_h": "6", "recrawl_at_most_h": "48", "keep_text_days": "30"}.items():
        (tmp_path / "firmscope.toml").touch()
        set_key(tmp_path / "firmscope.toml", f"crawl.{key}", text)
    rules = crawl_rules(Workspace(tmp_path))
    assert (rules.bounds.shortest, rules.bounds.longest) == (timedelta(hours=6), timedelta(hours=48))
    assert rules.keep_text == timedelta(days=30)


def test_the_opt_out_list_is_made_empty_and_taken_as_it_is_filled_in(workspace: Workspace) -> None:
    set_key(workspace.config_file, "crawl.contact", "a@b.example")
    assert crawl_settings(Workspace(workspace.folder)).opt_out == ()
    with workspace.opt_out_file.open("a", encoding="utf-8") as file:
        file.write("www.Firm.co.uk  # wrote on 3 May\nhttps://shop.other.example/contact\n")
    assert crawl_settings(Workspace(workspace.folder)).opt_out == ("firm.co.uk", "shop.other.example")
    workspace.opt_out_file.write_text("co.uk\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"line 1 of the opt-out list holds 'co.uk'"):
        crawl_settings(Workspace(workspace.folder))


def test_a_closed_window_ends_the_run_as_one_to_be_resumed(workspace: Workspace) -> None:
    """Nothing listens at these addresses, and nothing is asked of them."""
    listed(workspace, a="http://127.9.250.1:9/", b="http://127.9.250.2:9/")
    later = datetime.now(UTC) + timedelta(hours=3)
    for key, text in {
        "contact": "a@b.example", "allow_addresses": "127.9.0.0/16", "delay_s": "0",
        "window": f"{later:%H}:00-{later + timedelta(hours=1):%H}:00",
    }.items():  # fmt: skip
        set_key(workspace.config_file, f"crawl.{key}", text)
    paused = Workspace(workspace.folder)
    with pytest.raises(InterruptedRunError, match=r"window.*the same command goes on from there"):  # noqa: SIM117
        with start_run(paused, "crawl") as run:
            run_crawl(run, lambda _done, _total: None)
    sites = {row["firm_id"]: row for row in paused.lake.read_arrow("sites").to_pylist()}
    assert {(row["outcome"], row["failures"], row["requests"]) for row in sites.values()} == {("not_attempted", 0, 0)}
    (manifest,) = list_runs(paused)
    assert (manifest["outcome"], manifest["notes"]["paused"]) == ("interrupted", "window")
