"""The label store: ``labels.csv``, every judgement ever made, append-only and plain, made for git.

A coder's last judgement holds; coders who disagree leave the pair open until it is settled: the word of the coder
``settled`` goes before everybody's. A judgement is one line whatever its note says, so that git merges two branches by
keeping the lines of both; what that leaves (another order, a header in the middle, a line twice) is read as it is.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import date
from pathlib import Path

from labels.errors import LabelsError

LABELS = ("include", "exclude", "unsure")
SETTLED = "settled"  # the coder whose word ends a disagreement; ``unsure`` from it opens the pair again
UNDONE = "undone"  # note of the ``unsure`` with which a coder takes a first word back
AUDIT_NOTE = "audit "  # how the note of a row begins that an audit handed out, the audit's id behind it
MAX_NOTE_CHARS = 2_000  # a note is a remark; far below the 131,072 characters at which csv gives up on a cell
MERGE_RULES = "labels.csv merge=union\nlabels.seal merge=union\n"
"""``.gitattributes`` with which git keeps the lines of both branches."""
MARKER = re.compile(r"(<{7}|={7}|>{7}|\|{7})( |$)")
"""How a line begins that git put where it could not merge."""


@dataclass(frozen=True)
class Judgement:
    """One coder's judgement of one firm for one sector."""

    firm_id: str
    sector: str
    label: str
    coder: str
    labelled_on: str  # ISO date, or UTC date and time to the second: 2026-11-21 or 2026-11-21T10:15:00Z
    note: str = ""
    taxonomy_version: str = ""
    text_digest: str = ""  # of the words that were judged, as table ``scores`` has it; empty where not known


@dataclass(frozen=True)
class StoreLine:
    """A judgement and where it stands in the file, from 1."""

    number: int
    judgement: Judgement


COLUMNS = tuple(field.name for field in fields(Judgement))
HEADERS = (COLUMNS, COLUMNS[:-1])  # before text_digest was written down, it was the last column that was not there
_HEADER = ",".join(COLUMNS)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?")
_DIGEST = re.compile(r"([0-9a-f]{64})?")


