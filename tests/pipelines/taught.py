"""A small workspace that has learnt three sectors from 48 firms with the real encoder, half of them example texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pipelines.importing import import_texts
from pipelines.label_exchange import Source, import_labels
from pipelines.runs import start_run
from pipelines.screen import Screen
from pipelines.setup import create_workspace
from pipelines.text_lists import read_texts
from pipelines.training import run_train
from pipelines.workspace import Workspace
from tests.pipelines.conftest import TAXONOMY

SAID = {
    "space": [
        "We build satellites for earth observation.", "Our rockets put a payload into orbit.",
        "We make thrusters for small spacecraft.", "Our ground stations listen to satellites in orbit.",
    ],
    "air": [
        "We machine turbine blades for aircraft engines.", "Our wings fly on regional aircraft.",
        "We overhaul landing gear for airlines.", "Our composite fuselage parts go into jets.",
    ],
    "cyber": [
        "We test networks for security holes.", "Our software stops malware and hackers.",
        "We encrypt data for banks.", "Our analysts answer cyber attacks day and night.",
    ],
    "none": [
        "We bake bread and cakes for cafes.", "Our florists deliver flowers in town.",
        "We cut hair in the old market square.", "Our plumbers mend boilers and taps.",
    ],
}  # fmt: skip
POLITE = ["Our customers like our friendly team.", "Call us for a quote today.", "We have been here for twenty years."]


def taught(folder: Path, new: Mapping[str, str], url: str = "") -> Workspace:
    """A workspace in ``folder`` with a trained model, and ``new`` firms (id: words) that are not yet classified."""
    workspace = untaught(folder, new, url)
    with start_run(workspace, "train") as run:
        run_train(run, Screen())
    return workspace


def untaught(folder: Path, new: Mapping[str, str], url: str = "") -> Workspace:
    """The same before it was trained."""
    (folder / "three.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "three.yaml"))
    workspace = Workspace(folder / "ws")
    seeds, texts, labels = [], [], []
    for topic, said in SAID.items():
        sectors = [] if topic == "none" else [topic]
        for number in range(8):
            text = f"{said[number % 4]} {POLITE[number % 3]} {said[(number + 1 + number // 4) % 4]}"
            key = f"{topic}-{number}"
            if number % 2:
                kind = "include" if sectors else "none"
                seeds.append({"id": key, "kind": kind, "sectors": sectors, "text": text})
            else:
                texts.append({"firm_id": key, "name": f"Firm {topic} {number}", "text": text})
                judged = ["space", "cyber"] if topic == "space" else ["air", "space", "cyber"]  # air follows
                labels += [f"{key},{sector},{'include' if sector in sectors else 'exclude'}" for sector in judged]
    texts += [{"firm_id": key, "name": f"The {key} firm", "text": text, "url": url} for key, text in new.items()]
    workspace.seeds_file.write_text(json.dumps(seeds), encoding="utf-8")
    (folder / "texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    (folder / "labels.csv").write_text("\n".join(["firm_id,sector,label", *labels, ""]), encoding="utf-8")
    with start_run(workspace, "import texts") as run:
        import_texts(run, read_texts(folder / "texts.jsonl"), run.started_at)
    with start_run(workspace, "labels import") as run:
        import_labels(run, Source(folder / "labels.csv"))
    return workspace
