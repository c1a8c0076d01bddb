"""How fast ``import register`` brings a whole register into the tables, beside pandas that only reads the file.

The file is generated as Companies House lays it out: 55 columns, every cell in quotes, SIC codes with their words,
companies that changed their name, real postcodes, and one row in 100,000 that is broken. The import is a process of its
own and ends with both tables committed; its second run finds nothing to change.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from pipelines.geography.lookup import lookup_folder
from pipelines.geography.postcodes import Places
from pipelines.setup import create_workspace
from tests.benchmarks.machine import BenchmarkError, describe, table
from tests.benchmarks.processes import Cost, measured

ROWS = 500_000
PEER = "pandas.read_csv"
NAME = "BasicCompanyDataAsOneFile-2025-11-01.csv"
TAXONOMY = "id: t\nversion: 1\nsectors:\n  - {key: air, name: Aerospace}\n"
IMPORT = """
import sys
from pathlib import Path
from pipelines.runs import start_run
from pipelines.sources.register import import_register
from pipelines.workspace import Workspace
with start_run(Workspace(Path(sys.argv[1])), "import register") as run:
    print(*import_register(run, Path(sys.argv[2])).sentences(), sep="\\n")
"""
READ = """
import sys
import pandas
columns = [1, 0, 9, 10, 11, 13, 14, 26, 27, 28, 29, *range(34, 54, 2)]
print(len(pandas.read_csv(sys.argv[2], usecols=columns, dtype=str, keep_default_na=False, on_bad_lines="skip")))
"""
HEADER = (
    "CompanyName, CompanyNumber,RegAddress.CareOf,RegAddress.POBox,RegAddress.AddressLine1, RegAddress.AddressLine2,"
    "RegAddress.PostTown,RegAddress.County,RegAddress.Country,RegAddress.PostCode,CompanyCategory,CompanyStatus,"
    "CountryOfOrigin,DissolutionDate,IncorporationDate,Accounts.AccountRefDay,Accounts.AccountRefMonth,"
    "Accounts.NextDueDate,Accounts.LastMadeUpDate,Accounts.AccountCategory,Returns.NextDueDate,Returns.LastMadeUpDate,"
    "Mortgages.NumMortCharges,Mortgages.NumMortOutstanding,Mortgages.NumMortPartSatisfied,Mortgages.NumMortSatisfied,"
    "SICCode.SicText_1,SICCode.SicText_2,SICCode.SicText_3,SICCode.SicText_4,LimitedPartnerships.NumGenPartners,"
    "LimitedPartnerships.NumLimPartners,URI"
    + "".join(f",PreviousName_{number}.CONDATE, PreviousName_{number}.CompanyName" for number in range(1, 11))
    + ",ConfStmtNextDueDate, ConfStmtLastMadeUpDate\n"
)


def run() -> None:
    """Print the table and the ratio; ``--rows N`` takes N companies instead of half a million."""
    rows = int(sys.argv[sys.argv.index("--rows") + 1]) if "--rows" in sys.argv else ROWS
    describe("pyarrow", "pyiceberg", "pandas")
    Places.open(lookup_folder(Path(tempfile.gettempdir())))  # made once per environment, not once per import
    with tempfile.TemporaryDirectory() as folder:
        file, workspace, taxonomy = Path(folder) / NAME, Path(folder) / "workspace", Path(folder) / "taxonomy.yaml"
        with file.open("w", encoding="utf-8") as out:
            out.writelines(_lines(rows))
        taxonomy.write_text(TAXONOMY, encoding="utf-8")
        create_workspace(workspace, str(taxonomy))
        print(f"{rows:,} rows, {file.stat().st_size / 1e6:,.0f} MB", flush=True)
        costs = {
            name: _cost(name, code, workspace, file)
            for name, code in (("import register", IMPORT), ("the same once more", IMPORT), (PEER, READ))
        }
    table(
        ["process", "seconds", "CPU s", "rows/s", "peak MiB"],
        [
            [name, f"{cost.seconds:.0f}", f"{cost.cpu_s:.0f}", f"{rows / cost.seconds:,.0f}", f"{cost.peak_mib:,.0f}"]
            for name, cost in costs.items()
        ],
    )
    ours, theirs = costs["import register"], costs[PEER]
    print(
        f"ratio: the import takes {ours.seconds / theirs.seconds:.2f} of the time in which {PEER} reads the file, ",
        end="",
    )
    print(f"and {ours.peak_mib / theirs.peak_mib:.2f} of its memory\n")


def _cost(name: str, code: str, workspace: Path, file: Path) -> Cost:
    cost = measured([sys.executable, "-c", code, str(workspace), str(file)])
    print(f"{name}: {cost.seconds:.0f} s\n  " + "\n  ".join(cost.output.strip().splitlines()), flush=True)
    if not cost.output.strip():
        raise BenchmarkError(f"{name} said nothing")
    return cost


def _lines(rows: int) -> Iterator[str]:
    rng = random.Random(1)
    words = ["".join(rng.choices("ABCDEFGHIKLMNOPRSTUVW", k=rng.randint(3, 9))) for _ in range(20_000)]
    sics = [f"{rng.randrange(1110, 99999):05} - {' '.join(rng.choices(words, k=5)).capitalize()}" for _ in range(730)]
    postcodes = _postcodes(rng)
    endings = ["LIMITED"] * 8 + ["LTD"] * 3 + ["LLP", "PLC", "CIC", "CAFÉ LTD", '""X"" LTD']
    statuses = ["Active"] * 17 + ["Active - Proposal to Strike off"] * 2 + ["Liquidation"]
    first, days = date(1990, 1, 1), (date(2025, 10, 31) - date(1990, 1, 1)).days
    dates = [f"{first + timedelta(days=number):%d/%m/%Y}" for number in range(days)]
    pick = rng.choice
    yield HEADER
    for number in range(rows):
        if number % 100_000 == 50_000:
            yield f'"CUT SHORT LIMITED","{number:08}","",""\n'
            continue
        company = f"SC{number:06}" if number % 17 == 0 and number < 1_000_000 else f"{number:08}"
        made_up, odd = pick(dates), rng.random()
        postcode = "" if odd < 0.01 else "NG7 2R" if odd < 0.012 else pick(postcodes)
        sic = '"None Supplied","","",""' if odd > 0.98 else f'"{pick(sics)}","{pick(sics) if odd > 0.8 else ""}","",""'
        before = f'"{made_up}","{pick(words)} LIMITED"' if odd > 0.9 else '"",""'
        yield (
            f'"{pick(words)} {pick(words)} {pick(endings)}","{company}","","","{number % 300} {pick(words)} STREET",'
            f'"{pick(words)}","{pick(words)}","","ENGLAND","{postcode}","Private Limited Company","{pick(statuses)}",'
            f'"United Kingdom","","{made_up}","31","7","29/04/2026","31/07/2024","MICRO ENTITY","26/08/2026","",'
            f'"0","0","0","0",{sic},"0","0","http://business.data.gov.uk/id/company/{company}",{before},'
            f'"","","","","","","","","","","","","","","","","","","11/08/2026",""\n'
        )


def _postcodes(rng: random.Random) -> list[str]:
    """200,000 postcodes of the directory, in its usual form."""
    from pipelines.geography.lookup import _parts

    found: list[str] = []
    for part in _parts():
        found += [f"{text[:-3].strip()} {text[-3:]}" for text in rng.sample(part["pcd"], len(part["pcd"]) // 12)]
    return found
