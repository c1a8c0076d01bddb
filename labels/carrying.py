"""Carry judgements made under older versions of the taxonomy to the keys of the present one.

Nothing is rewritten: ``labels.csv`` keeps each word under the key and version it was said of, and this is a way of
reading it. The rules never make a firm known that was not: what a change leaves open (who of a split sector's members
is in which part) is unknown, and stands in :func:`dealing_out`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from labels.store import SETTLED, Judgement
from labels.taxonomy_history import Change

_Placed = tuple[int, Judgement]  # a judgement and its place among all
_Said = dict[str, _Placed]  # each coder's last word on a firm and a sector


@dataclass(frozen=True, order=True)
class Undealt:
    """A firm that was in a sector which was split, not yet judged for one of the parts."""

    firm_id: str
    sector: str  # the part, as it is called today
    was: str  # the sector that was split
    version: int  # in which the parts came


def carry(judgements: Iterable[Judgement], changes: Sequence[Change]) -> list[Judgement]:
    """Judgements under the keys to which these changes lead; those that no change touches are returned as they are.

    - rename: the same word under the new key.
    - merge: include where a coder included any part; exclude only where one excluded all of them. Where the only
      includes are contradicted, who contradicts is unsure, so that the pair stays open.
    - split: exclude is exclude of every part, unsure is unsure. Where anybody said include nothing is carried, not
      even the word of who disagreed: the firm is to be dealt out.
    - retire: falls away.
    - An include that stood also put the firm in the sector's parents; where the new key does not, that is carried.

    A settled word goes before a coder's, as it did before. Carried judgements name the version of their new key.

    Args:
        judgements: Oldest first; the order within one firm counts, that between firms does not.
        changes: Oldest first, as :func:`labels.taxonomy_history.made_by` gives them.
    """
    found = list(judgements)
    for change in changes:
        found = _step(found, change)
    return found


def dealing_out(judgements: Iterable[Judgement], changes: Sequence[Change]) -> list[Undealt]:
    """Firms that were included in a sector since split, with every part that nobody has judged them for; sorted.

    The parts are followed through later changes.
    """
    found = list(judgements)
    waiting: dict[tuple[str, str], Undealt] = {}
    for change in changes:
        judged = {(word.firm_id, word.sector) for word in found if _version(word) <= change.version_from}
        still = [undealt for pair, undealt in waiting.items() if pair not in judged]
        follow: list[Undealt] = []
        for undealt in still:
            after = change.after if undealt.sector in change.before else (undealt.sector,)
            follow += [replace(undealt, sector=key) for key in after]
        if change.kind == "split":
            for firm_id, parts in _by_firm(found, change).items():
                said = parts[change.before[0]]
                if _has_include(said) and not _settled_as(said, "exclude"):
                    follow += [Undealt(firm_id, key, change.before[0], change.version_to) for key in change.after]
        waiting = {(undealt.firm_id, undealt.sector): undealt for undealt in follow}
        found = _step(found, change)
    judged = {(word.firm_id, word.sector) for word in found}
    return sorted(undealt for pair, undealt in waiting.items() if pair not in judged)


def _step(judgements: list[Judgement], change: Change) -> list[Judgement]:
    if change.kind == "rename":
        return [
            replace(word, sector=change.after[0], taxonomy_version=str(change.version_to))
            if _touched(word, change)
            else word
            for word in judgements
        ]
    rule = {"merge": _merged, "split": _split, "retire": _dropped}[change.kind]
    own = {(word.firm_id, word.sector, word.coder) for word in judgements}
    at: dict[int, list[Judgement]] = {}
    for parts in _by_firm(judgements, change).values():
        for place, word in (*rule(parts, change), *_implied(parts, change, own)):
            at.setdefault(place, []).append(replace(word, taxonomy_version=str(change.version_to)))
    found: list[Judgement] = []
    for place, word in enumerate(judgements):
        if not _touched(word, change):
            found.append(word)
        found += at.get(place, ())
    return found


def _merged(parts: Mapping[str, _Said], change: Change) -> Iterator[_Placed]:
    needed = [key for key in change.before if key not in change.nested]
    settled = {key: said[SETTLED][1].label for key, said in parts.items() if SETTLED in said}
    ruling = _whole(settled, needed)
    if ruling == "unsure" and not settled.keys() >= set(needed):
        ruling = ""  # settled for some parts only: coders' words on the others count
    stands = any(_standing(said) == "include" for said in parts.values())
    contested = {key for key, said in parts.items() if key not in settled and _has_include(said)}
    for coder in sorted({coder for said in parts.values() for coder in said}):
        own = {key: said[coder] for key, said in parts.items() if coder in said}
        words = {key: word.label for key, (_, word) in own.items()}
        if coder == SETTLED:
            label = ruling
        elif ruling:
            label = _whole(words, needed)  # for the record: the settled word goes before it
        else:
            label = _whole(words | settled, needed)
            if stands:
                label = label if label == "include" else ""
            elif not label and contested & words.keys():
                label = "unsure"
        if label:
            said = [word for _, word in sorted(own.values(), key=_place)]
            chosen = next((word for word in reversed(said) if word.label == label), said[-1])
            yield max(map(_place, own.values())), replace(chosen, sector=change.after[0], label=label)


def _whole(words: Mapping[str, str], needed: Sequence[str]) -> str:
    """One coder's word on the merged sector, from those on its parts; empty where they do not decide it."""
    if "include" in words.values():
        return "include"
    if all(words.get(key) == "exclude" for key in needed):
        return "exclude"
    return "unsure" if "unsure" in words.values() else ""


