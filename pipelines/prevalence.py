"""Read what share of all firms belongs to a sector, for an evaluation on firms that are no fair sample.

A share is written ``0.01`` or ``1%``; a bare ``1`` is refused, because nobody means that every firm is in the sector.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.errors import UsageError

COLUMNS = ("sector", "prevalence")


def read_prevalence(given: Sequence[str], sectors: Sequence[str]) -> dict[str, float]:
    """Shares by sector key.

    Args:
        given: ``sector=share``, or the name of a CSV file with the columns ``sector`` and ``prevalence``.
        sectors: Keys of the taxonomy.

    Raises:
        UsageError: No such file, sector or share, or a sector twice.
    """
    found: dict[str, float] = {}
    for sector, share, where in (pair for entry in given for pair in _pairs(entry)):
        if sector not in sectors:
            near = difflib.get_close_matches(sector, sectors, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"{where}: {sector!r} is not a sector of the taxonomy{hint}")
        if sector in found:
            raise UsageError(f"{where}: {sector} has a prevalence already; give one")
        found[sector] = _share(share, where)
    return found


def _pairs(entry: str) -> Iterator[tuple[str, str, str]]:
    if "=" in entry and not Path(entry).is_file():
        sector, _, share = entry.partition("=")
        yield sector.strip(), share, f"--prevalence {entry}"
        return
    path = Path(entry)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, strict=True)
            if not set(COLUMNS) <= set(rows.fieldnames or ()):
                raise UsageError(f"{path}: columns {rows.fieldnames}; expected {', '.join(COLUMNS)}")
            for row in rows:
                where = f"{path}, line {rows.line_num}"
                yield (row["sector"] or "").strip(), row["prevalence"] or "", where
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"--prevalence {entry}: cannot be read ({error}); expected sector=share, such as space_tech=0.01, or a CSV "
            f"file with the columns {', '.join(COLUMNS)}"
        ) from error


def _share(text: str, where: str) -> float:
    written = text.strip()
    try:
        share = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise UsageError(f"{where}: {written!r} is no share; expected a number between 0 and 1, such as 0.01 or 1%")
    return share
