"""What the search for causes knows of two states of the tables: plain values, of the firms that moved and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from labels.taxonomy import Taxonomy
from labels.taxonomy_history import Change


@dataclass(frozen=True)
class Row:
    """Why a firm is in a sector, as ``assignments`` has it."""

    reason: str = ""
    sentence: str = ""
    url: str = ""


@dataclass(frozen=True)
class Firm:
    """One firm in one state; ``ABSENT`` for a firm that the list does not have.

    Args:
        listed: It is in the firm list.
        name: Its name.
        gone: Why it is in no figure all the same, such as ``dissolved on 2026-05-01``; empty when it counts.
        website: As the list gives it.
        entry: The other facts of the list by which a site is recognised as the firm's own.
        sic: SIC codes.
        own_site: Its site is taken for its own; None: never compared.
        judged: ``assignments`` has a row of it.
        none: Why it is in no sector; empty when it is in one.
        sectors: Sectors it is in.
        model_id: Model that judged it; None: it had no words.
        words: Digest of the words that were judged.
    """

    listed: bool = True
    name: str = ""
    gone: str = ""
    website: str = ""
    entry: tuple[str, ...] = ()
    sic: tuple[str, ...] = ()
    own_site: bool | None = None
    judged: bool = True
    none: str = ""
    sectors: Mapping[str, Row] = field(default_factory=dict)
    model_id: str | None = None
    words: str | None = None

    def lists(self, taxonomy: Taxonomy) -> frozenset[str]:
        """Lists that it stands in."""
        if not self.listed or self.gone:
            return frozenset()
        clusters = (cluster.key for cluster in taxonomy.clusters if cluster.holds(self.sectors, self.sic))
        return frozenset((*self.sectors, *clusters))


ABSENT = Firm(listed=False, judged=False)


@dataclass(frozen=True)
class State:
    """One state.

    Args:
        run_id: Run that left it.
        taxonomy: That its lists were made with.
        totals: Firms in each list that has any.
        firms: Firms that moved, by firm_id; more may be there.
        classified: Any firm had been judged by a model.
    """

    run_id: str
    taxonomy: Taxonomy
    totals: Mapping[str, int]
    firms: Mapping[str, Firm]
    classified: bool = True


@dataclass(frozen=True)
class Known:
    """What was found out beside the two states.

    Args:
        asked: Sectors in which the model of after puts a firm by its words of before, for firms of which both changed;
            absent where it was not asked.
        labels: Whether judgements put a firm in a sector, in what the model of before and that of after learnt from;
            None: they say nothing. Absent where they say the same.
        changes: Edits of the taxonomy between the two, oldest first.
    """

    asked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    labels: Mapping[tuple[str, str], tuple[bool | None, bool | None]] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
