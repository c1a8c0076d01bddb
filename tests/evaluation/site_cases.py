"""Hand-made sites with the register entries they belong to, read from YAML and scored the way a crawl scores them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from crawler.extract import read_html
from crawler.identity import marks_of, merge_marks
from crawler.matching import Entry, Match, Site, score
from crawler.placeholders import placeholder
from crawler.records import Mark


@dataclass(frozen=True)
class SiteCase:
    """One site, the register entries compared with it, and the firm_ids whose site it is."""

    name: str
    entries: tuple[Entry, ...]
    site: Site
    matched: frozenset[str]


def load_cases(path: Path) -> list[SiteCase]:
    """The cases of one file."""
    return [_case(value) for value in yaml.safe_load(path.read_text(encoding="utf-8")) or []]


def decide(case: SiteCase) -> list[tuple[Entry, bool, Match]]:
    """For each entry: whether the site is the firm's, and what was decided."""
    return [(entry, entry.firm_id in case.matched, score(entry, case.site)) for entry in case.entries]


def _case(value: dict[str, Any]) -> SiteCase:
    host = value["site"]["host"]
    marks: list[Mark] = []
    titles: list[str] = []
    for page in value["site"].get("pages") or []:
        url = f"https://{host}/{str(page['url']).removeprefix(f'https://{host}').lstrip('/')}"
        html = read_html(page["html"].encode(), url)
        if placeholder(html.words.title, html.words.text)[0]:
            continue  # as the crawl does: such a page says nothing of a firm
        marks += marks_of(html.full_text, html.organizations, url, page["kind"])
        titles.append(html.words.title)
    entries = tuple(
        Entry(
            firm_id=str(entry["firm_id"]),
            name=entry["name"],
            previous_names=tuple(entry.get("previous_names") or ()),
            company_number=str(entry.get("company_number") or ""),
            vat_number=str(entry.get("vat_number") or ""),
            postcodes=tuple(entry.get("postcodes") or ()),
            website=entry.get("website") or "",
        )
        for entry in value["entries"]
    )
    site = Site(host, (), merge_marks(marks), tuple(titles))
    return SiteCase(value["id"], entries, site, frozenset(str(firm_id) for firm_id in value["matched"] or ()))
