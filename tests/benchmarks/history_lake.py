"""A lake with rows as wide as real ones, and nights that change some of its firms: written as the stages would.

No site is visited and no model asked. Vectors are random, but stand under the digests of the chunks that the pages are
really cut into: what the vacuum keeps of them is what a classifier would ask for again.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.publication import PublishedSet, finish
from pipelines.runs import Run
from pipelines.store import shard_of
from pipelines.tables import TABLES
from pipelines.vacuum import Vacuumed, vacuum

if TYPE_CHECKING:
    from pipelines.workspace import Workspace

PAGES, PAGE_CHARS = 5, 2_000  # of a firm's site, and of a page; a real site has 20 kB on 5 pages
REWRITTEN = 2  # pages of a site that are new when it changes
CUTS = 2  # chunks without their best sentence, which evidence asks vectors for
VISITED = 0.1  # of the sites, each night: beside those that changed
SECTORS = tuple(f"sector_{number:02}" for number in range(20))
METRICS, AREAS = 8, 12  # cells of each sector
DIMENSION = 384
KINDS = ("home", "about", "product", "service", "news")


FEW_TABLES = frozenset({"firms", "pages", "embeddings", "scores", "assignments"})


@dataclass(frozen=True)
class Size:
    """How large the lake is: firms, the share of them that changes in a night, and ``tables`` where not all."""

    firms: int
    changed: float
    tables: frozenset[str] = frozenset(TABLES)


class SimulatedLake:
    """A workspace's lake, night by night; ``at`` is when the night ends in its faked calendar."""

    def __init__(self, workspace: Workspace, size: Size, began: datetime, seed: int = 8) -> None:
        """Args: a new workspace; the size; when the first night ends, later than the files' real times."""
        self.workspace, self.size, self.began = workspace, size, began
        self._random = random.Random(seed)
        self._vectors = np.random.default_rng(seed)
        self._words = _vocabulary()
        self._ids = [f"f{number:07}" for number in range(size.firms)]
        self._texts: dict[str, list[str]] = {}
        self._embedded: set[str] = set()
        self.night = 0

    def at(self) -> datetime:
        """When the night that is simulated ends."""
        return self.began + timedelta(days=self.night)

    def write_night(self) -> str:
        """What crawl, match, classify, roll-up and publication commit in a night; returns the run's id."""
        run_id = f"{self.at():%Y%m%dT%H%M%S}Z-{self.night:06x}"
        first = self.night == 0
        lake = self.workspace.lake
        changed = self._ids if first else self._some(self.size.changed)
        visited = sorted({*changed, *self._some(VISITED)})
        if first:
            for name, made in (("firms", self._firm), ("premises", self._premises), ("accounts", self._account)):
                if name in self.size.tables:
                    lake.replace_firms(name, changed, [made(firm_id) for firm_id in changed], run_id)
        for firm_id in changed:
            self._reword(firm_id)
        self._replace("pages", changed, run_id)
        for name in ("fetches", "sites"):
            self._replace(name, visited, run_id)
        for name in ("marks", "matches"):
            self._replace(name, changed, run_id)
        lake.append("embeddings", self._new_vectors(changed), run_id)
        for name in ("assignments", "near_misses", "scores"):
            self._replace(name, changed, run_id)
        if "cells" in self.size.tables:
            lake.replace_all("cells", self._cells(), run_id)
        self._publish(run_id)
        return run_id

    def sweep(self, run_id: str) -> Vacuumed:
        """The vacuum that a night ends with, and the row that its run leaves."""
        run = Run(self.workspace, "nightly")
        run.run_id, run.folder = run_id, self.workspace.runs_folder / run_id
        run.folder.mkdir()
        done = vacuum(run, self.at())
        row = {
            "run_id": run_id, "stage": "nightly", "started_at": self.at(), "ended_at": self.at(), "outcome": "done",
            "counts": json.dumps(done.as_dict()),
            "fingerprints": json.dumps({"snapshots": self.workspace.lake.snapshots()}),
        }  # fmt: skip
        self.workspace.lake.append("runs", [row], run_id)
        self.night += 1
        return done

    def _some(self, share: float) -> list[str]:
        return sorted(self._random.sample(self._ids, max(1, round(share * self.size.firms))))

    def _replace(self, name: str, firm_ids: Sequence[str], run_id: str) -> None:
        if name not in self.size.tables:
            return
        rows = getattr(self, f"_{name}")
        self.workspace.lake.replace_firms(name, firm_ids, [row for one in firm_ids for row in rows(one)], run_id)

    def _reword(self, firm_id: str) -> None:
        held = self._texts.setdefault(firm_id, [""] * PAGES)
        for place in range(PAGES) if not held[0] else self._random.sample(range(PAGES), REWRITTEN):
            held[place] = self._text(PAGE_CHARS)

    def _text(self, chars: int) -> str:
        """Sentences of words as frequent as words are, which packs about as small as English does."""
        said, length = [], 0
        while length < chars:
            words = self._random.choices(self._words.words, cum_weights=self._words.weights, k=12)
            said.append(" ".join(words).capitalize() + ".")
            length += len(said[-1]) + 1
        return " ".join(said)[:chars]

    def _firm(self, firm_id: str) -> dict[str, Any]:
        return dict.fromkeys(("parent_id", "dissolved_on", "foreign_owned")) | {
            "firm_id": firm_id, "name": self._text(24), "website": f"https://{firm_id}.example",
            "company_number": f"{self._random.randrange(10**8):08}", "status": "Active", "sic_codes": ["62012"],
            "incorporated_on": datetime(1990 + self._random.randrange(30), 3, 1, tzinfo=UTC).date(),
        }  # fmt: skip

    def _premises(self, firm_id: str) -> dict[str, Any]:
        return {
            "firm_id": firm_id, "postcode": f"NG{self._random.randrange(99)} {self._random.randrange(9)}RD",
            "kind": "registered", "source": "firm_list", "lat": self._random.uniform(51, 54),
            "lon": self._random.uniform(-3, 0), "lad_code": "E06000018",
            "h3": f"8819{self._random.randrange(16**8):08x}",
        }  # fmt: skip

    def _account(self, firm_id: str) -> dict[str, Any]:
        return {
            "firm_id": firm_id, "period_end": datetime(2025, 3, 31, tzinfo=UTC).date(), "source": "accounts",
            "imputed": False, "filing": "f", "employees": float(self._random.randrange(1, 300)),
            "turnover_gbp": float(self._random.randrange(10**7)),
        }  # fmt: skip

    def _pages(self, firm_id: str) -> Iterable[dict[str, Any]]:
        for place, text in enumerate(self._texts[firm_id]):
            yield {
                "firm_id": firm_id, "url": _url(firm_id, place), "position": place, "title": text[:40],
                "language": "en", "text": text, "text_digest": _digest(text), "kind": KINDS[place],
                "read_at": self.at(),
                "archive_ref": f"crawl-{self.night:05}.warc.gz:{self._random.randrange(10**8)}",
            }  # fmt: skip

    def _fetches(self, firm_id: str) -> Iterable[dict[str, Any]]:
        for place, text in enumerate(self._texts[firm_id]):
            yield {
                "firm_id": firm_id, "url": _url(firm_id, place), "outcome": "ok", "http_status": 200,
                "fetched_at": self.at() + timedelta(seconds=self._random.random()), "etag": f'"{_digest(text)[:12]}"',
                "body_digest": _digest(f"body {text}"), "text_digest": _digest(text),
                "archive_ref": f"crawl-{self.night:05}.warc.gz:{self._random.randrange(10**8)}", "chosen": "link",
            }  # fmt: skip

    def _sites(self, firm_id: str) -> Iterable[dict[str, Any]]:
        yield {
            "firm_id": firm_id, "source": "crawl", "website": f"https://{firm_id}.example",
            "final_url": _url(firm_id, 0), "outcome": "ok", "reason": "read", "requests": PAGES + 1, "pages": PAGES,
            "crawled_at": self.at() + timedelta(seconds=self._random.random()), "flags": [],
            "bytes_read": self._random.randrange(10**6),
            "due_at": self.at() + timedelta(hours=self._random.random() * 600),
            "last_ok_at": self.at(), "failures": 0, "visits": self.night, "changes": 1, "watched_h": self.night * 24.0,
        }  # fmt: skip

    def _marks(self, firm_id: str) -> Iterable[dict[str, Any]]:
        for kind in ("postcode", "company_number"):
            yield {
                "firm_id": firm_id, "url": _url(firm_id, 0), "kind": kind, "label": "Registered office",
                "value": f"{self._random.randrange(10**8):08}", "page_kind": "home",
            }  # fmt: skip

    def _matches(self, firm_id: str) -> Iterable[dict[str, Any]]:
        yield {
            "firm_id": firm_id, "site": f"{firm_id}.example", "score": self._random.random(), "matched": True,
            "reasons": ["the postcode on the site is the firm's", "the name stands on the home page"],
        }  # fmt: skip

    def _scores(self, firm_id: str) -> Iterable[dict[str, Any]]:
        digest = _digest("".join(self._texts[firm_id]))
        for sector in SECTORS:
            yield {
                "firm_id": firm_id, "sector": sector, "probability": self._random.betavariate(0.5, 20),
                "model_id": "a" * 16, "text_digest": digest,
            }  # fmt: skip

    def _assignments(self, firm_id: str) -> Iterable[dict[str, Any]]:
        assigned = self._random.random() < 0.4
        yield self._evidence(firm_id, assigned) | {
            "sector": self._random.choice(SECTORS) if assigned else "none", "assigned": assigned,
            "reason": "threshold passed" if assigned else "no sector's threshold was passed", "since": self.at(),
            "text_digest": _digest("".join(self._texts[firm_id])),
        }  # fmt: skip

    def _near_misses(self, firm_id: str) -> Iterable[dict[str, Any]]:
        yield self._evidence(firm_id, True) | {"sector": self._random.choice(SECTORS)}

    def _evidence(self, firm_id: str, quoted: bool) -> dict[str, Any]:
        found = {
            "firm_id": firm_id, "probability": self._random.random(), "threshold": 0.5, "model_id": "a" * 16,
        }  # fmt: skip
        if not quoted:
            return found
        text = self._random.choice(self._texts[firm_id])
        return found | {
            "evidence_url": _url(firm_id, 0), "evidence_sentence": text[: text.index(".") + 1],
            "evidence_terms": text.split()[:5], "evidence_nearest": self._random.sample(self._ids, 3),
            "evidence_effect": self._random.random(), "evidence_weights": [self._random.random() for _ in range(5)],
            "evidence_similarity": [self._random.random() for _ in range(3)],
        }  # fmt: skip

    def _cells(self) -> list[dict[str, Any]]:
        """Cells whose figures move a little each night, as they do with a list that moves."""
        key = [(sector, area, metric) for sector in SECTORS for area in range(AREAS) for metric in range(METRICS)]
        return [
            {
                "cluster": sector, "area_kind": "region" if area else "all", "area_code": f"E1200{area:04}",
                "metric": f"metric_{metric}", "period": "latest", "value": self._random.random() * self.size.firms,
                "n": self.size.firms // 20, "coverage": 0.9, "flags": [], "rules": "share", "boundaries": "May 2025",
            }
            for sector, area, metric in key
        ]  # fmt: skip

    def _new_vectors(self, firm_ids: Sequence[str]) -> pa.Table:
        """Vectors of what the firms say now and nobody said before, as ``vectors_for`` would append them."""
        from classifier.features import FirmPage, FirmText, firm_chunks
        from classifier.quotable import pieces
        from models.digest import text_digest
        from pipelines.encoders import plain_encoder
        from pipelines.schemas import arrow_schema

        shards, digests = [], []
        for firm_id in firm_ids:
            pages = [
                FirmPage(_url(firm_id, place), KINDS[place], text) for place, text in enumerate(self._texts[firm_id])
            ]
            chunks = firm_chunks(FirmText(firm_id, tuple(pages)))
            cut = [text_digest(next(iter(pieces(chunk.text))).rest) for chunk in chunks[:CUTS]]
            fresh = [digest for digest in (*(chunk.digest for chunk in chunks), *cut) if digest not in self._embedded]
            self._embedded.update(fresh)
            digests += fresh
            shards += [shard_of(firm_id, self.workspace.lake.shards)] * len(fresh)
        matrix = self._vectors.standard_normal((len(digests), DIMENSION), np.float32)
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        schema = arrow_schema(TABLES["embeddings"])
        offsets = np.arange(len(digests) + 1, dtype=np.int32) * DIMENSION
        values = pa.ListArray.from_arrays(pa.array(offsets), pa.array(matrix.ravel()), schema.field("vector").type)
        encoder = plain_encoder(self.workspace).encoder_id
        return pa.table([pa.array(shards, pa.int64()), digests, [encoder] * len(digests), values], schema=schema)

    def _publish(self, run_id: str) -> None:
        folder = self.workspace.published_folder / run_id
        (folder / "exports").mkdir(parents=True)
        (folder / "exports" / "firms.csv").write_text("firm_id\n")
        finish(
            PublishedSet(
                folder, run_id, self.at().isoformat(), {"taxonomy": None}, self.workspace.lake.snapshots(),
                {"held": False, "reasons": []}, None, {},
            )
        )  # fmt: skip
        current = self.workspace.published_folder / "current"
        current.unlink(missing_ok=True)
        current.symlink_to(run_id)


@dataclass(frozen=True)
class _Words:
    words: tuple[str, ...]
    weights: tuple[float, ...]  # running totals


def _vocabulary() -> _Words:
    """Whole words that the encoder knows, so that a text has as many tokens as one in English."""
    from models.packaged import find_minilm

    held = json.loads(find_minilm().tokenizer_file.read_text(encoding="utf-8"))["model"]["vocab"]
    words = tuple(sorted(word for word in held if word.isascii() and word.isalpha() and 2 < len(word) < 12))
    chosen = tuple(random.Random(5).sample(words, min(len(words), 8_000)))
    total, weights = 0.0, list[float]()
    for rank in range(1, len(chosen) + 1):
        total += 1 / rank
        weights.append(total)
    return _Words(chosen, tuple(weights))


def _url(firm_id: str, place: int) -> str:
    return f"https://{firm_id}.example/{KINDS[place] if place else ''}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
