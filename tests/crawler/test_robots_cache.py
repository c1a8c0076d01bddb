"""For how long a robots.txt answer holds, in a crawl and across crawls, and what a damaged store costs."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler import robots_cache
from crawler.robots import RobotsAnswer, RobotsRules, rules_of
from crawler.robots_cache import RobotsCache
from crawler.robots_store import KEPT, Copy, RobotsStore

HOST = "http://f.com:80"
PAGE = "http://f.com/private"
CLOSED = b"User-agent: *\nDisallow: /private"
START = datetime.now(UTC)


class Host:
    """A host with a robots.txt and a clock; counts how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = 0
        self.passed_s = 0.0
        self.status: int | None = 200
        self.body = b""
        self.cache = self.crawl()

    def crawl(self) -> RobotsCache:
        """A new crawl over the same archive."""
        since = self.passed_s
        return RobotsCache(
            RobotsStore(self.folder),
            monotonic=lambda: self.passed_s - since + 1_000,
            now=lambda: START + timedelta(seconds=self.passed_s),
        )

    async def ask(self) -> RobotsAnswer:
        self.asked += 1
        await asyncio.sleep(0)
        if self.status is None:
            return RobotsAnswer(RobotsRules("robots_unreachable", "it did not answer"))
        return RobotsAnswer(rules_of(self.status, self.body), self.status, self.body)

    def rules(self, authority: str = HOST) -> RobotsRules:
        return asyncio.run(self.cache.rules(authority, self.ask))

    def allowed(self) -> bool:
        return not self.rules().refusal(PAGE)[0]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_answer_holds_a_day_within_a_crawl_and_not_longer(host: Host) -> None:
    assert host.allowed()
    host.body = CLOSED
    host.passed_s = 24 * 3600 - 1
    assert (host.allowed(), host.asked) == (True, 1)
    host.passed_s = 24 * 3600
    assert (host.allowed(), host.asked) == (False, 2)


def test_answer_holds_a_day_across_crawls(host: Host) -> None:
    assert host.allowed()
    host.body = CLOSED
    host.passed_s = 20 * 3600
    host.cache = host.crawl()
    assert (host.allowed(), host.asked) == (True, 1)
    host.passed_s = 24 * 3600  # four hours into the second crawl
    assert (host.allowed(), host.asked) == (False, 2)


def test_authorities_do_not_share(host: Host) -> None:
    for authority in (HOST, "https://f.com:443", "http://www.f.com:80", "http://f.com:8080"):
        host.rules(authority)
    assert host.asked == 4


def test_those_who_wait_share_one_request(host: Host) -> None:
    async def both() -> None:
        await asyncio.gather(*(host.cache.rules(HOST, host.ask) for _ in range(5)))

    asyncio.run(both())
    assert host.asked == 1


STAND_INS: list[tuple[str, int, bytes, int | None, float, bool, str]] = [
    # id, first status, first body, later status, days between, page allowed, flag
    ("rules, then 503", 200, b"User-agent: *\nDisallow: /x", 503, 3, True, "robots_stale"),
    ("rules that forbid, then 503", 200, CLOSED, 503, 3, False, "robots_stale"),
    ("rules, then silence", 200, CLOSED, None, 29, False, "robots_stale"),
    ("rules, a month ago", 200, b"User-agent: *\nDisallow: /x", 503, 31, False, ""),
    ("no rules, then 503", 404, b"", 503, 3, False, ""),
    ("a page in their place, then 503", 200, b"<html>log in</html>", 503, 3, False, ""),
    ("rules, then too many requests", 200, b"User-agent: *\nDisallow: /x", 429, 3, False, ""),
    ("rules, then none", 200, CLOSED, 404, 3, True, ""),
    ("none, then rules", 404, b"", 200, 3, True, ""),
]


@pytest.mark.parametrize(
    ("status", "body", "later", "days", "allowed", "flag"), [s[1:] for s in STAND_INS], ids=[s[0] for s in STAND_INS]
)
def test_stand_in(
    host: Host, status: int, body: bytes, later: int | None, days: float, allowed: bool, flag: str
) -> None:
    host.status, host.body = status, body
    host.rules()
    host.status, host.body, host.passed_s = later, b"", days * 24 * 3600
    host.cache = host.crawl()
    rules = host.rules()
    assert (not rules.refusal(PAGE)[0], rules.flag) == (allowed, flag)
    assert host.asked == 2


def test_failure_is_remembered_for_the_crawl_and_asked_anew_by_the_next(host: Host) -> None:
    host.status = 503
    assert not host.allowed()
    assert not host.allowed()
    assert host.asked == 1
    host.cache = host.crawl()
    host.status = 200
    assert host.allowed()


def test_host_that_could_not_be_reached_is_asked_with_the_next_page(host: Host) -> None:
    async def refuse() -> RobotsAnswer:
        return RobotsAnswer(RobotsRules("connect_failed", "closed port"))

    assert asyncio.run(host.cache.rules(HOST, refuse)).outcome == "connect_failed"
    assert host.allowed()


