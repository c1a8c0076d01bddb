"""Build time, size and query times of the keyword index on 100,000 made sites, beside Tantivy.

Every answer is compared with that of reading all sites, rule by rule. Tantivy is no dependency; where it is installed
it is given the same words. What it cannot express (words near each other in any order) is left out of its figures.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from labels.full_text_query import TOKENIZER, full_text_query
from labels.keyword_matching import AllOf, AnyOf, IndexedText, Near, Not, Phrase, Rule
from labels.keywords import parse_rule
from labels.words import words_of
from models.digest import text_digest
from pipelines.following import no_progress
from pipelines.searching import DEFAULT_LIMIT, search_firms
from pipelines.setup import create_workspace
from pipelines.site_index import asking_index, site_index
from pipelines.store import shard_of
from pipelines.workspace import Workspace
from tests.benchmarks.machine import BenchmarkError, describe, installed, table
from tests.benchmarks.made_sites import QUERIES, made_sites

SITES = int(os.environ.get("FIRMSCOPE_SEARCH_SITES", "100000"))
COMMIT_SITES = 10_000
ROUNDS = 5
RULES = [parse_rule(query) for query in QUERIES]


@dataclass
class Engine:
    """What was measured of an index."""

    name: str
    build_s: float = 0.0
    build_cpu_s: float = 0.0
    size: int = 0
    wall_s: dict[int, list[float]] = field(default_factory=dict)  # by rule
    cpu_s: dict[int, list[float]] = field(default_factory=dict)
    totals: dict[int, int] = field(default_factory=dict)


def run() -> None:
    """Print the tables."""
    describe("numpy", "tantivy")
    print(f"SQLite    {sqlite3.sqlite_version}")
    with tempfile.TemporaryDirectory() as folder:
        workspace, expected, text_bytes, scan_s = _filled(Path(folder))
        ours = _ours(workspace)
        texts = _texts(workspace)
        engines = [ours, _fts5(Path(folder), texts)]
        if installed("tantivy") != "missing":
            engines.append(_tantivy(Path(folder), texts))
        for engine in engines:
            wrong = [QUERIES[rule] for rule, total in engine.totals.items() if total != expected[rule]]
            if wrong:
                raise BenchmarkError(f"{engine.name} finds other firms than reading all sites does for: {wrong}")
    print(
        f"\n{SITES:,} sites, {text_bytes / 1e6:,.0f} MB of text; reading all of them for {len(RULES)} rules takes",
        end="",
    )
    print(f" {scan_s:,.0f} s of processor time")
    header = [
        "index",
        "build s",
        "CPU s",
        "MB",
        "of the text",
        "rules",
        "p50 ms",
        "p95 ms",
        "most ms",
        "CPU p50",
        "CPU p95",
    ]
    table(header, [_row(engine, text_bytes) for engine in engines])
    rows = [
        [query, f"{expected[rule]:,}", f"{_ms(ours.wall_s[rule], 50):.0f}", f"{_ms(ours.cpu_s[rule], 50):.0f}"]
        for rule, query in enumerate(QUERIES)
    ]
    table(["rule", "firms", "firmscope ms", "CPU ms"], rows)
    if len(engines) > 2:
        fts5, tantivy = engines[1:]
        both = sorted(fts5.cpu_s.keys() & tantivy.cpu_s.keys())
        ratio = sum(_ms(fts5.cpu_s[rule], 50) for rule in both) / sum(_ms(tantivy.cpu_s[rule], 50) for rule in both)
        print(f"ratio: FTS5 alone takes {ratio:.2f} of Tantivy's processor time for the {len(both)} rules of both\n")
    else:
        print("Tantivy is not installed: no ratio (pip install --target PEER_FOLDER tantivy; PYTHONPATH=PEER_FOLDER)\n")


def _row(engine: Engine, text_bytes: int) -> list[str]:
    wall, cpu = (
        [second for of_rule in times.values() for second in of_rule] for times in (engine.wall_s, engine.cpu_s)
    )
    figures = [_ms(wall, 50), _ms(wall, 95), _ms(wall, 100), _ms(cpu, 50), _ms(cpu, 95)]
    return [
        engine.name, f"{engine.build_s:.0f}", f"{engine.build_cpu_s:.0f}", f"{engine.size / 1e6:,.0f}",
        f"{engine.size / text_bytes:.2f}", str(len(wall) // ROUNDS), *(f"{figure:.1f}" for figure in figures),
    ]  # fmt: skip


def _filled(folder: Path) -> tuple[Workspace, list[int], int, float]:
    """A workspace with the sites' pages, what reading them all finds, their bytes, and the seconds of that."""
    create_workspace(folder / "ws", "midlands")
    workspace = Workspace(folder / "ws")
    counts, text_bytes, scan_s, rows = [0] * len(RULES), 0, 0.0, list[dict[str, Any]]()
    now = datetime.now(UTC)
    for number, site in enumerate(made_sites(SITES), start=1):
        said = "\n".join(site.pages)
        began = time.process_time()
        indexed = IndexedText(said)
        for rule, parsed in enumerate(RULES):
            counts[rule] += parsed.matches(indexed)
        scan_s += time.process_time() - began
        text_bytes += len(said.encode())
        rows += [
            {"shard": shard_of(site.firm_id, workspace.config.store.shards), "firm_id": site.firm_id,
             "url": f"https://{site.firm_id}.example/{place}", "position": place, "title": "", "language": "en",
             "text": text, "text_digest": text_digest(text), "kind": "home" if place == 0 else "product",
             "read_at": now, "archive_ref": None}
            for place, text in enumerate(site.pages)
        ]  # fmt: skip
        if number % COMMIT_SITES == 0 or number == SITES:
            workspace.lake.append("pages", rows, "benchmark")
            rows = []
    return workspace, counts, text_bytes, scan_s


