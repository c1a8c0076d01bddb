"""Walk the rows of a DataFrame as plain Python values.

pandas marks a missing text, number and instant in three ways, and a text such as ``NA`` is none of them: here missing
is always None, and a text is always the text that was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.errors import TableError

if TYPE_CHECKING:
    import pandas as pd


def rows(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Rows as tuples in the order of ``columns``; missing is None, arrays are lists.

    Raises:
        TableError: The frame lacks one of the columns.
    """
    lacking = [column for column in columns if column not in frame.columns]
    if lacking:
        raise TableError(f"rows have no column {', '.join(lacking)}; read the table with all of {', '.join(columns)}")
    return zip(*(_values(frame[column]) for column in columns), strict=True)


def _values(series: pd.Series[Any]) -> list[Any]:
    values, missing = series.to_numpy(dtype=object), series.isna().to_numpy()
    return [
        None if gone else value.tolist() if hasattr(value, "tolist") else value
        for value, gone in zip(values, missing, strict=True)
    ]
