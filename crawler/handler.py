"""Scrapy's HTTP handler with limits on response headers, connecting and handshakes, and a memory for bad TLS.

``DOWNLOAD_MAXSIZE`` does not count headers: stock Scrapy takes 35 MB of them a second until the timeout. It also
gives connecting the whole timeout, so that a port that drops packets, or greets nobody in TLS, looks like a server
that never answers.
"""

from __future__ import annotations

import asyncio
from typing import Any

from OpenSSL import SSL
from scrapy.core.downloader.contextfactory import _ScrapyClientContextFactory
from scrapy.core.downloader.handlers import http11
from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from scrapy.utils._download_handlers import wrap_twisted_exceptions
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python.failure import Failure
from twisted.web._newclient import ParseError
from twisted.web.http import _ChunkedTransferDecoder, _MalformedChunkedDataError
from zope.interface import implementer

# (host, port) read without verification; one crawl per process, so one set per process.
UNVERIFIED: set[tuple[str, int]] = set()
MAX_HEADER_LINES = 200
MAX_HEADER_BYTES = 64 * 1024
MAX_CHUNK_BYTES = 2**31  # Twisted would wait for a chunk of 2**160 bytes until the timeout
CONNECT_TIMEOUT_S = 10.0  # systems repeat an unanswered SYN after 1, 3 and 7 s: three packets may be lost
CONNECT_SHARE = 0.5  # of a shorter timeout, so that connecting still ends first and is told apart from answering
LENGTH_FLAG = "two_lengths"  # key of the request's meta, and the flag that it carries


class _BoundedChunks(_ChunkedTransferDecoder):
    """Ends a response whose chunks cannot be meant."""

    def _dataReceived_CHUNK_LENGTH(self) -> bool:  # noqa: N802 (Twisted's name)
        known: bool = super()._dataReceived_CHUNK_LENGTH()
        if known and self.length > MAX_CHUNK_BYTES:
            raise _MalformedChunkedDataError(f"a chunk of more than {MAX_CHUNK_BYTES} bytes")
        return known


class _BoundedParser(http11._LenientHTTPClientParser):
    """Ends a response whose header section is too long, or whose chunks are."""

    _transferDecoders = {b"chunked": _BoundedChunks}  # noqa: N815, RUF012 (Twisted's name, and never written)

    header_lines = 0
    header_bytes = 0

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 (Twisted's name)
        self.header_lines += 1
        self.header_bytes += len(line)
        if self.header_lines > MAX_HEADER_LINES or self.header_bytes > MAX_HEADER_BYTES:
            raise ParseError(  # type: ignore[no-untyped-call]
                f"more than {MAX_HEADER_LINES} header lines or {MAX_HEADER_BYTES} header bytes", line[:80]
            )
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        """Twisted's own hangs up, which would be taken for a broken connection and tried again."""
        raise ParseError("a header line without end", line[:80])  # type: ignore[no-untyped-call]

    def allHeadersReceived(self) -> None:  # noqa: N802
        named = [name for name in (b"content-length", b"transfer-encoding") if self.connHeaders.hasHeader(name)]
        self.response.two_lengths = len(named) > 1
        super().allHeadersReceived()  # type: ignore[no-untyped-call]


class _BoundedProtocol(http11._LenientHTTP11ClientProtocol):
    def request(self, request: Any) -> Any:
        deferred = super().request(request)
        # As Scrapy itself does it: the parser class is fixed inside Twisted's request().
        self._parser.__class__ = _BoundedParser
        return deferred


class _BoundedFactory(http11._LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: Any) -> Any:  # noqa: ARG002, N802
        return _BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]


@implementer(IOpenSSLClientConnectionCreator)
class _PromptHandshake:
    """Gives up on a handshake that the other side does not finish; Twisted itself would wait for ever."""

    def __init__(self, creator: Any, limit_s: float) -> None:
        self._creator = creator
        self._limit_s = limit_s

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:  # noqa: N802 (Twisted's name)
        connection = self._creator.clientConnectionForTLS(tlsProtocol)
        asyncio.get_running_loop().call_later(self._limit_s, self._look, tlsProtocol, connection)
        return connection

    def _look(self, protocol: Any, connection: Any) -> None:
        lost = protocol._tlsConnection is None  # Twisted forgets it then, and aborting would fail
        if connection.get_finished() is None and not protocol.disconnecting and not lost:
            late = SSL.Error(f"handshake not finished within {self._limit_s:g} s")
            protocol.failVerification(Failure(late))  # type: ignore[no-untyped-call]


class _RecordingTls(_ScrapyClientContextFactory):
    """Verifies every certificate, except for the hosts that have failed and are to be read all the same."""

    handshake_s = CONNECT_TIMEOUT_S

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:  # noqa: N802
        self._verify_certificates = (hostname.decode("ascii"), port) not in UNVERIFIED
        return _PromptHandshake(super().creatorForNetloc(hostname, port), self.handshake_s)


class _PromptAgent(http11._ScrapyAgent):
    """Gives up connecting long before it gives up waiting for an answer."""

    def _get_agent(self, request: Request, timeout: float) -> Any:
        return super()._get_agent(request, connecting_s(timeout))

    def _cb_bodyready(self, txresponse: Any, request: Request) -> Any:
        if getattr(txresponse, "two_lengths", False):
            # Read by its chunks, as RFC 9112 section 6.3 wants; a proxy on the way may have seen another body.
            request.meta[LENGTH_FLAG] = LENGTH_FLAG
        return super()._cb_bodyready(txresponse, request)


class BoundedHttpHandler(http11.HTTP11DownloadHandler):
    """Handler for the ``DOWNLOAD_HANDLERS`` setting; connects through the reactor's resolver like its parent."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = _BoundedFactory
        self._contextFactory: Any = _RecordingTls.from_crawler(crawler)
        self._contextFactory.handshake_s = connecting_s(crawler.settings.getfloat("DOWNLOAD_TIMEOUT"))

    async def download_request(self, request: Request) -> Response:
        """As Scrapy's own, with our agent; it is made inside that method, so there is nothing smaller to replace."""
        agent = _PromptAgent(
            contextFactory=self._contextFactory,
            pool=self._pool,
            maxsize=self._default_maxsize,
            warnsize=self._default_warnsize,
            fail_on_dataloss=self._fail_on_dataloss,
            crawler=self._crawler,
        )
        with wrap_twisted_exceptions():
            return await maybe_deferred_to_future(agent.download_request(request))


def connecting_s(timeout_s: float) -> float:
    """Seconds that resolving, connecting and greeting may each take of a request's timeout."""
    return min(CONNECT_TIMEOUT_S, CONNECT_SHARE * timeout_s)
