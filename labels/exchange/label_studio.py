"""Label Studio: tasks with a choice per sector, and the JSON that its export gives back.

Written for the format "JSON" (not JSON-MIN, which drops who judged what). The control of a sector is named as the
sector; a control ``note`` is the annotator's note on the firm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from labels.errors import LabelsError
from labels.exchange.records import Answer, Coders, FirmSheet, carried, firm_of, json_list
from labels.store import LABELS, Judgement
from labels.taxonomy import Sector

TOOL = "label-studio"
NOTE = "note"
_WHAT = "the list of tasks of Label Studio's export format JSON"


def tasks_json(firms: Iterable[FirmSheet]) -> str:
    """Tasks to import into a project, one a firm."""
    return json.dumps(
        [{"data": {"text": firm.shown()} | firm.beside()} for firm in firms], ensure_ascii=False, indent=1
    )


def labelling_config(sectors: Sequence[Sector]) -> str:
    """The project's labelling interface: the text beside one choice per sector, with its definition."""
    asked = "".join(
        f"  <Header value={_attribute(sector.name)} size=\"4\"/>\n"
        + (f"  <Text name={_attribute('about_' + sector.key)} value={_attribute(sector.definition)}/>\n"
           if sector.definition else "")
        + f'  <Choices name={_attribute(sector.key)} toName="text" choice="single" showInline="true">\n'
        + "".join(f"    <Choice value={_attribute(label)}/>\n" for label in LABELS)
        + "  </Choices>\n"
        for sector in sectors
    )  # fmt: skip
    return (
        '<View>\n  <Header value="$name"/>\n  <Text name="site" value="$website"/>\n'
        f'  <Text name="text" value="$text"/>\n{asked}'
        f'  <TextArea name="{NOTE}" toName="text" placeholder="Note" rows="2" maxSubmissions="1"/>\n</View>\n'
    )


def read_tasks(where: str, text: str, coders: Coders) -> tuple[list[Judgement], list[Answer]]:
    """Judgements that travelled along, and what annotators said.

    Raises:
        LabelsError: Not an export of such a project; names the task.
    """
    held: list[Judgement] = []
    answers: list[Answer] = []
    for number, task in enumerate(json_list(where, text, _WHAT), start=1):
        at = f"{where}, task {number}"
        if not isinstance(task, Mapping) or not isinstance(task.get("data"), Mapping):
            raise LabelsError(f"{at}: no 'data'; export the project as JSON, not as JSON-MIN or CSV")
        held += carried(at, task["data"])
        for annotation in task.get("annotations") or ():
            if not annotation.get("was_cancelled"):
                answers += _answers(at, task["data"], annotation, coders)
    return held, answers


def _answers(at: str, data: Mapping[str, Any], annotation: Mapping[str, Any], coders: Coders) -> Iterator[Answer]:
    firm_id, digest = firm_of(at, data)
    by = annotation.get("completed_by")
    who = str(by.get("email") or by.get("id")) if isinstance(by, Mapping) else str(by)
    when = str(annotation.get("updated_at") or annotation.get("created_at") or "")
    results = [result for result in annotation.get("result") or () if isinstance(result, Mapping)]
    note = " ".join(
        " ".join(result["value"].get("text") or ()) for result in results
        if result.get("type") == "textarea" and result.get("from_name") == NOTE
    )  # fmt: skip
    for result in results:
        if result.get("type") != "choices":
            continue
        chosen = (result.get("value") or {}).get("choices")
        if not isinstance(chosen, list) or len(chosen) != 1:
            raise LabelsError(f"{at}: choices {chosen!r} for {result.get('from_name')!r}, expected one of {LABELS}")
        sector = str(result.get("from_name"))
        yield Answer(at, firm_id, digest, sector, str(chosen[0]), coders(who), when, note)


def _attribute(text: str) -> str:
    return quoteattr(text.replace("$", "\N{FULLWIDTH DOLLAR SIGN}"))  # a $ would name a field of the task
