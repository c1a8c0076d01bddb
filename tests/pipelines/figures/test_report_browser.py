"""The report in a real browser: it opens from the disk, asks for nothing else, breaks no rule of its own policy."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from pipelines.reporting import ReportInput, build_report

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; its absence is a failure where FIRMSCOPE_REQUIRE_BROWSER is set, and said aloud elsewhere."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        message = (
            f"none of {', '.join(NAMES)} is installed: the report was NOT tried in a browser (apt install chromium)"
        )
        if os.environ.get("FIRMSCOPE_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


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

    def number(self, script: str) -> float:
        """A number that a script in the page answers with; the page's own policy does not bind the debugger."""
        return float(self.page.evaluate(script))


@pytest.fixture
def report(tables: ReportInput, tmp_path: Path) -> Path:
    """The report of the small, hostile list."""
    return build_report(tmp_path, tables)


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_opens_quietly_at_every_width_and_in_both_schemes(
    browser: Browser, report: Path, width: int, dark: bool
) -> None:
    visit = Visit(browser, report, width, dark)
    assert visit.said == []
    assert visit.asked == [visit.url]
    assert visit.page.title() == "Sector clusters"
    assert visit.number("document.documentElement.scrollWidth") <= width
    ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 25, 27)" if dark else "rgb(253, 252, 250)")  # so the policy let the style sheet in
    assert visit.number("document.scripts.length") == 0
    visit.context.close()


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """A listening socket that stands for another host."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        yield listening


def _heard(elsewhere: socket.socket) -> bytes:
    """What the first caller said; Chromium may open a connection ahead of a frame that the policy then forbids."""
    try:
        connection, _ = elsewhere.accept()
    except TimeoutError:
        return b""
    with connection:
        connection.settimeout(elsewhere.gettimeout())
        try:
            return connection.recv(4096)
        except TimeoutError:
            return b""


def _inject(report: Path, html: str) -> None:
    whole = report.read_text(encoding="utf-8")
    report.write_text(whole.replace('<main id="main">', f'<main id="main">{html}'), encoding="utf-8")


@pytest.mark.parametrize(
    "injected",
    [
        '<script>alert("ran")</script>',
        '<p style="color: red">',
        "<style>p { color: red }</style>",
        '<img src="x" onerror="alert(1)">',
        '<img src="http://HOST/x.png">',
        '<link rel="stylesheet" href="http://HOST/x.css">',
        '<iframe src="http://HOST/"></iframe>',
    ],
    ids=["script", "style attribute", "style sheet", "handler", "picture", "linked style sheet", "frame"],
)
def test_the_policy_would_stop_what_slipped_through(
    browser: Browser, report: Path, elsewhere: socket.socket, injected: str
) -> None:
    _inject(report, injected.replace("HOST", f"127.0.0.1:{elsewhere.getsockname()[1]}"))
    visit = Visit(browser, report)
    assert any("Content Security Policy" in line for line in visit.said), visit.said
    assert not [line for line in visit.said if line.startswith("dialog")]
    assert _heard(elsewhere) == b""
    visit.context.close()


def test_without_the_policy_the_other_host_would_be_asked(
    browser: Browser, report: Path, elsewhere: socket.socket
) -> None:
    whole = report.read_text(encoding="utf-8")
    report.write_text(whole.replace("Content-Security-Policy", "x-none"), encoding="utf-8")
    _inject(report, f'<script src="http://127.0.0.1:{elsewhere.getsockname()[1]}/x.js" async></script>')
    context = browser.new_context()
    context.new_page().goto(report.as_uri(), wait_until="commit")
    elsewhere.settimeout(10)
    assert _heard(elsewhere).startswith(b"GET /x.js")
    context.close()


def test_bars_are_as_long_as_their_figures(browser: Browser, report: Path) -> None:
    visit = Visit(browser, report)
    widths = visit.page.eval_on_selector_all(
        "rect.bar", "bars => bars.map(bar => bar.getBoundingClientRect().width / bar.ownerSVGElement.clientWidth)"
    )
    assert widths == pytest.approx([3 / 3, 2 / 3, 1 / 3, 1 / 3], abs=0.01)  # transport, aerospace, space tech, cyber
    assert visit.page.get_by_role("img", name="Super clusters: businesses in each cluster").count() == 1
    visit.context.close()


def test_lists_that_are_folded_on_screen_are_printed(browser: Browser, report: Path) -> None:
    visit = Visit(browser, report)
    height = "document.querySelector('#unread details:not([open]) tbody tr').getBoundingClientRect().height"
    hidden = (
        "document.querySelector('#unread details:not([open]) tbody tr').checkVisibility({contentVisibilityAuto: true})"
    )
    assert visit.page.evaluate(hidden) is False
    visit.page.emulate_media(media="print")
    assert visit.page.evaluate(hidden) is True
    assert visit.number(height) > 10
    visit.context.close()


def test_stacked_lists_stay_tables_to_a_screen_reader(browser: Browser, report: Path) -> None:
    visit = Visit(browser, report, width=400)
    table = visit.page.locator("#cluster-transport table.firms")
    assert table.get_by_role("row").count() == 4
    assert table.get_by_role("columnheader").count() == 5
    assert table.get_by_role("rowheader").count() == 3
    visit.context.close()
