"""Settings of the morning after: when publication is held, when drift is spoken of, and how long things are kept."""

from __future__ import annotations

from pydantic import Field

from pipelines.settings import Section


class GateConfig(Section):
    """When a night's figures are held back until somebody has looked at them."""

    reached: float = Field(
        0.95,
        ge=0,
        le=1,
        description="share of the sites read before that must answer again for a night's figures to be published",
    )
    list_moves: float = Field(
        0.2,
        ge=0,
        description="share of a list that may enter or leave it in a night by its websites alone; beyond, it is held",
    )
    list_firms: int = Field(3, ge=1, description="firms that must enter or leave before that share is looked at")
    list_empties: int = Field(
        1, ge=1, description="firms of a list from which on a night is held that empties it by websites alone"
    )
    coverage_falls: float = Field(
        0.05,
        ge=0,
        le=1,
        description="fall of the share of firms read, of those listed before too, beyond which a night is held",
    )
    failures_rise: float = Field(
        2.0, ge=1, description="times the share of sites that failed before, from which on a night is held"
    )
    failures_least: int = Field(5, ge=1, description="sites more that must fail before that share is looked at")
    words_fall: float = Field(
        0.5, ge=0, le=1, description="fall of the median length of a site's words from which on a night is held"
    )


class DriftConfig(Section):
    """From where on the firms of a list are said to be unlike those of before, or unlike those the model learnt from.

    How the values were chosen stands in classifier/drift.py.
    """

    prevalence: float = Field(
        2.0, ge=1, description="times that a sector may be more, or less, frequent than in the list before or audited"
    )
    scores: float = Field(
        0.25, gt=0, description="population stability index of a sector's probabilities, against the list before"
    )
    vocabulary: float = Field(
        1.5, ge=1, description="times as many words that the model does not know as training firms have, by share"
    )
    embedding: float = Field(
        0.15, gt=0, le=1, description="share of firms unlike all that the model learnt from; of those, 0.05 are so too"
    )


class KeepConfig(Section):
    """How long what is past stays on the disk.

    A night writes a file anew for each firm in it that changed: a state that is kept costs its tables' whole size, even
    where one firm in a hundred changed. Words and vectors are nine tenths of that and are kept for a few nights only;
    what lists and figures are made of is kept longer (tests/benchmarks/README.md, ``history``).
    """

    publications: int = Field(5, ge=1, description="published sets of exports and report kept, the newest first")
    runs_days: int = Field(400, ge=1, description="days that folders of runs are kept")
    history_days: int = Field(
        14,
        ge=1,
        description="days that a run's state of the tables can be read (diff, --as-of), and that a held night waits; "
        "older ones go",
    )
    words_days: int = Field(
        2,
        ge=1,
        description="of these, days for which the words of websites, their vectors and what was asked for are part of "
        "such a state (never fewer than one night); afterwards it tells lists and figures, not the words behind them",
    )
    monthly: bool = Field(True, description="keep the last run of every month, whatever history_days says")
    months: int = Field(13, ge=1, description="for so many months, this one included; older ones go")
    archive_days: int = Field(
        90, ge=1, description="days that raw answers (WARC) stay that no kept state of the tables refers to"
    )
