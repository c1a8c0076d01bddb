"""The command ``evaluate``: its answer for a program, its page for a person, and what it leaves out."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from pipelines.cli import main
from pipelines.setup import create_workspace
from tests.classifier.conftest import TOPICS, make_world
from tests.pipelines.conftest import Command

HEAD = "id: t\nversion: 1\nsectors:\n"
FULL = HEAD + "".join(
    f"  - key: {key}\n    name: '<b>{key}</b>'\n    parents: [{'aerospace' if key == 'space_tech' else ''}]\n"
    f"    definition: Firms of {' '.join(words)}.\n    keywords: [{', '.join(words)}]\n"
    for key, words in TOPICS.items()
)
BARE = HEAD + "".join(f"  - {{key: {key}, name: {key}}}\n" for key in TOPICS)
FAULTY = BARE.replace("name: bakery", "name: bakery, keywords: ['(bread']")
METHODS = ["rtic_ngrams_svm", "tfidf_logistic", "nearest_neighbours", "definitions_by_similarity", "keywords"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 firms, each judged for three sectors; two pairs share their words under different domains."""
    folder = tmp_path_factory.mktemp("evaluating")
    made, sectors, texts = folder / "ws", folder / "sectors.yaml", folder / "firms.jsonl"
    sectors.write_text(FULL, encoding="utf-8")
    words = [firm.pages[0].text for firm in make_world().firms]
    words[1], words[40] = words[0].upper(), words[39].upper()
    with texts.open("w", encoding="utf-8") as stream:
        for firm, text in zip(make_world().firms, words, strict=True):
            url = f"https://{firm.firm_id.replace('_', '-')}.co.uk/"
            row = {"firm_id": firm.firm_id, "name": "F", "text": text, "url": url}
            stream.write(json.dumps(row | {"sectors": [firm.firm_id.rsplit("-", 1)[0]]}) + "\n")
    create_workspace(made, str(sectors))
    for command in (("import", "texts"), ("labels", "import", "--complete")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["firmscope", "--workspace", str(made), *command, str(texts)])
            with pytest.raises(SystemExit) as ended:
                main()
        assert not ended.value.code
    return made


def ask(firmscope: Command, workspace: Path, *arguments: str) -> dict[str, Any]:
    answer = firmscope("--workspace", workspace, "evaluate", "--json", *arguments)
    assert answer.code == 0, answer.err
    found: dict[str, Any] = json.loads(answer.out)
    return found


class Tags(HTMLParser):
    """Every tag and every attribute of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}


def test_folds_by_default_with_every_baseline_and_a_page(workspace: Path, firmscope: Command) -> None:
    (workspace / "taxonomy.yaml").write_text(FULL, encoding="utf-8")
    found = ask(firmscope, workspace, "--prevalence", "bakery=1%")
    assert (found["split"], found["evaluated_on"], found["n_test"]) == ("folds", "labelled firms", 48)
    assert found["n_groups"] == 46  # two pairs with the same words
    assert [method["method"] for method in found["baselines"]] == METHODS
    assert found["left_out"] == []
    assert found["ours"]["macro_f1"] > 0.7
    bakery = found["ours"]["sectors"][2]
    assert (bakery["support"], bakery["at_prevalence"]["prevalence"]) == (16, 0.01)
    assert bakery["at_prevalence"]["precision"] <= bakery["precision"]

    page = Path(found["page"])
    assert page == workspace / "evaluation" / "evaluation.html"
    html = page.read_text(encoding="utf-8")
    tags = Tags(html)
    assert "b" not in tags.tags  # sectors are named <b>...</b>
    assert "script" not in tags.tags
    assert not [pair for pair in tags.attributes if pair[0] in ("src", "style") or pair[0].startswith("on")]
    assert all(value.startswith("#") for name, value in tags.attributes if name == "href")
    assert not re.search(r"url\(|@import|https?:", html)
    assert html.count('class="plot"') == 9
    identifiers = re.findall(r'\sid="([^"]+)"', html)
    assert len(identifiers) == len(set(identifiers))
    for shown in (
        *found["ours"]["macro_f1_interval"],
        found["ours"]["macro_f1"],
        found["baselines"][0]["macro_f1"],
        bakery["brier"],
    ):
        assert f"{shown:.3f}" in html
    assert found["corpus_digest"] in html

    again = ask(firmscope, workspace, "--split", "holdout")
    assert (again["split"], again["n_train"] + again["n_purged"], again["n_test"]) == ("holdout", 33, 15)
    assert again["corpus_digest"] == found["corpus_digest"]


@pytest.mark.parametrize(
    ("taxonomy", "keywords"),
    [
        pytest.param(BARE, "the taxonomy has no keywords", id="bare taxonomy"),
        pytest.param(
            FAULTY, "keyword rule '(bread': expected AND, OR, NOT or ')', found the end", id="rule that cannot be read"
        ),
    ],
)
def test_what_the_taxonomy_cannot_give_is_left_out_and_named(
    workspace: Path, firmscope: Command, taxonomy: str, keywords: str
) -> None:
    (workspace / "taxonomy.yaml").write_text(taxonomy, encoding="utf-8")
    answer = firmscope("--workspace", workspace, "evaluate", "--split", "holdout")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert "Not compared with definitions_by_similarity: the taxonomy defines no sector." in lines
    assert f"Not compared with keywords: {keywords}." in lines
    assert "nearest_neighbours" in answer.out
    html = (workspace / "evaluation" / "evaluation.html").read_text(encoding="utf-8")
    assert f"Keywords could not be compared: {escape(keywords)}." in html


def test_a_share_of_an_unknown_sector_is_refused_before_any_work(workspace: Path, firmscope: Command) -> None:
    runs = sorted((workspace / "runs").iterdir())
    answer = firmscope("--workspace", workspace, "evaluate", "--prevalence", "bakry=0.1")
    assert answer.code == 2
    assert "did you mean bakery?" in " ".join(answer.err.split())
    assert sorted((workspace / "runs").iterdir()) == runs
