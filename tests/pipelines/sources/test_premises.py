"""Trading addresses from a file: joined, placed on the map, and beside what websites and the register say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import UsageError
from pipelines.match_shard import WEBSITE
from pipelines.runs import start_run
from pipelines.setup import create_workspace
from pipelines.sources.premises import PremisesReport, import_premises
from pipelines.tables import FIRMS, PREMISES
from pipelines.workspace import Workspace
from tests.pipelines.conftest import TAXONOMY

HEAD = "firm_id,company_number,postcode,employees,lat,lon\n"
Row = dict[str, Any]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Firms a, b and c, and two that claim one number."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "taxonomy.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "taxonomy.yaml"))
    numbers = {"a": "1", "b": "SC000002", "c": None, "d1": "00000003", "d2": "3"}
    empty: Row = dict.fromkeys(column.name for column in FIRMS.columns if column.name != "shard")
    workspace = Workspace(folder / "ws")
    rows = [empty | {"firm_id": firm, "name": firm, "company_number": number} for firm, number in numbers.items()]
    workspace.lake.replace_firms("firms", numbers, rows, "given")
    return workspace


@pytest.fixture
def blank(shelf: Workspace) -> Workspace:
    """The same, without premises."""
    shelf.lake.replace_all("premises", [], "given")
    return shelf


def take(workspace: Workspace, tmp_path: Path, content: str | bytes, name: str = "sites.csv") -> PremisesReport:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with start_run(workspace, "import premises") as run:
        return import_premises(run, path)


def held(workspace: Workspace) -> dict[tuple[str, str | None, str], Row]:
    rows = workspace.lake.read_arrow("premises").to_pylist()
    return {(row["firm_id"], row["postcode"], row["kind"]): row for row in rows}


def test_addresses_get_their_place(blank: Workspace, tmp_path: Path) -> None:
    report = take(
        blank, tmp_path, HEAD + 'a,,ng72rd,"1,200",,\n,sc2,EH1 1YZ,,55.95,-3.19\nc,,BT1 5GS,3,,\nc,,ZZ99 9ZZ,,,\n'
    )
    rows = held(blank)
    nottingham = rows["a", "NG7 2RD", "trading"]
    assert (nottingham["source"], nottingham["employees"], nottingham["lad_code"]) == ("imported", 1200.0, "E06000018")
    assert (round(nottingham["lat"], 2), round(nottingham["lon"], 2)) == (52.94, -1.19)
    assert nottingham["h3"]
    assert (rows["b", "EH1 1YZ", "trading"]["lat"], rows["b", "EH1 1YZ", "trading"]["lon"]) == (55.95, -3.19)
    assert rows["c", "BT1 5GS", "trading"]["unplaced"] == "northern_ireland"
    assert report.unplaced == {"northern_ireland": 1, "unknown": 1}
    assert (report.rows, report.premises, report.firms, report.with_employees, report.dropped) == (4, 4, 3, 2, {})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param("a,,nonsense,,,", "bad_postcode", id="no postcode"),
        pytest.param("a,,,,,", "bad_postcode", id="empty postcode"),
        pytest.param("a,,NG7 2RD,-1,,", "negative_employees", id="negative"),
        pytest.param("a,,NG7 2RD,many,,", "bad_employees", id="words"),
        pytest.param("a,,NG7 2RD,NaN,,", "bad_employees", id="NaN"),
        pytest.param("a,,NG7 2RD,3000000,,", "absurd_employees", id="absurd"),
        pytest.param("a,,NG7 2RD,1,52.9,", "bad_place", id="half a place"),
        pytest.param("a,,NG7 2RD,1,-1.18,52.94", "bad_place", id="latitude and longitude the wrong way round"),
        pytest.param("a,,NG7 2RD,1,x,y", "bad_place", id="no coordinates"),
        pytest.param(",,NG7 2RD,1,,", "no_firm", id="nobody"),
        pytest.param(",IC,NG7 2RD,1,,", "no_firm", id="no number"),
        pytest.param("z,,NG7 2RD,1,,", "not_in_firm_list", id="another firm"),
        pytest.param(",9,NG7 2RD,1,,", "not_in_firm_list", id="another company"),
        pytest.param(",3,NG7 2RD,1,,", "number_of_several_firms", id="claimed twice"),
        pytest.param("a,,NG7 2RD", "wrong_cell_count", id="cells missing"),
        pytest.param(HEAD.strip(), "header_again", id="header again"),
    ],
)
def test_bad_rows_cost_only_themselves(blank: Workspace, tmp_path: Path, row: str, reason: str) -> None:
    report = take(blank, tmp_path, HEAD + "b,,LE1 6TP,5,,\n" + row + "\n")
    assert (report.premises, report.dropped) == (1, {reason: 1})
    assert set(held(blank)) == {("b", "LE1 6TP", "trading")}
    newest = max(blank.runs_folder.iterdir(), key=lambda run: run.stat().st_mtime_ns)
    assert f'"sites.csv, row 3",{reason}' in (newest / "dropped.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("rows", "employees", "added", "dropped"),
    [
        ("a,,NG7 2RD,5,,\na,,ng7 2rd,7,,\n", 12.0, 1, {}),
        ("a,,NG7 2RD,5,,\na,,NG7 2RD,,,\n", None, 1, {}),
        ("a,,NG7 2RD,5,,\n,1,NG7 2RD,5,,\n", 5.0, 0, {"duplicate_row": 1}),
    ],
    ids=["added up", "not known", "the same again"],
)
def test_one_firm_twice_at_a_postcode(
    blank: Workspace, tmp_path: Path, rows: str, employees: float | None, added: int, dropped: dict[str, int]
) -> None:
    report = take(blank, tmp_path, HEAD + rows)
    assert held(blank)["a", "NG7 2RD", "trading"]["employees"] == employees
    assert (report.added, report.dropped, report.premises) == (added, dropped, 1)


def test_what_is_known_from_elsewhere_stays(blank: Workspace, tmp_path: Path) -> None:
    empty: Row = dict.fromkeys(column.name for column in PREMISES.columns if column.name != "shard")
    known = [
        empty | {"firm_id": "a", "postcode": postcode, "kind": kind, "source": source}
        for postcode, kind, source in [("NG7 2RD", "registered", "register"), ("NG7 2RD", "trading", WEBSITE),
                                       ("LE1 6TP", "trading", WEBSITE)]
    ]  # fmt: skip
    blank.lake.replace_firms("premises", ["a"], known, "given")
    take(blank, tmp_path, HEAD + "a,,NG7 2RD,5,,\na,,DE1 2GU,,,\nb,,EH1 1YZ,,,\n")
    sources = {key: row["source"] for key, row in held(blank).items()}
    assert sources == {
        ("a", "NG7 2RD", "registered"): "register", ("a", "NG7 2RD", "trading"): "imported",
        ("a", "LE1 6TP", "trading"): WEBSITE, ("a", "DE1 2GU", "trading"): "imported",
        ("b", "EH1 1YZ", "trading"): "imported",
    }  # fmt: skip
    take(blank, tmp_path, HEAD + "a,,DE1 2GU,9,,\n", "later.csv")
    assert ("a", "NG7 2RD", "trading") not in held(blank)
    assert held(blank)["a", "DE1 2GU", "trading"]["employees"] == 9
    assert ("b", "EH1 1YZ", "trading") in held(blank), "not named in the second file"
    before = blank.lake.snapshot("premises")
    take(blank, tmp_path, HEAD + "a,,DE1 2GU,9,,\n", "again.csv")
    assert blank.lake.snapshot("premises") == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"postcode,employees\nNG7 2RD,5\n", "row 1: neither firm_id nor company_number is there"),
        (b"firm_id,town\na,Derby\n", "column postcode is missing"),
        (
            b"firm_id,name,Website,postcode\na,A,a.example,NG7 2RD\n",
            "a firm list, which is for: firmscope import firms",
        ),
        (HEAD.encode() + b"a,,x,,,\n", r"none of the 1 rows can be used; the first, sites.csv, row 2: bad_postcode"),
        (HEAD.encode(), "none of the 0 rows can be used"),
        (b"PK\x03\x04", "a zip file or an Excel workbook"),
        (b"%PDF", "a PDF document"),
    ],
    ids=[
        "empty",
        "no firm column",
        "no postcode column",
        "a firm list",
        "no row to be used",
        "header only",
        "workbook",
        "PDF",
    ],
)
def test_wrong_files_leave_everything_as_it_was(
    shelf: Workspace, tmp_path: Path, content: bytes, message: str
) -> None:  # fmt: skip
    before = shelf.lake.snapshot("premises")
    with pytest.raises(UsageError, match=message):
        take(shelf, tmp_path, content)
    assert shelf.lake.snapshot("premises") == before


def test_forms_of_one_file(blank: Workspace, tmp_path: Path) -> None:
    text = "Firm ID;Postcode;Employees\na;NG7 2RD;5\n"
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        assert take(blank, tmp_path, text.encode(encoding)).premises == 1
    assert held(blank)["a", "NG7 2RD", "trading"]["employees"] == 5
