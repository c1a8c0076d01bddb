"""Owners from the PSC snapshot: who counts as one, what hostile lines cost, and that no person is ever kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import UsageError
from pipelines.runs import start_run
from pipelines.setup import create_workspace
from pipelines.sources.owners import number_in, ownership, strength
from pipelines.sources.psc import PscReport, import_psc
from pipelines.sources.psc_entries import is_plainly_person
from pipelines.tables import FIRMS
from pipelines.workspace import Workspace
from tests.kills import points
from tests.pipelines.conftest import TAXONOMY

Row = dict[str, Any]
CORPORATE = "corporate-entity-person-with-significant-control"
PERSON = "individual-person-with-significant-control"
STATEMENT = "persons-with-significant-control-statement"
MOST = "ownership-of-shares-75-to-100-percent"
BORN = 19_551_955_195
"""A year of birth that no clock and no digest in the workspace spells by chance."""
SECRETS = ("Bloggs", "Josephine", str(BORN), "Exampleshire")


def entry(number: str | int, kind: str = CORPORATE, mark: str = "owner-0001", country: str = "", **more: Any) -> Row:
    data: Row = {"kind": kind, "etag": "0" * 40, "links": {"self": f"/company/{number}/x/{mark}"}}
    if kind == PERSON:
        data |= {"name_elements": {"forename": "Josephine", "surname": "Bloggs"}, "date_of_birth": {"year": BORN}}
        data |= {"name": "Ms Josephine Bloggs", "address": {"region": "Exampleshire"}}
    elif kind == CORPORATE:
        data |= {"name": "Holding Ltd", "natures_of_control": [MOST], "notified_on": "2020-01-31"}
        data["identification"] = {"country_registered": country} if country else {}
    identity = {key: more.pop(key) for key in ("registration_number", "place_registered") if key in more}
    if identity:
        data["identification"] = {**data.get("identification", {}), **identity}
    return {"company_number": number, "data": {**data, **more}}


def compact(one: Row) -> bytes:
    return json.dumps(one, separators=(",", ":")).encode()


def lines(*entries: Row | bytes | str) -> bytes:
    return b"".join(
        (one if isinstance(one, bytes) else one.encode() if isinstance(one, str) else compact(one)) + b"\n"
        for one in entries
    )


def fill(workspace: Workspace, numbers: Mapping[str, str | None]) -> None:
    empty: Row = dict.fromkeys(column.name for column in FIRMS.columns if column.name != "shard")
    rows = [empty | {"firm_id": firm, "name": firm, "company_number": number} for firm, number in numbers.items()]
    workspace.lake.replace_firms("firms", numbers, rows, "given")


FIRMS_LISTED = {"a": "1", "b": "00000002", "c": "SC000003", "d": "00000004", "twin": "00000001", "none": None}


@pytest.fixture
def listed(workspace: Workspace) -> Workspace:
    """Firms a (00000001) to d, and twin, which has a's number."""
    fill(workspace, FIRMS_LISTED)
    return workspace


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The same firms for all tests that leave no trace another one would see."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "taxonomy.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "taxonomy.yaml"))
    fill(Workspace(folder / "ws"), FIRMS_LISTED)
    return Workspace(folder / "ws")


def take(workspace: Workspace, tmp_path: Path, content: bytes, name: str = "psc-snapshot-2025-11-01.txt") -> PscReport:
    path = tmp_path / name
    path.write_bytes(content)
    with start_run(workspace, "import psc") as run:
        return import_psc(run, path)


def owned(workspace: Workspace) -> dict[str, tuple[bool | None, str | None, str | None]]:
    rows = workspace.lake.read_arrow("firms").to_pylist()
    return {row["firm_id"]: (row["foreign_owned"], row["owner_country"], row["parent_id"]) for row in rows}


UNTOLD = (None, None, None)


