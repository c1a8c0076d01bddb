"""Draw up the two lists that have millions of rows, scores and cells, column by column.

Their rows never become Python objects: a text that stands in a million rows is looked at once. Rows and order are those
that ``DATA.md`` states, and no choice here is left to the order in which a table is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crawler.e_mail import without_e_mail
from labels.taxonomy import NONE
from pipelines.errors import TableError
from pipelines.exporting.columns import CELLS_EXPORT, SCORES_EXPORT
from pipelines.geography.areas import shipped
from pipelines.rollup import AREA_KINDS, CORRECTED, METRICS
from pipelines.statistics.catalogue import metric_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from labels.taxonomy import Taxonomy
    from pipelines.tables import Column

BELOW_THRESHOLD = "threshold not passed"


def in_short(parts: Iterable[pa.Table]) -> pa.Table:
    """Parts of a table as one, in which a text that stands in many rows is held once."""
    import pyarrow as pa

    short = []
    for part in parts:
        texts = [pa.types.is_string(field.type) for field in part.schema]
        columns = [
            column.combine_chunks().dictionary_encode() if is_text else column
            for column, is_text in zip(part.columns, texts, strict=True)
        ]
        short.append(pa.table(columns, names=part.column_names))
    return pa.concat_tables(short).unify_dictionaries().combine_chunks()


def in_full(rows: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Rows of an export in its own schema, however their texts are held."""
    return rows.cast(export_schema(columns)).combine_chunks()


def export_schema(columns: Sequence[Column]) -> pa.Schema:
    """Arrow schema of an export."""
    import pyarrow as pa

    types: dict[str, pa.DataType] = {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "instant": pa.timestamp("us", tz="UTC"),
        "date": pa.date32(),
        "vector": pa.list_(pa.float64()),
    }
    return pa.schema([pa.field(column.name, types[column.kind]) for column in columns])


