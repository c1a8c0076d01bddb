"""E-mail addresses in what a crawl hands over: out of every text, and prices and handles left alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from crawler.e_mail import MASK, without_e_mail
from crawler.links import refusal
from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl

TEXTS = [
    ("write to jane.doe@firm.co.uk today", f"write to {MASK} today"),
    ("jane.o'neill+x@firm.co.uk.", f"{MASK}."),
    ("<Jane_Doe@FIRM.COM>", f"<{MASK}>"),
    ("a@b.com,c@d.org", f"{MASK},{MASK}"),
    ("sales @ firm.co.uk", MASK),
    ("sales [at] firm.co.uk", MASK),
    ("sales(at)firm(dot)co(dot)uk", MASK),
    ("sales\N{FULLWIDTH COMMERCIAL AT}firm.co.uk", MASK),
    ("büro@münchen-presse.de", MASK),
    ("https://firm.com/?to=jane%40firm.com", f"https://firm.com/?to={MASK}"),
    ("x" * 200 + "@firm.com", MASK),
    ("20 tonnes @ 5.99 each", "20 tonnes @ 5.99 each"),
    ("M6 @ 3.5mm", "M6 @ 3.5mm"),
    ("find us @firm on the net", "find us @firm on the net"),
    ("open (at all hours). Always.", "open (at all hours). Always."),
    ("press@home and dot.com", "press@home and dot.com"),
    ("sales\n@ firm.com", "sales\n@ firm.com"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_masked(text: str, expected: str) -> None:
    assert without_e_mail(text) == expected
    assert without_e_mail(expected) == expected


@pytest.mark.parametrize(
    "text",
    ["a" * 2_000_000 + "@", "a@" * 1_000_000, "a@" + "1." * 1_000_000, "a.@ " * 500_000, "a@b(dot)" * 300_000],
    ids=["long name", "many signs", "long host", "loose signs", "written out"],
)
def test_time_is_linear(text: str) -> None:
    started = time.process_time()
    without_e_mail(text)
    assert time.process_time() - started < 5


def test_a_link_with_an_address_in_it_is_no_page() -> None:
    assert refusal("https://firm.com/info@firm.com") == "not a page"
    assert refusal("https://firm.com/contact?to=jane%40firm.com") == "not a page"
    assert refusal("https://firm.com/@52.9,-1.4") == ""


def test_nothing_that_is_handed_over_holds_an_address(
    web: Any, run_crawl: Callable[..., dict[str, SiteCrawl]], settings: CrawlSettings, tmp_path: Any
) -> None:
    page = web.page("Ask jane@firm.co.uk", web.filler + "Write to jane@firm.co.uk or to joe (at) firm.co.uk.")
    described = page.replace(b"</head>", b"<meta name=description content='Presses. Mail jane@firm.co.uk.'></head>")
    length = len(described.split(b"\r\n\r\n", 1)[1])
    described = described.replace(
        b"Content-Length: %d" % len(page.split(b"\r\n\r\n", 1)[1]), b"Content-Length: %d" % length
    )
    site = web.add({"/": described})
    away = web.add({"/": web.answer("", 302, Location="http://127.9.252.9/?to=jane@firm.co.uk")})
    found = run_crawl({"firm": web.url(site), "away": web.url(away)})
    assert MASK in found["firm"].pages[0].text
    assert MASK in found["firm"].pages[0].title
    assert "jane@" not in found["firm"].to_json() + found["away"].to_json()
    assert "joe" not in found["firm"].pages[0].text
    assert found["away"].outcome == "bad_response"
    cell = CrawlTarget("cell", "mailto:jane@firm.co.uk")
    wrong = next(iter(crawl([cell], replace(settings), tmp_path / "a", tmp_path / "w")))
    assert (wrong.outcome, wrong.website) == ("bad_url", cell.website)
    assert "jane@" not in wrong.reason
