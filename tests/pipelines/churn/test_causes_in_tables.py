"""One workspace, driven through what can happen to a list: every move has the cause that the script gave it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from labels.taxonomy_changing import New, renamed, split
from pipelines.churn import comparing
from pipelines.churn.comparing import churn_between
from pipelines.churn.result import Churn, Move
from pipelines.classifying import run_classify
from pipelines.config import set_key
from pipelines.importing import import_texts
from pipelines.label_exchange import Source, import_labels
from pipelines.moments import run_moment
from pipelines.promotion import current_id, point
from pipelines.publishing import run_rollup
from pipelines.runs import Run, start_run
from pipelines.screen import Screen
from pipelines.taxonomy_copies import keep_taxonomy
from pipelines.taxonomy_edits import Make, edit_taxonomy
from pipelines.text_lists import read_texts
from pipelines.training import run_train
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command
from tests.pipelines.taught import POLITE, taught

ROCKETS = "We build satellites and rockets for orbit. Our thrusters fly on small spacecraft."
BREAD = "We bake bread and cakes for cafes. Our florists deliver flowers in town."
HACKERS = "We test networks for security holes. Our software stops malware and hackers."
BEER = "We brew craft beer in copper kettles. Our brewery sells ale and stout to pubs."
FIRMS = {
    "turns-baker": ROCKETS, "turns-rocket": BREAD, "parked": ROCKETS, "comes-back": BREAD, "dissolved": HACKERS,
    "removed": HACKERS, "disputed": "We build satellites and put a payload into orbit for airlines.",
    "stays": ROCKETS, "other-website": BREAD, "doubted": ROCKETS, "beer": BEER, "beer-too": BEER, "beer-moved": BEER,
    "beer-turns": BREAD, **{f"brewer-{n}": f"{BEER} {POLITE[n % 3]}" for n in range(8)},
}  # fmt: skip


@dataclass
class Driven:
    """The workspace, and the run that ended each chapter."""

    workspace: Workspace
    folder: Path
    runs: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    trained: list[str] = field(default_factory=list)

    def moves(self, before: str, after: str) -> dict[tuple[str, str, bool], Move]:
        """Moves between two chapters, by list, firm and direction."""
        found = self.churn(before, after)
        return {(move.key, move.firm_id, move.entered): move for move in found.moves}

    def churn(self, before: str, after: str) -> Churn:
        moments = (run_moment(self.workspace, self.runs[chapter]) for chapter in (before, after))
        return churn_between(self.workspace, *moments)

    def classify(self, chapter: str) -> None:
        with start_run(self.workspace, "classify") as run:
            run_classify(run, Screen())
        self.runs[chapter] = run.run_id

    def train(self) -> None:
        with start_run(self.workspace, "train") as run:
            run_train(run, Screen())
        self.trained.append(run.run_id)
        if current_id(self.workspace) != run.notes["model_id"]:
            with start_run(self.workspace, "models promote") as promoting:
                point(promoting, run.notes["model_id"], "promote")

    def say(self, texts: dict[str, str]) -> None:
        """Other words for firms."""
        path = self.folder / "said.jsonl"
        names = {row["firm_id"]: row["name"] for row in self.workspace.lake.read_arrow("firms").to_pylist()}
        lines = [{"firm_id": key, "name": names.get(key, key), "text": text} for key, text in texts.items()]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        with start_run(self.workspace, "import texts") as run:
            import_texts(run, read_texts(path), run.started_at)

    def judge(self, rows: list[tuple[str, str, str]]) -> None:
        path = self.folder / "judged.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("firm_id", "sector", "label"), *rows])
        with start_run(self.workspace, "labels import") as run:
            import_labels(run, Source(path))

    def change(self, table: str, firm_id: str, **values: Any) -> None:
        """Other values in a firm's row, as an import or a crawl would write them."""
        (row,) = [row for row in self.workspace.lake.read_arrow(table).to_pylist() if row["firm_id"] == firm_id]
        self._run(lambda run: self.workspace.lake.replace_firms(table, [firm_id], [row | values], run.run_id))

    def decide(self, chapter: str, firm_id: str, words: str = "") -> None:
        """Put a firm out of every sector, by these words or by those that it had first."""
        held = [row for row in self.workspace.lake.read_arrow("assignments").to_pylist() if row["firm_id"] == firm_id]
        self.words.setdefault(firm_id, held[0]["text_digest"])
        made = {"sector": "none", "assigned": False, "text_digest": words or self.words[firm_id]}
        made["reason"] = "no sector reached its threshold"
        with start_run(self.workspace, "test") as run:
            self.workspace.lake.replace_firms("assignments", [firm_id], [held[0] | made], run.run_id)
        self.runs[chapter] = run.run_id

    def drop(self, table: str, firm_id: str) -> None:
        self._run(lambda run: self.workspace.lake.replace_firms(table, [firm_id], [], run.run_id))

    def match(self, firm_id: str, matched: bool) -> None:
        row = {"firm_id": firm_id, "site": "x.example", "score": 0.1, "reasons": ["another name"], "matched": matched}
        self._run(lambda run: self.workspace.lake.replace_firms("matches", [firm_id], [row], run.run_id))

    def edit(self, make: Make) -> None:
        with start_run(self.workspace, "taxonomy") as run:
            edit_taxonomy(run, make)

    def add_clusters(self, text: str) -> None:
        """Put clusters in the place of those that taxonomy.yaml had."""
        path = self.workspace.taxonomy_file
        sectors = path.read_text(encoding="utf-8").partition("clusters:")[0]
        path.write_text(f"{sectors}clusters:\n{text}", encoding="utf-8")

    def roll_up(self, chapter: str) -> None:
        with start_run(self.workspace, "rollup") as run:
            run_rollup(run)
        self.runs[chapter] = run.run_id

    def set(self, key: str, value: str) -> None:
        set_key(self.workspace.config_file, key, value)
        self.workspace.lake.close()
        self.workspace = Workspace(self.workspace.folder)

    def _run(self, work: Any) -> None:
        with start_run(self.workspace, "test") as run:
            assert isinstance(run, Run)
            work(run)


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    folder = tmp_path_factory.mktemp("churn")
    made = Driven(taught(folder, FIRMS), folder)
    made.drop("pages", "comes-back")
    made.change("sites", "comes-back", outcome="timeout", reason="no answer in 30 s")
    made.classify("start")
    made.say({"turns-baker": BREAD, "turns-rocket": ROCKETS, "comes-back": ROCKETS, "other-website": ROCKETS})
    made.change("firms", "other-website", website="https://other.example/")
    made.drop("pages", "parked")
    made.change("sites", "parked", outcome="parked", reason="a page of a domain seller")
    made.change("firms", "dissolved", status="Dissolved")
    made.drop("firms", "removed")
    made.say({"new-one": HACKERS})
    made.classify("sites")
    made.match("stays", False)
    made.match("doubted", True)
    made.classify("matched")
    made.set("match.require", "true")
    made.classify("required")
    made.match("doubted", False)
    made.classify("doubted")
    made.set("match.require", "false")
    made.classify("not required")
    made.judge([(f"brewer-{n}", "space", "include") for n in range(8)])
    made.say({"beer-moved": f"{BEER} Call us today.", "beer-turns": ROCKETS})
    made.train()
    made.classify("model")
    made.edit(lambda taxonomy, today: renamed(taxonomy, "cyber", New("infosec"), today))
    made.train()
    made.classify("renamed")
    made.edit(lambda taxonomy, today: split(taxonomy, "infosec", [New("infosec"), New("hardware", "Hardware")], today))
    made.train()
    made.classify("split")
    keep_taxonomy(made.workspace)
    made.add_clusters("  - {key: above, name: Above, sectors: [space], sic: ['10.7']}\n")
    made.roll_up("cluster")
    made.change("firms", "turns-baker", sic_codes=["10710"])
    made.roll_up("sic")
    keep_taxonomy(made.workspace)
    made.add_clusters("  - {key: above, name: Above, sectors: [air], sic: ['11.0']}\n")
    made.roll_up("other cluster")
    made.decide("out", "stays", "f" * 64)
    made.decide("back outside", "stays")
    yield made
    made.workspace.lake.close()