OWNED_BY: list[Any] = [
    pytest.param([entry("2", country="Delaware")], (True, "US", None), id="foreign"),
    pytest.param([entry("2", country="Jersey")], (True, "JE", None), id="a crown dependency is abroad"),
    pytest.param([entry("2", country="England", registration_number="4")], (False, "GB", "d"), id="listed parent"),
    pytest.param([entry("2", country="Wales", registration_number="No. 09999999")], (False, "GB", "09999999"),
                 id="parent not listed"),
    pytest.param([entry("2", country="England", registration_number="2")], (False, "GB", None), id="its own parent"),
    pytest.param([entry("2", country="Germany", registration_number="4")], (True, "DE", None),
                 id="a German number is no parent"),
    pytest.param([entry("2", country="West Yorkshire")], (None, "unclear", None), id="unclear"),
    pytest.param([entry("2")], (None, "unclear", None), id="no country"),
    pytest.param([entry("2", place_registered="Companies House", registration_number="4")], (False, "GB", "d"),
                 id="Companies House and a number"),
    pytest.param([entry("2", place_registered="Companies House")], (None, "unclear", None),
                 id="Companies House and no number"),
    pytest.param([entry("2", country="HRB 1", place_registered="Handelsregister München")], (True, "DE", None),
                 id="the register tells"),
    pytest.param([entry("2", PERSON)], (False, None, None), id="a person"),
    pytest.param([entry("2", STATEMENT, statement="no-individual-or-entity-with-signficant-control")],
                 (False, None, None), id="nobody"),
    pytest.param([entry("2", STATEMENT, statement="psc-exists-but-not-identified")], UNTOLD, id="not identified"),
    pytest.param([entry("2", "exemptions")], UNTOLD, id="exempt"),
    pytest.param([entry("2", country="France", ceased_on="2021-01-01")], (False, None, None), id="ceased"),
    pytest.param([entry("2", country="France", natures_of_control=["voting-rights-25-to-50-percent"])],
                 (False, None, None), id="a stake of at most half"),
    pytest.param([entry("2", country="France", natures_of_control=[])], (True, "FR", None), id="extent not stated"),
    pytest.param([entry("2", "legal-person-person-with-significant-control",
                        identification={"country_registered": "Norway"})], (True, "NO", None), id="legal person"),
    pytest.param([entry("2", "corporate-entity-beneficial-owner", identification={"country_registered": "Malta"})],
                 (True, "MT", None), id="beneficial owner"),
    pytest.param(
        [entry("2", country="France", mark="owner-0001", natures_of_control=["voting-rights-50-to-75-percent"]),
         entry("2", country="Spain", mark="owner-0002")], (True, "ES", None), id="the strongest"),
    pytest.param(
        [entry("2", country="France", mark="owner-0001"),
         entry("2", country="Spain", mark="owner-0002", notified_on="2019-12-31")], (True, "ES", None),
        id="of equals the first"),
    pytest.param([entry("2", country="France"), entry("2", country="Spain")], (True, "ES", None),
                 id="one entry given twice, the last stands"),
]  # fmt: skip


@pytest.fixture(scope="module")
def settled(shelf: Workspace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, ...]]:
    """Each case of the table as a company of its own, all imported at once."""
    numbers = {str(place): f"1{place:07d}" for place in range(len(OWNED_BY))}
    fill(shelf, numbers | {"b": "00000002", "d": "00000004", "z": "00000077"})
    said = []
    for place, case in enumerate(OWNED_BY):
        for one in case.values[0]:
            itself = one["data"].get("identification", {}).get("registration_number") == "2"
            one["company_number"] = numbers[str(place)]
            if itself:
                one["data"]["identification"]["registration_number"] = numbers[str(place)]
            said.append(one)
    take(shelf, tmp_path_factory.mktemp("cases"), lines(*said))
    return owned(shelf)


@pytest.mark.parametrize(("place", "expected"), [
    pytest.param(str(place), case.values[1], id=str(case.id)) for place, case in enumerate(OWNED_BY)
])  # fmt: skip
def test_who_owns(settled: dict[str, tuple[Any, ...]], place: str, expected: tuple[Any, ...]) -> None:
    assert settled[place] == expected
    assert settled["z"] == UNTOLD, "a company that the file does not name"


