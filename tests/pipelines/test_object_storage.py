"""A lake on object storage: what is written there is read there, and a store that fails says so in one sentence."""

from __future__ import annotations

import pickle
import secrets
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pyarrow.fs import FileSelector
from pydantic import ValidationError

from pipelines import retries, storage, vacuum_tables
from pipelines.config import set_key
from pipelines.errors import TableError
from pipelines.pinned_lake import PinnedLake
from pipelines.runs import list_runs, start_run
from pipelines.settings import StoreConfig
from pipelines.storage import Storage
from pipelines.store import Lake
from pipelines.workspace import Workspace
from tests.commands import Command
from tests.object_storage import Bucket, serving_bucket
from tests.pipelines.conftest import new_workspace
from tests.pipelines.test_matching import firm
from tests.torture.storage import proxied

FIRMS = [firm(f"f{number}", "Name", None, "x.example") for number in range(6)]
IDS = [row["firm_id"] for row in FIRMS]


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with serving_bucket() as served:
        yield served


def test_rows_are_in_the_bucket_and_workers_read_them_without_the_catalogue(bucket: Bucket, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", 2, bucket.storage("rows"))
    lake.create()
    assert lake.replace_firms("firms", IDS, FIRMS, "run-1") == 6
    assert not list(tmp_path.rglob("*.parquet"))
    again = Lake(tmp_path / "lake", 2, bucket.storage("rows"))
    assert sorted(again.read_arrow("firms", ["firm_id"])["firm_id"].to_pylist()) == IDS
    sent = pickle.loads(pickle.dumps(PinnedLake.of(lake, ["firms", "sites"])))
    again.replace_firms("firms", IDS[:1], [], "run-2")
    assert sorted(sent.read_arrow("firms", ["firm_id"])["firm_id"].to_pylist()) == IDS
    assert sent.read_firms("firms", IDS[:2], ["name"])["name"].to_pylist() == ["Name", "Name"]
    assert sent.read_arrow("sites").num_rows == 0


def test_another_workspaces_lake_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    ours = Lake(tmp_path / "ours", 2, bucket.storage("owned"))
    ours.create()
    theirs = Lake(tmp_path / "theirs", 2, bucket.storage("owned"))
    with pytest.raises(TableError, match="is the lake of another workspace"):
        theirs.create()
    with pytest.raises(TableError, match=r"another workspace|not this workspace's"):
        Lake(tmp_path / "theirs", 2, bucket.storage("owned")).read("firms")


def test_a_copied_workspace_is_refused_and_a_moved_one_takes_its_lake_over(
    bucket: Bucket, tmp_path: Path, firmscope: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D20: the vacuum of a copy, whose catalogue is older, would take the files of newer commits for nobody's."""
    monkeypatch.setattr(vacuum_tables, "GRACE", timedelta(0))
    place = bucket.storage("copied")
    original = new_workspace(tmp_path)
    for key, value in {"lake": place.lake, "s3_endpoint": place.endpoint}.items():
        set_key(original.config_file, f"store.{key}", value)
    _commit(original.folder, "before")
    shutil.copytree(original.folder, tmp_path / "copy")
    _commit(original.folder, "after")
    held = _files(place)
    for command in (["vacuum"], ["figures", "scorecard", "air"], ["doctor", "--repair"]):
        said = firmscope("--workspace", tmp_path / "copy", *command)
        assert said.code == 1, said
        assert f"belongs to the workspace whose lake folder is {original.lake_folder}" in said.out + said.err
    assert _files(place) == held
    assert _names(original.folder) == {"after"}

    original.folder.rename(tmp_path / "moved")
    told = firmscope("--workspace", tmp_path / "moved", "doctor")
    assert "cure: where this workspace was moved here: firmscope doctor --take-over" in told.out
    taken = firmscope("--workspace", tmp_path / "moved", "doctor", "--take-over")
    assert (taken.code, "belongs to this workspace now" in taken.err) == (0, True), taken
    assert _names(tmp_path / "moved") == {"after"}
    assert firmscope("--workspace", tmp_path / "moved", "vacuum").code == 0
    (tmp_path / "moved").rename(original.folder)
    with pytest.raises(TableError, match=rf"lake folder is {tmp_path}/moved/lake"):
        _names(original.folder)


def test_the_same_place_on_another_machine_is_another(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = tmp_path / "machine-id"
    monkeypatch.setattr(storage, "MACHINE_FILE", machine)
    lake = Lake(tmp_path / "lake", 2, bucket.storage("machines"))
    lake.create()
    lake.close()
    machine.write_text("0123\n")
    with pytest.raises(TableError, match=r"on the machine [0-9a-f]{8}: a copy"):
        Lake(tmp_path / "lake", 2, bucket.storage("machines")).read("firms")


def test_a_lake_in_a_folder_is_not_taken_over(tmp_path: Path, firmscope: Command) -> None:
    said = firmscope("--workspace", new_workspace(tmp_path).folder, "doctor", "--take-over")
    assert (said.code, "only one in a bucket can be taken over" in said.err) == (2, True)


def _commit(folder: Path, name: str) -> None:
    with start_run(Workspace(folder), "test") as run:
        run.workspace.lake.replace_firms("firms", ["f"], [FIRMS[0] | {"firm_id": "f", "name": name}], run.run_id)


def _names(folder: Path) -> set[str]:
    lake = Workspace(folder).lake
    names = set(lake.read_arrow("firms", ["name"])["name"].to_pylist())
    lake.close()
    return names


def _files(place: Storage) -> set[str]:
    found = place.file_system().get_file_info(FileSelector(place.path, recursive=True))
    return {file.path for file in found if file.is_file}


def test_a_lake_with_rows_does_not_follow_its_setting(bucket: Bucket, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", 2, bucket.storage("first"))
    lake.create()
    Lake(tmp_path / "lake", 2, bucket.storage("second")).create()  # nothing was written yet
    moved = Lake(tmp_path / "lake", 2, bucket.storage("second"))
    moved.replace_firms("firms", IDS, FIRMS, "run-1")
    for other in (bucket.storage("third"), None):
        with pytest.raises(TableError, match="was made at s3://lakes/second"):
            Lake(tmp_path / "lake", 2, other).read("firms")


def test_a_store_that_does_not_answer_is_named_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "TRIES", 1)
    monkeypatch.setattr(storage, "CONNECT_S", 1)
    with pytest.raises(TableError, match=r"object storage failed .*s3://lakes/nowhere.*AWS_ACCESS_KEY_ID"):
        Lake(tmp_path / "lake", 2, Storage("s3://lakes/nowhere", "http://127.0.0.1:9")).create()


def test_a_store_that_did_not_answer_at_first_is_taken_into_use_later(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "TRIES", 1)
    place = bucket.storage("late")
    Lake(tmp_path / "lake", 2).create()  # as firmscope init does, before there is a setting
    with pytest.raises(TableError, match="object storage failed"):
        Lake(tmp_path / "lake", 2, Storage(place.lake, "http://127.0.0.1:9")).create()
    assert Lake(tmp_path / "lake", 2, place).replace_firms("firms", IDS, FIRMS, "run-1") == 6
    assert sorted(Lake(tmp_path / "lake", 2, place).read("firms")["firm_id"]) == IDS


def test_servers_that_are_not_amazons_are_sent_files_and_nothing_behind_them(bucket: Bucket, tmp_path: Path) -> None:
    """A server older than the checksums that follow a body would keep these as a part of it. Each file is one request:
    an upload in parts is ended twice where the server was busy, which some refuse."""
    place = bucket.storage("plain")
    with proxied(bucket) as (endpoint, seen):
        lake = Lake(tmp_path / "lake", 2, Storage(place.lake, endpoint))
        lake.create()
        lake.replace_firms("firms", IDS, FIRMS, "run-1")
    assert +seen.sent == {("PUT", ""): len(_files(place))}


def test_a_store_that_keeps_something_else_is_refused_before_a_table_is_there(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_object = storage._small_object
    monkeypatch.setattr(storage, "_small_object", lambda *given: b"45\r\n" + small_object(*given))
    with pytest.raises(TableError, match="does not keep what it is sent"):
        Lake(tmp_path / "lake", 2, bucket.storage("mangled")).create()


def test_a_run_whose_store_goes_away_has_failed_and_says_why(
    bucket: Bucket, tmp_path: Path, firmscope: Command
) -> None:
    made = new_workspace(tmp_path)
    with proxied(bucket) as (endpoint, fault):
        set_key(made.config_file, "store.lake", bucket.storage("left").lake)
        set_key(made.config_file, "store.s3_endpoint", endpoint)
        _commit(made.folder, "before")
        fault.kind, fault.at, fault.many = "403", fault.seen + 4, 10**9
        with pytest.raises((TableError, OSError)):
            _commit(made.folder, "after")
    ended = list_runs(made)[-1]
    assert (ended["outcome"], ended["ended_at"] is not None) == ("failed", True)
    assert "AWS Error" in ended["notes"]["error"]
    listed = firmscope("--workspace", made.folder, "runs", "list").out
    assert "killed" not in listed


@pytest.fixture
def committed(bucket: Bucket, tmp_path: Path) -> tuple[Workspace, Storage]:
    """A workspace with a lake in the bucket, which two runs have written to."""
    made, place = new_workspace(tmp_path), bucket.storage(f"doctor-{secrets.token_hex(4)}")
    set_key(made.config_file, "store.lake", place.lake)
    set_key(made.config_file, "store.s3_endpoint", place.endpoint)
    _commit(made.folder, "before")
    _commit(made.folder, "after")
    return Workspace(made.folder), place


def test_doctor_takes_a_lake_in_a_bucket_back_to_its_last_good_state(
    committed: tuple[Workspace, Storage], firmscope: Command
) -> None:
    workspace, place = committed
    folder = workspace.folder
    well = firmscope("--workspace", folder, "doctor", "--deep")
    assert (well.code, "read to their ends" in well.out) == (0, True), well
    ((task,),) = workspace.lake.files("firms").values()
    newest = str(task.file.file_path).removeprefix("s3://")
    place.file_system().delete_file(newest)
    told = firmscope("--workspace", folder, "doctor")
    assert (told.code, f"s3://{newest} is missing" in told.out) == (1, True), told
    mended = firmscope("--workspace", folder, "doctor", "--repair")
    assert mended.code == 0, mended
    assert _names(folder) == {"before"}
    assert firmscope("--workspace", folder, "doctor").code == 0
    _commit(folder, "anew")
    assert _names(folder) == {"anew"}


@pytest.mark.parametrize("lost", ["gone", "empty"])
def test_doctor_makes_the_catalogue_of_a_bucket_anew(
    committed: tuple[Workspace, Storage], firmscope: Command, lost: str
) -> None:
    folder = committed[0].folder
    catalog = folder / "lake" / "catalog.db"
    catalog.unlink()
    if lost == "empty":
        catalog.touch()
    met = firmscope("--workspace", folder, "figures", "scorecard", "air")
    assert (met.code, "firmscope doctor --repair" in met.err) == (1, True), met
    assert firmscope("--workspace", folder, "doctor", "--repair").code == 0
    assert _names(folder) == {"after"}
    assert firmscope("--workspace", folder, "doctor").code == 0


def test_a_catalogue_is_made_anew_before_anything_was_written(
    bucket: Bucket, tmp_path: Path, firmscope: Command
) -> None:
    place, made = bucket.storage("unwritten"), new_workspace(tmp_path)
    set_key(made.config_file, "store.lake", place.lake)
    set_key(made.config_file, "store.s3_endpoint", place.endpoint)
    assert firmscope("--workspace", made.folder, "doctor").code == 0
    (made.lake_folder / "catalog.db").unlink()
    assert firmscope("--workspace", made.folder, "doctor", "--repair").code == 0
    _commit(made.folder, "first")
    assert _names(made.folder) == {"first"}


def test_a_store_that_does_not_answer_is_no_reason_to_go_back(
    committed: tuple[Workspace, Storage], bucket: Bucket, firmscope: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one of its requests on, early or late; the state stays, and is whole afterwards."""
    workspace, _ = committed
    folder, config = workspace.folder, workspace.config_file
    monkeypatch.setattr(retries, "TRIES", 1)
    with proxied(bucket) as (endpoint, fault):
        set_key(config, "store.s3_endpoint", endpoint)
        assert firmscope("--workspace", folder, "doctor").code == 0
        asked = fault.seen
        for at in range(0, asked, asked // 5):
            fault.kind, fault.seen, fault.at, fault.many = "403", 0, at, 10**9
            told = firmscope("--workspace", folder, "doctor", "--repair")
            fault.many = 0
            assert told.code == 1, (at, told)
            assert _names(folder) == {"after"}
        assert firmscope("--workspace", folder, "doctor").code == 0


def test_doctor_names_a_store_that_does_not_answer_once(
    committed: tuple[Workspace, Storage], firmscope: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "TRIES", 1)
    workspace, _ = committed
    set_key(workspace.config_file, "store.s3_endpoint", "http://127.0.0.1:9")
    away = firmscope("--workspace", workspace.folder, "doctor")
    assert (away.code, away.out.count("object storage failed")) == (1, 1), away


@pytest.mark.parametrize("number", range(4))
def test_a_store_that_is_busy_once_is_asked_again(bucket: Bucket, tmp_path: Path, number: int) -> None:
    """For an object that is shorter than the busy answer too, which the SDK does not try again."""
    place = bucket.storage(f"busy-{number}")
    Lake(tmp_path / "lake", 2, place).create()
    Lake(tmp_path / "lake", 2, place).replace_firms("firms", IDS, FIRMS, "run-1")
    with proxied(bucket) as (endpoint, fault):
        fault.kind, fault.at, fault.many = "503", number, 1
        found = Lake(tmp_path / "lake", 2, Storage(place.lake, endpoint)).read("firms")
    assert set(found["firm_id"]) == set(IDS)
    assert fault.seen > number + 1


@pytest.mark.parametrize(
    ("key", "value"),
    [("lake", "s3:/typo"), ("lake", "https://bucket/x"), ("lake", "s3://UPPER/x"), ("s3_endpoint", "minio:9000")],
)
def test_places_that_are_none_are_refused(key: str, value: str) -> None:
    with pytest.raises(ValidationError, match="is not"):
        StoreConfig.model_validate({key: value})
