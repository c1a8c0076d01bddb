"""Say a night's facts in the order in which a person asks: is it published, what moved and why, is it right, what next.

The terminal, Markdown and the report's page all render this document, so that they cannot say different things. What
is empty is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crawler.e_mail import without_e_mail
from pipelines.night.facts import Movement, Night, NightFacts
from pipelines.night.gate import Check
from pipelines.night.state import ListMove
from pipelines.outside_text import page_text

MAX_LISTS = 10
MAX_MOVEMENTS = 8
MAX_SENTENCE = 160  # characters; two lines of a terminal
MAX_NAME = 60
MAX_REASON = 500

CAUSES = {
    "site_changed": "site changed",
    "site_gone": "site gone",
    "site_and_model": "site and model changed",
    "register_changed": "register changed",
    "model_changed": "model changed",
    "taxonomy_changed": "taxonomy changed",
    "label_changed": "label changed",
    "settings_changed": "settings changed",
    "unexplained": "no cause found",
}


class Outside(str):
    """Words of strangers: shown as they are, never obeyed, set apart so that they cannot turn what is beside them."""

    __slots__ = ()


Line = tuple[str, ...]  # a sentence in pieces, some of them Outside


@dataclass(frozen=True)
class Column:
    """A heading; ``number``: set to the right."""

    heading: str
    number: bool = False


@dataclass(frozen=True)
class Rows:
    """A small table; ``about`` says what it shows to who cannot see it."""

    about: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Part:
    """A heading, sentences and perhaps a table; ``commands`` are to be typed as they stand."""

    key: str
    title: str
    lines: tuple[Line, ...] = ()
    table: Rows | None = None
    after: tuple[Line, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """The whole: ``verdict`` is one of the words of ``NightFacts``; ``headline`` says it, ``reasons`` say why."""

    verdict: str
    headline: str
    reasons: tuple[Line, ...]
    parts: tuple[Part, ...]


def tell(facts: NightFacts) -> Told:
    """The document of a night."""
    parts = (
        _moved(facts.night),
        _coverage(facts),
        _drift(facts.night),
        _checked(facts.night),
        _work(facts),
        _next(facts),
    )
    return Told(facts.verdict, _headline(facts), _reasons(facts), tuple(part for part in parts if part is not None))


def number(value: float) -> str:
    """A count with thousands separators."""
    return f"{value:,.0f}"


def size(count: float) -> str:
    """Bytes for a person."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def span(seconds: float) -> str:
    """A duration for a person."""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def plural(count: int, one: str, many: str = "") -> str:
    """``3 firms``, ``1 firm``."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def outside(text: str, longest: int) -> Outside:
    """Words of strangers on one line, cut, without e-mail addresses and without characters that turn the line."""
    clean = page_text(without_e_mail(text))
    return Outside(clean if len(clean) <= longest else clean[: longest - 1].rstrip() + "…")


def cause(word: str) -> str:
    """A cause in words; one that this release does not know is shown as it is."""
    return CAUSES.get(word, word.replace("_", " "))


def _headline(facts: NightFacts) -> str:
    stands = f"the figures of run {facts.published_run} stay" if facts.published_run else "nothing is published yet"
    if facts.verdict == "held":
        still = f"Still held back since run {facts.held_run}" if facts.held_run else "Held back"
        return f"{still}: {stands}."
    if facts.verdict == "unchanged":
        return f"Nothing to publish has changed: {stands}."
    if facts.verdict == "failed":
        return f"The night did not end well: {stands}."
    if facts.verdict == "published" and facts.night is None:
        return f"Published: the figures of run {facts.published_run}, which was cut short before it could show them."
    before = facts.night.before_run if facts.night else None
    replaced = f", in the place of those of run {before}" if before else ", for the first time"
    if facts.release:
        return f"Published after a look: the figures of held run {facts.release.run_id}{replaced}."
    return f"Published: the figures of run {facts.run_id}{replaced}."


def _reasons(facts: NightFacts) -> tuple[Line, ...]:
    held = [check.sentence for check in facts.night.gate.reasons] if facts.night else facts.held_for
    found = list(_each(held))
    if facts.release:
        found.append(("Published all the same, for this reason: ", outside(facts.release.reason, MAX_REASON)))
    return tuple(found)


def _moved(night: Night | None) -> Part | None:
    moved = [found for found in night.lists if found.entered or found.left] if night else []
    if night is None or not moved:
        return None
    moved.sort(key=lambda found: (-sum(found.entered.values()) - sum(found.left.values()), found.key))
    rows = tuple(_row_of(found) for found in moved[:MAX_LISTS])
    columns = (
        Column("List"), Column("Before", True), Column("Now", True), Column("In", True), Column("Out", True),
        Column("Why"),
    )  # fmt: skip
    more = len(moved) - MAX_LISTS
    after: list[Line] = [(f"{plural(more, 'list')} more moved.",)] if more > 0 else []
    after += [_sentence(movement) for movement in night.movements[:MAX_MOVEMENTS]]
    left = max(len(night.movements) - MAX_MOVEMENTS, 0) + night.more_movements
    after += [(f"{plural(left, 'move')} more.",)] if left else []
    return Part("moved", "What moved", (), Rows("Lists that changed", columns, rows), tuple(after))


def _row_of(move: ListMove) -> tuple[str, ...]:
    causes: dict[str, int] = {}
    for by_cause in (move.entered, move.left):
        for word, count in by_cause.items():
            causes[word] = causes.get(word, 0) + count
    why = ", ".join(
        f"{cause(word)} {count:,}" for word, count in sorted(causes.items(), key=lambda at: (-at[1], at[0]))
    )
    return (
        outside(move.name, MAX_NAME), number(move.before), number(move.after), number(sum(move.entered.values())),
        number(sum(move.left.values())), why,
    )  # fmt: skip


def _sentence(movement: Movement) -> Line:
    went = " entered " if movement.entered else " left "
    firm, place = outside(movement.firm or movement.firm_id, MAX_NAME), outside(movement.list_name, MAX_NAME)
    why = f", {cause(movement.cause)}"
    if not movement.sentence:
        return firm, went, place, f"{why}."
    return firm, went, place, f"{why}: ", outside(movement.sentence, MAX_SENTENCE)


def _each(sentences: Iterable[str]) -> tuple[Line, ...]:
    return tuple((sentence,) for sentence in sentences)


def _coverage(facts: NightFacts) -> Part | None:
    lines: list[str] = []
    if facts.night:
        state, before = facts.night.state, facts.night.before
        share = f" ({state.read / state.firms:.1%})" if state.firms else ""
        was = f"; before: {number(before.read)} of {number(before.firms)}" if before and before != state else ""
        lines.append(f"{number(state.read)} of {plural(state.firms, 'firm')} have been read{share}{was}.")
    if facts.in_a_sector or facts.classified:
        lines.append(
            f"{plural(facts.in_a_sector, 'firm')} in a sector or more; {number(facts.classified)} decided tonight, "
            "those without words among them."
        )
    lines += [check.sentence for check in _checks(facts.night, "reached")]
    if facts.outcomes:
        lines.append(f"Sites by newest visit: {_counts(facts.outcomes)}.")
    if facts.not_recognised:
        left_out = "; these firms are left out" if facts.match_required else "; their words count all the same"
        lines.append(
            f"{plural(facts.not_recognised, 'site')} not recognised as the firm's own{left_out} (match.require)."
        )
    return Part("coverage", "What was read", _each(lines)) if lines else None


def _drift(night: Night | None) -> Part | None:
    if night is None or not night.drift:
        return None
    crossed = [page_text(line.sentence) for line in night.drift if line.crossed]
    within = len(night.drift) - len(crossed)
    rest = f"{plural(within, 'measure')} of drift within {'its threshold' if within == 1 else 'their thresholds'}."
    return Part("drift", "Drift", _each([*crossed, *([rest] if within else [])]))


def _checked(night: Night | None) -> Part | None:
    passed = (
        [check.sentence for check in night.gate.checks if check.passed and check.name != "reached"] if night else []
    )
    return Part("checked", "What was checked and passed", _each(passed)) if passed else None


def _work(facts: NightFacts) -> Part | None:
    if not facts.stages:
        return None
    columns = (
        Column("Stage"), Column("In", True), Column("Out", True), Column("Unchanged", True), Column("Dropped", True),
        Column("Took", True),
    )  # fmt: skip
    rows = tuple(
        (
            found.stage, number(found.rows_in), number(found.rows_out), number(found.unchanged),
            number(sum(found.dropped.values())), span(found.seconds),
        )
        for found in facts.stages
    )  # fmt: skip
    used = {name: count for name, count in facts.disk.items() if name != "free"}
    disk = f"On disk: {', '.join(f'{name} {size(count)}' for name, count in used.items())}" if used else ""
    disk += f"; free {size(facts.disk['free'])}" if disk and "free" in facts.disk else ""
    return Part(
        "work",
        f"The work: {span(facts.seconds)}",
        (),
        Rows("Stages", columns, rows),
        _each([f"{disk}."] if disk else []),
    )


def _next(facts: NightFacts) -> Part | None:
    lines = [f"{name}: {place}" for name, place in facts.places.items()]
    commands = []
    if facts.verdict == "held":
        held = facts.held_run or facts.run_id
        if facts.published_run:
            commands.append(f"firmscope diff {facts.published_run} {held}")
        commands.append(f"firmscope nightly --release {held} --reason '...'")
    if facts.verdict == "failed":
        commands.append(f"firmscope runs show {facts.run_id}")
    if facts.night and any(line.crossed for line in facts.night.drift):
        commands.append("firmscope labels next")
    return Part("next", "Where to look", _each(lines), commands=tuple(commands)) if lines or commands else None


def _checks(night: Night | None, name: str) -> list[Check]:
    return [check for check in night.gate.checks if check.name == name and check.passed] if night else []


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{word} {count:,}" for word, count in sorted(counts.items(), key=lambda at: (-at[1], at[0])))
