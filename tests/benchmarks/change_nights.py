"""The workspace of the benchmark ``change`` and its nights, each in a process of its own.

Firms are fictional: each says a few sentences of one of the demo's firms, so that sectors are found as they would be,
stands at a real postcode and has five years of accounts. What a crawl would have found is written into the tables by
the crawl's own commit.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from crawler.records import Fetch, Mark, Page, SiteCrawl
from models.digest import text_digest

SEED = 11
BATCH = 2_000  # visits of one commit
YEARS = range(2021, 2026)
POSTCODES = 4_000  # at which the firms stand
MOVING = 3  # every third of the firms that changed takes up another trade
IN_A_SECTOR = 0.25  # of the firms say what a firm of some sector says
EMPTY: dict[str, Any] = {"text": "", "texts": [], "int": 0, "float": 0.0, "bool": False}
SETTINGS = {"crawl.contact": "benchmark@example.org", "train.tune": "off"}
HELD = timedelta(hours=6)  # how long ago the first night's visits were: no site is due again
CODES = ("28990", "62012", "72190", "25620", "30300", "35110", "38320", "58210", "01610", "49410")


Trade = tuple[str, ...]  # what one of the demo's firms says, as sentences


@dataclass(frozen=True)
class Trades:
    """The demo's firms that have words enough: those of some sector, and those of none."""

    some: tuple[Trade, ...]
    none: tuple[Trade, ...]

    def of(self, draw: random.Random, moved: bool) -> Trade:
        """A trade; of those that ``moved`` every one comes from the other side."""
        inside = draw.random() < IN_A_SECTOR
        return draw.choice(self.some if inside is not moved else self.none)


def trades() -> Trades:
    """What firms may say."""
    from models.chunking import split_sentences
    from pipelines.demo.firms import load_demo_firms

    found: dict[bool, list[Trade]] = {True: [], False: []}
    for firm in load_demo_firms():
        said = tuple(one for page in firm.pages for one in split_sentences(page.text) if 40 < len(one) < 160)
        if len(said) >= 6:
            found[bool(firm.truth)].append(said)
    return Trades(tuple(found[True]), tuple(found[False]))


def visit(number: int, night: int, known: Trades, news: bool, moves: bool) -> SiteCrawl:
    """What a crawl finds at a firm's site; with ``news`` one sentence more, with ``moves`` another trade."""
    draw = random.Random(f"{SEED} {number}")
    said = draw.sample(known.of(draw, moves), 4)
    name, host = name_of(number), f"https://www.firm-{number}.example"
    texts = [[f"{name} at a glance.", *said[:2]], [f"About {name}.", *said[2:]]]
    if news:
        texts[1].append(f"Order number {night * 1_000_000 + number} has just come in.")
    at = datetime.now(UTC) - (HELD if night == 0 else timedelta())
    pages = tuple(
        Page(f"firm-{number:07d}", host + path, f"{name} - {path}", "en", text, text_digest(text), kind)
        for (path, kind), text in zip((("/", "home"), ("/about", "about")), map("\n".join, texts), strict=True)
    )
    fetches = tuple(
        Fetch(page.firm_id, page.url, "ok", 200, at, f'"{page.text_digest[:8]}"', "", page.text_digest,
              page.text_digest, "", page.kind)
        for page in pages
    )  # fmt: skip
    marks = (Mark("company_number", f"{number:08d}", "owner", pages[0].url, "home"),
             Mark("name", name, "owner", pages[0].url, "home"))  # fmt: skip
    return SiteCrawl(
        pages[0].firm_id, f"https://www.firm-{number}.example/", pages[0].url, "ok", "read", at, at, len(pages) + 1,
        5_000, fetches, pages, marks=marks,
    )  # fmt: skip


def name_of(number: int) -> str:
    """A firm's name."""
    return f"{('Alder', 'Birch', 'Cedar', 'Elm', 'Hazel', 'Larch', 'Oak', 'Rowan')[number % 8]} {number} Limited"


def make(folder: Path, firms: int) -> dict[str, float]:
    """A workspace with a list of firms and a trained model."""
    from pipelines.config import set_key
    from pipelines.runs import start_run
    from pipelines.screen import Screen
    from pipelines.setup import create_workspace
    from pipelines.training import run_train
    from pipelines.workspace import Workspace

    create_workspace(folder, "midlands")
    workspace = Workspace(folder)
    for key, value in SETTINGS.items():
        set_key(workspace.config_file, key, value)
    with start_run(workspace, "import firms") as run:
        for name, rows in _listed(workspace, firms).items():
            for start in range(0, len(rows), 20_000):
                part = rows[start : start + 20_000]
                run.workspace.lake.append(name, part, run.run_id)
    with start_run(workspace, "train") as run:
        run_train(run, Screen())
    return {}


