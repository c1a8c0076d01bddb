"""Find listed firms by company number, where what is said of a company may be said of several firms.

Two listed firms may share one company number; who owns the company owns both. (Figures, which would be counted twice,
go by ``accounts_firms``.)
"""

from __future__ import annotations

from collections import defaultdict

from pipelines.errors import UsageError
from pipelines.sources.company_numbers import LENGTH, normalised
from pipelines.store import Lake

NOT_LISTED = "not_in_firm_list"  # the reason word under which a file's other companies are counted


class ListedFirms:
    """Firms of the workspace by company number; of several, one that a list brought comes before the register's own."""

    def __init__(self, lake: Lake) -> None:
        """Read the table firms, shard by shard; raises a UsageError when it is empty."""
        self._first: dict[str, str] = {}
        self._more: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
        firms = 0
        for shard in range(lake.shards):
            rows = lake.read_arrow("firms", ["firm_id", "company_number"], [shard])
            firms += rows.num_rows
            for firm_id, given in zip(rows["firm_id"].to_pylist(), rows["company_number"].to_pylist(), strict=True):
                number = given if given is None or _is_whole(given) else normalised(given)
                if number is not None:
                    self._take(firm_id if firm_id == number else number, firm_id)
        if not firms:
            raise UsageError(
                "no firms in this workspace yet, so that nothing can be joined to them: run firmscope import firms or "
                "firmscope import register first"
            )

    def _take(self, number: str, firm_id: str) -> None:
        if number not in self._first:
            self._first[number] = firm_id
            return
        together = sorted((*self.all_of(number), firm_id), key=lambda one: (one == number, one))
        self._first[number], self._more[number] = together[0], tuple(together[1:])

    @property
    def numbered(self) -> int:
        """Company numbers known."""
        return len(self._first)

    def first_of(self, number: str) -> str | None:
        """The firm with this normalised company number; of several the first listed one by firm_id."""
        return self._first.get(number)

    def all_of(self, number: str) -> tuple[str, ...]:
        """All firms with this normalised company number."""
        first = self._first.get(number)
        return () if first is None else (first, *self._more.get(number, ()))

    def of(self, text: str) -> tuple[str, ...]:
        """All firms with the company number that this text is, however it is written."""
        number = text if text in self._first or _is_whole(text) else normalised(text)
        return self.all_of(number) if number else ()


def _is_whole(number: str) -> bool:
    return len(number) == LENGTH and number.isascii() and number.isdigit() and number != "0" * LENGTH
