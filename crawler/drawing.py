"""Draw one page: answer what it asks for from the crawler's own fetches, wait until it rests, take what stands there.

A script that would lead the browser elsewhere does not move it: where to is written into the drawn page as a refresh,
so that the visit follows it, or refuses to, by the same rules as any other redirect.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, Request, Route

from crawler.charset import decode_html
from crawler.errors import BadUrlError, CrawlerError
from crawler.parts import Part, Parts, refusal
from crawler.reply import Reply
from crawler.urls import canonical_url

MAX_PARTS = 60  # requests for one page; chosen, not measured: no captured site shows what scripts would ask for
# Requests of any kind, refused ones too. All pages are driven through one process, and on a busy machine a page that
# asked 50 times a second stalled its neighbours until their time was over.
MAX_ASKED = 400
FLOOD_S = 5.0  # for taking what stands on such a page
MAX_PART_BYTES = 16 * 1024 * 1024
PARTS_AT_ONCE = 4
REST_S = 0.5  # this long without a request and without new text: drawn
FEW_CHARS = 200  # a loading notice; behind it a timer may still be running, so rest has to last longer
REST_OF_FEW_S = 2.5
SCRIPT_S = 10.0  # this long after its last answer a page that goes on changing is taken as it stands
HUNG_S = SCRIPT_S + 5  # and this long after, one that does not even let itself be taken is given up
POLL_S = 0.1
FETCHED = {"script", "xhr", "fetch"}

log = logging.getLogger(__name__)

MEASURE = """document.body
    ? [document.readyState === 'complete', document.body.innerText.length, document.documentElement.outerHTML.length]
    : [false, 0, 0]"""
# What script drew inside shadow roots is not in the serialised page, and what stands in noscript is not for us. The
# base is the address that script gave the page: links are relative to it.
FINISH = """([asked, moved]) => {
    for (const node of document.querySelectorAll('noscript')) node.remove();
    const open = [...document.querySelectorAll('*')].filter(node => node.shadowRoot);
    for (const node of open) {
        const copy = document.createElement('div');
        copy.innerHTML = node.shadowRoot.innerHTML;
        node.append(copy);
    }
    const head = document.head || document.documentElement;
    if (location.href.split('#')[0] !== asked && !document.querySelector('base[href]')) {
        const base = document.createElement('base');
        base.href = location.href;
        head.prepend(base);
    }
    if (moved) {
        const refresh = document.createElement('meta');
        refresh.httpEquiv = 'refresh';
        refresh.content = '0;url=' + moved;
        head.prepend(refresh);
    }
}"""


class Drawing:
    """One page being drawn; used once.

    Args:
        document: The page as the site sent it.
        parts: Fetches what the page asks for.
        limit_s: Seconds in which to draw, fetching included.
        max_chars: Largest drawn page.

    ``failure`` is what must end the crawl; ``made`` are the requests made for this page; ``moved`` is where its script
    wanted to go instead.
    """

    def __init__(self, document: Reply, parts: Parts, limit_s: float, max_chars: int) -> None:
        self.document = document
        self.limit_s = limit_s
        self.failure: CrawlerError | None = None
        self.made: list[Reply] = []
        self.moved = ""
        self._parts = parts
        self._max_chars = max_chars
        self._deadline = self._answered_at = 0.0
        self._asked = self._granted = 0
        self._waiting = 0
        self._begun = self._closed = False
        self._clock: asyncio.Timeout | None = None
        self._turn = asyncio.Semaphore(PARTS_AT_ONCE)

    def begin(self, clock: asyncio.Timeout) -> None:
        """Start: drawings may have waited for each other.

        Args:
            clock: Ends the drawing; set here, to an earlier time whenever the page alone is to blame for waiting.
        """
        self._clock = clock
        self._answered_at = time.monotonic()
        self._deadline = self._answered_at + self.limit_s
        self._set_clock()

    async def answer(self, route: Route) -> None:
        """Answer one request of the page, or refuse it."""
        self._asked += 1
        if self._asked == MAX_ASKED:
            log.warning("%.200r asks for more than %d things", self.document.url, MAX_ASKED)
            self._deadline = min(self._deadline, time.monotonic() + FLOOD_S)
            self._set_clock()
        try:
            answer = await self._answer(route.request)
            if answer is not None:
                await route.fulfill(status=answer.status, content_type=answer.content_type, body=answer.body)
                return
        except PlaywrightError:  # the page is gone, or the browser will not have the answer
            pass
        with contextlib.suppress(PlaywrightError):
            await route.abort("aborted")  # any other word would replace a page that leads elsewhere by an error page

    async def draw(self, page: Page) -> str:
        """Wait until the page rests, then return it as HTML.

        Raises:
            TimeoutError: It answers nothing, because a script does not end.
            ValueError: It grew too large.
            playwright.async_api.Error: It crashed.
        """
        chars, since = -1, time.monotonic()
        while True:
            now = time.monotonic()
            loaded, text, size = await self._measure(page)
            if size > self._max_chars:
                raise ValueError(f"the page grew to {size} characters, more than {self._max_chars}")
            if text != chars:
                chars, since = text, now
            quiet_s = REST_S if chars > FEW_CHARS else REST_OF_FEW_S
            rests = loaded and not self._waiting and now - max(since, self._answered_at) >= quiet_s
            weary = not self._waiting and now - self._answered_at >= min(SCRIPT_S, 0.5 * self.limit_s)
            if rests or weary or self.moved or self._asked >= MAX_ASKED or now >= self._deadline - 0.2 * self.limit_s:
                break
            await asyncio.sleep(POLL_S)
        self.close()
        await page.evaluate(FINISH, [self.document.url, self.moved])
        return await page.content()

    def close(self) -> None:
        """Ask for nothing more."""
        self._closed = True

    async def _measure(self, page: Page) -> tuple[bool, int, int]:
        """Whether it has loaded, characters of text and of HTML.

        The page itself answers, so a hostile one may lie in order to be drawn sooner.
        """
        try:
            loaded, text, size = await page.evaluate(MEASURE)
            return bool(loaded), int(text), int(size)
        except (TypeError, ValueError, OverflowError):
            return True, 0, 0

    async def _answer(self, request: Request) -> Part | None:
        if request.is_navigation_request():
            return self._navigate(request)
        if request.method != "GET":
            return None
        if request.resource_type == "stylesheet":
            return Part(200, "text/css", b"")  # some scripts wait until it is loaded
        if request.resource_type in FETCHED and self._may_ask(request.url):
            return await self._part(request.url)
        return None

    def _navigate(self, request: Request) -> Part | None:
        """The document, once; frames stay empty, and a way elsewhere is noted but not taken."""
        if request.frame.parent_frame is not None:
            return None
        if not self._begun:
            self._begun = True
            self._answered_at = time.monotonic()
            self._set_clock()
            source = decode_html(self.document.body, self.document.content_type).text
            return Part(200, "text/html; charset=utf-8", source.encode("utf-8", "replace"))
        if not self._closed and request.method == "GET":
            with contextlib.suppress(BadUrlError):
                target = canonical_url(request.url)
                self.moved = self.moved or (target if target != self.document.url else "")
        return None

    def _may_ask(self, url: str) -> bool:
        if self._closed or self._granted >= MAX_PARTS or refusal(url, self.document.url):
            return False
        self._granted += 1
        return sum(reply.bytes_read for reply in self.made) < MAX_PART_BYTES

    async def _part(self, url: str) -> Part | None:
        self._waiting += 1
        self._set_clock()
        try:
            async with self._turn:
                left = self._deadline - time.monotonic()
                if self._closed or left <= 0:
                    return None
                part = await self._parts.get(url, self.document.url, left, self.made)
        except CrawlerError as error:
            self.failure, part = error, None
        finally:
            self._waiting -= 1
            self._answered_at = time.monotonic()
            self._set_clock()
        return part

    def _set_clock(self) -> None:
        left = self._deadline - time.monotonic()
        if self._begun and not self._waiting:  # before that it is the browser that takes its time
            left = min(left, HUNG_S)
        if self._clock is not None and not self._closed:
            with contextlib.suppress(RuntimeError):  # it has just run out
                self._clock.reschedule(asyncio.get_running_loop().time() + left)
