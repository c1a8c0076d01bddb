"""Ctrl-C, SIGTERM and SIGHUP outside the part of a command that goes on from where it was; see ``test_killed.py``."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from pipelines.errors import InterruptedRunError
from pipelines.runs import list_runs, start_run
from pipelines.workspace import Workspace
from tests.commands import Command


@pytest.fixture(autouse=True)
def in_a_terminal() -> Iterator[None]:
    """Signals as a terminal leaves them: nohup, and a shell that starts this behind an ampersand, have some ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def ignored() -> Iterator[None]:
    """SIGHUP as nohup leaves it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


def test_ctrl_c_outside_a_run_is_told(
    workspace: Workspace, firmscope: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typer by itself ends with 130 and not a word."""
    monkeypatch.setattr("pipelines.runs.list_runs", lambda _: signal.raise_signal(signal.SIGINT))
    answer = firmscope("--workspace", workspace.folder, "runs", "list")
    assert (answer.code, answer.err) == (11, "firmscope: stopped\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_says_that_it_was_stopped(workspace: Workspace, number: signal.Signals) -> None:
    with pytest.raises(InterruptedRunError, match="goes on from there"), start_run(workspace, "made"):
        os.kill(os.getpid(), number)
    assert list_runs(workspace)[-1]["outcome"] == "interrupted"


@pytest.mark.usefixtures("ignored")
def test_a_run_under_nohup_outlives_its_terminal(workspace: Workspace) -> None:
    with start_run(workspace, "made"):
        os.kill(os.getpid(), signal.SIGHUP)
    assert list_runs(workspace)[-1]["outcome"] == "done"
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