@pytest.mark.parametrize(
    ("natures", "expected"),
    [
        (["ownership-of-shares-75-to-100-percent-as-trust"], 4),
        (["right-to-share-surplus-assets-50-to-75-percent-limited-liability-partnership"], 3),
        (["voting-rights-25-to-50-percent", "right-to-appoint-and-remove-directors"], 2),
        (["significant-influence-or-control-as-firm"], 1),
        (["something new"], 1),
        ([], 1),
        (["ownership-of-shares-25-to-50-percent"], 0),
        (["ownership-of-shares-more-than-25-percent-registered-overseas-entity"], 0),
    ],
)
def test_strength_of_control(natures: list[str], expected: int) -> None:
    assert strength(natures) == expected


@pytest.mark.parametrize(
    ("raw", "plainly"),
    [
        pytest.param(compact(entry("2", PERSON)), True, id="a person"),
        pytest.param(compact(entry("2", PERSON)) + b"\r", True, id="CR"),
        pytest.param(compact(entry("2", PERSON))[:-2], False, id="cut short"),
        pytest.param(compact(entry("2", name=f'"kind":"{PERSON}"')), False, id="a company of that name"),
        pytest.param(compact(entry("2", more={"kind": PERSON})), False, id="a person inside a company"),
        pytest.param(compact(entry("2", STATEMENT)), False, id="statement"),
        pytest.param(json.dumps(entry("2", PERSON)).encode(), False, id="not sure"),
    ],
)
def test_persons_at_a_glance(raw: bytes, plainly: bool) -> None:
    assert is_plainly_person(raw) == plainly


def test_order_of_entries_does_not_matter() -> None:
    rows = [
        {"owner": f"{n}", "country": country, "natures": [MOST], "notified_on": day, "ceased_on": None, "number": None}
        for n, (country, day) in enumerate([("FR", None), ("US", date(2020, 1, 1)), ("DE", date(2020, 1, 1))])
    ]
    assert {ownership(rows[n:] + rows[:n]).owner_country for n in range(3)} == {"US"}


IMPORT = """
import sys
from pathlib import Path
from pipelines.runs import start_run
from pipelines.sources.psc import import_psc
from pipelines.workspace import Workspace
with start_run(Workspace(Path(sys.argv[1])), "import psc") as run:
    import_psc(run, Path(sys.argv[2]))
"""


@pytest.mark.parametrize("point", points("committed-firms", "committed-owners", "after-import"))
def test_killed_and_run_again_ends_as_undisturbed(listed: Workspace, tmp_path: Path, point: str) -> None:
    take(listed, tmp_path, lines(entry("2", country="England", registration_number="4")))
    assert owned(listed)["b"] == (False, "GB", "d")
    path = tmp_path / "psc-snapshot-2025-12-01.txt"
    path.write_bytes(lines(entry("2", PERSON)))
    command = [sys.executable, "-c", IMPORT, str(listed.folder), str(path)]
    killed = subprocess.run(command, env=os.environ | {"FIRMSCOPE_CRASH_AT": point}, check=False)
    assert killed.returncode == -signal.SIGKILL
    subprocess.run(command, check=True)
    again = Workspace(listed.folder)
    assert owned(again)["b"] == (False, None, None)
    assert again.lake.read_arrow("owners").num_rows == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("123", "00000123"), ("Company No. 01234567", "01234567"), ("sc 123456", "SC123456"), ("HRB 12 34", None),
     ("01234567 / 07654321", None), ("n/a", None), ("", None)],
)  # fmt: skip
def test_numbers_in_texts(text: str, expected: str | None) -> None:
    assert number_in(text) == expected


