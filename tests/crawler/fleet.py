"""A web of good, odd and hostile sites, and one crawl over all of them."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path
from typing import Any

from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl


def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.9.200.1", 0))
        return int(probe.getsockname()[1])


class Fleet:
    """The sites, what came of each, and where the archive lies."""

    def __init__(self, web: Any, folder: Path) -> None:
        self.sites: dict[str, Any] = {}
        self.archive = folder / "archive"
        websites = self._build(web)
        settings = CrawlSettings(
            contact="crawl@example.org", delay_s=0, timeout_s=3, retries=1, allow_addresses=web.allow
        )
        targets = [CrawlTarget(firm_id, website) for firm_id, website in websites.items()]
        found = list(crawl(targets, settings, self.archive, folder / "work"))
        assert sorted(site.firm_id for site in found) == sorted(websites), "every firm exactly once"
        self.results: dict[str, SiteCrawl] = {site.firm_id: site for site in found}
        self.log = (folder / "work" / "crawl.log").read_text()

    def _build(self, web: Any) -> dict[str, str]:
        page, answer, text = web.page, web.answer, web.filler
        other = web.add({"/": page("Elsewhere", "Another firm entirely. " * 10)})
        moved = web.add({"/": page("New address", "We are the same firm at a new address, pressing metal. " * 5)})
        private = f"http://127.0.0.1:{web.port}/secret"
        links = (
            "<a href='/about'>About us</a> <a href='/products'>Products</a> <a href='/blog/1'>Blog</a> "
            "<a href='/login'>Log in</a> <a href='/brochure.pdf'>PDF</a> <a href='/contact'>Contact</a> "
            "<a href='/contact/leeds'>Contact Leeds</a> <a href='javascript:alert(1)'>x</a> "
            f"<a href='{web.url(other)}'>Partner</a>"
        )
        ok = page("Fine", text)
        pages: dict[str, dict[str, Any]] = {
            "good": {
                "/": page("Derby Presses", text, links),
                "/about": page("About us", "Founded in 1974 by two engineers from Derby, we employ forty people."),
                "/products": page("Products", "Benders, stamping presses and spare parts for all makes of press."),
                "/contact": page("Contact", "Write to sales at our Derby works, or call in on any weekday morning."),
                "/contact/leeds": page("Contact Leeds", "Write to sales at our Leeds works instead, if nearer to you."),
                "/blog/1": page("Blog", "We went to a trade fair and it was raining all week in Hanover."),
            },
            "robots_all": {"/robots.txt": answer("User-agent: *\nDisallow: /", content_type="text/plain"), "/": ok},
            "robots_some": {
                "/robots.txt": answer("User-agent: *\nDisallow: /private\n", content_type="text/plain"),
                "/": page("Some", text, "<a href='/private/plans'>Products</a><a href='/services'>Services</a>"),
                "/private/plans": ok,
                "/services": page("Services", "We repair and calibrate presses on site, within two days of a call."),
            },
            "robots_404": {"/": ok},
            "robots_403": {"/robots.txt": answer("no", 403), "/": ok},
            "robots_503": {"/robots.txt": answer("User-agent: *\nAllow: /", 503), "/": ok},
            "robots_429": {"/robots.txt": answer("", 429), "/": ok},
            "robots_silent": {"/robots.txt": web.silence, "/": ok},
            "robots_reset": {"/robots.txt": web.reset, "/": ok},
            "robots_private": {
                "/robots.txt": answer("", 302, Location=f"http://127.0.0.1:{web.port}/robots.txt"),
                "/": ok,
            },
            "robots_long": {
                "/robots.txt": answer(
                    "User-agent: *\nDisallow: /\n" + "# comment\n" * 700_000, content_type="text/plain"
                ),
                "/": ok,
            },
            "robots_delay": {"/robots.txt": answer("User-agent: firmscope\nCrawl-delay: 1000000"), "/": ok},
            "robots_html": {"/robots.txt": answer("<!doctype html><html><body>Log in</body></html>"), "/": ok},
            "alias": {"/": answer("", 301, Location=web.url(moved))},
            "sub_offsite": {
                "/": page("Some", text, "<a href='/about'>About us</a>"),
                "/about": answer("", 301, Location=web.url(other)),
            },
            "alias_refresh": {
                "/": answer(f"<html><head><meta http-equiv=refresh content='0; url={web.url(moved)}'></head></html>")
            },
            "chain": {
                **{f"/{n}": answer("", 302, Location=f"/{n + 1}") for n in range(1, 5)},
                "/5": ok,
                "/": answer("", 302, Location="/1"),
            },
            "loop": {"/": answer("", 302, Location="/a"), "/a": answer("", 302, Location="/")},
            "too_many": {
                "*": b"",
                **{f"/{n}": answer("", 302, Location=f"/{n + 1}") for n in range(1, 9)},
                "/": answer("", 302, Location="/1"),
            },
            "bad_location": {"/": answer("", 302, Location="http://[")},
            "to_private": {"/": answer("", 302, Location=private)},
            "parked": {
                "/": answer("<html><title>firm.example</title><body>This domain is for sale. Buy now.</body></html>")
            },
            "drip": {"/": web.drip},
            "silent": {"/": web.silence},
            "bomb": {"/": web.bomb()},
            "endless": {"/": web.endless},
            "endless_headers": {"/": web.endless_headers},
            "short": {"/": web.short_body},
            "cut_gzip": {"/": answer(gzip.compress(ok * 50)[:-40], Content_Encoding="gzip")},
            "nested": {"/": answer(b"x", Content_Encoding=", ".join(["gzip"] * 300))},
            "gzip": {"/": answer(gzip.compress(ok.split(b"\r\n\r\n", 1)[1]), Content_Encoding="gzip")},
            "binary": {"/": answer(b"%PDF-1.7 \0\0\0", content_type="text/html")},
            "pdf": {"/": answer(b"%PDF-1.7 \0\0\0", content_type="application/pdf")},
            "error": {"/": answer("<p>broken</p>", 500)},
            "gone": {"/": answer("<p>gone</p>", 404)},
            "empty": {"/": answer(b"")},
            "script": {"/": answer("<html><body><div id=root></div><script>go()</script></body></html>")},
            "deep": {"/": answer("<html><body>" + "<div>" * 5000 + f"<p>{text}</p></body></html>")},
            "punycode": {"/": answer(f"<!--{text * 3000}--><p>{text}", content_type="text/html; charset=punycode")},
            "half": {
                "/": page("Half", text, "<a href='/products'>Products</a><a href='/about'>About</a>"),
                "/products": web.short_body,
                "/about": page("About us", "What is left of this site is still worth reading for its words."),
            },
        }
        websites: dict[str, str] = {}
        for firm_id, site_pages in pages.items():
            self.sites[firm_id] = web.add(site_pages)
            websites[firm_id] = web.url(self.sites[firm_id])
        self.sites["private"] = web.add({"*": ok}, "127.0.0.1")
        self.sites |= {"other": other, "moved": moved}
        good = websites["good"]
        return websites | {
            "same_site": good.replace("http://", "HTTP://") + "index.html",
            "no_scheme": good.removeprefix("http://").rstrip("/"),
            "dead": f"http://127.9.200.1:{dead_port()}/",
            "no_such_name": "http://no-such-firm.invalid/",
            "blank": "",
            "script_url": "javascript:alert(1)",
        }
