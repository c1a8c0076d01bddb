"""Check a workspace's taxonomy against everything that leans on it: seeds, labels, and the words of its firms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from labels.errors import LabelsError
from labels.keyword_matching import IndexedText, Rule
from labels.keywords import KeywordError, parse_rule
from labels.matrix import label_matrix
from labels.seeds import Seed, parse_seeds
from labels.taxonomy import Taxonomy, parse_taxonomy
from labels.taxonomy_check import (
    Entry,
    Problem,
    alike,
    entries,
    seed_faults,
    strangers,
    use_problems,
    word_problems,
)
from labels.taxonomy_file import Fault, faults, read_document
from pipelines.following import Progress, no_progress
from pipelines.judgements import current_judgements
from pipelines.taxonomy_edits import open_splits
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from labels.taxonomy_check import Level


@dataclass(frozen=True)
class Checked:
    """What was found, by file and line, and what was looked at."""

    problems: tuple[Problem, ...]
    errors: int
    warnings: int
    sectors: int
    clusters: int
    seeds: int
    texts: int  # firms, or seeds, whose words the keywords were tried on

    @property
    def summary(self) -> str:
        """The whole in a sentence."""
        clusters = f" and {self.clusters} clusters" if self.clusters else ""
        looked = f"{self.sectors} sectors{clusters}, {self.seeds} seed examples"
        if not self.problems:
            return f"{looked}: no problem found."
        return f"{looked}: {self.errors} error(s), {self.warnings} warning(s)."


def check_taxonomy(workspace: Workspace, progress: Progress = no_progress) -> Checked:
    """Every problem of ``taxonomy.yaml``, of ``seeds.yaml``, and of the labels under this taxonomy.

    Args:
        workspace: The workspace; the index over its firms' words is brought up to date.
        progress: Told of firms indexed and to index.

    Raises:
        LabelsError: There is no taxonomy file.
    """
    path = workspace.taxonomy_file
    if not path.is_file():
        raise LabelsError(f"{path}: no such file; put it back from git, or begin with: firmscope init")
    content = path.read_bytes()
    try:
        document = read_document(path, content)
    except LabelsError as error:
        return _checked([Problem(path.name, 0, "error", "", str(error))], None, (), 0)
    found = entries(document)
    problems = [_problem(path, "error", fault) for fault in faults(document)]
    structure = not problems
    problems += [_problem(path, level, fault) for level, fault in word_problems(found)]
    taxonomy = parse_taxonomy(path, content) if structure else None
    seeds, of_seeds = _seeds(workspace, taxonomy, [entry.key for entry in found])
    problems += of_seeds
    texts = 0
    if taxonomy is not None:
        met, texts, of = _met(workspace, found, seeds, progress)
        problems += [_problem(path, "warning", fault) for fault in use_problems(found, met, texts, of)]
        lines = {entry.key: entry.line for entry in found}
        problems += _label_problems(workspace, taxonomy, lines)
    return _checked(problems, document, seeds, texts)


def _checked(problems: Sequence[Problem], document: Any, seeds: Sequence[Seed], texts: int) -> Checked:
    errors = sum(problem.level == "error" for problem in problems)
    clusters = document.get("clusters") if isinstance(document, dict) else None
    return Checked(
        tuple(sorted(problems)), errors, len(problems) - errors, len(entries(document)),
        len(clusters) if isinstance(clusters, list) else 0, len(seeds), texts,
    )  # fmt: skip


def _problem(path: Path, level: Level, fault: Fault) -> Problem:
    return Problem(path.name, fault.line, level, fault.sector, fault.text)


def _seeds(
    workspace: Workspace, taxonomy: Taxonomy | None, keys: Sequence[str]
) -> tuple[tuple[Seed, ...], list[Problem]]:
    path = workspace.seeds_file
    if not path.is_file():
        return (), []
    content = path.read_bytes()
    seeds: tuple[Seed, ...] = ()
    refused: list[Problem] = []
    try:
        if taxonomy is not None:
            seeds = parse_seeds(path, content, taxonomy)
    except LabelsError as error:
        refused = [Problem(path.name, 0, "error", "", str(error))]
    try:
        found = [_problem(path, "error", fault) for fault in seed_faults(content.decode("utf-8-sig"), keys)]
    except (yaml.YAMLError, UnicodeDecodeError):  # refused above, once the taxonomy can be read
        found = []
    return seeds, found or refused


def _met(
    workspace: Workspace, found: Sequence[Entry], seeds: Sequence[Seed], progress: Progress
) -> tuple[dict[str, int], int, str]:
    """Texts that meet each rule, how many texts there are, and what they are."""
    from pipelines.searching import count_firms

    rules = dict(_readable(found))
    if not rules:
        return {}, 0, ""
    if len(workspace.lake.read_arrow("pages", ["firm_id"])):
        counts, firms = count_firms(workspace, list(rules.values()), progress)
        return dict(zip(rules, counts, strict=True)), firms, "firms with words"
    texts = [IndexedText(seed.text) for seed in seeds]
    counts = [sum(rule.matches(text) for text in texts) for rule in rules.values()]
    return dict(zip(rules, counts, strict=True)), len(texts), "seed examples (no firm has words yet)"


def _readable(found: Sequence[Entry]) -> Iterator[tuple[str, Rule]]:
    for entry in found:
        for _, rule in entry.keywords:
            try:
                yield rule, parse_rule(rule)
            except KeywordError:
                continue


def _label_problems(workspace: Workspace, taxonomy: Taxonomy, lines: dict[str, int]) -> Iterator[Problem]:
    labels, sectors = workspace.labels_file.name, workspace.taxonomy_file.name
    try:
        judgements = current_judgements(workspace, taxonomy)
    except LabelsError as error:
        yield Problem(labels, 0, "error", "", str(error))
        return
    for key, number in strangers((word.sector for word in judgements), taxonomy):
        text = f"{number} judgements are on {key}, which taxonomy.yaml does not have: they count nowhere; rename and "
        yield Problem(labels, 0, "warning", key, text + "retire sectors with firmscope taxonomy, and labels follow")
    late = sum(
        word.taxonomy_version.isdecimal() and int(word.taxonomy_version) > taxonomy.version for word in judgements
    )
    if late:
        text = (
            f"{late} judgements were made under a later version than {taxonomy.version}; is taxonomy.yaml an old one?"
        )
        yield Problem(labels, 0, "warning", "", text)
    firms = list(dict.fromkeys(word.firm_id for word in judgements))
    for one, other, how in alike(taxonomy, *label_matrix(judgements, firms, taxonomy)):
        text = f"sectors {one} and {other} cannot be told apart by their labels: {how}"
        yield Problem(sectors, lines[other], "warning", other, text)
    waiting = open_splits(workspace)
    if waiting:
        text = f"{len(waiting)} judgements of split sectors wait to be dealt out: firmscope taxonomy pending"
        yield Problem(labels, 0, "warning", "", text)
