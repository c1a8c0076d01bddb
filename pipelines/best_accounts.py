"""The accounts as figures take them: for each firm and period the value of the source that is believed first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.sources.precedence import settle

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def best_accounts(accounts: pa.Table, sources: Sequence[str]) -> pd.DataFrame:
    """One row per firm and period, with the columns of the table ``accounts`` that lists show.

    Args:
        accounts: Table ``accounts``.
        sources: Sources, the one to believe first (``rollup.amount_sources``).
    """
    import pyarrow.compute as pc

    settled = settle(accounts, sources)
    source = pc.coalesce(settled["employees_source"], settled["turnover_source"])
    columns = ["firm_id", "period_end", "employees", "turnover_gbp", "imputed"]
    frame: pd.DataFrame = settled.select(columns).append_column("source", source).to_pandas()
    return frame
