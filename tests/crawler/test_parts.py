"""What a drawn page may ask for, and what is remembered of the answers."""

import asyncio

import pytest

from crawler.parts import COUNTERS, MAX_HOPS, Part, Parts, refusal
from crawler.records import utc_now
from crawler.reply import Reply
from crawler.urls import registered_domain

PAGE = "https://www.firm.co.uk/about"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://www.firm.co.uk/app.js", ""),
        ("http://api.firm.co.uk/products", ""),
        ("https://cdn.example.net/react.js", ""),
        ("https://127.0.0.1/admin", ""),  # the address guard's to refuse, where it is resolved
        ("http://cdn.example.net/react.js", "another site, not encrypted"),
        ("http://127.0.0.1:8080/", "another site, not encrypted"),
        ("https://user:secret@www.firm.co.uk/", "credentials in the address"),
        ("https://www.google-analytics.com/g/collect", "a counter of visitors"),
        ("https://stats.g.doubleclick.net/x", "a counter of visitors"),
        ("file:///etc/passwd", "scheme is 'file': expected http or https"),
        ("ws://www.firm.co.uk/", "scheme is 'ws': expected http or https"),
        ("blob:https://www.firm.co.uk/1", "scheme is 'blob': expected http or https"),
    ],
)
def test_what_a_page_may_ask_for(url: str, why: str) -> None:
    assert refusal(url, PAGE) == why


def test_counters_are_named_by_registered_domain() -> None:
    assert {registered_domain(name) for name in COUNTERS} == COUNTERS


class Network:
    """Answers from a table and notes what was asked."""

    def __init__(self, answers: dict[str, Reply]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def get(self, url: str, _timeout_s: float) -> Reply:
        self.asked.append(url)
        return self.answers[url]


def reply(url: str, outcome: str = "ok", status: int | None = 200, location: str = "", body: bytes = b"x") -> Reply:
    return Reply(url, outcome, "", utc_now(), status, body, "text/javascript", location)


def ask(network: Network, *urls: str) -> list[Part | None]:
    async def run() -> list[Part | None]:
        parts = Parts(network.get)
        return [await parts.get(url, PAGE, 1, []) for url in urls]

    return asyncio.run(run())


SCRIPT = "https://www.firm.co.uk/app.js"


@pytest.mark.parametrize(
    ("answer", "part", "times"),
    [
        (reply(SCRIPT), Part(200, "text/javascript", b"x"), 1),
        (reply(SCRIPT, "http_error", 404), Part(404, "text/javascript", b"x"), 1),
        (reply(SCRIPT, "robots_disallowed", None), None, 1),
        (reply(SCRIPT, "blocked_address", None), None, 1),
        (reply(SCRIPT, "timeout", None), None, 2),
    ],
    ids=["had", "not there", "disallowed", "forbidden", "late, so asked again"],
)
def test_answers_are_kept(answer: Reply, part: Part | None, times: int) -> None:
    network = Network({SCRIPT: answer})
    assert ask(network, SCRIPT, SCRIPT) == [part, part]
    assert network.asked == [SCRIPT] * times


def test_redirects_are_followed_here_and_judged_one_by_one() -> None:
    moved = "https://cdn.example.net/app.js"
    network = Network({SCRIPT: reply(SCRIPT, status=302, location=moved), moved: reply(moved, body=b"y")})
    assert ask(network, SCRIPT) == [Part(200, "text/javascript", b"y")]
    plain = Network({SCRIPT: reply(SCRIPT, status=302, location="http://cdn.example.net/app.js")})
    assert ask(plain, SCRIPT) == [None]
    assert plain.asked == [SCRIPT]


def test_redirects_end() -> None:
    network = Network({SCRIPT: reply(SCRIPT, status=302, location=SCRIPT)})
    assert ask(network, SCRIPT) == [None]
    assert len(network.asked) == MAX_HOPS + 1


def test_memory_for_parts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.parts.MAX_KEPT_BYTES", 250)
    urls = [f"https://www.firm.co.uk/{number}.js" for number in range(3)]
    network = Network({url: reply(url, body=b"z" * 100) for url in urls})
    ask(network, *urls, urls[2], urls[0])
    assert network.asked == [*urls, urls[0]]
