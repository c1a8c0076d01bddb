"""doccano: JSON lines of a text classification project, one label per sector and answer.

doccano's export has one list of labels and no annotator; where annotators work apart it writes a file for each.
Comments on an example become the note.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from labels.errors import LabelsError
from labels.exchange.records import Answer, Coders, FirmSheet, carried, firm_of
from labels.store import LABELS, Judgement
from labels.taxonomy import Sector

TOOL = "doccano"
COLOURS = {"include": "#1b7f4d", "exclude": "#a33b2e", "unsure": "#6b6b6b"}


def examples_jsonl(firms: Iterable[FirmSheet]) -> str:
    """Examples to import, one a line; ``label`` is the column of labels."""
    lines = ({"text": firm.shown(), "label": [], **firm.beside()} for firm in firms)
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def label_types(sectors: Sequence[Sector]) -> str:
    """The project's labels, for doccano's import of labels."""
    return json.dumps(
        [
            {"text": f"{sector.key}:{label}", "background_color": COLOURS[label], "text_color": "#ffffff"}
            for sector in sectors for label in LABELS
        ],
        indent=1,
    )  # fmt: skip


def read_examples(
    where: str, text: str, coders: Coders, every: Sequence[str] = ()
) -> tuple[list[Judgement], list[Answer]]:
    """Judgements that travelled along, and what annotators said.

    A label is ``SECTOR:include``, ``SECTOR:exclude`` or ``SECTOR:unsure``; ``SECTOR`` alone includes.

    Args:
        where: The file, for messages.
        text: Its content.
        coders: The coder's name; doccano's export names nobody.
        every: Sectors of which each example that is not labelled otherwise is an exclude: only for exports of approved
            documents, since doccano writes those down too that nobody has looked at.

    Raises:
        LabelsError: Not an export of such a project; names the line.
    """
    held: list[Judgement] = []
    answers: list[Answer] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        at = f"{where}, line {number}"
        try:
            example = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LabelsError(f"{at}: not JSON ({error}); expected doccano's export as JSONL") from error
        firm_id, digest = firm_of(at, example)
        held += carried(at, example)
        words = _words(at, example)
        for sector in every:
            words.setdefault(sector, "exclude")
        note = " ".join(map(str, example.get("Comments") or ()))
        answers += [Answer(at, firm_id, digest, sector, word, coders(""), "", note) for sector, word in words.items()]
    return held, answers


def _words(at: str, example: Mapping[str, object]) -> dict[str, str]:
    labels = example.get("label", example.get("labels", []))
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise LabelsError(f"{at}: label {labels!r}; expected a list of labels, as text classification exports it")
    words: dict[str, str] = {}
    for label in labels:
        sector, _, word = label.partition(":")
        if words.setdefault(sector, word or "include") != (word or "include"):
            raise LabelsError(f"{at}: {sector} is both {words[sector]} and {word or 'include'}; decide in doccano")
    return words
