"""The workspace of the benchmark ``size``, written shard by shard, and its stages, each in a process of its own.

Firms are fictional, as those of the benchmark ``change``; what a crawl would have read is written into the tables. All
but a share of them are put into sectors by chance, so that classify encodes the words of that share alone.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from models.digest import text_digest
from pipelines.engines import EngineChoice
from pipelines.firm_texts import words_digest
from pipelines.schemas import arrow_schema
from pipelines.store import shard_of
from pipelines.tables import TABLES
from pipelines.workspace import Workspace
from tests.benchmarks.change_nights import CODES, POSTCODES, SEED, SETTINGS, Trades, cpu, name_of, trades

SHARD_FIRMS = 5_000  # as the settings recommend
GROUP = 20  # shards that are written by one commit
YEARS = range(2021, 2026)
GIB = 2**30
SENTENCE = "We design and build what we are known for, in our own works and to our own drawings."
Columns = dict[str, list[Any]]


def limit_memory(gib: float) -> None:
    """Have every request for memory beyond this refused, in this process and in each that it starts."""
    resource.setrlimit(resource.RLIMIT_DATA, (int(gib * GIB),) * 2)


def make(folder: Path, firms: int, share: float) -> None:
    """A list of firms with accounts and addresses, the words of their sites, and sectors for all but ``share``."""
    from labels.taxonomy import load_taxonomy
    from pipelines.config import set_key
    from pipelines.geography.lookup import lookup_folder, open_lookup
    from pipelines.runs import start_run
    from pipelines.screen import Screen
    from pipelines.setup import create_workspace
    from pipelines.training import run_train

    create_workspace(folder, "midlands")
    workspace = Workspace(folder)
    for key, value in (SETTINGS | {"store.shards": str(max(4, firms // SHARD_FIRMS))}).items():
        set_key(workspace.config_file, key, value)
    workspace = Workspace(folder)
    with start_run(workspace, "train") as run:
        run_train(run, Screen())
    keys = load_taxonomy(workspace.taxonomy_file)
    model_id = run.notes["model_id"]
    known, every = trades(), open_lookup(lookup_folder(workspace.index_folder)).postcodes()
    draw = random.Random(SEED)
    postcodes = [every[draw.randrange(len(every))] for _ in range(POSTCODES)]
    with start_run(workspace, "import firms") as run:
        for group in groups(firms, workspace.lake.shards):
            made: dict[str, list[pa.Table]] = {
                name: []
                for name in ("firms", "premises", "accounts", "sites", "pages", "marks", "assignments", "scores")
            }
            for shard, numbers in group:
                _write_shard(made, shard, numbers, known, postcodes, share, keys, model_id)
            for name, tables in made.items():
                workspace.lake.append(name, pa.concat_tables(tables), run.run_id)


def groups(firms: int, shards: int) -> Iterator[list[tuple[int, list[int]]]]:
    """Numbers of firms by shard, a few shards at a time."""
    of = np.fromiter((shard_of(id_of(number), shards) for number in range(firms)), np.int32, firms)
    order = np.argsort(of, kind="stable")
    bounds = np.searchsorted(of[order], np.arange(shards + 1))
    for start in range(0, shards, GROUP):
        yield [(at, order[bounds[at] : bounds[at + 1]].tolist()) for at in range(start, min(start + GROUP, shards))]


def id_of(number: int) -> str:
    """A firm's id."""
    return f"firm-{number:07d}"


