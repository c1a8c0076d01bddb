"""Settle what several sources say about one firm and period: one row per firm and period, with its source.

Employees and turnover are settled apart: a filing that gives employees only does not hide a bought turnover. Sorted as
numbers, so that 50 million rows take seconds; only rows that tie in everything but their filing are compared as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pipelines.errors import TableError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Numbers: TypeAlias = np.ndarray[Any, Any]

YEAR_DAYS = 365
USUAL_DAYS = (350, 380)  # accounting reference dates move by some days from year to year
SHORTEST_DAYS = 90  # a season says nothing of a year
FIGURES = {"employees": "employees", "turnover_gbp": "turnover"}  # figure, and what its columns begin with


def settle(accounts: pa.Table, sources: Sequence[str]) -> pa.Table:
    """One row per firm and last day of a period, in that order.

    For each figure: what was reported goes before what was estimated, then the source named first in ``sources``
    (others follow, by alphabet), then the newest filing (``filed_on``, then its name), then the larger value. So the
    order of rows is of no consequence. Turnover of a period that is known to be no year is brought to 365 days; that
    of less than 90 days is left out.

    Args:
        accounts: Rows of the table accounts: firm_id, period_end, employees, turnover_gbp, source, imputed, and
            optionally filing, filed_on and period_start.
        sources: Sources, the one to believe first.

    Returns:
        firm_id, period_end, employees, employees_source, turnover_gbp, turnover_source, imputed (any of the two
        figures), employees_imputed, turnover_imputed. A row has at least one figure.

    Raises:
        TableError: A figure is not finite.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    accounts = _turnover_of_a_year(accounts)
    firms, firm = _coded(accounts["firm_id"])
    day = _numbers(accounts["period_end"].cast(pa.int32()))
    words, source = _coded(accounts["source"])
    imputed = _numbers(accounts["imputed"])
    order, starts = _in_order(accounts, firm, day, imputed, _ranks(words, sources)[source])
    columns: dict[str, Any] = {
        "firm_id": firms.take(pa.array(firm[order[starts]])),
        "period_end": accounts["period_end"].take(pa.array(order[starts])),
    }
    for figure, short in FIGURES.items():
        best = _first_known(accounts[figure], figure, order, starts)
        none, chosen = best < 0, np.maximum(best, 0)
        columns[figure] = pa.array(_numbers(pc.fill_null(accounts[figure], 0.0))[chosen], mask=none)
        columns[f"{short}_source"] = words.take(pa.array(source[chosen], mask=none))
        columns[f"{short}_imputed"] = pa.array(imputed[chosen] & ~none)
    settled = pa.table(columns)
    settled = settled.append_column("imputed", pc.or_(settled["employees_imputed"], settled["turnover_imputed"]))
    known = pc.or_(pc.is_valid(settled["employees"]), pc.is_valid(settled["turnover_gbp"]))
    names = ["firm_id", "period_end", "employees", "employees_source", "turnover_gbp", "turnover_source", "imputed"]
    return settled.filter(known).select([*names, "employees_imputed", "turnover_imputed"]).combine_chunks()


def _turnover_of_a_year(accounts: pa.Table) -> pa.Table:
    """Rows with the turnover of periods of another length brought to 365 days, null where they are too short."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if "period_start" not in accounts.schema.names or accounts["period_start"].null_count == len(accounts):
        return accounts
    ends, starts = (accounts[name].cast(pa.int32()) for name in ("period_end", "period_start"))
    days = pc.add(pc.subtract(ends, starts), 1)
    usual = pc.and_(pc.greater_equal(days, USUAL_DAYS[0]), pc.less_equal(days, USUAL_DAYS[1]))
    as_filed = pc.or_(pc.is_null(days), pc.fill_null(usual, True))
    said = accounts["turnover_gbp"]
    scaled = pc.divide(pc.multiply(said, float(YEAR_DAYS)), pc.max_element_wise(days.cast(pa.float64()), 1.0))
    scaled = pc.if_else(pc.greater_equal(days, SHORTEST_DAYS), scaled, pa.scalar(None, pa.float64()))
    place = accounts.schema.get_field_index("turnover_gbp")
    return accounts.set_column(place, "turnover_gbp", pc.if_else(as_filed, said, scaled))


def newest(settled: pa.Table, figure: str) -> pa.Table:
    """The latest known value of each firm: the later period goes before the better source.

    Args:
        settled: As :func:`settle` returns it, in that order.
        figure: ``employees`` or ``turnover_gbp``.

    Returns:
        firm_id, period_end, value, source, imputed; firms without a value are absent.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    short = FIGURES[figure]
    known = settled.filter(pc.is_valid(settled[figure])).combine_chunks()
    _, firm = _coded(known["firm_id"])
    last = np.flatnonzero(np.concatenate([firm[1:] != firm[:-1], [True]])) if len(firm) else firm
    found = known.take(pa.array(last)).select(["firm_id", "period_end", figure, f"{short}_source", f"{short}_imputed"])
    return found.rename_columns(["firm_id", "period_end", "value", "source", "imputed"])


