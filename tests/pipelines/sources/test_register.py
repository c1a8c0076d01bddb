"""The register comes in whole or not at all, in any order of rows and of files, and ends nobody who has not ended."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.firm_lists import read_firm_list
from pipelines.importing import import_firms
from pipelines.runs import start_run
from pipelines.setup import create_workspace
from pipelines.sources import register_blocks
from pipelines.sources.company_numbers import normalised
from pipelines.sources.register import RegisterReport, import_register
from pipelines.sources.register_columns import READ, cleaned, days_of, numbers_of
from pipelines.workspace import Workspace
from tests.kills import points

COLUMNS = READ
WHOLE = "BasicCompanyDataAsOneFile-{}.csv"
GONE = "Removed from the register"


def company(number: str, **cells: str) -> dict[str, str]:
    usual = {
        "CompanyName": f"FIRM {number}", "CompanyNumber": number, "RegAddress.PostCode": "NG7 2RD",
        "CompanyCategory": "Private Limited Company", "CompanyStatus": "Active", "IncorporationDate": "31/01/2015",
        "SICCode.SicText_1": "62012 - Business and domestic software development",
    }  # fmt: skip
    return dict.fromkeys(COLUMNS, "") | usual | {name.replace("__", "."): cell for name, cell in cells.items()}


def text(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([f" {name}" for name in COLUMNS])
    writer.writerows([[row[name] for name in COLUMNS] for row in rows])
    return out.getvalue()


class Register:
    """A workspace into which files are imported."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.workspace, self.folder = workspace, folder
        self.dropped: list[dict[str, str]] = []

    def take(self, content: str | bytes, name: str = "companies.csv", **options: Any) -> RegisterReport:
        file = self.folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        with start_run(self.workspace, "import register") as run:
            try:
                report = import_register(run, file, **options)
            finally:
                dropped = run.folder / "dropped.csv"
                self.dropped = list(csv.DictReader(io.StringIO(dropped.read_text()))) if dropped.exists() else []
                assert not (run.folder / "spool").exists()
        return report

    def list_firms(self, content: str) -> None:
        file = self.folder / "firms.csv"
        file.write_text(content, encoding="utf-8")
        with start_run(self.workspace, "import firms") as run:
            import_firms(run, read_firm_list(file, date(2026, 1, 1), allow_missing_websites=True))

    def firms(self) -> dict[str, dict[str, Any]]:
        return {row["firm_id"]: row for row in self.workspace.lake.read_arrow("firms").to_pylist()}

    def premises(self) -> dict[tuple[str, str], dict[str, Any]]:
        rows = self.workspace.lake.read_arrow("premises").to_pylist()
        found = {(row["firm_id"], row["source"]): row for row in rows}
        assert len(found) == len(rows)
        return found

    def state(self) -> tuple[list[Any], list[Any]]:
        """All rows of both tables, in order."""
        return tuple(  # type: ignore[return-value]
            sorted(self.workspace.lake.read_arrow(name).to_pylist(), key=lambda row: (row["firm_id"], str(row)))
            for name in ("firms", "premises")
        )

    def snapshots(self) -> dict[str, int | None]:
        return {name: value for name, value in self.workspace.lake.snapshots().items() if name != "runs"}


@pytest.fixture
def register(workspace: Workspace, tmp_path: Path) -> Register:
    return Register(workspace, tmp_path)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Register]:
    """New workspaces, for laws that need many."""
    numbers = iter(range(10_000))

    def make() -> Register:
        folder = tmp_path_factory.mktemp(f"w{next(numbers)}")
        taxonomy = folder / "t.yaml"
        taxonomy.write_text("id: t\nversion: 1\nsectors:\n  - {key: air, name: Aerospace}\n", encoding="utf-8")
        create_workspace(folder / "ws", str(taxonomy))
        return Register(Workspace(folder / "ws"), folder)

    return make


