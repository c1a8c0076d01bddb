"""Walk the rows of a DataFrame, or of an Arrow table, as plain Python values.

pandas marks a missing text, number and instant in three ways, and a text such as ``NA`` is none of them: here missing
is always None, and a text is always the text that was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.errors import TableError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def rows(frame: pd.DataFrame | pa.Table, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Rows as tuples in the order of ``columns``; missing is None, arrays are lists.

    Raises:
        TableError: The frame lacks one of the columns.
    """
    arrow = not hasattr(frame, "iloc")
    known = frame.column_names if arrow else frame.columns
    lacking = [column for column in columns if column not in known]
    if lacking:
        raise TableError(f"rows have no column {', '.join(lacking)}; read the table with all of {', '.join(columns)}")
    if arrow:
        return zip(*(frame[column].to_pylist() for column in columns), strict=True)
    return zip(*(_values(frame[column]) for column in columns), strict=True)


def _values(series: pd.Series[Any]) -> list[Any]:
    values, missing = series.to_numpy(dtype=object), series.isna().to_numpy()
    if series.dtype != object:  # no arrays among them
        if missing.any():
            values = values.copy()
            values[missing] = None
        return list(values.tolist())
    return [
        None if gone else value.tolist() if hasattr(value, "tolist") else value
        for value, gone in zip(values, missing, strict=True)
    ]


def as_frame(found: pd.DataFrame | pa.Table) -> pd.DataFrame:
    """Rows as a frame of plain Python values, whatever they came as; missing is None."""
    import pandas as pd

    if isinstance(found, pd.DataFrame):
        return found
    # As objects: pandas would turn a missing number into NaN, and with it a column of integers into floats.
    return pd.DataFrame({name: pd.Series(found[name].to_pylist(), dtype=object) for name in found.column_names})
