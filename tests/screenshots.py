"""Take the pictures that the README shows, of the labelling page and of the report: ``python -m tests.screenshots
WORKSPACE OUT_DIR``.

Any workspace with a published report will do; nothing is judged, so nothing is written.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import Literal

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import NAMES

WIDTHS = {"desk": (1280, 900, "light"), "desk-dark": (1280, 900, "dark"), "phone": (400, 850, "light")}


def take(browser: Browser, link: str, out: Path, sector: str) -> None:
    """One picture per width."""
    out.mkdir(parents=True, exist_ok=True)
    for name, (width, height, scheme) in WIDTHS.items():
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
        )
        page = context.new_page()
        page.goto(link)
        page.goto(f"{link.split('?')[0]}?sector={sector}")
        expect(page.locator("#judge")).not_to_have_attribute("data-firm", "", timeout=120_000)
        expect(page.locator("#progress .tally")).to_be_visible(timeout=60_000)
        page.wait_for_timeout(500)
        page.screenshot(path=out / f"{name}.png")
        context.close()


def take_report(browser: Browser, report: Path, out: Path, cluster: str) -> None:
    """The report's overview, light and dark, and the page of one cluster."""
    for name, page_name, scheme in (
        ("report-overview", "index.html", "light"), ("report-dark", "index.html", "dark"),
        ("report-cluster", f"cluster-{cluster}.html", "light"),
    ):  # fmt: skip
        dark: Literal["dark", "light"] = "dark" if scheme == "dark" else "light"
        context = browser.new_context(
            viewport={"width": 1280, "height": 1750 if name == "report-cluster" else 1150}, color_scheme=dark
        )
        page = context.new_page()
        page.goto((report / page_name).resolve().as_uri())
        page.wait_for_timeout(300)
        page.screenshot(path=out / f"{name}.png")
        context.close()


def main() -> None:
    """Serve the page and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sector", default="cyber")
    parser.add_argument("--cluster", default="digital_technologies_services")
    given = parser.parse_args()
    serve = ["labels", "serve", "--port", "0", "--coder", "anna", "--sector", given.sector]
    command = [sys.executable, "-m", "pipelines.cli", "--workspace", str(given.workspace), *serve]
    found = next(filter(None, map(which, NAMES)), None)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        assert server.stdout is not None
        server.stdout.readline()
        link = server.stdout.readline().strip()
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            take(browser, link, given.out, given.sector)
            take_report(browser, given.workspace / "report", given.out, given.cluster)
        finally:
            browser.close()
            server.terminate()


if __name__ == "__main__":
    main()
