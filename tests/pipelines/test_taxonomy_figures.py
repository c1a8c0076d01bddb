"""From a taxonomy with a cluster and a broken rule to figures: train, classify, rollup, export, the SIC table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from pipelines.runs import list_runs
from tests.pipelines.conftest import Command
from tests.pipelines.taught import untaught

NEW = {"n-1": "We build satellites and rockets for orbit.", "n-2": "We bake bread and cakes for cafes."}
CLUSTERS = """clusters:
  - {key: above, name: Above ground, sectors: [space], sic: ['10.7', '30.3']}
"""


def test_a_cluster_from_file_to_figure(tmp_path: Path, firmscope: Command) -> None:
    workspace = untaught(tmp_path, NEW)
    text = workspace.taxonomy_file.read_text(encoding="utf-8").replace(
        "name: Cyber}", "name: Cyber, keywords: ['(code']}"
    )
    workspace.taxonomy_file.write_text(text + CLUSTERS, encoding="utf-8")
    listed = workspace.lake.read_arrow("firms", ["firm_id", "name"]).to_pylist()
    codes = {"n-1": "30300", "n-2": "10710 56103"}
    rows = [f"{row['firm_id']},{row['name']},,{codes.get(row['firm_id'], '')}" for row in listed]
    (tmp_path / "firms.csv").write_text("\n".join(["firm_id,name,website,sic_codes", *rows, ""]), encoding="utf-8")

    def run(*command: str | Path) -> str:
        answer = firmscope("--workspace", workspace.folder, *command)
        assert answer.code == 0, answer.err
        return answer.out

    run("import", "firms", tmp_path / "firms.csv", "--allow-missing-websites")
    assert "Left out: cyber: keyword rule '(code', character 6: " in run("train")
    noted = [at["notes"] for at in list_runs(workspace) if at["stage"] == "train"][-1]["rules_left_out"]
    assert [(rule["sector"], rule["rule"]) for rule in noted] == [("cyber", "(code")]
    for stage in ("classify", "rollup"):
        run(stage)
    run("export", "firms", "--format", "csv", "--out", tmp_path / "firms-out.csv")
    with (tmp_path / "firms-out.csv").open(encoding="utf-8", newline="") as file:
        clusters = {row["firm_id"]: row["clusters"] for row in csv.DictReader(file)}
    assert (clusters["n-1"], clusters["n-2"], clusters["none-0"]) == ("above", "above", "")
    run("export", "cells", "--format", "csv", "--out", tmp_path / "cells.csv")
    with (tmp_path / "cells.csv").open(encoding="utf-8", newline="") as file:
        cells = {(row["cluster"], row["area_kind"], row["metric"]): row for row in csv.DictReader(file)}
    counted = cells["above", "all", "businesses"]
    assert int(counted["value"]) == sum(shown == "above" for shown in clusters.values()) > 2
    assert "gathered" in counted["flags"].split(";")
    assert ("above", "all", "businesses_corrected") not in cells
    spread = json.loads(run("taxonomy", "sic", "--sector", "above", "--json"))
    assert [(row["sic_code"], row["firms"], row["share_of_code"]) for row in spread][:3] == [
        ("10710", 1, 1.0), ("30300", 1, 1.0), ("56103", 1, 1.0)
    ]  # fmt: skip
    assert spread[-1]["sic_code"] == ""
    assert "Making other transport equipment" in run("taxonomy", "sic")
    assert "rows written" in run("taxonomy", "sic", "--out", tmp_path / "sic.csv")
    assert firmscope("--workspace", workspace.folder, "taxonomy", "sic", "--sector", "abve").code == 2