def _listed(workspace: Any, firms: int) -> dict[str, list[dict[str, Any]]]:
    from pipelines.geography.lookup import lookup_folder, open_lookup
    from pipelines.tables import TABLES

    def row(table: str, **given: Any) -> dict[str, Any]:
        columns = TABLES[table].columns[1:]
        return {column.name: None if column.optional else EMPTY.get(column.kind) for column in columns} | given

    draw = random.Random(SEED)
    every = open_lookup(lookup_folder(workspace.index_folder)).postcodes()
    postcodes = [every[draw.randrange(len(every))] for _ in range(POSTCODES)]
    made: dict[str, list[dict[str, Any]]] = {"firms": [], "premises": [], "accounts": []}
    for number in range(firms):
        firm_id, begun = f"firm-{number:07d}", date(1985 + number % 35, 1 + number % 12, 1)
        made["firms"].append(row(
            "firms", firm_id=firm_id, name=name_of(number), website=f"https://www.firm-{number}.example/",
            company_number=f"{number:08d}", status="Active", incorporated_on=begun,
            sic_codes=[CODES[number % len(CODES)]], register_date=date(2026, 2, 1),
        ))  # fmt: skip
        made["premises"].append(row(
            "premises", firm_id=firm_id, postcode=draw.choice(postcodes), kind="registered", source="register",
        ))  # fmt: skip
        jobs = draw.lognormvariate(1.5, 1.3)
        if draw.random() < 0.6:
            for year in YEARS:
                jobs *= draw.uniform(0.95, 1.1)
                made["accounts"].append(row(
                    "accounts", firm_id=firm_id, period_end=date(year, 3, 31), employees=float(round(jobs) + 1),
                    turnover_gbp=float(round(jobs + 1) * 110_000) if number % 9 == 0 else None, source="accounts",
                    imputed=False,
                ))  # fmt: skip
    return made


def night(folder: Path, firms: int, number: int, share: float, given: bool) -> dict[str, float]:
    """One night: what a crawl found is committed, then every stage after it. Returns processor seconds by stage."""
    from labels.taxonomy import load_taxonomy
    from pipelines.classifying import run_classify
    from pipelines.crawling import commit
    from pipelines.matching import run_match
    from pipelines.publishing import run_publish, run_rollup
    from pipelines.runs import start_run
    from pipelines.screen import Screen
    from pipelines.training import current_model
    from pipelines.vacuum import vacuum
    from pipelines.workspace import Workspace
    from tests.benchmarks.change_given import write_decisions

    workspace, screen = Workspace(folder), Screen()
    draw = random.Random(f"{SEED} night {number}")
    chosen = list(range(firms)) if share == 1 else sorted(draw.sample(range(firms), round(firms * share)))
    known = trades()
    found: dict[str, float] = {}

    def timed(name: str, work: Any) -> Any:
        start = cpu()
        made = work()
        found[name] = cpu() - start
        return made

    with start_run(workspace, "nightly") as run:
        visits = timed(
            "making",
            lambda: [
                visit(one, number, known, number > 0, number > 0 and not at % MOVING) for at, one in enumerate(chosen)
            ],
        )

        def crawled() -> None:
            for start in range(0, len(visits), BATCH):
                commit(run, visits[start : start + BATCH])

        with run.stage("crawl") as counts:
            counts.rows_in, counts.unchanged = firms, firms - len(chosen)
            timed("crawl", crawled)
        timed("load model", lambda: current_model(workspace, load_taxonomy(workspace.taxonomy_file)))
        timed("match", lambda: run_match(run, lambda *_: None))
        if given:
            model = current_model(workspace, load_taxonomy(workspace.taxonomy_file))
            ids = [made.firm_id for made in visits]
            timed(
                "given",
                lambda: write_decisions(run, load_taxonomy(workspace.taxonomy_file), model.model_id, ids, number),
            )
        else:
            timed("classify", lambda: run_classify(run, screen))
        worked_out = timed("rollup", lambda: run_rollup(run))
        outcome = timed("publish", lambda: run_publish(run, worked_out=worked_out))
        if outcome.verdict == "held":
            raise SystemExit(f"the gate held the night: {outcome.published.gate['reasons']}")
        timed("vacuum", lambda: vacuum(run, run.started_at))
        for line in (run.folder / "stages.jsonl").read_text(encoding="utf-8").splitlines():
            stage = json.loads(line)
            found[f"stage {stage['stage']}"] = stage.get("cpu_s", 0.0)
    return found


def cpu() -> float:
    """Processor seconds of this process and of those that it started and that have ended."""
    gone = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + gone.ru_utime + gone.ru_stime


def main() -> None:
    """``make FOLDER FIRMS`` or ``night FOLDER FIRMS NUMBER SHARE [given]``; prints JSON at the end."""
    what, folder, firms = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    found = (
        make(folder, firms)
        if what == "make"
        else night(folder, firms, int(sys.argv[4]), float(sys.argv[5]), "given" in sys.argv)
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found | {"cpu": cpu(), "peak_mib": peak}))


if __name__ == "__main__":
    main()