def test_rows_are_kept_and_persons_are_not(listed: Workspace, tmp_path: Path) -> None:
    report = take(
        listed,
        tmp_path,
        lines(
            entry(1, country="England & Wales", registration_number="2", place_registered="Companies House"),
            entry("SC3", PERSON),
            entry("SC3", country="USA", ceased_on="2024-05-01", mark="owner-0009"),
            entry("4", "super-secure-person-with-significant-control"),
            entry("99", PERSON),
            entry("99", country="USA"),
            {"data": {"kind": "totals#persons-of-significant-control-snapshot", "statements_count": 3}},
        ),
    )
    held = {row["firm_id"]: row for row in listed.lake.read_arrow("owners").to_pylist()}
    assert set(held) == {"a", "twin", "c"}
    assert {key: held["twin"][key] for key in ("owner", "kind", "name", "number", "country", "natures")} == {
        "owner": "owner-0001", "kind": "corporate", "name": "Holding Ltd", "number": "2", "country": "GB",
        "natures": [MOST],
    }  # fmt: skip
    assert held["c"]["ceased_on"] == date(2024, 5, 1)
    assert owned(listed) == {
        "a": (False, "GB", "b"), "twin": (False, "GB", "b"), "b": UNTOLD, "c": (False, None, None),
        "d": (False, None, None), "none": UNTOLD,
    }  # fmt: skip
    assert (report.lines, report.owners, report.ceased, report.british, report.parents) == (7, 2, 1, 2, 2)
    assert report.dropped == {"person": 1, "person_protected": 1, "not_in_firm_list": 2, "totals": 1}
    assert everything(listed).isdisjoint(SECRETS)


def everything(workspace: Workspace) -> set[str]:
    """Which secrets stand anywhere in what the workspace holds on disk."""
    text = b"".join(path.read_bytes() for path in workspace.folder.rglob("*") if path.is_file())
    owners = str([workspace.lake.read_arrow(name).to_pylist() for name in ("owners", "firms", "runs")])
    return {secret for secret in SECRETS if secret.encode() in text or secret in owners}


HOSTILE = {
    "not_json": [
        b'{"company_number":"2","data":{"kind":"individual-person","name":"Josephine Bloggs"',
        f"Josephine Bloggs, born {BORN}, Exampleshire".encode(),
        b'{"company_number":"2","data":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
        b'{"company_number":"2","data":{"kind":"corporate-entity-x","name":NaN}}',
        b"",
    ],
    "not_utf8": [b'{"company_number":"2","data":{"kind":"corporate-entity-x","name":"Caf\xe9 Bloggs"}}'],
    "key_twice": [b'{"company_number":"2","data":{"kind":"corporate-entity-x","kind":"corporate-entity-y"}}'],
    "not_an_object": [b'["Bloggs"]', b"3"],
    "too_long": [
        b'{"company_number":"2","data":{"kind":"corporate-entity-x","name":"' + b"Bloggs" * 400_000 + b'"}}',
        lines(entry("2", name="Bloggs" * 200)).strip(),
    ],
    "no_kind": [b'{"company_number":"2","data":null}', b'{"company_number":"2"}'],
    "no_company_number": [lines(entry("", country="USA")).strip()],
    "unknown_kind": [lines(entry("2", "Bloggs")).strip()],
    "not_a_text": [lines(entry("2", name=["Bloggs"])).strip()],
    "bad_date": [lines(entry("2", ceased_on="yesterday")).strip(), lines(entry("2", notified_on=2020)).strip()],
    "future_date": [lines(entry("2", ceased_on="2025-11-02")).strip()],
    "ceased_without_date": [lines(entry("2", ceased=True)).strip()],
}  # fmt: skip


