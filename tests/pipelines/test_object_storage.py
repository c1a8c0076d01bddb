"""A lake on object storage: what is written there is read there, and a store that fails says so in one sentence."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines import retries, storage
from pipelines.errors import TableError
from pipelines.pinned_lake import PinnedLake
from pipelines.settings import StoreConfig
from pipelines.storage import Storage
from pipelines.store import Lake
from tests.object_storage import Bucket, serving_bucket
from tests.pipelines.test_matching import firm

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


@pytest.mark.parametrize(
    ("key", "value"),
    [("lake", "s3:/typo"), ("lake", "https://bucket/x"), ("lake", "s3://UPPER/x"), ("s3_endpoint", "minio:9000")],
)
def test_places_that_are_none_are_refused(key: str, value: str) -> None:
    with pytest.raises(ValidationError, match="is not"):
        StoreConfig.model_validate({key: value})
