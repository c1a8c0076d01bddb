"""Which links of a site were refused and why: a bounded sample that shows every reason."""

from __future__ import annotations

from itertools import zip_longest

from crawler.e_mail import has_e_mail

MAX_PER_REASON = 8
MAX_SKIPPED = 50


class Skipped:
    """Refused URLs by reason. An address of somebody's mailbox is not kept, not even as a refusal."""

    def __init__(self) -> None:
        self._by_reason: dict[str, list[str]] = {}

    def add(self, url: str, why: str) -> None:
        """Note one, unless enough are known for this reason."""
        urls = self._by_reason.setdefault(why, [])
        if len(urls) < MAX_PER_REASON and url not in urls and not has_e_mail(url.replace("%40", "@")):
            urls.append(url)

    def sample(self) -> list[tuple[str, str]]:
        """``(URL, why)``, one of each reason before a second of any."""
        rounds = zip_longest(*([(url, why) for url in urls] for why, urls in self._by_reason.items()))
        return [pair for turn in rounds for pair in turn if pair is not None][:MAX_SKIPPED]
