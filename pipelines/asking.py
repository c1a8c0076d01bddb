"""Which firms to judge now, and how far a sector is: what ``labels next`` and the labelling page ask.

A queue is a plan made when it is opened; asking it for firms reads nothing. It does not watch the label store: whoever
holds one names in ``skip`` what was judged since, and opens another when that pays.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from labels.agreement import conflicts, last_words
from labels.lot import permanent_numbers, sample_by_lot, share_of
from labels.queue import CONFLICT, RANDOM, SPLIT, Pick, SectorView, ask, ask_across, why_asked
from labels.store import SETTLED, Judgement
from labels.taxonomy import Taxonomy, load_taxonomy
from pipelines.asking_views import Standing, read_standing, sector_views
from pipelines.errors import UsageError
from pipelines.judgements import current_judgements
from pipelines.taxonomy_edits import open_splits
from pipelines.workspace import Workspace

PLANNED = 200  # questions planned when a queue is opened; more are planned when they are asked for


@dataclass(frozen=True)
class Asked:
    """A question: is this firm in this sector?"""

    firm_id: str
    sector: str
    why: str  # one of labels.queue's reasons
    probability: float | None  # by the model that scored the firm; None where there is none


class Queue:
    """Questions in the order in which to ask them."""

    def __init__(
        self, standing: Standing, first: Sequence[Asked], firm_ids: Sequence[str], views: Sequence[SectorView]
    ):
        """Args: the workspace; what is asked before all else; firms that may be asked, and a view of them by sector."""
        self._standing = standing
        self._first = first
        self._firm_ids = firm_ids
        self._views = views
        self._planned: list[Asked] = []
        self._exhausted = False
        self._plan(PLANNED)

    def next(self, count: int, skip: Collection[str] = ()) -> list[Asked]:
        """Up to ``count`` questions; asked again without ``skip``, the queue gives the same ones.

        Args:
            count: Questions.
            skip: Ids of firms to leave out: judged since the queue was opened, or passed over.
        """
        wanted = count
        while True:
            left = [asked for asked in self._planned if asked.firm_id not in skip]
            if len(left) >= count or self._exhausted:
                return left[:count]
            wanted = 2 * max(wanted, len(self._planned))
            self._plan(wanted)

    def _plan(self, count: int) -> None:
        picks = ask(self._views[0], count) if len(self._views) == 1 else ask_across(self._views, count)
        first = {(asked.firm_id, asked.sector) for asked in self._first}
        rest = [asked for asked in map(self._asked, picks) if (asked.firm_id, asked.sector) not in first]
        self._planned = [*self._first, *rest]
        self._exhausted = len(picks) < count

    def _asked(self, pick: Pick) -> Asked:
        firm_id = self._firm_ids[pick.row]
        return Asked(firm_id, pick.sector, pick.why, self._standing.probability(firm_id, pick.sector))


def open_queue(
    workspace: Workspace, sector: str | None, seed: int = 0, coder: str = "", disagreements: bool = False
) -> Queue:
    """Plan what to ask, from the tables and the label store as they stand.

    Firms of a sector that was split come first, until they are dealt out to its parts.

    Args:
        workspace: The workspace.
        sector: Key of a sector; None: all of them, the one with the fewest judgements first.
        seed: Of the lot. ``progress`` measures by the firms of seed 0.
        coder: Who will judge: is never asked what they have judged, and now and then what others have. Empty: nobody is
            asked what anybody has judged.
        disagreements: Ask first what coders disagree on.

    Raises:
        UsageError: The sector is not known.
    """
    standing = read_standing(workspace)
    taxonomy = standing.taxonomy
    if sector is not None:
        check_sector(taxonomy, sector)
    sectors = taxonomy.keys if sector is None else (sector,)
    waiting = [(found.firm_id, found.sector, CONFLICT) for found in conflicts(standing.judgements) if disagreements]
    waiting += [(found.firm_id, found.sector, SPLIT) for found in open_splits(workspace)]
    first = [
        Asked(firm_id, key, why, standing.probability(firm_id, key))
        for firm_id, key, why in waiting
        if key in sectors and firm_id in standing.row
    ]
    return Queue(standing, first, *sector_views(standing, sectors, coder, seed))


@dataclass(frozen=True)
class Progress:
    """How far the judging of one sector is; ``includes + excludes + unsure = judged``."""

    judged: int  # firms
    includes: int
    excludes: int
    unsure: int  # or coders disagree
    precision: float | None  # share of the sector's present list that belongs there; None where nothing tells
    precision_low: float | None  # 95 % interval
    precision_high: float | None
    basis: str  # what the precision rests on, in words


def progress(workspace: Workspace, sector: str) -> Progress:
    """How far a sector is, and how precise its present list is so far.

    Firms of the list that came by lot are a random sample of it, and so is who has a lower number (``labels.lot``).
    Without any, all judged firms of the list are taken, and ``basis`` says that they were not drawn by lot.

    Raises:
        UsageError: The sector is not known.
    """
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    check_sector(taxonomy, sector)
    judgements = [word for word in current_judgements(workspace, taxonomy) if word.sector == sector]
    words = _final(judgements)
    said = list(words.values())
    assignments = workspace.lake.read_arrow("assignments", ["firm_id", "sector", "assigned"]).to_pylist()
    listed = sorted(row["firm_id"] for row in assignments if row["assigned"] and row["sector"] == sector)
    known = np.array([words.get(firm_id) in ("include", "exclude") for firm_id in listed], dtype=bool)
    by_lot = {word.firm_id for word in judgements if why_asked(word.note) == RANDOM}
    drawn = np.array([firm_id in by_lot for firm_id in listed], dtype=bool)
    sample = sample_by_lot(permanent_numbers(listed), known, drawn)
    basis = "{} of the list's {} firms, drawn by lot"
    if not sample.any():
        sample, basis = known, "{} judged firms of the list's {}, not drawn by lot: they lean towards the doubtful ones"
    if known.all():
        sample, basis = known, "{0} judged firms: all of the list"
    hits = sum(words[firm_id] == "include" for firm_id, taken in zip(listed, sample.tolist(), strict=True) if taken)
    found = share_of(hits, int(sample.sum()), len(listed))
    measured = found.value is not None
    return Progress(
        judged=len(words),
        includes=said.count("include"),
        excludes=said.count("exclude"),
        unsure=said.count("unsure"),
        precision=found.value,
        precision_low=found.low if measured else None,
        precision_high=found.high if measured else None,
        basis=basis.format(int(sample.sum()), len(listed)) if measured else _nothing(len(listed)),
    )


def check_sector(taxonomy: Taxonomy, sector: str) -> None:
    """Refuse a sector that the taxonomy does not have.

    Raises:
        UsageError: It has not; the message names the nearest.
    """
    if sector not in taxonomy.by_key:
        from difflib import get_close_matches

        near = get_close_matches(sector, taxonomy.keys, 5, 0.5)
        hint = f"nearest are {', '.join(near)}" if near else "firmscope taxonomy show lists all of them"
        raise UsageError(f"sector {sector!r} is not in taxonomy.yaml; {hint}")


def _final(judgements: Sequence[Judgement]) -> dict[str, str]:
    """What coders say of each firm together; ``unsure`` where they differ and nobody has settled it."""
    found = {}
    for (firm_id, _), by_coder in last_words(judgements).items():
        said = {by_coder[SETTLED]} if SETTLED in by_coder else set(by_coder.values())
        found[firm_id] = said.pop() if len(said) == 1 else "unsure"
    return found


def _nothing(listed: int) -> str:
    return f"none of the list's {listed} firms is judged yet" if listed else "nobody is in the list yet"
