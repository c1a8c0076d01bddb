"""A state of the past that is kept without the words of websites: what it still says, and what it says it cannot."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.digest import text_digest
from pipelines.churn.comparing import churn_between
from pipelines.config import set_key
from pipelines.errors import PastGoneError
from pipelines.firm_lists import read_firm_list
from pipelines.firm_texts import firms_with_words, words_digest
from pipelines.importing import import_firms
from pipelines.moments import figures_as_of, moment_now, run_moment, without_words
from pipelines.publishing import run_rollup
from pipelines.runs import Run, start_run
from pipelines.setup import create_workspace
from pipelines.vacuum import vacuum
from pipelines.workspace import Workspace
from tests.commands import Command
from tests.pipelines.conftest import TAXONOMY

FIRMS = "firm_id,name,website\nf-1,One Ltd,https://one.example\nf-2,Two Ltd,https://two.example\nf-3,Three Ltd,\n"
LATER = timedelta(days=5)
SAID = "We build aircraft wings."
SAFE = "We keep networks safe."


def page(firm_id: str, text: str, at: datetime) -> dict[str, Any]:
    return {
        "firm_id": firm_id, "url": f"https://{firm_id}.example/", "position": 0, "title": "", "language": "en",
        "text": text, "text_digest": text_digest(text), "kind": "home", "read_at": at, "archive_ref": None,
    }  # fmt: skip


def read(run: Run, sites: Mapping[str, tuple[str, str]]) -> None:
    """Sites read, each with its text, their firms put into a sector, and figures made.

    The roll-up asks for the model of firms that one has judged, and here is none: it is named afterwards.
    """
    for model_id in (None, "m"):
        for firm_id, (text, sector) in sites.items():
            _read(run, firm_id, text, sector, model_id)
        if model_id is None:
            run_rollup(run)


def _read(run: Run, firm_id: str, text: str, sector: str, model_id: str | None) -> None:
    lake, at = run.workspace.lake, run.started_at
    pages = [page(firm_id, text, at)]
    lake.replace_firms("pages", [firm_id], pages, run.run_id)
    site: dict[str, Any] = {
        "firm_id": firm_id, "source": "crawl", "website": f"https://{firm_id}.example", "final_url": None,
        "outcome": "ok", "reason": "read", "crawled_at": at, "requests": 1, "bytes_read": 1, "pages": 1, "flags": [],
    }  # fmt: skip
    lake.replace_firms("sites", [firm_id], [site], run.run_id)
    decided: dict[str, Any] = {"firm_id": firm_id, "model_id": model_id, "text_digest": words_digest(pages)}
    scores = [decided | {"sector": key, "probability": float(key == sector)} for key in ("air", "space", "cyber")]
    lake.replace_firms("scores", [firm_id], scores if model_id else [], run.run_id)
    put = decided | {
        "sector": sector, "assigned": sector != "none", "reason": "threshold passed", "probability": 0.9,
        "threshold": 0.5, "since": at, "evidence_sentence": text, "evidence_url": pages[0]["url"],
    }  # fmt: skip
    lake.replace_firms("assignments", [firm_id], [put], run.run_id)


@dataclass(frozen=True)
class Past:
    workspace: Workspace
    first: str
    second: str


def lived(folder: Path) -> Past:
    """Two runs with figures; by the second one site says something else and its firm has left its list."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "t.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "t.yaml"))
    workspace = Workspace(folder / "ws")
    (folder / "firms.csv").write_text(FIRMS, encoding="utf-8")
    with start_run(workspace, "first") as first:
        import_firms(first, read_firm_list(folder / "firms.csv", first.started_at.date(), True))
        read(first, {"f-1": (SAID, "air"), "f-2": (SAFE, "cyber")})
    with start_run(workspace, "second") as second:
        read(second, {"f-1": ("We sell shoes.", "none"), "f-2": (SAFE, "cyber")})
    return Past(workspace, first.run_id, second.run_id)


