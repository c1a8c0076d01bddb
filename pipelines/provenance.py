"""Say where published figures come from; the same facts stand in every export and report.

The data date is the day of the newest visit to a website, not the day the file was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labels.taxonomy import Taxonomy


@dataclass(frozen=True)
class Provenance:
    """What made the figures; ``model_id`` and ``data_date`` (ISO, UTC) are None while there is none.

    ``run_id`` is the newest run that changed ``assignments`` or ``cells``: the figures, not the files, are its work. It
    is ``none`` while that run is not on record (under way, or killed; the next run on record then answers for it).
    """

    run_id: str
    data_date: str | None
    model_id: str | None
    taxonomy_id: str
    taxonomy_version: int
    taxonomy_digest: str
    rules: str = ""  # how firms were shared out over places and clusters, and amounts chosen
    boundaries: str = ""  # which boundaries areas have
    gate: str = "not asked"  # what the gate said of them when they were published; a list of one's own asks nobody

    @classmethod
    def of(
        cls, taxonomy: Taxonomy, run_id: str, data_date: str | None, model_id: str | None, rules: str = "",
        boundaries: str = "",
    ) -> Provenance:  # fmt: skip
        """The facts of a run under ``taxonomy``."""
        return cls(run_id, data_date, model_id, taxonomy.id, taxonomy.version, taxonomy.digest, rules, boundaries)
