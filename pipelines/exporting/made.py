"""A list that is ready to be written, and what has to be said beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pipelines.exporting.columns import ANSWERED, ANSWERS, EXPORTS
from pipelines.exporting.filters import Filters
from pipelines.frames import rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from labels.taxonomy import Taxonomy
    from pipelines.provenance import Provenance
    from pipelines.tables import Column


@dataclass(frozen=True)
class MadeList:
    """Rows of an export, in their order: Arrow, as Arrow has the export's kinds, or a frame.

    ``evidence`` are rows of the export of that name for the firms of the list, which a workbook shows cluster by
    cluster; ``coverage`` says how many firms the whole list has, and how many of them were classified.
    """

    name: str
    frame: pd.DataFrame | pa.Table
    filters: Filters = field(default_factory=Filters)
    rows_left_out: int = 0
    coverage: Mapping[str, int] = field(default_factory=dict)
    taxonomy: Taxonomy | None = None
    evidence: pd.DataFrame | None = None


@dataclass
class Told:
    """What a writer had to do to the rows, by what it is called in the note; noughts are told as well."""

    replaced: int = 0
    further: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, times: int = 1) -> None:
        """Count something further."""
        self.further[what] = self.further.get(what, 0) + times


@dataclass(frozen=True)
class Page:
    """A list on its way into a file."""

    made: MadeList
    provenance: Provenance
    answered: bool  # people fill it in and send it back
    bom: bool = False
    names_run: bool = False

    @property
    def plain_columns(self) -> tuple[Column, ...]:
        """Columns of the export."""
        return EXPORTS[self.made.name]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns of the file."""
        asks = self.answered and self.made.name in ANSWERED
        return (*self.plain_columns, *(ANSWERS[self._first_answer :] if asks else ()))

    @property
    def answers(self) -> tuple[Any, ...]:
        """Values of ``ANSWERS``, the same in every row of a fresh list."""
        return (self.provenance.run_id, list(self.made.filters.clusters), None, None)[self._first_answer :]

    @property
    def _first_answer(self) -> int:
        """A file that people compare from night to night does not name its run in every row."""
        return 0 if self.names_run else 1

    def check(self) -> None:
        """Raise a TableError unless the rows have every column of the export."""
        rows(self.made.frame[:0], [column.name for column in self.plain_columns])

    @cached_property
    def listed(self) -> list[tuple[Any, ...]]:
        """Rows of the file."""
        found = rows(self.made.frame, [column.name for column in self.plain_columns])
        if len(self.columns) == len(self.plain_columns):
            return list(found)
        return [(*row, *self.answers) for row in found]

    def note(self) -> dict[str, Any]:
        """Where the list comes from and what it leaves out."""
        return {
            "rows": len(self.made.frame),
            "rows_left_out": self.made.rows_left_out,
            "filters": self.made.filters.as_note(),
            "coverage": dict(self.made.coverage),
            "firmscope": version("firmscope"),
            **asdict(self.provenance),
        }
