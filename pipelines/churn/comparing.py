"""Compare two moments: find who moved, ask what the rule for causes has to know, and put the sentences to it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa

from labels.taxonomy import Taxonomy, load_taxonomy
from labels.taxonomy_history import Change, read_changes
from pipelines.churn.attributing import churn, moves_of
from pipelines.churn.learnt import changed_labels, labels_of
from pipelines.churn.reading import Lists, lists_of, moved, state_of
from pipelines.churn.result import Churn, Move, recounted
from pipelines.churn.states import Known, State
from pipelines.churn.words import asked_on_old_words, pages_of, with_sentences
from pipelines.errors import UsageError
from pipelines.moments import moments_between
from pipelines.taxonomy_copies import taxonomy_of

if TYPE_CHECKING:
    from pipelines.moments import PastMoment
    from pipelines.workspace import Workspace

ABOUT_WORDS = frozenset({"site_changed", "site_and_model"})
MAX_ASKED = 500  # firms whose old words the new model reads: about a minute where their vectors have to be made
MAX_BETWEEN = 60  # runs between two states that are looked through for what the ends do not explain
MAX_QUOTED = 2_000  # firms whose words of before and after are searched for a sentence


def churn_between(workspace: Workspace, before: PastMoment, after: PastMoment) -> Churn:
    """Who entered and left each list, and why.

    Raises:
        FirmscopeError: The lists' sizes are not borne out by the moves: a fault.
    """
    notes: list[str] = []
    taxonomies = tuple(_taxonomy(workspace, moment, notes) for moment in (before, after))
    lists = tuple(lists_of(moment, taxonomy) for moment, taxonomy in zip((before, after), taxonomies, strict=True))
    firm_ids = moved(*lists)
    was, now = (state_of(one, firm_ids) for one in lists)
    known = Known(labels=_labels(workspace, was, now, notes), changes=_changes(workspace, *taxonomies))
    found = churn(was, now, known)
    unsure = sorted({move.firm_id for move in found.moves if move.cause == "site_and_model"})
    if unsure:
        asked = _asked(workspace, was, now, before, unsure[:MAX_ASKED])
        if len(asked) < len(unsure):
            notes.append(
                f"Of {len(unsure):,} firms both the site's words and the model changed; for {len(asked):,} the new "
                "model was asked about the old words, for the others it is not known which of the two did it."
            )
        found = churn(was, now, Known(asked, known.labels, known.changes))
    found = _by_the_way(workspace, found, before, after, (lists[0], lists[1]))
    quoted = sorted({move.firm_id for move in found.moves if move.cause in ABOUT_WORDS})
    wordless = [moment for moment in (before, after) if not moment.has("pages")]
    if quoted and wordless:
        notes.append(
            f"The words of websites as run {wordless[0].run_id} left them are no longer kept ([keep] words_days): "
            "which sentences came or went is not known."
        )
    elif quoted:
        words = tuple(pages_of(moment, quoted[:MAX_QUOTED]) for moment in (before, after))
        found = with_sentences(found, was, now, (words[0], words[1]))
    return Churn(found.before, found.after, found.lists, found.moves, tuple(notes))


def _by_the_way(
    workspace: Workspace, found: Churn, before: PastMoment, after: PastMoment, lists: tuple[Lists, Lists]
) -> Churn:
    """Causes of moves that the two ends alone do not explain: members stay where others would not enter, so that the
    same words and the same model may decide otherwise after something came and went. The last run between that moved
    the firm says why.
    """
    open_ = {(move.key, move.firm_id): move for move in found.moves if move.cause == "unexplained"}
    if not open_:
        return found
    firm_ids = pa.array(sorted({firm_id for _, firm_id in open_}), pa.string())
    between = [lists_of(moment, lists[1].taxonomy) for moment in moments_between(workspace, before, after, MAX_BETWEEN)]
    states = [state_of(one, firm_ids) for one in (lists[0], *between, lists[1])]
    causes: dict[tuple[str, str], Move] = {}
    for first, second in pairwise(states):
        for move in moves_of(first, second, Known()):
            there = open_.get((move.key, move.firm_id))
            if there and there.entered == move.entered and move.cause != "unexplained":
                detail = f"in between, in run {second.run_id or 'under way'}: {move.detail}"
                causes[move.key, move.firm_id] = replace(there, cause=move.cause, detail=detail, through=move.through)
    return recounted(found, [causes.get((move.key, move.firm_id), move) for move in found.moves])


def _taxonomy(workspace: Workspace, moment: PastMoment, notes: list[str]) -> Taxonomy:
    try:
        return taxonomy_of(workspace, moment.taxonomy_digest)
    except UsageError as error:
        notes.append(f"Lists of run {moment.run_id or 'now'} are compared under today's taxonomy: {error}.")
        return load_taxonomy(workspace.taxonomy_file)


def _changes(workspace: Workspace, before: Taxonomy, after: Taxonomy) -> tuple[Change, ...]:
    first, last = sorted((before.version, after.version))
    changes = read_changes(workspace.taxonomy_changes_file)
    return tuple(change for change in changes if first < change.version_to <= last)


def _labels(
    workspace: Workspace, was: State, now: State, notes: list[str]
) -> dict[tuple[str, str], tuple[bool | None, bool | None]]:
    """Labels that changed for firms that another model judges now."""
    by_models: dict[tuple[str, str], list[str]] = {}
    for firm_id in was.firms.keys() & now.firms.keys():
        models = was.firms[firm_id].model_id, now.firms[firm_id].model_id
        if models[0] and models[1] and models[0] != models[1]:
            by_models.setdefault((models[0], models[1]), []).append(firm_id)
    found: dict[tuple[str, str], tuple[bool | None, bool | None]] = {}
    for (old, new), firm_ids in sorted(by_models.items()):
        before, after = (
            labels_of(workspace, model_id, state.taxonomy, firm_ids) for model_id, state in ((old, was), (new, now))
        )
        if before is None or after is None:
            gone = old if before is None else new
            notes.append(
                f"What model {gone} learnt from cannot be read any more: firms that moved because they were judged "
                "themselves stand under model_changed."
            )
        else:
            found |= changed_labels(before, after)
    return found


def _asked(
    workspace: Workspace, was: State, now: State, before: PastMoment, firm_ids: list[str]
) -> dict[str, frozenset[str]]:
    from classifier.errors import ClassifierError
    from classifier.persistence import load_model
    from models.errors import BundleError

    by_model: dict[str, list[str]] = {}
    for firm_id in firm_ids:
        by_model.setdefault(str(now.firms[firm_id].model_id), []).append(firm_id)
    found: dict[str, frozenset[str]] = {}
    if not before.has("pages"):
        return found
    for model_id, ids in sorted(by_model.items()):
        try:
            model = load_model(workspace.models_folder / model_id)
        except (BundleError, ClassifierError):
            continue
        found |= asked_on_old_words(workspace, now.taxonomy, was, before, model, ids)
    return found
