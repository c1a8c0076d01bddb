"""Bulk files and single filings into the table accounts: each ends as figures or a reason, twice is as good as once."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import UsageError
from pipelines.firm_lists import read_firm_list
from pipelines.importing import import_firms
from pipelines.runs import start_run
from pipelines.sources import accounts as module
from pipelines.sources import accounts_bulk
from pipelines.sources.accounts import AccountsReport, import_accounts
from pipelines.workspace import Workspace
from tests.kills import points
from tests.pipelines.sources.filings import bulk_file, filing, member, people, sales, zipped

SHARED = Path(__file__).parents[4] / "shared" / "geo" / "accounts_bulk_samples"
FIRMS = "firm_id,name,website,company_number\nf1,One,one.example,12345\nf2,Two,two.example,NI681295\n"
GOOD = filing(people("12"), people("11", "before"), sales("500"))
OF_TWO = filing(people("3"), number="NI681295")


def listed(workspace: Workspace, tmp_path: Path, content: str = FIRMS) -> Workspace:
    path = tmp_path / "firms.csv"
    path.write_text(content, encoding="utf-8")
    with start_run(workspace, "import firms") as run:
        import_firms(run, read_firm_list(path, date(2023, 1, 1)))
    return workspace


@pytest.fixture
def two_firms(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with the firms f1 (00012345) and f2 (NI681295)."""
    return listed(workspace, tmp_path)


def take(workspace: Workspace, path: Path) -> AccountsReport:
    with start_run(workspace, "import accounts") as run:
        return import_accounts(run, path)


