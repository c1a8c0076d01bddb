"""The ramp as numbers: seen on its ground, told apart step by step, in grey and by the colour-blind."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest

from pipelines.maps.colours import DARK, DARK_GROUND, LIGHT, LIGHT_GROUND, contrast, luminance, rgb
from pipelines.reporting.html import TEMPLATES

SEEN = 3.0  # WCAG 2.2, 1.4.11
APART = 1.3
# Full protanopia, deuteranopia and tritanopia on linear light (Machado, Oliveira and Fernandes 2009, severity 1.0).
BLINDNESS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
RAMPS = pytest.mark.parametrize(("ramp", "ground"), [(LIGHT, LIGHT_GROUND), (DARK, DARK_GROUND)], ids=["light", "dark"])


def test_contrast_of_black_and_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@RAMPS
def test_every_class_is_seen_on_its_ground(ramp: tuple[str, ...], ground: str) -> None:
    assert min(contrast(colour, ground) for colour in ramp) >= SEEN


@RAMPS
def test_steps_are_told_apart_by_lightness_alone(ramp: tuple[str, ...], ground: str) -> None:
    away = [contrast(colour, ground) for colour in ramp]
    assert away == sorted(away)
    assert min(contrast(one, other) for one, other in pairwise(ramp)) >= 1.4


@RAMPS
@pytest.mark.parametrize("kind", BLINDNESS)
def test_steps_are_told_apart_by_the_colour_blind(ramp: tuple[str, ...], ground: str, kind: str) -> None:
    seen = [_as_seen(colour, kind) for colour in ramp]
    steps = [abs(np.log((one + 0.05) / (other + 0.05))) for one, other in pairwise(seen)]
    assert min(steps) >= np.log(APART)


@pytest.mark.parametrize(("ramp", "place"), [(LIGHT, 0), (DARK, 1), (LIGHT, 2), (LIGHT, 3)])
def test_style_sheet_has_the_same(ramp: tuple[str, ...], place: int) -> None:
    css = (TEMPLATES / "map.css").read_text(encoding="utf-8")
    ramps = re.findall(r"--map-0: (#\w+); --map-1: (#\w+); --map-2: (#\w+); --map-3: (#\w+); --map-4: (#\w+);", css)
    assert len(ramps) == 4  # light, dark, print, forced colours
    assert ramps[place] == ramp
    grounds = re.findall(r"--map-land: (#\w+);", css)
    assert grounds[:2] == [LIGHT_GROUND, DARK_GROUND]


def test_the_page_in_three_dimensions_has_the_dark_one() -> None:
    css = (TEMPLATES / "map3d.css").read_text(encoding="utf-8")
    assert tuple(re.findall(r"\.words \.s\d \{ fill: (#\w+); \}", css)) == DARK


def _as_seen(colour: str, kind: str) -> float:
    parts = np.array(rgb(colour)) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(BLINDNESS[kind]) @ linear, 0, 1)
    back = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return luminance((back[0] * 255, back[1] * 255, back[2] * 255))
