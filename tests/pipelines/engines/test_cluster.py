"""A Dask cluster is used when it is safe and like this machine, and refused before anything is done when it is not."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread, Timer

import dask
import pytest
from distributed import LocalCluster
from distributed.security import Security

from pipelines import cluster as clusters
from pipelines.cluster import DaskEngine
from pipelines.engines import EngineChoice, engine_of
from pipelines.errors import FirmscopeError, UsageError
from pipelines.settings import EngineConfig
from tests.commands import Command
from tests.pipelines.engines import tasks
from tests.pipelines.engines.processes import (
    QUIET,
    ROOT,
    scheduler,
    worker,
    worker_with_an_older_torch,
    worker_without_firmscope,
)

ANYWHERE = {"00000000", "00000000000000000000000000000000"}


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalCluster, dict[str, str]]]:
    """A cluster over TLS, and the settings that name its certificates."""
    security = Security.temporary()
    files = certificates(security, tmp_path_factory.mktemp("tls"))
    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="tls://127.0.0.1", dashboard_address="127.0.0.1:0", security=security,
        silence_logs=50,
    ) as started:  # fmt: skip
        yield started, files


def certificates(security: Security, folder: Path) -> dict[str, str]:
    """Settings that name files with these certificates."""
    said = {"tls_ca": "tls_ca_file", "tls_cert": "tls_client_cert", "tls_key": "tls_client_key"}
    for name, attribute in said.items():
        (folder / name).write_text(getattr(security, attribute), encoding="utf-8")
    return {name: str(folder / name) for name in said}


# Of a handshake that is refused, distributed leaves a socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cluster_over_tls_works_with_its_certificates_and_not_without(
    encrypted: tuple[LocalCluster, dict[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started, files = encrypted
    address = started.scheduler_address
    assert address.startswith("tls://")
    engine = DaskEngine(EngineConfig(kind="dask", scheduler=address, **files))
    with engine.working():
        assert sorted(one.made or 0 for one in engine.run(tasks.doubled, 2, [1, 2, 3])) == [2, 4, 6]
    monkeypatch.setattr(clusters, "CONNECT_S", 3)
    nobody = DaskEngine(EngineConfig(kind="dask", scheduler=address))
    with pytest.raises(UsageError, match=r"engine\.tls_ca"), nobody.working():
        pass
    others = certificates(Security.temporary(), tmp_path)
    stranger = DaskEngine(EngineConfig(kind="dask", scheduler=address, **others))
    with pytest.raises(FirmscopeError, match="does not answer"), stranger.working():
        pass


@pytest.mark.parametrize("address", ["tcp://10.0.0.5:8786", "tcp://cluster.example.org:8786"])
def test_another_machine_without_encryption_is_refused_unless_one_insists(address: str) -> None:
    with pytest.raises(UsageError, match="whoever reaches it can run programs"):
        engine_of(EngineConfig(kind="dask", scheduler=address), Path())
    assert engine_of(EngineConfig(kind="dask", scheduler=address), Path(), insecure=True).name == "dask"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://[::1]:8786", "tcp://localhost:8786"])
def test_this_machine_needs_no_encryption(address: str) -> None:
    assert engine_of(EngineConfig(kind="dask", scheduler=address), Path()).name == "dask"


def test_a_scheduler_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CONNECT_S", 1)
    engine = DaskEngine(EngineConfig(kind="dask", scheduler="tcp://127.0.0.1:9"))
    with pytest.raises(FirmscopeError, match=r"tcp://127.0.0.1:9 does not answer"), engine.working():
        pass


@contextmanager
def something_else(says: bytes) -> Iterator[str]:
    """An address at which another program takes connections, and says this to each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                    held[-1].sendall(says)
                except OSError:
                    return

        serving = Thread(target=serve, daemon=True)
        serving.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        serving.join()
        for connection in held:
            connection.close()


