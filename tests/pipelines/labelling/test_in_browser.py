"""The page in a real browser: by keys alone, at two widths, quiet under its own policy, for a screen reader too."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route, expect

from labels.store import read_judgements
from pipelines.workspace import Workspace
from tests.browser import Axe
from tests.pipelines.labelling.conftest import Serve, Served


class Window:
    """One coder's browser, and everything that went wrong in it."""

    def __init__(self, browser: Browser, served: Served, coder: str, width: int = 1280, dark: bool = False) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._refuse)
        self.page.on("request", lambda request: self.asked.append(request.url))
        kept = served.enter(coder).cookies
        self.context.add_cookies([{"name": name, "value": kept[name], "url": served.origin} for name in kept])
        self.served = served

    def _refuse(self, dialog: Dialog) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def go(self, query: str) -> None:
        """Open the page on something, and wait for its parts."""
        self.page.goto(f"{self.served.origin}/?{query}")
        expect(self.page.locator("#progress .tally")).to_be_visible(timeout=30_000)

    def press(self, key: str) -> None:
        """Press a key, and wait for the next firm."""
        judge = self.page.locator("#judge")
        click = judge.get_attribute("data-click")
        assert click
        self.page.keyboard.press(key)
        expect(judge).not_to_have_attribute("data-click", click, timeout=30_000)

    @property
    def firm(self) -> str:
        """The firm that is shown."""
        return self.page.locator("#judge").get_attribute("data-firm") or ""


@pytest.fixture
def window(browser: Browser, served: Served, request: pytest.FixtureRequest) -> Iterator[Window]:
    """A window of a coder named after the test."""
    opened = Window(browser, served, request.node.name[:30].replace("[", " ").replace("]", " ").strip())
    yield opened
    opened.context.close()


def words(workspace: Workspace, coder: str) -> list[tuple[str, str, str]]:
    """What a coder said, oldest first."""
    held = read_judgements(workspace.labels_file)
    return [(word.firm_id, word.sector, word.label) for word in held if word.coder == coder]


def test_by_keys_alone(window: Window, small: Workspace) -> None:
    window.go("sector=cyber&firm=f14")
    page, coder = window.page, "test_by_keys_alone"
    window.press("i")
    second = window.firm
    assert second not in ("", "f14")
    assert page.evaluate("document.activeElement.id") == "firm-name"
    assert page.evaluate("location.search") == f"?sector=cyber&mode=fresh&firm={second}"
    window.press("x")
    third = window.firm
    window.press("z")  # back to the second
    assert window.firm == second
    window.press("u")
    window.press("n")
    assert words(small, coder) == [
        ("f14", "cyber", "include"), (second, "cyber", "exclude"), (second, "cyber", "unsure"),
        (second, "cyber", "unsure"),
    ]  # fmt: skip
    assert window.firm not in ("", "f14", second)
    assert third not in [firm for firm, _, _ in words(small, coder)]
    page.keyboard.press("m")
    page.keyboard.type("i think so")  # letters in the note are letters
    assert page.locator("#note").input_value() == "i think so"
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    assert page.locator("#judge input:checked").count() == 0
    page.keyboard.press("i")
    assert "No sector is ticked" in page.locator("#alert").inner_text()
    page.keyboard.press("1")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    window.press("I")  # and stays
    assert words(small, coder)[-1][2] == "include"
    assert window.firm == words(small, coder)[-1][0]
    assert page.locator("#note").input_value() == "i think so"
    page.go_back()
    expect(page.locator("#judge")).not_to_have_attribute("data-firm", words(small, coder)[-1][0], timeout=30_000)
    assert window.said == []


def test_a_mode_chosen_before_the_script_is_there_counts(window: Window) -> None:
    page, held = window.page, list[Route]()
    page.route("**/page.js*", lambda route: held.append(route))
    page.goto(f"{window.served.origin}/?sector=cyber&firm=f14", wait_until="commit")
    page.locator("#mode").select_option("second")
    while not held:
        page.wait_for_timeout(20)
    held.pop().continue_()
    page.unroute("**/page.js*")
    page.wait_for_url("**mode=second**", timeout=30_000)
    expect(page.locator("#mode")).to_have_value("second")


