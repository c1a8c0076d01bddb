"""Figures of others: taken as published, about clusters and areas that exist, each once."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

from pipelines.errors import UsageError
from pipelines.runs import start_run
from pipelines.setup import create_workspace
from pipelines.sources.metrics import MetricsReport, import_metrics
from pipelines.workspace import Workspace
from tests.pipelines.conftest import TAXONOMY

HEAD = "metric,cluster,area,value,unit,source,year\n"
Key = tuple[str, str, str, int, str]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the sectors air, space and cyber, and the area midlands_engine."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "taxonomy.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "taxonomy.yaml"))
    return Workspace(folder / "ws")


@pytest.fixture
def blank(shelf: Workspace) -> Workspace:
    """The same, without figures."""
    shelf.lake.replace_all("published_metrics", [], "given")
    return shelf


def take(workspace: Workspace, tmp_path: Path, content: str | bytes) -> MetricsReport:
    path = tmp_path / "metrics.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with start_run(workspace, "import metrics") as run:
        return import_metrics(run, path)


def held(workspace: Workspace) -> dict[Key, tuple[float, str]]:
    rows = workspace.lake.read_arrow("published_metrics").to_pylist()
    return {
        (row["metric"], row["cluster"], row["area"], row["year"], row["source"]): (row["value"], row["unit"])
        for row in rows
    }


@pytest.mark.parametrize(
    ("row", "key", "figure"),
    [
        pytest.param('2.1,space,E12000004,"1,234.5",patents,IPO,2023',
                     ("2.1", "space", "E12000004", 2023, "IPO"), (1234.5, "patents"), id="region"),
        pytest.param("2.1,space,midlands_engine,3,patents,IPO,2023",
                     ("2.1", "space", "midlands_engine", 2023, "IPO"), (3.0, "patents"), id="own area"),
        pytest.param("2.1,space,UK,3,patents,IPO,2023", ("2.1", "space", "all", 2023, "IPO"), (3.0, "patents"),
                     id="everywhere"),
        pytest.param("2.1,all,e06000018,-3.5,GBP,IPO,2023", ("2.1", "all", "E06000018", 2023, "IPO"), (-3.5, "GBP"),
                     id="all firms in a district"),
        pytest.param("3.2,air,all,17%,,ONS,2020", ("3.2", "air", "all", 2020, "ONS"), (17.0, "%"), id="per cent"),
        pytest.param("3.2,air,all,17,%,ONS,2020", ("3.2", "air", "all", 2020, "ONS"), (17.0, "%"), id="per cent apart"),
        pytest.param("NA,air,all,0,null,=1+1,2020", ("NA", "air", "all", 2020, "=1+1"), (0.0, "null"), id="odd texts"),
    ],
)  # fmt: skip
def test_figures(blank: Workspace, tmp_path: Path, row: str, key: Key, figure: tuple[float, str]) -> None:
    take(blank, tmp_path, HEAD + row + "\n")
    assert held(blank) == {key: figure}


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        pytest.param("2.1,spcae,all,3,patents,IPO,2023", "unknown_cluster", "did you mean space?", id="cluster"),
        pytest.param("2.1,space,midland_engine,3,patents,IPO,2023", "unknown_area", "did you mean midlands_engine?",
                     id="own area"),
        pytest.param("2.1,space,E99999999,3,patents,IPO,2023", "unknown_area", "", id="area code"),
        pytest.param("2.1,space,Derby,3,patents,IPO,2023", "unknown_area", "expected an ONS code", id="area by name"),
        pytest.param("2.1,space,all,many,patents,IPO,2023", "bad_value", "'many'", id="words"),
        pytest.param("2.1,space,all,NaN,patents,IPO,2023", "bad_value", "'NaN'", id="NaN"),
        pytest.param('2.1,space,all,"1.234,5",patents,IPO,2023', "bad_value", "", id="decimal comma"),
        pytest.param("2.1,space,all,17%,patents,IPO,2023", "bad_value", "give one of the two", id="two units"),
        pytest.param("2.1,space,all,17,,IPO,2023", "empty_cell", "unit", id="no unit"),
        pytest.param("2.1,space,all,,patents,IPO,2023", "empty_cell", "value", id="no value"),
        pytest.param("2.1,space,all,3,patents,,2023", "empty_cell", "source", id="no source"),
        pytest.param("2.1,space,all,3,patents,IPO,23", "bad_year", "four digits", id="two digits"),
        pytest.param("2.1,space,all,3,patents,IPO,2023/24", "bad_year", "four digits", id="financial year"),
        pytest.param("2.1,space,all,3,patents,IPO,2999", "future_year", "2999", id="future"),
        pytest.param("2.1,space,all,3," + "x" * 61 + ",IPO,2023", "too_long", "unit has 61", id="long unit"),
        pytest.param("2.1,space,all,3,patents,IPO", "wrong_cell_count", "6 cells", id="cells missing"),
        pytest.param(HEAD.strip(), "header_again", "", id="header again"),
    ],
)  # fmt: skip
def test_bad_rows_cost_only_themselves(
    blank: Workspace, tmp_path: Path, row: str, reason: str, detail: str
) -> None:  # fmt: skip
    report = take(blank, tmp_path, HEAD + "2.1,air,all,1,patents,IPO,2023\n" + row + "\n")
    assert (report.figures, report.dropped) == (1, {reason: 1})
    dropped = (
        (max(blank.runs_folder.iterdir(), key=lambda run: run.stat().st_mtime_ns) / "dropped.csv")
        .read_text(encoding="utf-8")
        .splitlines()[1]
    )
    assert dropped.startswith(f'import,"metrics.csv, row 3",{reason},')
    assert detail in dropped


def test_rows_on_one_figure(blank: Workspace, tmp_path: Path) -> None:
    agreed, disputed = "2.1,air,all,1,patents,IPO,2023\n", "2.1,air,UK,{},patents,IPO,2022\n"
    report = take(blank, tmp_path, HEAD + agreed + agreed + disputed.format(5) + disputed.format(6))
    assert held(blank) == {("2.1", "air", "all", 2023, "IPO"): (1.0, "patents")}
    assert report.dropped == {"duplicate_row": 1, "contradicting_rows": 2}


def test_a_file_takes_the_place_of_what_it_speaks_of(blank: Workspace, tmp_path: Path) -> None:
    first = HEAD + "2.1,air,all,1,patents,IPO,2023\n2.1,air,all,2,patents,IPO,2022\n2.1,air,all,3,patents,EPO,2023\n"
    assert take(blank, tmp_path, first).new == 3
    before = blank.lake.snapshot("published_metrics")
    assert take(blank, tmp_path, first).new == 0
    assert blank.lake.snapshot("published_metrics") == before
    report = take(blank, tmp_path, HEAD + "2.1,air,all,9,patents,IPO,2023\n")
    assert (report.new, report.sentences()[-1]) == (
        1, "1 rows read: 1 figures of 1 metrics, 1 of them not held before in this form",
    )  # fmt: skip
    assert sorted(value for value, _ in held(blank).values()) == [2.0, 3.0, 9.0]


def test_a_workbook(blank: Workspace, tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(HEAD.strip().split(","))
    book.active.append([2.1, "air", "all", 0.5, "patents", "IPO", 2023])
    book.save(tmp_path / "metrics.xlsx")
    report = take(blank, tmp_path, (tmp_path / "metrics.xlsx").read_bytes())
    assert held(blank) == {("2.1", "air", "all", 2023, "IPO"): (0.5, "patents")}
    assert report.how_read == ("Sheet 'Sheet' was read",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"metric,cluster,area,value,unit,source\n", "column year is missing"),
        (HEAD.encode(), "none of the 0 rows can be used; there are none"),
        (HEAD.encode() + b"2.1,x,all,1,p,s,2023\n", r"the first, metrics.csv, row 2: unknown_cluster"),
        (b"firm_id,name,website\n", "firmscope import firms"),
        (b"%PDF", "a PDF document"),
    ],
    ids=["empty", "no year column", "header only", "no row to be used", "firm list", "PDF"],
)
def test_wrong_files_leave_everything_as_it_was(
    shelf: Workspace, tmp_path: Path, content: bytes, message: str
) -> None:  # fmt: skip
    before = shelf.lake.snapshot("published_metrics")
    with pytest.raises(UsageError, match=message):
        take(shelf, tmp_path, content)
    assert shelf.lake.snapshot("published_metrics") == before
