"""``explain`` says what the tables hold, through the real chain: texts, labels, train, classify, export."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from pipelines.classifying import run_classify
from pipelines.explain_screen import print_explanation
from pipelines.explaining import _asked_row, explain_firm
from pipelines.explanation import Explanation, Neighbour, PageRead, SectorShown
from pipelines.list_making import Wanted, export_list
from pipelines.publishing import run_rollup
from pipelines.runs import start_run
from pipelines.screen import Screen
from pipelines.training import CURRENT
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command
from tests.pipelines.taught import taught

LONG_URL = "https://www.a-firm-with-a-rather-long-name.example/products/2026/" + "very-long-path-element/" * 6
NEW = {
    "orbit": "Welcome to our website. We build satellites and rockets that carry a payload into orbit. We are few.",
    "bread": "We bake bread and cakes. Our cafes are in the old market square. We have been here for twenty years.",
}


@pytest.fixture(scope="module")
def classified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Two new firms classified by a model that learnt from 32 others, half of them example texts."""
    folder = tmp_path_factory.mktemp("explain")
    workspace = taught(folder, NEW, LONG_URL)
    with start_run(workspace, "classify") as run:
        run_classify(run, Screen())
    with start_run(workspace, "rollup") as run:
        run_rollup(run)
    yield workspace
    workspace.lake.close()


