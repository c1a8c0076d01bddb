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
    list_firms: int = Field(5, ge=1, description="firms that must enter or leave before that share is looked at")
    coverage_falls: float = Field(
        0.05, ge=0, le=1, description="fall of the share of firms read, of all, at which a night is held"
    )
    failures_rise: float = Field(
        2.0, ge=1, description="times as many sites that failed as in the night before, at which a night is held"
    )
    words_fall: float = Field(
        0.5, ge=0, le=1, description="fall of the median length of a site's words at which a night is held"
    )  # fmt: skip


class DriftConfig(Section):
    """From where on the firms of a list are said to be unlike those that the model learnt from."""

    prevalence: float = Field(
        2.0, ge=1, description="times that a sector may be more, or less, frequent than its corrected count says"
    )
    scores: float = Field(0.25, gt=0, description="population stability index of a sector's probabilities")
    vocabulary: float = Field(0.5, gt=0, le=1, description="share of words that the model has never read")
    embedding: float = Field(0.75, ge=0.5, le=1, description="AUC at which the two are told apart by their vectors")


class KeepConfig(Section):
    """How long what is past stays on the disk."""

    publications: int = Field(5, ge=1, description="published sets of exports and report kept, the newest first")
    runs_days: int = Field(400, ge=1, description="days that folders of runs are kept")
    history_days: int = Field(
        400, ge=1, description="days that a run's state of the tables can be read (diff, --as-of); older ones go"
    )
    monthly: bool = Field(True, description="keep the last run of every month for ever, whatever history_days says")
    archive_days: int = Field(
        90, ge=1, description="days that raw answers (WARC) stay that no kept state of the tables refers to"
    )