def held(workspace: Workspace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = workspace.lake.read_arrow("accounts").to_pylist()
    return sorted(rows, key=lambda row: (row["firm_id"], row["period_end"], row["source"], row["filing"] or ""))


def dropped(workspace: Workspace) -> dict[str, str]:
    """Subject and reason of all that was dropped."""
    found: dict[str, str] = {}
    for path in workspace.runs_folder.glob("*/dropped.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            found |= {row["subject"]: row["reason"] for row in csv.DictReader(file)}
    return found


def test_every_column_arrives(two_firms: Workspace, tmp_path: Path) -> None:
    report = take(two_firms, bulk_file(tmp_path, {member(): GOOD, member("NI681295"): OF_TWO}))
    rows = held(two_firms)
    first = {key: value for key, value in rows[1].items() if key != "shard"}
    assert first == {
        "firm_id": "f1",
        "period_end": date(2022, 12, 31),
        "employees": 12.0,
        "turnover_gbp": 500.0,
        "source": "accounts",
        "imputed": False,
        "filing": "Prod223_3384_00012345_20221231.html",
        "filed_on": date(2023, 3, 2),
        "period_start": date(2022, 1, 1),
    }
    assert [(row["firm_id"], row["period_end"].year, row["employees"]) for row in rows] == [
        ("f1", 2021, 11.0),
        ("f1", 2022, 12.0),
        ("f2", 2022, 3.0),
    ]
    assert report.sentences() == [
        "2 of 2 filings taken: 3 periods of 2 firms, employees in 3, turnover in 1",
    ]


def test_every_filing_ends_as_figures_or_a_reason(two_firms: Workspace, tmp_path: Path) -> None:
    cic = zipped({"CIC/accounts/a.xhtml": GOOD, "CIC/cic34/report.xhtml": filing(), "../x/empty/": b""})
    members = {
        member(): GOOD,
        member(day="20211231"): filing(),
        member(day="20201231"): b"not XML",
        member(day="20191231"): b"<a/>",
        member(day="20181231"): filing(people("1"), number="99999999"),
        member("77777777"): b"never looked at",
        member("NI681295", day="20170101"): filing(people("-4")),
        member("00012345", day="20160101_CIC", ending="zip"): zipped(
            {"CIC/accounts/a.xhtml": GOOD, "CIC/cic34/report.xhtml": filing()}
        ),
        member(day="20150101", ending="zip"): GOOD,
        member(day="20140101", ending="zip"): cic,
        "again/" + member(): GOOD,
        "by hand.html": filing(people("9"), number="NI681295"),
        "stranger.html": filing(people("9"), number="66666666"),
        "__MACOSX/._" + member(): b"x",
        "readme.txt": b"x",
    }
    report = take(two_firms, bulk_file(tmp_path, members))
    assert dropped(two_firms) == {
        member(): "filing_twice",
        member(day="20211231"): "no_figures",
        member(day="20201231"): "not_xml",
        member(day="20191231"): "not_accounts",
        member(day="20181231"): "other_company",
        member("77777777"): "not_in_firm_list",
        member("NI681295", day="20170101"): "other_company",
        member(day="20140101", ending="zip"): "zip_refused",
        "stranger.html": "not_in_firm_list",
    }
    assert (report.given, report.taken, report.dropped.total()) == (13, 4, 9)
    assert {row["filing"] for row in held(two_firms)} == {
        member(),
        member("00012345", day="20160101_CIC", ending="zip"),
        member(day="20150101", ending="zip"),
        "by hand.html",
    }


def test_restatements_are_kept_beside_each_other(two_firms: Workspace, tmp_path: Path) -> None:
    take(two_firms, bulk_file(tmp_path, {member(): GOOD}))
    later = bulk_file(tmp_path, {member(run=3999): filing(people("13"))}, "Accounts_Bulk_Data-2023-05-30.zip")
    take(two_firms, later)
    rows = [row for row in held(two_firms) if row["period_end"] == date(2022, 12, 31)]
    assert [(row["employees"], row["filed_on"]) for row in rows] == [
        (12.0, date(2023, 3, 2)),
        (13.0, date(2023, 5, 30)),
    ]


def test_again_is_nothing_new(two_firms: Workspace, tmp_path: Path) -> None:
    path = bulk_file(tmp_path, {member(): GOOD, member("NI681295"): OF_TWO})
    take(two_firms, path)
    before = two_firms.lake.snapshots()
    report = take(two_firms, path)
    assert two_firms.lake.snapshots() == before
    assert report.sentences()[-1] == "Nothing has changed: all of it was known"


@pytest.mark.parametrize("daily_first", [True, False])
def test_the_monthly_file_after_the_daily_one_or_before(
    two_firms: Workspace, tmp_path: Path, daily_first: bool
) -> None:
    files = [
        bulk_file(tmp_path, {member(): GOOD}),
        bulk_file(tmp_path, {member(): GOOD}, "Accounts_Monthly_Data-April2023.zip"),
    ]
    for path in files if daily_first else files[::-1]:
        take(two_firms, path)
    assert {row["filed_on"] for row in held(two_firms)} == {date(2023, 3, 2)}
    assert len(held(two_firms)) == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Accounts_Bulk_Data-2023-03-09.zip", date(2023, 3, 9)),
        ("Accounts_Monthly_Data-March2023.zip", date(2023, 3, 2)),
        ("Accounts_Monthly_Data-April2023.zip", date(2023, 4, 30)),
        ("Accounts_Monthly_Data-JanToDec2023.zip", date(2023, 12, 31)),
        ("Accounts_Monthly_Data-JanuaryToDecember2024.zip", date(2024, 12, 31)),
        ("Accounts_Bulk_Data-2023-02-30.zip", None),
        ("download.zip", None),
    ],
)
def test_the_day_of_filing(two_firms: Workspace, tmp_path: Path, name: str, expected: date | None) -> None:
    take(two_firms, bulk_file(tmp_path, {member(): GOOD}, name))
    assert {row["filed_on"] for row in held(two_firms)} == {expected}


def test_a_period_that_ends_after_the_bulk_file_is_wrong(two_firms: Workspace, tmp_path: Path) -> None:
    path = bulk_file(tmp_path, {member(): GOOD}, "Accounts_Bulk_Data-2022-06-01.zip")
    report = take(two_firms, path)
    assert [row["period_end"].year for row in held(two_firms)] == [2021]
    assert report.left_out == {"future_period": 2}
    assert "future_period 2" in report.sentences()[-1]


def test_figures_from_elsewhere_stay(workspace: Workspace, tmp_path: Path) -> None:
    listed(workspace, tmp_path, "firm_id,name,website,company_number,employees\nf1,One,one.example,12345,70\n")
    take(workspace, bulk_file(tmp_path, {member(): GOOD}))
    assert [(row["source"], row["employees"]) for row in held(workspace)] == [
        ("accounts", 11.0),
        ("accounts", 12.0),
        ("firm_list", 70.0),
    ]


