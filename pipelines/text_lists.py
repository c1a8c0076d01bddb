"""Read firms' words from a file of JSON lines, for firms whose words come from elsewhere than a crawl."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawler.text import language_of
from models.digest import text_digest
from pipelines.errors import UsageError
from pipelines.reading import clean, file_text

# Columns of the table firms that a text list does not give.
_NOT_GIVEN = ("company_number", "status", "incorporated_on", "dissolved_on", "sic_codes", "parent_id", "foreign_owned")


@dataclass(frozen=True)
class TextList:
    """Firms and their words, checked, as rows of firms and pages."""

    firms: dict[str, dict[str, Any]]
    pages: list[dict[str, Any]]


def read_texts(path: Path) -> TextList:
    """Read firms' words from JSON lines of firm_id, name, text and optionally url and website.

    A firm may have several lines, each with a url of its own.

    Raises:
        UsageError: Not JSON lines, a field missing or of the wrong kind, or a page that stands twice.
    """
    found = TextList({}, [])
    seen: set[tuple[str, str]] = set()
    texts_of: Counter[str] = Counter()
    for number, line in enumerate(file_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, row {number}"
        record = _json_record(where, line)
        firm_id, text = record["firm_id"].strip(), clean(record["text"], keep_lines=True)
        website = str(record.get("website") or record.get("url") or "").strip() or None
        url = str(record.get("url") or record.get("website") or f"text:{firm_id}").strip()
        if (firm_id, url) in seen:
            raise UsageError(f"{where}: firm {firm_id!r} has a text for {url} already; give each text a url of its own")
        seen.add((firm_id, url))
        found.firms.setdefault(
            firm_id,
            dict.fromkeys(_NOT_GIVEN) | {"firm_id": firm_id, "name": clean(record["name"]), "website": website},
        )
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


def _json_record(where: str, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{where}: not JSON ({error}); expected one object per line") from error
    if not isinstance(record, dict):
        raise UsageError(f"{where}: expected an object with firm_id, name and text")
    for name in ("firm_id", "name", "text"):
        if not isinstance(record.get(name), str):
            raise UsageError(f"{where}: {name} is missing or not a text; expected firm_id, name and text")
    if not record["firm_id"].strip():
        raise UsageError(f"{where}: firm_id is empty; give every firm an id of its own")
    return record
