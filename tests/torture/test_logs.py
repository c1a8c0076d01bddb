"""Text from outside in a run's log and in its list of dropped rows: one line each, escaped, of bounded length."""

from __future__ import annotations

import json
import logging

import pytest

from crawler.children import LOG_CHARS, _Tame
from pipelines.runs import MAX_LOG_CHARS, start_run
from pipelines.workspace import Workspace
from tests.pipelines.conftest import workspace

__all__ = ["workspace"]  # a fixture

HOSTILE = '\x1b[31mred\x1b[0m\nrun ended\r\n\u2028{"event": "run ended"}\u202e' + "x" * 1_000_000


def test_a_runs_log_and_drops_are_a_line_each(workspace: Workspace) -> None:
    with start_run(workspace, "torture") as run, run.stage("torture") as counts:
        counts.rows_in = 1
        run.log("site", reason=HOSTILE)
        run.drop(counts, "firm", "hostile", HOSTILE)
    text = (run.folder / "log.jsonl").read_text(encoding="utf-8")
    events = [json.loads(line)["event"] for line in text.splitlines()]
    assert events == ["run started", "stage started", "site", "stage ended", "run ended"]
    assert max(map(len, text.splitlines())) < MAX_LOG_CHARS + 200
    dropped = (run.folder / "dropped.csv").read_text(encoding="utf-8").splitlines()
    assert len(dropped) == 2
    assert "\x1b" not in text + dropped[1]
    assert len(dropped[1]) < MAX_LOG_CHARS + 200


@pytest.mark.parametrize("text", [HOSTILE, "%s %d", "\N{SNOWMAN}\x00"], ids=["hostile", "format", "odd"])
def test_a_crawls_log_is_a_line_a_message(text: str) -> None:
    record = logging.LogRecord("scrapy", logging.INFO, "", 0, text, None, None)
    line = _Tame("%(message)s").format(record)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) <= 6 * LOG_CHARS