def shown(found: Explanation, width: int, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    print_explanation(found, width)
    return capsys.readouterr().out


def test_it_says_what_the_tables_hold(classified: Workspace) -> None:
    found = explain_firm(classified, "orbit")
    rows = {row["sector"]: row for row in classified.lake.read_firms("assignments", ["orbit"]).to_pylist()}
    assert {one.sector for one in found.sectors} == {"space", "air"} == rows.keys()
    for one in found.sectors:
        row = rows[one.sector]
        held = (row["probability"], row["threshold"], row["since"], row["evidence_sentence"], row["evidence_effect"])
        assert (one.probability, one.threshold, one.since, one.sentence, one.effect) == held
        assert [term for term, _ in one.terms] == row["evidence_terms"]
        assert [weight for _, weight in one.terms] == row["evidence_weights"]
        assert [near.firm_id for near in one.nearest] == row["evidence_nearest"]
        assert one.sentence == "We build satellites and rockets that carry a payload into orbit."
        assert one.url == LONG_URL
        assert 0 < (one.effect or 0) <= (one.probability or 0)
        assert len(one.nearest) == 3
    assert (found.in_none, found.cautions, found.model_id) == (None, (), rows["space"]["model_id"])
    assert [(page.url, page.kind, page.words) for page in found.pages] == [(LONG_URL, "home", 18)]


def test_nearest_labelled_firms_are_told_from_example_texts(classified: Workspace) -> None:
    nearest = [near for one in explain_firm(classified, "orbit").sectors for near in one.nearest]
    examples = [near for near in nearest if near.firm_id.startswith("seed:")]
    firms = [near for near in nearest if near not in examples]
    assert examples
    assert firms
    assert all(near.name.startswith("example text ") and near.begins for near in examples)
    assert all(near.name.startswith("Firm ") and not near.begins for near in firms)
    labelled = explain_firm(classified, "space-0")
    assert "space-0" not in [near.firm_id for one in labelled.sectors for near in one.nearest]


def test_a_firm_in_none_has_the_reason_and_the_near_miss(classified: Workspace) -> None:
    found = explain_firm(classified, "bread")
    assert found.sectors == ()
    assert found.in_none is not None
    assert "no sector reached its threshold" in found.in_none
    near = found.near_miss
    assert near is not None
    assert near.sector in found.in_none
    assert (near.probability or 0) < (near.threshold or 0)
    assert near.reason == f"{(near.threshold or 0) - (near.probability or 0):.2f} below the threshold"
    assert near.terms == () or min(weight or 0 for _, weight in near.terms) > 0


def test_a_sector_that_was_asked_about_is_put_to_the_model_that_decided(classified: Workspace) -> None:
    """The same words, model and vectors give the near miss that classify kept, digit for digit."""
    kept = explain_firm(classified, "orbit").near_miss
    assert kept is not None
    tables = classified.lake.snapshots()
    row = _asked_row(classified, "orbit", kept.sector, explain_firm(classified, "orbit").model_id)
    held = classified.lake.read_firms("near_misses", ["orbit"]).to_pylist()[0]
    names = ["probability", "threshold", "evidence_terms", "evidence_nearest"]
    if held["evidence_effect"] is not None:  # of a far one the sentence is only estimated, of one asked about measured
        names.append("evidence_sentence")
    assert {name: row[name] for name in names} == {name: held[name] for name in names}
    assert row["evidence_similarity"] == pytest.approx(held["evidence_similarity"], abs=1e-6)
    other = next(key for key in ("air", "cyber") if key != explain_firm(classified, "bread").near_miss.sector)  # type: ignore[union-attr]
    asked = explain_firm(classified, "bread", other).asked
    assert asked is not None
    assert (asked.sector, asked.assigned, len(asked.nearest)) == (other, False, 3)
    assert classified.lake.snapshots() == tables  # nothing was written


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("firm_id", ["orbit", "bread"])
def test_it_fits_the_screen_and_breaks_no_address(
    classified: Workspace, capsys: pytest.CaptureFixture[str], firm_id: str, width: int
) -> None:
    printed = shown(explain_firm(classified, firm_id), width, capsys)
    lines = printed.splitlines()
    assert max(len(line) for line in lines if LONG_URL not in line) <= width
    assert [line for line in lines if "https://" in line and not line.endswith(LONG_URL)] == []
    assert lines[0] == f"The {firm_id} firm  ({firm_id})"
    for part in ("Pages read: 1", "18 words" if firm_id == "orbit" else "20 words", "Nearest:", "Decided by model"):
        assert part in printed
    if firm_id == "orbit":
        assert "Terms: " in printed
        assert "Without this sentence the probability falls by 0." in printed
    else:
        assert printed.index("In no sector: ") < printed.index("below the threshold")


def test_the_command(classified: Workspace, firmscope: Command) -> None:
    answer = firmscope("--workspace", classified.folder, "explain", "orbit", "--json")
    found = json.loads(answer.out)
    assert answer.code == 0
    assert [one["sector"] for one in found["sectors"]] == [
        one.sector for one in explain_firm(classified, "orbit").sectors
    ]
    assert found["near_miss"]["sector"] == "cyber"
    printed = firmscope("--workspace", classified.folder, "explain", "orbit", "--sector", "space").out
    assert "Space" in printed
    assert "Aerospace" not in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["ORBIT"], "'ORBIT' is not in the firm list; nearest are orbit (The orbit firm)", id="case"),
        pytest.param(["obrit"], "nearest are orbit (The orbit firm)", id="letters swapped"),
        pytest.param(["the bread"], "nearest are bread (The bread firm)", id="a name"),
        pytest.param(["9999999"], "no id or name is like it", id="nothing like it"),
        pytest.param(["orbit", "--sector", "spaec"], "'spaec' is not in taxonomy.yaml; nearest are space", id="sector"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is_near(
    classified: Workspace, firmscope: Command, arguments: list[str], message: str
) -> None:
    answer = firmscope("--workspace", classified.folder, "explain", *arguments)
    assert answer.code == 2
    assert message in answer.err
    assert answer.out == ""


def test_the_export_marks_near_misses(classified: Workspace, tmp_path: Path) -> None:
    export_list(classified, Wanted("evidence", "csv", tmp_path / "evidence.csv"))
    rows = list(csv.DictReader(StringIO((tmp_path / "evidence.csv").read_text(encoding="utf-8"), newline="")))
    mine = {row["sector"]: row for row in rows if row["firm_id"] == "orbit"}
    assert {sector: row["near_miss"] for sector, row in mine.items()} == {
        "air": "false", "space": "false", "cyber": "true",
    }  # fmt: skip
    assert mine["cyber"]["since"] == ""
    found = {one.sector: one for one in explain_firm(classified, "orbit").sectors}
    assert mine["space"]["evidence_sentence"] == found["space"].sentence
    assert mine["space"]["nearest_names"] == ";".join(near.name for near in found["space"].nearest)
    assert float(mine["space"]["evidence_effect"]) == found["space"].effect


def test_a_newer_model_and_newer_words_are_told(classified: Workspace) -> None:
    """Last, because the workspace is not the same afterwards."""
    lake = classified.lake
    pages = lake.read_firms("pages", ["bread"]).to_pylist()
    (classified.models_folder / CURRENT).write_text("another\n", encoding="utf-8")
    fresh = [{name: value for name, value in page.items() if name != "shard"} | {"text_digest": "x"} for page in pages]
    lake.replace_firms("pages", ["bread"], fresh, "run")
    assert [caution.split(":")[0] for caution in explain_firm(classified, "bread").cautions] == [
        f"this was decided by model {explain_firm(classified, 'bread').model_id}, but another is in use now",
        "the site's words were read anew since they were classified",
    ]
    lake.replace_firms("assignments", ["bread"], [], "run")
    found = explain_firm(classified, "bread")
    assert (found.in_none, found.near_miss, found.sectors) == ("not classified yet", None, ())


def test_a_websites_words_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "[bold]not bold[/bold] \x1b[31mred\x1b[0m :smile: and [link=x]more[/link]"
    at = datetime(2026, 3, 1, tzinfo=UTC)
    near = Neighbour(hostile, hostile, None, hostile)
    one = SectorShown(
        "x", hostile, True, hostile, 0.5, 0.25, at, "https://x.example/", hostile, None, ((hostile, None),), (near,)
    )
    found = Explanation(
        hostile, hostile, hostile, "ok", hostile, at, (PageRead(hostile, "home", 3, at),), "m", None, (one,), None,
        None, (),
    )  # fmt: skip
    printed = shown(found, 400, capsys)
    assert "\x1b" not in printed
    assert printed.count("[bold]not bold[/bold]") >= 8
    assert ":smile:" in printed