def test_every_column_arrives(register: Register) -> None:
    row = company(
        "SC001234", RegAddress__PostCode="cv12ab", CompanyStatus="Active - Proposal to Strike off",
        SICCode__SicText_1="01110 - Growing of cereals", SICCode__SicText_2="None Supplied",
        SICCode__SicText_4="99999 - Dormant Company", PreviousName_1__CompanyName="CAFE\u0301 LIMITED",
        PreviousName_10__CompanyName="ZED \tLTD",
    )  # fmt: skip
    report = register.take(text(row), WHOLE.format("2025-11-01"))
    firm = register.firms()["SC001234"]
    assert firm | {"shard": 0} == dict.fromkeys(firm) | {
        "shard": 0, "firm_id": "SC001234", "company_number": "SC001234", "name": "FIRM SC001234",
        "status": "Active - Proposal to Strike off", "incorporated_on": date(2015, 1, 31),
        "sic_codes": ["01110", "99999"], "previous_names": ["CAFÉ LIMITED", "ZED  LTD"],
        "company_category": "Private Limited Company", "register_date": date(2025, 11, 1),
    }  # fmt: skip
    place = register.premises()["SC001234", "register"]
    assert (place["postcode"], place["kind"], place["lad_code"]) == ("CV1 2AB", "registered", place["lad_code"])
    assert (report.rows, report.companies, report.added, report.listed, report.as_of) == (1, 1, 1, 0, date(2025, 11, 1))


def test_a_place_on_the_map(register: Register) -> None:
    rows = [company("00000001"), company("00000002", RegAddress__PostCode="NG7 2R"),
            company("00000003", RegAddress__PostCode="")]  # fmt: skip
    report = register.take(text(*rows))
    held = register.premises()
    here = held["00000001", "register"]
    assert (round(here["lat"], 1), round(here["lon"], 1), here["lad_code"]) == (52.9, -1.2, "E06000018")
    assert [held[f"0000000{n}", "register"]["unplaced"] for n in (1, 2, 3)] == [None, "malformed", "no_postcode"]
    assert held["00000002", "register"]["postcode"] is None
    assert report.left_out == {"malformed_postcode": 1}
    assert report.unplaced == {"malformed": 1, "no_postcode": 1}


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("62012 - Software", ["62012"]), ("62012", ["62012"]), ("1110 - Cereals", ["01110"]), ("None Supplied", None),
        ("", None), ("none supplied", None), ("Software", None), ("620121 - x", None),
    ],
)  # fmt: skip
def test_sic_codes(cell: str, codes: list[str] | None) -> None:
    cells = {name: pa.array(["", cell] if name == "SICCode.SicText_2" else ["", ""]) for name in COLUMNS}
    found = cleaned(cells, np.array([2, 3]))
    assert found.table["sic_codes"].to_pylist() == [None, codes]
    assert found.left_out["unreadable_sic_code"] == (cell in ("Software", "620121 - x"))


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("01/02/2003", date(2003, 2, 1)), ("2003-02-01", date(2003, 2, 1)), ("1/2/2003", date(2003, 2, 1)),
        ("29/02/2024", date(2024, 2, 29)), ("31/12/1855", date(1855, 12, 31)), ("", None), ("31/06/2020", None),
        ("00/01/2020", None), ("aa/bb/cccc", None), ("01/13/2020", None), ("29/02/2023", None), ("01-02-03-04", None),
        ("01/00/2020", None), ("01/01/0000", None),
    ],
)  # fmt: skip
def test_dates(cell: str, day: date | None) -> None:
    days, unreadable = days_of(pa.array(["03/04/2005", cell, "", None, cell]))
    assert days.to_pylist() == [date(2005, 4, 3), day, None, None, day]
    assert unreadable == (2 if cell and day is None else 0)


@pytest.mark.parametrize(
    "cell",
    [
        "00012345",
        "12345",
        " sc1234 ",
        "SC001234",
        "IP00123R",
        "123456789",
        "",
        "A",
        "SC12345678",
        "0",
        "R0000012",
        "00000000",
        "SC000000",
        "R000000A",
    ],
)
def test_company_numbers_are_those_of_every_importer(cell: str) -> None:
    assert numbers_of(pa.array([cell.strip(), "00000001"])).to_pylist() == [normalised(cell), "00000001"]


@pytest.mark.parametrize("zeros", ["0", "00000000", "SC000000", "000", "IP00000R"])
def test_zeros_alone_are_no_company_number(zeros: str) -> None:
    assert normalised(zeros) is None
    assert numbers_of(pa.array([zeros])).to_pylist() == [None]


def test_dates_to_come_are_left_out(register: Register) -> None:
    rows = [company("1", IncorporationDate="02/11/2025"), company("2", IncorporationDate="01/11/2025")]
    report = register.take(text(*rows), WHOLE.format("2025-11-01"))
    assert [firm["incorporated_on"] for _, firm in sorted(register.firms().items())] == [None, date(2025, 11, 1)]
    assert report.left_out == {"future_date": 1}


