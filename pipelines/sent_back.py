"""Read a list that came back with its columns ``wrong`` and ``missing`` filled in, as judgements.

A mark such as x says less than a key: where a row is about one sector it means that one; of sectors within one another
it means the narrowest, which is wrong whatever the expert meant; and where neither holds the row is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from labels.errors import LabelsError
from labels.label_files import CODER, moment_text, parse_moment
from labels.store import Judgement, checked
from labels.taxonomy import Taxonomy
from pipelines.errors import UsageError
from pipelines.exporting.plain import JOINER
from pipelines.outside_text import spreadsheet_text
from pipelines.sources.csv_files import BadRow, csv_rows
from pipelines.sources.csv_files import Row as TableRow
from pipelines.sources.workbooks import every_sheet

KIND = "a list that firmscope exported"
WRONG, MISSING = "wrong", "missing"
NOTE = "list"  # how the note of a judgement begins that came from a list, its run behind it
_MARKS = frozenset({"x", "y", "yes", "1", "true", "wrong", "\u2713", "\u2714", "\u2717", "\u2718"})
_NO_MARKS = frozenset({"", "n", "no", "0", "false", "-", "ok", "right", "correct"})
LONG_AGO = "1970-01-01"  # a list that does not name its run: which words its reader saw is not known
_RUN_STARTED = re.compile(r"(\d{8}T\d{6}Z)-\w+")
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
Row = Mapping[str, str]


@dataclass(frozen=True)
class Answers:
    """What a list that came back says; ``listed_at`` is when the figures of each judgement's list were made."""

    judgements: list[Judgement]
    listed_at: dict[str, str]  # by firm_id
    rows: int
    answered: int  # rows with an answer
    narrowed: int  # of them those in which a mark was taken for the narrowest of the row's sectors


