"""The label store: ``labels.csv``, every judgement ever made, append-only and plain, made for git.

A firm not judged for a sector is unknown for it, never an exclude. A coder's last judgement holds; coders who disagree
leave the pair open until it is settled: the word of the coder ``settled`` goes before everybody's.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labels.errors import LabelsError
from labels.taxonomy import Taxonomy

LABELS = ("include", "exclude", "unsure")
REQUIRED = ("firm_id", "sector", "label")
SETTLED = "settled"  # the coder whose word ends a disagreement; ``unsure`` from it opens the pair again
AUDIT_NOTE = "audit "  # how the note of a row begins that an audit handed out, the audit's id behind it


@dataclass(frozen=True)
class Judgement:
    """One coder's judgement of one firm for one sector."""

    firm_id: str
    sector: str
    label: str
    coder: str
    labelled_on: str  # ISO date
    note: str = ""
    taxonomy_version: str = ""


COLUMNS = tuple(field.name for field in fields(Judgement))


def read_judgements(path: Path) -> list[Judgement]:
    """All judgements of a store, oldest first; none when there is no file yet.

    Raises:
        LabelsError: The file is not a label store; names the line.
    """
    if not path.is_file():
        return []
    rows = csv.reader(io.StringIO(_text(path)))
    if tuple(next(rows, ())) != COLUMNS:
        raise LabelsError(f"{path}, line 1: expected the columns {','.join(COLUMNS)}; restore the file from git")
    found = []
    for row in rows:
        if len(row) != len(COLUMNS):
            raise LabelsError(f"{path}, line {rows.line_num}: {len(row)} columns, expected {len(COLUMNS)}")
        found.append(Judgement(*row))
    return found


def append_judgements(path: Path, judgements: Iterable[Judgement]) -> int:
    """Add judgements to a store; they are on the disk when this returns. Returns how many."""
    fresh = not path.exists() or path.stat().st_size == 0
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if fresh:
        writer.writerow(COLUMNS)
    count = 0
    for judgement in judgements:
        writer.writerow(astuple(judgement))
        count += 1
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())
        file.flush()
        os.fsync(file.fileno())
    return count


def parse_label_csv(path: Path, taxonomy: Taxonomy, known_firms: Collection[str], today: date) -> list[Judgement]:
    """Judgements of a CSV file with firm_id, sector, label and optionally coder, labelled_on, note.

    Rows of an audit that have no label yet are passed over, so that a half-filled file can be brought in.

    Raises:
        LabelsError: A missing column, an unknown firm, sector or label, or a date in the future; names the row.
    """
    rows = csv.DictReader(io.StringIO(_text(path)))
    missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
    if missing and (rows.fieldnames or [""])[0].lstrip().startswith("{"):
        raise LabelsError(f"{path}, row 1: this is JSON lines, not CSV; import complete judgements with --complete")
    if missing:
        raise LabelsError(f"{path}, row 1: column {missing[0]} is missing; expected {', '.join(REQUIRED)}")
    found = []
    for row in rows:
        where = f"{path}, row {rows.line_num}"
        firm_id, sector, label = ((row[name] or "").strip() for name in REQUIRED)
        note = (row.get("note") or "").strip()
        if not label and note.startswith(AUDIT_NOTE):
            continue
        if firm_id not in known_firms and firm_id.startswith("'"):  # put there so that no spreadsheet reads a formula
            firm_id = firm_id[1:]
        _check_firm(where, firm_id, known_firms)
        _check_sector(where, sector, taxonomy)
        if label not in LABELS:
            raise LabelsError(f"{where}: label {label!r}, expected one of {', '.join(LABELS)}")
        labelled_on = _day(where, (row.get("labelled_on") or "").strip(), today)
        coder = (row.get("coder") or "").strip() or "import"
        found.append(Judgement(firm_id, sector, label, coder, labelled_on, note, str(taxonomy.version)))
    return found


