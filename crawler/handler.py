"""Scrapy's HTTP handler with limits on response headers and connecting, and a memory for hosts with bad TLS.

``DOWNLOAD_MAXSIZE`` does not count headers: stock Scrapy takes 35 MB of them a second until the timeout. It also
gives connecting the whole timeout, so that a port that drops packets looks like a server that never answers.
"""

from __future__ import annotations

from typing import Any

from scrapy.core.downloader.contextfactory import _ScrapyClientContextFactory
from scrapy.core.downloader.handlers import http11
from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from scrapy.utils._download_handlers import wrap_twisted_exceptions
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.web._newclient import ParseError

# (host, port) read without verification; one crawl per process, so one set per process.
UNVERIFIED: set[tuple[str, int]] = set()
MAX_HEADER_LINES = 200
MAX_HEADER_BYTES = 64 * 1024
CONNECT_TIMEOUT_S = 10.0  # systems repeat an unanswered SYN after 1, 3 and 7 s: three packets may be lost
CONNECT_SHARE = 0.5  # of a shorter timeout, so that connecting still ends first and is told apart from answering


class _BoundedParser(http11._LenientHTTPClientParser):
    """Ends a response whose header section is too long."""

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


class _BoundedProtocol(http11._LenientHTTP11ClientProtocol):
    def request(self, request: Any) -> Any:
        deferred = super().request(request)
        # As Scrapy itself does it: the parser class is fixed inside Twisted's request().
        self._parser.__class__ = _BoundedParser
        return deferred


class _BoundedFactory(http11._LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: Any) -> Any:  # noqa: ARG002, N802
        return _BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]


class _RecordingTls(_ScrapyClientContextFactory):
    """Verifies every certificate, except for the hosts that have failed and are to be read all the same."""

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:  # noqa: N802
        self._verify_certificates = (hostname.decode("ascii"), port) not in UNVERIFIED
        return super().creatorForNetloc(hostname, port)


class _PromptAgent(http11._ScrapyAgent):
    """Gives up connecting long before it gives up waiting for an answer."""

    def _get_agent(self, request: Request, timeout: float) -> Any:
        return super()._get_agent(request, min(CONNECT_TIMEOUT_S, CONNECT_SHARE * timeout))


class BoundedHttpHandler(http11.HTTP11DownloadHandler):
    """Handler for the ``DOWNLOAD_HANDLERS`` setting; connects through the reactor's resolver like its parent."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = _BoundedFactory
        self._contextFactory: Any = _RecordingTls.from_crawler(crawler)

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
