"""What came of one request, whoever made it; plain data, so that the rules of a visit need no Scrapy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RobotsRequest:
    """A robots.txt request that was made on the way to a page."""

    url: str
    outcome: str
    status: int | None
    at: datetime
    bytes_read: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one request. ``outcome`` is ``ok`` for any status below 400 whose body could be read.

    ``body`` has its content encodings undone; ``bytes_read`` counts what came over the wire. ``sitemaps`` are those
    that the host's robots.txt names, ``robots_tag`` is ``X-Robots-Tag``. ``unchanged``: the server said 304, the rest
    stands here as it was archived. ``parts`` are further requests that the page needed to be drawn.
    """

    url: str
    outcome: str
    reason: str
    fetched_at: datetime
    status: int | None = None
    body: bytes = b""
    content_type: str = ""
    location: str = ""
    retry_after: str = ""
    etag: str = ""
    last_modified: str = ""
    body_digest: str = ""
    archive_ref: str = ""
    bytes_read: int = 0
    flags: tuple[str, ...] = ()
    robots: tuple[RobotsRequest, ...] = ()
    sitemaps: tuple[str, ...] = ()
    parts: int = 0
    robots_tag: str = ""
    unchanged: bool = False
