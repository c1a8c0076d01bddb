"""Vectors go when no firm says their words any more, and never one that is asked for again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from classifier.features import FirmPage, FirmText, page_chunks, texts_to_embed
from classifier.hints import hint_texts
from classifier.quotable import pieces
from labels.taxonomy import load_taxonomy
from models.digest import text_digest
from pipelines import unused_vectors
from pipelines.encoders import plain_encoder
from pipelines.runs import start_run
from pipelines.store import shard_of
from pipelines.tidying import tidy
from pipelines.training_data import sector_hints
from pipelines.unused_vectors import NOTE, shards_due
from pipelines.workspace import Workspace

TEXT = "We build pumps for mines. Our works in Derby employs forty people. We ship to all of Europe."
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def page(firm_id: str, text: str) -> dict[str, object]:
    return {
        "firm_id": firm_id, "url": f"https://{firm_id}.example/", "position": 0, "title": "", "language": "en",
        "text": text, "text_digest": text_digest(text), "kind": "home", "read_at": NOW, "archive_ref": None,
    }  # fmt: skip


def put(workspace: Workspace, firm_id: str, texts: list[str], encoder: str = "") -> list[str]:
    """Vectors of some texts, in the shard of a firm; returns their digests."""
    encoder_id = encoder or plain_encoder(workspace).encoder_id
    rows = [
        {
            "shard": shard_of(firm_id, 4), "text_digest": text_digest(text), "encoder_id": encoder_id,
            "vector": [float(place), 1.0],
        }
        for place, text in enumerate(texts)
    ]  # fmt: skip
    workspace.lake.append("embeddings", rows, "r")
    return [str(row["text_digest"]) for row in rows]


def held(workspace: Workspace) -> list[tuple[str, str]]:
    rows = workspace.lake.read_arrow("embeddings", ["text_digest", "encoder_id"]).to_pylist()
    return sorted((row["text_digest"], row["encoder_id"]) for row in rows)


def firm_text(firm_id: str, text: str) -> FirmText:
    return FirmText(firm_id, (FirmPage(f"https://{firm_id}.example/", "home", text, "en"),))


def swept(workspace: Workspace) -> int:
    with start_run(workspace, "tidy") as run:
        done = tidy(run)
    assert not done.left
    return done.vectors


def test_what_is_asked_for_again_stays_and_the_rest_goes(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unused_vectors, "LEAST_ROWS", 2)
    lake, plain = workspace.lake, plain_encoder(workspace).encoder_id
    lake.replace_firms("pages", ["f"], [page("f", TEXT)], "r")
    chunks = texts_to_embed(firm_text("f", TEXT))
    rests = [piece.rest for chunk in chunks for piece in pieces(chunk) if piece.rest]
    hints = hint_texts(sector_hints(load_taxonomy(workspace.taxonomy_file)))
    assert chunks
    assert rests
    assert hints
    needed = put(workspace, "f", list(dict.fromkeys([*chunks, *rests, *hints])))
    put(workspace, "f", ["words that nobody says"])
    put(workspace, "f", chunks, encoder="one that no model reads with")
    matrix = {row["text_digest"]: row["vector"] for row in lake.read_arrow("embeddings").to_pylist()
              if row["encoder_id"] == plain}  # fmt: skip
    assert swept(workspace) == 1 + len(chunks)
    assert held(workspace) == sorted((digest, plain) for digest in needed)
    for row in lake.read_arrow("embeddings").to_pylist():
        assert row["vector"] == matrix[row["text_digest"]]
    assert swept(workspace) == 0
    assert lake.notes("embeddings")[f"{NOTE}{shard_of('f', 4)}"] == str(len(needed))
    lake.replace_firms("pages", ["f"], [], "r")
    put(workspace, "f", [f"more {number}" for number in range(len(needed))])
    left = {text_digest(text) for text in hints}
    assert swept(workspace) == 2 * len(needed) - len(left)
    assert held(workspace) == sorted((digest, plain) for digest in left)


def test_whichever_pages_a_model_reads_their_chunks_are_known() -> None:
    pages = tuple(FirmPage(f"u{place}", kind, f"{TEXT} {kind} {place}.", "en")
                  for place, kind in enumerate(("home", "legal", "contact", "about") * 12))  # fmt: skip
    every = set(page_chunks(FirmText("f", pages)))
    for chosen in (pages, pages[::3], [one for one in pages if one.kind == "legal"]):
        assert set(texts_to_embed(FirmText("f", tuple(chosen)))) <= every


@pytest.mark.parametrize(
    ("rows", "looked_at", "shards", "expected"),
    [
        pytest.param({}, {}, 4, [], id="none"),
        pytest.param({0: 2299, 1: 2400}, {}, 4, [1], id="too-few-rows"),
        pytest.param({0: 2299}, {0: 10}, 4, [], id="few-rows-were-left"),
        pytest.param({0: 4000, 1: 9000, 2: 8000}, {}, 4, [1], id="the-largest-first"),
        pytest.param({0: 4599, 1: 4000}, {0: 4000, 1: 4000}, 4, [], id="not-grown"),
        pytest.param({0: 4600, 1: 4000}, {0: 4000, 1: 4000}, 4, [0], id="grown"),
        pytest.param({0: 4600, 3: 5199}, {0: 4000, 3: 4000}, 4, [0], id="another-limit-for-each"),
        pytest.param(dict.fromkeys(range(64), 3000), {}, 64, [0, 1, 2, 3], id="several-of-many-shards"),
    ],
)
def test_shards_due(rows: dict[int, int], looked_at: dict[int, int], shards: int, expected: list[int]) -> None:
    notes = {f"{NOTE}{shard}": str(count) for shard, count in looked_at.items()}
    assert shards_due(rows, notes, shards) == expected


def test_a_taxonomy_that_cannot_be_read_stops_no_night(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unused_vectors, "LEAST_ROWS", 1)
    put(workspace, "f", ["a", "b"])
    workspace.taxonomy_file.write_text("no taxonomy", encoding="utf-8")
    with start_run(workspace, "tidy") as run:
        done = tidy(run)
    assert done.vectors == 0
    assert "which vectors are needed cannot be known" in done.left[0]
    assert len(held(workspace)) == 2