def test_sites_and_register(driven: Driven) -> None:
    moves = driven.moves("start", "sites")
    causes = {where: move.cause for where, move in moves.items()}
    assert causes == {
        **dict.fromkeys([(key, "turns-baker", False) for key in ("space", "air")], "site_changed"),
        **dict.fromkeys([(key, "turns-rocket", True) for key in ("space", "air")], "site_changed"),
        **dict.fromkeys([(key, "comes-back", True) for key in ("space", "air")], "site_changed"),
        **dict.fromkeys([(key, "other-website", True) for key in ("space", "air")], "register_changed"),
        **dict.fromkeys([(key, "parked", False) for key in ("space", "air")], "site_gone"),
        ("cyber", "dissolved", False): "register_changed",
        ("cyber", "removed", False): "register_changed",
        ("cyber", "new-one", True): "register_changed",
    }
    came, went = moves["space", "turns-rocket", True], moves["space", "turns-baker", False]
    assert (came.sentence_is, came.sentence in ROCKETS) == ("came", True)
    assert (went.sentence_is, went.sentence in ROCKETS) == ("went", True)
    assert moves["space", "parked", False].detail == "parked: a page of a domain seller"
    back = moves["space", "comes-back", True]
    assert (back.sentence_is, back.sentence in ROCKETS) == ("came", True)
    assert "timeout" in moves["space", "comes-back", True].detail


def causes_of(moves: dict[tuple[str, str, bool], Move], key: str = "space") -> dict[tuple[str, bool], str]:
    return {(firm_id, entered): move.cause for (of, firm_id, entered), move in moves.items() if of == key}


def test_settings_and_recognition(driven: Driven) -> None:
    assert causes_of(driven.moves("sites", "matched")) == {}
    assert causes_of(driven.moves("matched", "required")) == {("stays", False): "settings_changed"}
    assert causes_of(driven.moves("required", "doubted")) == {("doubted", False): "site_gone"}
    assert causes_of(driven.moves("doubted", "not required")) == {
        ("stays", True): "settings_changed", ("doubted", True): "settings_changed"
    }  # fmt: skip


