"""Gather what corrections of one moment rest on: firms, scores, audits, the model's own errors, and the setting for
unread firms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.firm_texts import Tables
from pipelines.judgements import current_judgements

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.model import SectorModel
    from labels.taxonomy import Taxonomy
    from pipelines.cluster_cells import Corrector
    from pipelines.counting import Listed
    from pipelines.rollup import Correct
    from pipelines.spreading import Ground
    from pipelines.statistics.firm_columns import FirmColumns
    from pipelines.workspace import Workspace

DAYS_A_YEAR = 365.25


def corrector_maker(workspace: Workspace, tables: Tables, taxonomy: Taxonomy, model: SectorModel) -> Correct | None:
    """What :func:`pipelines.rollup.rollup` makes its corrector with; None where there is nothing to correct by.

    Counted in fractions, by owner or trimmed, or with estimates for missing amounts, no figure is corrected: error
    rates are of whole firms, and a corrected figure without these rules would not be that of the one beside it.

    Raises:
        UsageError: A folder of ``audits/`` is not an audit as it was written.
    """
    from pipelines.audit_results import results
    from pipelines.counting import Corrections, Evidence
    from pipelines.current_audits import current_audits
    from pipelines.population import population

    audits, errors = current_audits(workspace), training_errors_of(model)
    rules = workspace.config.rollup
    plain = (rules.counting, rules.distortions, rules.missing_amounts) == ("whole", "flag", "left_out")
    if (not audits and errors is None) or not plain:
        return None
    judgements = current_judgements(workspace, taxonomy)
    evidence = Evidence(
        model.model_id, tuple((audit, results(audit, judgements, taxonomy)) for audit in audits), errors
    )

    def make(firms: FirmColumns, ground: Ground) -> Corrector:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = np.flatnonzero(firms.counts)
        ids = firms.firm_ids.take(pa.array(rows))
        whole = population(tables, taxonomy, model.model_id, ids)
        stand_in = rules.unread_firms == "like_read_of_same_size_and_age"
        if not stand_in:  # unread firms add nothing: in a register they are the most
            ids = pa.array(whole.firm_ids, pa.string())
            rows = np.asarray(pc.index_in(ids, value_set=firms.firm_ids)).astype(np.int64)
        listed = listed_firms(firms, ground, rows, _cells(firms, rows) if stand_in else None)
        return Corrections(taxonomy, whole, listed, evidence)

    return make


def listed_firms(
    firms: FirmColumns, ground: Ground, rows: NDArray[np.int64], cells: NDArray[np.int64] | None = None
) -> Listed:
    """Firms of a list as corrections take them.

    Args:
        firms: All firms.
        ground: Where they are.
        rows: ``(n,)`` rows of the firms that corrections are about.
        cells: ``(n,)`` size and age of each, when read firms are to stand for the others.
    """
    import numpy as np
    import pyarrow as pa

    from classifier.counting.sector_count import Entries
    from pipelines.counting import Kind, Listed

    row, atom, weight = ground.atoms.of(rows)
    return Listed(
        firms.firm_ids.take(pa.array(rows)),
        Entries(row, atom.astype(np.int64), weight, len(ground.atoms.codes)),
        {kind: Kind(spread.codes, ground.atoms_in[kind]) for kind, spread in ground.spreads.items()},
        {
            "employees": np.nan_to_num(firms.employees.newest[rows]),
            "turnover_gbp": np.nan_to_num(firms.turnover_gbp.newest[rows]),
        },
        cells,
    )


def training_errors_of(model: SectorModel) -> NDArray[np.int64] | None:
    """The model's out-of-fold errors, ``(n_sectors, 4)``; None in a bundle of a release that did not keep them."""
    found: Any = getattr(model, "training_errors", None)
    return None if found is None else found


def _cells(firms: FirmColumns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Size and age of each firm. Age counts back from the newest incorporation in the list: a clock would move
    figures."""
    import numpy as np

    from classifier.counting.unread import cells_by_size_and_age

    known = firms.begun[np.isfinite(firms.begun)]
    ages = (known.max(initial=-np.inf) - firms.begun[rows]) / DAYS_A_YEAR
    return cells_by_size_and_age(firms.employees.newest[rows], ages)
