"""Similar firms are those that comparing every firm with every other would name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.features import firm_chunks
from models.encoder import load_encoder
from pipelines import similar
from pipelines.errors import UsageError
from pipelines.firm_texts import firm_texts
from pipelines.similar import SimilarFirms, open_similar, similar_firms
from pipelines.store import shard_of
from pipelines.workspace import Workspace
from tests.pipelines.sites import put_pages

TOPICS = ["satellites", "bread", "boilers"]
LONG = "We make many things for customers of kind {0} in many places, year after year, with care. "


def sites(firms: int) -> dict[str, list[tuple[str, str]]]:
    return {
        f"f{number:02}": [
            ("home", f"Firm {number} makes {TOPICS[number % 3]}."),
            ("about", f"{(LONG * (20 * (number % 4))).format(number)} About {TOPICS[number % 3]} {number}."),
            ("legal", f"Terms of {number}."),
        ]
        for number in range(firms)
    }


def put_vectors(workspace: Workspace, seed: int = 0, left_out: str = "") -> None:
    """A vector for every chunk: a topic's own direction and some of the chunk's."""
    encoder, rng = load_encoder(), np.random.default_rng(seed)
    topics = rng.normal(size=(3, encoder.dimension))
    rows, known = [], set[tuple[int, str]]()
    for firm_id, firm in firm_texts(workspace.lake).items():
        shard = shard_of(firm_id, workspace.lake.shards)
        for chunk in firm_chunks(firm):
            vector = topics[int(firm_id[1:]) % 3] + rng.normal(size=encoder.dimension)
            if firm_id != left_out and (shard, chunk.digest) not in known:
                known.add((shard, chunk.digest))
                rows.append(
                    {"shard": shard, "text_digest": chunk.digest, "encoder_id": encoder.encoder_id,
                     "vector": (vector / np.linalg.norm(vector)).astype(np.float32)}
                )  # fmt: skip
    other = [{**row, "encoder_id": "another", "vector": [1.0, 0.0]} for row in rows[:3]]
    workspace.lake.replace_all("embeddings", [*rows, *other], "test")


def means(workspace: Workspace) -> dict[str, NDArray[np.float64]]:
    """The same by hand."""
    held: Mapping[tuple[int, str], NDArray[np.float64]] = {
        (row["shard"], row["text_digest"]): np.array(row["vector"])
        for row in workspace.lake.read_arrow("embeddings").to_pylist()
        if row["encoder_id"] != "another"
    }
    found = {}
    for firm_id, firm in firm_texts(workspace.lake).items():
        shard = shard_of(firm_id, workspace.lake.shards)
        vectors = [held[shard, chunk.digest] for chunk in firm_chunks(firm) if (shard, chunk.digest) in held]
        if vectors:
            mean = np.mean(vectors, axis=0)
            found[firm_id] = mean / np.linalg.norm(mean)
    return found


def by_hand(workspace: Workspace, firm_id: str) -> list[tuple[str, float]]:
    every = means(workspace)
    cosines = [(other, float(mean @ every[firm_id])) for other, mean in every.items() if other != firm_id]
    return sorted(cosines, key=lambda one: -one[1])


def test_the_nearest_firms_are_those_of_the_mean_vectors(workspace: Workspace) -> None:
    put_pages(workspace, sites(24))
    put_vectors(workspace)
    for firm_id in ("f00", "f07", "f23"):
        found, expected = similar_firms(workspace, firm_id, 30), by_hand(workspace, firm_id)
        assert len(found) == 23
        assert dict(found) == pytest.approx(dict(expected), abs=1e-3)
        assert [cosine for _, cosine in found] == sorted((cosine for _, cosine in found), reverse=True)
        assert {int(other[1:]) % 3 for other, _ in found[:7]} == {int(firm_id[1:]) % 3}
        assert similar_firms(workspace, firm_id, 5) == found[:5]
    workspace.lake.close()


def test_means_follow_the_tables(workspace: Workspace) -> None:
    put_pages(workspace, sites(6))
    put_vectors(workspace, left_out="f01")
    opened = open_similar(workspace)
    assert opened.firm_ids == ("f00", "f02", "f03", "f04", "f05")
    assert open_similar(workspace) is opened
    with pytest.raises(UsageError, match=r"'f01' cannot be compared.*firmscope classify"):
        similar_firms(workspace, "f01")
    put_vectors(workspace, seed=1)  # f01's are there now, and all others have changed
    assert dict(similar_firms(workspace, "f01")) == pytest.approx(dict(by_hand(workspace, "f01")), abs=1e-3)
    put_pages(workspace, {"f01": [("home", "New words that nobody has encoded.")]}, gone=["f02"])
    assert open_similar(workspace).firm_ids == ("f00", "f03", "f04", "f05")
    (workspace.index_folder / "vectors.db").write_bytes(b"spoilt" * 1000)
    similar._read_last.clear()
    assert open_similar(workspace).firm_ids == ("f00", "f03", "f04", "f05")
    workspace.lake.close()


def test_equals_come_in_the_order_of_their_ids_and_a_firm_alone_has_none() -> None:
    vectors = np.eye(4, dtype=np.float16)[[0, 0, 1, 0, 0]]
    firms = SimilarFirms(("a", "b", "c", "d", "e"), vectors)
    assert firms.nearest("d", 2) == [("a", 1.0), ("b", 1.0)]
    assert firms.nearest("c", 9) == [("a", 0.0), ("b", 0.0), ("d", 0.0), ("e", 0.0)]
    assert firms.nearest("a", 0) == []
    assert SimilarFirms(("a",), vectors[:1]).nearest("a") == []


def test_a_workspace_without_vectors_has_nobody(workspace: Workspace) -> None:
    assert open_similar(workspace).firm_ids == ()
    with pytest.raises(UsageError, match="cannot be compared"):
        similar_firms(workspace, "f00")