def test_a_number_of_two_listed_firms_is_given_to_neither(workspace: Workspace, tmp_path: Path) -> None:
    listed(workspace, tmp_path, FIRMS + "f3,Three,three.example,00012345\n")
    take(workspace, bulk_file(tmp_path, {member(): GOOD, member("NI681295"): OF_TWO}))
    assert {row["firm_id"] for row in held(workspace)} == {"f2"}
    assert dropped(workspace) == {member(): "number_of_several_firms"}


def test_a_firm_of_the_register_makes_way_for_a_listed_one(workspace: Workspace, tmp_path: Path) -> None:
    listed(workspace, tmp_path, FIRMS + "00012345,One of the register,three.example,00012345\n")
    take(workspace, bulk_file(tmp_path, {member(): GOOD}))
    assert {row["firm_id"] for row in held(workspace)} == {"f1"}


def test_many_companies_of_no_list_are_one_count(
    two_firms: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_NAMED", 5)
    members = {member(f"{number:08}"): b"x" for number in range(20_000_000, 20_000_006)}
    report = take(two_firms, bulk_file(tmp_path, members | {member(): GOOD}))
    assert report.dropped == {"not_in_firm_list": 6}
    assert dropped(two_firms) == {}


def test_many_filings_over_processes_give_what_one_gives(
    two_firms: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = {
        member(day=f"{20100101 + number}"): filing(people(str(number))) if number % 10 else b"broken"
        for number in range(250)
    }
    path = bulk_file(tmp_path, members)
    report = take(two_firms, path)
    assert (report.given, report.taken, report.dropped) == (250, 225, {"not_xml": 25})
    before = two_firms.lake.snapshots()
    monkeypatch.setattr(accounts_bulk, "SERIAL_BELOW", 1000)
    take(two_firms, path)
    assert two_firms.lake.snapshots() == before


def test_a_wrong_checksum_costs_one_filing(two_firms: Workspace, tmp_path: Path) -> None:
    path = bulk_file(tmp_path, {member(): GOOD, member("NI681295"): OF_TWO})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + 16
    content[at : at + 4] = bytes(4)
    path.write_bytes(bytes(content))
    report = take(two_firms, path)
    assert (report.taken, report.dropped) == (1, {"wrong_crc": 1})


def test_an_odd_member_costs_one_filing(two_firms: Workspace, tmp_path: Path) -> None:
    path = bulk_file(
        tmp_path,
        {member(): GOOD, member("NI681295"): OF_TWO, member(day="20211231"): b" " * 2**22, member("77777777"): GOOD},
    )
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8 : at + 10] = b"\x01\x00"
    path.write_bytes(bytes(content))
    report = take(two_firms, path)
    assert dropped(two_firms) == {
        member(): "encrypted", member(day="20211231"): "zip_bomb", member("77777777"): "not_in_firm_list"
    }  # fmt: skip
    assert (report.taken, [row["firm_id"] for row in held(two_firms)]) == (1, ["f2"])


def test_nothing_that_could_be_taken_is_not_all_known(two_firms: Workspace, tmp_path: Path) -> None:
    report = take(two_firms, bulk_file(tmp_path, {member(): filing(), member("77777777"): GOOD}))
    assert report.sentences()[-1] == "Nothing has changed: none of the 2 filings could be taken"
    path = tmp_path / "figures.csv"
    path.write_text(
        "company_number,period_end,source,employees\n1,2024-12-31,x,5\n12345,2024-12-31,x,many\n", encoding="utf-8"
    )
    with pytest.raises(UsageError, match=r"figures.csv: none of the 2 rows could be taken; the first, .* row "):
        take(two_firms, path)
    assert dropped(two_firms)["figures.csv, row 2"] == "not_in_firm_list"


def test_a_huge_member_is_not_read(two_firms: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts_bulk, "MAX_BYTES", 5000)
    report = take(two_firms, bulk_file(tmp_path, {member(): GOOD + b" " * 5000, member("NI681295"): OF_TWO}))
    assert (report.taken, report.dropped) == (1, {"too_large": 1})


WRONG = [
    ("cut short", "x.zip", zipped({member(): GOOD})[:-40], "cut short"),
    ("leads out", "x.zip", zipped({"../" + member(): GOOD}), "leads out of the zip"),
    ("nothing in it", "x.zip", zipped({}), "holds no accounts but nothing"),
    ("register", "x.zip", zipped({"BasicCompanyDataAsOneFile-2025-11-01.csv": b"x"}), "firmscope import register"),
    ("owners", "x.zip", zipped({"persons-with-significant-control-snapshot-2025-11-01.txt": b"x"}), "import psc"),
    ("workbook", "x.xlsx", zipped({"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"}), "an Excel workbook"),
    ("web page", "x.html", b"<!DOCTYPE html><html><br></html>", "not a filing of accounts"),
    ("other XML", "x.xml", b"<feed/>", "not a filing of accounts"),
    ("entities", "x.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><html>&b;</html>", "entities"),
    ("PDF", "x.pdf", b"%PDF-1.7", "looks like a PDF"),
    ("empty", "x.csv", b"", "is empty"),
]


@pytest.mark.parametrize(("name", "content", "says"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_file_is_refused_whole(
    two_firms: Workspace, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    before = two_firms.lake.snapshots()
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=says) as error:
        take(two_firms, path)
    assert name in str(error.value)
    assert {key: value for key, value in two_firms.lake.snapshots().items() if key != "runs"} == {
        key: value for key, value in before.items() if key != "runs"
    }


def test_no_file_and_a_folder(two_firms: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        take(two_firms, tmp_path / "nothing.zip")
    with pytest.raises(UsageError, match="is a folder"):
        take(two_firms, tmp_path)


def test_a_workspace_without_firms_says_so(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="firmscope import firms"):
        take(workspace, bulk_file(tmp_path, {member(): GOOD}))


def test_a_single_filing(two_firms: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "accounts of one.html"
    path.write_bytes(GOOD)
    report = take(two_firms, path)
    assert report.sentences() == ["1 of 1 filings taken: 2 periods of 1 firms, employees in 2, turnover in 1"]
    assert {(row["filing"], row["filed_on"]) for row in held(two_firms)} == {("accounts of one.html", None)}
    path.write_bytes(filing())
    assert take(two_firms, path).dropped == {"no_figures": 1}


IMPORT = """
import sys
from pathlib import Path
from pipelines.runs import start_run
from pipelines.sources.accounts import import_accounts
from pipelines.workspace import Workspace
with start_run(Workspace(Path(sys.argv[1])), "import accounts") as run:
    import_accounts(run, Path(sys.argv[2]))
"""


@pytest.mark.parametrize("point", points("committed-accounts", "after-import"))
def test_killed_and_run_again_ends_as_undisturbed(two_firms: Workspace, tmp_path: Path, point: str) -> None:
    path = bulk_file(tmp_path, {member(): GOOD, member("NI681295"): OF_TWO})
    command = [sys.executable, "-c", IMPORT, str(two_firms.folder), str(path)]
    killed = subprocess.run(command, env=os.environ | {"FIRMSCOPE_CRASH_AT": point}, check=False)
    assert killed.returncode == -signal.SIGKILL
    subprocess.run(command, check=True)
    assert len(Workspace(two_firms.folder).lake.read_arrow("accounts")) == 3


def test_nothing_is_written_beside_the_lake(two_firms: Workspace, tmp_path: Path) -> None:
    path = bulk_file(tmp_path, {member(): GOOD})
    take(two_firms, path)
    assert {found.name for found in tmp_path.iterdir()} == {path.name, "firms.csv", "three-sectors.yaml", "ws"}
    assert not list(two_firms.folder.rglob("*.html"))


@pytest.mark.realdata
def test_real_bulk_files(workspace: Workspace, tmp_path: Path) -> None:
    numbers = ["09355500", "14033910", "14068295", "NI681295", "NI682066", "OC437536", "OC438238", "SC720321"]
    numbers += ["SC722766", "00225951", "15052776"]
    rows = "".join(f"f{number},Firm {number},{number}.example,{number}\n" for number in numbers)
    listed(workspace, tmp_path, "firm_id,name,website,company_number\n" + rows)
    reports = [take(workspace, path) for path in sorted(SHARED.glob("*.zip"))]
    assert [(report.given, report.taken, report.periods, report.mended) for report in reports] == [
        (9, 9, 10, 1),
        (2, 2, 3, 0),
    ]
    assert {row["firm_id"][1:] for row in held(workspace)} == set(numbers)
    latest = {row["firm_id"][1:]: row["employees"] for row in held(workspace)}
    assert latest["15052776"] == 4.0  # a community interest company: a zip in the zip
    assert {row["filed_on"] for row in held(workspace)} == {date(2023, 3, 2), date(2025, 5, 3)}