def parse_complete_jsonl(path: Path, taxonomy: Taxonomy, known_firms: Collection[str], today: date) -> list[Judgement]:
    """Judgements of a JSON-lines file of firm_id and sectors, where every sector not listed is an exclude.

    A listed sector includes its parents. Raises LabelsError as :func:`parse_label_csv` does.
    """
    found: list[Judgement] = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, row {number}"
        try:
            record = json.loads(line)
            firm_id, sectors = record["firm_id"], record["sectors"]
        except (ValueError, KeyError, TypeError) as error:
            raise LabelsError(f"{where}: expected an object with firm_id and a list of sectors") from error
        if not isinstance(firm_id, str) or not isinstance(sectors, list):
            raise LabelsError(f"{where}: expected firm_id as text and sectors as a list")
        _check_firm(where, firm_id, known_firms)
        include: set[str] = set()
        for sector in sectors:
            _check_sector(where, sector, taxonomy)
            include |= {sector} | taxonomy.ancestors(sector)
        found.extend(
            Judgement(firm_id, key, "include" if key in include else "exclude", "import", today.isoformat(), "",
                      str(taxonomy.version))
            for key in taxonomy.keys
        )  # fmt: skip
    return found


def label_matrix(
    judgements: Iterable[Judgement], firm_ids: Sequence[str], taxonomy: Taxonomy
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What is known of each firm and sector.

    Includes go up the hierarchy (a child's include is its parents'), excludes go down (a parent's exclude is its
    children's). A pair on which coders disagree, or that the last word calls unsure, is not known, unless it was
    settled.

    Returns:
        ``Y`` and ``mask``, both ``(n_firms, n_sectors) bool``, columns in taxonomy order; ``mask`` is true where
        judged.
    """
    row = {firm_id: place for place, firm_id in enumerate(firm_ids)}
    column = {key: place for place, key in enumerate(taxonomy.keys)}
    last: dict[tuple[int, int], dict[str, str]] = {}
    for judgement in judgements:
        if judgement.firm_id in row and judgement.sector in column:
            last.setdefault((row[judgement.firm_id], column[judgement.sector]), {})[judgement.coder] = judgement.label
    include = np.zeros((len(firm_ids), len(taxonomy.keys)), dtype=bool)
    exclude = np.zeros_like(include)
    for (at, sector), by_coder in last.items():
        words = {by_coder[SETTLED]} if SETTLED in by_coder else set(by_coder.values())
        include[at, sector] = words == {"include"}
        exclude[at, sector] = words == {"exclude"}
    for key in taxonomy.keys:
        for parent in taxonomy.ancestors(key):
            implied = include[:, column[key]]
            include[:, column[parent]] |= implied
            exclude[:, column[parent]] &= ~implied
    stated = exclude.copy()
    for key in taxonomy.keys:
        for parent in taxonomy.ancestors(key):
            exclude[:, column[key]] |= stated[:, column[parent]] & ~include[:, column[key]]
    return include, include | exclude


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise LabelsError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise LabelsError(f"{path}: not UTF-8 text ({error}); save it as UTF-8 and try again") from error


def _check_firm(where: str, firm_id: str, known_firms: Collection[str]) -> None:
    if firm_id not in known_firms:
        raise LabelsError(f"{where}: firm {firm_id!r} is not in this workspace; import it first, or remove the row")


def _check_sector(where: str, sector: object, taxonomy: Taxonomy) -> None:
    if not isinstance(sector, str) or sector not in taxonomy.by_key:
        import difflib

        near = difflib.get_close_matches(str(sector), taxonomy.keys, n=1)
        hint = f"did you mean {near[0]}?" if near else "add it to taxonomy.yaml, or mend the row"
        raise LabelsError(f"{where}: unknown sector {sector!r}; {hint}")


def _day(where: str, text: str, today: date) -> str:
    if not text:
        return today.isoformat()
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise LabelsError(f"{where}: labelled_on {text!r}, expected a date such as 2026-11-21") from error
    if day > today:
        raise LabelsError(f"{where}: labelled_on {text} is in the future; mend the date")
    return text
