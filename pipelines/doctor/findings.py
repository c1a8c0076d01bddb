"""What a check found: a state, what was seen, what was expected, and the cure as a command to type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warn", "wrong"]
MAX_SHOWN = 10  # faults of one kind that are told one by one; the others are counted


@dataclass(frozen=True)
class Finding:
    """One check; ``warn`` is worth a look, ``wrong`` makes figures unsafe or stops the next night."""

    name: str
    state: State
    seen: str
    expected: str = ""
    cure: str = ""


@dataclass(frozen=True)
class Report:
    """All that was checked, and what a repair did (sentences), if there was one."""

    findings: tuple[Finding, ...]
    repaired: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return all(found.state != "wrong" for found in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For a program."""
        checks = [asdict(found) for found in self.findings]
        return {"well": self.is_well, "checks": checks, "repaired": list(self.repaired)}


def faults(name: str, seen: Sequence[str], expected: str, cure: str, state: State = "wrong") -> list[Finding]:
    """A finding for each fault; past the first ones they are counted together."""
    found = [Finding(name, state, one, expected, cure) for one in seen[:MAX_SHOWN]]
    more = len(seen) - len(found)
    return [*found, *([Finding(name, state, f"and {more:,} more", expected, cure)] if more else [])]


def first_words(error: BaseException, most: int = 160) -> str:
    """An error on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= most else f"{text[:most]} ..."


def counted(number: int, one: str, several: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def in_words(names: Iterable[str]) -> str:
    """Names with commas."""
    return ", ".join(names)
