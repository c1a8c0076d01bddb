"""Our side of the crawl benchmark: ``crawler.process.crawl`` as the product runs it, with extraction and WARC archive.

Prints the number of pages with text that came out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget


def main(websites: list[str]) -> None:
    """Crawl to the end."""
    settings = CrawlSettings(
        contact="benchmark@example.org", delay_s=0, concurrent_sites=len(websites), allow_addresses=("127.0.0.0/8",)
    )
    targets = [CrawlTarget(f"firm-{number}", website) for number, website in enumerate(websites)]
    with tempfile.TemporaryDirectory() as folder:
        sites = list(crawl(targets, settings, Path(folder) / "archive", Path(folder) / "work"))
        archived = sum(path.stat().st_size for path in (Path(folder) / "archive").iterdir())
    wrong = [f"{site.website}: {site.outcome}, {site.reason}" for site in sites if site.outcome != "ok"]
    if wrong or not archived:
        sys.exit(f"{len(wrong)} sites not read, {archived} bytes archived; first: {(wrong or ['none'])[0]}")
    print(sum(len(site.pages) for site in sites))


if __name__ == "__main__":
    main(sys.argv[1:])
