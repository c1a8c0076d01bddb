"""How much less a page is worth because others like it were read before.

Pages of one template (``/product/<slug>``, ``/item.php?id=<n>``) say one thing many times. The first few are worth
what their words promise; each further one less, down to a floor at which service pages still come before news.
"""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import parse_qsl, unquote, urlsplit

# Chosen on the simulated sites of tests/crawler/test_page_choice.py: of 20 pages of a shop, at most 8 show single
# articles; a solicitor's 40 service pages still fill the budget. Look again with real shops.
FREE_PER_FOLDER = 3
FREE_PER_SECTION = 6
PER_SAME_STEM = 3  # "family-law-fees" after "family-law": one of each kind before a second
MOST_FOR_STEM = 21
STEPS = {"about": 15, "product": 9, "service": 5, "technology": 6, "sector": 6, "other": 4, "people": 4, "news": 2}
MOST = {"product": 85, "about": 60, "news": 30}
MOST_OTHERWISE = 38


class Templates:
    """Counts of pages taken, per template of URL."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def take(self, keys: tuple[str, str, str]) -> None:
        """Count a page."""
        self._taken.update(keys)

    def discount(self, keys: tuple[str, str, str], topic: str) -> int:
        """What a page's score loses now; 0 for contact and legal pages, of which one each is read anyway."""
        step = STEPS.get(topic, 0)
        folder, section, stem = (self._taken[key] for key in keys)
        lost = step * max(0, folder - FREE_PER_FOLDER + 1) + step * max(0, section - FREE_PER_SECTION + 1) // 2
        return min(MOST.get(topic, MOST_OTHERWISE), lost) + (min(MOST_FOR_STEM, PER_SAME_STEM * stem) if step else 0)


def template_keys(url: str, topic: str) -> tuple[str, str, str]:
    """The templates that a canonical URL belongs to: its folder, its section, and those of like name in its folder.

    Pages beside the home page, and those told apart by parameters, share an address for lack of folders; of them
    each topic is a template.
    """
    parts = urlsplit(url)
    folder, _, slug = parts.path.rstrip("/").rpartition("/")
    folder = re.sub(r"\d+", "0", folder.lower())
    if parts.query:
        names = "&".join(sorted(name for name, _ in parse_qsl(parts.query, keep_blank_values=True)))
        folder = f"{folder}/{slug.lower()}?{names}"
    section = "/".join(folder.split("/")[:2])
    if parts.query or not folder:
        folder = section = f"{folder} {topic}"
    stem = re.match(r"[^\W\d_]*", unquote(slug).lower())
    word = stem[0] if stem and not parts.query else ""
    host = parts.netloc.removeprefix("www.")
    return f"f {host}{folder}", f"s {host}{section}", f"w {host}{folder}/{word or slug or parts.query}"
