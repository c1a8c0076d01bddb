"""Drop what a site repeats: menus, footers and consent banners say little about the firm and say it on every page.

A block stays where it stands first, so an address or a slogan is not lost; only its echoes go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

CONSENT_WORDS = re.compile(r"\bcookies?\b|\bGDPR\b|\bconsent\b|\bEinwilligung\b", re.IGNORECASE)
CONSENT_ACTS = re.compile(
    r"\baccept (?:all|cookies|and)|\bagree\b|\bconsent to\b|\bwe use\b|\bsite uses\b|\bour use of\b|\bstore or access\b"
    r"|\bcookie (?:settings|preferences|policy)\b|\bopt[- ]?out\b|\bzustimm|\bakzeptier|\bverwende[tn]\b"
    r"|\bnous utilisons\b|\baccepter\b|\butiliza(?:mos)?\b|\baceptar\b|\butilizza\b|\bgebruik(?:t|en)\b",
    re.IGNORECASE,
)
MAX_CONSENT_CHARS = 800  # longer blocks are cookie policies on a legal page, which are text of their own


def drop_repeated(pages: Sequence[str]) -> list[str]:
    """Texts of one site's pages without the lines and blocks that an earlier page already had.

    Args:
        pages: Page texts in reading order, home page first; blocks are separated by blank lines.

    Returns:
        As many texts, in the same order; one may come out empty when all of it stood on earlier pages.
    """
    seen: set[str] = set()
    kept: list[str] = []
    for text in pages:
        own: set[str] = set()
        blocks: list[str] = []
        for block in text.split("\n\n"):
            if is_consent(block):
                continue
            lines = [line for line in block.split("\n") if line.strip() and _key(line) not in seen]
            own.update(_key(line) for line in block.split("\n"))
            if lines:
                blocks.append("\n".join(lines))
        seen |= own
        kept.append("\n\n".join(blocks))
    return kept


def is_consent(block: str) -> bool:
    """Whether a block is a cookie or consent banner; a bakery's cookies are not."""
    return len(block) <= MAX_CONSENT_CHARS and bool(CONSENT_WORDS.search(block) and CONSENT_ACTS.search(block))


def _key(line: str) -> str:
    return " ".join(line.lower().split())
