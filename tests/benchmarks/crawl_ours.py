"""Our side of the crawl benchmarks: ``firmscope crawl`` as users run it, with extraction, WARC archive and tables.

Prints the number of pages with text that are in the tables.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pipelines.cli import app
from pipelines.workspace import Workspace

SETTINGS = {
    "crawl.contact": "benchmark@example.org",
    "crawl.delay_s": "0",
    "crawl.allow_addresses": "127.0.0.0/8",
}


def main(websites: list[str]) -> None:
    """Crawl to the end, in a new workspace."""
    with tempfile.TemporaryDirectory() as folder:
        workspace, firms = Path(folder) / "workspace", Path(folder) / "firms.csv"
        rows = [f"firm-{number},Firm {number} Limited,{website}\n" for number, website in enumerate(websites)]
        firms.write_text("firm_id,name,website\n" + "".join(rows), encoding="utf-8")
        _run("init", str(workspace))
        for key, value in SETTINGS.items():
            _run("--workspace", str(workspace), "config", "set", key, value)
        _run("--workspace", str(workspace), "import", "firms", str(firms))
        _run("--workspace", str(workspace), "crawl")
        lake = Workspace(workspace).lake
        sites = lake.read_arrow("sites", ["website", "outcome", "reason"]).to_pylist()
        wrong = [site for site in sites if site["outcome"] != "ok"]
        archived = sum(path.stat().st_size for path in (workspace / "archive").glob("*.warc.gz"))
        if wrong or not archived:
            sys.exit(f"{len(wrong)} sites not read, {archived} bytes archived; first: {(wrong or [None])[0]}")
        print(len(lake.read_arrow("pages", ["url"])))


def _run(*arguments: str) -> None:
    app(list(arguments), standalone_mode=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text(encoding="utf-8").split())
