"""What a person sees of a diff, of strangers' words too."""

from __future__ import annotations

import pytest

from pipelines.churn.headlines import Headline
from pipelines.churn.result import Churn, ListChurn, Move
from pipelines.diff_screen import SHOWN, cause_words, print_diff

HOSTILE = Move(
    "cyber", "f\x1b[2J", "[red]Evil[/red]\nLtd \N{RIGHT-TO-LEFT OVERRIDE}", True, "site_changed", "said\x07 more",
    sentence="We\x1b]8;;https://evil.example\x07 click", sentence_is="came", url="javascript:alert(1)",
)  # fmt: skip


def shown(found: Churn, capsys: pytest.CaptureFixture[str], *figures: Headline) -> str:
    print_diff(found, figures)
    return capsys.readouterr().out


def test_strangers_words_stay_words(capsys: pytest.CaptureFixture[str]) -> None:
    churn = Churn("r1", "r2", (ListChurn("cyber", "Cyber", 0, 1, {"site_changed": 1}, {}),), (HOSTILE,))
    out = shown(churn, capsys)
    assert "[red]Evil[/red] Ltd" in out
    assert not [char for char in out if not char.isprintable() and char != "\n"]
    assert "New on its site" in out


def test_long_lists_are_cut_and_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    many = tuple(Move("cyber", f"f{n:03}", "F", True, "model_changed", "d") for n in range(SHOWN + 5))
    churn = Churn("r1", "r2", (ListChurn("cyber", "Cyber", 0, len(many), {"model_changed": len(many)}, {}),), many)
    out = shown(churn, capsys, Headline("cyber", "turnover_gbp", None, 2_500_000.0))
    assert "... and 5 more that entered" in out
    assert "- to £2.5m" in out
    assert f"f{SHOWN:03}" not in out


def test_nothing_is_said_shortly(capsys: pytest.CaptureFixture[str]) -> None:
    assert "No firm entered or left a list." in shown(Churn("a", "b", (ListChurn("c", "C", 1, 1, {}, {}),), ()), capsys)


def test_causes_stand_by_number() -> None:
    assert cause_words({"site_gone": 1, "register_changed": 2}) == "2 register changed, 1 site gone"