def test_hostile_lines_are_counted_and_the_rest_is_taken(listed: Workspace, tmp_path: Path) -> None:
    bad = [line for of_reason in HOSTILE.values() for line in of_reason]
    report = take(listed, tmp_path, lines(entry("4", country="USA"), *bad, entry("SC000003", country="Spain")))
    expected = {reason: sum(bool(line) for line in of_reason) for reason, of_reason in HOSTILE.items()}
    assert report.dropped == expected
    assert (owned(listed)["d"], owned(listed)["c"]) == ((True, "US", None), (True, "ES", None))
    assert owned(listed)["b"] == UNTOLD, "a firm with an entry that cannot be read keeps what it had"
    assert any("could not be read" in sentence for sentence in report.sentences())
    dropped = next(listed.runs_folder.glob("*/dropped.csv")).read_text(encoding="utf-8").splitlines()
    assert dropped[1] == 'import,"psc-snapshot-2025-11-01.txt, line 2",not_json,'
    assert len(dropped) == 1 + sum(expected.values())
    assert everything(listed).isdisjoint(SECRETS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b" \n\n", "is empty", id="blank"),
        pytest.param(b"%PDF-1.4 ...", "a PDF document", id="PDF"),
        pytest.param(b"<!DOCTYPE html><html>log in</html>", "a web page", id="web page"),
        pytest.param(b"\x1f\x8b\x08", "a gzip file", id="gzip"),
        pytest.param(b"CompanyName, CompanyNumber,CompanyStatus\nA,1,Active\n", "firmscope import register",
                     id="register"),
        pytest.param(b"{}\n" * 1_500, "line 1: no entry of a company", id="no entries"),
        pytest.param(b"{" * 2_000_000, "no entry of a company", id="one long line"),
        pytest.param(b'{"a": 1}', "no entry of a company", id="other JSON"),
    ],
)  # fmt: skip
def test_wrong_files_are_named(shelf: Workspace, tmp_path: Path, content: bytes, message: str) -> None:
    before = shelf.lake.snapshot("owners")
    with pytest.raises(UsageError, match=message) as refusal:
        take(shelf, tmp_path, content)
    assert str(tmp_path) in str(refusal.value)
    assert shelf.lake.snapshot("owners") == before


def test_what_is_no_file(shelf: Workspace, tmp_path: Path) -> None:
    with start_run(shelf, "import psc") as run:
        with pytest.raises(UsageError, match="no such file"):
            import_psc(run, tmp_path / "nowhere.txt")
        with pytest.raises(UsageError, match="is a folder"):
            import_psc(run, tmp_path)


