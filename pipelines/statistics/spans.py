"""Which sums can be worked out from published sums, by elimination that grows row by row.

Arithmetic is modulo the prime 2^61 - 1, so that nothing is ever rounded. That calls every sum derivable that is
derivable in fractions, unless a minor of the 0/1 matrix is a non-zero multiple of the prime: those of areas that nest,
or cut across each other in pairs, are 0, 1 or -1 (they are totally unimodular), and of a few overlapping kinds small
numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

PRIME = 2**61 - 1

Row = dict[int, int]
"""Column to non-zero coefficient modulo ``PRIME``."""


class Span:
    """The linear span of rows, beside guarded rows that must stay out of it.

    Held in reduced echelon form: a row of the span is solved for one column, its pivot, and no row, guarded ones
    included, mentions a pivot. Two rows differ by an element of the span exactly when their reduced forms are equal.
    """

    def __init__(self) -> None:
        self._rows: list[Row] = []  # of the span (without their pivot) and guarded ones
        self._guarded: set[int] = set()
        self._solved: dict[int, int] = {}  # pivot column to its row
        self._where: defaultdict[int, set[int]] = defaultdict(set)  # column to the rows that mention it

    def reduced(self, columns: Iterable[int]) -> Row:
        """The 0/1 row with ones in ``columns``, less what the span knows of it; empty: it is in the span."""
        row = dict.fromkeys(columns, 1)
        for column in [column for column in row if column in self._solved]:
            _subtract(row, row.pop(column), self._rows[self._solved[column]])
        return row

    def guard(self, row: Row) -> None:
        """Take a reduced, non-empty row as one that is to stay out of the span."""
        self._guarded.add(self._store(row))

    def gives_away(self, row: Row) -> bool:
        """Whether the span with this reduced, non-empty row added would hold a guarded one.

        That is so exactly when a guarded row is, modulo the span, a multiple of it.
        """
        rarest = min(row, key=lambda column: len(self._where[column]))
        inverse = pow(row[rarest], -1, PRIME)
        for number in self._where[rarest] & self._guarded:
            other = self._rows[number]
            if len(other) == len(row):
                factor = other[rarest] * inverse % PRIME
                if all(other.get(column) == factor * value % PRIME for column, value in row.items()):
                    return True
        return False

    def add(self, row: Row) -> None:
        """Add a reduced, non-empty row to the span."""
        # The column that the fewest rows mention costs least to take out of them, and fills them least.
        pivot = min(row, key=lambda column: len(self._where[column]))
        inverse = pow(row[pivot], -1, PRIME)
        rest = {column: value * inverse % PRIME for column, value in row.items() if column != pivot}
        for number in self._where.pop(pivot, ()):
            other = self._rows[number]
            _subtract(other, other.pop(pivot), rest)
            for column in rest:
                (self._where[column].add if column in other else self._where[column].discard)(number)
        self._solved[pivot] = self._store(rest)

    def _store(self, row: Row) -> int:
        number = len(self._rows)
        self._rows.append(row)
        for column in row:
            self._where[column].add(number)
        return number


def _subtract(row: Row, factor: int, other: Row) -> None:
    for column, value in other.items():
        left = (row.get(column, 0) - factor * value) % PRIME
        if left:
            row[column] = left
        else:
            row.pop(column, None)
