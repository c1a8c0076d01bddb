"""An audit through the command line: drawn blind, judged by two, settled, and turned into counts with an error bar."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.model import SectorModel
from pipelines.audit_files import read_audits
from pipelines.config import set_key
from pipelines.errors import UsageError
from pipelines.firm_texts import site_digests
from pipelines.nightly import cluster_rows
from pipelines.publishing import run_publish, run_rollup
from pipelines.runs import start_run
from pipelines.workspace import Workspace
from tests.classifier.conftest import make_world
from tests.pipelines.conftest import Command
from tests.pipelines.test_publishing import row

NOW = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
N = 900
THRESHOLD = 0.25
GIANT = 7  # its row; a member that the classifier misses
AREAS = ("E06000018", "E08000025", None)


@dataclass(frozen=True)
class World:
    """What is so, and what the classifier says of it: it calls in twice as many firms as belong."""

    chances: NDArray[np.float64]
    member: NDArray[np.bool_]
    employees: NDArray[np.float64]

    @property
    def assigned(self) -> NDArray[np.bool_]:
        return np.asarray(self.chances >= THRESHOLD)


def made() -> World:
    rng = np.random.default_rng(4)
    chances = np.round(rng.beta(0.4, 1.6, N), 6)
    member = rng.random(N) < 0.5 * chances
    employees = np.minimum(np.round(rng.lognormal(2, 1, N)) + 1, 80.0)
    chances[GIANT], member[GIANT], employees[GIANT] = 0.2, True, 5_000
    return World(chances, member, employees)


REFUSED = [
    (["--sector", "nope"], "sector 'nope' is not in taxonomy.yaml"),
    (["--sector", "cyber"], "the model was not trained for cyber"),
    (["--coder", "a"], "expected two or more different names"),
    (["--coder", "a", "--coder", "../b"], "coder '../b'"),
    (["--size", "3"], "an audit of 3 of 900 firms"),
]


def firm(number: int) -> str:
    return f"=F{number:04d}" if number % 50 == 0 else f"F{number:04d}"  # some ids that a spreadsheet would run


@pytest.fixture(scope="module")
def model() -> SectorModel:
    world = make_world(8, 0)
    labels = world.Y.copy()
    labels[:, 2] = False
    return SectorModel.train(
        world.firms, world.vectors, labels, world.mask, ("air", "space", "cyber"), ((), (0,), ()), encoder_id="x"
    )


@pytest.fixture
def world() -> World:
    return made()


@pytest.fixture
def audited(workspace: Workspace, model: SectorModel, world: World) -> Workspace:
    """A workspace with 900 classified firms and 100 that were never read."""
    model.save(workspace.models_folder / model.model_id, {})
    firms = [firm(number) for number in range(N + 100)]
    lake = workspace.lake
    with start_run(workspace, "made up") as run:
        put: Callable[..., int] = lambda name, rows: lake.replace_all(name, rows, run.run_id)  # noqa: E731
        put("firms", [row("firms", firm_id=firm_id, name=f"-Firm {firm_id}") for firm_id in firms])
        put("premises", [
            row("premises", firm_id=firm_id, kind="registered", source="firm_list", lad_code=AREAS[number % 3])
            for number, firm_id in enumerate(firms)
        ])  # fmt: skip
        put("accounts", [
            row("accounts", firm_id=firm(number), period_end=date(2025, 1, 1), employees=float(world.employees[number]),
                source="accounts")
            for number in range(N)
        ])  # fmt: skip
        put("pages", [
            row("pages", firm_id=firm_id, url="https://x.example/", text="w", text_digest=firm_id)
            for firm_id in firms[:N]
        ])  # fmt: skip
        digests = site_digests(lake)
        common = {"model_id": model.model_id}
        put("scores", [
            row("scores", firm_id=firm(number), sector=sector, probability=float(chance), **common,
                text_digest=digests[firm(number)])
            for number in range(N)
            for sector, chance in (("air", world.chances[number]), ("space", 0.0), ("cyber", 0.0))
        ])  # fmt: skip
        put("assignments", [
            row("assignments", firm_id=firm(number), sector="air" if world.assigned[number] else "none", since=NOW,
                assigned=bool(world.assigned[number]), reason="r", **common)
            for number in range(N)
        ])  # fmt: skip
    return Workspace(workspace.folder)


def sheet(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))


def fill(path: Path, world: World, wrong: int = 0, share: float = 1.0) -> Path:
    """Judge a sheet by the truth; the first ``wrong`` rows otherwise, the last ones not at all."""
    rows = sheet(path)
    for place, line in enumerate(rows[: round(share * len(rows))]):
        number = int(line["firm_id"].lstrip("'=F"))
        line["label"] = "include" if world.member[number] != (place < wrong) else "exclude"
    out = path.parent.parent.parent / f"filled-{path.name}"
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return out


def cells(workspace: Workspace, metric: str, kind: str = "all") -> list[dict[str, Any]]:
    found = workspace.lake.read_arrow("cells").to_pylist()
    return [cell for cell in found if (cell["cluster"], cell["metric"], cell["area_kind"]) == ("air", metric, kind)]


def draw(firmscope: Command, workspace: Workspace, *more: str) -> dict[str, Any]:
    answer = firmscope("--workspace", workspace.folder, "labels", "audit", "--sector", "air", "--size", "200", "--seed",
                       "5", "--coder", "anna", "--coder", "ben", "--json", *more)  # fmt: skip
    assert answer.code == 0, answer.err
    found: dict[str, Any] = json.loads(answer.out)
    return found


def rolled(workspace: Workspace) -> Workspace:
    fresh = Workspace(workspace.folder)
    with start_run(fresh, "rollup") as run:
        run_rollup(run)
    return fresh


def from_training_errors(workspace: Workspace) -> bool:
    """Whether there are corrected counts, and none of them rests on an audit."""
    flags = [set(row["flags"]) for row in cells(rolled(workspace), "businesses_corrected")]
    return bool(flags) and all("from_training_errors" in of and "corrected_by_audit" not in of for of in flags)


def test_sheets_are_blind_and_shuffled(firmscope: Command, audited: Workspace, world: World) -> None:
    folder = Path(draw(firmscope, audited, "--by-area")["folder"])
    anna, ben = sheet(folder / "anna.csv"), sheet(folder / "ben.csv")
    assert len(anna) == 201  # 200, and the giant
    assert {line["firm_id"] for line in anna} == {line["firm_id"] for line in ben}
    assert [line["firm_id"] for line in anna] != [line["firm_id"] for line in ben]
    assert set(anna[0]) == {
        "firm_id", "name", "website", "sector", "sector_name", "sentence", "page", "label", "coder", "note"
    }  # fmt: skip
    assert {line["label"] for line in anna} == {""}
    assert not any(cell.startswith(("=", "-", "+", "@")) for line in anna for cell in line.values())
    order = [world.chances[int(line["firm_id"].lstrip("'=F"))] for line in anna]
    assert abs(float(np.corrcoef(order, np.arange(len(order)))[0, 1])) < 0.2
    (audit,) = read_audits(audited.audits_folder)
    weights = [audit.strata["air"][drawn.stratum].weight for drawn in audit.sample]
    assert sum(weights) == pytest.approx(N)  # the sample stands for every firm
    assert min(weights) == 1.0
    assert firm(GIANT) in {drawn.firm_id for drawn in audit.sample}


def test_from_sheets_to_figures(firmscope: Command, audited: Workspace, world: World) -> None:
    assert from_training_errors(audited)
    folder = Path(draw(firmscope, audited)["folder"])
    ours = ("--workspace", audited.folder)

    assert firmscope(*ours, "labels", "import", fill(folder / "anna.csv", world, share=0.5)).code == 0
    assert from_training_errors(audited)  # half an audit corrects nothing
    for name, wrong in (("anna", 0), ("ben", 6)):
        answer = firmscope(*ours, "labels", "import", fill(folder / f"{name}.csv", world, wrong))
        assert answer.code == 0, answer.err
    agreed = json.loads(firmscope(*ours, "labels", "agreement", "--json").out)
    assert len(agreed["conflicts"]) == 6
    assert agreed["agreement"][0]["raw"]["value"] == pytest.approx(195 / 201)
    assert "Settle each with" in firmscope(*ours, "labels", "agreement").out
    for conflict in agreed["conflicts"]:
        right = "include" if world.member[int(conflict["firm_id"].lstrip("=F"))] else "exclude"
        assert firmscope(*ours, "labels", "settle", conflict["firm_id"], "air", right).code == 0
    (state,) = json.loads(firmscope(*ours, "labels", "audit", "--json").out)["sectors"]
    assert (state["drawn"], state["judged"], state["settled"], state["conflicts"]) == (201, 201, 1.0, 0)
    inside = world.assigned & (np.arange(N) != GIANT)
    precision = float(world.member[inside].mean())
    assert state["precision"]["low"] <= precision <= state["precision"]["high"]
    assert state["precision"]["high"] - state["precision"]["low"] < 0.3
    assert "Precision" in firmscope(*ours, "labels", "audit").out

    now = rolled(audited)
    (plain,), (count,), (jobs,) = (
        cells(now, name) for name in ("businesses", "businesses_corrected", "employees_corrected")
    )
    truth, jobs_truth = float(world.member.sum()), float(world.employees[world.member].sum())
    assert plain["value"] == world.assigned.sum()
    assert {"uncorrected", "no_interval"} <= set(plain["flags"])
    assert not count["low"] <= plain["value"] <= count["high"]
    assert count["low"] <= truth <= count["high"]
    assert abs(count["value"] / truth - 1) < 0.25 < abs(plain["value"] / truth - 1)
    assert jobs["low"] <= jobs_truth <= jobs["high"]
    assert jobs["value"] > world.employees[GIANT]  # the member that the classifier had missed
    assert set(count["flags"]) == {"corrected_by_audit"}
    assert (count["n"], count["coverage"]) == (200, pytest.approx(0.9))  # the giant stands beside the sample
    for name, whole in (("businesses_corrected", count), ("employees_corrected", jobs)):
        for kind in ("lad", "postcode_area"):
            parts = cells(now, name, kind)
            assert sum(part["value"] for part in parts) == pytest.approx(whole["value"])
            assert all(part["low"] <= part["value"] <= part["high"] for part in parts)
    assert cells(rolled(audited), "businesses_corrected") == [count]  # the same again, to the last digit

    with start_run(now, "report") as run:
        run_publish(run)
    page = " ".join((now.report_folder / "cluster-air.html").read_text(encoding="utf-8").split())
    assert f"corrected: <strong>{count['value']:,.0f}</strong> ({count['low']:,.0f} to {count['high']:,.0f})" in page
    assert f"{plain['value']:,.0f}" in page
    assert cluster_rows(now)[0].businesses == plain["value"]
    out = audited.folder / "cells.csv"
    assert firmscope(*ours, "export", "cells", "--out", out).code == 0
    exported = {line["metric"]: line for line in sheet(out) if (line["cluster"], line["area_kind"]) == ("air", "all")}
    assert float(exported["businesses_corrected"]["low"]) == pytest.approx(count["low"])

    set_key(audited.config_file, "rollup.unread_firms", "like_read_of_same_size_and_age")
    (more,) = cells(rolled(audited), "businesses_corrected")
    assert "unread_like_read" in more["flags"]
    # 899 read firms of one kind stand for themselves and 100 others; the giant stands for itself alone
    assert more["value"] - 1 == pytest.approx((count["value"] - 1) * 999 / 899, rel=0.03)


def test_what_cannot_be_drawn_and_what_is_torn(firmscope: Command, audited: Workspace) -> None:
    for arguments, message in REFUSED:
        answer = firmscope("--workspace", audited.folder, "labels", "audit", *arguments)
        assert (answer.code, message in answer.err) == (2, True), answer.err
        assert not list(audited.audits_folder.glob("*"))
    folder = Path(draw(firmscope, audited)["folder"])
    kept = (folder / "sample.csv").read_bytes()
    (folder / "sample.csv").write_bytes(kept[: len(kept) // 2])
    with pytest.raises(UsageError, match="not an audit as firmscope wrote it"):
        rolled(audited)
    (folder / "sample.csv").write_bytes(kept)
    rolled(audited)
    assert {path.name for path in folder.iterdir()} == {
        "audit.json", "sample.csv", "frame.parquet", "anna.csv", "ben.csv"
    }  # fmt: skip
    assert [path.name for path in audited.audits_folder.iterdir()] == [folder.name]
