"""Counts and sums of generated tables by a pandas groupby and by DuckDB, as an analyst would write them down."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

KINDS = {"region": "region", "lad": "lad_code", "h3": "h3"}


def by_duckdb() -> None:
    """One SQL statement per table on the way; writes ``duckdb.parquet``."""
    import duckdb

    folder = Path(sys.argv[1])
    base = duckdb.connect()
    base.execute("set threads = 2; set enable_progress_bar = false")
    _regions().to_parquet(folder / "regions.parquet")
    for name in ("firms", "premises", "accounts", "assignments", "regions"):
        base.execute(f"create view {name} as select * from '{folder / f'{name}.parquet'}'")
    base.execute("""
        create table share as
        select p.firm_id, p.lad_code, p.h3, r.region, 1.0 / count(*) over (partition by p.firm_id) as weight
        from premises p join regions r using (lad_code)
    """)
    base.execute("""
        create table newest as
        select firm_id, arg_max(employees, period_end) filter (employees is not null) as employees,
               arg_max(turnover_gbp, period_end) filter (turnover_gbp is not null) as turnover_gbp
        from accounts group by firm_id
    """)
    parts = []
    for kind, column in KINDS.items():
        sums = f"from assignments a join share s using (firm_id) join firms f using (firm_id)"  # noqa: F541
        parts.append(f"""
            select sector as cluster, '{kind}' as area_kind, {column} as area_code, metric, 'latest' as period, value
            from (
                select sector, {column}, sum(weight) as businesses, sum(weight * employees) as employees,
                       sum(weight * turnover_gbp) as turnover_gbp
                {sums} left join newest n using (firm_id) where f.status = 'Active' group by all
            ) unpivot (value for metric in (businesses, employees, turnover_gbp))""")
        parts.append(f"""
            select sector, '{kind}', {column}, metric, year::varchar, value from (
                select sector, {column}, year(period_end) as year, sum(weight * employees) as employees,
                       sum(weight * turnover_gbp) as turnover_gbp
                {sums} join accounts c using (firm_id) group by all
            ) unpivot (value for metric in (employees, turnover_gbp))""")
        parts.append(f"""
            select sector, '{kind}', {column}, 'businesses', y.year::varchar, sum(weight)
            {sums} join range(2016, 2026) y(year)
                on incorporated_on <= make_date(y.year, 12, 31)
                   and (dissolved_on is null or dissolved_on > make_date(y.year, 12, 31)) group by all""")
        parts.append(f"""
            select sector, '{kind}', {column}, 'incorporations', year(incorporated_on)::varchar, sum(weight)
            {sums} where year(incorporated_on) between 2016 and 2025 group by all""")
    base.execute(f"copy ({' union all '.join(parts)}) to '{folder / 'duckdb.parquet'}'")
    print(f"{base.sql(f'''select count(*) from '{folder / 'duckdb.parquet'}' ''').fetchall()[0][0]:,}")


def by_pandas() -> None:
    """Merge and group; writes ``pandas.parquet``."""
    import pandas as pd

    folder = Path(sys.argv[1])
    firms, premises, accounts, assignments = (
        pd.read_parquet(folder / f"{name}.parquet") for name in ("firms", "premises", "accounts", "assignments")
    )
    premises = premises.merge(_regions(), on="lad_code")
    premises["weight"] = 1.0 / premises.groupby("firm_id")["firm_id"].transform("size")
    ordered = accounts.sort_values(["firm_id", "period_end"])
    newest = ordered.groupby("firm_id")[["employees", "turnover_gbp"]].last()
    members = assignments.merge(firms[["firm_id", "status", "incorporated_on", "dissolved_on"]], on="firm_id")
    members = members.merge(premises[["firm_id", "region", "lad_code", "h3", "weight"]], on="firm_id")
    today = members[members["status"] == "Active"].merge(newest, left_on="firm_id", right_index=True, how="left")
    yearly = members.merge(accounts, on="firm_id")
    yearly["period"] = pd.to_datetime(yearly["period_end"]).dt.year.astype(str)
    begun = pd.to_datetime(members["incorporated_on"])
    ended = pd.to_datetime(members["dissolved_on"])
    found = []
    for kind, column in KINDS.items():
        by = ["sector", column]
        now = today.assign(businesses=1.0)
        for metric in ("businesses", "employees", "turnover_gbp"):
            found.append(_cells(now, by, metric, kind, "latest"))
        for metric in ("employees", "turnover_gbp"):
            sums = (yearly[metric] * yearly["weight"]).groupby([yearly[name] for name in [*by, "period"]])
            found.append(_named(sums.sum(min_count=1).dropna().reset_index(name="value"), metric, kind))
        for year in range(2016, 2026):
            end = pd.Timestamp(year, 12, 31)
            alive = members[(begun <= end) & ~(ended <= end)].assign(businesses=1.0)
            found.append(_cells(alive, by, "businesses", kind, str(year)))
            new = members[begun.dt.year == year].assign(incorporations=1.0)
            found.append(_cells(new, by, "incorporations", kind, str(year)))
    cells = pd.concat(found)
    cells.to_parquet(folder / "pandas.parquet")
    print(f"{len(cells):,}")


def _cells(rows: Any, by: list[str], metric: str, kind: str, period: str) -> Any:
    weighted = rows.assign(value=rows[metric] * rows["weight"])
    sums = weighted.groupby(by)["value"].sum(min_count=1).dropna().reset_index().assign(period=period)
    return _named(sums, metric, kind)


def _named(sums: Any, metric: str, kind: str) -> Any:
    area = next(name for name in KINDS.values() if name in sums)
    named = sums.rename(columns={"sector": "cluster", area: "area_code"}).assign(metric=metric, area_kind=kind)
    return named[["cluster", "area_kind", "area_code", "metric", "period", "value"]]


def _regions() -> Any:
    """Region of each district."""
    import pandas as pd

    from pipelines.geography.areas import Areas

    areas = Areas.load()
    lads = areas.codes("lad")
    found = [(code, district.code("region")) for code in lads if (district := areas.district(code))]
    return pd.DataFrame(found, columns=["lad_code", "region"])