@pytest.mark.parametrize(
    ("rows", "reasons"),
    [
        pytest.param('"short"\n', {"wrong_cell_count"}, id="a cell too few"),
        pytest.param(text(), {"header_again"}, id="header again"),
        pytest.param(text(company("12a4")).split("\n", 1)[1], {"bad_company_number"}, id="no number"),
        pytest.param(text(company(" ")).split("\n", 1)[1], {"no_company_number"}, id="empty number"),
        pytest.param(text(company("9", CompanyName="")).split("\n", 1)[1], {"no_company_name"}, id="no name"),
        pytest.param('"never closed\n', {"bad_quotes"}, id="unclosed quote"),
        pytest.param(text(company("9", CompanyName="A\0")).split("\n", 1)[1], {"not_text"}, id="NUL"),
        pytest.param(text(company("2")).split("\n", 1)[1], {"duplicate_company_number"}, id="the same company"),
    ],
)
def test_a_bad_row_is_dropped_with_its_line_and_the_others_stay(
    register: Register, rows: str, reasons: set[str]
) -> None:
    head, one, two = text(company("1"), company("2")).splitlines(keepends=True)
    report = register.take(head + one + rows + two)
    assert set(register.firms()) == {"00000001", "00000002"}
    assert (report.rows, report.companies, set(report.dropped)) == (3, 2, reasons)
    line = 4 if reasons == {"duplicate_company_number"} else 3  # of rows that say the same the first is taken
    assert [(row["subject"], row["reason"]) for row in register.dropped] == [(f"companies.csv, row {line}", *reasons)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty; expected Companies House company data", id="empty"),
        pytest.param(b"firm_id,name,website\nf,F,f.example\n", "it looks like a firm list", id="a firm list"),
        pytest.param(
            b"company_number,period_end,employees\n1,2,3\n", "it looks like a table of accounts", id="accounts"
        ),
        pytest.param(b"<html><body>Log in", "looks like a web page", id="web page"),
        pytest.param(text().encode(), "no row of it can be used; there is only the header", id="header only"),
        pytest.param((text() + "x\ny\n").encode(), "no row of it can be used; row 2: 1 cells, but", id="bad rows only"),
        pytest.param(text(company("1", IncorporationDate="")).encode(), "of which day it is; say so", id="no date"),
        pytest.param(
            text(company("1", IncorporationDate="01/01/2222")).encode(), "would be of 2222-01-01", id="to come"
        ),
        pytest.param(b"PK\x03\x04 and then nothing", "fetch it again", id="zip cut short"),
    ],
)
def test_a_bad_file_is_refused_whole(register: Register, content: bytes, message: str) -> None:
    before = register.snapshots()
    with pytest.raises(UsageError, match=message):
        register.take(content)
    assert register.snapshots() == before


@pytest.mark.parametrize(
    ("encoding", "end", "separator"),
    [
        ("utf-8", "\n", ";"), ("utf-8-sig", "\r\n", ","), ("utf-16", "\r\n", ","), ("cp1252", "\r\n", ","),
        ("cp1252", "\r", ";"), ("utf-8", "\r", ","),
    ],
)  # fmt: skip
def test_encodings(register: Register, encoding: str, end: str, separator: str) -> None:
    content = text(company("1", CompanyName="CAFÉ"), company("2")).replace(",", separator).replace("\n", end)
    register.take(content.encode(encoding))
    assert [firm["name"] for _, firm in sorted(register.firms().items())] == ["CAFÉ", "FIRM 2"]


def test_listed_firms_keep_name_website_and_id(register: Register) -> None:
    register.list_firms(
        "firm_id,name,website,company_number,postcode\nf1,One,one.example,1,NG1 1AA\n"
        "f2,Two,two.example,00000002,NG7 2RD\nf3,Also one,three.example,00000001,\nf4,None,four.example,,\n"
    )
    rows = [company("00000001"), company("00000002"), company("00000003")]
    report = register.take(text(*rows))
    held = register.firms()
    assert set(held) == {"f1", "f2", "f3", "f4", "00000003"}
    assert [held[name]["name"] for name in ("f1", "f3", "00000003")] == ["One", "Also one", "FIRM 00000003"]
    assert [held[name]["company_number"] for name in ("f1", "f3")] == ["00000001"] * 2
    assert [held[name]["status"] for name in ("f1", "f2", "f3", "f4")] == ["Active"] * 3 + [None]
    assert held["f1"]["website"] == "one.example"
    assert (report.companies, report.listed, report.added, report.shared_numbers) == (3, 3, 1, 1)
    assert "1 company numbers are shared by several listed firms" in "\n".join(report.sentences())
    assert set(register.premises()) == {
        ("f1", "firm_list"), ("f1", "register"), ("f2", "register"), ("f3", "register"), ("00000003", "register"),
    }  # fmt: skip


