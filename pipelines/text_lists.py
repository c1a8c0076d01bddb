"""Read firms' words from a file of JSON lines, for firms whose words come from elsewhere than a crawl."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crawler.e_mail import without_e_mail
from crawler.errors import BadWebsiteError
from crawler.text import language_of
from crawler.urls import start_urls
from models.digest import text_digest
from pipelines.errors import UsageError
from pipelines.firm_lists import MAX_CELL_CHARS
from pipelines.reading import clean, file_text, hidden_credentials, without_credentials


@dataclass(frozen=True)
class TextList:
    """Firms and their words, checked; ``unusable`` names cells that could not be kept: firm_id, field, cell."""

    firms: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: list[dict[str, Any]] = field(default_factory=list)
    unusable: list[tuple[str, str, str]] = field(default_factory=list)


def read_texts(path: Path) -> TextList:
    """Read firms' words from JSON lines of firm_id, name, text and optionally url and website.

    A firm may have several lines, each with a url of its own. A url or website that is none is left out.

    Raises:
        UsageError: Not JSON lines, a field missing or of the wrong kind, or a page that stands twice.
    """
    found = TextList()
    seen: set[tuple[str, str]] = set()
    texts_of: Counter[str] = Counter()
    for number, line in enumerate(file_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, row {number}"
        record = _record(where, line)
        firm_id, text = clean(record["firm_id"]), without_e_mail(clean(record["text"], keep_lines=True))
        url = _address(firm_id, record, "url", found)
        website = _address(firm_id, record, "website", found) or url
        url = url or website or f"text:{firm_id}"
        if (firm_id, url) in seen:
            raise UsageError(f"{where}: firm {firm_id!r} has a text for {url} already; give each text a url of its own")
        seen.add((firm_id, url))
        found.firms.setdefault(firm_id, {"firm_id": firm_id, "name": clean(record["name"]), "website": website})
        position = texts_of[firm_id]
        texts_of[firm_id] += 1
        found.pages.append(
            {
                "firm_id": firm_id, "url": url, "position": position, "title": "", "language": language_of(text, ""),
                "text": text, "text_digest": text_digest(text), "kind": "home" if position == 0 else "other",
            }
        )  # fmt: skip
    if not found.firms:
        raise UsageError(f"{path}: no firms in it; expected one JSON object per line")
    return found


def _record(where: str, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{where}: not JSON ({error}); expected one object per line") from error
    if not isinstance(record, dict):
        raise UsageError(f"{where}: expected an object with firm_id, name and text")
    for name in ("firm_id", "name", "text"):
        if not isinstance(record.get(name), str):
            raise UsageError(f"{where}: {name} is missing or not a text; expected firm_id, name and text")
    for name in ("firm_id", "name"):
        if len(record[name]) > MAX_CELL_CHARS:
            raise UsageError(
                f"{where}: {name} has {len(record[name]):,} characters, at most {MAX_CELL_CHARS} are taken; shorten it"
            )
    if not clean(record["firm_id"]):
        raise UsageError(f"{where}: firm_id is empty; give every firm an id of its own")
    return record


def _address(firm_id: str, record: dict[str, Any], name: str, found: TextList) -> str | None:
    cell = str(record.get(name) or "").strip()
    if not cell:
        return None
    try:
        start_urls(cell)
        return without_credentials(cell)
    except BadWebsiteError:
        found.unusable.append((firm_id, name, hidden_credentials(cell)))
        return None
