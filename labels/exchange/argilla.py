"""Argilla: a folder that ``Dataset.from_disk`` reads, and the records that ``Dataset.to_disk`` writes.

Argilla keeps who answered as a number (UUID) and not when; both are made up for where answers come in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labels.errors import LabelsError
from labels.exchange.records import FIELDS, Answer, Coders, FirmSheet, carried, firm_of, json_list
from labels.store import LABELS, Judgement
from labels.taxonomy import Sector

TOOL = "argilla"
RECORDS, SETTINGS, DATASET = "records.json", ".argilla/settings.json", ".argilla/dataset.json"
NOTE = "note"
_WHAT = "the list of records that Argilla's Dataset.to_disk writes"


def dataset_files(name: str, firms: Iterable[FirmSheet], sectors: Sequence[Sector]) -> dict[str, str]:
    """Content of the dataset's files, by path."""
    questions: list[dict[str, Any]] = [
        {
            "name": sector.key, "title": sector.name, "description": sector.definition or None,
            "required": number == 0,  # Argilla wants one that is; an annotator may pass over the others
            "settings": {"type": "label_selection", "options": [{"value": label, "text": label} for label in LABELS]},
        }
        for number, sector in enumerate(sectors)
    ]  # fmt: skip
    questions.append({"name": NOTE, "title": "Note", "required": False, "settings": {"type": "text"}})
    settings = {
        "guidelines": "Judge each firm by its text alone; unsure is an answer.",
        "questions": questions,
        "fields": [
            {"name": field, "title": field.capitalize(), "required": True, "settings": {"type": "text"}}
            for field in ("name", "text")
        ],
        "vectors": [], "metadata": [], "allow_extra_metadata": True, "distribution": None, "mapping": None,
    }  # fmt: skip
    return {
        RECORDS: json.dumps([_record(firm) for firm in firms], ensure_ascii=False, indent=1),
        SETTINGS: json.dumps(settings, ensure_ascii=False, indent=1),
        DATASET: json.dumps({"name": name, "allow_extra_metadata": True}, indent=1),
    }


def read_records(where: str, text: str, coders: Coders) -> tuple[list[Judgement], list[Answer]]:
    """Judgements that travelled along, and what annotators said.

    Raises:
        LabelsError: Not the records of such a dataset; names the record.
    """
    held: list[Judgement] = []
    answers: list[Answer] = []
    for number, record in enumerate(json_list(where, text, _WHAT), start=1):
        at = f"{where}, record {number}"
        if not isinstance(record, Mapping) or not isinstance(record.get("metadata"), Mapping):
            raise LabelsError(f"{at}: no 'metadata'; expected {_WHAT}")
        firm_id, digest = firm_of(at, record["metadata"])
        held += carried(at, record["metadata"])
        responses = dict(record.get("responses") or {})
        notes = {str(one["user_id"]): str(one["value"] or "") for one in responses.pop(NOTE, None) or ()}
        for sector, given in responses.items():
            for one in given or ():
                who = str(one["user_id"])
                if one["value"] is not None:
                    value = str(one["value"])
                    answers.append(Answer(at, firm_id, digest, sector, value, coders(who), "", notes.get(who, "")))
    return held, answers


def _record(firm: FirmSheet) -> dict[str, Any]:
    return {
        "id": firm.firm_id,
        "fields": {"name": firm.name, "text": firm.shown()},
        "metadata": {name: firm.beside()[name] for name in FIELDS if name != "name"},
        "suggestions": {}, "responses": {}, "vectors": {}, "status": "pending", "_server_id": None,
    }  # fmt: skip