def test_firms_without_numbers_are_a_wrong_order_of_imports(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no firms in this workspace yet"):
        take(workspace, tmp_path, lines(entry("1")))
    empty: Row = dict.fromkeys(column.name for column in FIRMS.columns if column.name != "shard")
    workspace.lake.replace_firms("firms", ["a"], [empty | {"firm_id": "a", "name": "A"}], "given")
    with pytest.raises(UsageError, match="no firm has a company number yet"):
        take(workspace, tmp_path, lines(entry("1")))


@pytest.mark.parametrize("form", ["zip", "utf-16", "bom", "crlf", "pretty", "array"])
def test_forms_of_one_file(shelf: Workspace, tmp_path: Path, form: str) -> None:
    one = entry("2", country="Österreich")
    text = json.dumps(one, ensure_ascii=False, indent=1 if form == "pretty" else None)
    text = f"[{text}]" if form == "array" else text
    content = (text + ("\r\n" if form == "crlf" else "\n")).encode("utf-16" if form == "utf-16" else "utf-8")
    content = b"\xef\xbb\xbf" + content if form == "bom" else content
    name = "psc.txt"
    if form == "zip":
        name = "persons-with-significant-control-snapshot-2025-11-01.zip"
        with zipfile.ZipFile(tmp_path / "made", "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("persons-with-significant-control-snapshot-2025-11-01.txt", content)
        content = (tmp_path / "made").read_bytes()
    take(shelf, tmp_path, lines(entry("2", PERSON)))
    assert owned(shelf)["b"] == (False, None, None)
    take(shelf, tmp_path, content, name)
    assert owned(shelf)["b"] == (True, "AT", None)


def test_zips_that_hold_no_snapshot(shelf: Workspace, tmp_path: Path) -> None:
    before = shelf.lake.snapshot("owners")
    path = tmp_path / "psc.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.csv", "x")
    with start_run(shelf, "import psc") as run, pytest.raises(UsageError, match=r"holds a\.csv; expected one \.txt"):
        import_psc(run, path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.txt", lines(entry("2", country="USA")) * 1_000)
    path.write_bytes(path.read_bytes()[:-40])
    with start_run(shelf, "import psc") as run, pytest.raises(UsageError, match=r"cut short|damaged|fetch it again"):
        import_psc(run, path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.txt", b" " * 30_000_000)
    with start_run(shelf, "import psc") as run, pytest.raises(UsageError, match="no real file does"):
        import_psc(run, path)
    assert shelf.lake.snapshot("owners") == before


def test_a_snapshot_takes_the_place_of_the_one_before(listed: Workspace, tmp_path: Path) -> None:
    first = lines(
        entry("2", country="England", registration_number="4"),
        entry("SC3", country="USA"),
        entry("4", country="Spain"),
    )
    take(listed, tmp_path, first)
    before = {name: found for name, found in listed.lake.snapshots().items() if name != "runs"}
    take(listed, tmp_path, first)
    assert {name: found for name, found in listed.lake.snapshots().items() if name != "runs"} == before
    ceased = entry("2", country="England", registration_number="4", ceased_on="2025-06-01")
    take(listed, tmp_path, lines(ceased, entry("4", PERSON)))
    assert owned(listed)["b"] == (False, None, None), "its parent has ceased to be one"
    assert owned(listed)["c"] == (True, "US", None), "not named in the second file"
    assert owned(listed)["d"] == (False, None, None)
    assert {row["firm_id"] for row in listed.lake.read_arrow("owners").to_pylist()} == {"b", "c"}


def test_killed_between_the_tables_and_run_again(listed: Workspace, tmp_path: Path) -> None:
    rows = [{k: v for k, v in row.items() if k != "shard"} for row in listed.lake.read_arrow("firms").to_pylist()]
    content = lines(entry("2", country="USA"), entry("SC3", PERSON))
    take(listed, tmp_path, content)
    expected = owned(listed)
    listed.lake.replace_all("firms", rows, "as if killed before firms were written")
    take(listed, tmp_path, content)
    assert owned(listed) == expected
    assert expected["b"] == (True, "US", None)


def test_a_parent_from_elsewhere_stays(listed: Workspace, tmp_path: Path) -> None:
    rows = [row | {"parent_id": "group-7"} for row in listed.lake.read_arrow("firms").to_pylist()]
    listed.lake.replace_all("firms", [{k: v for k, v in row.items() if k != "shard"} for row in rows], "given")
    take(listed, tmp_path, lines(entry("2", country="USA"), entry("4", country="Wales", registration_number="SC3")))
    assert owned(listed)["b"] == (True, "US", "group-7")
    assert owned(listed)["d"] == (False, "GB", "c")


def test_parts_add_to_each_other(listed: Workspace, tmp_path: Path) -> None:
    one, two = lines(entry("2", PERSON)), lines(entry("2", country="USA"), entry("4", country="Spain"))
    report = take(listed, tmp_path, one, "psc-snapshot-2025-11-01_1of2.txt")
    assert report.partial
    assert owned(listed)["b"] == (False, None, None)
    take(listed, tmp_path, two, "psc-snapshot-2025-11-01_2of2.txt")
    take(listed, tmp_path, one, "psc-snapshot-2025-11-01_1of2.txt")
    assert owned(listed)["b"] == (True, "US", None)
    with start_run(listed, "import psc") as run:
        both = import_psc(run, sorted(tmp_path.glob("*of2.txt")))
    assert (both.partial, both.lines, owned(listed)["b"]) == (False, 3, (True, "US", None))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "owners", "told"),
    [
        ("psc_ceased_on", 0, (False, None, None)),
        ("psc_corporate", 1, (False, "GB", "89101112")),
        ("psc_individual", 0, (False, None, None)),
        ("psc_legal", 1, (False, "GB", "89101112")),
        ("psc_no_match", 1, (None, "unclear", None)),
        ("psc_statement", 0, (False, None, None)),
        ("psc_super_secure", 0, (False, None, None)),
    ],
)
def test_samples(
    shelf: Workspace, shared: Path, name: str, owners: int, told: tuple[bool | None, str | None, str | None]
) -> None:
    fill(shelf, {"sample": "01234567"})
    with start_run(shelf, "import psc") as run:
        report = import_psc(run, shared / f"geo/psc_samples/{name}.json")
    assert (report.lines, report.owners, owned(shelf)["sample"]) == (1, owners, told)
