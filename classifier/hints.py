"""What a taxonomy says of its sectors, turned into directions in which their models start before any label is seen.

A direction becomes one more column of a block's features: it is hardly regularised, so a sector with eight labels leans
on its definition and keywords, and one with five hundred on its firms. The column's weight is folded back into those of
the block, so a trained model needs neither the taxonomy nor this module.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import MissingVectorError
from classifier.features import Vectors
from labels.keywords import KeywordError, parse_rule
from models.digest import text_digest

NGRAM_HINT = 1.0
VECTOR_HINT = 6.0
"""How much larger than the features themselves a hint is. Of 1 and 3, and of 3, 6 and 10, these ranked best on folds of
the directory's 70 %, with 8 includes and with all labels; see classifier/README.md."""


@dataclass(frozen=True)
class Hint:
    """A sector in the taxonomy's words."""

    said: str  # name and definition
    phrases: tuple[tuple[str, ...], ...]  # what its keyword rules look for; a word may end in a star
    unread: tuple[str, ...] = ()  # why each rule that could not be read was left out

    @property
    def listed(self) -> str:
        """The phrases as one text for an encoder; the name and definition where there are none."""
        return ", ".join(" ".join(words).replace("*", "") for words in self.phrases) or self.said


def hint_of(name: str, definition: str, keywords: Sequence[str]) -> Hint:
    """A sector's hint; a keyword rule that cannot be read is left out, and ``unread`` says why."""
    phrases: dict[tuple[str, ...], None] = {}
    unread: list[str] = []
    for keyword in keywords:
        try:
            rule = parse_rule(keyword)
        except KeywordError as error:
            unread.append(error.summary)
            continue
        phrases |= dict.fromkeys(phrase.words for phrase in rule.sought())
    return Hint(f"{name}. {definition}" if definition else name, tuple(phrases), tuple(unread))


def hint_texts(hints: Sequence[Hint]) -> list[str]:
    """What training will ask vectors of."""
    return [text for hint in hints for text in (hint.said, hint.listed)]


def directions(hints: Sequence[Hint], vectors: Vectors, vectorizer: Any, dimension: int) -> NDArray[np.float64]:
    """``(n_sectors, n_terms + dimension)``: where each sector's weights start, in the blocks of a ``FirmDesign``.

    Args:
        hints: One for each sector.
        vectors: A vector for each of ``hint_texts``.
        vectorizer: The fitted n-gram counter.
        dimension: Length of a vector.

    Raises:
        MissingVectorError: A text has no vector.
    """
    terms = vectorizer.get_feature_names_out().tolist()
    ranked = sorted(range(len(terms)), key=terms.__getitem__)
    of_words = np.asarray(vectorizer.transform([hint.said for hint in hints]).toarray(), dtype=np.float64)
    for row, hint in enumerate(hints):
        of_words[row] += _matching(terms, ranked, hint.phrases)
    of_vectors = np.stack(
        [_vector(hint.said, vectors, dimension) + _vector(hint.listed, vectors, dimension) for hint in hints]
    )
    of_vectors /= np.maximum(np.linalg.norm(of_vectors, axis=1, keepdims=True), 1e-12)
    return np.hstack([NGRAM_HINT * of_words, VECTOR_HINT * of_vectors])


def _matching(terms: Sequence[str], ranked: Sequence[int], phrases: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
    """1 for each term that is a sought phrase; of a phrase longer than any term, for each of its words.

    Terms that begin alike stand together in ``ranked``, the columns in alphabetical order, so that few are looked at.
    """
    longest = max((term.count(" ") + 1 for term in terms), default=0)
    sought = {part for words in phrases for part in ([words] if len(words) <= longest else [(word,) for word in words])}
    found = np.zeros(len(terms), dtype=np.float64)
    for words in sought:
        stem = " ".join(words).partition("*")[0]
        for column in ranked[bisect_left(ranked, stem, key=terms.__getitem__) :]:
            if not terms[column].startswith(stem):
                break
            if _begins(terms[column].split(" "), words):
                found[column] = 1.0
    return found


def _begins(term: Sequence[str], words: tuple[str, ...]) -> bool:
    return len(term) == len(words) and all(
        word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted
        for word, wanted in zip(term, words, strict=True)
    )


def _vector(text: str, vectors: Vectors, dimension: int) -> NDArray[np.float64]:
    vector = vectors.get(text_digest(text))
    if vector is None or np.shape(vector) != (dimension,):
        message = f"{text[:60]!r} of the taxonomy has no vector of length {dimension}; embed hint_texts(hints) first"
        raise MissingVectorError(message)
    return np.asarray(vector, dtype=np.float64)
