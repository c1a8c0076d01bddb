"""Firms' own words, as the classifier takes them, out of the table ``pages``, and whose words have been classified.

Words count as classified only when ``scores`` name exactly them: a site read again since waits for its next classify.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pipelines.errors import PastGoneError

if TYPE_CHECKING:
    import pyarrow as pa

    from classifier.features import FirmText

_COLUMNS = ("firm_id", "url", "position", "kind", "language", "text", "text_digest")


class Tables(Protocol):
    """What is read from: the lake, or the lake as of one moment."""

    @property
    def shards(self) -> int:
        """Partitions of every table."""

    def read_arrow(
        self, name: str, columns: Sequence[str] | None = None, shards: Iterable[int] | None = None
    ) -> pa.Table:
        """Rows of a table."""


def firm_texts(lake: Tables, shards: Iterable[int] | None = None) -> dict[str, FirmText]:
    """Words of every firm that has any, by firm_id; pages in the order in which they were read."""
    from classifier.features import FirmPage, FirmText

    def page_of(row: dict[str, Any]) -> FirmPage:
        return FirmPage(row["url"], row["kind"], row["text"], row["language"] or "")

    return {firm_id: FirmText(firm_id, tuple(map(page_of, pages))) for firm_id, pages in _pages(lake, shards).items()}


def site_digests(lake: Tables, shards: Iterable[int] | None = None) -> dict[str, str]:
    """SHA-256 over a firm's words, by firm_id: kinds, addresses and texts of its pages, in order."""
    return {firm_id: words_digest(pages) for firm_id, pages in _pages(lake, shards, text=False).items()}


def words_digest(pages: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 over one firm's words, given its rows of ``pages`` in order."""
    parts = "".join(f"{page['kind']}\n{page['url']}\n{page['text_digest']}\n" for page in pages)
    return hashlib.sha256(parts.encode()).hexdigest()


def firms_with_words(lake: Tables) -> frozenset[str]:
    """Firms that have pages; of a past moment whose pages are gone, those whose site had some when it was last read."""
    import pyarrow.compute as pc

    try:
        return frozenset(lake.read_arrow("pages", ["firm_id"])["firm_id"].to_pylist())
    except PastGoneError:
        sites = lake.read_arrow("sites", ["firm_id", "pages"])
        return frozenset(sites.filter(pc.greater(sites["pages"], 0))["firm_id"].to_pylist())


def classified_firms(lake: Tables) -> dict[str, str]:
    """Model that scored the words which ``pages`` hold now, by firm_id; firms without words or scores are absent."""
    found = {}
    for shard in range(lake.shards):
        digests = site_digests(lake, [shard])
        scores = lake.read_arrow("scores", ["firm_id", "text_digest", "model_id"], [shard])
        for row in scores.group_by(scores.column_names).aggregate([]).to_pylist():
            if digests.get(row["firm_id"]) == row["text_digest"]:
                found[row["firm_id"]] = row["model_id"]
    return found


def _pages(lake: Tables, shards: Iterable[int] | None, text: bool = True) -> dict[str, list[dict[str, Any]]]:
    columns = [name for name in _COLUMNS if text or name != "text"]
    rows = lake.read_arrow("pages", columns, shards).to_pylist()
    by_firm: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda page: (page["firm_id"], page["position"])):
        by_firm.setdefault(row["firm_id"], []).append(row)
    return by_firm