def test_an_office_without_a_postcode_does_not_hide_the_lists(register: Register) -> None:
    register.list_firms("firm_id,name,website,company_number,postcode\nf1,One,one.example,1,NG1 1AA\n")
    register.take(text(company("1", RegAddress__PostCode="")))
    assert set(register.premises()) == {("f1", "firm_list")}


def test_an_office_without_a_postcode_stands_once_beside_a_list_that_names_the_district(register: Register) -> None:
    register.list_firms(
        "firm_id,name,website,company_number,postcode,lad_code\nf1,One,one.example,1,,E06000018\n"
        "f2,Two,two.example,2,,E06000018\n"
    )
    rows = [company("1", RegAddress__PostCode=""), company("2"), company("3", RegAddress__PostCode="")]
    for day in ("2025-11-01", "2025-12-01"):
        register.take(text(*rows), WHOLE.format(day))
        assert {key: row["lad_code"] for key, row in register.premises().items()} == {
            ("f1", "firm_list"): "E06000018", ("f2", "firm_list"): "E06000018", ("f2", "register"): "E06000018",
            ("00000003", "register"): None,
        }  # fmt: skip


def test_an_office_of_which_nothing_is_known_makes_way(register: Register) -> None:
    register.list_firms("firm_id,name,website,company_number\nf1,One,one.example,1\n")
    nowhere = dict.fromkeys(register.workspace.lake.read_arrow("premises").column_names) | {
        "firm_id": "f1", "kind": "registered", "source": "firm_list",
    }  # fmt: skip
    del nowhere["shard"]
    register.workspace.lake.replace_firms("premises", ["f1"], [nowhere], "given")
    register.take(text(company("1", RegAddress__PostCode="")))
    assert set(register.premises()) == {("f1", "register")}


@pytest.mark.parametrize(
    ("born", "name", "said"),
    [
        ("29/07/2020", "companies.csv", "companies.csv: company data of 2020-07-29 (its newest incorporation; say "
         "--as-of DAY if it was made on another day): past years end with 2019"),
        ("31/12/2020", "companies.csv", "companies.csv: company data of 2020-12-31 (its newest incorporation; say "
         "--as-of DAY if it was made on another day): past years end with 2020"),
        ("29/07/2020", WHOLE.format("2020-08-01"), f"{WHOLE.format('2020-08-01')}: company data of 2020-08-01, 1 rows, "
         "1 companies taken"),
    ],
    ids=["guessed", "guessed, a year's end", "named"],
)  # fmt: skip
def test_a_day_that_was_guessed_is_said_to_be(register: Register, born: str, name: str, said: str) -> None:
    told = register.take(text(company("1", IncorporationDate=born)), name).sentences()
    assert told[0] == said
    assert "1 rows, 1 companies taken" in "\n".join(told)


def test_only_listed_firms_when_asked(register: Register) -> None:
    register.list_firms("firm_id,name,website,company_number\nf1,One,one.example,1\n")
    report = register.take(text(*(company(str(number)) for number in range(1, 51))), listed_only=True)
    assert set(register.firms()) == {"f1"}
    assert (report.rows, report.companies, report.dropped) == (50, 1, {"not_in_firm_list": 49})
    assert register.dropped == []


def test_a_number_that_is_another_firms_id(register: Register) -> None:
    register.list_firms("firm_id,name,website,company_number\n00000001,One,one.example,7\n00000002,Two,two.example,\n")
    report = register.take(text(company("1"), company("2"), company("3"), company("7")))
    assert report.dropped == {"firm_id_taken": 2}
    assert register.firms()["00000001"]["company_number"] == "00000007"
    assert set(register.firms()) == {"00000001", "00000002", "00000003"}


