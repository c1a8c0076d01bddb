"""Find the one cause of each move, from plain values.

The order of the questions is the rule: what somebody decided about a list (taxonomy) or a firm (register) goes before
what was read; a site that fell silent before what it said; and of words and model, when both changed, the one that
would have done it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from crawler.e_mail import without_e_mail
from labels.taxonomy import Cluster, Taxonomy
from pipelines.assignment_rows import THROUGH_PART
from pipelines.churn.result import Cause, Churn, Move, totalled
from pipelines.churn.states import ABSENT, Firm, Known, State
from pipelines.classified_shard import NO_VISIT, NOT_OWN, SETTLED
from pipelines.scheduling import UNVISITED

Found: TypeAlias = tuple[Cause, str, str]
"""Cause, detail, and the sector through whose list the firm moved."""


def churn(before: State, after: State, known: Known, notes: tuple[str, ...] = ()) -> Churn:
    """Every move with its cause.

    Args:
        before: One state, with every firm that moved.
        after: The other.
        known: What else was found out.
        notes: What could not be.

    Raises:
        FirmscopeError: The lists' sizes are not borne out by the moves.
    """
    by_list: dict[str, list[Move]] = {}
    for move in moves_of(before, after, known):
        by_list.setdefault(move.key, []).append(move)
    keys = dict.fromkeys((*after.taxonomy.counted, *before.taxonomy.counted, *sorted(by_list)))
    names = _names(before.taxonomy) | _names(after.taxonomy)
    for of_list in by_list.values():
        of_list.sort(key=lambda move: (not move.entered, move.firm_id))
    lists = (
        totalled(key, names.get(key, key), before.totals.get(key, 0), after.totals.get(key, 0), by_list.get(key, ()))
        for key in keys
    )
    ordered = tuple(move for key in keys for move in by_list.get(key, ()))
    return Churn(before.run_id, after.run_id, tuple(lists), ordered, notes)


def moves_of(before: State, after: State, known: Known) -> Iterator[Move]:
    """Moves of the firms of two states, by firm."""
    for firm_id in sorted(before.firms.keys() | after.firms.keys()):
        pair = _Pair(firm_id, before, after, known)
        for entered, keys in ((True, pair.entered), (False, pair.left)):
            for key in sorted(keys):
                cause, detail, through = pair.cause(key, entered)
                name = pair.after.name or pair.before.name
                yield Move(key, firm_id, name, entered, cause, without_e_mail(detail), through)


def _names(taxonomy: Taxonomy) -> dict[str, str]:
    return {one.key: one.name for one in taxonomy.sectors} | {one.key: one.name for one in taxonomy.clusters}


class _Pair:
    """One firm in two states."""

    def __init__(self, firm_id: str, before: State, after: State, known: Known) -> None:
        self.firm_id, self.known = firm_id, known
        self.states = (before, after)
        self.before, self.after = before.firms.get(firm_id, ABSENT), after.firms.get(firm_id, ABSENT)
        lists = self.before.lists(before.taxonomy), self.after.lists(after.taxonomy)
        self.entered, self.left = lists[1] - lists[0], lists[0] - lists[1]

    def cause(self, key: str, entered: bool) -> Found:
        """Why the firm entered or left a list."""
        own = self._of_list(key, entered) or self._of_register(entered)
        if own:
            return (*own, "")
        clusters = [_cluster(state.taxonomy, key) for state in self.states]
        if any(clusters):
            return self._of_cluster(clusters[0], clusters[1], entered)
        return self._through_part(key, entered) or (*self._of_words(key, entered), "")

    def _of_list(self, key: str, entered: bool) -> tuple[Cause, str] | None:
        """The list itself came or went."""
        without = self.states[0 if entered else 1].taxonomy
        if key in without.counted or key not in self.states[1 if entered else 0].taxonomy.counted:
            return None
        edit = _edit(self.known, key)
        how = f" ({edit})" if edit else ""
        return "taxonomy_changed", f"the taxonomy {'has a new' if entered else 'has no more a'} list of this key{how}"

    def _of_register(self, entered: bool) -> tuple[Cause, str] | None:
        missing = self.before if entered else self.after
        if not missing.listed:
            return "register_changed", "new in the firm list" if entered else "removed from the firm list"
        if missing.gone:
            return "register_changed", f"no longer {missing.gone}" if entered else missing.gone
        return None

    def _of_cluster(self, was: Cluster | None, now: Cluster | None, entered: bool) -> Found:
        """A list that gathers: its definition, a sector's list, or the firm's SIC codes."""
        held = _followed(self.known, self.before.sectors)
        if was and now and (was.sectors, was.sic) != (now.sectors, now.sic):
            as_now = now.holds(held, self.before.sic)
            if as_now == entered:
                return "taxonomy_changed", "the cluster gathers other sectors or SIC codes", ""
        there = now if entered else was
        for sector in there.sectors if there else ():
            if sector in (self.entered if entered else self.left):
                cause, detail, _ = self.cause(sector, entered)
                return cause, detail, sector
        if set(self.before.sic) != set(self.after.sic):
            codes = (" ".join(firm.sic) or "none" for firm in (self.before, self.after))
            return "register_changed", "SIC codes changed from {} to {}".format(*codes), ""
        return "unexplained", "neither its sectors nor its SIC codes changed", ""

    def _through_part(self, key: str, entered: bool) -> Found | None:
        """A sector that the firm was in only as in one of its parts."""
        row = (self.after if entered else self.before).sectors.get(key)
        if row is None or not row.reason.startswith(THROUGH_PART):
            return None
        part = row.reason.removeprefix(THROUGH_PART)
        there, other = (state.taxonomy for state in (self.states[::-1] if entered else self.states))
        if part not in there.by_key or key not in there.ancestors(part):
            return None
        if part in (self.entered if entered else self.left):
            cause, detail, through = self.cause(part, entered)
            return cause, detail, through or part
        if part not in other.by_key or key not in other.ancestors(part):
            return "taxonomy_changed", f"{part} {'is now' if entered else 'is no longer'} a part of it", part
        return None

    def _of_words(self, key: str, entered: bool) -> tuple[Cause, str]:
        silent = self.before if entered else self.after
        if not silent.judged:
            return self._unjudged(entered)
        if silent.words is None:
            return self._silent(silent, entered)
        if self.before.words is None or self.after.words is None:  # in a list without words: no state has that
            return "unexplained", "it is in a list and had no words"
        new_words, new_model = self.before.words != self.after.words, self.before.model_id != self.after.model_id
        if new_words and self.before.website != self.after.website:
            return "register_changed", _other_website(self.before, self.after)
        if new_words and new_model:
            decided = self.known.asked.get(self.firm_id)
            if decided is None:
                return "site_and_model", "its site's words and the model changed"
            if (key in decided) == entered:
                return self._of_model(key, entered)
            return "site_changed", "its site says something else; the model, which changed too, agrees with the old one"
        if new_words:
            return "site_changed", "its site says something else"
        if new_model:
            return self._of_model(key, entered)
        if self.before.none.startswith(SETTLED) != self.after.none.startswith(SETTLED):
            return "settings_changed", "classify.fast_path settles other firms by their n-grams"
        return "unexplained", "neither its words nor the model changed"

    def _of_model(self, key: str, entered: bool) -> tuple[Cause, str]:
        edit = _edit(self.known, key)
        if edit:
            return "taxonomy_changed", f"the sector was redrawn ({edit})"
        was, now = self.known.labels.get((self.firm_id, key), (None, None))
        if (_RANK[now] - _RANK[was]) * (1 if entered else -1) > 0:
            return "label_changed", f"judged {_LABEL[now]} when the new model learnt, {_LABEL[was]} before"
        return "model_changed", f"model {self.after.model_id} instead of {self.before.model_id}"

    def _unjudged(self, entered: bool) -> tuple[Cause, str]:
        if not entered:
            return "unexplained", "nothing was stated of it"
        if not self.states[0].classified:
            return "model_changed", "the list was classified for the first time"
        return "register_changed", "in the firm list before, classified for the first time"

    def _silent(self, silent: Firm, entered: bool) -> tuple[Cause, str]:
        """No words on one side, and why."""
        outcome, _, reason = silent.none.partition(": ")
        if silent.none.startswith(NOT_OWN):
            return self._not_own(reason, entered)
        if self.before.website != self.after.website:
            return "register_changed", _other_website(self.before, self.after)
        if entered and (silent.none == NO_VISIT or outcome in UNVISITED):
            return "register_changed", "in the firm list before, read for the first time"
        if entered:
            return "site_changed", f"its site can be read; before it could not: {silent.none}"
        return "site_gone", silent.none

    def _not_own(self, reason: str, entered: bool) -> tuple[Cause, str]:
        if self.before.own_site is False and self.after.own_site is False:
            asked = "no longer left out" if entered else "left out now"
            return "settings_changed", f"firms whose site is not recognised as their own are {asked} (match.require)"
        if (self.before.website, self.before.entry) != (self.after.website, self.after.entry):
            return "register_changed", "by what the firm list says now, its site is " + (
                "recognised as its own" if entered else f"not recognised as its own: {reason}"
            )
        if entered:
            return "site_changed", "its site is recognised as its own; before it was not"
        return "site_gone", f"{NOT_OWN}: {reason}"


_RANK: Mapping[bool | None, int] = {False: 0, None: 1, True: 2}
_LABEL: Mapping[bool | None, str] = {True: "a member", False: "no member", None: "neither a member nor not"}


def _cluster(taxonomy: Taxonomy, key: str) -> Cluster | None:
    return next((cluster for cluster in taxonomy.clusters if cluster.key == key), None)


def _edit(known: Known, key: str) -> str:
    """The newest edit that touched a key, as a person would type it."""
    return next((edit.said for edit in reversed(known.changes) if key in (*edit.before, *edit.after)), "")


def _followed(known: Known, sectors: Mapping[str, object]) -> set[str]:
    """Sectors under the keys that they have now, where they became one."""
    held = set(sectors)
    for edit in known.changes:
        if len(edit.after) == 1 and held & set(edit.before):
            held = held - set(edit.before) | set(edit.after)
    return held


def _other_website(before: Firm, after: Firm) -> str:
    return f"the firm list names another website: {after.website or 'none'}, before {before.website or 'none'}"