def test_search_and_similar_firms_are_reached_by_keys(window: Window) -> None:
    window.go("sector=cyber&firm=f15")
    page = window.page
    page.keyboard.press("/")
    page.keyboard.type("onerror OR rocket*")
    page.keyboard.press("Enter")
    expect(page.locator("#results .hits a")).to_have_count(1, timeout=30_000)
    assert page.locator("#results mark").count() >= 1
    page.keyboard.press("Enter")  # the first hit has the focus
    expect(page.locator("#judge")).to_have_attribute("data-firm", "hostile", timeout=30_000)
    page.keyboard.press("/")
    page.locator("#words").fill("(malware OR")
    page.keyboard.press("Enter")
    expect(page.locator("#results pre")).to_contain_text("^", timeout=30_000)
    assert window.said == []


def test_p06_p14_hostile_words_do_nothing(window: Window) -> None:
    window.go("sector=space&firm=hostile")
    expect(window.page.locator("#words-of details")).to_have_count(1)
    assert window.said == []
    assert [url for url in window.asked if not url.startswith(window.served.origin)] == []
    assert window.page.evaluate("document.images.length + document.scripts.length") == 1


def test_p06_the_policy_would_stop_what_slipped_through(window: Window) -> None:
    window.go("sector=space&firm=f16")
    window.page.evaluate("document.getElementById('firm').insertAdjacentHTML('beforeend', "
                         "'<img src=x onerror=alert(1)><p style=\"color: red\">x</p>')")  # fmt: skip
    window.page.wait_for_timeout(200)
    assert any("Content Security Policy" in line for line in window.said)
    assert not [line for line in window.said if line.startswith("dialog")]


def test_p09_two_windows_of_one_coder(browser: Browser, served: Served, small: Workspace) -> None:
    one, other = (Window(browser, served, "two windows") for _ in range(2))
    for window in (one, other):
        window.go("sector=cyber&firm=f17")
    one.press("i")
    other.page.locator("#note").fill("seen late")
    other.page.keyboard.press("Escape")
    other.page.keyboard.press("x")
    expect(other.page.locator("#clash")).to_be_visible(timeout=30_000)
    assert "include" in other.page.locator("#clash").inner_text()
    assert words(small, "two windows") == [("f17", "cyber", "include")]
    other.page.get_by_role("button", name="Say this instead").click()
    expect(other.page.locator("#judge")).not_to_have_attribute("data-firm", "f17", timeout=30_000)
    assert words(small, "two windows") == [("f17", "cyber", "include"), ("f17", "cyber", "exclude")]
    for window in (one, other):
        window.context.close()


def test_p12_a_refusal_keeps_the_note(browser: Browser, serve: Serve, own: Workspace) -> None:
    own.labels_file.symlink_to("/dev/full")
    window = Window(browser, serve(own), "anna")
    window.go("sector=cyber&firm=f01")
    window.page.locator("#note").fill("a long thought")
    window.page.keyboard.press("Escape")
    window.page.keyboard.press("i")
    expect(window.page.locator("#alert")).to_contain_text("The disk is full. Nothing was written", timeout=30_000)
    assert window.page.locator("#note").input_value() == "a long thought"
    own.labels_file.unlink()
    window.press("i")
    assert [word.note for word in read_judgements(own.labels_file)] == ["a long thought"]
    window.context.close()


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_fits_and_has_no_serious_fault(browser: Browser, axe: Axe, served: Served, width: int, dark: bool) -> None:
    window = Window(browser, served, f"w {width} {dark}", width, dark)
    places = ["/who", "/", "/?sector=space&firm=hostile", "/?sector=cyber&firm=f18", "/?sector=cyber&firm=gone"]
    for place in places:
        window.page.goto(served.origin + place)
        window.page.wait_for_timeout(300)
        assert window.page.evaluate("document.documentElement.scrollWidth") <= width, place
        assert axe(window.page) == [], place
    ground = window.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 25, 27)" if dark else "rgb(253, 252, 250)")
    window.context.close()


def test_landmarks_and_names(window: Window) -> None:
    window.go("sector=cyber&firm=f19")
    page = window.page
    for role in ("banner", "main", "search"):
        assert page.get_by_role(role).count() == 1, role
    for name in ("Cyber", "The model's view", "How far you are", "All its words"):
        assert page.get_by_role("region", name=name, exact=True).count() == 1, name
    assert page.get_by_role("checkbox", name="Cyber").is_checked()
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.locator("#said[role=status], #alert[role=alert]").count() == 2


def test_the_script_is_sound() -> None:
    """Where node is there; the browser would stop at the same fault."""
    script = Path(__file__).parents[3] / "pipelines" / "labelling" / "assets" / "page.js"
    try:
        subprocess.run(["node", "--check", script], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("node is not installed")
