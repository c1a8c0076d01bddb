"""Turn what the desk says into HTML; whatever firms, pages and coders wrote is escaped and on one line.

Numbers, addresses and outside text read as they do in the report: the filters are the report's own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.outside_text import encodable, page_text, safe_link
from pipelines.reporting.page import address, count, outside, probability, share
from pipelines.reporting.wording import NOT_KNOWN, OUTCOMES

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
LABEL_WORDS = {"include": "include", "exclude": "exclude", "unsure": "unsure", "": "not judged"}


def render(template: str, **given: Any) -> str:
    """HTML of a template."""
    return encodable(_environment().get_template(template).render(**given))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        autoescape=True, loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    found.filters.update(
        address=address,
        count=count,
        outside=outside,
        probability=probability,
        share=share,
        inert=inert,
        linkable=safe_link,
    )
    found.globals.update(not_known=NOT_KNOWN, outcomes=OUTCOMES, label_words=LABEL_WORDS)
    return found


def inert(text: str) -> str:
    """A stretch of a firm's words: no controls, nothing that turns the reading order; spaces at its ends are kept."""
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{' ' if before else ''}{page_text(text)}{' ' if after and text.strip() else ''}"
