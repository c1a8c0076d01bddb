"""Delete quoted sentences from firms' pages, and as many others of like length, and see what the model makes of it.

Nothing of the evidence's own arithmetic is used: pages are cut up anew, encoded anew and put to the whole model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.features import FirmPage, FirmText, firm_chunks
from classifier.quotable import Kind, pieces
from models.digest import text_digest

if TYPE_CHECKING:
    from classifier.features import Vectors
    from classifier.model import SectorModel

SEED = 0
LIKE_LENGTH = 5  # a random sentence is drawn among the five whose length is nearest to the quoted one's

Encode = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class Pair:
    """What the mean probability of a firm's sectors lost."""

    firm_id: str
    without_quoted: float
    without_random: float
    quoted_chars: int
    random_chars: int


def compare(
    model: SectorModel, firms: Sequence[FirmText], quoted: Mapping[str, Mapping[str, str]], vectors: Vectors,
    encode: Encode,
) -> list[Pair]:  # fmt: skip
    """A pair for each firm that has enough other sentences.

    Args:
        model: The model that assigned the firms.
        firms: The firms, in any order.
        quoted: For each firm its assigned sectors, and the sentence quoted for each.
        vectors: Vectors that are known already.
        encode: Makes the others.
    """
    rng = np.random.default_rng(SEED)
    variants: list[tuple[FirmText, FirmText, FirmText, int, int]] = []
    for firm in sorted(firms, key=lambda firm: firm.firm_id):
        mine = sorted(set(quoted[firm.firm_id].values()))
        others = _drawn(firm, mine, rng)
        if others is not None:
            sizes = sum(map(len, mine)), sum(map(len, others))
            variants.append((firm, without(firm, mine), without(firm, others), *sizes))
    everyone = [firm for variant in variants for firm in variant[:3]]
    texts = {chunk.digest: chunk.text for firm in everyone for chunk in firm_chunks(firm)}
    missing = sorted(digest for digest in texts if digest not in vectors)
    known = {**vectors, **dict(zip(missing, encode([texts[digest] for digest in missing]), strict=True))}
    chances = model.predict_proba(everyone, known).reshape(len(variants), 3, -1)
    pairs = []
    for (firm, _, _, quoted_chars, random_chars), (whole, left, beside) in zip(variants, chances, strict=True):
        columns = [model.column(sector) for sector in quoted[firm.firm_id]]
        pairs.append(
            Pair(
                firm.firm_id,
                float((whole - left)[columns].mean()),
                float((whole - beside)[columns].mean()),
                quoted_chars,
                random_chars,
            )
        )
    return pairs


def without(firm: FirmText, sentences: Collection[str]) -> FirmText:
    """The firm as if it had never written these sentences, wherever they stand."""
    patterns = [re.compile(r"\s+".join(map(re.escape, sentence.split()))) for sentence in sentences]
    pages = []
    for page in firm.pages:
        text = page.text
        for pattern in patterns:
            text = pattern.sub(" ", text)
        pages.append(FirmPage(page.url, page.kind, text))
    return FirmText(firm.firm_id, tuple(pages))


def sign_test(differences: Sequence[float]) -> float:
    """Chance of at least so many positive differences if either sign were as likely; ties are left out."""
    positive, negative = sum(value > 0 for value in differences), sum(value < 0 for value in differences)
    total = positive + negative
    return float(sum(math.comb(total, wins) for wins in range(positive, total + 1)) / 2**total)


def _drawn(firm: FirmText, quoted: Sequence[str], rng: np.random.Generator) -> list[str] | None:
    """As many other sentences as are quoted, none twice; None when the firm has too few."""
    kinds = (Kind.SENTENCE, Kind.PHRASE)
    found = (piece for chunk in firm_chunks(firm) for piece in pieces(chunk.text) if piece.kind in kinds)
    free = sorted({piece.text for piece in found} - set(quoted))
    if len(free) < max(len(quoted), LIKE_LENGTH):
        return None
    drawn = []
    for sentence in quoted:
        near = sorted(free, key=lambda text: (abs(len(text) - len(sentence)), text_digest(text)))[:LIKE_LENGTH]
        drawn.append(near[int(rng.integers(len(near)))])
        free.remove(drawn[-1])
    return drawn
