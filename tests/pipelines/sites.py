"""Put pages of firms into a lake, as a crawl would, without one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from models.digest import text_digest
from pipelines.workspace import Workspace

READ_AT = datetime(2026, 11, 1, tzinfo=UTC)


def put_pages(workspace: Workspace, sites: Mapping[str, Sequence[tuple[str, str]]], gone: Collection[str] = ()) -> None:
    """Replace the pages of firms: kind and text of each, home page first; firms in ``gone`` have none any more."""
    rows = [
        {"firm_id": firm_id, "url": f"https://{firm_id}.example/{place}", "position": place, "title": "",
         "language": "en", "text": text, "text_digest": text_digest(text), "kind": kind, "read_at": READ_AT,
         "archive_ref": None}
        for firm_id, pages in sites.items()
        for place, (kind, text) in enumerate(pages)
    ]  # fmt: skip
    workspace.lake.replace_firms("pages", {*sites, *gone}, rows, "test")