def cells_list(taxonomy: Taxonomy, cells: pa.Table) -> pa.Table:
    """Cells as they stand in the table, columns ``CELLS_EXPORT``, in taxonomy order, then by area and metric.

    Texts come back as they were given, in full or in short (:func:`in_short`).
    """
    import pyarrow as pa

    metrics = (*METRICS, *CORRECTED.values())
    codes = {name: _Texts(cells[name]) for name in ("cluster", "area_kind", "area_code", "metric", "period")}
    keys = [
        codes["cluster"].ranks(taxonomy.counted), codes["area_kind"].ranks(AREA_KINDS), codes["area_code"].ranks(()),
        codes["metric"].ranks(metrics),
    ]  # fmt: skip
    keys += [codes[name].ranks(()) for name in ("cluster", "area_kind", "metric", "period")]
    order = np.lexsort(keys[::-1])
    taken = cells.select([name for name in _names(CELLS_EXPORT) if name in cells.column_names]).take(pa.array(order))
    areas = shipped()
    kind, code = codes["area_kind"], codes["area_code"]
    pair = kind.place[order] * len(code.texts) + code.place[order]
    pairs, at = np.unique(pair, return_inverse=True)
    names = [areas.name_of(kind.texts[one // len(code.texts)], code.texts[one % len(code.texts)]) for one in pairs]
    units = pa.array([unit_of(name) for name in codes["metric"].texts], pa.string())
    made = {
        "area_name": pa.array(names, pa.string()).take(pa.array(at)),
        "unit": units.take(pa.array(codes["metric"].place[order])),
    }
    return _as_export(
        CELLS_EXPORT, {name: made[name] if name in made else taken[name] for name in _names(CELLS_EXPORT)}
    )


def unit_of(metric: str) -> str | None:
    """Unit of a metric; None of one that this release does not know."""
    try:
        return metric_of(metric).unit
    except TableError:
        return None


def scores_list(
    taxonomy: Taxonomy, firm_ids: pa.ChunkedArray, scores: pa.Table, assignments: pa.Table,
    unscored: Callable[[Sequence[str], Mapping[str, str]], Sequence[str]],
) -> pa.Table:  # fmt: skip
    """Scores, one row per firm and sector, columns ``SCORES_EXPORT``, sorted by firm_id, then in taxonomy order.

    Args:
        taxonomy: Sectors.
        firm_ids: Firms of the list.
        scores: Table ``scores``.
        assignments: Table ``assignments``.
        unscored: Why firms have no score: given their ids, and the reason for ``none`` of firms that have one.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = firm_ids.combine_chunks().take(pc.sort_indices(firm_ids.combine_chunks()))
    firm, made = _place(assignments["firm_id"], ids), _Texts(assignments["model_id"])
    scored_firm, scored_by = _place(scores["firm_id"], ids), scores["model_id"]
    # A score of a model that no longer decides is not what the assignment beside it was made from.
    model = np.asarray(pc.fill_null(pc.index_in(scored_by, value_set=pa.array(made.texts, pa.string())), -2))
    first, last = np.full(len(ids), np.iinfo(np.int64).max), np.full(len(ids), -3)
    known = firm >= 0
    np.minimum.at(first, firm[known], made.place[known])
    np.maximum.at(last, firm[known], made.place[known])
    undecided = last == -3
    kept = np.flatnonzero(scored_firm >= 0)
    at = scored_firm[kept]
    kept = kept[undecided[at] | ((first[at] == last[at]) & (model[kept] == last[at]))]
    assigned = np.flatnonzero(known & np.asarray(assignments["assigned"]).astype(np.bool_))
    sector = _Texts(pa.chunked_array([*assignments["sector"].chunks, *scores["sector"].chunks], pa.string()))
    order = sector.ranks(taxonomy.keys) * (len(sector.texts) + 1) + sector.ranks(())
    rows = np.concatenate([assigned, kept + assignments.num_rows])
    of_firm, of_sector = np.concatenate([firm[assigned], scored_firm[kept]]), order[rows]
    is_score = np.arange(len(rows)) >= len(assigned)
    sorting = np.lexsort((is_score, of_sector, of_firm))
    rows, of_firm, of_sector, is_score = rows[sorting], of_firm[sorting], of_sector[sorting], is_score[sorting]
    same = np.zeros(len(rows), dtype=np.bool_)  # as the row before: a pair is its assignment's row, then its score's
    same[1:] = (of_firm[1:] == of_firm[:-1]) & (of_sector[1:] == of_sector[:-1])
    starts = np.flatnonzero(~same)
    ends = np.append(starts, len(rows))[1:] - 1
    chances = pa.chunked_array([*assignments["probability"].chunks, *scores["probability"].chunks], pa.float64())
    in_it = ~is_score[starts]
    reasons = pa.concat_arrays([pc.fill_null(assignments["reason"], "").combine_chunks(), pa.array([BELOW_THRESHOLD])])
    silent = np.setdiff1d(np.arange(len(ids)), of_firm)
    stated = _stated(assignments, firm, silent, ids)
    lacking = ids.take(pa.array(silent))
    texts = pa.array([without_e_mail(one) for one in unscored(lacking.to_pylist(), stated)], pa.string())
    place = np.concatenate([of_firm[starts], silent])
    back = pa.array(np.argsort(place, kind="stable"))

    def both(of_pairs: pa.Array, of_silent: pa.Array) -> pa.Array:
        return pa.concat_arrays([of_pairs, of_silent]).take(back)

    said = reasons.take(pa.array(np.where(in_it, rows[starts], len(reasons) - 1)))
    everything = pa.chunked_array([*assignments["sector"].chunks, *scores["sector"].chunks], pa.string())
    count = len(silent)
    return _as_export(SCORES_EXPORT, {
        "firm_id": both(ids.take(pa.array(of_firm[starts])), lacking),
        "sector": both(_one(everything.take(pa.array(rows[starts]))), pa.array([NONE] * count, pa.string())),
        "probability": both(_one(chances.take(pa.array(rows[ends]))), pa.nulls(count, pa.float64())),
        "assigned": both(pa.array(in_it), pa.array([False] * count, pa.bool_())),
        "reason": both(_each(said, without_e_mail), texts),
    })  # fmt: skip


class _Texts:
    """A column of texts as places among its different texts; -1 where it has none."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        encoded = _one(column)
        encoded = encoded if pa.types.is_dictionary(encoded.type) else encoded.dictionary_encode()
        self.texts: list[str] = encoded.dictionary.to_pylist()
        self.place: NDArray[np.int64] = np.asarray(pc.fill_null(encoded.indices, -1)).astype(np.int64)

    def ranks(self, known: Sequence[str]) -> NDArray[np.int64]:
        """Of every row: the place among known texts, those unknown behind them; without any, alphabetical."""
        order = {text: rank for rank, text in enumerate(known or sorted(self.texts))}
        of_text = np.array([*(order.get(text, len(order)) for text in self.texts), -1], dtype=np.int64)
        return np.asarray(of_text[self.place])


def _stated(assignments: pa.Table, firm: NDArray[np.int64], silent: NDArray[np.int64], ids: pa.Array) -> dict[str, str]:
    """Reason for ``none`` of some firms."""
    import pyarrow as pa
    import pyarrow.compute as pc

    of_none = np.asarray(pc.equal(assignments["sector"], NONE)).astype(np.bool_)
    rows = pa.array(np.flatnonzero(np.isin(firm, silent) & (firm >= 0) & of_none))
    of_firms = ids.take(pa.array(firm).take(rows)).to_pylist()
    return dict(zip(of_firms, assignments["reason"].take(rows).to_pylist(), strict=True))


def _place(column: pa.ChunkedArray, ids: pa.Array) -> NDArray[np.int64]:
    import pyarrow.compute as pc

    return np.asarray(pc.fill_null(pc.index_in(column, value_set=ids), -1)).astype(np.int64)


def _each(column: pa.Array, change: Callable[[str], str]) -> pa.Array:
    """The column with each different text changed."""
    import pyarrow as pa

    encoded = column.dictionary_encode()
    return pa.array([change(text) for text in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _as_export(columns: Sequence[Column], made: Mapping[str, Any]) -> pa.Table:
    import pyarrow as pa

    schema = export_schema(columns)
    return pa.table([_one(made[field.name]).cast(field.type) for field in schema], schema=schema)


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    import pyarrow as pa

    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _names(columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns]
