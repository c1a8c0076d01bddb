"""A night's figures in Prometheus' text format, for the textfile collector of a node exporter.

The file is replaced whole, in one step, since the collector reads it at any instant. A night that was held or failed
leaves the last success where it was: an alert on its age finds these nights, and those that never ran.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.atomic import replacing

if TYPE_CHECKING:
    from pipelines.night.facts import NightFacts

FILE = "firmscope.prom"
LAST_SUCCESS = "firmscope_night_last_success_timestamp_seconds"
STANDING = ("firmscope_firms", "firmscope_firms_read", "firmscope_list_businesses")  # what a publication says
_BLOCK = re.compile(r"^# HELP (\w+) .*\n(?:(?!# HELP ).*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Metric:
    """One metric, a gauge; samples are pairs of labels and value."""

    name: str
    meaning: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def write_metrics(folder: Path, facts: NightFacts) -> Path:
    """Write ``firmscope.prom`` into ``folder``, which is made when missing. Returns the file.

    Args:
        folder: Where the collector looks.
        facts: The night. What it does not tell anew stays as the file said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    text = metrics_text(facts, _blocks(path))
    with replacing(path) as stream:
        stream.write(text.encode())
    return path


def metrics_text(facts: NightFacts, before: Mapping[str, str] | None = None) -> str:
    """The file's content.

    Args:
        facts: The night.
        before: Blocks of the file of the night before, by metric. The last success is taken from there when this night
            was none, and so is what the publication that still stands says when nothing was judged.
    """
    before = before or {}
    made = {metric.name: _lines(metric) for metric in _metrics(facts) if metric.samples}
    kept = (LAST_SUCCESS, *(STANDING if facts.night is None else ()))
    return "".join((made | {name: before[name] for name in kept if name in before and name not in made}).values())


def _metrics(facts: NightFacts) -> Iterable[Metric]:
    ended = facts.ended_at.timestamp()
    if facts.verdict not in ("held", "failed"):
        yield _one(LAST_SUCCESS, "End of the last night that was published or had nothing to publish.", ended)
    yield _one("firmscope_night_end_timestamp_seconds", "End of the last night, published or held.", ended)
    yield _one("firmscope_night_duration_seconds", "How long the last night took.", facts.seconds)
    yield _one("firmscope_night_held", "1 when the gate holds the last night back.", float(facts.verdict == "held"))
    yield _one("firmscope_night_failed", "1 when the last night did not end well.", float(facts.verdict == "failed"))
    night = facts.night
    if night is not None:
        yield _one("firmscope_firms", "Firms that count: not dissolved.", night.state.firms)
        yield _one("firmscope_firms_read", "Those of them whose words have been read.", night.state.read)
        reached = [check.value for check in night.gate.checks if check.name == "reached" and check.value is not None]
        yield Metric("firmscope_sites_reached_ratio", "Share of sites read before that answered again.", _all(reached))
        lists = [({"cluster": found.key}, float(found.after)) for found in night.lists]
        yield Metric("firmscope_list_businesses", "Firms in the list of a sector or cluster.", tuple(lists))
        for name, meaning, by in (
            (
                "entered",
                "Firms that entered the list since the last publication.",
                [found.entered for found in night.lists],
            ),
            ("left", "Firms that left the list since the last publication.", [found.left for found in night.lists]),
        ):
            samples = [
                ({"cluster": found.key, "cause": cause}, float(count))
                for found, causes in zip(night.lists, by, strict=True)
                for cause, count in sorted(causes.items())
            ]
            yield Metric(f"firmscope_list_{name}", meaning, tuple(samples))
        yield Metric(
            "firmscope_drift_crossed",
            "1 when a measure of drift is beyond its threshold.",
            tuple(({"kind": at.kind, "sector": at.sector or ""}, float(at.crossed)) for at in night.drift),
        )
    yield Metric(
        "firmscope_sites", "Sites by the outcome of their newest visit.",
        tuple(({"outcome": word}, float(count)) for word, count in sorted(facts.outcomes.items())),
    )  # fmt: skip
    yield Metric(
        "firmscope_stage_duration_seconds", "How long a stage of the last night took.",
        tuple(({"stage": stage.stage}, stage.seconds) for stage in facts.stages),
    )  # fmt: skip
    yield Metric(
        "firmscope_workspace_size_bytes", "Size of a part of the workspace.",
        tuple(({"part": part}, float(size)) for part, size in facts.disk.items() if part != "free"),
    )  # fmt: skip


def _one(name: str, meaning: str, value: float) -> Metric:
    return Metric(name, meaning, (({}, value),))


def _all(values: Iterable[float]) -> tuple[tuple[Mapping[str, str], float], ...]:
    return tuple(({}, value) for value in values)


def _lines(metric: Metric) -> str:
    head = f"# HELP {metric.name} {metric.meaning}\n# TYPE {metric.name} gauge\n"
    return head + "".join(f"{metric.name}{_labels(labels)} {_value(value)}\n" for labels, value in metric.samples)


def _labels(labels: Mapping[str, str]) -> str:
    said = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
    return f"{{{said}}}" if said else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _value(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _blocks(path: Path) -> dict[str, str]:
    """Metrics of a file by name; none when there is no file, or one that is not ours."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return {}
    return {found[1]: found.group() for found in _BLOCK.finditer(text)}
