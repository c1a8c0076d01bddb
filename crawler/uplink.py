"""Tell a dead connection from dead sites: the circuit breaker of a crawl.

When no site answers any more, it is more likely our line than fifty firms giving up at once. Results that say "nobody
answered" are therefore held back until some site has answered; after ``LIMIT`` of them in a row the crawl has to find
out whether the line is up before it goes on. Pure bookkeeping: who asks, and whom, is the spider's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from crawler.records import SiteCrawl

LIMIT = 50
PAUSE_S = 60.0  # a router that restarts is back within it
WITNESSES = 3
SILENT = {"dns_failed", "connect_failed", "timeout", "tls_failed", "robots_unreachable"}
SPEAKS_FOR_NOBODY = {"bad_url", "blocked_address", "opted_out", "internal_error", "not_attempted"}


@dataclass(frozen=True, slots=True)
class Held:
    """A result kept back: the site's place in the list, what came of it, and whether it was its second try."""

    place: int
    site: SiteCrawl
    again: bool = False


@dataclass(slots=True)
class Uplink:
    """Results held back since a site last answered, oldest first."""

    limit: int = LIMIT
    held: list[Held] = field(default_factory=list)

    @property
    def in_doubt(self) -> bool:
        """Whether so many sites in a row were silent that the line must be looked at."""
        return len(self.held) >= self.limit

    def took(self, result: Held) -> list[Held]:
        """Take a finished site; returns the results that may be handed out now."""
        if is_silent(result.site):
            self.held.append(result)
            return []
        if result.site.outcome in SPEAKS_FOR_NOBODY or not _was_heard(result.site):
            return [result]
        return [*self.release(), result]

    def release(self) -> list[Held]:
        """Hand everything out as it is: the line was up, or the list has ended."""
        held, self.held = self.held, []
        return held

    def found_up(self) -> tuple[list[Held], list[int]]:
        """The line is up now: results that were silent twice count, and the places of the others to be tried again."""
        held = self.release()
        return [one for one in held if one.again], [one.place for one in held if not one.again]


def is_silent(site: SiteCrawl) -> bool:
    """Whether nothing at all was heard from a site."""
    return site.outcome in SILENT and not _was_heard(site)


def _was_heard(site: SiteCrawl) -> bool:
    """Whether the site answered; one that an older robots.txt forbids was not even asked."""
    return any(fetch.http_status is not None for fetch in site.fetches)
