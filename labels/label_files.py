"""Read judgements that people hand over: a CSV sheet, or complete judgements as JSON lines.

A row that says no day is judged now, to the second, so that it is later than every line that the store has.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path

from labels.errors import LabelsError
from labels.queue import ASKED
from labels.store import AUDIT_NOTE, Judgement, checked, file_text
from labels.taxonomy import Taxonomy

REQUIRED = ("firm_id", "sector", "label")
CODER = "import"  # who judged, where a file does not say


def moment_text(at: datetime) -> str:
    """A moment as ``labelled_on`` has it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_label_csv(path: Path, taxonomy: Taxonomy, known_firms: Collection[str], now: datetime) -> list[Judgement]:
    """Judgements of a CSV file with firm_id, sector, label and optionally coder, labelled_on, note, text_digest.

    Rows of an audit or of ``labels next`` that have no label yet are passed over, so that a half-filled file can be
    brought in.

    Raises:
        LabelsError: A missing column, an unknown firm, sector or label, or a date in the future; names the row.
    """
    rows = csv.DictReader(io.StringIO(file_text(path)))
    missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
    if missing and (rows.fieldnames or [""])[0].lstrip().startswith("{"):
        raise LabelsError(f"{path}, row 1: this is JSON lines, not CSV; import complete judgements with --complete")
    if missing:
        raise LabelsError(f"{path}, row 1: column {missing[0]} is missing; expected {', '.join(REQUIRED)}")
    found = []
    for row in rows:
        where = f"{path}, row {rows.line_num}"
        firm_id, sector, label = ((row[name] or "").strip() for name in REQUIRED)
        note, digest = ((row.get(name) or "").strip() for name in ("note", "text_digest"))
        if not label and note.startswith((AUDIT_NOTE, ASKED)):
            continue
        if firm_id not in known_firms and firm_id.startswith("'"):  # put there so that no spreadsheet reads a formula
            firm_id = firm_id[1:]
        check_pair(where, firm_id, sector, taxonomy, known_firms)
        labelled_on = parse_moment(where, (row.get("labelled_on") or "").strip(), now)
        coder = (row.get("coder") or "").strip() or CODER
        judgement = Judgement(firm_id, sector, label, coder, labelled_on, note, str(taxonomy.version), digest)
        found.append(checked(where, judgement))
    return found


def parse_complete_jsonl(
    path: Path, taxonomy: Taxonomy, known_firms: Collection[str], now: datetime
) -> list[Judgement]:
    """Judgements of a JSON-lines file of firm_id and sectors, where every sector not listed is an exclude.

    A listed sector includes its parents. Raises LabelsError as :func:`parse_label_csv` does.
    """
    found: list[Judgement] = []
    for number, line in enumerate(file_text(path).split("\n"), start=1):
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
        include: set[str] = set()
        for sector in sectors or (taxonomy.keys[0],):
            check_pair(where, firm_id, sector, taxonomy, known_firms)
        for sector in sectors:
            include |= {sector} | taxonomy.ancestors(sector)
        found.extend(
            Judgement(
                firm_id, key, "include" if key in include else "exclude", CODER, moment_text(now), "",
                str(taxonomy.version),
            )
            for key in taxonomy.keys
        )  # fmt: skip
    return found


def check_pair(where: str, firm_id: str, sector: object, taxonomy: Taxonomy, known_firms: Collection[str]) -> None:
    """Raise a LabelsError unless the workspace has the firm and the taxonomy the sector."""
    if firm_id not in known_firms:
        raise LabelsError(f"{where}: firm {firm_id!r} is not in this workspace; import it first, or remove the row")
    if not isinstance(sector, str) or sector not in taxonomy.by_key:
        import difflib

        near = difflib.get_close_matches(str(sector), taxonomy.keys, n=1)
        hint = f"did you mean {near[0]}?" if near else "add it to taxonomy.yaml, or mend the row"
        raise LabelsError(f"{where}: unknown sector {sector!r}; {hint}")


def parse_moment(where: str, text: str, now: datetime) -> str:
    """``labelled_on`` out of a file: a date, or a date and time, which becomes UTC; now where nothing is said.

    Raises:
        LabelsError: It is neither, or lies in the future.
    """
    if not text:
        return moment_text(now)
    try:
        if len(text) <= len("2026-11-21"):
            day = date.fromisoformat(text)
            stated, future = day.isoformat(), day > now.date()
        else:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            stated, future = moment_text(at), at > now
    except (ValueError, OverflowError) as error:
        raise LabelsError(
            f"{where}: labelled_on {text!r}, expected a date such as 2026-11-21, or 2026-11-21T10:15:00Z"
        ) from error
    if future:
        raise LabelsError(f"{where}: labelled_on {text} is in the future; mend the date")
    return stated
