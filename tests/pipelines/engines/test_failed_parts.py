"""A part of a stage that fails three times: its firms are named and stay as they were, and the others go on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crawler.records import SiteCrawl
from pipelines import classifying, crawling
from pipelines.classify_part import ClassifyJob, Part, classify_part
from pipelines.config import set_key
from pipelines.crawl_parts import CrawledPart, CrawlJob
from pipelines.crawl_parts import Part as SomeSites
from pipelines.engine import Engine, LokyEngine
from pipelines.errors import FirmscopeError
from pipelines.failed_parts import FAILED, NOTE
from pipelines.runs import Run, start_run
from pipelines.screen import Screen
from pipelines.workspace import Workspace
from tests.pipelines.taught import taught

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEW = {
    "new-1": "We build satellites for earth observation. Our rockets put a payload into orbit every single month.",
    "new-2": "We bake bread and cakes for cafes. Our florists deliver flowers in town and we mend taps too.",
}


def test_the_others_go_on_and_all_of_them_is_the_stage(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = taught(tmp_path, NEW)
    tries: list[tuple[str, ...]] = []
    bad: set[str] = {"new-1"}

    def faulty(job: ClassifyJob, part: Part) -> Any:
        if bad & set(part.firm_ids):
            tries.append(part.firm_ids)
            raise ZeroDivisionError("a fault")
        return classify_part(job, part)

    monkeypatch.setattr(classifying, "PART_FIRMS", 1)
    monkeypatch.setattr(classifying, "classify_part", faulty)
    run = classified(workspace)
    assert tries == [("new-1",)] * 3
    counts = run.stages["classify"]
    assert (counts.dropped[FAILED], counts.rows_in) == (1, counts.rows_out + counts.unchanged + 1)
    assert run.notes[NOTE] == [{"stage": "classify", "part": "firm new-1", "reason": "ZeroDivisionError: a fault"}]
    done = set(workspace.lake.read_arrow("assignments", ["firm_id"])["firm_id"].to_pylist())
    assert "new-2" in done
    assert "new-1" not in done
    for function in ("classify_part", "look_at_shard"):  # new-1 is left, and nothing can be done about it
        monkeypatch.setattr(classifying, function, lambda *_: 1 / 0)
        with pytest.raises(FirmscopeError, match="failed three times in every part"):
            classified(workspace)
    monkeypatch.undo()
    assert classified(workspace).stages["classify"].rows_out == 1


def test_a_part_of_the_crawl_is_named_by_its_firms(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve sites in parts of eight and four; shards have nothing to do with them."""
    set_key(workspace.config_file, "crawl.contact", "crawler@example.org")
    firms = [{"firm_id": f"f{number:02}", "name": "A", "website": f"f{number:02}.co.uk"} for number in range(12)]
    workspace.lake.replace_all("firms", firms, "test")
    workspace.lake.close()

    def faulty(job: CrawlJob, part: SomeSites) -> CrawledPart:
        if len(part) == 4:
            raise ZeroDivisionError("a fault")
        return CrawledPart(tuple(SiteCrawl(*site[:2], "", "dns_failed", "none", NOW, NOW) for site in part))

    monkeypatch.setattr(crawling, "PART_SITES", 8)
    monkeypatch.setattr(crawling, "crawl_part", faulty)
    again = Workspace(workspace.folder)
    again.engine = InThisProcess(2, again.folder)
    with start_run(again, "crawl") as run:
        crawling.run_crawl(run, lambda *_: None)
    failed = sorted(
        row["firm_id"] for row in again.lake.read_arrow("sites").to_pylist() if row["outcome"] != "dns_failed"
    )
    named = f"firms {', '.join(failed[:3])} and 1 more"
    assert run.notes[NOTE] == [{"stage": "crawl", "part": named, "reason": "ZeroDivisionError: a fault"}]


class InThisProcess(LokyEngine):
    """Parts as for workers, without any."""

    run = Engine.run


def classified(workspace: Workspace) -> Run:
    with start_run(Workspace(workspace.folder), "classify") as run:
        run_classify(run)
    return run


def run_classify(run: Run) -> None:
    classifying.run_classify(run, Screen())