def is_workbook(file: Path) -> bool:
    """Whether a file begins as Excel's do."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(4) in _WORKBOOK


def is_sent_back(file: Path) -> bool:
    """Whether a file is a list with answer columns, and no sheet of labels; a workbook can be nothing else."""
    if is_workbook(file):
        return True
    try:
        first = next(csv_rows(file, ("firm_id",), KIND), None)
    except UsageError:
        return False
    return isinstance(first, TableRow) and _asks(first.cells)


def read_answers(
    file: Path, taxonomy: Taxonomy, known_firms: Collection[str], now: datetime, coder: str = ""
) -> Answers:
    """All answers of a list, CSV or workbook; rows without one say nothing.

    Args:
        file: As ``firmscope export`` wrote it, with cells filled in; other columns may have been added or removed.
        taxonomy: Sectors, by key or name.
        known_firms: firm_id of the firms of the workspace.
        now: When the answers came in: they are taken to be of that moment, unless a column labelled_on says another.
        coder: Who answered; a column of that name goes before.

    Raises:
        LabelsError: An answer that cannot be understood, or that another row contradicts; names the row and the cure.
    """
    said: dict[tuple[str, str, str], tuple[str, Judgement]] = {}
    listed_at: dict[str, str] = {}
    rows = answered = narrowed = 0
    for where, row in _rows(file):
        rows += 1
        firm_id = _cell(row, "firm_id")
        exclude, guessed = _wrong(where, row, taxonomy)
        include = _missing(where, row, taxonomy)
        if not exclude and not include:
            continue
        if firm_id not in known_firms:
            raise LabelsError(f"{where}: firm {firm_id!r} is not in this workspace; import it first, or remove the row")
        answered += 1
        narrowed += guessed
        run = _cell(row, "list_run")
        labelled_on = parse_moment(where, _cell(row, "labelled_on"), now)
        who = _cell(row, "coder") or coder or CODER
        for sector, label in [*((key, "exclude") for key in exclude), *((key, "include") for key in include)]:
            judgement = checked(
                where,
                Judgement(firm_id, sector, label, who, labelled_on, _note(run, row), str(taxonomy.version)),
            )
            there, before = said.setdefault((firm_id, sector, who), (where, judgement))
            if before.label != label:
                raise LabelsError(
                    f"{where}: {sector} is {_column(label)} here and {_column(before.label)} in {there}; keep one of "
                    "the two"
                )
        listed_at[firm_id] = LONG_AGO
        if started := _RUN_STARTED.fullmatch(run):
            listed_at[firm_id] = moment_text(datetime.strptime(started[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))
    if not rows:
        raise LabelsError(f"{file}: no rows with the columns firm_id and {WRONG} or {MISSING}; expected {KIND}")
    return Answers([judgement for _, judgement in said.values()], listed_at, rows, answered, narrowed)


def _wrong(where: str, row: Row, taxonomy: Taxonomy) -> tuple[list[str], bool]:
    """Sectors that the row excludes, and whether a mark was taken for the narrowest of several."""
    cell = _cell(row, WRONG)
    if cell.casefold() in _NO_MARKS:
        return [], False
    own = _own(row)
    if cell.casefold() not in _MARKS:
        return _keys(where, WRONG, cell, taxonomy, own), False
    about = _cell(row, "cluster") or _cell(row, "sector")
    listed = _list(row, "list_clusters")
    if not about and len(listed) == 1:
        about = listed[0]
    if about and about != "none":
        return _keys(where, WRONG, about, taxonomy, own), False
    narrowest = [
        key for key in own
        if key in taxonomy.by_key and not any(key in taxonomy.ancestors(one) for one in own if one in taxonomy.by_key)
    ]  # fmt: skip
    if len(narrowest) != 1:
        these = f"which of {', '.join(narrowest)}" if narrowest else "the sector, since the row has none"
        raise LabelsError(f"{where}: wrong is {cell!r}; name {these}, several joined by {JOINER}")
    return narrowest, len(own) > 1


def _missing(where: str, row: Row, taxonomy: Taxonomy) -> list[str]:
    """Sectors that the row includes; a mark means the sector of a row that has one, as a near miss has."""
    cell = _cell(row, MISSING)
    if cell.casefold() in _NO_MARKS:
        return []
    if cell.casefold() in _MARKS:
        cell = _cell(row, "sector")
        if not cell or cell == "none":
            raise LabelsError(f"{where}: {MISSING} is a mark; name the sectors, joined by {JOINER}")
    return _keys(where, MISSING, cell, taxonomy)


def _keys(where: str, column: str, cell: str, taxonomy: Taxonomy, own: Sequence[str] = ()) -> list[str]:
    """Sectors that a cell names, each once; a cluster that gathers sectors stands for those of the row."""
    named = {sector.name.casefold(): sector.key for sector in taxonomy.sectors}
    named |= {cluster.name.casefold(): cluster.key for cluster in taxonomy.clusters}
    gathered = {cluster.key: cluster for cluster in taxonomy.clusters}
    found: dict[str, None] = {}
    for part in re.split(r"[;,|\n]", named.get(cell.casefold(), cell)):
        word = part.strip()
        if not word:
            continue
        key = word if word in taxonomy.counted else named.get(word.casefold(), word.casefold().replace(" ", "_"))
        if key in taxonomy.by_key:
            found[key] = None
        elif key not in gathered:
            near = difflib.get_close_matches(key, (*taxonomy.counted, *named), n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(taxonomy.keys)}"
            raise LabelsError(f"{where}: {column} names {word[:80]!r}, which is not in taxonomy.yaml; {hint}")
        else:
            through = [one for one in own if one in gathered[key].sectors] if column == WRONG else []
            if not through:
                raise LabelsError(
                    f"{where}: {column} names {key}, a cluster that gathers sectors"
                    + (" and SIC codes; the firm is in it by its SIC codes, which the firm list or the register gives: "
                       "correct it there, or name a sector" if column == WRONG else "; name the sector")
                )  # fmt: skip
            found |= dict.fromkeys(through)
    return list(found)


def _own(row: Row) -> list[str]:
    """Sectors of the row."""
    return _list(row, "sectors") or [key for key in (_cell(row, "sector"),) if key and key != "none"]


def _note(run: str, row: Row) -> str:
    remark = _cell(row, "note")
    return " ".join(part for part in (f"{NOTE} {run}" if run else NOTE, remark) if part)


def _column(label: str) -> str:
    return WRONG if label == "exclude" else MISSING


def _list(row: Row, name: str) -> list[str]:
    return [part.strip() for part in _cell(row, name).split(JOINER) if part.strip()]


def _cell(row: Row, name: str) -> str:
    """A cell's text, without the apostrophe that keeps a spreadsheet from reading a formula."""
    text = row.get(name, "").strip()
    return text[1:] if text.startswith("'") and spreadsheet_text(text[1:])[0] == text else text


def _rows(file: Path) -> Iterator[tuple[str, Row]]:
    """Rows of tables that ask, and where each stands.

    Raises:
        LabelsError: A row cannot be read, or answers for no firm.
        UsageError: The file is no table at all.
    """
    for where, row in _sheet_rows(file):
        if isinstance(row, BadRow):
            raise LabelsError(f"{where}: {row.detail}; mend the row, or save the sheet anew as 'CSV UTF-8'")
        if not _asks(row.cells):
            continue
        if row.cells["firm_id"]:
            yield where, row.cells
        elif row.cells.get(WRONG) or row.cells.get(MISSING):
            raise LabelsError(f"{where}: an answer without a firm_id; give the row its id again")


def _sheet_rows(file: Path) -> Iterator[tuple[str, TableRow | BadRow]]:
    if is_workbook(file):
        for sheet, row in every_sheet(file, ("firm_id",), KIND):
            yield f"{file}, sheet {sheet!r}, row {row.number}", row
    else:
        for row in csv_rows(file, ("firm_id",), KIND):
            yield f"{file}, row {row.number}", row


def _asks(cells: Row) -> bool:
    return "label" not in cells and (WRONG in cells or MISSING in cells)
