"""What hostile registers may do that no other test holds; matrix.yaml says which case each test belongs to."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import subprocess
import sys
import time
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget
from pipelines.errors import UsageError
from pipelines.export import firms_export
from pipelines.export_files import write_export
from pipelines.figure_settings import AreasConfig, RollupConfig
from pipelines.firm_lists import read_firm_list
from pipelines.geography.postcode_text import postcode_of
from pipelines.importing import import_firms, import_texts
from pipelines.outside_text import page_text
from pipelines.provenance import Provenance
from pipelines.reporting import ReportInput, build_report
from pipelines.runs import start_run
from pipelines.setup import create_workspace
from pipelines.sources.accounts import import_accounts
from pipelines.sources.cells import day, number
from pipelines.sources.company_numbers import normalised
from pipelines.sources.countries import country_code
from pipelines.sources.csv_files import csv_rows
from pipelines.sources.owners import number_in
from pipelines.sources.register import import_register
from pipelines.sources.workbooks import workbook_rows
from pipelines.sources.zips import ZipRefusedError, zip_members
from pipelines.text_lists import read_texts
from pipelines.workspace import Workspace
from tests.crawler.server_thread import ServerThread
from tests.pipelines.conftest import Command
from tests.pipelines.figures.conftest import TAXONOMY
from tests.pipelines.figures.rolling import cells_of, roll
from tests.pipelines.figures.sheets import original_text
from tests.pipelines.reporting.reading import Page
from tests.pipelines.sources.test_workbooks import in_part, rewritten, workbook

HEAD = "firm_id,name,website\n"
TODAY = date(2026, 1, 1)
NAMES = {
    "NA": "NA", "null": "null", "None": "None", "nan": "nan", "TRUE": "TRUE", "Infinity": "Infinity", "1e5": "1e5",
    "00123": "00123", "=1+1": "=1+1", "'=1": "'=1", "-5": "-5", "@x": "@x",
    "emoji": "\U0001f680 \U0001f469\u200d\U0001f52c",
    "override": "\u202etxt.exe", "marks": "Cafe\u0301\u0323 Zal\u0336\u0337go", "quotes": 'A "B", C',
    "markup": "<b>&amp;</b>",
}  # fmt: skip
EMPTIED = {"empty": "", "one space": " ", "NUL": "A\0B", "line": "A\nB"}
AFTER = {name: unicodedata.normalize("NFC", text) for name, text in NAMES.items()}
AFTER |= {"empty": "", "one space": "", "NUL": "A B", "line": "A B"}


def table(*rows: tuple[str, ...], head: str = HEAD) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return head + out.getvalue()


def take(workspace: Workspace, tmp_path: Path, content: str | bytes) -> None:
    file = tmp_path / "firms.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with start_run(workspace, "import firms") as run:
        import_firms(run, read_firm_list(file, TODAY, allow_missing_websites=True))


def refusal(tmp_path: Path, content: str | bytes) -> str:
    file = tmp_path / "firms.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError) as caught:
        read_firm_list(file, TODAY, allow_missing_websites=True)
    return str(caught.value).removeprefix(str(file))


def firms(workspace: Workspace) -> dict[str, dict[str, Any]]:
    return {row["firm_id"]: row for row in workspace.lake.read_arrow("firms").to_pylist()}


def rows(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workspace.lake.read_arrow(name).to_pylist()
    return found


# M01: names


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Path]:
    """A workspace with a firm of every name, each also as a firm_id: 00 and the name where that is not empty."""
    folder = tmp_path_factory.mktemp("named")
    create_workspace(folder / "ws", "midlands")
    listed = [(f"00{key}", name, "https://a.example/") for key, name in (NAMES | EMPTIED).items()]
    take(Workspace(folder / "ws"), folder, table(*listed))
    return Workspace(folder / "ws"), folder


def published(workspace: Workspace) -> ReportInput:
    """The workspace's firms, all of them in one cluster."""
    lake = workspace.lake
    listed, premises, accounts, sites = (lake.read(name) for name in ("firms", "premises", "accounts", "sites"))
    assignments = pd.DataFrame(
        {
            "firm_id": firm_id, "sector": "cyber", "assigned": True, "reason": "threshold passed", "probability": 0.9,
            "threshold": 0.5, "model_id": "m", "since": pd.Timestamp("2026-03-01", tz="UTC"), "evidence_url": None,
            "evidence_sentence": None, "evidence_terms": [], "evidence_nearest": [], "evidence_effect": None,
            "evidence_weights": [], "evidence_similarity": [],
        }
        for firm_id in listed["firm_id"]
    )  # fmt: skip
    readable = frozenset(listed["firm_id"])
    cells = roll(TAXONOMY, listed, premises, accounts, readable, assignments).cells
    return ReportInput(
        taxonomy=TAXONOMY, provenance=Provenance.of(TAXONOMY, "run", None, "m"), firms=listed, premises=premises,
        accounts=accounts, sites=sites, readable=readable, assignments=assignments,
        cells=pd.DataFrame(cells.to_pylist()),
    )  # fmt: skip


