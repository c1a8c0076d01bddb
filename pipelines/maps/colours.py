"""Five colours for figures from few to many, told apart by their lightness alone: in grey, and by the colour-blind.

The lightest lies three times as far from the ground as it must to be seen at all (WCAG 1.4.11 asks for a contrast of
3), and each step is at least 1.4 from the next; in the dark, more is lighter. Hues follow viridis. ``map.css`` has the
same values, and a test holds the two together.
"""

from __future__ import annotations

LIGHT = ("#989239", "#367f54", "#00636c", "#174276", "#2a1049")
LIGHT_GROUND = "#fdfcfa"
DARK = ("#7564a4", "#5a8bca", "#46b6bc", "#8dd7a7", "#faf5a5")
DARK_GROUND = "#1e2528"
CLASSES = len(LIGHT)


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of ``#rrggbb``."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((luminance(rgb(one)), luminance(rgb(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: tuple[float, float, float]) -> float:
    """Relative luminance, 0 to 1, of red, green and blue from 0 to 255."""
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