@pytest.mark.timeout(60)  # a client waits for ever
@pytest.mark.parametrize("says", [b"", b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n" * 9], ids=["nothing", "words"])
def test_another_program_at_the_address_is_no_scheduler(monkeypatch: pytest.MonkeyPatch, says: bytes) -> None:
    monkeypatch.setattr(clusters, "CONNECT_S", 2)
    with something_else(says) as address:
        engine = DaskEngine(EngineConfig(kind="dask", scheduler=address))
        with pytest.raises(FirmscopeError, match=f"{address} does not answer"), engine.working():
            pass


def test_no_address_is_refused_with_the_cure() -> None:
    with pytest.raises(UsageError, match=r"engine\.scheduler"):
        engine_of(EngineConfig(kind="dask"), Path())


def test_an_address_alone_means_dask_and_a_bad_one_is_refused() -> None:
    assert EngineChoice(scheduler="tcp://127.0.0.1:8786").over(EngineConfig()).kind == "dask"
    with pytest.raises(UsageError, match="not a scheduler's address"):
        EngineChoice(scheduler="127.0.0.1").over(EngineConfig())


@pytest.mark.parametrize(
    "choice",
    [EngineChoice("dask", "tcp://127.0.0.1:8786", workers=2), EngineChoice("local", "tcp://127.0.0.1:8786")],
    ids=["processes of a cluster", "a cluster for this machine"],
)
def test_options_that_would_be_passed_over_are_refused(choice: EngineChoice) -> None:
    with pytest.raises(UsageError, match=r"--workers|--scheduler"):
        choice.over(EngineConfig())


UNLIKE = r"the worker tcp://127\.0\.0\.1:\d+ is not like this machine \("


def test_a_worker_of_other_versions_is_refused(tmp_path: Path) -> None:
    with scheduler() as (_, address), worker(address), worker_with_an_older_torch(address, tmp_path):
        engine = DaskEngine(EngineConfig(kind="dask", scheduler=address))
        with pytest.raises(UsageError, match=UNLIKE + r"torch 0\.0\.1, not "), engine.working():
            pass


def test_a_worker_that_has_no_firmscope_is_refused_and_named() -> None:
    with scheduler() as (_, address), worker_without_firmscope(address):
        engine = DaskEngine(EngineConfig(kind="dask", scheduler=address))
        with pytest.raises(UsageError, match=UNLIKE + r".*No module named 'pipelines'"), engine.working():
            pass


def test_a_worker_that_dies_while_it_is_asked_is_passed_over() -> None:
    with scheduler() as (_, address), worker(address), worker(address) as dying:
        engine = DaskEngine(EngineConfig(kind="dask", scheduler=address))
        dying.send_signal(signal.SIGSTOP)  # it is asked, and dies before it answers
        Timer(2, dying.kill).start()
        with engine.working():
            done = list(engine.run(tasks.doubled, 2, [1, 2]))
    assert sorted(one.made or 0 for one in done) == [2, 4]


def test_a_worker_that_joins_later_is_looked_at_as_well(tmp_path: Path) -> None:
    with scheduler() as (_, address), worker(address) as first:
        engine = DaskEngine(EngineConfig(kind="dask", scheduler=address))
        with engine.working(), worker_with_an_older_torch(address, tmp_path):
            first.kill()
            with pytest.raises(UsageError, match=UNLIKE + r"torch 0\.0\.1, not "):
                list(engine.run(tasks.doubled, 2, [1, 2]))


@pytest.mark.timeout(120)  # Dask waits for ever
def test_a_cluster_whose_last_worker_goes_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "WITHOUT_WORKERS_S", 3)
    with scheduler() as (_, address), worker(address) as first:
        engine = DaskEngine(EngineConfig(kind="dask", scheduler=address))
        with engine.working(), worker_without_firmscope(address):
            first.kill()
            with pytest.raises(FirmscopeError, match="has had no worker for 3 s; what was committed stands"):
                list(engine.run(tasks.doubled, 2, [1, 2]))


@pytest.mark.timeout(120)  # joblib's generator waited for ever
def test_a_task_that_kills_its_worker_every_time_is_reported() -> None:
    once = {"distributed.scheduler.allowed-failures": 0}  # each death takes seconds
    local = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with dask.config.set(once), LocalCluster(n_workers=2, threads_per_worker=1, **local) as started:
        engine = DaskEngine(EngineConfig(kind="dask", scheduler=started.scheduler_address))
        with engine.working():
            done = list(engine.run(tasks.poison, None, [2, 3]))
    assert sorted(one.task for one in done) == [2, 3]
    assert ["its worker died" in one.failure for one in done if one.failure] == [True]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("when", ["between tasks", "while a task runs", "without a word"])
def test_a_scheduler_that_goes_away_is_said_so(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CONNECT_S", 3)
    monkeypatch.setattr(clusters, "SILENT_S", 3)
    monkeypatch.setattr(clusters, "WITHOUT_WORKERS_S", 20)
    with scheduler() as (process, address), worker(address), worker(address):
        engine = DaskEngine(EngineConfig(kind="dask", scheduler=address))
        with engine.working():
            done = engine.run(tasks.slow, None, list(range(20)))
            next(done)
            if when == "between tasks":
                process.kill()
                process.wait()
            elif when == "while a task runs":
                Timer(0.5, process.kill).start()
            else:
                process.send_signal(signal.SIGSTOP)
            said = rf"the Dask scheduler at {address} went away; what was committed stands"
            with pytest.raises(FirmscopeError, match=said):
                list(done)
        with pytest.raises(FirmscopeError, match="does not answer"), engine.working():
            pass


def test_nothing_of_ours_listens_beyond_loopback(cluster: LocalCluster, tmp_path: Path) -> None:
    """C01: this process, with the cluster in it, while tasks are under way."""
    engine = DaskEngine(EngineConfig(kind="dask", scheduler=cluster.scheduler_address))
    with engine.working():
        done = engine.run(tasks.meets_another, str(tmp_path), list(range(6)))
        workers = {one.made for one in done if one.made}
        listening = {pid: _listening(pid) for pid in {os.getpid(), *workers}}
    assert len(listening) > 1
    assert any(listening.values()), "no process of a cluster listens: the look is wrong"
    assert not {address for found in listening.values() for address in found} & ANYWHERE


def test_a_cluster_started_as_the_readme_says_listens_at_the_address_that_it_was_given() -> None:
    assert f'QUIET="{" ".join(QUIET)}"' in (ROOT / "pipelines" / "README.md").read_text(encoding="utf-8")
    with scheduler() as (process, address), worker(address) as other:
        for pid in (process.pid, other.pid):
            assert _listening(pid)
            assert not _listening(pid) & ANYWHERE


def _listening(pid: int) -> set[str]:
    """Local addresses, as the kernel writes them, at which a process listens."""
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(str(link.readlink()))
        except OSError:
            continue
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii").splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and f"socket:[{parts[9]}]" in sockets:
                found.add(parts[1].split(":")[0])
    return found


def test_the_command_line_refuses_an_open_cluster(tmp_path: Path, firmscope: Command) -> None:
    firmscope("init", tmp_path / "ws", "--taxonomy", "midlands")
    said = firmscope("--workspace", tmp_path / "ws", "match", "--engine", "dask", "--scheduler", "tcp://10.0.0.5:8786")
    assert said.code == 2
    assert "--insecure-cluster" in said.err
