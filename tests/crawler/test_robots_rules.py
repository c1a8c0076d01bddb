"""What robots.txt answers mean."""

from __future__ import annotations

import time

import pytest

from crawler.robots import MAX_ROBOTS_BYTES, MAX_SITEMAPS, first_lines, rules_of

URL = "http://f.com/private/x"
ANSWERS = [
    ("disallow", 200, b"User-agent: *\nDisallow: /private", "robots_disallowed"),
    ("allow", 200, b"User-agent: *\nDisallow: /other", ""),
    ("404", 404, b"User-agent: *\nDisallow: /", ""),
    ("410", 410, b"", ""),
    ("204", 204, b"", ""),
    ("empty", 200, b"", ""),
    ("401", 401, b"", "robots_disallowed"),
    ("403", 403, b"", "robots_disallowed"),
    ("429", 429, b"", "robots_unreachable"),
    ("500", 500, b"", "robots_unreachable"),
    ("503 with rules", 503, b"User-agent: *\nAllow: /", "robots_unreachable"),
    ("html", 200, b"<!DOCTYPE html><html>Disallow: /</html>", ""),
    ("byte order mark", 200, b"\xef\xbb\xbfUser-agent: *\nDisallow: /private", "robots_disallowed"),
    ("utf-16", 200, "User-agent: *\nDisallow: /".encode("utf-16"), "robots_unreachable"),
    ("CR only", 200, b"User-agent: *\rDisallow: /private\r", "robots_disallowed"),
    ("NUL bytes", 200, b"User-agent: *\n\0Disallow: /private\0\n", "robots_disallowed"),
    ("other's group", 200, b"User-agent: Googlebot\nDisallow: /", ""),
    ("our group", 200, b"User-agent: FirmScope\nDisallow: /private\n\nUser-agent: *\nAllow: /", "robots_disallowed"),
    ("part of our name elsewhere", 200, b"User-agent: bot\nDisallow: /\n\nUser-agent: example.org\nDisallow: /", ""),
    ("our group, with a version", 200, b"User-agent: firmscope/1.0\nDisallow: /private", "robots_disallowed"),
    ("our token begins another's", 200, b"User-agent: firmscope-bot\nDisallow: /", ""),
    ("another's begins our token", 200, b"User-agent: firm\nDisallow: /", ""),
    ("all three at once", 200, b"User-agent: bot\nUser-agent: firm\nUser-agent: Googlebot\nDisallow: /", ""),
    ("our group among others", 200, b"User-agent: bot\nUser-agent: FIRMSCOPE\nDisallow: /", "robots_disallowed"),
    (
        "favours another, closed to all",
        200,
        b"User-agent: Googlebot\nAllow: /\n\nUser-agent: *\nDisallow: /",
        "robots_disallowed",
    ),
    (
        "two groups of ours are one",
        200,
        b"User-agent: firmscope\nAllow: /a\n\nUser-agent: firmscope\nDisallow: /private",
        "robots_disallowed",
    ),
    ("301 that leads nowhere", 301, b"User-agent: *\nDisallow: /", ""),
    ("100", 100, b"", "robots_unreachable"),
    ("wrong charset", 200, "User-agent: *\nDisallow: /private # \u20ac".encode("cp1252"), "robots_disallowed"),
    ("html with a mark before it", 200, b"\xef\xbb\xbf\n <!-- hi --><html>Disallow: /</html>", ""),
    ("longest match wins", 200, b"User-agent: *\nDisallow: /private\nAllow: /private/x", ""),
    ("tie goes to allow", 200, b"User-agent: *\nDisallow: /private/x\nAllow: /private/x", ""),
    ("wildcard and end", 200, b"User-agent: *\nDisallow: /*/x$", "robots_disallowed"),
    ("delay too long", 200, b"User-agent: *\nCrawl-delay: 61", "trap_limit"),
    ("delay garbage", 200, b"User-agent: *\nCrawl-delay: x", ""),
]


@pytest.mark.parametrize(("status", "body", "word"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
def test_answer(status: int, body: bytes, word: str) -> None:
    outcome, reason = rules_of(status, body).refusal(URL)
    assert outcome == word
    assert bool(reason) == bool(word)


def test_rules_count_within_500_kib_and_whole_lines_only() -> None:
    early = b"User-agent: *\nDisallow: /private\n" + b"#" * 6_000_000
    late = b"User-agent: *\n" + b"# comment\n" * 60_000 + b"Disallow: /private\n"
    crossing = b"User-agent: *\n" + b"#" * (MAX_ROBOTS_BYTES - 40) + b"\nDisallow: /private/only/here\n"
    assert rules_of(200, early).refusal(URL)[0] == "robots_disallowed"
    assert rules_of(200, late).refusal(URL)[0] == ""
    assert "Disallow" not in first_lines(crossing)


def test_hostile_rules_are_fast() -> None:
    body = (
        b"User-agent: *\n"
        + b"Disallow: /"
        + b"*a" * 1000
        + b"\n"
        + b"".join(b"Disallow: /*%d*x\n" % n for n in range(20_000))
    )
    started = time.process_time()  # the clock of a busy machine tells of its other work
    rules_of(200, body).refusal("http://f.com/" + "a" * 500)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(("delay", "expected"), [("7", 7.0), ("0", None), ("-1", None), ("60", 60.0)])
def test_crawl_delay(delay: str, expected: float | None) -> None:
    assert rules_of(200, f"User-agent: *\nCrawl-delay: {delay}".encode()).delay_s == expected


# RFC 9309 sections 2.2.2, 2.2.3 and 5.2, and what they say of escapes.
MATCHES = [
    ("disallow path", "/fish", "/fish.html", False),
    ("case counts", "/fish", "/Fish", True),
    ("wildcard", "/fish*.php", "/fishheads/catfish.php?x=1", False),
    ("wildcard needs all parts", "/fish*.php", "/fish.asp", True),
    ("end", "/*.gif$", "/a/b.gif", False),
    ("end is the end", "/*.gif$", "/a/b.gif?x", True),
    ("query", "/*?print=", "/page?print=1", False),
    ("query is not a path", "/*?print=", "/page/print", True),
    ("letters outside ASCII", "/\u00fc", "/%C3%BC", False),
    ("escaped in the rule", "/%C3%BC", "/%c3%bc", False),
    ("needless escape", "/%7Efred", "/~fred", False),
    ("escaped slash is another path", "/a%2Fb", "/a/b", True),
]


@pytest.mark.parametrize(("rule", "path", "allowed"), [m[1:] for m in MATCHES], ids=[m[0] for m in MATCHES])
def test_match(rule: str, path: str, allowed: bool) -> None:
    rules = rules_of(200, f"User-agent: *\nDisallow: {rule}".encode())
    assert (rules.refusal(f"http://f.com{path}")[0] == "") is allowed


def test_sitemaps_are_made_absolute_and_counted() -> None:
    lines = ["Sitemap: /one.xml", "sitemap: http://g.com/two.xml", "Sitemap: ftp://f.com/x", "Sitemap: /one.xml"]
    lines += [f"Sitemap: /{n}.xml" for n in range(1_000)]
    found = rules_of(200, "\n".join(lines).encode(), "http://f.com/robots.txt").sitemaps
    assert found[:3] == ("http://f.com/one.xml", "http://g.com/two.xml", "http://f.com/0.xml")
    assert len(found) <= MAX_SITEMAPS
