"""From a firm's pages to what a model can read: n-grams of all its words, and vectors of its chunks.

Legal and contact pages say who a firm is, not what it does, and are left out unless a firm has nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.design_matrix import FirmDesign
from classifier.errors import MissingVectorError
from models.chunking import chunk_text, distinct
from models.digest import text_digest
from models.packaged import find_minilm
from models.tokens import TokenCounter, token_counter

SILENT_KINDS = frozenset({"legal", "contact"})
MAX_CHUNKS = 32
"""Chunks of a firm that are embedded: 32 are 7,000 tokens. They are taken in turn from the pages, so a long page
cannot crowd the others out; n-grams read everything."""

MAX_TERMS = 100_000
MAX_FIRM_CHARS = 400_000  # n-grams read this much of a firm; 20 pages of prose are about 100,000
NGRAM_RANGE = (1, 2)
MIN_FIRMS_PER_TERM = 2

Vectors = Mapping[str, NDArray[np.float32]]
"""Chunk vectors by ``models.digest.text_digest`` of the chunk, each ``(dimension,) float32`` of length 1."""


class PageLike(Protocol):
    """A page as the crawler records it; only these are read."""

    @property
    def url(self) -> str:
        """Where it was found."""

    @property
    def kind(self) -> str:
        """home, about, product, service, legal, contact, news or other."""

    @property
    def text(self) -> str:
        """Main text, blocks separated by line breaks."""

    @property
    def language(self) -> str:
        """ISO 639-1 code, or empty where it is not known."""


@dataclass(frozen=True)
class FirmPage:
    """A page, where no crawler record is at hand."""

    url: str
    kind: str
    text: str
    language: str = ""


@dataclass(frozen=True)
class FirmText:
    """A firm's own words, in the order in which its pages matter (home first)."""

    firm_id: str
    pages: tuple[PageLike, ...]

    @classmethod
    def from_description(cls, firm_id: str, text: str, url: str = "", language: str = "") -> "FirmText":
        """A firm whose words come from one description rather than from a website."""
        return cls(firm_id, (FirmPage(url, "description", text, language),))


@dataclass(frozen=True)
class Chunk:
    """A piece of a page that the encoder reads whole."""

    page_url: str
    text: str
    digest: str


def speaking_pages(firm: FirmText) -> tuple[PageLike, ...]:
    """The pages that say what the firm does; all of them where only legal and contact pages have words."""
    with_words = tuple(page for page in firm.pages if page.text.strip())
    return tuple(page for page in with_words if page.kind not in SILENT_KINDS) or with_words


def firm_words(firm: FirmText) -> str:
    """The text whose n-grams are counted."""
    return "\n".join(page.text for page in speaking_pages(firm))[:MAX_FIRM_CHARS]


def firm_chunks(firm: FirmText, count_tokens: TokenCounter | None = None) -> tuple[Chunk, ...]:
    """At most ``MAX_CHUNKS`` distinct chunks, page by page in turn: every page's first, then every page's second, ...

    Chunks are cut by the packaged encoder's tokens unless told otherwise; no weights are read.
    """
    counter = _packaged_counter() if count_tokens is None else count_tokens
    per_page = [(page.url, chunk_text(page.text[:MAX_FIRM_CHARS], counter)) for page in speaking_pages(firm)]
    found: dict[str, Chunk] = {}
    for turn in range(max((len(chunks) for _, chunks in per_page), default=0)):
        for url, chunks in per_page:
            if turn < len(chunks) and len(found) < MAX_CHUNKS:
                digest = text_digest(chunks[turn])
                found.setdefault(digest, Chunk(url, chunks[turn], digest))
    return tuple(found.values())


def page_chunks(firm: FirmText) -> list[str]:
    """All chunks of all pages of a firm: whichever of its pages are taken, ``texts_to_embed`` are among these."""
    return distinct(text for page in firm.pages for text in chunk_text(page.text[:MAX_FIRM_CHARS], _packaged_counter()))


def texts_to_embed(firm: FirmText) -> list[str]:
    """The distinct chunks of a firm that training and prediction will ask vectors for."""
    return distinct(chunk.text for chunk in firm_chunks(firm))


def chunk_matrix(chunks: Sequence[Chunk], vectors: Vectors, dimension: int) -> NDArray[np.float32]:
    """Vectors of chunks, ``(n_chunks, dimension) float32``.

    Raises:
        MissingVectorError: A chunk has no vector, or one of another length.
    """
    matrix = np.zeros((len(chunks), dimension), dtype=np.float32)
    for row, chunk in enumerate(chunks):
        vector = vectors.get(chunk.digest)
        if vector is None or np.shape(vector) != (dimension,):
            seen = "no vector" if vector is None else f"a vector of shape {np.shape(vector)}"
            message = (
                f"chunk {chunk.digest[:12]} of {chunk.page_url or 'a description'} has {seen}, expected ({dimension},);"
                " embed the firm's texts (texts_to_embed) with this model's encoder first"
            )
            raise MissingVectorError(message)
        matrix[row] = vector
    return matrix


def build_design(firms: Sequence[FirmText], vectors: Vectors, ngrams: Any, dimension: int) -> FirmDesign:
    """Features of firms: their n-gram matrix beside their chunk vectors.

    Args:
        firms: ``n_firms`` firms.
        vectors: Chunk vectors by digest.
        ngrams: ``(n_firms, n_terms)`` CSR.
        dimension: Length of a vector.
    """
    per_firm = [chunk_matrix(firm_chunks(firm), vectors, dimension) for firm in firms]
    starts = np.concatenate([[0], np.cumsum([len(rows) for rows in per_firm])]).astype(np.int64)
    chunks = np.concatenate(per_firm) if per_firm else np.zeros((0, dimension), dtype=np.float32)
    means = np.zeros((len(firms), dimension), dtype=np.float32)
    for row, rows in enumerate(per_firm):
        means[row] = mean_vector(rows)
    return FirmDesign(ngrams, means, chunks, starts)


def mean_vector(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of ``(n_chunks, dimension)`` vectors, scaled to length 1; zeros for no chunks."""
    if not len(rows):
        return np.zeros(rows.shape[1], dtype=np.float32)
    mean = rows.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def new_vectorizer(vocabulary: Sequence[str] | None = None) -> Any:
    """The n-gram recipe; with a vocabulary (a loaded model) only the inverse document frequencies are missing."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        ngram_range=NGRAM_RANGE,
        sublinear_tf=True,
        min_df=1 if vocabulary is not None else MIN_FIRMS_PER_TERM,
        max_features=None if vocabulary is not None else MAX_TERMS,
        stop_words="english",
        dtype=np.float32,
        vocabulary=None if vocabulary is None else list(vocabulary),
    )


@lru_cache(maxsize=1)
def _packaged_counter() -> TokenCounter:
    return token_counter(find_minilm().tokenizer_file)