def without_undone(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Judgements in their order, but those of a coder on a firm and sector that the coder has taken back."""
    last = {(word.coder, word.firm_id, word.sector): word for word in judgements}
    gone = {pair for pair, word in last.items() if (word.label, word.note) == ("unsure", UNDONE)}
    return [word for word in judgements if (word.coder, word.firm_id, word.sector) not in gone]


def read_lines(path: Path, *, past_markers: bool = False) -> list[StoreLine]:
    """Every judgement of a store in the order of its lines; none when there is no file yet.

    A last line that a crash cut short was acknowledged to nobody and is left out.

    Args:
        path: The store.
        past_markers: Read on where git left conflict markers; both sides count.

    Raises:
        LabelsError: The file is not a label store, or git left conflict markers in it; names the lines.
    """
    if not path.is_file():
        return []
    text = file_text(path)
    found: list[StoreLine] = []
    markers: list[int] = []
    width = 0  # columns of the header; none was seen yet
    records = list(_records(path, text))
    for place, (number, row) in enumerate(records, start=1):
        if row and MARKER.match(row[0]):
            markers.append(number)
        elif tuple(row) in HEADERS:
            width = width or len(row)
        elif not width:
            raise LabelsError(f"{path}, line {number}: expected the columns {_HEADER}; restore the file from git")
        elif row and not (place == len(records) and _is_torn(text, row, width)):
            found.append(StoreLine(number, _judgement(f"{path}, line {number}", row)))
    if markers and not past_markers:
        shown = ", ".join(map(str, markers))
        raise LabelsError(
            f"{path}: conflict markers of git on lines {shown}; keep the judgements of both sides with: firmscope "
            "labels merge (a line 'labels.csv merge=union' in .gitattributes spares the next merge this)"
        )
    return found


def read_judgements(path: Path) -> list[Judgement]:
    """All judgements of a store, oldest first; none when there is no file yet. Raises as :func:`read_lines` does."""
    return in_order(read_lines(path))


def in_order(lines: Iterable[StoreLine]) -> list[Judgement]:
    """Judgements by ``labelled_on``, then by place; a coder who says exactly the same again has said it once.

    A bare date is as late as what stands before it on that day, so that within one file a later line is a later word.
    """
    latest: dict[str, str] = {}
    timed = []
    for line in lines:
        day, _, time = _when(line.judgement.labelled_on).partition("T")
        time = time or latest.get(day, "")
        latest[day] = max(time, latest.get(day, ""))
        timed.append(((day, time), line.judgement))
    last: dict[tuple[str, str, str], Judgement] = {}
    found = []
    for _, judgement in sorted(timed, key=lambda pair: pair[0]):
        key = (judgement.firm_id, judgement.sector, judgement.coder)
        if last.get(key) != judgement:
            last[key] = judgement
            found.append(judgement)
    return found


def line_of(judgement: Judgement) -> str:
    """The judgement as it stands in a store, one line without its end.

    Raises:
        LabelsError: The judgement cannot stand in a store.
    """
    words = checked(f"judgement of {judgement.coder!r} on firm {judgement.firm_id!r}", judgement)
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(astuple(words))
    return text.getvalue()


def checked(where: str, judgement: Judgement) -> Judgement:
    """The judgement as a store can hold it: line breaks in its coder and note become spaces.

    Raises:
        LabelsError: A field is not what it must be; the message begins with ``where``.
    """
    coder, note = _one_line(judgement.coder), _one_line(judgement.note)
    if (coder, note) != (judgement.coder, judgement.note):
        judgement = replace(judgement, coder=coder, note=note)
    if not judgement.firm_id.isprintable() or not judgement.sector.isprintable():
        raise LabelsError(f"{where}: a firm_id or sector with a control character; expected one line of text")
    if judgement.label not in LABELS:
        raise LabelsError(f"{where}: label {judgement.label!r}, expected one of {', '.join(LABELS)}")
    if len(note) > MAX_NOTE_CHARS:
        raise LabelsError(f"{where}: note of {len(note)} characters, expected at most {MAX_NOTE_CHARS}; shorten it")
    if not _DIGEST.fullmatch(judgement.text_digest):
        raise LabelsError(f"{where}: text_digest {judgement.text_digest!r}, expected 64 hex digits or nothing")
    try:
        _when(judgement.labelled_on)
    except ValueError as error:
        raise LabelsError(
            f"{where}: labelled_on {judgement.labelled_on!r}, expected a date such as 2026-11-21, or "
            "2026-11-21T10:15:00Z"
        ) from error
    return judgement


def store_text(judgements: Iterable[Judgement]) -> str:
    """A whole store: the header, and one line a judgement."""
    return "".join(f"{line}\n" for line in (_HEADER, *map(line_of, judgements)))


def must_be_rewritten(path: Path) -> bool:
    """Whether a store has the old columns, or a last line without its end, so that nothing can be added to it yet."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        first = file.readline().decode("utf-8-sig", errors="replace").strip()
        file.seek(-1, os.SEEK_END)
        return first == ",".join(COLUMNS[:-1]) or file.read() != b"\n"


def append_judgements(path: Path, judgements: Iterable[Judgement]) -> int:
    """Add judgements to a store; they are on the disk when this returns. Returns how many.

    Raises:
        LabelsError: A judgement cannot stand in a store; none was added.
    """
    lines = [line_of(judgement) for judgement in judgements]
    fresh = not path.exists() or path.stat().st_size == 0
    content = "".join(f"{line}\n" for line in ([_HEADER, *lines] if fresh else lines))
    with path.open("ab") as file:
        file.write(content.encode())
        file.flush()
        os.fsync(file.fileno())
    return len(lines)


def file_text(path: Path) -> str:
    """A UTF-8 file's text, without its byte order mark.

    Raises:
        LabelsError: There is no such file, or it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise LabelsError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise LabelsError(f"{path}: not UTF-8 text ({error}); save it as UTF-8 and try again") from error


def _records(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line on which each begins: in an older store a note may go over several."""
    rows = csv.reader(io.StringIO(text))
    while True:
        number = rows.line_num + 1
        try:
            yield number, next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise LabelsError(f"{path}, line {number}: not CSV ({error}); restore the file from git") from error


def _is_torn(text: str, row: Sequence[str], width: int) -> bool:
    whole = len(row) >= width and (len(row) < len(COLUMNS) or _DIGEST.fullmatch(row[-1]))
    return not text.endswith("\n") and not whole


def _judgement(where: str, row: Sequence[str]) -> Judgement:
    if len(row) not in {len(header) for header in HEADERS}:
        raise LabelsError(f"{where}: {len(row)} columns, expected {len(COLUMNS)}; restore the line from git")
    return checked(where, Judgement(*row))


def _when(labelled_on: str) -> str:
    """Earlier releases let in forms such as 20261121."""
    return labelled_on if _MOMENT.fullmatch(labelled_on) else date.fromisoformat(labelled_on).isoformat()


def _one_line(text: str) -> str:
    return (text if text.isprintable() else " ".join(text.replace("\0", "").splitlines())).strip()
