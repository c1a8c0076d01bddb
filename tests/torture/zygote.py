"""Start commands of ``firmscope`` as processes of their own, quickly: a process that has run a night forks them.

A night is as killable as one that a shell started, and leads a session of its own, by which everything that it left
behind is found. What is saved is imports, templates and weights: a half of a small night.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TEMPORARY = "tmp"  # for what commands put aside for themselves, and must not leave
LIMITS = {"NOFILE": resource.RLIMIT_NOFILE, "AS": resource.RLIMIT_AS, "FSIZE": resource.RLIMIT_FSIZE}
BATCH_SITES = 7  # of a crawl: several commits in a small night, so that it can be killed between them


@dataclass(eq=False)
class Job:
    """A command that runs, or ran; ``code`` is negative for a signal."""

    pid: int
    out: Path
    err: Path
    zygote: Zygote = field(repr=False)
    code: int | None = None
    cpu_s: float = 0.0

    def wait(self, timeout_s: float = 120) -> int:
        """Its exit code; one that does not end in time is killed."""
        if self.code is None:
            self.code, self.cpu_s = self.zygote.ask({"wait": self.pid, "timeout_s": timeout_s})
        if self.code is None:
            self.kill(signal.SIGUSR1)  # it says where it stands
            time.sleep(1)
            self.kill(signal.SIGKILL)
            raise TimeoutError(f"still running after {timeout_s} s: {self.said}")
        return self.code

    def poll(self) -> int | None:
        """Its exit code, if it ended."""
        if self.code is None:
            self.code, self.cpu_s = self.zygote.ask({"wait": self.pid, "timeout_s": 0})
        return self.code

    def kill(self, number: signal.Signals) -> None:
        """Send it a signal; one that has ended is left alone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    @property
    def said(self) -> str:
        """What it printed for a person."""
        return self.err.read_text(encoding="utf-8", errors="replace")

    @property
    def family(self) -> list[int]:
        """Living processes of its session, itself among them."""
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    fields = Path(entry.path, "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[3]) == self.pid and fields[0] not in "ZX":
                    found.append(int(entry.name))
        return found


class Zygote:
    """The process that forks; close it, or leave its ``with`` block, to end it."""

    def __init__(self, folder: Path) -> None:
        """Args: folder for what the commands print."""
        self._folder, self._number = folder, 0
        temporary = folder / TEMPORARY
        temporary.mkdir()
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
                                    "TMPDIR": str(temporary)}  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.zygote"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
        )  # fmt: skip

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def start(
        self,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
        halted: bool = False,
    ) -> Job:
        """Start a command.

        Args:
            arguments: Of ``firmscope``.
            environment: Variables to set beside those of this process.
            limits: By names of ``LIMITS``; an address space is what may be taken beside what there is, bytes.
            halted: Stop before the first step, until SIGCONT.
        """
        self._number += 1
        out, err = (self._folder / f"{self._number}.{end}" for end in ("out", "err"))
        asked = {"start": [str(one) for one in arguments], "out": str(out), "err": str(err),
                 "environment": dict(environment or {}), "limits": dict(limits or {}),
                 "halted": halted}  # fmt: skip
        return Job(self.ask(asked), out, err, self)

    def ask(self, question: Mapping[str, Any]) -> Any:
        """One question, one answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _serve() -> None:
    _prepare()
    for line in sys.stdin:
        asked = json.loads(line)
        if "warm" in asked:
            answer: Any = _warmed(asked["warm"])
        else:
            answer = _forked(asked) if "start" in asked else _ended(asked["wait"], asked["timeout_s"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _prepare() -> None:
    from pipelines import crawling
    from pipelines.frugality import keep_memory_small

    keep_memory_small()
    assert crawling.BATCH_SITES > BATCH_SITES
    crawling.BATCH_SITES = BATCH_SITES


def _forked(asked: Mapping[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as a terminal starts it: under nohup, and behind an
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ampersand, they would be ignored
        for descriptor, path in ((1, asked["out"]), (2, asked["err"])):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), descriptor)
        faulthandler.register(signal.SIGUSR1, file=2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(asked["environment"])
        for name, value in asked["limits"].items():
            bound = value + (_address_space() if name == "AS" else 0)
            resource.setrlimit(LIMITS[name], (bound, bound))
        if asked["halted"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        code = _commanded(asked["start"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return 0


def _warmed(arguments: Sequence[str]) -> int:
    """Run a command in this very process, so that what it reads and compiles is there for all others."""
    kept = os.dup(1)
    os.dup2(2, 1)
    code = _commanded(arguments)
    sys.stdout.flush()
    os.dup2(kept, 1)
    os.close(kept)
    return code


def _commanded(arguments: Sequence[str]) -> int:
    import traceback

    from pipelines.cli import main

    sys.argv = ["firmscope", *arguments]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _address_space() -> int:
    """Bytes that this process has mapped."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()


def _ended(pid: int, timeout_s: float) -> tuple[int | None, float]:
    deadline = time.monotonic() + timeout_s
    while True:
        found, status, used = os.wait4(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
        if time.monotonic() >= deadline:
            return None, 0.0
        time.sleep(0.02)


if __name__ == "__main__":
    _serve()