def forget_words(past: Past) -> None:
    """What the vacuum of a later night does."""
    set_key(past.workspace.config_file, "keep.words_days", "1")
    past.workspace.__dict__.pop("config", None)
    with start_run(past.workspace, "vacuum") as run:
        vacuum(run, datetime.now(UTC) + LATER)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    made = lived(tmp_path_factory.mktemp("past"))
    forget_words(made)
    yield made
    made.workspace.lake.close()


def test_lists_and_figures_of_then_are_there_and_words_are_not(past: Past) -> None:
    moment = run_moment(past.workspace, past.first)
    assert not moment.has("pages")
    assert moment.has("assignments")
    with pytest.raises(PastGoneError, match=rf"table pages as run {past.first} left it has been removed"):
        moment.read_arrow("pages", ["firm_id"])
    figures = figures_as_of(past.workspace, moment)
    assert figures.classified == {"f-1", "f-2"}
    assert firms_with_words(moment) == {"f-1", "f-2"}
    assert "no longer kept" in without_words(moment)[0]


def test_a_state_with_its_words_says_nothing_of_it(past: Past) -> None:
    moment = run_moment(past.workspace, past.second)
    assert moment.has("pages")
    assert without_words(moment) == ()
    assert figures_as_of(past.workspace, moment).classified == {"f-1", "f-2"}
    assert firms_with_words(moment) == {"f-1", "f-2"}


def test_a_comparison_names_the_cause_and_says_that_it_cannot_quote(past: Past, tmp_path: Path) -> None:
    found = churn_between(past.workspace, run_moment(past.workspace, past.first), moment_now(past.workspace))
    moves = [(move.firm_id, move.key, move.entered, move.cause, move.sentence) for move in found.moves]
    assert moves == [("f-1", "air", False, "site_changed", "")]
    assert any("which sentences came or went is not known" in note for note in found.notes)
    whole = lived(tmp_path / "whole")
    quoted = churn_between(whole.workspace, run_moment(whole.workspace, whole.first), moment_now(whole.workspace))
    assert [move.sentence for move in quoted.moves] == [SAID]
    assert not quoted.notes


def test_whoever_asks_for_the_past_is_told(past: Past, firmscope: Command, tmp_path: Path) -> None:
    for number, run_id in enumerate((past.first, past.second)):
        out = tmp_path / f"{number}.csv"
        done = firmscope("--workspace", past.workspace.folder, "export", "firms", "--out", out, "--as-of", run_id)
        assert done.code == 0, done.err
        assert ("words of websites" in done.err) == (run_id == past.first)
        assert len(out.read_text(encoding="utf-8").splitlines()) == 4


def test_a_state_that_goes_while_it_is_read_is_named(tmp_path: Path) -> None:
    """A reader of the past beside the vacuum: the whole, or a sentence, and nothing in between."""
    past = lived(tmp_path)
    reader = Workspace(past.workspace.folder)
    moment = run_moment(reader, past.first)
    whole = {
        name: moment.lake.read_arrow(name, snapshot_id=moment.snapshots[name]).num_rows for name in ("pages", "firms")
    }
    began, ends, said = threading.Event(), threading.Event(), list[str]()

    def look() -> None:
        while not ends.is_set() and not said:
            try:
                for name, rows in whole.items():
                    if run_moment(reader, past.first).read_arrow(name).num_rows != rows:
                        said.append(f"a part of {name}")
            except PastGoneError as error:
                said.append(str(error))
            except Exception as error:
                said.append(f"{type(error).__name__}: {error}")
            began.set()

    thread = threading.Thread(target=look)
    thread.start()
    assert began.wait(60)
    forget_words(past)
    thread.join(2)
    ends.set()
    thread.join(60)
    reader.lake.close()
    assert said
    assert "has been removed from the tables' history" in said[0]
