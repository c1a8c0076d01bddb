"""What the crawler is told of the pages it has seen before, so that it need not fetch or archive them again.

Only answers whose whole record is in the archive are told: a page that a server calls unchanged is read there again.
"""

from __future__ import annotations

from collections.abc import Collection

from crawler.records import KnownPage
from pipelines.changes import ROBOTS
from pipelines.lake_reading import TableReader

WHOLE = (200, 304)
_COLUMNS = ["firm_id", "url", "http_status", "etag", "last_modified", "body_digest", "archive_ref", "chosen"]


def known_pages(lake: TableReader, firm_ids: Collection[str]) -> dict[str, tuple[KnownPage, ...]]:
    """Pages known of each firm, by firm_id; firms of which nothing is known are absent."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = lake.read_firms("fetches", firm_ids, _COLUMNS)
    whole = pc.and_(
        pc.is_in(rows["http_status"], value_set=pa.array(WHOLE, pa.int64())),
        pc.and_(pc.is_valid(rows["body_digest"]), pc.is_valid(rows["archive_ref"])),
    )
    found: dict[str, list[KnownPage]] = {}
    for row in rows.filter(whole).to_pylist():
        if row["chosen"] == ROBOTS:
            continue
        page = KnownPage(
            row["url"], row["etag"] or "", row["last_modified"] or "", row["body_digest"], row["archive_ref"]
        )
        found.setdefault(row["firm_id"], []).append(page)
    return {firm_id: tuple(sorted(pages, key=lambda page: page.url)) for firm_id, pages in found.items()}
