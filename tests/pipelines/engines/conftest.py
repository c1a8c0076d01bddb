"""Engines under test: in this process, on processes of this machine, and on a Dask cluster of three workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from pipelines.cluster import DaskEngine
from pipelines.engine import Engine, LokyEngine
from pipelines.settings import EngineConfig


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Three workers, each a process with one thread, that listen on loopback alone."""
    with LocalCluster(
        n_workers=3, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
    ) as started:
        yield started


@pytest.fixture(params=["here", "processes", "dask"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Each of them, at work."""
    made = Engine()
    if request.param == "processes":
        made = LokyEngine(2, tmp_path)
    elif request.param == "dask":
        address = request.getfixturevalue("cluster").scheduler_address
        made = DaskEngine(EngineConfig(kind="dask", scheduler=address))
    with made.working():
        yield made