def test_m01_names_come_through_reader_store_files_and_report(named: tuple[Workspace, Path], tmp_path: Path) -> None:
    workspace, _ = named
    given = {f"00{key}": name for key, name in AFTER.items()}
    assert {firm_id: row["name"] for firm_id, row in firms(workspace).items()} == given
    tables = published(workspace)
    frame = firms_export(
        tables.taxonomy, tables.firms, tables.premises, tables.accounts, tables.sites, tables.assignments
    )
    write_export("firms", frame, tmp_path / "firms.csv", "csv", tables.provenance)
    write_export("firms", frame, tmp_path / "firms.parquet", "parquet", tables.provenance)
    exact = {row["firm_id"]: row["name"] for row in pq.read_table(tmp_path / "firms.parquet").to_pylist()}
    assert exact == given
    with (tmp_path / "firms.csv").open(encoding="utf-8", newline="") as file:
        back = {original_text(row["firm_id"]): original_text(row["name"]) for row in csv.DictReader(file)}
    assert back == given
    build_report(tmp_path, tables)
    shown = "".join("".join(Page(page.read_text(encoding="utf-8")).text) for page in tmp_path.glob("*.html"))
    assert [name for name in given.values() if page_text(name) not in shown] == []


def test_m01_what_was_exported_comes_in_again_as_it_was(
    named: tuple[Workspace, Path], workspace: Workspace, tmp_path: Path
) -> None:
    held = firms(named[0])
    take(workspace, tmp_path, table(*[(row["firm_id"], row["name"], row["website"]) for row in held.values()]))
    assert firms(workspace) == held


def test_m01_names_of_the_register(workspace: Workspace, tmp_path: Path) -> None:
    names = [name for name in NAMES.values() if "\n" not in name]
    head = "CompanyName,CompanyNumber,RegAddress.PostCode,CompanyStatus,IncorporationDate,SICCode.SicText_1\n"
    file = tmp_path / "companies.csv"
    file.write_text(
        table(*[(name, f"{place:04}", "", name, "31/01/2015", "") for place, name in enumerate(names, 1)], head=head),
        encoding="utf-8",
    )
    with start_run(workspace, "import register") as run:
        report = import_register(run, file)
    assert report.dropped == {}
    expected = {f"{place:08}": unicodedata.normalize("NFC", name) for place, name in enumerate(names, 1)}
    held = firms(workspace)
    assert {firm_id: row["name"] for firm_id, row in held.items()} == expected
    assert {firm_id: row["status"] for firm_id, row in held.items()} == expected


