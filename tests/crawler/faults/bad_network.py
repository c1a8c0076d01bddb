"""Sites behind bad lines, and the three crawls over them: on the day, while the line is dead, and the day after."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import socket
import ssl
import threading
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from crawler import uplink
from crawler.errors import CrawlPausedError
from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, Fetch, KnownPage, SiteCrawl, utc_now
from tests.crawler.faults import certificates
from tests.crawler.faults.toxi import Line, Toxi, Toxic

TIMEOUT_S = 3.0
HOSTS = uplink.LIMIT + 4
AGAIN = 10  # of them, in the crawl after
DAY = timedelta(days=1)
ABOUT = "Founded in 1974 by two engineers from Derby, we employ forty people in two halls."
LATER = "We have moved to Nottingham, where we build presses for makers of railway parts."
PLAIN_400 = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
CUTS = {"0": 0, "1": 1, "mid_header": 40, "100": 100, "mid_body": 300}
BUSY = {"2": "2", "120": "120", "1e9": "1000000000", "date": "", "garbage": "soon", "negative": "-5"}
BAD_TLS = ("expired", "self_signed", "wrong_host", "untrusted_root", "not_yet_valid")
CLOCKS = ("tag_changes", "tag_stays", "not_modified", "wrong_digest")


def words(title: str, text: str, *paths: str) -> str:
    links = "".join(f"<a href='{path}'>{path[1:]}</a> " for path in paths)
    return f"<html lang=en><title>{title}</title><body><main><h1>{title}</h1><p>{text}</p>{links}</main></body></html>"


class Network:
    """``results`` and ``hits`` are of the first crawl, ``again`` and the sites' own hits of the last."""

    def __init__(self, web: Any, toxi: Toxi, folder: Path) -> None:
        self.web, self.toxi, self.folder = web, toxi, folder
        self.sites: dict[str, Any] = {}
        self.lines: dict[str, Line] = {}
        self.websites: dict[str, str] = {}
        self.settings = CrawlSettings(
            contact="crawl@example.org", delay_s=0, timeout_s=TIMEOUT_S, max_site_seconds=30, allow_addresses=web.allow
        )
        self.page = web.answer(words("Home", web.filler, "/about"))
        self.pages = {"/": self.page, "/about": web.answer(words("About", ABOUT)), "/robots.txt": web.answer("", 404)}
        assert CUTS["mid_header"] < self.page.index(b"\r\n\r\n") < CUTS["100"] - 4
        assert CUTS["mid_body"] < len(self.page)
        self.changed = False
        port = web.port
        self.websites |= {"refused": f"http://127.9.9.250:{port}/", "no_route": f"http://127.9.9.251:{port}/"}
        self.websites["no_name"] = "http://no-name.firm.co.uk/"
        self._lines()
        self._busy()
        self._tls()
        self._clocks()
        self.hosts = [toxi.line(web.add(self.pages).address, Toxic(silent=True)) for _ in range(HOSTS)]

    def put(
        self, name: str, pages: dict[str, Any], toxic: Toxic | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.sites[name] = self.web.add({"/robots.txt": self.pages["/robots.txt"], **pages})
        self.websites[name] = self.web.url(self.sites[name])
        if toxic is not None or tls is not None:
            self.lines[name] = self.toxi.line(self.sites[name].address, toxic or Toxic(), tls)
            self.websites[name] = self.toxi.url(self.lines[name])

    def _lines(self) -> None:
        answer, filler = self.web.answer, self.web.filler
        self.put("latency", self.pages, Toxic(latency_s=0.3, jitter_s=0.2))
        large = answer(words("Large", filler * 100))
        few = {"/": answer(words("Home", ABOUT, "/about", "/products")), "/products": self.pages["/about"]}
        self.put("slow_page", {**few, "/about": large}, Toxic(bytes_per_s=1000))
        self.put("slow_home", {"/": large}, Toxic(bytes_per_s=1000))
        for name, at in CUTS.items():
            for how in ("fin", "rst"):
                self.put(f"cut_{name}_{how}", self.pages, Toxic("/", limit_bytes=at, reset=how == "rst"))
        self.put("cut_about", self.pages, Toxic("/about", limit_bytes=100))
        body = words("Home", filler, "/about").encode()
        parts = (body[:7], body[7:200], body[200:], b"")
        self.put("whole", self.pages)
        for name, home in {
            "plain": self.page,
            "gzip": answer(gzip.compress(body), Content_Encoding="gzip"),
            "chunked": CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts),
        }.items():
            self.put(f"sliced_{name}", {**self.pages, "/": home}, Toxic(slice_bytes=1))
        self.put("reused", self.pages, Toxic(once=True))

    def _busy(self) -> None:
        for name, asked in BUSY.items():
            self.put(f"busy_{name}", {"/": self._busy_at_first(f"busy_{name}", asked)})
        turns = itertools.count(1)

        async def every_second(hit: Any, writer: Any) -> None:
            known = self.pages.get(hit.path)
            broken = known is not None and next(turns) % 2 == 0
            writer.write(self.web.answer("", 500) if broken else known or self.web.answer("", 404))

        self.put("every_second", {"*": every_second})
        del self.sites["every_second"].pages["/robots.txt"]

    def _busy_at_first(self, name: str, asked: str) -> Callable[[Any, Any], Any]:
        """429, once or, where the header says nothing, for good."""

        async def reply(hit: Any, writer: Any) -> None:
            ahead = asked or format_datetime(utc_now() + timedelta(seconds=3), usegmt=True)
            busy = self.sites[name].paths.count("/") == 1 or name in {"busy_garbage", "busy_negative"}
            writer.write(self.web.answer("", 429, Retry_After=ahead) if busy else self.page)

        return reply

    def _tls(self) -> None:
        self.root = certificates.root(self.folder, "trusted")
        other = certificates.root(self.folder, "untrusted")

        def put(name: str, by: certificates.Root | None, address: str = "", **dates: timedelta) -> None:
            context = certificates.server(self.folder, address or self.toxi.next_address, by, **dates)
            self.put(f"tls_{name}", self.pages, tls=context)

        put("good", self.root)
        put("expired", self.root, begins=-9 * DAY, ends=-DAY)
        put("self_signed", None)
        put("wrong_host", self.root, "127.9.250.250")
        put("untrusted_root", other)
        put("not_yet_valid", self.root, begins=DAY, ends=9 * DAY)
        for name, toxic in (("stalls", Toxic(silent=True)), ("plain", Toxic(says=PLAIN_400))):
            self.put(f"tls_{name}", self.pages, toxic)
            self.websites[f"tls_{name}"] = self.websites[f"tls_{name}"].replace("http:", "https:")
        self.old = OldTls(certificates.server(self.folder, "127.9.250.251", None))
        self.websites["tls_1_0"] = f"https://{self.old.address}:{self.old.port}/"

    def _clocks(self) -> None:
        """Servers whose clock and validators cannot be trusted; some pages change before the last crawl."""
        tags = itertools.count()

        def site(name: str, *, changes: bool, obeys: bool) -> None:
            async def reply(hit: Any, writer: Any) -> None:
                past, future = "Tue, 01 Jan 2002 00:00:00 GMT", "Fri, 20 Nov 2099 12:00:00 GMT"
                if obeys and "if-none-match" in hit.headers:
                    writer.write(f"HTTP/1.1 304 X\r\nDate: {past}\r\n\r\n".encode())
                    return
                text = LATER if changes and self.changed else self.web.filler
                tag = f'"{next(tags)}"' if name == "tag_changes" else '"same"'
                writer.write(self.web.answer(words("Home", text), Date=past, Last_Modified=future, ETag=tag))

            self.put(name, {"/": reply})

        site("tag_changes", changes=False, obeys=False)
        site("tag_stays", changes=True, obeys=False)
        site("not_modified", changes=False, obeys=True)
        site("wrong_digest", changes=True, obeys=True)

    def on_the_day(self, watched_crawl: Any) -> None:
        """All sites; certificates are recorded."""
        away = {f"127.9.9.251:{self.web.port}": ("127.255.255.255", self.web.port)}  # a broadcast address: no route
        self.watched = watched_crawl(self.websites, self.settings, names={"no-name.firm.co.uk": [[]]}, routes=away)
        self.results: dict[str, SiteCrawl] = self.watched.results
        self.hits = {name: list(site.hits) for name, site in self.sites.items()}

    def while_dead(self) -> None:
        """Every connection is taken and none is answered."""
        targets = [CrawlTarget(str(n), self.toxi.url(line)) for n, line in enumerate(self.hosts)]
        using = replace(self.settings, timeout_s=0.4)
        self.dead: list[SiteCrawl] = []
        self.paused: CrawlPausedError | None = None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(uplink, "PAUSE_S", 0.2)
            try:
                for site in crawl(targets, using, self.folder / "dead", self.folder / "work"):
                    self.dead.append(site)
            except CrawlPausedError as error:
                self.paused = error

    def day_after(self) -> None:
        """The line has healed, certificates are verified, and what the first crawl kept is known."""
        self.changed = True
        for site in self.sites.values():
            site.hits.clear()
        for line in self.hosts:
            line.toxic = Toxic()
        targets = [CrawlTarget(f"host{n}", self.toxi.url(line)) for n, line in enumerate(self.hosts[:AGAIN])]
        targets += [CrawlTarget(f"tls_{name}", self.websites[f"tls_{name}"]) for name in ("good", *BAD_TLS)]
        for name in CLOCKS:
            fetch = home_of(self.results[name])
            digest = "0" * 64 if name == "wrong_digest" else fetch.body_digest
            known = KnownPage(fetch.url, fetch.etag, fetch.last_modified, digest, fetch.archive_ref)
            targets.append(CrawlTarget(name, self.websites[name], (known,)))
        using = replace(self.settings, tls="verify")
        found = crawl(targets, using, self.watched.folder / "archive", self.folder / "work")
        self.again = {site.firm_id: site for site in found}


def home_of(site: SiteCrawl) -> Fetch:
    return next(fetch for fetch in site.fetches if fetch.chosen == "home page")


class OldTls:
    """A server that speaks TLS 1.0 and nothing later. Not an asyncio one: those hang up where others say why."""

    def __init__(self, context: ssl.SSLContext) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the version that is asked for
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
        self.context = context
        self.server = socket.create_server(("127.9.250.251", 0))
        self.address, self.port = self.server.getsockname()
        self.greeted = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.server.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            connection.settimeout(1)
            with contextlib.suppress(OSError), connection, self.context.wrap_socket(connection, server_side=True):
                self.greeted += 1
