"""One night on every engine, and with the lake in a bucket: the tables end the same, row by row.

Parts are made small here, so that twelve firms are work for several workers.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from pipelines import classifying, crawling
from pipelines.engines import EngineChoice
from pipelines.nightly import run_nightly
from pipelines.runs import Run, start_run
from pipelines.screen import Screen
from pipelines.workspace import Workspace
from tests.end_to_end.conftest import Tables, tables_of
from tests.end_to_end.test_killed import firm_list, prepared, trained
from tests.object_storage import Bucket, serving_bucket

pytestmark = pytest.mark.slow
__all__ = ["firm_list", "trained"]  # fixtures


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of three sites, and of two firms."""
    monkeypatch.setattr(crawling, "PART_SITES", 3)
    monkeypatch.setattr(classifying, "PART_FIRMS", 2)


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    """A bucket on a real server of the protocol."""
    with serving_bucket() as served:
        yield served


@pytest.fixture(scope="module")
def cluster(bucket: Bucket) -> Iterator[LocalCluster]:
    """Two workers, each a process of its own; they have the bucket's keys."""
    assert bucket
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
    ) as started:
        yield started


@pytest.fixture(scope="module")
def in_one_process(firm_list: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """What a night in this very process leaves."""
    folder = prepared(tmp_path_factory.mktemp("one"), firm_list, trained)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crawling, "PART_SITES", 3)
        patch.setattr(classifying, "PART_FIRMS", 2)
        night(folder, EngineChoice("local"))
    return tables_of(folder)


def night(folder: Path, engine: EngineChoice, beside: Callable[[Run], None] | None = None) -> Run:
    """A night of this workspace on an engine; ``beside`` is what happens meanwhile, in a thread."""
    workspace = Workspace(folder, engine)
    with start_run(workspace, "nightly") as run:
        thread = threading.Thread(target=beside or (lambda _: None), args=(run,), daemon=True)
        thread.start()
        summary = run_nightly(run, Screen())
        thread.join(60)
    workspace.lake.close()
    assert not thread.is_alive()
    assert summary.facts.verdict == "published"
    return run


def differences(ours: Tables, theirs: Tables) -> dict[str, int]:
    """Tables that differ, and by how many rows; the counted rows of figures are as good as those of firms."""
    assert ours.keys() == theirs.keys()
    assert sum(map(len, theirs.values())) > 100, "tables that are hardly there prove nothing"
    return {name: len(set(ours[name]) ^ set(theirs[name])) for name in theirs if ours[name] != theirs[name]}


def test_processes_of_this_machine(firm_list: Path, trained: Path, in_one_process: Tables, tmp_path: Path) -> None:
    folder = prepared(tmp_path, firm_list, trained)
    night(folder, EngineChoice("local", workers=2))
    assert differences(tables_of(folder), in_one_process) == {}


def test_a_lake_in_a_bucket_on_a_cluster_whose_workers_are_killed(
    firm_list: Path, trained: Path, in_one_process: Tables, tmp_path: Path, cluster: LocalCluster, bucket: Bucket
) -> None:
    """A worker dies in the crawl, and one while firms are classified."""
    storage = bucket.storage("night")
    folder = prepared(tmp_path, firm_list, trained, {"store.lake": storage.lake, "store.s3_endpoint": storage.endpoint})
    killed: list[str] = []

    def kill(run: Run) -> None:
        for stage in ("crawl", "classify"):
            while stage not in run.stages:
                time.sleep(0.01)
            time.sleep(0.5)
            if "place premises" in run.stages:
                return
            os.kill(worker_pids(cluster)[0], signal.SIGKILL)
            killed.append(stage)

    night(folder, EngineChoice("dask", cluster.scheduler_address), kill)
    assert killed == ["crawl", "classify"]
    assert not list((folder / "lake").rglob("*.parquet"))
    assert differences(tables_of(folder), in_one_process) == {}


def worker_pids(cluster: LocalCluster) -> list[int]:
    """Processes of the cluster's workers."""
    return [nanny.pid for nanny in cluster.workers.values() if nanny.pid]