def _coded(texts: pa.ChunkedArray) -> tuple[pa.Array, Numbers]:
    """The different texts in order, and each row's place among them.

    Only the first of equal texts in a row is looked up: the lake hands a firm's rows out beside each other.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = texts.combine_chunks()
    changes = np.concatenate([[True], _numbers(pc.not_equal(texts[1:], texts[:-1]))])[: len(texts)]
    coded = texts.filter(pa.array(changes)).dictionary_encode()
    by_text = _numbers(pc.sort_indices(coded.dictionary))
    place = np.empty(len(by_text), np.int32)
    place[by_text] = np.arange(len(by_text), dtype=np.int32)
    runs = place[_numbers(coded.indices)]
    lengths = np.diff(np.append(np.flatnonzero(changes), len(texts)))
    return coded.dictionary.take(pa.array(by_text)), np.repeat(runs, lengths)


def _ranks(words: pa.Array, sources: Sequence[str]) -> Numbers:
    """Rank of each source, the one to believe first 0; ``words`` are in alphabetical order."""
    import numpy as np

    named = {source: rank for rank, source in reversed(list(enumerate(sources)))}
    return np.array([named.get(word, len(sources) + at) for at, word in enumerate(words.to_pylist())], np.int64)


def _in_order(
    accounts: pa.Table, firm: Numbers, day: Numbers, imputed: Numbers, rank: Numbers
) -> tuple[Numbers, Numbers]:
    """Rows by firm and day, and among those the one to believe first; and where in that order each firm and day begins.

    Ties up to the day of filing are settled as text.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    names = accounts.schema.names
    if not len(firm):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    newest_first = np.zeros(len(firm), np.int64)
    if "filed_on" in names:
        never = (pc.min(accounts["filed_on"]).cast(pa.int32()).as_py() or 0) - 1
        newest_first = -_numbers(pc.fill_null(accounts["filed_on"].cast(pa.int32()), never)).astype(np.int64)
    trust, trust_bits = _packed([imputed.astype(np.int8), rank, newest_first])
    group, group_bits = _packed([firm, day])
    if group_bits + trust_bits < 63:
        key = (group << trust_bits) | trust
        order = np.argsort(key)
        key = key[order]
        new_group, tied = (key[1:] >> trust_bits) != (key[:-1] >> trust_bits), key[1:] == key[:-1]
    else:
        order = np.lexsort((trust, group))
        group, trust = group[order], trust[order]
        new_group = group[1:] != group[:-1]
        tied = ~new_group & (trust[1:] == trust[:-1])
    starts = np.flatnonzero(np.concatenate([[True], new_group]))
    if tied.any():
        places = np.flatnonzero(np.concatenate([tied, [False]]) | np.concatenate([[False], tied]))
        run = np.cumsum(~np.concatenate([[False], tied]))[places]
        order[places] = order[places][_by_filing(accounts, order[places], run)]
    return order, starts


def _by_filing(accounts: pa.Table, rows: Numbers, run: Numbers) -> Numbers:
    """Order within each run of tied rows: the name of the filing, last first, then the larger values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = [name for name in (*FIGURES, "filing") if name in accounts.schema.names]
    some = accounts.select(wanted).take(pa.array(rows))
    tied = {"run": pa.array(run)} | {name: some[name] for name in wanted}
    by = [(name, "descending") for name in ("filing", *FIGURES) if name in wanted]
    return _numbers(pc.sort_indices(pa.table(tied), [("run", "ascending"), *by]))


def _packed(parts: Sequence[Numbers]) -> tuple[Numbers, int]:
    """Whole numbers side by side in one, so that it sorts as they do; and how many bits that takes."""
    import numpy as np

    packed, bits = np.zeros(len(parts[0]), np.int64), 0
    for part in parts:
        least, width = int(part.min()), int(part.max() - part.min()).bit_length()
        packed = (packed << width) | (part.astype(np.int64) - least)
        bits += width
    return packed, bits


def _first_known(values: pa.ChunkedArray, figure: str, order: Numbers, starts: Numbers) -> Numbers:
    """Row of each group's first value, -1 where it has none."""
    import numpy as np
    import pyarrow.compute as pc

    if pc.any(pc.invert(pc.is_finite(values))).as_py():
        raise TableError(f"table accounts: {figure} is not a finite number somewhere; import the accounts again")
    if not len(order):
        return order
    valid = _numbers(pc.is_valid(values))[order]
    place = np.where(valid, np.arange(len(order)), len(order))
    first = np.minimum.reduceat(place, starts)
    return np.where(first < len(order), order[np.minimum(first, len(order) - 1)], -1)


def _numbers(values: pa.Array | pa.ChunkedArray) -> Numbers:
    found: Numbers = values.to_numpy(zero_copy_only=False)
    return found
