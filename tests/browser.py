"""Debian's Chromium for all tests that open a page, and axe-core for those that ask whether everybody can read it.

``axe`` wants npm once: ``npm ci`` puts the pinned axe-core into ``.cache/axe``, checked against the digest in
``tests/axe/package-lock.json``. Nothing is put into the pages: the debugger runs it, past their own policy.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

ROOT = Path(__file__).resolve().parents[1]
PINNED = ROOT / "tests" / "axe"
CACHE = ROOT / ".cache" / "axe"
NAMES = ("chromium", "chromium-browser", "google-chrome")
GRAVE = ("serious", "critical")
WIDTHS = (1280, 400)

Axe = Callable[["Page"], list[str]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; its absence is a failure where FIRMSCOPE_REQUIRE_BROWSER is set, and said aloud elsewhere."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        _missing(f"none of {', '.join(NAMES)} is installed: no page was tried in a browser (apt install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def axe() -> Axe:
    """Ask axe-core about a page that stands open: its serious and critical findings, each as a line."""
    source = _axe_source()

    def ask(page: Page) -> list[str]:
        if page.evaluate("typeof axe") == "undefined":  # half a megabyte; a page that was resized still has it
            page.evaluate(source)
        found: dict[str, Any] = page.evaluate(
            "() => axe.run(document, {resultTypes: ['violations']})"
            ".then(({violations, passes}) => ({violations, passes: passes.length}))"
        )
        assert found["passes"], "axe looked at nothing"
        return [
            f"{rule['impact']} {rule['id']}: {node['html'][:120]} ({node['failureSummary'][:300]})"
            for rule in found["violations"]
            if rule["impact"] in GRAVE
            for node in rule["nodes"]
        ]

    return ask


class Visit:
    """One page opened from the disk, and everything it said or asked for."""

    def __init__(self, browser: Browser, file: Path, width: int = 1280, dark: bool = False) -> None:
        self.url = file.as_uri()
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._refuse)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(self.url)
        self.page.wait_for_load_state("networkidle")

    def _refuse(self, dialog: Dialog) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def shown(self, width: int, dark: bool) -> None:
        """Show the open page at another width, or in the other scheme."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if dark else "light")

    def number(self, script: str) -> float:
        """A number that a script in the page answers with; the page's own policy does not bind the debugger."""
        return float(self.page.evaluate(script))

    def close(self) -> None:
        """End it."""
        self.context.close()


def _axe_source() -> str:
    version: str = json.loads((PINNED / "package.json").read_text(encoding="utf-8"))["devDependencies"]["axe-core"]
    folder = CACHE / version
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None:
            _missing("npm is not installed: no page was tried with axe-core (apt install npm)")
        staging = folder.parent / f".{version}.{os.getpid()}"
        staging.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PINNED / name, staging)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        ended = subprocess.run(command, cwd=staging, capture_output=True, text=True, check=False, timeout=300)
        with suppress(OSError):  # another worker was first
            if not ended.returncode:
                staging.rename(folder)
        shutil.rmtree(staging, ignore_errors=True)
        if not script.is_file():
            _missing(f"npm ci could not fetch axe-core {version}: {ended.stderr[-400:]}")
    return script.read_text(encoding="utf-8")


def _missing(message: str) -> NoReturn:
    if os.environ.get("FIRMSCOPE_REQUIRE_BROWSER"):
        pytest.fail(message)
    pytest.skip(message)
