"""Make the files of this folder anew, with the annotation tools' own code; run from the repository's root.

Each tool wants an environment of its own (numpy and PyYAML beside it, which firmscope needs):

    pip install label-studio-sdk==2.1.2   python -m tests.labels.exchange_files.make label-studio
    pip install argilla==2.8.0            python -m tests.labels.exchange_files.make argilla
    pip install doccano==1.8.4 --no-deps; pip install pandas
                                          python -m tests.labels.exchange_files.make doccano

``*-out*`` is what firmscope hands out, which the tool's code has read and checked; ``*-back*`` is what that code writes
once two annotators have answered.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from labels.exchange import argilla, doccano, label_studio
from tests.labels.exchange_files.made import FIRMS, SECTORS

HERE = Path(__file__).parent
ANNA, BEN = "5d0c2b1e-0000-4000-8000-00000000000a", "5d0c2b1e-0000-4000-8000-00000000000b"


def make_label_studio() -> None:
    """``Label Studio`` by its SDK: the interface is parsed, every task and answer is checked against it."""
    from label_studio_sdk.label_interface import LabelInterface
    from label_studio_sdk.label_interface.objects import TaskValue
    from label_studio_sdk.types.annotation import Annotation
    from label_studio_sdk.types.lse_task import LseTask

    config, out = label_studio.labelling_config(SECTORS), label_studio.tasks_json(FIRMS)
    (HERE / "label-studio-out.xml").write_text(config, encoding="utf-8")
    (HERE / "label-studio-out.json").write_text(out, encoding="utf-8")
    interface = LabelInterface(config)
    interface.validate()
    said: list[list[tuple[int, bool, dict[str, Any]]]] = [
        [(7, False, {"air": "include", "space": "unsure", "note": "wings"}), (8, False, {"air": "exclude"})],
        [(7, True, {"air": "include"})],
        [],
    ]
    back = []
    for number, (task, answers) in enumerate(zip(json.loads(out), said, strict=True), start=1):
        annotations = []
        for place, (user, cancelled, answer) in enumerate(answers):
            regions = [region._dict() for region in interface.create_regions(answer)]
            annotation = Annotation(
                id=10 * number + place, completed_by=user, was_cancelled=cancelled, result=regions, lead_time=4.2,
                created_at="2026-02-03T09:00:00.123456Z", updated_at=f"2026-02-03T09:0{place + 1}:30.654321Z",
            )  # fmt: skip
            whole = json.loads(annotation.model_dump_json())
            assert interface.validate_annotation(whole), whole
            annotations.append(whole)
        TaskValue(**task)
        assert interface.validate_task(task), task
        done = LseTask(id=number, data=task["data"], annotations=annotations, total_annotations=len(annotations))
        back.append(json.loads(done.model_dump_json(exclude_none=True)))
    (HERE / "label-studio-back.json").write_text(json.dumps(back, indent=1, ensure_ascii=False), encoding="utf-8")


def make_argilla() -> None:
    """``Argilla`` by its SDK: settings and records go through its own readers and writers.

    The SDK asks a server who it is before it does anything; one on loopback answers that and nothing else.
    """
    import argilla as rg
    from argilla._models import DatasetModel
    from argilla.records._io import JsonIO

    class Me(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"id": ANNA, "username": "anna", "role": "owner"}).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Me)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rg.Argilla(api_url=f"http://127.0.0.1:{server.server_port}", api_key="none")

    folder, back = HERE / "argilla-out", HERE / "argilla-back"
    for path in (folder, back):
        shutil.rmtree(path, ignore_errors=True)
    for place, content in argilla.dataset_files("firms", FIRMS, SECTORS).items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(content, encoding="utf-8")
    settings = rg.Settings.from_json(folder / argilla.SETTINGS)
    settings.validate()
    DatasetModel(**json.loads((folder / argilla.DATASET).read_text(encoding="utf-8")))
    records = JsonIO._records_from_json(folder / argilla.RECORDS)
    for question, value, user in (
        ("air", "include", ANNA), ("space", "unsure", ANNA), ("note", "wings", ANNA), ("air", "exclude", BEN),
    ):  # fmt: skip
        records[0].responses.add(rg.Response(question, value, user_id=user, status="submitted"))
    back.mkdir()
    (back / ".argilla").mkdir()
    settings.to_json(back / argilla.SETTINGS)
    JsonIO.to_json(records, back / argilla.RECORDS)


def make_doccano() -> None:
    """``doccano`` by the formatters and the writer of its server, as its export of a classification project calls them.

    Its tables are Django models; examples, labels and comments stand in for their rows.
    """
    import pandas as pd

    sys.path.insert(0, str(next(Path(path) / "backend" for path in sys.path if (Path(path) / "backend").is_dir())))
    models = types.ModuleType("data_export.models")
    models.DATA = "data"  # type: ignore[attr-defined]
    sys.modules["data_export.models"] = models
    from data_export.pipeline.formatters import ListedCategoryFormatter, RenameFormatter
    from data_export.pipeline.writers import JsonlWriter

    class Word:
        def __init__(self, text: str) -> None:
            self.text = text

        def to_string(self) -> str:
            return self.text

    out = doccano.examples_jsonl(FIRMS)
    (HERE / "doccano-out.jsonl").write_text(out, encoding="utf-8")
    (HERE / "doccano-out.labels.json").write_text(doccano.label_types(SECTORS), encoding="utf-8")
    known = {label["text"] for label in json.loads(doccano.label_types(SECTORS))}
    said = [(["space:unsure", "air:include"], ["wings"]), ([], []), (["space:exclude"], [])]
    rows = []
    for number, (line, (labels, comments)) in enumerate(zip(out.splitlines(), said, strict=True), start=1):
        assert known.issuperset(labels)
        meta = json.loads(line)
        text = meta.pop("text")
        meta.pop("label")
        rows.append({"id": number, "data": text, **meta, "categories": [Word(label) for label in labels],
                     "Comments": [Word(comment) for comment in comments]})  # fmt: skip
    table = pd.DataFrame(rows)
    for formatter in (
        ListedCategoryFormatter("categories"), ListedCategoryFormatter("Comments"),
        RenameFormatter(data="text", categories="label"),
    ):  # fmt: skip
        table = formatter.format(table)
    with (HERE / "doccano-back.jsonl").open("w", encoding="utf-8") as file:
        JsonlWriter.write(file, table)


if __name__ == "__main__":
    {"label-studio": make_label_studio, "argilla": make_argilla, "doccano": make_doccano}[sys.argv[1]]()