def _split(parts: Mapping[str, _Said], change: Change) -> Iterator[_Placed]:
    (said,) = parts.values()
    if _has_include(said) and not _settled_as(said, "exclude"):
        return
    for place, word in said.values():
        if word.label != "include":
            for key in change.after:
                yield place, replace(word, sector=key)


def _dropped(parts: Mapping[str, _Said], change: Change) -> Iterator[_Placed]:  # noqa: ARG001 - a rule like the others
    return iter(())


def _implied(parts: Mapping[str, _Said], change: Change, own: set[tuple[str, str, str]]) -> Iterator[_Placed]:
    """Includes of the parents that an include which stood has spoken for, and that its coder said nothing else of."""
    for key, sectors in change.implied:
        said = parts.get(key, {})
        if _standing(said) == "include":
            for coder, (place, word) in said.items():
                if word.label == "include":
                    for sector in sectors:
                        if (word.firm_id, sector, coder) not in own:
                            own.add((word.firm_id, sector, coder))
                            yield place, replace(word, sector=sector)


def _by_firm(judgements: Sequence[Judgement], change: Change) -> dict[str, dict[str, _Said]]:
    found: dict[str, dict[str, _Said]] = {}
    for place, word in enumerate(judgements):
        if _touched(word, change):
            found.setdefault(word.firm_id, {}).setdefault(word.sector, {})[word.coder] = place, word
    return found


def _standing(said: _Said) -> str:
    """What is known of a pair, by the label store's own rule; empty where nothing is."""
    words = {said[SETTLED][1].label} if SETTLED in said else {word.label for _, word in said.values()}
    return words.pop() if words in ({"include"}, {"exclude"}) else ""


def _has_include(said: _Said) -> bool:
    return any(word.label == "include" for _, word in said.values())


def _settled_as(said: _Said, label: str) -> bool:
    return SETTLED in said and said[SETTLED][1].label == label


def _touched(word: Judgement, change: Change) -> bool:
    return word.sector in change.before and _version(word) <= change.version_from


def _place(placed: _Placed) -> int:
    return placed[0]


def _version(word: Judgement) -> int:
    """Version a judgement was made under; one that does not say so was made before all that is on record."""
    return int(word.taxonomy_version) if word.taxonomy_version.isdecimal() else 0
