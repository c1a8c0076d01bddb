"""The download handler that draws pages: scrapy-playwright, with its browser cut off from the network.

scrapy-playwright lets the browser fetch for itself. Here each request of a page is handed to a ``Drawing``, which
answers from the crawler's own fetches; no request is ever passed on, and no answer is a redirect, because Playwright
lets the browser follow those unasked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from playwright.async_api import BrowserContext, Page, Route, WebSocketRoute
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler

from crawler.drawing import Drawing
from crawler.rendering import DRAWING_HANDLER, DRAWING_SCHEME, MAX_SITES_AT_ONCE, launch_options
from crawler.robots_middleware import SKIP

DRAWING = "firmscope_drawing"
DRAWING_SLOT = "drawings"
CLOSE_S = 20.0  # takes 0.1 s, even with a script without end; a busy machine needs longer
# Memory that a process of the browser may have for itself, bytes. An empty page needs 100 MB; a page that fills
# memory on purpose reached this in 2 s, crashed alone, and the next page was drawn.
MAX_DATA_BYTES = 1_536 * 1024 * 1024
# Ways out that no interception sees; the command line closes them too.
NO_SIDE_DOORS = """
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'WebTransport', 'SharedWorker'])
    delete globalThis[name];
"""


def rendering_settings(handlers: dict[str, str | None]) -> dict[str, Any]:
    """What the second pass changes in ``settings.scrapy_settings``, whose ``DOWNLOAD_HANDLERS`` are ``handlers``."""
    return {
        "DOWNLOAD_HANDLERS": {**handlers, DRAWING_SCHEME: DRAWING_HANDLER},
        # Drawing waits for the page's own requests, so it must not stand in their queue; it makes none itself.
        "DOWNLOAD_SLOTS": {DRAWING_SLOT: {"concurrency": MAX_SITES_AT_ONCE, "delay": 0}},
        "PLAYWRIGHT_MAX_PAGES_PER_CONTEXT": 1,
    }


def drawing_request(drawing: Drawing) -> Request:
    """The request that draws; its scheme is no other handler's, and no site is asked for it."""
    meta = {DRAWING: drawing, SKIP: True}
    url = f"{DRAWING_SCHEME}://{DRAWING_SLOT}/{id(drawing)}"
    return Request(url, callback=NO_CALLBACK, dont_filter=True, meta=meta)


class DrawingHandler(ScrapyPlaywrightDownloadHandler):  # type: ignore[misc]
    """Handler for the scheme of drawings; one crawl has one, and so one browser."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        logging.getLogger("scrapy-playwright").setLevel(logging.WARNING)
        self._drawings: dict[str, Drawing] = {}
        # Bound and never listening: connections are refused, and nobody else can come to listen there.
        self._dead_end = socket.socket()
        self._dead_end.bind(("127.0.0.1", 0))
        self.config.launch_options = launch_options(self._dead_end.getsockname()[1])
        self.config.target_closed_max_retries = 0  # a page that crashes the browser is not drawn again

    async def download_request(self, request: Request) -> Response:
        """Draw within the drawing's time.

        Raises:
            KeyError: The request carries no drawing.
            TimeoutError: The page did not let itself be drawn in time.
            playwright.async_api.Error: It crashed, or the browser did.
        """
        drawing: Drawing = request.meta[DRAWING]
        name = f"drawing-{id(drawing)}"
        page_request = Request(
            drawing.document.url,
            meta={
                "playwright": True,
                "playwright_include_page": True,
                "playwright_context": name,
                "playwright_context_kwargs": {"service_workers": "block", "accept_downloads": False},
                "playwright_page_goto_kwargs": {"wait_until": "commit", "timeout": 1000 * drawing.limit_s},
            },
        )
        self._drawings[name] = drawing
        try:
            async with asyncio.timeout(drawing.limit_s) as clock:
                drawing.begin(clock)
                response: Response = await super().download_request(page_request)
                html = await drawing.draw(page_request.meta["playwright_page"])
                return response.replace(body=html.encode("utf-8", "replace"))
        finally:
            drawing.close()
            await self._forget(name)
            del self._drawings[name]

    def _make_request_handler(self, context_name: str, **_: Any) -> Callable[[Route], Awaitable[None]]:
        return self._drawings[context_name].answer

    async def _create_browser_context(self, *args: Any, **kwargs: Any) -> Any:
        wrapper = await super()._create_browser_context(*args, **kwargs)
        await _seal(wrapper.context)
        return wrapper

    async def _launch(self) -> None:
        with _data_limit():
            await super()._launch()

    async def _forget(self, name: str) -> None:
        """Close a drawing's page and all it opened, with the browser if that is the only way."""
        wrapper = self.context_wrappers.get(name)
        if wrapper is None:
            return
        try:
            async with asyncio.timeout(CLOSE_S):
                await wrapper.context.close()
        except Exception:
            logging.getLogger(__name__).warning("a page would not close; the browser is started anew", exc_info=True)
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSE_S):
                    await self.browser.close()


async def _seal(context: BrowserContext) -> None:
    """Refuse what a page's own routes do not cover: windows it opens, sockets."""

    async def refuse(route: Route) -> None:
        with contextlib.suppress(Exception):  # the window may be gone
            await route.abort("aborted")

    async def close_socket(socket: WebSocketRoute) -> None:
        await socket.close()

    own: list[Page] = []

    def close_window(page: Page) -> None:
        own.append(page)
        if page is not own[0]:
            task = asyncio.ensure_future(page.close())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    await context.route("**/*", refuse)
    await context.route_web_socket("**/*", close_socket)
    await context.add_init_script(NO_SIDE_DOORS)
    context.on("page", close_window)


@contextlib.contextmanager
def _data_limit() -> Iterator[None]:
    """Processes started meanwhile, and theirs, may not have more memory of their own than ``MAX_DATA_BYTES``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = MAX_DATA_BYTES if hard == resource.RLIM_INFINITY else min(MAX_DATA_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
