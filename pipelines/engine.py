"""Run a stage's tasks in this process, in processes of this machine or on a cluster: one setting says where.

Workers only read and compute; what they hand back is committed here, in one place. So a task may be run twice, or be
lost with its worker and run again, and the tables end the same. A task that fails three times is reported, and the
others go on.
"""

from __future__ import annotations

import errno
import pickle
import signal
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from classifier.errors import ClassifierError
from crawler.errors import CrawlerError
from models.errors import ModelsError
from pipelines.atomic import passing
from pipelines.errors import FirmscopeError

TRIES = 3

Asked = TypeVar("Asked")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Done(Generic[Asked, Made]):
    """A task and what it made; or, after ``TRIES`` tries, why it made nothing."""

    task: Asked
    made: Made | None
    failure: str = ""


class Engine:
    """Where tasks run; this one: in this very process, one after the other."""

    name = "local"

    def run(
        self, function: Callable[[Any, Asked], Made], common: Any, tasks: Sequence[Asked]
    ) -> Iterator[Done[Asked, Made]]:
        """Call ``function(common, task)`` for every task, in any order.

        Args:
            function: Of a module, so that a worker finds it by its name.
            common: What all tasks share; sent to each worker once.
            tasks: What differs.

        Yields:
            Every task once, as it is done.

        Raises:
            FirmscopeError: What a task raised that another try, or another task, would meet as well.
        """
        for task in tasks:
            failures: list[str] = []
            while True:
                made, failure = attempted(function, common, task)
                if not failure:
                    yield Done(task, made)
                    break
                failures.append(failure)
                if len(failures) == TRIES:
                    yield Done(task, None, failure)
                    break

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold what the engine needs for a whole stage or night."""
        yield


class ParallelEngine(Engine):
    """Several workers."""

    def run(
        self, function: Callable[[Any, Asked], Made], common: Any, tasks: Sequence[Asked]
    ) -> Iterator[Done[Asked, Made]]:
        """As :meth:`Engine.run`; one task is not worth a worker's start and runs here."""
        if len(tasks) < 2:
            yield from super().run(function, common, tasks)
            return
        tries = [0] * len(tasks)
        rounds = [list(range(len(tasks)))]
        while rounds:
            left = set(rounds.pop())
            again: list[int] = []
            try:
                for at, made, failure in self._round(function, common, [(at, tasks[at]) for at in sorted(left)]):
                    left.discard(at)
                    tries[at] += 1
                    if not failure:
                        yield Done(tasks[at], made)
                    elif tries[at] < TRIES:
                        again.append(at)
                    else:
                        yield Done(tasks[at], None, failure)
            except Exception as error:
                if not _is_loss(error):
                    raise
                if len(left) == 1:  # it alone was there when its worker died
                    at = left.pop()
                    tries[at] += 1
                    if tries[at] >= TRIES:
                        yield Done(tasks[at], None, f"its worker died ({one_line(error)})")
                    else:
                        again.append(at)
                # Which task took its worker down is not known: halves part it from the others in a few rounds.
                ordered = sorted(left)
                half = len(ordered) // 2
                rounds += [part for part in (ordered[:half], ordered[half:]) if part]
            if again:
                rounds.append(again)

    @abstractmethod
    def _round(
        self, function: Callable[[Any, Asked], Made], common: Any, tasks: Sequence[tuple[int, Asked]]
    ) -> Iterator[tuple[int, Made | None, str]]:
        """What each task made, or why it failed, by the task's number and in any order."""


class LokyEngine(ParallelEngine):
    """Processes on this machine."""

    def __init__(self, workers: int, folder: Path) -> None:
        """Args: number of processes; folder for what all tasks share, while they run."""
        self.workers, self._folder = workers, folder

    def _round(
        self, function: Callable[[Any, Asked], Made], common: Any, tasks: Sequence[tuple[int, Asked]]
    ) -> Iterator[tuple[int, Made | None, str]]:
        import joblib

        with passing(self._folder.resolve()) as path:  # loky would send it with every task
            path.touch(0o600, exist_ok=False)  # the keys of a bucket may be in it
            with path.open("wb") as file:
                pickle.dump(common, file, pickle.HIGHEST_PROTOCOL)
            with joblib.parallel_config(
                backend="loky", n_jobs=self.workers, inner_max_num_threads=1, initializer=_begin_worker
            ):
                parallel = joblib.Parallel(batch_size=1, pre_dispatch="2*n_jobs", return_as="generator_unordered")
                sent = _Filed(str(path))
                found = parallel(joblib.delayed(_numbered)(at, function, sent, task) for at, task in tasks)
                try:
                    yield from found
                finally:
                    found.close()


@dataclass(frozen=True)
class _Filed:
    """What all tasks share, in a file that this very program wrote; read once by each worker."""

    path: str


@lru_cache(maxsize=1)
def _read(filed: _Filed) -> Any:
    return pickle.loads(Path(filed.path).read_bytes())  # noqa: S301 - written by this run, for this worker


def attempted(function: Callable[[Any, Asked], Made], common: Any, task: Asked) -> tuple[Made | None, str]:
    """What a task made, or why it failed; what no other try would mend is raised."""
    try:
        return function(common, task), ""
    except (FirmscopeError, CrawlerError, ClassifierError, ModelsError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        return None, one_line(error)


def one_line(error: BaseException) -> str:
    """An exception as a line for a log."""
    said = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _begin_worker() -> None:
    """A worker ends with the process that started it, in the middle of a task too."""
    from joblib.externals.loky import process_executor

    from crawler.children import signal_when_parent_dies

    signal_when_parent_dies(signal.SIGKILL)
    # With psutil there, loky takes a worker that has just read an encoder's weights for one that leaks, and ends it.
    process_executor._USE_PSUTIL = False


def _numbered(
    at: int, function: Callable[[Any, Asked], Made], common: _Filed, task: Asked
) -> tuple[int, Made | None, str]:
    return (at, *attempted(function, _read(common), task))


def _is_loss(error: Exception) -> bool:
    """Whether it says that a worker was lost, rather than that the work is wrong."""
    return type(error).__name__ in LOSSES or "memory" in type(error).__name__.lower()


# By name, so that neither loky nor distributed is imported to tell: a worker killed, all of them, or its data with it.
LOSSES = ("TerminatedWorkerError", "BrokenProcessPool", "KilledWorker", "CancelledError", "FutureCancelledError",
          "ShutdownExecutorError", "CommClosedError")  # fmt: skip
