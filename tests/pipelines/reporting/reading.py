"""Read the report's pages as a browser's parser sees them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from pipelines.reporting import ReportInput, build_report


class Page(HTMLParser):
    """The page as a browser's parser sees it: its elements in order, and the texts of its table rows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text: list[str] = []
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._in_cell:
            self.rows[-1][-1] += data

    def row(self, first: str) -> list[str]:
        """The first row whose first cell reads ``first``, every cell on one line."""
        lines = [[" ".join(cell.split()) for cell in row] for row in self.rows]
        return next(row for row in lines if row and row[0] == first)


def pages_of(given: ReportInput, folder: Path) -> dict[str, str]:
    """Every page of a report that is written into ``folder``, by file name."""
    build_report(folder, given)
    return {page.name: page.read_text(encoding="utf-8") for page in sorted(folder.glob("*.html"))}


def cluster_page(given: ReportInput, folder: Path, key: str) -> str:
    """The page of one cluster."""
    return pages_of(given, folder)[f"cluster-{key}.html"]
