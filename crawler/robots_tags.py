"""What a page says to robots about itself: ``X-Robots-Tag`` headers, in the same words as meta robots.

``noindex``, ``none`` and ``noai`` keep a page's words out; ``nofollow`` and ``none`` its links. ``noarchive`` speaks of
copies shown to the public, which the archive is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from crawler.robots import PRODUCT_TOKEN

NO_WORDS = frozenset({"noindex", "none", "noai"})
NO_LINKS = frozenset({"nofollow", "none"})
AGENT = re.compile(r"\s*([a-z][a-z0-9_-]*)\s*:\s*(?!\d)(.*)", re.IGNORECASE | re.DOTALL)
WITH_VALUE = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}


def directives(headers: Iterable[str]) -> frozenset[str]:
    """Lower-case directives of ``X-Robots-Tag`` headers that apply to every robot or to ours.

    Args:
        headers: One text per header line; a line may begin with a robot's name and a colon.
    """
    found: set[str] = set()
    for line in headers:
        match = AGENT.match(line)
        if match and match[1].lower() not in WITH_VALUE:
            if match[1].lower() != PRODUCT_TOKEN:
                continue
            line = match[2]
        found.update(part.strip().lower() for part in line.split(",") if part.strip())
    return frozenset(found)
