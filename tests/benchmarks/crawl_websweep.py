"""WebSweep's side of the crawl benchmark, run by the Python that it is installed for: crawl, then extract.

Prints the number of pages that came out with text. All settings are its defaults.
"""

import json
import sys
import tempfile
from pathlib import Path

from websweep import Crawler, Extractor  # type: ignore[import-not-found]


def main(websites: list[str]) -> None:
    """Crawl and extract to the end."""
    with tempfile.TemporaryDirectory() as folder:
        urls = [(website, f"firm{number}") for number, website in enumerate(websites)]
        Crawler(target_folder_path=Path(folder)).crawl_base_urls(urls)
        Extractor(target_folder_path=Path(folder)).extract_urls()
        lines = [
            json.loads(line)
            for path in (Path(folder) / "extracted_data").glob("*.ndjson")
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
        print(sum(bool(line.get("text")) for line in lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text(encoding="utf-8").split())