def test_error_reaches_the_one_who_asked_and_closes_the_host(host: Host) -> None:
    async def fail() -> RobotsAnswer:
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError):
        asyncio.run(host.cache.rules(HOST, fail))
    assert host.rules().outcome == "internal_error"


def test_memory_is_bounded_by_the_size_of_the_rules(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots_cache, "MAX_KEPT_BYTES", 100_000)
    host.body = CLOSED + b"\n#" + b"x" * 20_000
    for number in range(20):
        host.rules(f"http://{number}.com:80")
    assert len(host.cache._kept) < 5
    assert host.cache._size < 100_000
    asked = host.asked
    assert host.rules("http://0.com:80").refusal("http://0.com/private")[0] == "robots_disallowed"
    assert host.asked == asked, "what was pushed out is read from the store"


def test_clock_that_was_ahead_is_no_reason_not_to_ask(host: Host) -> None:
    host.passed_s = 20 * 3600
    host.rules()
    host.passed_s = 0
    host.cache = host.crawl()
    host.rules()
    assert host.asked == 2


def copy(name: str = HOST, age: timedelta = timedelta(), body: bytes = CLOSED) -> Copy:
    return Copy(name, datetime.now(UTC) - age, 200, body)


def test_what_is_put_is_got_back(tmp_path: Path) -> None:
    store, kept = RobotsStore(tmp_path), copy(body=b"\x00\xff\r\n")
    store.put(copy())
    store.put(kept)
    store.close()
    assert RobotsStore(tmp_path).get(HOST) == kept
    assert RobotsStore(tmp_path).get("http://g.com:80") is None


def test_newest_come_first(tmp_path: Path) -> None:
    store = RobotsStore(tmp_path)
    for hours in (3, 1, 2):
        store.put(copy(f"http://{hours}.com:80", timedelta(hours=hours)))
    assert store.newest(2) == ["http://1.com:80", "http://2.com:80"]


def test_old_copies_and_those_of_the_future_go(tmp_path: Path) -> None:
    store = RobotsStore(tmp_path)
    for name, age in (("old", KEPT + timedelta(hours=1)), ("kept", timedelta(days=29)), ("ahead", timedelta(days=-2))):
        store.put(copy(name, age))
    store.close()
    again = RobotsStore(tmp_path)
    assert [name for name in ("old", "kept", "ahead") if again.get(name)] == ["kept"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _other_table(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE robots (x)")
        database.execute("PRAGMA user_version = 1")
    database.close()


DAMAGES: list[tuple[str, Callable[[Path], object]]] = [
    ("not a database", lambda path: path.write_bytes(b"hello" * 1000)),
    ("cut", _cut),
    ("zeroes", lambda path: path.write_bytes(bytes(path.stat().st_size))),
    ("another table", _other_table),
    ("empty", lambda path: path.write_bytes(b"")),
]


@pytest.mark.parametrize("damage", [d[1] for d in DAMAGES], ids=[d[0] for d in DAMAGES])
def test_damaged_store_is_begun_anew(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    store = RobotsStore(tmp_path)
    for number in range(100):
        store.put(copy(f"http://{number}.com:80", body=CLOSED * 20))
    store.close()
    damage(store.path)
    broken = RobotsStore(tmp_path)
    for _ in range(3):  # the first may be lost in finding out
        for number in range(100):
            broken.get(f"http://{number}.com:80")
        broken.put(copy())
    assert broken.get(HOST) is not None
    broken.close()


def test_changed_body_is_not_believed(tmp_path: Path) -> None:
    store = RobotsStore(tmp_path)
    store.put(copy())
    store.close()
    with sqlite3.connect(store.path) as database:
        database.execute("UPDATE robots SET body = ?", (b"",))
    database.close()
    assert RobotsStore(tmp_path).get(HOST) is None


def test_folder_that_cannot_be_written_costs_nothing_but_copies(tmp_path: Path) -> None:
    store = RobotsStore(tmp_path / "missing")
    store.put(copy())
    assert store.get(HOST) is None
    assert store.newest(3) == []
    store.close()


def test_two_crawls_at_once(tmp_path: Path) -> None:
    def crawl(number: int) -> None:
        store = RobotsStore(tmp_path)
        for host in range(100):
            store.put(copy(f"http://{number}-{host}.com:80"))
        store.close()

    threads = [threading.Thread(target=crawl, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = RobotsStore(tmp_path)
    kept = sum(store.get(f"http://{number}-{host}.com:80") is not None for number in range(2) for host in range(100))
    assert kept > 150, "only what the other was in the way of may be missing"


def test_copy_of_a_locked_store_is_missed_not_waited_for(tmp_path: Path) -> None:
    store = RobotsStore(tmp_path)
    store.put(copy())
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert store.get(HOST) is None
    other.execute("ROLLBACK")
    other.close()
    assert store.get(HOST) is not None
