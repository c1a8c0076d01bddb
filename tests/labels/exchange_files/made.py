"""The invented firms of these files, as firmscope hands them out."""

from __future__ import annotations

from labels.exchange.records import FirmSheet
from labels.store import Judgement
from labels.taxonomy import Sector

SECTORS = (
    Sector("air", "Aerospace & flight", definition='Makes or mends what flies, "drones" too; $5 toys are out.'),
    Sector("space", "Space"),
)
FIRMS = (
    FirmSheet("00017", "Larkwing Ltd", "https://larkwing.example",
              "We make wings.\n\nAnd <b>rivets</b>, £5 \N{EN DASH} “cheap”.", "0a" * 32,
              (Judgement("00017", "air", "include", "anna", "2026-01-02", 'says "wings"', "1", "0a" * 32),)),
    FirmSheet("f2", "Ovenlight", "", "We bake bread.", "0b" * 32),
    FirmSheet("f3", "Orbit Tea", "https://orbit-tea.example/a?b=1&c=2", "Tea for $atellite crews.", "0c" * 32),
)  # fmt: skip
