"""Comparing only what changed ends in the tables that comparing everything would make, whatever it was that changed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.changed_firms import changed_firms
from pipelines.matching import NOTE, _hosts, _tasks
from pipelines.runs import start_run
from pipelines.store import Lake
from pipelines.tidying import tidy
from pipelines.workspace import Workspace
from tests.kept_states import KeptStates, in_crumbs, state
from tests.pipelines.conftest import small_workspace
from tests.pipelines.test_matching import fill, firm, mark, match, page, site

HOSTS = ("www.tarn.co.uk", "elm.co.uk", "www.elm.co.uk", "ash.co.uk", "oak.org")
NAMES = ("Tarn Castings Ltd", "Elm Joinery Ltd", "Ash Ltd", "Oak Foods Ltd")
IDS = ("own", "other", "same", "part", "new-1", "new-2", "new-3")
Step = Callable[[Lake, random.Random], None]


def listed(lake: Lake, draw: random.Random) -> None:
    """A firm is listed, under a name, or its entry becomes another."""
    firm_id = draw.choice(IDS)
    entry = firm(firm_id, draw.choice(NAMES), draw.choice(["01234567", "09999999", None]), draw.choice(HOSTS))
    lake.replace_firms("firms", [firm_id], [entry], "step")


def unlisted(lake: Lake, draw: random.Random) -> None:
    """A firm leaves the list."""
    lake.replace_firms("firms", [draw.choice(IDS)], [], "step")


def visited(lake: Lake, draw: random.Random) -> None:
    """A firm's site is read: perhaps at another host, perhaps with other marks."""
    firm_id, host = draw.choice(IDS), draw.choice(HOSTS)
    lake.replace_firms("sites", [firm_id], [site(firm_id, host)], "step")
    lake.replace_firms("pages", [firm_id], [page(firm_id, host, draw.choice(NAMES))], "step")
    kinds = (("company_number", "01234567", "owner"), ("postcode", "LS1 4AB", "trading"), ("name", NAMES[0], "owner"))
    marks = [mark(firm_id, *kind, host) for kind in kinds if draw.random() < 0.5]
    lake.replace_firms("marks", [firm_id], marks, "step")


def lost(lake: Lake, draw: random.Random) -> None:
    """A firm's pages go."""
    lake.replace_firms("pages", [draw.choice(IDS)], [], "step")


def moved(lake: Lake, draw: random.Random) -> None:
    """An address that a list gave is another, or one that the site stated is gone."""
    lake.replace_firms("premises", [draw.choice(IDS)], [], "step")


STEPS: tuple[Step, ...] = (listed, unlisted, visited, visited, lost, moved)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> KeptStates:
    """Rows as a crawl leaves them, and the same compared."""
    folder = tmp_path_factory.mktemp("matching-changes")
    states = KeptStates(small_workspace(folder).folder, folder / "aside")
    fill(states.workspace())
    states.keep("filled")
    match(states.workspace())
    states.keep("matched")
    return states


filled = state("filled")  # nothing is compared yet
matched = state("matched")  # all firms are compared


@pytest.mark.parametrize("seed", range(3))
def test_what_changed_is_all_that_has_to_be_compared(matched: Workspace, seed: int) -> None:
    workspace, draw = matched, random.Random(seed)
    fewer = 0
    for _ in range(8):
        lake = Workspace(workspace.folder).lake
        for _ in range(draw.randint(1, 2)):
            draw.choice(STEPS)(lake, draw)
        asked = _tasks(lake, _hosts(lake))
        fewer += sum(len(task.firm_ids or IDS) for task in asked) < len(IDS)
        match(workspace)
        made = _made(workspace)
        again = Workspace(workspace.folder).lake
        again.note("matches", {NOTE: "{}"})
        match(workspace)
        assert _made(workspace) == made
    assert fewer, "every step had everything compared: nothing was shown"


def test_nothing_changed_is_nothing_compared(matched: Workspace) -> None:
    lake = matched.lake
    assert _tasks(lake, _hosts(lake)) == []
    before = _made(matched)
    counts = match(matched).stages["match"]
    assert (counts.rows_in, counts.rows_out, counts.unchanged) == (7, 0, 4)
    assert _made(matched) == before


def test_rows_that_somebody_put_back_are_compared_again(matched: Workspace) -> None:
    """As after a repair: the note still speaks of a state that ``matches`` is not in."""
    made = _made(matched)
    matched.lake.replace_all("matches", [], "back")
    match(matched)
    assert _made(matched) == made


def test_what_was_compared_outlives_that_files_are_put_together(
    matched: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.compaction.MANY", 1)
    in_crumbs(matched, "matches")
    match(matched)
    with start_run(matched, "tidy") as run:
        assert tidy(run).files > 0
    assert _tasks(matched.lake, _hosts(matched.lake)) == []


def test_changed_rows_are_told_by_the_columns_that_matter(filled: Workspace) -> None:
    lake = filled.lake
    since = lake.snapshot("pages")
    for changed, columns, expected in (
        ({"title": "Another"}, ("title",), {"own"}),
        ({"title": "Another"}, ("language",), set()),
        ({"title": "Another", "archive_ref": "FILE:1"}, ("archive_ref",), {"own"}),
    ):
        lake.replace_firms("pages", ["own"], [page("own", "www.tarn.co.uk") | changed], "step")
        assert changed_firms(lake, "pages", since, columns) == expected
    lake.replace_firms("pages", ["other"], [], "step")
    assert changed_firms(lake, "pages", since, ("title",)) == {"own", "other"}
    assert changed_firms(lake, "pages", 1, ("title",)) is None
    assert changed_firms(lake, "fetches", None, ("url",)) == set()


def _made(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    lake = Workspace(workspace.folder).lake
    return {
        name: sorted(lake.read_arrow(name).to_pylist(), key=lambda row: str(sorted(row.items(), key=str)))
        for name in ("matches", "premises")
    }