def test_model_labels_and_words(driven: Driven) -> None:
    moves = driven.moves("not required", "model")
    found = causes_of(moves)
    assert {firm_id: cause for (firm_id, _), cause in found.items() if firm_id.startswith("brewer")} == {
        f"brewer-{n}": "label_changed" for n in range(8)
    }
    assert {firm_id: cause for (firm_id, _), cause in found.items() if firm_id.startswith("beer")} == {
        "beer": "model_changed", "beer-too": "model_changed", "beer-moved": "model_changed",
        "beer-turns": "site_changed",
    }  # fmt: skip


def test_taxonomy(driven: Driven) -> None:
    found = driven.churn("model", "renamed")
    sizes = {one.key: (one.before, one.after, one.by_cause) for one in found.lists}
    n = sizes["cyber"][0]
    assert n > 4
    assert sizes["cyber"] == (n, 0, {"taxonomy_changed": n})
    entered = {move.firm_id for move in found.of_list("infosec")}
    assert entered == {move.firm_id for move in found.of_list("cyber")}
    assert {move.cause for move in found.of_list("infosec")} == {"taxonomy_changed"}
    assert "rename cyber infosec" in found.of_list("infosec")[0].detail
    found = driven.churn("renamed", "split")
    moves = found.of_list("infosec")
    assert moves
    assert {(move.entered, move.cause) for move in moves} == {(False, "taxonomy_changed")}


def test_clusters(driven: Driven) -> None:
    found = driven.churn("split", "cluster")
    assert {move.key for move in found.moves} == {"above"}
    assert {(move.entered, move.cause) for move in found.moves} == {(True, "taxonomy_changed")}
    assert causes_of(driven.moves("cluster", "sic"), "above") == {("turns-baker", True): "register_changed"}
    moves = causes_of(driven.moves("sic", "other cluster"), "above")
    assert moves.pop(("turns-baker", False)) == "taxonomy_changed"
    assert {(entered, cause) for (_, entered), cause in moves.items()} == {(True, "taxonomy_changed")}


def test_what_came_and_went_in_between_is_found(driven: Driven) -> None:
    """A member near the threshold stays in; once out, the same words do not bring it back."""
    moves = driven.moves("other cluster", "back outside")
    assert causes_of(moves) == {("stays", False): "site_changed"}
    assert f"in run {driven.runs['out']}" in moves["space", "stays", False].detail


@pytest.mark.parametrize(
    ("before", "after"),
    [("start", "back outside"), ("back outside", "start"), ("sites", "model"), ("matched", "other cluster")],
)
def test_states_far_apart_bear_out_and_nothing_is_unexplained(driven: Driven, before: str, after: str) -> None:
    found = driven.churn(before, after)
    assert found.moves
    assert not [move for move in found.moves if move.cause in ("unexplained", "site_and_model")]
    assert found.notes == ()


def test_beyond_what_is_asked_both_are_named(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "MAX_ASKED", 1)
    found = driven.churn("not required", "model")
    unsure = {move.firm_id for move in found.moves if move.cause == "site_and_model"}
    assert len(unsure) == 1
    assert unsure < {"beer-moved", "beer-turns"}
    assert "Of 2 firms both the site's words and the model changed; for 1 the new model was asked" in found.notes[0]


def test_labels_that_cannot_be_read_any_more_are_noted(driven: Driven) -> None:
    learnt = next(path for path in driven.workspace.runs_folder.iterdir() if driven.trained[0] == path.name)
    learnt.rename(learnt.with_suffix(".away"))
    try:
        found = driven.churn("not required", "model")
    finally:
        learnt.with_suffix(".away").rename(learnt)
    assert {move.cause for move in found.moves if move.firm_id.startswith("brewer")} == {"model_changed"}
    assert "learnt from cannot be read any more" in found.notes[0]


def test_the_command_prints_what_a_program_reads(driven: Driven, firmscope: Command) -> None:
    ends = driven.runs["start"], driven.runs["sites"]
    shown = firmscope("--workspace", driven.workspace.folder, "diff", *ends)
    assert shown.code == 0, shown.err
    assert "The turns-rocket firm (turns-rocket) entered: site changed; its site says something else" in shown.out
    assert "New on its site: \N{LEFT DOUBLE QUOTATION MARK}" in shown.out
    answer = json.loads(firmscope("--workspace", driven.workspace.folder, "diff", *ends, "--json").out)
    assert answer == driven.churn("start", "sites").as_dict() | {"figures": []}
    one = json.loads(
        firmscope("--workspace", driven.workspace.folder, "diff", *ends, "--cluster", "cyber", "--json").out
    )
    assert [found["key"] for found in one["lists"]] == ["cyber"]
    wrong = firmscope("--workspace", driven.workspace.folder, "diff", *ends, "--cluster", "cybr")
    assert (wrong.code, "did you mean cyber?" in wrong.err) == (2, True)
