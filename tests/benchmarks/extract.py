"""Time per page and word-level F1 of ``crawler.extract.extract_page`` beside trafilatura, on hand-marked pages.

trafilatura is no dependency; where it is missing the table says so. It is given decoded text and asked for text only;
ours is given bytes and also finds charset, title, description, language, links and robots rules.
"""

from __future__ import annotations

import gzip
import importlib
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crawler.charset import decode_html
from crawler.extract import extract_page
from tests.benchmarks.machine import describe, need_shared, table

ROUNDS = 2  # each page's faster round counts, which leaves out most of what other programs cost
WORD = re.compile(r"\w+")
PEER = "trafilatura"


@dataclass(frozen=True)
class GoldPage:
    """One page with the text that a person marked as its main content."""

    url: str
    kind: str
    body: bytes
    gold: str


@dataclass(frozen=True)
class Reading:
    """What one extractor made of one page: seconds of its faster round, and word F1."""

    kind: str
    seconds: float
    f1: float


def run() -> None:
    """Print the table and the ratio."""
    describe("resiliparse", PEER)
    pages = load_pages()
    readers: dict[str, Callable[[GoldPage], str]] = {"firmscope": lambda page: extract_page(page.body, page.url).text}
    peer = _peer()
    if peer is not None:
        readers[PEER] = peer
    readings: dict[str, list[Reading]] = {name: [] for name in readers}
    for page in pages:  # page by page, so that a busy minute hits both
        for name, reader in readers.items():
            readings[name].append(_read(reader, page))
    kinds = sorted({page.kind for page in pages}, reverse=True)
    header = ["extractor", "ms mean", "median", "p95", "pages/s", *(f"F1 {kind}" for kind in kinds)]
    table(header, [[name, *_cells(rows, kinds)] for name, rows in readings.items()])
    counts = Counter(page.kind for page in pages)
    size = statistics.fmean(len(page.body) for page in pages) / 1000
    print(f"{', '.join(f'{counts[kind]} {kind} pages' for kind in kinds)}, {size:.0f} kB on average.")
    if peer is None:
        print(
            f"{PEER.upper()} IS NOT INSTALLED: NO RATIO. See tests/benchmarks/README.md for how to measure it once.\n"
        )
        return
    ours, theirs = (sum(row.seconds for row in readings[name]) for name in ("firmscope", PEER))
    print(f"ratio: firmscope takes {ours / theirs:.2f} of {PEER}'s time ({theirs / ours:.1f} times as fast)\n")


def load_pages() -> list[GoldPage]:
    """All hand-marked pages."""
    folder = need_shared("extraction")
    with gzip.open(folder / "gold.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        GoldPage(
            row["url"],
            row["page_type"],
            gzip.decompress((folder / "html" / f"{row['file_id']}.html.gz").read_bytes()),
            row["main_content"],
        )
        for row in rows
    ]


def word_f1(found: str, gold: str) -> float:
    r"""F1 of two texts as bags of lower-case words (``\w+``), 0 to 1; word order does not count."""
    ours, theirs = (Counter(WORD.findall(text.lower())) for text in (found, gold))
    both = (ours & theirs).total()
    return 2 * both / (ours.total() + theirs.total()) if both else 0.0


def _read(reader: Callable[[GoldPage], str], page: GoldPage) -> Reading:
    text, best = "", float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        text = reader(page)
        best = min(best, time.perf_counter() - started)
    return Reading(page.kind, best, word_f1(text, page.gold))


def _peer() -> Callable[[GoldPage], str] | None:
    try:
        extract = importlib.import_module(PEER).extract
    except ImportError:
        return None
    return lambda page: extract(decode_html(page.body, "").text) or ""


def _cells(rows: Sequence[Reading], kinds: Sequence[str]) -> list[str]:
    milliseconds = sorted(row.seconds * 1000 for row in rows)
    mean = statistics.fmean(milliseconds)
    p95 = milliseconds[int(0.95 * len(milliseconds))]
    scores = [statistics.fmean(row.f1 for row in rows if row.kind == kind) for kind in kinds]
    figures = (mean, statistics.median(milliseconds), p95, 1000 / mean)
    return [*(f"{figure:.1f}" for figure in figures), *(f"{score:.3f}" for score in scores)]
