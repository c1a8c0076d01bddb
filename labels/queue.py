"""What to judge now: the firms of a sector whose judgement teaches most, none like the other, and a share by lot.

The reasons to ask follow each other in a fixed sequence, and a queue goes on in it where the last one stopped: the
shares hold over all judgements, however few are asked for at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DEFINITION: Final = "definition"  # sounds like the sector's definition and keywords
LIKELY: Final = "likely include"
THRESHOLD: Final = "near the threshold"
DISAGREEMENT: Final = "disagreement"  # the model's two halves, words and meaning, rank the firm far apart
RANDOM: Final = "random"
SECOND: Final = "second opinion"  # another coder has judged it, this one has not
CONFLICT: Final = "coders disagree"
SPLIT: Final = "sector was split"  # it was in the sector that was split, and belongs to one of the parts
REASONS: Final = (LIKELY, THRESHOLD, DISAGREEMENT, DEFINITION, RANDOM, SECOND)

RANDOM_SHARE = 0.2
"""Of all asked, those on whom the lot fell: half of them from the sector's list, so that its precision is known, half
from all firms, so that what it misses is. A price for honesty, not a tuned figure."""
SECOND_SHARE = 0.1  # on top, where two coders work: enough that 200 judgements give 20 to compare
FEW_INCLUDES = 10  # below, includes are looked for: a rare sector has none near a threshold that nobody knows yet
COLD: Final[Mapping[str, float]] = {DEFINITION: 0.8, RANDOM: RANDOM_SHARE}
FEW: Final[Mapping[str, float]] = {
    LIKELY: 0.4, THRESHOLD: 0.2, DISAGREEMENT: 0.1, DEFINITION: 0.1, RANDOM: RANDOM_SHARE,
}  # fmt: skip
MANY: Final[Mapping[str, float]] = {THRESHOLD: 0.6, DISAGREEMENT: 0.2, RANDOM: RANDOM_SHARE}
"""What is asked before a sector has a model, while includes are few, and later. Over 20 to 120 judgements per sector,
on two folds inside the 70 % of the directory firms, mean mAP was 0.661 with a mixture like these, 0.663 without the
disagreement, 0.664 without keeping firms apart: the mixture hardly matters beside asking by the definition first."""

BATCH = 20  # firms in a row that are kept apart from each other: about what is judged before a model learns of it
WINDOW = 80  # firms looked over for the next one, the best first
SPREAD = 0.25
"""What likeness to a firm picked already costs: at cosine 1 as much as a quarter of a window of places in the order. On
firms of the directory, which are seldom alike, 0, 0.5 and 1 rank within 0.003; more keeps includes of a rare sector,
who are alike, from being asked."""
SAME = 0.9  # cosine from which two firms are one of a kind, such as shops of one chain: nobody is asked both in a batch

NEAR_LOG_ODDS = 1.0  # of a sector's threshold: worth one more question on a firm that is being read anyway
MAX_SECTORS_AT_ONCE = 4  # questions on one firm; more are a form to fill, not a firm to judge

ASKED = "asked: "  # how the note of a judgement begins that a queue asked for, the reason behind it
OWN_NOTE = "; "  # stands between the reason and what the coder wrote

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class SectorView:
    """What is known of the firms that may be asked for one sector; every array has ``n_firms`` rows in one order."""

    sector: str
    numbers: Floats  # (n_firms,) permanent random numbers, see labels.lot
    vectors: NDArray[np.float32]  # (n_firms, dimension) of length 1; may have no columns
    open: Bools  # (n_firms,) not judged, or known by the hierarchy, yet
    listed: Bools  # (n_firms,) in the sector's present list
    second: Bools  # (n_firms,) judged by another coder, not by this one
    likeness: Floats  # (n_firms,) to definition and keywords; NaN where not known
    probability: Floats | None = None  # (n_firms,), NaN where not scored; None before the sector has a model
    threshold: float = 0.5
    halves: tuple[Floats, Floats] | None = None  # each (n_firms,): score by words, by meaning; NaN where not known
    includes: int = 0
    asked: int = 0  # judgements so far that a queue had asked for


@dataclass(frozen=True)
class Pick:
    """A firm to ask for a sector, and why."""

    row: int
    sector: str
    why: str


def ask(view: SectorView, count: int) -> list[Pick]:
    """Up to ``count`` firms of one sector, the first to ask first; no firm twice."""
    picks: list[Pick] = []
    for pick in _picks(view):
        picks.append(pick)
        if len(picks) == count:
            break
    return picks


def ask_across(views: Sequence[SectorView], count: int) -> list[Pick]:
    """Up to ``count`` questions over several sectors, those on one firm one after another.

    The sector with the fewest judgements is next. Who reads a firm is asked for the other sectors as well that it comes
    near: the reading is what takes time.

    Args:
        views: One for each sector, over the same firms in the same order.
        count: Questions.
    """
    streams = {place: _picks(view) for place, view in enumerate(views)}
    done = [view.asked for view in views]
    seen: set[int] = set()
    picks: list[Pick] = []
    while streams and len(picks) < count:
        place = min(streams, key=lambda place: (done[place], place))
        first = next((pick for pick in streams[place] if pick.row not in seen), None)
        if first is None:
            del streams[place]
            continue
        seen.add(first.row)
        also = [other for other in range(len(views)) if other != place and _is_near(views[other], first.row)]
        for other in (place, *also[: MAX_SECTORS_AT_ONCE - 1]):
            picks.append(first if other == place else Pick(first.row, views[other].sector, THRESHOLD))
            done[other] += 1
    return picks[:count]


def best_first(view: SectorView, why: str) -> Rows:
    """Rows that may be asked for this reason, the best first."""
    rows = np.flatnonzero(view.second if why == SECOND else view.open)
    cost = _cost(view, why)
    if cost is None:
        return rows[:0]
    cost = cost[rows]
    known = ~np.isnan(cost)
    return np.asarray(rows[known][np.argsort(cost[known], kind="stable")])


def asked_note(why: str, own: str = "") -> str:
    """The note of a judgement that was asked for, what the coder wrote behind the reason."""
    return f"{ASKED}{why}{OWN_NOTE}{own}" if own else f"{ASKED}{why}"


def why_asked(note: str) -> str:
    """The reason that a note begins with; empty where no queue asked."""
    return note.removeprefix(ASKED).partition(OWN_NOTE)[0] if note.startswith(ASKED) else ""


def _picks(view: SectorView) -> Iterator[Pick]:
    """Firms until none is left; those of one batch are apart from each other."""
    left = {why: best_first(view, why) for why in _shares(view)}
    shares = {why: share for why, share in _shares(view).items() if len(left[why])}
    taken = np.zeros(len(view.numbers), dtype=bool)
    closeness = np.zeros(len(view.numbers))  # cosine to the most similar firm picked
    picked = 0
    for why, turn in _deal(shares, view.asked):
        left[why] = left[why][~taken[left[why]]]
        if not len(left[why]):
            del shares[why]
            continue
        row = _by_lot(view, left[why], turn) if why == RANDOM else _apart(left[why][:WINDOW], closeness)
        picked += 1
        taken[row] = True
        if picked % BATCH == 0:
            closeness[:] = 0.0
        closeness = np.maximum(closeness, view.vectors @ view.vectors[row])
        yield Pick(row, view.sector, why)


def _shares(view: SectorView) -> dict[str, float]:
    stage = COLD if view.probability is None else FEW if view.includes < FEW_INCLUDES else MANY
    return {**stage, SECOND: SECOND_SHARE}


def _deal(shares: dict[str, float], start: int) -> Iterator[tuple[str, int]]:
    """Reasons in turn, always the one furthest behind its share, from the place ``start`` of the sequence on.

    Yields each with the number of its turns before; ends when ``shares`` is empty.
    """
    turns = dict.fromkeys(shares, 0)
    place = 0
    while shares:
        whole = sum(shares.values())
        why = max(shares, key=lambda why: shares[why] / whole * (place + 1) - turns[why])
        turns[why] += 1
        place += 1
        if place > start:
            yield why, turns[why] - 1


def _cost(view: SectorView, why: str) -> Floats | None:
    """What a reason ranks firms by, the lowest first; None where there is nothing to rank by."""
    if why in (RANDOM, SECOND):
        return view.numbers
    if why == DEFINITION:
        return -view.likeness
    if view.probability is None:
        return None
    if why == LIKELY:
        return -view.probability
    if why == THRESHOLD:
        return _distance(view.probability, view.threshold)
    return None if view.halves is None else -_disagreement(*view.halves)


def _distance(probability: Floats, threshold: float) -> Floats:
    """Log odds between each firm's probability and the threshold."""
    inside = np.clip(np.append(probability, threshold), 1e-6, 1 - 1e-6)
    log_odds = np.log(inside / (1 - inside))
    return np.asarray(np.abs(log_odds[:-1] - log_odds[-1]))


