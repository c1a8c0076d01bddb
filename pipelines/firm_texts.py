"""Firms' own words, as the classifier takes them, out of the table ``pages``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipelines.store import Lake

if TYPE_CHECKING:
    from classifier.features import FirmText

_COLUMNS = ("firm_id", "url", "position", "kind", "text", "text_digest")


def firm_texts(lake: Lake, shards: Iterable[int] | None = None) -> dict[str, FirmText]:
    """Words of every firm that has any, by firm_id; pages in the order in which they were read."""
    from classifier.features import FirmPage, FirmText

    return {
        firm_id: FirmText(firm_id, tuple(FirmPage(page["url"], page["kind"], page["text"]) for page in pages))
        for firm_id, pages in _pages(lake, shards).items()
    }


def site_digests(lake: Lake, shards: Iterable[int] | None = None) -> dict[str, str]:
    """SHA-256 over a firm's words, by firm_id: kinds, addresses and texts of its pages, in order."""
    found = {}
    for firm_id, pages in _pages(lake, shards, text=False).items():
        parts = "".join(f"{page['kind']}\n{page['url']}\n{page['text_digest']}\n" for page in pages)
        found[firm_id] = hashlib.sha256(parts.encode()).hexdigest()
    return found


def _pages(lake: Lake, shards: Iterable[int] | None, text: bool = True) -> dict[str, list[dict[str, Any]]]:
    columns = [name for name in _COLUMNS if text or name != "text"]
    rows = lake.read_arrow("pages", columns, shards).to_pylist()
    by_firm: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda page: (page["firm_id"], page["position"])):
        by_firm.setdefault(row["firm_id"], []).append(row)
    return by_firm
