"""Take the pictures of the labelling page that the README shows: ``python -m tests.screenshots WORKSPACE OUT_DIR``.

Any workspace with classified firms will do; nothing is judged, so nothing is written.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from shutil import which

from playwright.sync_api import Browser, expect, sync_playwright

WIDTHS = {"desk": (1280, 900, "light"), "desk-dark": (1280, 900, "dark"), "phone": (400, 850, "light")}
NAMES = ("chromium", "chromium-browser", "google-chrome")


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


def main() -> None:
    """Serve the page and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sector", default="cyber")
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
        finally:
            browser.close()
            server.terminate()


if __name__ == "__main__":
    main()
