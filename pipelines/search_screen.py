"""Show what a search found: to a person, to a program, and as a list for a spreadsheet."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from pipelines.atomic import replacing
from pipelines.export_files import csv_cell
from pipelines.outside_text import page_text

if TYPE_CHECKING:
    from pipelines.searching import Found

COLUMNS = ("firm_id", "name", "url", "snippet")


def print_found(found: Found, limit: int, csv: Path | None = None, width: int | None = None) -> None:
    """Print to standard output; as wide as the terminal, or 120 columns into a file."""
    from rich.console import Console

    console = Console(width=width or (None if sys.stdout.isatty() else 120), highlight=False, markup=False, emoji=False)
    console.print(Text(f"{found.total:,} of {found.searched:,} firms with words.", "bold"))
    for line in _lines(found, limit):
        console.print(line, soft_wrap=line.no_wrap or False)
    if csv:
        console.print(Text(f"All {found.total:,} written to {csv}"), soft_wrap=True)
    elif found.total > len(found.firms[:limit]):
        console.print(Text(f"The first {len(found.firms[:limit]):,} are shown; --limit shows more, --csv writes all."))


def found_json(query: str, found: Found, limit: int) -> str:
    """What a program reads: the counts, and the first firms with their snippets in parts."""
    firms = [
        {
            "firm_id": firm.hit.firm_id,
            "name": firm.name,
            "url": firm.hit.url,
            "snippet": [{"text": text, "found": marked} for text, marked in firm.hit.snippet],
        }
        for firm in found.firms[:limit]
    ]
    answer = {"query": query, "total": found.total, "searched": found.searched, "firms": firms}
    return json.dumps(answer, indent=1) + "\n"


def write_csv(found: Found, path: Path) -> None:
    """Write all firms that were found.

    Raises:
        UsageError: There is no such folder, or ``path`` is one.
    """
    lines = [",".join(COLUMNS)]
    for firm in found.firms:
        said = "".join(text for text, _ in firm.hit.snippet)
        cells = (firm.hit.firm_id, firm.name, firm.hit.url, page_text(said))
        lines.append(",".join(csv_cell(cell)[0] for cell in cells))
    with replacing(path) as stream:
        stream.write(("\n".join(lines) + "\n").encode())


def _lines(found: Found, limit: int) -> Iterator[Text]:
    for firm in found.firms[:limit]:
        yield Text()
        yield Text.assemble((page_text(firm.name), "bold"), f"  ({page_text(firm.hit.firm_id)})")
        if firm.hit.url:
            yield Text(f"  {page_text(firm.hit.url)}", no_wrap=True, overflow="ignore")
        parts = ((_kept(text, marked), "bold yellow" if marked else "") for text, marked in firm.hit.snippet)
        yield Text.assemble("  ", *parts)


def _kept(text: str, marked: bool) -> str:
    """``page_text`` with the spaces that part it from its neighbours; where there is no colour, marks are written."""
    plain = page_text(text)
    if marked and not sys.stdout.isatty():
        return f"[{plain}]"
    return f"{' ' if text[:1] == ' ' else ''}{plain}{' ' if text[-1:] == ' ' and plain else ''}"
