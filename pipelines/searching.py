"""Find the firms whose words meet a keyword rule, with the words that do.

The answer is the one that reading every firm would give, whatever the index can and cannot express.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labels.full_text_query import full_text_query
from labels.keyword_matching import AnyOf, Phrase, Rule
from labels.keywords import parse_rule
from labels.snippets import Snippet, best_snippet
from labels.taxonomy import Taxonomy
from pipelines.errors import UsageError
from pipelines.following import Progress, no_progress
from pipelines.index_sets import meeting
from pipelines.site_index import SiteIndex, asking_index
from pipelines.workspace import Workspace

DEFAULT_LIMIT = 50


@dataclass(frozen=True)
class Hit:
    """A firm found."""

    firm_id: str
    url: str  # page of the snippet; empty where the words were imported without one
    snippet: Snippet


@dataclass(frozen=True)
class SearchResult:
    """How many firms there are, and the first of them: those that speak most of what was sought, by BM25."""

    total: int
    hits: tuple[Hit, ...]
    searched: int  # firms that have words


@dataclass(frozen=True)
class FirmFound:
    """A firm found, with its name for a reader."""

    name: str
    hit: Hit


@dataclass(frozen=True)
class Found:
    """A ``SearchResult`` with names."""

    total: int
    searched: int
    firms: tuple[FirmFound, ...]


def search_firms(
    workspace: Workspace, query: str, limit: int | None = DEFAULT_LIMIT, progress: Progress = no_progress
) -> SearchResult:
    """Firms whose words meet a rule as it was typed.

    Args:
        workspace: The workspace; its index is brought up to date first: minutes, the first time on a long list.
        query: A rule, as in a taxonomy's ``keywords``.
        limit: Hits wanted; None for all of them.
        progress: Told of firms indexed and to index.

    Raises:
        KeywordError: Not a rule; ``position`` says where.
    """
    return find_firms(workspace, parse_rule(query), limit, progress)


def find_firms(
    workspace: Workspace, rule: Rule, limit: int | None = DEFAULT_LIMIT, progress: Progress = no_progress
) -> SearchResult:
    """The same for a rule that was read."""

    def ask(index: SiteIndex) -> SearchResult:
        total, rows = _found(index, rule, limit)
        sought = rule.sought()
        return SearchResult(total, tuple(_hit(index, row, firm_id, sought) for row, firm_id in rows), index.firms)

    return asking_index(workspace, ask, progress)


def count_firms(workspace: Workspace, rules: Sequence[Rule], progress: Progress = no_progress) -> tuple[list[int], int]:
    """Firms that meet each rule, and firms that have words."""

    def ask(index: SiteIndex) -> tuple[list[int], int]:
        return [_found(index, rule, 0)[0] for rule in rules], index.firms

    return asking_index(workspace, ask, progress)


def named(workspace: Workspace, result: SearchResult) -> Found:
    """Look the names of firms up; a firm that is in no list any more is known by its id."""
    ids = [hit.firm_id for hit in result.hits]
    names = dict.fromkeys(ids, "")
    for row in workspace.lake.read_firms("firms", ids, ["firm_id", "name"]).to_pylist():
        names[row["firm_id"]] = row["name"]
    firms = tuple(FirmFound(names[hit.firm_id] or hit.firm_id, hit) for hit in result.hits)
    return Found(result.total, result.searched, firms)


def sector_rule(taxonomy: Taxonomy, key: str) -> Rule:
    """All keyword rules of a sector as one: a firm that meets any of them meets it.

    Raises:
        UsageError: No such sector, or one without keywords.
        KeywordError: A rule cannot be read.
    """
    sector = taxonomy.by_key.get(key)
    if sector is None:
        raise UsageError(f"sector {key!r} is not in taxonomy.yaml; firmscope taxonomy show lists all of them")
    if not sector.keywords:
        raise UsageError(
            f"sector {key!r} has no keywords; write some in taxonomy.yaml, or search for words of your own"
        )
    return AnyOf(tuple(map(parse_rule, sector.keywords)))


def _found(index: SiteIndex, rule: Rule, limit: int | None) -> tuple[int, list[tuple[int, str]]]:
    """How many firms meet a rule, and row and firm_id of the first."""
    query = full_text_query(rule)
    if query.exact:
        total = index.count(query.expression)
        return total, index.best(query.expression, -1 if limit is None else limit) if total and limit != 0 else []
    met = meeting(index, rule)
    return len(met), [found for found in index.best(query.expression) if found[0] in met][:limit]


def _hit(index: SiteIndex, row: int, firm_id: str, sought: Sequence[Phrase]) -> Hit:
    pages = index.pages(row)
    page, snippet = best_snippet([text for _, text in pages], sought)
    return Hit(firm_id, pages[page][0], snippet)
