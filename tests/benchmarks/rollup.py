"""Every metric of 50 sectors by district, region and hexagon, beside a pandas groupby and DuckDB on the same tables.

Five million firms with premises and accounts of up to ten years are generated as Parquet. Each contestant is a process
of its own that reads them and ends with a table of cells. The peers work out counts and sums alone (businesses,
employees and turnover, today and by year, and incorporations); ours adds growth, quotients, ownership, concentration,
classes and the error bars of a corrected count. The three agree on what all of them work out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.machine import BenchmarkError, describe, table
from tests.benchmarks.processes import measured

FIRMS = 5_000_000
SECTORS = 50
YEARS = tuple(range(2016, 2026))
PREVALENCE = (0.0003, 0.02)  # of all firms; sectors lie evenly between on a log scale, as the reports' thirty do
READ = 0.3  # firms whose website can be read
PLACES = 60_000  # hexagons with a firm in it
OURS = "from tests.benchmarks.rollup_ours import main; main()"
PANDAS = "from tests.benchmarks.rollup_peers import by_pandas; by_pandas()"
DUCKDB = "from tests.benchmarks.rollup_peers import by_duckdb; by_duckdb()"


def run() -> None:
    """Print the table and the ratios; ``--rows N`` takes N firms instead of five million."""
    firms = int(sys.argv[sys.argv.index("--rows") + 1]) if "--rows" in sys.argv else FIRMS
    describe("numpy", "pyarrow", "pandas", "duckdb")
    with tempfile.TemporaryDirectory() as folder:
        sizes = generate(Path(folder), firms)
        costs = {
            name: measured([sys.executable, "-c", code, folder])
            for name, code in (("firmscope", OURS), ("DuckDB", DUCKDB), ("pandas groupby", PANDAS))
        }
        rows = [
            [name, f"{cost.seconds:.0f}", f"{cost.cpu_s:.0f}", f"{cost.peak_mib:,.0f}", cost.output.split("\n")[0]]
            for name, cost in costs.items()
        ]
        table(["", "seconds", "CPU s", "peak MiB", "cells"], rows)
        compared = _compare(Path(folder))
    print(f"{firms:,} firms, {sizes['premises']:,} premises, {sizes['accounts']:,} rows of accounts, "
          f"{sizes['assignments']:,} memberships of {SECTORS} sectors")  # fmt: skip
    print(f"{compared:,} cells of the peers were compared with ours: equal to a part in a million")
    for peer in ("DuckDB", "pandas groupby"):
        ratio = costs[peer].seconds / costs["firmscope"].seconds
        print(f"ratio: {peer} takes {ratio:.2f} times as long, for counts and sums alone")
    print()


def generate(folder: Path, firms: int) -> dict[str, int]:
    """Write the tables; returns their rows."""
    rng = np.random.default_rng(0)
    ids = pa.array(np.char.mod("%08d", np.arange(firms)), pa.string())
    nothing = {kind: pa.nulls(firms, kind) for kind in (pa.string(), pa.bool_(), pa.list_(pa.string()))}
    begun = (rng.beta(3, 1, firms) * 45 * 365.25).astype(np.int32) + 4_000  # most are young
    gone = rng.random(firms) < 0.1
    ended = np.where(gone, begun + rng.integers(300, 5_000, firms), 0).astype(np.int32)
    gone &= ended < 20_400
    owned = rng.random(firms)
    pq.write_table(pa.table({
        "firm_id": ids, "company_number": ids, "status": pa.array(np.where(gone, "Dissolved", "Active")),
        "incorporated_on": pa.array(begun, pa.int32()).cast(pa.date32()),
        "dissolved_on": pa.array(ended, pa.int32(), mask=~gone).cast(pa.date32()),
        "sic_codes": nothing[pa.list_(pa.string())],
        "parent_id": nothing[pa.string()], "foreign_owned": pa.array(owned < 0.03, mask=owned > 0.9),
        "owner_country": pa.array(np.array(["US", "DE", "FR", "JP"])[rng.integers(0, 4, firms)], mask=owned >= 0.03),
        "register_date": pa.array(np.full(firms, 20_453, np.int32)).cast(pa.date32()),
    }), folder / "firms.parquet")  # fmt: skip
    sizes = {"premises": _premises(folder, rng, ids, firms), "accounts": _accounts(folder, rng, begun, ended, gone)}
    shares = np.exp(np.linspace(np.log(PREVALENCE[0]), np.log(PREVALENCE[1]), SECTORS))
    found, sector = [], []
    for number, share in enumerate(shares):
        members = np.flatnonzero(rng.random(firms) < share)
        found.append(members)
        sector.append(np.full(len(members), number))
    place = np.concatenate(found)
    names = pa.array([f"sector_{number:02d}" for number in range(SECTORS)])
    pq.write_table(pa.table({
        "firm_id": ids.take(pa.array(place)), "sector": names.take(pa.array(np.concatenate(sector))),
        "assigned": pa.repeat(True, len(place)),
    }), folder / "assignments.parquet")  # fmt: skip
    in_one = np.zeros(firms, dtype=np.bool_)
    in_one[place] = True
    pq.write_table(
        pa.table({"firm_id": ids.filter(pa.array(in_one | (rng.random(firms) < READ)))}), folder / "read.parquet"
    )
    return sizes | {"assignments": len(place)}


def _premises(folder: Path, rng: np.random.Generator, ids: pa.Array, firms: int) -> int:
    from pipelines.geography.areas import Areas

    lads = np.array(Areas.load().codes("lad"))
    lads = lads[[not code.startswith("N") for code in lads]]
    more = np.flatnonzero(rng.random(firms) < 0.12)
    firm = np.concatenate([np.arange(firms), more])
    hexagon = (PLACES * rng.beta(0.6, 2.5, len(firm))).astype(np.int64)  # a few hexagons hold very many
    letters = np.array(["NG", "B", "M", "LS", "EC", "SW", "CF", "EH", "G", "BS", "DE", "LE", "CV", "S", "L", "NE"])
    pq.write_table(pa.table({
        "firm_id": ids.take(pa.array(firm)),
        "postcode": pa.array(np.char.add(letters[hexagon % 16], np.char.mod("%d 1AA", hexagon))),
        "kind": pa.array(np.where(np.arange(len(firm)) < firms, "registered", "trading")),
        "source": pa.array(np.where(np.arange(len(firm)) < firms, "register", "website")),
        "lad_code": pa.array(lads[(hexagon * 7919) % len(lads)]), "h3": pa.array(np.char.mod("88%013x", hexagon)),
        "lat": pa.nulls(len(firm), pa.float64()), "lon": pa.nulls(len(firm), pa.float64()),
        "employees": pa.nulls(len(firm), pa.float64()),
    }), folder / "premises.parquet")  # fmt: skip
    return len(firm)


def _accounts(folder: Path, rng: np.random.Generator, begun, ended, gone) -> int:  # type: ignore[no-untyped-def]
    """Ten years at most; six firms in ten say how many they employ, one in twenty what it turns over."""
    firms, rows = len(begun), 0
    size = np.exp(rng.normal(1.2, 1.3, firms))
    speaks, sells = rng.random(firms) < 0.6, rng.random(firms) < 0.05
    schema = pa.schema([("firm_id", pa.string()), ("period_end", pa.date32()), ("employees", pa.float64()),
                        ("turnover_gbp", pa.float64()), ("source", pa.string()), ("imputed", pa.bool_())])  # fmt: skip
    with pq.ParquetWriter(folder / "accounts.parquet", schema) as writer:
        for year in YEARS:
            day = int(np.datetime64(f"{year}-03-31", "D").astype(np.int64))
            filed = np.flatnonzero((begun < day - 270) & (~gone | (ended > day)))
            jobs = np.round(size[filed] * np.exp(rng.normal(0.02 * (year - 2016), 0.1, len(filed))))
            writer.write_table(pa.table({
                "firm_id": pa.array(np.char.mod("%08d", filed)),
                "period_end": pa.array(np.full(len(filed), day, np.int32)).cast(pa.date32()),
                "employees": pa.array(jobs, mask=~speaks[filed]),
                "turnover_gbp": pa.array(np.round(jobs * 120_000), mask=~sells[filed]),
                "source": pa.repeat("accounts", len(filed)), "imputed": pa.repeat(False, len(filed)),
            }, schema=schema))  # fmt: skip
            rows += len(filed)
    return rows


def _compare(folder: Path) -> int:
    """Refuse figures on which the contestants do not agree."""
    import duckdb

    ours, compared = folder / "ours.parquet", 0
    for peer in ("duckdb", "pandas"):
        theirs = folder / f"{peer}.parquet"
        base = duckdb.connect()
        off, both, alone = base.execute(f"""
            select count(*) filter (abs(a.value - b.value) > 1e-6 * greatest(1, abs(b.value))), count(a.value),
                   count(*) filter (a.value is null and b.value <> 0)
            from '{theirs}' b left join '{ours}' a using (cluster, area_kind, area_code, metric, period)
            where not (b.area_kind = 'h3' and b.period <> 'latest')
        """).fetchall()[0]
        if off or alone or not both:
            raise BenchmarkError(f"{peer}: {off:,} of {both:,} cells differ from ours, {alone:,} are missing there")
        compared += both
    return compared