def _write_shard(
    made: dict[str, list[pa.Table]], shard: int, numbers: Sequence[int], known: Trades, postcodes: Sequence[str],
    share: float, taxonomy: Any, model_id: str,
) -> None:  # fmt: skip
    rows: dict[str, Columns] = {name: {} for name in made}

    def add(table: str, **given: Any) -> None:
        for name, value in given.items():
            rows[table].setdefault(name, []).append(value)

    at = datetime.now(UTC) - timedelta(hours=6)
    for number in numbers:
        draw = random.Random(number)
        firm_id, name, site = id_of(number), name_of(number), f"https://www.firm-{number}.example/"
        add("firms", firm_id=firm_id, name=name, website=site, company_number=f"{number:08d}", status="Active",
            incorporated_on=date(1985 + number % 35, 1 + number % 12, 1), sic_codes=[CODES[number % len(CODES)]],
            register_date=date(2026, 2, 1))  # fmt: skip
        add("premises", firm_id=firm_id, postcode=draw.choice(postcodes), kind="registered", source="register")
        add("sites", firm_id=firm_id, source="crawl", website=site, final_url=site, outcome="ok", reason="read",
            crawled_at=at, requests=3, bytes_read=5_000, pages=2, flags=[])  # fmt: skip
        jobs = draw.lognormvariate(1.5, 1.3)
        for year in YEARS if draw.random() < 0.6 else ():
            jobs *= draw.uniform(0.95, 1.1)
            add("accounts", firm_id=firm_id, period_end=date(year, 3, 31), employees=float(round(jobs) + 1),
                turnover_gbp=float(round(jobs + 1) * 110_000) if number % 9 == 0 else None, source="accounts",
                imputed=False)  # fmt: skip
        said = draw.sample(known.of(draw, False), 4)
        pages = [
            {"url": site + path, "kind": kind, "text": text, "text_digest": text_digest(text), "position": place,
             "title": f"{name} - {kind}"}
            for place, (path, kind, text) in enumerate((
                ("", "home", "\n".join((f"{name} at a glance.", *said[:2]))),
                ("about", "about", "\n".join((f"About {name}.", *said[2:]))),
            ))
        ]  # fmt: skip
        for page in pages:
            add("pages", firm_id=firm_id, language="en", read_at=at, **page)
        for kind, value in (("company_number", f"{number:08d}"), ("name", name)):
            add("marks", firm_id=firm_id, url=site, kind=kind, value=value, label="owner", page_kind="home")
        if draw.random() >= share:
            _decide(add, draw, firm_id, words_digest(pages), taxonomy, model_id)
    for table, columns in rows.items():
        made[table].append(_arrow(table, shard, columns))


def _decide(
    add: Callable[..., None], draw: random.Random, firm_id: str, digest: str, taxonomy: Any, model_id: str
) -> None:
    keys = taxonomy.keys
    key = draw.choice(keys) if draw.random() < 0.25 else ""
    held = {key, *taxonomy.ancestors(key)} if key else set[str]()
    since = datetime(2026, 11, 1, tzinfo=UTC)
    for sector in sorted(held) or ["none"]:
        told = {"probability": 0.8, "threshold": 0.5, "evidence_sentence": SENTENCE} if held else {
            "probability": None, "threshold": None, "evidence_sentence": None}  # fmt: skip
        add("assignments", firm_id=firm_id, sector=sector, assigned=bool(held), reason="decided by chance",
            model_id=model_id, text_digest=digest, since=since, **told)  # fmt: skip
    for sector in keys:
        add("scores", firm_id=firm_id, sector=sector, probability=0.8 if sector in held else 0.02, model_id=model_id,
            text_digest=digest)  # fmt: skip


def _arrow(table: str, shard: int, columns: Columns) -> pa.Table:
    size = len(next(iter(columns.values()), []))
    made = {"shard": [shard] * size} | columns
    schema = arrow_schema(TABLES[table])
    return pa.table([pa.array(made.get(field.name, [None] * size), field.type) for field in schema], schema=schema)


def stage(folder: Path, name: str, workers: int) -> dict[str, float]:
    """One stage over the whole list: processor seconds, seconds, and firms that it worked on."""
    from pipelines.classifying import run_classify
    from pipelines.matching import run_match
    from pipelines.publishing import run_rollup
    from pipelines.runs import start_run
    from pipelines.screen import Screen

    workspace = Workspace(folder, EngineChoice("local", workers=workers))
    work = {
        "match": lambda run: run_match(run, lambda *_: None),
        "classify": lambda run: run_classify(run, Screen()),
        "rollup": run_rollup,
    }[name]
    with start_run(workspace, name) as run:
        start, spent = time.perf_counter(), cpu()
        work(run)
        found = {"seconds": time.perf_counter() - start, "cpu": cpu() - spent}
    stages = [json.loads(line) for line in (run.folder / "stages.jsonl").read_text(encoding="utf-8").splitlines()]
    return found | {"firms": float(next(one["rows_out"] for one in stages if one["stage"] == name))}


def main() -> None:
    """``make FOLDER FIRMS SHARE`` or ``STAGE FOLDER WORKERS GIB``; prints JSON at the end."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "make":
        make(folder, int(sys.argv[3]), float(sys.argv[4]))
        found = {"cpu": cpu()}
    else:
        limit_memory(float(sys.argv[4]))
        found = stage(folder, what, int(sys.argv[3]))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