def test_a_company_that_is_listed_later_stands_once(register: Register) -> None:
    register.take(text(company("1"), company("2")))
    register.list_firms("firm_id,name,website,company_number\nf1,One,one.example,1\n")
    report = register.take(text(company("1"), company("2")))
    assert set(register.firms()) == {"f1", "00000002"}
    assert set(register.premises()) == {("f1", "register"), ("00000002", "register")}
    assert report.superseded == 0, "the list took the company over"


def test_the_same_file_again_changes_nothing(register: Register) -> None:
    register.list_firms("firm_id,name,website,company_number,postcode\nf1,One,one.example,1,NG7 2RD\n")
    content = text(company("1"), company("2"), company("3", RegAddress__PostCode="?"))
    register.take(content, WHOLE.format("2025-11-01"))
    before = register.snapshots()
    report = register.take(content, WHOLE.format("2025-11-01"))
    assert register.snapshots() == before
    assert (report.added, report.gone) == (0, 0)


def test_a_newer_file_brings_up_to_date_and_an_older_one_does_not(register: Register) -> None:
    new = company("1", CompanyStatus="Liquidation", RegAddress__PostCode="NG1 1AA", CompanyName="NEW NAME")
    register.take(text(new), WHOLE.format("2025-11-01"))
    after = register.state()
    report = register.take(text(company("1")), WHOLE.format("2024-11-01"))
    assert register.state() == after
    assert report.older == 1


EDITIONS = {
    2019: [company("1"), company("2"), company("3")],
    2022: [company("2", CompanyStatus="Liquidation"), company("3"), company("4")],
    2025: [company("3"), company("4", RegAddress__PostCode="NG1 1AA"), company("5")],
}


@pytest.mark.parametrize(
    "years", [(2019, 2022, 2025), (2025, 2022, 2019), (2019, 2025, 2022), (2022, 2025, 2019, 2022)]
)
def test_companies_that_have_gone_in_any_order_of_files(register: Register, years: Sequence[int]) -> None:
    for year in years:
        register.take(text(*EDITIONS[year]), WHOLE.format(f"{year}-11-01"))
    held = register.firms()
    assert {number[-1]: (firm["status"], firm["dissolved_on"], firm["register_date"].year)
            for number, firm in held.items()} == {
        "1": (GONE, date(2022, 11, 1), 2019), "2": (GONE, date(2025, 11, 1), 2022), "3": ("Active", None, 2025),
        "4": ("Active", None, 2025), "5": ("Active", None, 2025),
    }  # fmt: skip


def test_a_company_that_comes_back(register: Register) -> None:
    for year, rows in ((2019, ["1", "2"]), (2022, ["2"]), (2025, ["1", "2"])):
        report = register.take(text(*map(company, rows)), WHOLE.format(f"{year}-11-01"))
        assert report.gone == (year == 2022)
    assert register.firms()["00000001"]["dissolved_on"] is None
    assert register.firms()["00000001"]["status"] == "Active"


@pytest.mark.parametrize(
    "name",
    ["companies.csv", "BasicCompanyData-2025-11-01-part1_2.csv", "BasicCompanyData-2025-11-01.csv"],
)
def test_a_part_ends_nobody(register: Register, name: str) -> None:
    register.take(text(company("1"), company("2")), WHOLE.format("2019-11-01"))
    register.take(text(company("2")), name, as_of=date(2025, 11, 1))
    assert register.firms()["00000001"]["dissolved_on"] is None


def test_the_last_part_makes_the_edition_whole(register: Register) -> None:
    register.take(text(*map(company, "123")), WHOLE.format("2019-11-01"))
    first = register.take(text(company("2")), "BasicCompanyData-2025-11-01-part2_2.csv")
    assert "1 of 2 parts of 2025-11-01 are in hand" in "\n".join(first.sentences())
    assert register.take(text(company("3")), "BasicCompanyData-2025-11-01-part1_2.csv").gone == 1
    assert register.firms()["00000001"]["dissolved_on"] == date(2025, 11, 1)


def zipped(path: Path, members: dict[str, str]) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return path.read_bytes()


