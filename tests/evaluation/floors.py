"""The figures that the gates hold the classifier to, each with its whole history, read from ``floors.yaml``.

A floor that is simply edited downwards passes every gate; what catches it is the comparison with what was committed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("floors.yaml")
KINDS = ("floors", "ceilings")
MIN_REASON_CHARS = 20  # "because it fell" is no reason

Document = Mapping[str, Mapping[str, list[Any]]]


def document(text: str | None = None) -> Document:
    """The file as it stands, or another version of it."""
    found: Document = yaml.safe_load(FILE.read_text(encoding="utf-8") if text is None else text)
    return found


def floor(figure: str) -> float:
    """The least that ``figure`` may be."""
    return _value(document()["floors"][figure][-1])


def ceiling(figure: str) -> float:
    """The most that ``figure`` may be."""
    return _value(document()["ceilings"][figure][-1])


def corpus_digest(corpus: str) -> str:
    """SHA-256 of the corpus that the figures were measured on."""
    return str(document()["corpora"][corpus][-1])


def committed() -> list[Document] | None:
    """Every version of the file in the repository's history, newest first; None where there is no repository."""
    here = ["git", "-C", str(FILE.parent)]
    try:
        listed = subprocess.run(
            [*here, "log", "--format=%H", "--", FILE.name], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    found = []
    for commit in listed.stdout.split():
        shown = subprocess.run([*here, "show", f"{commit}:./{FILE.name}"], capture_output=True, text=True, check=False)
        if shown.returncode == 0:  # not the commit that removed it
            found.append(document(shown.stdout))
    return found


def problems(now: Document, earlier: Document | None = None) -> Iterator[str]:
    """What is wrong with a version of the file, by itself and as the successor of an earlier one."""
    for kind in KINDS:
        for figure, history in now[kind].items():
            yield from _faults(kind, figure, history)
    for part, figures in (earlier or {}).items():
        for figure, history in figures.items():
            kept = now.get(part, {}).get(figure, [])[: len(history)]
            if kept != history:
                yield f"{part} {figure}: {history} was committed, and begins with {kept} now; put it back and append"


def _faults(kind: str, figure: str, history: list[Any]) -> Iterator[str]:
    if not history:
        yield f"{figure}: no value; a figure without a floor is not held to anything"
    values = [_value(entry) for entry in history]
    for place, (entry, value) in enumerate(zip(history, values, strict=True)):
        if not 0 < value < 1:
            yield f"{figure}: {entry}; expected a number between 0 and 1"
        eased = place > 0 and (value < values[place - 1] if kind == "floors" else value > values[place - 1])
        flagged = isinstance(entry, dict)
        if eased and not flagged:
            yield f"{figure}: eased from {values[place - 1]} to {value} without saying so; append {{eased_to, because}}"
        if flagged and (not eased or len(str(entry.get("because", ""))) < MIN_REASON_CHARS):
            yield f"{figure}: {entry} must ease the figure before it and say why in {MIN_REASON_CHARS} characters"


def _value(entry: Any) -> float:
    return float(entry["eased_to"] if isinstance(entry, dict) else entry)
