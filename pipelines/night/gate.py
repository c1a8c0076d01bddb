"""Decide whether a night's figures may take the place of those published, by figures and thresholds alone.

Every check says its figures and its threshold, passed or not, so that a shortfall is printed also on a night that is
published. The same facts give the same verdict: nothing is remembered between nights but what is published.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from pipelines.night.state import Candidate, ListMove, Pair, Reached

if TYPE_CHECKING:
    from pipelines.night_settings import GateConfig

Name = Literal["first", "reached", "lists", "coverage", "failures", "words", "totals", "parts"]

RISE_OF_SITES = 0.01
"""Of all sites: a rise of failures below it is looked past, however rare failures were. In a long list the doubling of
a handful is chance, and no figure moves by it. Chosen, not measured."""

ALLOWED_FAILURES = 5
"""Sites that the share must allow to fail before the sites tried are a measure by themselves: 100 sites at 95 %. Where
one visit in fifty newly fails, 100 sites fall below 95 % by chance in 1.6 % of nights, 25 sites in 9 %."""

ONE_SITE = 1
"""In a list of fewer than twenty sites one that fails is already more than a twentieth; it says nothing of the line."""

ROUNDING = 1e-9  # a share of exactly the threshold passes, whatever binary fractions make of it


@dataclass(frozen=True)
class Check:
    """One thing looked at; ``value`` and ``threshold`` are None where a sentence says all there is."""

    name: Name
    passed: bool
    sentence: str
    value: float | None = None
    threshold: float | None = None
    about: str = ""  # key of the list


@dataclass(frozen=True)
class GateResult:
    """The verdict and everything that was looked at, in a fixed order."""

    checks: tuple[Check, ...]

    @property
    def reasons(self) -> tuple[Check, ...]:
        """Checks that hold publication back."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def held(self) -> bool:
        """Whether publication is held back."""
        return bool(self.reasons)

    def as_dict(self) -> dict[str, Any]:
        """The verdict for a program."""
        return {
            "held": self.held,
            "reasons": [check.sentence for check in self.reasons],
            "checks": [asdict(check) for check in self.checks],
        }


def judge(published: str | None, now: Candidate, settings: GateConfig) -> GateResult:
    """Judge what would be published against what is.

    Args:
        published: The run whose figures stand published; None before the first publication, which only broken totals,
            or a list of which no firm was read, hold back.
        now: What would take their place, beside facts of what stands.
        settings: Thresholds.
    """
    parts = [_parts(now, settings)] if now.undone else []
    if published is None:
        return GateResult((_first(now), _totals(now), *parts))
    found = [_totals(now), *parts]
    if now.reached is not None:
        found.append(_reached(now.reached, settings))
    if now.coverage is not None:
        found.append(_coverage(now.coverage, settings))
    if now.failures is not None:
        found.append(_failures(now.failures, settings))
    if now.chars is not None:
        found.append(_words(now.chars, settings))
    return GateResult((*found, *_lists(now.lists, settings)))


def _first(now: Candidate) -> Check:
    """A list of which no site was ever visited, such as a register alone, has figures by SIC code to publish."""
    state = now.state
    said = f"First publication: {state.read:,} of {state.firms:,} firms were read."
    if not state.read:
        said = f"No firm was read, of {state.firms:,}; {state.sites:,} sites were visited."
    return Check("first", state.read > 0 or not state.sites, said, float(state.read))


def _totals(now: Candidate) -> Check:
    if now.breaks:
        return Check("totals", False, " ".join(now.breaks), float(len(now.breaks)), 0.0)
    return Check("totals", True, f"Totals bear out: {now.totals:,} were worked out again.", 0.0, 0.0)


def _parts(now: Candidate, settings: GateConfig) -> Check:
    """Said only where it happened: a worker that dies is run again, and a part that fails three times is a fault."""
    share = 1 - now.undone / now.state.firms if now.state.firms else 0.0
    return Check(
        "parts",
        share >= settings.reached - ROUNDING,
        f"{now.undone:,} of {now.state.firms:,} firms were left as they were, because the part of a stage that had "
        f"them failed three times ({share:.1%} were worked on); at least {settings.reached:.0%} must.",
        share,
        settings.reached,
    )