def _ours(workspace: Workspace) -> Engine:
    """The whole of ``firmscope search``, from the tables to the snippets of fifty firms."""
    engine = Engine(f"firmscope, {DEFAULT_LIMIT} snippets")
    _timed_build(engine, lambda: asking_index(workspace, lambda index: index.firms, no_progress))
    engine.size = _bytes(workspace.index_folder)
    for rule, query in enumerate(QUERIES):
        _timed_query(engine, rule, partial(_searched, workspace, query))
    return engine


def _texts(workspace: Workspace) -> list[str]:
    """Words of every site as the index is given them."""
    connection = sqlite3.connect(site_index(workspace).path)
    rows = [row for (row,) in connection.execute("select row from firms order by row")]
    connection.close()

    def read(index: Any) -> list[str]:
        return [" ".join(words_of("\n".join(text for _, text in index.pages(row)))) for row in rows]

    return asking_index(workspace, read)


def _fts5(folder: Path, texts: list[str]) -> Engine:
    """The full-text index alone: counting, and the rows of the best fifty."""
    engine, path = Engine("FTS5 alone"), folder / "fts5.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"""create virtual table words using fts5 (said, content = '', tokenize = "{TOKENIZER}")""")

    def build() -> None:
        connection.execute("begin")
        connection.executemany("insert into words (rowid, said) values (?, ?)", enumerate(texts))
        connection.execute("insert into words (words) values ('optimize')")
        connection.execute("commit")

    _timed_build(engine, build)
    engine.size = path.stat().st_size
    for rule, parsed in enumerate(RULES):
        query = full_text_query(parsed)
        if query.exact:
            _timed_query(engine, rule, partial(_answered, connection, query.expression))
    connection.close()
    return engine


def _tantivy(folder: Path, texts: list[str]) -> Engine:
    """Tantivy with the same words, one thread, counting and the best fifty."""
    import tantivy  # type: ignore[import-not-found, unused-ignore]

    engine, path = Engine(f"Tantivy {installed('tantivy')}"), folder / "tantivy"
    path.mkdir()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("said", stored=False, tokenizer_name="whitespace", index_option="position")
    schema = builder.build()
    index = tantivy.Index(schema, path=str(path))

    def build() -> None:
        writer = index.writer(heap_size=200_000_000, num_threads=1)
        for text in texts:
            writer.add_document(tantivy.Document(said=text))
        writer.commit()
        writer.wait_merging_threads()

    _timed_build(engine, build)
    engine.size = _bytes(path)
    index.reload()
    searcher = index.searcher()
    for rule, parsed in enumerate(RULES):
        query = _tantivy_query(tantivy, schema, parsed)
        if query is not None:
            _timed_query(engine, rule, partial(_searched_by_tantivy, searcher, query))
    return engine


def _tantivy_query(tantivy: Any, schema: Any, rule: Rule) -> Any:
    """A rule as Tantivy's query; None where it has none."""
    if isinstance(rule, Phrase):
        if len(rule.words) == 1 and not rule.words[0].endswith("*"):
            return tantivy.Query.term_query(schema, "said", rule.words[0])
        patterns = [word[:-1] + ".*" if word.endswith("*") else word for word in rule.words]
        if len(patterns) == 1:
            return tantivy.Query.regex_query(schema, "said", patterns[0])
        return tantivy.Query.regex_phrase_query(schema, "said", patterns)
    if isinstance(rule, Near | Not):
        return None
    assert isinstance(rule, AllOf | AnyOf)
    parts = []
    for part in rule.parts:
        removed = isinstance(part, Not)
        query = _tantivy_query(tantivy, schema, part.part if isinstance(part, Not) else part)
        if query is None or (removed and isinstance(rule, AnyOf)):
            return None
        wanted = tantivy.Occur.Should if isinstance(rule, AnyOf) else tantivy.Occur.Must
        parts.append((tantivy.Occur.MustNot if removed else wanted, query))
    return tantivy.Query.boolean_query(parts)


def _searched(workspace: Workspace, query: str) -> int:
    return search_firms(workspace, query).total


def _answered(connection: sqlite3.Connection, expression: str) -> int:
    best = "select rowid from words where words match ? order by rank limit ?"
    connection.execute(best, (expression, DEFAULT_LIMIT)).fetchall()
    found = connection.execute("select count(*) from words where words match ?", (expression,))
    return int(found.fetchone()[0])


def _searched_by_tantivy(searcher: Any, query: Any) -> int:
    return int(searcher.search(query, DEFAULT_LIMIT, count=True).count)


def _timed_build(engine: Engine, build: Callable[[], object]) -> None:
    began, began_cpu = time.perf_counter(), time.process_time()
    build()
    engine.build_s, engine.build_cpu_s = time.perf_counter() - began, time.process_time() - began_cpu


def _timed_query(engine: Engine, rule: int, ask: Callable[[], int]) -> None:
    for _ in range(ROUNDS):
        began, began_cpu = time.perf_counter(), time.process_time()
        engine.totals[rule] = ask()
        engine.wall_s.setdefault(rule, []).append(time.perf_counter() - began)
        engine.cpu_s.setdefault(rule, []).append(time.process_time() - began_cpu)


def _ms(seconds: Sequence[float], percentile: float) -> float:
    return float(1000 * np.percentile(seconds, percentile))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
