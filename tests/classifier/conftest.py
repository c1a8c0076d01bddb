"""A small made-up world: firms whose words say what they do, with vectors that follow from the words."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.features import FirmText, texts_to_embed
from models.digest import text_digest

DIMENSION = 16
TOPICS = {
    "aerospace": ["aircraft", "wing", "turbine", "avionics", "fuselage", "satellite"],
    "space_tech": ["satellite", "orbit", "payload", "launcher", "telemetry", "spacecraft"],
    "bakery": ["bread", "flour", "oven", "pastry", "loaf", "cake"],
}
SECTORS = ("aerospace", "space_tech", "bakery")
PARENTS = ((), (0,), ())


@dataclass(frozen=True)
class World:
    """Labelled firms with vectors for all their chunks."""

    firms: tuple[FirmText, ...]
    vectors: dict[str, NDArray[np.float32]]
    Y: NDArray[np.bool_]
    mask: NDArray[np.bool_]


def word_vector(text: str) -> NDArray[np.float32]:
    """A vector of length 1 that depends on the words alone: the sum of a fixed random direction for each word."""
    total = np.zeros(DIMENSION)
    for word in text.lower().replace(".", " ").split():
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        total += np.random.default_rng(seed).normal(size=DIMENSION)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), dtype=np.float32)


def embed(firms: Sequence[FirmText]) -> dict[str, NDArray[np.float32]]:
    """Vectors for every chunk of these firms."""
    return {text_digest(text): word_vector(text) for firm in firms for text in texts_to_embed(firm)}


def make_world(per_topic: int = 16, seed: int = 0) -> World:
    """Firms of three sectors, each with a sentence of its topic and one that any firm could write."""
    rng = np.random.default_rng(seed)
    filler = ["quality", "service", "customers", "team", "family", "experience", "projects", "contact"]
    firms, rows = [], []
    for column, (topic, words) in enumerate(TOPICS.items()):
        for number in range(per_topic):
            own, plain = " ".join(rng.choice(words, 4)), " ".join(rng.choice(filler, 5))
            firms.append(FirmText.from_description(f"{topic}-{number:02d}", f"We make {own}. Our {plain}."))
            rows.append([column == 0 or column == 1, column == 1, column == 2])
    Y = np.array(rows)
    return World(tuple(firms), embed(firms), Y, np.ones_like(Y))


@pytest.fixture(scope="session")
def world() -> World:
    """48 firms, 16 of each topic."""
    return make_world()


@pytest.fixture(scope="session")
def embed_firms() -> Callable[[Sequence[FirmText]], dict[str, NDArray[np.float32]]]:
    """Vectors for further firms of the same world."""
    return embed
