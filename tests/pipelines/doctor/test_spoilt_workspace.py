"""Files of a workspace cut, zeroed and taken away: the doctor names each and brings back the last good state."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.archive import read_record
from pipelines.doctor.lake_files import LakeFiles, path_of
from pipelines.doctor.lake_state import look_at_lake
from pipelines.publication import current_set
from pipelines.runs import list_runs
from pipelines.tables import FIRMS
from tests.commands import Answer, Command
from tests.end_to_end.conftest import tables_of
from tests.kills import ALL_KILLS, points
from tests.pipelines.doctor.conftest import Nights, doctor

# pyiceberg's word for a shard of a table that had no row yet
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Delete operation did not match")]

Spoil = Callable[[Path], object]


def _cut(share: float) -> Spoil:
    return lambda path: os.truncate(path, int(path.stat().st_size * share))


def _zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


WAYS: dict[str, Spoil] = {
    "empty": _cut(0), "a-tenth": _cut(0.1), "all-but-the-end": _cut(0.98), "zeroed": _zeroed, "one-bit": _flipped,
    "gone": Path.unlink,
}  # fmt: skip


def _newest(nights: Nights, table: str, kind: str) -> Path:
    """A file that the newest commit to a table wrote."""
    files = LakeFiles(nights.folder / "lake")
    held = look_at_lake(files).tables[table]
    snapshot = held.metadata.current_snapshot()
    assert snapshot is not None
    if kind == "metadata":
        return path_of(held.location)
    if kind == "manifest list":
        return path_of(snapshot.manifest_list)
    manifests = sorted((nights.folder / "lake/firmscope" / table / "metadata").glob("*-m*.avro"), key=_age)
    data = sorted(files.data_files_of(snapshot.manifest_list), key=_age)
    return (manifests if kind == "manifest" else data)[-1]


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def _state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def _wrong(answer: Answer) -> list[str]:
    assert answer.code == 1, answer.out + answer.err
    return [check["seen"] for check in json.loads(answer.out)["checks"] if check["state"] == "wrong"]


def test_nothing_is_written_where_nothing_is_wrong(nights: Nights, firmscope: Command) -> None:
    before = _state(nights.folder)
    assert doctor(firmscope, nights.folder).code == 0
    assert doctor(firmscope, nights.folder, "--deep").code == 0
    assert doctor(firmscope, nights.folder, "--repair").code == 0
    assert _state(nights.folder) == before


@pytest.mark.parametrize("kind", ["data", "manifest", "manifest list", "metadata"])
def test_a_spoilt_file_of_a_table_is_named(nights: Nights, kind: str) -> None:
    path = _newest(nights, "pages", kind)
    content = path.read_bytes()
    for way, spoil in WAYS.items():
        spoil(path)
        state = look_at_lake(LakeFiles(nights.folder / "lake"))
        assert state.spoilt == {"pages"}, way
        held = state.tables["pages"]
        named = {fault.path for fault in ((held.fault,) if held.fault else ()) + held.faults}
        assert named == {path.relative_to(nights.folder / "lake").as_posix()}, way
        path.write_bytes(content)


def test_a_flipped_bit_is_found_in_200_of_200_places(nights: Nights) -> None:
    dice = random.Random(8)
    files = LakeFiles(nights.folder / "lake")
    look_at_lake(files)
    paths = sorted(files.data_files)
    for _ in range(200):
        path = dice.choice(paths)
        content = path.read_bytes()
        place = dice.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ (1 << dice.randrange(8))]) + content[place + 1 :])
        assert files.look_again(path) is not None, (path, place)
        path.write_bytes(content)
    assert not look_at_lake(LakeFiles(nights.folder / "lake")).spoilt


LOSSES = (
    ("pages", "metadata", "gone"),
    ("sites", "data", "empty"),
    ("assignments", "manifest", "zeroed"),
    ("fetches", "manifest list", "a-tenth"),
)


@pytest.mark.parametrize(("table", "kind", "way"), LOSSES if ALL_KILLS else LOSSES[:2])
def test_all_tables_go_back_to_what_the_last_whole_run_left(
    nights: Nights, firmscope: Command, table: str, kind: str, way: str
) -> None:
    path = _newest(nights, table, kind)
    WAYS[way](path)
    assert any(path.name in seen for seen in _wrong(doctor(firmscope, nights.folder, "--json")))
    mended = doctor(firmscope, nights.folder, "--repair")
    assert mended.code == 0, mended.out + mended.err
    assert "Undone: 1 run" in mended.out
    assert tables_of(nights.folder) == nights.one
    assert doctor(firmscope, nights.folder).code == 0
    assert list_runs(nights.workspace)[-1]["stage"] == "doctor --repair"


def test_the_next_night_does_the_undone_one_again(nights: Nights, firmscope: Command) -> None:
    WAYS["all-but-the-end"](_newest(nights, "pages", "data"))
    assert doctor(firmscope, nights.folder, "--repair").code == 0
    ended = firmscope("--workspace", nights.folder, "nightly")
    assert ended.code == 0, ended.err
    assert tables_of(nights.folder) == nights.two
    assert doctor(firmscope, nights.folder).code == 0


@pytest.mark.parametrize(("table", "way"), [("cells", "zeroed"), ("embeddings", "gone"), ("runs", "one-bit")])
def test_what_is_worked_out_anew_goes_back_alone(nights: Nights, firmscope: Command, table: str, way: str) -> None:
    WAYS[way](_newest(nights, table, "data"))
    assert _wrong(doctor(firmscope, nights.folder, "--json"))
    mended = doctor(firmscope, nights.folder, "--repair")
    assert mended.code == 0, mended.out + mended.err
    left = tables_of(nights.folder)
    assert {name for name in left if left[name] != nights.two[name]} <= {table}


@pytest.mark.parametrize("way", [*points("gone", "empty", "zeroed"), "a-tenth"])
def test_a_lost_catalog_is_made_again_and_nothing_else(nights: Nights, firmscope: Command, way: str) -> None:
    WAYS[way](nights.folder / "lake" / "catalog.db")
    for command in (["figures", "scorecard", "air"], ["rollup"]):
        met = firmscope("--workspace", nights.folder, *command)
        assert (met.code, "firmscope doctor --repair" in met.err) == (1, True), met
    assert any("catalog.db" in seen for seen in _wrong(doctor(firmscope, nights.folder, "--json")))
    mended = doctor(firmscope, nights.folder, "--repair")
    assert mended.code == 0, mended.out + mended.err
    assert tables_of(nights.folder) == nights.two
    assert doctor(firmscope, nights.folder).code == 0


def test_a_catalog_lost_together_with_the_newest_state_of_a_table(nights: Nights, firmscope: Command) -> None:
    _newest(nights, "pages", "metadata").unlink()
    (nights.folder / "lake" / "catalog.db").unlink()
    mended = doctor(firmscope, nights.folder, "--repair")
    assert mended.code == 0, mended.out + mended.err
    assert tables_of(nights.folder) == nights.one


def test_a_catalog_put_back_from_a_copy_of_yesterday_is_told(nights: Nights, firmscope: Command) -> None:
    yesterday = nights.folder.parent / "yesterday.db"
    shutil.copy(nights.folder / "lake" / "catalog.db", yesterday)
    lake = nights.workspace.lake
    for name in ("Crumb & Co", "Crumb & Sons"):
        rows = lake.read_firms("firms", ["crumb"], FIRMS.names[1:]).to_pylist()
        assert lake.replace_firms("firms", ["crumb"], [rows[0] | {"name": name}], "test")
    lake.close()
    shutil.copy(yesterday, nights.folder / "lake" / "catalog.db")
    told = doctor(firmscope, nights.folder)
    assert told.code == 0, told.out
    assert "older than the tables: " in told.out
    assert tables_of(nights.folder) == nights.two


CATALOG = points("repair-entered", "repair-planned", "repair-aside")
BACK = points("repair-back-fetches", "repair-planned", "repair-entered", "repair-back-sites", "repair-lake")


@pytest.mark.parametrize(("victim", "point"), [*(("pages", at) for at in BACK), *(("catalog", at) for at in CATALOG)])
def test_a_repair_that_is_killed_ends_the_same(nights: Nights, firmscope: Command, victim: str, point: str) -> None:
    if victim == "pages":
        _newest(nights, "pages", "metadata").unlink()
    else:
        os.truncate(nights.folder / "lake" / "catalog.db", 0)
    command = [sys.executable, "-m", "pipelines.cli", "--workspace", str(nights.folder), "doctor", "--repair"]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"FIRMSCOPE_CRASH_AT": point}
    )
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr
    mended = doctor(firmscope, nights.folder, "--repair")
    assert mended.code == 0, mended.out + mended.err
    assert tables_of(nights.folder) == (nights.one if victim == "pages" else nights.two)


def test_a_torn_archive_is_cut_and_its_sites_are_read_again(nights: Nights, firmscope: Command) -> None:
    newest = sorted((nights.folder / "archive").glob("*.warc.gz"), key=_age)[-1]
    oldest = sorted((nights.folder / "archive").glob("*.warc.gz"), key=_age)[0]
    os.truncate(oldest, oldest.stat().st_size * 2 // 3)
    os.truncate(newest, newest.stat().st_size - 1)
    wrong = _wrong(doctor(firmscope, nights.folder, "--json"))
    assert any(oldest.name in seen for seen in wrong)
    assert any(newest.name in seen for seen in wrong)
    assert any("refer to records that are not in the archive" in seen for seen in wrong)
    mended = doctor(firmscope, nights.folder, "--repair")
    assert mended.code == 0, mended.out + mended.err
    assert "will be read again" in mended.out
    assert list((nights.folder / "archive").glob("*.torn"))
    without = [row for row in nights.workspace.lake.read_arrow("pages").to_pylist() if row["archive_ref"] is None]
    assert {row["firm_id"] for row in without} & set(nights.workspace.lake.read_arrow("fetches")["firm_id"].to_pylist())

    ended = firmscope("--workspace", nights.folder, "nightly")
    assert ended.code == 0, ended.err
    assert tables_of(nights.folder) == nights.three
    crawled = {
        row["firm_id"] for row in nights.workspace.lake.read_arrow("sites").to_pylist() if row["source"] == "crawl"
    }
    for row in nights.workspace.lake.read_arrow("pages").to_pylist():
        if row["firm_id"] in crawled:
            assert read_record(nights.folder / "archive", row["archive_ref"]).status == 200
    assert doctor(firmscope, nights.folder).code == 0


def test_a_spoilt_publication_gives_way_to_the_one_before(nights: Nights, firmscope: Command) -> None:
    before = current_set(nights.workspace)
    assert before is not None
    spoilt = before.folder / "exports" / "firms.csv"
    spoilt.write_bytes(spoilt.read_bytes()[:-2])
    assert any(
        "exports/firms.csv not as written" in seen for seen in _wrong(doctor(firmscope, nights.folder, "--json"))
    )
    mended = doctor(firmscope, nights.folder, "--repair")
    assert mended.code == 0, mended.out + mended.err
    shown = current_set(nights.workspace)
    assert shown is not None
    assert shown.run_id < before.run_id
    assert shown.is_whole
    assert firmscope("--workspace", nights.folder, "nightly").code == 0
    shown = current_set(nights.workspace)
    assert shown is not None
    assert shown.run_id > before.run_id
    assert shown.is_whole
    assert tables_of(nights.folder) == nights.three


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 700] if ALL_KILLS else [b""])
def test_facts_of_publications_that_cannot_be_read(nights: Nights, firmscope: Command, content: bytes) -> None:
    for path in (nights.folder / "published").glob("[0-9]*/publication.json"):
        path.write_bytes(content)
    assert any("publication.json cannot be read" in seen for seen in _wrong(doctor(firmscope, nights.folder, "--json")))
    mended = doctor(firmscope, nights.folder, "--repair")
    assert mended.code == 0, mended.out + mended.err
    assert current_set(nights.workspace) is None
    assert firmscope("--workspace", nights.folder, "nightly").code == 0
    assert current_set(nights.workspace) is not None


def test_torn_logs_and_manifests_of_runs(nights: Nights, firmscope: Command) -> None:
    folders = sorted(path for path in (nights.folder / "runs").iterdir())
    os.truncate(folders[0] / "manifest.json", 30)
    os.truncate(folders[1] / "manifest.json", 0)
    log = folders[2] / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines)[:-5])
    zeroed = folders[3] / "log.jsonl"
    zeroed.write_bytes(zeroed.read_bytes() + bytes(64))
    wrong = _wrong(doctor(firmscope, nights.folder, "--json"))
    assert [seen.split()[0] for seen in wrong] == [
        f"runs/{folder.name}/{name}"
        for folder, name in zip(folders, ("manifest.json", "manifest.json", "log.jsonl", "log.jsonl"), strict=False)
    ]
    mended = doctor(firmscope, nights.folder, "--repair")
    assert mended.code == 0, mended.out + mended.err
    assert log.read_bytes() == b"".join(lines[:-1])
    assert (log.parent / "log.jsonl.torn").read_bytes() == lines[-1][:-5]
    listed = [run["run_id"] for run in list_runs(nights.workspace)]
    assert folders[0].name not in listed
    assert folders[2].name in listed


def test_a_run_whose_removal_was_killed_is_no_fault_and_goes_with_the_next_vacuum(
    nights: Nights, firmscope: Command
) -> None:
    old = nights.folder / "runs" / "20200101T000000Z-0000aa"
    shutil.copytree(next((nights.folder / "runs").iterdir()), old)
    command = [sys.executable, "-m", "pipelines.cli", "--workspace", str(nights.folder), "vacuum"]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"FIRMSCOPE_CRASH_AT": "vacuum-run"}
    )
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr
    assert {path.name for path in old.iterdir()} >= {"log.jsonl"}
    assert not (old / "manifest.json").exists()
    told = doctor(firmscope, nights.folder)
    assert told.code == 0, told.out
    assert firmscope("--workspace", nights.folder, "vacuum").code == 0
    assert not old.exists()


def test_a_spoilt_file_under_all_states_cannot_be_repaired_and_nothing_is_changed(
    nights: Nights, firmscope: Command
) -> None:
    files = LakeFiles(nights.folder / "lake")
    look_at_lake(files)
    for path in files.data_files:
        if "/firms/" in str(path):
            _flipped(path)
    before = _state(nights.folder)
    ended = doctor(firmscope, nights.folder, "--repair")
    assert ended.code == 1
    assert "Put lake/ back from a copy" in ended.err
    assert _state(nights.folder) == before
