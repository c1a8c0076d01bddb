"""Answer rules that one full-text query cannot express, as sets of firms put together part by part.

The index finds a beginning of a word only at the end of a phrase. For the others (``smal* satell*``) the places of each
word are taken out of the index and compared here, which costs what those words are frequent. Texts are read again only
for such phrases inside NEAR.
"""

from __future__ import annotations

from functools import reduce

from labels.full_text_query import full_text_query
from labels.keyword_matching import AllOf, AnyOf, IndexedText, Near, Not, Phrase, Rule
from pipelines.site_index import PLACES, SiteIndex, firm_said


def meeting(index: SiteIndex, rule: Rule) -> set[int]:
    """Rows of the firms that meet a rule; one that is met by silence is met by all firms but those that speak."""
    if isinstance(rule, Not):
        return index.rows() - meeting(index, rule.part)
    if isinstance(rule, Phrase | Near):
        query = full_text_query(rule)
        if query.exact:
            return index.rows(query.expression)
        return _phrase_rows(index, rule) if isinstance(rule, Phrase) else _read_rows(index, rule, query.expression)
    if isinstance(rule, AllOf | AnyOf):
        sets = [meeting(index, part) for part in rule.parts]
        return set.intersection(*sets) if isinstance(rule, AllOf) else set.union(*sets)
    raise TypeError(f"{rule!r} is no keyword rule")


def _phrase_rows(index: SiteIndex, phrase: Phrase) -> set[int]:
    """Firms in which the words of a phrase stand at places that follow each other."""
    import numpy as np

    starts = [index.places(word) - number for number, word in enumerate(phrase.words)]
    begun = reduce(np.intersect1d, sorted(starts, key=len))
    return set((begun // PLACES).tolist())


def _read_rows(index: SiteIndex, rule: Rule, expression: str) -> set[int]:
    return {row for row in index.rows(expression) if rule.matches(IndexedText(firm_said(index.pages(row))))}