def test_m01_words_and_names_of_a_text_list(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    listed = [{"firm_id": f"00{key}", "name": name, "text": "words"} for key, name in (NAMES | EMPTIED).items()]
    listed += [{"firm_id": "00half", "name": "A\ud800", "text": "words"}]
    file.write_text("\n".join(json.dumps(one) for one in listed), encoding="utf-8")
    with start_run(workspace, "import texts") as run:
        import_texts(run, read_texts(file), datetime(2026, 1, 1, tzinfo=UTC))
    expected = {f"00{key}": name for key, name in AFTER.items()} | {"00half": "A"}
    assert {firm_id: row["name"] for firm_id, row in firms(workspace).items()} == expected


@pytest.mark.parametrize("chars", [501, 140_000, 1_100_000], ids=["501", "140 kB", "1.1 MB"])
def test_m01_an_endless_name_is_refused_with_its_row(tmp_path: Path, chars: int) -> None:
    said = refusal(tmp_path, table(("f1", "One", "one.example"), ("f2", "n" * chars, "two.example")))
    assert said.startswith((", row 3: ", ", line 3: "))
    assert len(said) < 300


# M02: files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param((HEAD + "f1,Café,one.example\n").encode("utf-16"), ", row 1: not UTF-8 text", id="UTF-16"),
        pytest.param((HEAD + "f1,Café,\nf2,").encode() + b"\xe9,\n", ", row 3: not UTF-8 text", id="mixed"),
        pytest.param(HEAD.replace(",", ";") + "f1;One;x\n", ", row 1: cells are separated by semi", id="semicolons"),
        pytest.param("firm_id,name,website,employees\nf1,One,one.example,\"12,5\"\n", ", row 2: employees '12,5'",
                     id="decimal comma"),
        pytest.param(HEAD + 'f1,"One,one.example\n' + "f2,Two,two.example\n" * 9_000, "look for an unclosed quote",
                     id="quote never closed"),
        pytest.param(HEAD[:-1] + "," * 1_000_000 + "\n", ", row 1: a line of more than 1,000,000", id="many columns"),
    ],
)  # fmt: skip
def test_m02_a_firm_list_that_cannot_be_read_names_the_row(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert message in refusal(tmp_path, content)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CR LF", "CR"])
def test_m02_line_ends_and_a_mark(tmp_path: Path, end: str) -> None:
    file = tmp_path / "firms.csv"
    file.write_bytes((HEAD + 'f1,"Café\nOne",one.example\nf2,Two,two.example\n').replace("\n", end).encode("utf-8-sig"))
    listed = read_firm_list(file, TODAY)
    assert [(row["firm_id"], row["name"]) for row in listed.firms] == [("f1", "Café One"), ("f2", "Two")]


@pytest.mark.parametrize("shape", ["columns", "line", "quote"])
def test_m02_a_firm_list_of_200_mb_stays_small_in_memory(shape: str, tmp_path: Path) -> None:
    file = tmp_path / "huge.csv"
    with file.open("wb") as out:
        out.write(HEAD.encode() + (b'"f1' if shape == "quote" else b"f1"))
        for _ in range(200):
            out.write({"columns": b"," * 1_000_000, "line": b"x" * 1_000_000, "quote": b"x\n" * 500_000}[shape])
    code = (
        "import sys\nfrom datetime import date\nfrom pathlib import Path\n"
        "from pipelines.errors import UsageError\nfrom pipelines.firm_lists import read_firm_list\n"
        "try:\n    read_firm_list(Path(sys.argv[1]), date(2026, 1, 1))\nexcept UsageError as error:\n"
        "    status = Path('/proc/self/status').read_text()\n"
        "    print(int(status.split('VmHWM:')[1].split()[0]) // 1024, str(error)[-100:])"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    peak_mib, _, said = ended.stdout.partition(" ")
    assert "quote" in said
    assert int(peak_mib) < 100


WIDE = 1_500


def firm_list_columns(path: Path) -> None:
    read_firm_list(path, TODAY)


def csv_columns(path: Path) -> None:
    next(csv_rows(path, ["firm_id"], "a table"))


@pytest.mark.parametrize(
    "read",
    [firm_list_columns, csv_columns],
)
def test_m02_many_columns_are_looked_through_once(tmp_path: Path, read: Callable[[Path], None]) -> None:
    file = tmp_path / "wide.csv"
    wide = ",".join(f"c{place}" for place in range(WIDE))
    file.write_text(f"{HEAD[:-1]},{wide}\nf1,One,one.example{',' * WIDE}\n", encoding="utf-8")
    began = time.process_time()
    read(file)
    assert time.process_time() - began < 0.5


# M03: who is who


@pytest.mark.parametrize(
    "twin", ["f\u00e9", "fe\u0301", " f\u00e9 ", "f\u00e9\0"], ids=["same", "other form", "blanks", "NUL"]
)
def test_m03_an_id_that_stands_twice_once_cleaned_is_refused(tmp_path: Path, twin: str) -> None:
    said = refusal(tmp_path, table(("f\u00e9", "One", "one.example"), (twin, "Two", "two.example")))
    assert ", row 3: firm_id 'f\u00e9' stands already in row 2" in said


def test_m03_a_list_that_was_refused_is_closed_at_once(tmp_path: Path) -> None:
    """And not once the error is forgotten: until then its traceback holds whatever was being read."""
    path = tmp_path / "firms.csv"
    path.write_text(HEAD + "f1,One,one.example\nf1,Two,two.example\nf3,Three,three.example\n", encoding="utf-8")
    with pytest.raises(UsageError, match="stands already in row 2"):
        read_firm_list(path, TODAY)
    assert path not in {link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}


def test_m03_a_firm_that_a_later_list_leaves_out_or_renames(workspace: Workspace, tmp_path: Path) -> None:
    take(workspace, tmp_path, HEAD + "f1,One,one.example\nf2,Two,two.example\n")
    before = firms(workspace)["f2"]
    take(workspace, tmp_path, HEAD + "f1,One Renamed,new.example\n")
    held = firms(workspace)
    assert held["f2"] == before, "a list that does not speak of a firm changes nothing about it"
    assert (len(held), held["f1"]["name"], held["f1"]["website"]) == (2, "One Renamed", "new.example")


def test_m03_an_id_given_to_another_company_keeps_nothing_of_the_one_before(
    workspace: Workspace, tmp_path: Path
) -> None:
    head = "firm_id,name,website,company_number"
    take(workspace, tmp_path, f"{head},status,dissolved_on\nf1,One,one.example,1,Dissolved,2024-01-01\n")
    figures = tmp_path / "figures.csv"
    figures.write_text("company_number,period_end,employees,source\n1,2024-12-31,500,x\n", encoding="utf-8")
    with start_run(workspace, "import accounts") as run:
        import_accounts(run, figures)
    take(workspace, tmp_path, f"{head}\nf1,Two,two.example,2\n")
    firm = firms(workspace)["f1"]
    assert (firm["company_number"], firm["status"], firm["dissolved_on"]) == ("2", None, None)
    assert rows(workspace, "accounts") == []


def test_m03_renamed_and_moved_in_the_register_it_is_one_firm_at_one_place(
    workspace: Workspace, tmp_path: Path
) -> None:
    head = "CompanyName,CompanyNumber,RegAddress.PostCode,CompanyStatus,IncorporationDate,SICCode.SicText_1,"
    head += "PreviousName_1.CompanyName\n"
    take(workspace, tmp_path, "firm_id,name,website,company_number\nf1,Ours,one.example,1\n")
    for year, name, postcode, former in (("2024", "OLD LTD", "NG7 2RD", ""), ("2025", "NEW LTD", "B1 1BB", "OLD LTD")):
        file = tmp_path / f"BasicCompanyDataAsOneFile-{year}-11-01.csv"
        said = [(name, number, postcode, "Active", "31/01/2015", "", former) for number in ("1", "2")]
        file.write_text(table(*said, head=head), encoding="utf-8")
        with start_run(workspace, "import register") as run:
            import_register(run, file)
    held = firms(workspace)
    assert {firm_id: row["name"] for firm_id, row in held.items()} == {"f1": "Ours", "00000002": "NEW LTD"}
    assert [row["previous_names"] for row in held.values()] == [["OLD LTD"]] * 2
    places = sorted((row["firm_id"], row["postcode"], row["kind"]) for row in rows(workspace, "premises"))
    assert places == [("00000002", "B1 1BB", "registered"), ("f1", "B1 1BB", "registered")]


@pytest.mark.parametrize("sites", [0, 1, 2, 3])
def test_m03_a_firm_with_any_number_of_sites_is_one_firm(sites: int) -> None:
    listed = pd.DataFrame({"firm_id": ["f1"], "name": ["One"]})
    figures = pd.DataFrame(
        {"firm_id": ["f1"], "period_end": [TODAY], "employees": [12.0], "source": ["accounts"], "imputed": [False]}
    )
    assigned = pd.DataFrame({"firm_id": ["f1"], "sector": ["cyber"], "assigned": [True], "reason": ["as told"]})
    at = [("NG7 2RD", "E06000018"), ("B1 1BB", "E08000025"), ("LE1 1AA", "E06000016")][:sites]
    premises = pd.DataFrame(
        [("f1", code, "trading", "imported", lad) for code, lad in at],
        columns=["firm_id", "postcode", "kind", "source", "lad_code"],
    )
    rules, kinds = RollupConfig(), AreasConfig(kinds=["lad"])
    found = cells_of(roll(TAXONOMY, listed, premises, figures, {"f1"}, assigned, rules=rules, kinds=kinds))
    for metric, total in (("businesses", 1), ("employees", 12)):
        shares = {c["area_code"]: c["value"] for c in found if c["cluster"] == "cyber" and c["metric"] == metric}
        assert shares.pop("all") == total
        assert sum(shares.values()) == pytest.approx(total)
        assert set(shares) == ({lad for _, lad in at} or {"unknown"})


def test_m03_one_site_of_many_rows_is_asked_once_and_each_row_has_an_outcome(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 404 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    with ServerThread() as server:
        port = server.listen(talk, "127.9.240.1", 0)
        targets = [CrawlTarget(f"f{place}", f"http://127.9.240.1:{port}/") for place in range(2_000)]
        settings = CrawlSettings(contact="crawl@example.org", delay_s=0, allow_addresses=("127.9.0.0/16",))
        found = list(crawl(targets, settings, tmp_path / "archive", tmp_path / "work"))
    assert sorted(site.firm_id for site in found) == sorted(target.firm_id for target in targets)
    assert {site.outcome for site in found} == {"http_error"}
    assert sum("shared_site" in site.flags for site in found) == 1_999
    assert len(asked) < 10


def test_m03_100_000_rows_of_one_site_count_each_firm_once() -> None:
    many = 100_000
    ids = [f"f{place:06}" for place in range(many)]
    listed = pd.DataFrame({"firm_id": ids, "name": "One", "website": "https://same.example/"})
    assigned = pd.DataFrame({"firm_id": ids, "sector": "cyber", "assigned": True, "reason": "threshold passed"})
    accounts = pd.DataFrame({"firm_id": ids[:1], "period_end": [TODAY], "employees": [7.0], "source": ["accounts"],
                             "imputed": [False]})  # fmt: skip
    found = cells_of(roll(TAXONOMY, listed, listed.iloc[:0], accounts, ids, assigned))
    of_cyber = {
        cell["metric"]: cell["value"] for cell in found if (cell["cluster"], cell["area_code"]) == ("cyber", "all")
    }
    assert (of_cyber["businesses"], of_cyber["employees"]) == (many, 7)


# M04 to M06: bait


BAIT = 200_000


@pytest.mark.parametrize("read", [number, day, normalised, postcode_of, country_code, number_in])
@pytest.mark.parametrize(
    "bait",
    ["1" * BAIT, "1," * BAIT, "1,111" * BAIT, "1 " * BAIT + "x", " " * BAIT + "x", "a " * BAIT, "a-" * BAIT + "\n",
     "(" * BAIT, "AB1234567" * BAIT, "1/" * BAIT, "e\u0301" * BAIT],
    ids=["digits", "groups", "long groups", "spaced", "blanks", "letters", "dashes", "brackets", "numbers", "slashes",
         "marks"],
)  # fmt: skip
def test_m04_no_text_holds_a_pattern_up(read: Callable[[str], object], bait: str) -> None:
    began = time.process_time()
    with contextlib.suppress(ValueError):
        read(bait)
    assert time.process_time() - began < 3


@pytest.mark.parametrize("depth", [200, 100_000])
def test_m04_a_deeply_nested_sheet_ends_quickly(tmp_path: Path, depth: int) -> None:
    nested = b"<x>" * depth + b"</x>" * depth
    path = workbook(tmp_path / "a.xlsx", ("CRN", "Project Number"), ("1", "p"))
    rewritten(path, in_part("xl/worksheets/sheet1.xml", b"</sheetData>", nested + b"</sheetData>"))
    began = time.monotonic()
    found: list[object] = []
    with contextlib.suppress(UsageError) if depth > 200 else contextlib.nullcontext():
        found += [row.number for row in workbook_rows(path, ("CRN", "Project Number"), "a table")]
    assert found in ([], [2]) if depth > 200 else found == [2]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("bait", [b"<!--", b"<?"], ids=["comments", "instructions"])
def test_m04_a_prolog_that_never_ends_is_refused_quickly(tmp_path: Path, bait: bytes) -> None:
    path = workbook(tmp_path / "a.xlsx", ("CRN", "Project Number"), ("1", "p"))
    rewritten(path, lambda name, content: bait * (20_000 // len(bait)) if "sheet1" in name else content)
    began = time.process_time()
    with pytest.raises(UsageError, match="which Excel never writes"):
        list(workbook_rows(path, ("CRN", "Project Number"), "a table"))
    assert time.process_time() - began < 0.4


def test_m06_65_536_entries(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for place in range(65_536):
            packed.writestr(zipfile.ZipInfo(f"{place}.csv"), b"")
    with pytest.raises(ZipRefusedError, match="65,536 entries"), zip_members(path):
        pass


# M08: websites


SECRET = "s3cr3t"
SITES = [
    ("scheme", f"https://me:{SECRET}@a.example/x", "https://a.example/x"),
    ("no scheme", f"//me:{SECRET}@a.example/x", "//a.example/x"),
    ("two at signs", f"http://me:{SECRET}@{SECRET}@a.example", "http://a.example"),
    ("capitals", f"HTTP://{SECRET}@A.example", "HTTP://A.example"),
    ("homograph", "https://\u0430pple.example/", "https://\u0430pple.example/"),
    ("at in the path", "https://a.example/@firm", "https://a.example/@firm"),
    ("ftp", f"ftp://me:{SECRET}@a.example/", None),
    ("bare", f"me:{SECRET}@a.example", None),
    ("two URLs", f"http://me:{SECRET}@a.example http://b.example", None),
    ("two, the second secret", f"http://a.example http://me:{SECRET}@b.example", None),
    ("slash in it", f"https://me:se/{SECRET}@a.example", None),
    ("bracket", f"https://me:{SECRET}@[", None),
    ("bracket alone", "http://[", None),
    ("javascript", "javascript:alert(1)", None),
    ("spaces", "http://a b.example/", None),
    ("e-mail", "mailto:info@a.example", None),
    ("3 kB", f"https://me:{SECRET}@a.example/" + "x" * 3_000, None),
]


def everywhere(workspace: Workspace) -> str:
    """All that a workspace holds, as text: files as they are, and every table."""
    files = b"".join(path.read_bytes() for path in workspace.folder.rglob("*") if path.is_file())
    return files.decode("latin-1") + str([rows(workspace, name) for name in ("firms", "sites", "runs", "pages")])


def test_m08_every_cell_is_an_address_or_a_named_outcome(
    firmscope: Command, workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "firms.csv"
    file.write_text(table(*[(name, name, cell) for name, cell, _ in SITES]), encoding="utf-8")
    at = ("--workspace", workspace.folder)
    answer = firmscope(*at, "import", "firms", file, "--allow-missing-websites")
    assert answer.code == 0, answer.err
    held = firms(Workspace(workspace.folder))
    assert {name: row["website"] for name, row in held.items()} == {name: kept for name, _, kept in SITES}
    assert SECRET not in answer.out + everywhere(Workspace(workspace.folder))


def test_m08_firms_without_an_address_are_a_bad_url(firmscope: Command, workspace: Workspace, tmp_path: Path) -> None:
    take(workspace, tmp_path, table(*[(name, name, cell) for name, cell, kept in SITES if kept is None]))
    at = ("--workspace", workspace.folder)
    answer = firmscope(*at, "crawl")
    assert answer.code == 0, answer.err
    outcomes = {row["firm_id"]: row["outcome"] for row in rows(Workspace(workspace.folder), "sites")}
    assert outcomes == {name: "bad_url" for name, _, kept in SITES if kept is None}
    assert SECRET not in answer.out + everywhere(Workspace(workspace.folder))


@pytest.mark.parametrize(
    "cell", [cell for _, cell, kept in SITES if kept is None], ids=[name for name, _, kept in SITES if kept is None]
)
def test_m08_a_refusal_does_not_say_the_password(
    firmscope: Command, workspace: Workspace, tmp_path: Path, cell: str
) -> None:
    file = tmp_path / "firms.csv"
    file.write_text(table(("f1", "One", cell)), encoding="utf-8")
    answer = firmscope("--workspace", workspace.folder, "import", "firms", file)
    assert answer.code == 2
    assert "row 2: the website cell" in answer.err
    assert SECRET not in answer.out + answer.err + everywhere(Workspace(workspace.folder))


def test_m08_addresses_of_a_text_list(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    listed = [{"firm_id": name, "name": name, "text": "words", "website": cell, "url": cell} for name, cell, _ in SITES]
    file.write_text("\n".join(json.dumps(one) for one in listed), encoding="utf-8")
    with start_run(workspace, "import texts") as run:
        import_texts(run, read_texts(file), datetime(2026, 1, 1, tzinfo=UTC))
    assert {name: row["website"] for name, row in firms(workspace).items()} == {name: kept for name, _, kept in SITES}
    assert SECRET not in everywhere(workspace)
