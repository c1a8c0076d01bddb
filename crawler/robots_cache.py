"""For how long a robots.txt answer holds, and what stands in when there is none.

An answer holds for a day. Where a server fails, its last clear rules stand in for up to 30 days; without any, the
host stays closed. Knows nothing of Scrapy: it is given a function that asks the host.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from crawler.robots import RobotsAnswer, RobotsRules, rules_of
from crawler.robots_store import KEPT, Copy, RobotsStore

MAX_AGE = timedelta(hours=24)  # RFC 9309 section 2.4
MAX_KEPT_BYTES = 4 * 1024 * 1024  # of rules as text; parsed they take some ten times as much
LEAST_COST = 500
CLOCK_SLIP = timedelta(minutes=5)
# A host that cannot even be reached is told by its own word; robots.txt only gets the blame when it has a say.
OWN_WORDS = frozenset({"blocked_address", "dns_failed", "connect_failed", "tls_failed", "internal_error"})


def has_own_word(outcome: str, hop: int) -> bool:
    """Whether a robots.txt that could not be read leaves the request's own outcome to stand.

    That of the host itself does, and on the way to where the file was moved only what was our doing.
    """
    return outcome in OWN_WORDS and (hop == 0 or outcome == "internal_error")


@dataclass(slots=True)
class _Kept:
    until: float
    rules: asyncio.Future[RobotsRules]
    cost: int = LEAST_COST


class RobotsCache:
    """Rules by authority, ``scheme://host:port``.

    Args:
        store: Copies of earlier crawls.
        monotonic: Seconds that never jump, by which an answer grows old within this process.
        now: The wall clock, by which it has grown old between processes.
    """

    def __init__(
        self,
        store: RobotsStore,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store = store
        self._monotonic = monotonic
        self._now = now
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0

    async def rules(self, authority: str, ask: Callable[[], Awaitable[RobotsAnswer]]) -> RobotsRules:
        """The rules of an authority; ``ask`` is called when none of the last day are known, once for all who wait."""
        known = self._kept.get(authority)
        if known is not None and self._monotonic() < known.until:
            return await asyncio.shield(known.rules)
        self._forget(authority)
        future: asyncio.Future[RobotsRules] = asyncio.get_running_loop().create_future()
        kept = _Kept(self._monotonic() + MAX_AGE.total_seconds(), future)
        self._keep(authority, kept)
        try:
            rules = await self._find(authority, ask, kept)
        except Exception as error:
            future.set_result(RobotsRules("internal_error", f"robots.txt could not be judged: {type(error).__name__}"))
            raise
        except BaseException:
            self._forget(authority)
            future.cancel()
            raise
        if rules.outcome in OWN_WORDS:
            self._forget(authority)  # a retry of the page should find out afresh
        future.set_result(rules)
        return rules

    def forget_failures(self) -> None:
        """Ask hosts that did not answer once more: it was our line, not theirs."""
        for authority, kept in list(self._kept.items()):
            if kept.rules.done() and kept.rules.result().outcome == "robots_unreachable":
                self._forget(authority)

    async def _find(self, authority: str, ask: Callable[[], Awaitable[RobotsAnswer]], kept: _Kept) -> RobotsRules:
        copy = self.store.get(authority)
        age = self._now() - copy.fetched_at if copy is not None else KEPT
        url = f"{authority}/robots.txt"
        if copy is not None and -CLOCK_SLIP < age < MAX_AGE:
            kept.until -= max(age, timedelta()).total_seconds()
            self._grow(authority, kept, len(copy.body))
            return rules_of(copy.status, copy.body, url)
        answer = await ask()
        self._grow(authority, kept, len(answer.body))
        if answer.is_clear and answer.status is not None:
            self.store.put(Copy(authority, self._now(), answer.status, answer.body))
        elif answer.is_silence and copy is not None and copy.status < 300 and -CLOCK_SLIP < age < KEPT:
            before = rules_of(copy.status, copy.body, url)
            if before.parser is not None or before.outcome:  # a file that held no rules is no leave to go on
                self._grow(authority, kept, len(copy.body))
                return replace(before, flag="robots_stale")
        return answer.rules

    def _keep(self, authority: str, kept: _Kept) -> None:
        self._kept[authority] = kept
        self._size += kept.cost

    def _grow(self, authority: str, kept: _Kept, size: int) -> None:
        if self._kept.get(authority) is not kept:
            return  # pushed out while it was being asked for
        kept.cost += size
        self._size += size
        while self._size > MAX_KEPT_BYTES and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))

    def _forget(self, authority: str) -> None:
        kept = self._kept.pop(authority, None)
        if kept is not None:
            self._size -= kept.cost
