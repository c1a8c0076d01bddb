"""The pinned corpus, its vectors, and one evaluation, made once for all gates.

Vectors are computed here rather than kept in the repository: 4,500 texts take about 75 seconds on two cores with
bfloat16 and about four minutes without.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.evaluation import Evaluation, evaluate
from classifier.features import FirmText, texts_to_embed
from models.chunking import distinct
from models.digest import text_digest
from models.encoder import load_encoder

CORPUS_SHA256 = "2f06d94b0c70cfdf5549de435afcc89217eaa55978c5cac0e59ec9504d186248"


@dataclass(frozen=True)
class Corpus:
    """Firms of a public directory with their sectors; every sector judged for every firm."""

    firms: tuple[FirmText, ...]
    sectors: tuple[str, ...]
    Y: NDArray[np.bool_]
    domains: tuple[str, ...]
    vectors: dict[str, NDArray[np.float32]]


@pytest.fixture(scope="session")
def corpus(shared: Path) -> Corpus:
    """The corpus, refused if it is not the one that the floors were set on."""
    data = (shared / "labelled" / "yc.jsonl").read_bytes()
    assert hashlib.sha256(data).hexdigest() == CORPUS_SHA256, "the floors hold for another corpus"
    rows: list[dict[str, Any]] = [json.loads(line) for line in data.decode().split("\n") if line]  # texts hold U+2028
    sectors = tuple(sorted({sector for row in rows for sector in row["sectors"]}))
    firms = tuple(FirmText.from_description(row["firm_id"], row["text"], row["website"]) for row in rows)
    texts = distinct(text for firm in firms for text in texts_to_embed(firm))
    return Corpus(
        firms=firms,
        sectors=sectors,
        Y=np.array([[sector in row["sectors"] for sector in sectors] for row in rows]),
        domains=tuple(row["domain"] or row["firm_id"] for row in rows),
        vectors=dict(zip(map(text_digest, texts), load_encoder().encode(texts), strict=True)),
    )


@pytest.fixture(scope="session")
def holdout(corpus: Corpus) -> Evaluation:
    """Trained on 70 % and tested on 30 %, beside the baselines."""
    mask = np.ones_like(corpus.Y)
    return evaluate(corpus.firms, corpus.vectors, corpus.Y, mask, corpus.sectors, groups=corpus.domains)
