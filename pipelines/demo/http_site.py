"""Answer HTTP for one demo site: GET and HEAD, validators, redirects, errors, keep-alive.

Pages are rendered once, when the site starts; ``Last-Modified`` is the day the demo's texts were written, so that a
second night finds nothing changed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from pipelines.demo.firms import DemoFirm
from pipelines.demo.sites import render_error, render_site

WRITTEN_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
IDLE_S = 15.0

Observer = Callable[[str, str, int], None]


@dataclass(frozen=True)
class Resource:
    """A body with its type and validator."""

    content_type: str
    body: bytes

    @property
    def etag(self) -> str:
        """Strong validator: the digest of the body."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'


@dataclass(frozen=True)
class HttpSite:
    """One site's answers; ``redirect_url`` sends every page elsewhere, ``failing`` answers 500 to each."""

    MAX_HEAD_BYTES: ClassVar[int] = 16_384

    firm_id: str
    resources: Mapping[str, Resource]
    missing: Resource
    failure: Resource | None = None
    redirect_url: str = ""

    @classmethod
    def of(cls, firm: DemoFirm, redirect_url: str = "") -> HttpSite:
        """The site of ``firm``; ``redirect_url`` is the website that a redirecting firm leads to."""
        failing = firm.behaviour == "server_error"
        return cls(
            firm_id=firm.firm_id,
            resources={path: Resource(*content) for path, content in render_site(firm).items()},
            missing=Resource(*render_error(firm, 404, "Page not found")),
            failure=Resource(*render_error(firm, 500, "Internal server error")) if failing else None,
            redirect_url=redirect_url,
        )

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, observe: Observer) -> None:
        """Answer requests on one connection until either side has had enough."""
        try:
            keep_alive = True
            while keep_alive:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)
                keep_alive = self._answer(head, writer, observe)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ConnectionError):
            pass  # the visitor left, or said nothing sensible: there is nobody to answer
        finally:
            writer.close()

    def _answer(self, head: bytes, writer: asyncio.StreamWriter, observe: Observer) -> bool:
        """Write one answer; returns whether the connection stays open."""
        request_line, *header_lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in header_lines if line)
        }
        try:
            method, target, version = request_line.split(" ")
            path = unquote(urlsplit(target).path) or "/"
        except ValueError:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        status, resource, extra = self._choose(method, path, headers)
        keep_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close" and status != 405
        body = b"" if resource is None or status == HTTPStatus.NOT_MODIFIED else resource.body
        fields = {
            "Date": format_datetime(datetime.now(UTC), usegmt=True),
            "Connection": "keep-alive" if keep_alive else "close",
            **extra,
        }
        if resource is not None:
            fields["Content-Type"] = resource.content_type
        if status != HTTPStatus.NOT_MODIFIED:
            fields["Content-Length"] = str(len(body))
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in fields.items())]
        observe(method, path, status.value)
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if method == "HEAD" else body))
        return keep_alive

    def _choose(
        self, method: str, path: str, headers: Mapping[str, str]
    ) -> tuple[HTTPStatus, Resource | None, dict[str, str]]:
        if method not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, None, {"Allow": "GET, HEAD"}
        if self.redirect_url and path != "/robots.txt":
            return HTTPStatus.MOVED_PERMANENTLY, None, {"Location": self.redirect_url}
        if self.failure is not None and path != "/robots.txt":
            return HTTPStatus.INTERNAL_SERVER_ERROR, self.failure, {}
        resource = self.resources.get(path)
        if resource is None:
            return HTTPStatus.NOT_FOUND, self.missing, {}
        validators = {"ETag": resource.etag, "Last-Modified": format_datetime(WRITTEN_AT, usegmt=True)}
        status = HTTPStatus.NOT_MODIFIED if is_fresh(resource.etag, headers) else HTTPStatus.OK
        return status, resource, validators


def is_fresh(etag: str, headers: Mapping[str, str]) -> bool:
    """Whether the visitor's copy is current (RFC 9110, 13.2.2: If-None-Match decides before If-Modified-Since)."""
    if "if-none-match" in headers:
        tags = {tag.strip().removeprefix("W/") for tag in headers["if-none-match"].split(",")}
        return etag in tags or "*" in tags
    try:
        since = parsedate_to_datetime(headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return since.astimezone(UTC) >= WRITTEN_AT
