"""The sites of ``test_addresses``, by names that a table resolves, and one crawl over all of them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from crawler.records import CrawlSettings, SiteCrawl

PRIVATE = "127.0.0.1"
SPELLINGS = [
    "127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "0.0.0.0", "①②⑦.0.0.1", "[::1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "user@127.0.0.1",
]  # fmt: skip
NAMED = {"localhost": "localhost", "private-name": "nip.example.com"}
PUBLIC = "8.8.8.8"  # its connections end at local servers, see routes
PORTS = [22, 25, 6379, 8786, 9200]
SCHEMES = [
    "file:///etc/passwd", "data:text/html,hello", "ftp://127.9.0.1/", "s3://bucket/key", "gopher://127.9.0.1/",
    "javascript:alert(1)",
]  # fmt: skip


def html(inner: str, head: str = "") -> str:
    words = " ".join(f"part {number} of the press" for number in range(30))
    return f"<html><head><title>Presses</title>{head}</head><body><p>{words}.</p>{inner}</body></html>"


def link(path: str) -> str:
    return f"<a href='{path}'>Page {path}</a>"


class Listener:
    """A port that nobody may knock at."""

    def __init__(self) -> None:
        self.server = socket.create_server((PRIVATE, 0))
        self.server.setblocking(False)
        self.port: int = self.server.getsockname()[1]

    def was_reached(self) -> bool:
        try:
            self.server.accept()[0].close()
        except BlockingIOError:
            return False
        return True


class Named:
    """Sites with names, and what came of them."""

    def __init__(self, web: Any, watched_crawl: Callable[..., Any]) -> None:
        self.web = web
        self.sites: dict[str, Any] = {}
        self.private = web.add({"*": web.answer(html("a secret"))}, PRIVATE)
        self.listeners = {port: Listener() for port in PORTS}
        answer = web.answer
        home = answer(html(link("/about") + link("/services/one")))
        about, service = answer(html("about us")), answer(html("service one"))
        whole = {"/": home, "/about": about, "/services/one": service}
        closing = {path: self._closing(reply) for path, reply in whole.items()} | {
            "/robots.txt": self._closing(answer("", 404)), "/sitemap.xml": self._closing(answer("", 404)),
        }  # fmt: skip
        self.names: dict[str, list[list[str]]] = {"localhost": [[PRIVATE]], "nip.example.com": [[PRIVATE]]}
        self.websites: dict[str, str] = {}

        address = self._site("S05_rebinding", "rebinding.example.com", closing)
        self.names["rebinding.example.com"] = [[address], [address], [PRIVATE]]
        address = self._site("S05_at_once", "at-once.example.com", closing)
        self.names["at-once.example.com"] = [[address], [PRIVATE]]
        address = self._site("S06_two_records", "two.example.com", whole)
        self.names["two.example.com"] = [[PRIVATE, "::1", address, "10.0.0.1"]]
        self._site("S06_refused", "refused.example.com", whole)
        self.names["refused.example.com"] = [["127.9.201.1", PRIVATE]]
        self._site("S07_private_name", "nip.example.com", whole)
        self.names["nip.example.com"] = [[PRIVATE]]
        address = self._site("S08_kept_alive", "kept.example.com", whole)
        self.names["kept.example.com"] = [[address], [PRIVATE]]

        address = self._site("H18_wildcard", "example.net", {})
        self.names["example.net"] = self.names["*.example.net"] = [[address]]
        links = "".join(link(f"http://shop{n}.example.net:{web.port}/services/{n}") for n in range(30))
        self.sites["H18_wildcard"].pages = {"/": answer(html(links)), "*": answer(html("same everywhere"))}

        address = self._site("H25_shared", "example.org", whole)
        self.names["example.org"] = [[address]]
        self.websites["H25_shared_too"] = f"http://www.example.org:{web.port}"
        market = web.add({"*": answer(html("everything you may want to buy"))})
        self.sites["market"] = market
        self.names["www.amazon.co.uk"] = [[market.address]]
        self._site("H25_market", "", {"/": answer("", 302, Location=f"http://www.amazon.co.uk:{web.port}/shops/firm")})
        self._redirects()
        self.websites |= {f"S09_{n}": url for n, url in enumerate(SCHEMES)}
        self.websites |= {f"S10_{port}": f"http://{PUBLIC}:{port}/" for port in PORTS}
        self.websites["S10_named"] = "http://redis.example.com:6379/"
        self.names["redis.example.com"] = [[PUBLIC]]
        self.websites["S10_80"] = f"http://{PUBLIC}/"
        self.public = web.add({"/": answer(html("in public"))})
        routes = {f"{PUBLIC}:{port}": (PRIVATE, listener.port) for port, listener in self.listeners.items()}
        routes[f"{PUBLIC}:80"] = (self.public.address, web.port)
        settings = CrawlSettings(
            contact="crawl@example.org", delay_s=0, timeout_s=3, retries=1, allow_addresses=web.allow
        )
        self.crawl = watched_crawl(self.websites, settings, self.names, routes)
        self.results: dict[str, SiteCrawl] = self.crawl.results

    def close(self) -> None:
        for listener in self.listeners.values():
            listener.server.close()

    def outcomes(self, name: str) -> dict[str, str]:
        """Outcome words by path, of what was asked for."""
        fetches = self.results[name].fetches
        return {"/" + f.url.split("/", 3)[3]: f.outcome for f in fetches if f.outcome != "skipped"}

    def _site(self, name: str, host: str, pages: dict[str, Any]) -> str:
        site = self.sites[name] = self.web.add(pages)
        self.websites[name] = f"http://{host or site.address}:{self.web.port}/"
        return str(site.address)

    @staticmethod
    def _closing(reply: bytes) -> bytes:
        return reply.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)

    def _redirects(self) -> None:
        web, answer = self.web, self.web.answer
        for half in (0, 1):  # a dozen dead links in a row would end a site
            mine = {n: f"http://{host}:{web.port}/secret" for n, host in enumerate(SPELLINGS) if n % 2 == half}
            pages = {f"/services/{n}": answer("", 302, Location=url) for n, url in mine.items()}
            self._site(f"S03_{half}", "", {"/": answer(html("".join(map(link, pages)))), **pages})
        for name, host in NAMED.items():
            self._site(f"S03_{name}", "", {"/": answer("", 302, Location=f"http://{host}:{web.port}/secret")})
        secret = f"http://{PRIVATE}:{web.port}"
        self._site("S04_refresh", "", {"/": answer(html("", f"<meta http-equiv=refresh content='0; url={secret}/'>"))})
        relations = ("canonical", "alternate", "next", "prefetch")
        head = "".join(f"<link rel={rel} href='{secret}/{rel}'>" for rel in relations)
        head += f"<link rel=alternate hreflang=de href='{secret}/de'><base target=_top>"
        refresh = answer(html("", f"<meta http-equiv=refresh content='0; url={secret}/refresh'>"))
        inner = link("/about") + link(f"{secret}/linked") + f"<iframe src='{secret}/frame'></iframe>"
        self._site("S04_links", "", {"/": answer(html(inner, head)), "/about": refresh})
        self._site("S04_sitemap", "", {})
        urls = (f"{secret}/listed", f"{self.websites['S04_sitemap']}about")
        listed = "<urlset>" + "".join(f"<url><loc>{url}</loc></url>" for url in urls) + "</urlset>"
        robots = "".join(f"Sitemap: {place}\n" for place in (f"{secret}/map.xml", "/map.xml", "/to.xml"))
        self.sites["S04_sitemap"].pages = {
            "/robots.txt": answer(f"User-agent: *\nDisallow: /x\n{robots}"),
            "/": answer(html("")),
            "/about": answer(html("about")),
            "/map.xml": answer(listed),
            "/to.xml": answer("", 302, Location=f"{secret}/map.xml"),
        }
        robots_there = answer("", 302, Location=f"{secret}/robots.txt")
        self._site("S04_robots", "", {"/robots.txt": robots_there, "/": answer(html(""))})
        pages = {f"/services/{n}": answer("", 302, Location=url) for n, url in enumerate(SCHEMES)}
        self._site("S09_redirects", "", {"/": answer(html("".join(map(link, pages)))), **pages})
