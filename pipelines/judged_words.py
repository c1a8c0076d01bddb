"""Which words a judgement was about: what a firm says now, and since when.

``labels.csv`` keeps the digest of what was read; the words themselves are in the table ``pages``, and change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from pipelines.firm_texts import site_digests
from pipelines.store import shard_of

if TYPE_CHECKING:
    from labels.store import Judgement
    from pipelines.firm_texts import Tables


@dataclass(frozen=True)
class Words:
    """A firm's words: their digest, as ``scores`` has it, and when the newest of them was first read (UTC)."""

    digest: str
    since: datetime

    def were_there(self, labelled_on: str) -> bool:
        """Whether a judgement of this day can have been about these words."""
        if "T" in labelled_on:
            return self.since.replace(microsecond=0) <= datetime.fromisoformat(labelled_on)  # which is to the second
        return self.since.date() <= date.fromisoformat(labelled_on)


def words_of(lake: Tables, firm_ids: Collection[str]) -> dict[str, Words]:
    """What firms say now, by firm_id; those without words are absent."""
    shards = sorted({shard_of(firm_id, lake.shards) for firm_id in firm_ids})
    if not shards:
        return {}
    pages = lake.read_arrow("pages", ["firm_id", "read_at"], shards)
    newest = pages.group_by("firm_id").aggregate([("read_at", "max")]).to_pylist()
    since = {row["firm_id"]: row["read_at_max"] for row in newest}
    wanted = set(firm_ids)
    return {
        firm_id: Words(digest, since[firm_id])
        for firm_id, digest in site_digests(lake, shards).items() if firm_id in wanted
    }  # fmt: skip


def with_words(
    judgements: Collection[Judgement], words: Mapping[str, Words], shown_on: Mapping[str, str] | None = None
) -> list[Judgement]:
    """Judgements with the digest of what was judged, where that is known: the words were there on the day.

    Args:
        judgements: Of any firms.
        words: What the firms say now.
        shown_on: By firm_id the day or moment of what a coder was shown, where that is older than the judgement.
    """
    days = shown_on or {}
    return [
        replace(said, text_digest=words[said.firm_id].digest)
        if not said.text_digest
        and said.firm_id in words
        and words[said.firm_id].were_there(days.get(said.firm_id, said.labelled_on))
        else said
        for said in judgements
    ]