def _is_near(view: SectorView, row: int) -> bool:
    if view.probability is None or not view.open[row]:
        return False
    return bool(_distance(view.probability[row : row + 1], view.threshold)[0] <= NEAR_LOG_ODDS)


def _disagreement(words: Floats, meaning: Floats) -> Floats:
    """How far apart two halves rank a firm, as a ratio of ranks: 3rd and 300th is more than 1,000th and 2,000th."""
    return np.asarray(np.abs(np.log(_ranks(words) / _ranks(meaning))))


def _ranks(scores: Floats) -> Floats:
    """From 1 for the highest; NaN stays."""
    ranks = np.full(len(scores), np.nan)
    known = np.flatnonzero(~np.isnan(scores))
    ranks[known[np.argsort(-scores[known], kind="stable")]] = np.arange(1, len(known) + 1)
    return ranks


def _by_lot(view: SectorView, left: Rows, turn: int) -> int:
    """In turn from the list and from all firms."""
    inside = left[view.listed[left]]
    return int(inside[0] if len(inside) and turn % 2 == 0 else left[0])


def _apart(window: Rows, closeness: Floats) -> int:
    """The best that is not like those picked: its place in the order against the cosine to the nearest of them."""
    near = closeness[window]
    return int(window[np.argmin(np.arange(len(window)) / WINDOW + SPREAD * near + (near >= SAME))])
