"""Gather what corrections of one moment rest on: firms, scores, audits, the model's own errors, and the setting for
unread firms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipelines.firm_texts import Tables
from pipelines.frames import rows
from pipelines.judgements import current_judgements
from pipelines.rollup import Corrector

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from classifier.model import SectorModel
    from labels.taxonomy import Taxonomy
    from pipelines.firm_facts import Amount
    from pipelines.rollup import AreaKey
    from pipelines.workspace import Workspace

Maker = Callable[[Mapping[str, "tuple[AreaKey, ...]"], Mapping[str, "Mapping[str, Amount]"]], Corrector]
DAYS_A_YEAR = 365.25


def corrector_maker(
    workspace: Workspace, tables: Tables, taxonomy: Taxonomy, model: SectorModel, firms: pd.DataFrame
) -> Maker | None:
    """What :func:`pipelines.rollup.rollup` makes its corrector with; None where there is nothing to correct by.

    Raises:
        UsageError: A folder of ``audits/`` is not an audit as it was written.
    """
    from pipelines.audit_results import results
    from pipelines.counting import Corrections, Evidence, Listed
    from pipelines.current_audits import current_audits
    from pipelines.population import population

    audits, errors = current_audits(workspace), training_errors_of(model)
    if not audits and errors is None:
        return None
    judgements = current_judgements(workspace, taxonomy)
    evidence = Evidence(
        model.model_id, tuple((audit, results(audit, judgements, taxonomy)) for audit in audits), errors
    )
    stand_in = workspace.config.rollup.unread_firms == "like_read_of_same_size_and_age"

    def make(areas: Mapping[str, tuple[AreaKey, ...]], amounts: Mapping[str, Mapping[str, Amount]]) -> Corrector:
        import numpy as np

        firm_ids = tuple(sorted(areas))
        sizes = {
            metric: np.array(
                [known[firm_id].value if firm_id in known else 0.0 for firm_id in firm_ids], dtype=np.float64
            )
            for metric, known in amounts.items()
        }
        listed = Listed(
            firm_ids, tuple(areas[firm_id] for firm_id in firm_ids), sizes,
            _cells(firm_ids, firms, amounts["employees"]) if stand_in else None,
        )  # fmt: skip
        return Corrections(taxonomy, population(tables, taxonomy, model.model_id, areas.keys()), listed, evidence)

    return make


def training_errors_of(model: SectorModel) -> NDArray[np.int64] | None:
    """The model's out-of-fold errors, ``(n_sectors, 4)``; None in a bundle of a release that did not keep them."""
    found: Any = getattr(model, "training_errors", None)
    return None if found is None else found


def _cells(firm_ids: tuple[str, ...], firms: pd.DataFrame, employees: Mapping[str, Amount]) -> NDArray[np.int64]:
    """Size and age of each firm. Age counts back from the newest incorporation in the list: a clock would move
    figures."""
    import numpy as np

    from classifier.counting.unread import cells_by_size_and_age

    began = {firm_id: day for firm_id, day in rows(firms, ("firm_id", "incorporated_on")) if day is not None}
    newest = max(began.values(), default=None)
    ages = [
        (newest - began[firm_id]).days / DAYS_A_YEAR if newest is not None and firm_id in began else float("nan")
        for firm_id in firm_ids
    ]
    sizes = [employees[firm_id].value if firm_id in employees else float("nan") for firm_id in firm_ids]
    return cells_by_size_and_age(np.array(sizes, dtype=np.float64), np.array(ages, dtype=np.float64))