def test_a_zip_of_all_parts(register: Register) -> None:
    register.take(text(*map(company, "123")), WHOLE.format("2019-11-01"))
    content = zipped(
        register.folder / "z",
        {
            f"BasicCompanyData-2025-11-01-part{part}_2.csv": text(company(number))
            for part, number in ((1, "2"), (2, "3"))
        },
    )
    report = register.take(content, "register.zip")
    assert (report.gone, report.companies, report.as_of) == (1, 2, date(2025, 11, 1))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"readme.txt": "x"}, "no CSV file in it"),
        ({"BasicCompanyData-2025-11-01-part1_2.csv": text(company("1")),
          "BasicCompanyData-2025-12-01-part2_2.csv": text(company("2"))}, "of 2025-11-01 or of 2025-12-01"),
        ({"../x.csv": text(company("1"))}, "z.zip"),
        ({"x.csv": "firm_id,name,website\n"}, "it looks like a firm list"),
    ],
)  # fmt: skip
def test_a_bad_zip(register: Register, members: dict[str, str], message: str) -> None:
    before = register.snapshots()
    with pytest.raises(UsageError, match=message):
        register.take(zipped(register.folder / "z", members), "z.zip")
    assert register.snapshots() == before


def test_a_zip_with_a_wrong_checksum(register: Register) -> None:
    content = bytearray(zipped(register.folder / "z", {"x.csv": text(*(company(str(n)) for n in range(1, 99)))}))
    content[200] ^= 1
    before = register.snapshots()
    with pytest.raises(UsageError):
        register.take(bytes(content), "z.zip")
    assert register.snapshots() == before


def test_a_row_that_cannot_be_read_ends_nobody(register: Register) -> None:
    register.take(text(*map(company, "1234")), WHOLE.format("2019-11-01"))
    bad = '"FIRM","00000001","too short"\n' + text(company("2", CompanyName="")).split("\n", 1)[1]
    head, row = text(company("3")).splitlines(keepends=True)
    assert register.take(head + bad + row, WHOLE.format("2025-11-01")).gone == 1
    held = register.firms()
    assert [held[f"0000000{n}"]["dissolved_on"] is None for n in (1, 2, 3, 4)] == [True, True, True, False]


def test_a_file_cut_in_a_row_ends_nobody(register: Register) -> None:
    register.take(text(*map(company, "123")), WHOLE.format("2019-11-01"))
    report = register.take(text(*map(company, "23"))[:-60], WHOLE.format("2025-11-01"))
    assert report.gone == 0
    assert "Its last row is cut off" in "\n".join(report.sentences())


def test_a_cut_file_that_calls_itself_whole_is_refused(register: Register) -> None:
    register.take(text(*(company(str(number)) for number in range(1, 1200))), WHOLE.format("2019-11-01"))
    before = register.snapshots()
    with pytest.raises(UsageError, match=r"1,198 companies would be gone and 1 left"):
        register.take(text(company("1")), WHOLE.format("2025-11-01"))
    assert register.snapshots() == before


def test_listed_firms_that_have_gone(register: Register) -> None:
    register.list_firms("firm_id,name,website,company_number\nf1,One,o.example,1\nf2,Two,t.example,2\n")
    register.take(text(*map(company, "123")), WHOLE.format("2019-11-01"))
    assert register.take(text(company("1")), WHOLE.format("2025-11-01"), listed_only=True).gone == 1
    held = register.firms()
    assert held["f2"]["dissolved_on"] == date(2025, 11, 1)
    assert held["00000003"]["dissolved_on"] is None  # it was not looked for
    register.take(text(company("3"), company("4")), WHOLE.format("2022-11-01"))
    assert register.firms()["00000004"]["dissolved_on"] is None  # the edition of 2025 was taken in part only


def test_a_dissolution_that_a_list_knows_is_kept(register: Register) -> None:
    register.list_firms("firm_id,name,website,company_number,dissolved_on\nf1,One,o.example,1,2024-05-01\n")
    register.take(text(company("1")), WHOLE.format("2019-11-01"))
    assert register.firms()["f1"]["dissolved_on"] == date(2024, 5, 1)
    register.take(text(company("1")), WHOLE.format("2025-11-01"))
    assert register.firms()["f1"]["dissolved_on"] is None  # it is in the register a year later


def test_what_others_say_of_a_firm_stays(register: Register) -> None:
    register.list_firms(
        "firm_id,name,website,company_number,parent_id,vat_number,employees\nf1,One,o.example,1,p,GB1,12\n"
    )
    register.take(text(company("1")))
    firm = register.firms()["f1"]
    assert (firm["parent_id"], firm["vat_number"]) == ("p", "GB1")
    assert register.workspace.lake.read_arrow("accounts")["employees"].to_pylist() == [12]