def _reached(reached: Reached, settings: GateConfig) -> Check:
    """Where so few sites were tried that chance would decide, all that were read before are the measure."""
    if not reached.tried:
        none = f"None of {reached.known:,} sites read before was due." if reached.known else "No site was read before."
        return Check("reached", True, none, None, settings.reached)
    few = reached.tried * (1 - settings.reached) < ALLOWED_FAILURES - ROUNDING
    size = reached.known if few else reached.tried
    share = (size - reached.shortfall) / size
    what = "sites read before" if few else "sites read before and tried since"
    missed = ", ".join(f"{outcome} {number:,}" for outcome, number in sorted(reached.missed.items()))
    said = f"Of {size:,} {what}, {size - reached.shortfall:,} answered ({share:.1%})"
    said += f"; {reached.shortfall:,} did not ({missed})" if missed else ""
    enough, rule = share >= settings.reached - ROUNDING, f"at least {settings.reached:.0%} must"
    if not enough and size > 1 and reached.shortfall <= ONE_SITE:
        enough, rule = True, f"{rule}, but one site alone holds no night"
    return Check("reached", enough, f"{said}; {rule}.", share, settings.reached)


def _coverage(coverage: Pair, settings: GateConfig) -> Check:
    fall = coverage.before - coverage.now
    return Check(
        "coverage",
        fall <= settings.coverage_falls + ROUNDING,
        f"Of {coverage.n:,} firms listed then and now {coverage.now:.1%} have been read, {coverage.before:.1%} before; "
        f"a fall of up to {settings.coverage_falls * 100:g} points is published.",
        fall,
        settings.coverage_falls,
    )


def _failures(failures: Pair, settings: GateConfig) -> Check:
    rise = failures.now - failures.before
    looked_at = rise * failures.n >= settings.failures_least - ROUNDING and rise >= RISE_OF_SITES - ROUNDING
    held = looked_at and failures.now >= settings.failures_rise * failures.before - ROUNDING
    return Check(
        "failures",
        not held,
        f"Of {failures.n:,} sites {failures.now:.1%} could not be read when last tried, {failures.before:.1%} before; "
        f"below {settings.failures_rise:g} times as many is published, and so are fewer than "
        f"{settings.failures_least:,} more.",
        failures.now / failures.before if failures.before else None,
        settings.failures_rise,
    )


def _words(chars: Pair, settings: GateConfig) -> Check:
    fall = 1 - chars.now / chars.before if chars.before else 0.0
    return Check(
        "words",
        fall < settings.words_fall - ROUNDING or fall <= 0,
        f"The words of {chars.n:,} sites have a median length of {chars.now:,.0f} characters, {chars.before:,.0f} "
        f"before; a fall of less than {settings.words_fall:.0%} is published.",
        fall,
        settings.words_fall,
    )


def _lists(lists: tuple[ListMove, ...], settings: GateConfig) -> Iterator[Check]:
    held = [check for move in lists for check in _of_list(move, settings)]
    yield from held
    if held or not lists:
        return
    moved = [move for move in lists if move.undecided]
    if not moved:
        yield Check("lists", True, f"None of {len(lists):,} lists moved by its websites.", 0.0, settings.list_moves)
        return
    most = max(moved, key=lambda move: (move.share, move.undecided, move.key))
    rule = f"up to {settings.list_moves:.0%}, or fewer than {settings.list_firms:,} firms, is published"
    yield Check(
        "lists",
        True,
        f"{len(moved):,} of {len(lists):,} lists moved by their websites, {most.name} the most: {most.undecided:,} "
        f"in or out, {most.before:,} before ({most.share:.0%}); {rule}.",
        most.share,
        settings.list_moves,
        most.key,
    )


def _of_list(move: ListMove, settings: GateConfig) -> Iterator[Check]:
    """What holds publication back for one list: at most the unexplained, and one of emptied and moved."""
    if move.unexplained:
        yield Check(
            "lists", False,
            f"{move.name}: {move.unexplained:,} entered or left and no cause was found; none may.",
            float(move.unexplained), 0.0, move.key,
        )  # fmt: skip
    if move.before >= settings.list_empties and not move.after and move.left_undecided:
        yield Check(
            "lists", False,
            f"{move.name} went from {move.before:,} to none, {move.left_undecided:,} of them by their websites.",
            1.0, settings.list_moves, move.key,
        )  # fmt: skip
    elif move.undecided >= settings.list_firms and move.share > settings.list_moves + ROUNDING:
        yield Check(
            "lists", False,
            f"{move.name}: {move.undecided:,} entered or left by their websites, {move.before:,} before "
            f"({move.share:.0%}); up to {settings.list_moves:.0%} is published.",
            move.share, settings.list_moves, move.key,
        )  # fmt: skip
