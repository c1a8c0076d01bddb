"""The page in 3-D: nothing is asked for, whatever pydeck would ask for, and something is drawn."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pipelines.errors import UsageError
from pipelines.maps.content import HexMap
from pipelines.maps.ground import Ground
from pipelines.maps.hexagons import page_map
from pipelines.maps.threed import deck_json, write_3d
from tests.browser import NAMES, Axe, Visit
from tests.pipelines.maps.conftest import BIRMINGHAM, DERBY, NOTTINGHAM, cells, rows

HOSTILE = "</script><script>alert(1)</script><!--"
SOFTWARE = ["--no-sandbox", "--enable-unsafe-swiftshader", "--use-gl=angle", "--use-angle=swiftshader"]


@pytest.fixture
def hex_map(ground: Ground) -> HexMap:
    """A map of three hexagons, one of them withheld, with a hostile word where one cannot be today."""
    made = page_map(
        cells(
            rows(NOTTINGHAM, 12, 340, 5e6), rows(BIRMINGHAM, 3, 30, 2e6),
            rows(DERBY, None, None, None, flags=("suppressed",)),
        ),
        ground,
    )  # fmt: skip
    assert made is not None
    last = made.hexagons[-1]
    return replace(made, hexagons=(*made.hexagons[:-1], replace(last, label=last.label + HOSTILE)))


@pytest.fixture
def page(tmp_path: Path, hex_map: HexMap, ground: Ground) -> Path:
    """The page in 3-D."""
    return write_3d(tmp_path / "cluster-air-3d.html", hex_map, ground, f"Air & space {HOSTILE}", "cluster-air.html")


@pytest.fixture(scope="module")
def drawing() -> Iterator[Browser]:
    """Chromium that draws in three dimensions without a graphics card; its absence is told by the other tests."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium: the page in 3-D was NOT tried in a browser (apt install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=SOFTWARE)
        yield started
        started.close()


class _Tags(HTMLParser):
    """Every element of a page with its attributes; what stands in a script is no element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_nothing_in_the_page_names_another_host(page: Path) -> None:
    tags = _Tags(page.read_text(encoding="utf-8")).found
    assert [attributes for tag, attributes in tags if tag == "script"] == [
        {"type": "application/json", "id": "layers"}, {}, {},
    ]  # fmt: skip
    assert [attributes["href"] for _, attributes in tags if "href" in attributes] == ["cluster-air.html"]
    assert not {"src", "srcset", "srcdoc", "data", "action", "style"} & {name for _, held in tags for name in held}
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in tags}
    policy = next(attributes["content"] for tag, attributes in tags if tag == "meta" and "http-equiv" in attributes)
    assert policy
    assert [rule.split()[0] for rule in policy.split("; ")] == [
        "default-src", "style-src", "img-src", "script-src", "base-uri", "form-action",
    ]  # fmt: skip
    assert "default-src 'none'" in policy
    assert "img-src data:" in policy
    assert "unsafe" not in policy
    style = re.search(r"<style>(.*?)</style>", page.read_text(encoding="utf-8"), re.DOTALL)
    assert style
    assert not re.search(r"url\(|@import", style[1])


def test_the_layers_are_those_of_the_flat_map(hex_map: HexMap, ground: Ground) -> None:
    borders, columns = json.loads(deck_json(hex_map, ground))["layers"]
    assert [(row["hex"], row["value"]) for row in columns["data"]] == [
        (DERBY, 0.0),
        (BIRMINGHAM, 3.0),
        (NOTTINGHAM, 12.0),
    ]
    assert len({tuple(row["color"]) for row in columns["data"]}) == 3
    assert columns["data"][0]["label"] == hex_map.hexagons[0].label
    assert all(-9 < lon < 3 and 49 < lat < 61 for row in borders["data"] for lon, lat in row["path"])


def test_the_same_map_is_the_same_bytes(page: Path, hex_map: HexMap, ground: Ground, tmp_path: Path) -> None:
    again = write_3d(tmp_path / "again.html", hex_map, ground, f"Air & space {HOSTILE}", "cluster-air.html")
    assert again.read_bytes() == page.read_bytes()


def test_it_draws_and_asks_for_nothing(drawing: Browser, page: Path, axe: Axe) -> None:
    visit = Visit(drawing, page)
    canvas = visit.page.locator("canvas")
    canvas.wait_for()
    visit.page.wait_for_timeout(3_000)
    assert visit.asked == [visit.url]
    assert [line for line in visit.said if not line.startswith("deck: No recognized map provider")] == []
    assert not visit.page.locator("#trouble").is_visible()
    colours = visit.page.evaluate(COLOURS, _base64(canvas.screenshot()))
    assert colours["ground"] > 0.5 * colours["all"]
    assert colours["yellow"] > 50, colours  # the tallest column, in the lightest colour
    assert colours["kinds"] > 20
    assert axe(visit.page) == []
    visit.close()


def test_without_three_dimensions_it_says_so(drawing: Browser, page: Path) -> None:
    context = drawing.new_context()
    context.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    opened = context.new_page()
    opened.goto(page.as_uri())
    assert "cannot draw in three dimensions" in opened.get_by_role("alert").inner_text()
    context.close()


def test_without_the_extra_it_says_what_to_install(
    hex_map: HexMap, ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydeck", None)
    with pytest.raises(UsageError, match=r"pip install 'firmscope\[maps3d\]'"):
        write_3d(tmp_path / "page.html", hex_map, ground, "Air")
    assert not list(tmp_path.iterdir())


def test_a_map_of_nothing_is_refused(ground: Ground, tmp_path: Path) -> None:
    made = page_map(cells(rows("unknown")), ground)
    assert made is not None
    with pytest.raises(UsageError, match="no hexagon to show"):
        write_3d(tmp_path / "page.html", made, ground, "Air")


COLOURS = """async (png) => {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(picture.width, picture.height), pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0);
  const data = pen.getImageData(0, 0, picture.width, picture.height).data, kinds = new Set();
  let ground = 0, yellow = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue] = data.subarray(at, at + 3);
    kinds.add(red << 16 | green << 8 | blue);
    if (red === 30 && green === 37 && blue === 40) ground++;
    if (red > 100 && green > 100 && red - blue > 30) yellow++;
  }
  return { all: data.length / 4, ground, yellow, kinds: kinds.size };
}"""


def _base64(picture: bytes) -> str:
    import base64

    return base64.b64encode(picture).decode()