def test_conflicting_rows_of_a_company(register: Register) -> None:
    rows = [company("1", CompanyName="AAA"), company("1", CompanyName="ZZZ"), company("1", CompanyName="MMM")]
    report = register.take(text(*rows))
    assert register.firms()["00000001"]["name"] == "ZZZ"
    assert report.dropped == {"duplicate_company_number": 2}
    assert "with other words, too" in register.dropped[0]["detail"]


ROW = st.builds(
    lambda number, name, postcode, sic: company(
        str(number), CompanyName=name, RegAddress__PostCode=postcode, SICCode__SicText_1=sic
    ),
    st.integers(1, 6), st.sampled_from(["A", "B", "É"]), st.sampled_from(["NG7 2RD", "?", ""]),
    st.sampled_from(["62012 - x", "None Supplied", "x"]),
)  # fmt: skip


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, min_size=1, max_size=8).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_order_of_rows_does_not_matter(
    fresh: Callable[[], Register], both: tuple[list[dict[str, str]], list[dict[str, str]]]
) -> None:
    states = []
    for rows in both:
        register = fresh()
        register.take(text(*rows))
        states.append(register.state())
    assert states[0] == states[1]


SEVERAL_LINES = [company(str(n), CompanyName=f'A "B"\nC {n}' if n % 7 == 0 else f"É {n}") for n in range(1, 40)]
ONE_LINE = [company(str(n), CompanyName=f'A "B", {n}') for n in range(1, 40)]


@pytest.mark.parametrize(
    ("content", "dropped"),
    [
        pytest.param(text(*SEVERAL_LINES) + "x,y\n" + text(company("77")), {"header_again", "wrong_cell_count"},
                     id="cells of several lines"),
        pytest.param(text(*ONE_LINE[:20]) + '"never closed\n' + text(*ONE_LINE[20:]), {"header_again", "bad_quotes"},
                     id="a quote never closed"),
    ],
)  # fmt: skip
def test_blocks_of_any_size_give_the_same(
    register: Register, monkeypatch: pytest.MonkeyPatch, content: str, dropped: set[str]
) -> None:
    found = []
    for size in (4 << 20, 300, 1_000, 5_000):
        monkeypatch.setattr(register_blocks, "BLOCK_BYTES", size)
        monkeypatch.setattr(register_blocks, "SMALL_BYTES", min(size, 200))
        report = register.take(content)
        found.append((report.rows, report.companies, report.dropped, register.dropped, register.state()))
    assert all(one == found[0] for one in found)
    assert set(found[0][2]) == dropped


@pytest.mark.parametrize("point", points("committed-premises", "committed-firms"))
def test_killed_and_run_again_ends_equal(register: Register, fresh: Callable[[], Register], point: str) -> None:
    old, new = (register.folder / WHOLE.format(day) for day in ("2019-11-01", "2025-11-01"))
    old.write_text(text(*map(company, "12345")), encoding="utf-8")
    new.write_text(text(*map(company, "23456")), encoding="utf-8")
    undisturbed = fresh()
    for file in (old, new):
        undisturbed.take(file.read_bytes(), file.name)
    register.take(old.read_bytes(), old.name)
    code = (
        "import sys\nfrom pathlib import Path\nfrom pipelines.runs import start_run\n"
        "from pipelines.sources.register import import_register\nfrom pipelines.workspace import Workspace\n"
        "with start_run(Workspace(Path(sys.argv[1])), 'import register') as run:\n"
        "    import_register(run, Path(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", code, str(register.workspace.folder), str(new)]
    killed = subprocess.run(command, env=os.environ | {"FIRMSCOPE_CRASH_AT": point}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert subprocess.run(command, check=False).returncode == 0
    assert register.state() == undisturbed.state()


@pytest.mark.realdata
def test_the_sample_of_the_register(register: Register, shared: Path) -> None:
    report = register.take((shared / "geo" / "companies_house_basic_sample.csv").read_bytes(), "sample.csv")
    held = register.firms()
    assert (report.rows, report.companies, len(held)) == (31, 31, 31)
    assert report.dropped == report.left_out == {}
    assert held["12778855"]["sic_codes"] == ["78300"]
    assert held["12778855"]["name"] == "! LIMITED"
    assert held["12778855"]["incorporated_on"] == date(2020, 7, 29)
    assert register.premises()["12778855", "register"]["postcode"] == "S35 2PH"
