"""What an archived record says, as the reply that the crawler had, or would have had, on the way.

Whatever a text rests on must lie in our own archive: answers from files of others are copied there as they are used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from crawler.archive import Archive
from crawler.bodies import decode_body
from crawler.captures import Capture
from crawler.errors import ArchiveError, BodyError
from crawler.members import REFERENCE, Original
from crawler.records import CrawlSettings
from crawler.reply import Reply
from crawler.stored import Stored, read_at

MAX_HEADER_CHARS = 4_000


class Answers:
    """Replies from captures of one site.

    Args:
        captures: All captures of the site, in the order in which they were written.
        settings: Limits of the crawl.
        archive: Our own archive.
    """

    def __init__(self, captures: Sequence[Capture], settings: CrawlSettings, archive: Archive) -> None:
        self.captures = captures
        self.settings = settings
        self.archive = archive
        self._folder = archive.folder.resolve()
        self._refs: dict[tuple[str, int], str] = {}
        self._validators: dict[str, tuple[str, str]] = {}

    def reply(self, url: str, capture: Capture) -> Reply:
        """The reply to a request for ``url`` that this capture holds.

        Raises:
            ArchiveError: The record cannot be read, or not be copied.
        """
        stored = read_at(capture.path, capture.offset)
        if stored.kind == "failure":
            self._ref(capture, stored)
            return Reply(url, stored.outcome, stored.reason, stored.at)
        if stored.kind == "revisit":
            original = self._original(capture, stored)
            if original is not None:
                return self._revisit(url, capture, stored, *original)
            if stored.status != 304:
                raise ArchiveError("a record of the same body as another, which is not there")
        reply = self._response(url, stored, self._ref(capture, stored))
        if reply.status == 200:
            self._validators[url] = (reply.etag, reply.last_modified)
        return reply

    def _response(self, url: str, stored: Stored, ref: str) -> Reply:
        outcome, reason, body = "ok", "", b""
        try:
            body = decode_body(stored.body, _field(stored, "content-encoding", ", "), self.settings.max_body_bytes)
        except BodyError as error:
            outcome, reason = error.outcome, str(error)
        if stored.cut:
            outcome, reason = stored.cut, "the archive holds only the beginning of this page"
        elif len(body) > self.settings.max_body_bytes:
            outcome, reason, body = "too_big", "the body is larger than the limit", b""
        if stored.status >= 400:
            outcome, reason = "http_error", f"HTTP {stored.status}"
        return Reply(
            url=url,
            outcome=outcome,
            reason=reason,
            fetched_at=stored.at,
            status=stored.status,
            body=body,
            content_type="text/html" if stored.kind == "text" else _field(stored, "content-type"),
            location=_field(stored, "location"),
            retry_after=_field(stored, "retry-after"),
            etag=_field(stored, "etag"),
            last_modified=_field(stored, "last-modified"),
            body_digest=hashlib.sha256(body).hexdigest() if body else "",
            archive_ref=ref,
            bytes_read=len(stored.body),
            robots_tag=_field(stored, "x-robots-tag", "\n"),
            flags=("rendered",) if stored.kind == "drawn" else (),
        )

    def _revisit(self, url: str, capture: Capture, stored: Stored, place: Capture, original: Stored) -> Reply:
        ref = self._ref(place, original)
        self._ref(capture, stored, Original(ref, original.url, original.at))
        unchanged = stored.status == 304
        before = self._response(url, original, ref)
        now = self._response(url, stored, ref)
        etag, last_modified = self._validators.get(url, (before.etag, before.last_modified))
        reply = Reply(
            url=url,
            outcome=before.outcome if unchanged else now.outcome,
            reason=before.reason if unchanged else now.reason,
            fetched_at=stored.at,
            status=stored.status,
            body=before.body,
            content_type=before.content_type if unchanged else now.content_type,
            location=now.location,
            retry_after=now.retry_after,
            etag=now.etag or (etag if unchanged else ""),
            last_modified=now.last_modified or (last_modified if unchanged else ""),
            body_digest=before.body_digest,
            archive_ref=ref,
            bytes_read=0 if unchanged else before.bytes_read,
            robots_tag=now.robots_tag or (before.robots_tag if unchanged else ""),
            unchanged=unchanged,
        )
        self._validators[url] = (reply.etag, reply.last_modified)
        return reply

    def _original(self, capture: Capture, stored: Stored) -> tuple[Capture, Stored] | None:
        """The response that a revisit leans on: by file and offset, by URL and date, or the newest before it."""
        place = self._named(capture, stored)
        if place is None:
            place = next((found for found in self._earlier(capture, stored)), None)
        if place is None:
            return None
        found = read_at(place.path, place.offset)
        return (place, found) if found.kind == "response" else None

    def _named(self, capture: Capture, stored: Stored) -> Capture | None:
        match = REFERENCE.fullmatch(stored.refers_ref)
        if match is None:
            return None
        name, offset = match[1], int(match[2])
        for found in self.captures:
            if found.offset == offset and found.path.name == name and found.kind == "response":
                return found
        for folder in (capture.path.parent, self._folder):
            if (folder / name).is_file():
                return Capture(folder / name, offset, stored.refers_url, "response", 200, capture.at, capture.own)
        return None

    def _earlier(self, capture: Capture, stored: Stored) -> list[Capture]:
        """Responses with words of the URL that a revisit names, that of the very date it names first, then by age."""
        urls = {stored.refers_url, stored.url, capture.url}
        found = [one for one in self.captures if one.kind == "response" and one.status == 200 and one.url in urls]
        try:
            named = datetime.fromisoformat(stored.refers_at)
            named = named if named.tzinfo else named.replace(tzinfo=UTC)
        except ValueError:
            named = capture.at
        return sorted(
            (one for one in found if one.at <= capture.at),
            key=lambda one: (abs((one.at - named).total_seconds()) >= 1, -one.at.timestamp()),
        )

    def _ref(self, capture: Capture, stored: Stored, original: Original | None = None) -> str:
        """The record's reference in our archive; one that is not there is copied into it."""
        key = (str(capture.path), capture.offset)
        if key not in self._refs:
            ref = f"{capture.path.name}:{capture.offset}"
            here = capture.own and capture.path.parent == self._folder and REFERENCE.fullmatch(ref)
            self._refs[key] = ref if here else self._copied(capture.url, stored, original)
        return self._refs[key]

    def _copied(self, url: str, stored: Stored, original: Original | None) -> str:
        archive = self.archive
        if stored.kind == "failure":
            return archive.add_failure(url, stored.outcome, stored.reason, stored.at, connected=stored.connected)
        if stored.kind == "text":
            return archive.add_text(url, stored.body.decode("utf-8", "replace"), stored.at)
        if original is not None:
            return archive.add_revisit(
                url, stored.status, stored.headers, stored.at, original.ref, original.url, original.at
            )
        return archive.add(url, stored.status, stored.headers, stored.body, stored.ip, stored.at)


def _field(stored: Stored, name: str, between: str = "") -> str:
    """A header as the crawler reads it: the first of its name, or all of them with ``between`` between them."""
    values = [value for key, value in stored.headers if key.lower() == name]
    read = [value.encode("latin-1", "replace").decode("utf-8", "replace")[:MAX_HEADER_CHARS] for value in values]
    return between.join(read) if between else next(iter(read), "")
