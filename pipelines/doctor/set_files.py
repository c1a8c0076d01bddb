"""Published sets, judgements and models: whether every file is what its digest says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.atomic import sync_folder
from pipelines.doctor.findings import Finding, counted, faults, first_words, in_words
from pipelines.publication import CURRENT, FACTS, digests, mend_links, sets, switch_to
from pipelines.vacuum_files import RUN_ID

if TYPE_CHECKING:
    from pipelines.publication import PublishedSet
    from pipelines.workspace import Workspace

SPOILT = "spoilt"  # folder in published/ for sets that were put aside


@dataclass(frozen=True)
class SetFault:
    """A published set with files that are not as they were written; ``run_id`` is its folder's name."""

    run_id: str
    reason: str


def set_faults(workspace: Workspace) -> list[SetFault]:
    """Sets that are not as they were written, the oldest first, and a ``current`` that leads nowhere."""
    readable = {one.folder.name: one for one in sets(workspace)}
    found = []
    for path in sorted(workspace.published_folder.glob("[0-9]*")):
        if RUN_ID.fullmatch(path.name) and path.is_dir():
            reason = _reason(readable[path.name]) if path.name in readable else f"its {FACTS} cannot be read"
            if reason:
                found.append(SetFault(path.name, reason))
    current = workspace.published_folder / CURRENT
    if current.is_symlink() and not current.exists():
        found.append(SetFault(CURRENT, f"leads to {current.readlink()}, which is not there"))
    return found


def check_sets(workspace: Workspace) -> list[Finding]:
    """The published sets as a finding."""
    found = set_faults(workspace)
    number = len(sets(workspace))
    if not found:
        return [Finding("published", "ok", f"{counted(number, 'set')}, every file as it was written")]
    told = [f"published/{fault.run_id}: {fault.reason}" for fault in found]
    return faults(
        "published",
        told,
        "the SHA-256s that publication.json gives",
        "firmscope doctor --repair; firmscope nightly",
    )


def put_aside(workspace: Workspace, found: list[SetFault]) -> list[str]:
    """Take spoilt sets out of readers' sight and show them the newest whole one; what was done, in sentences.

    Readers are switched first: killed in between, they see a whole set.
    """
    spoilt = {fault.run_id for fault in found}
    whole = [one for one in sets(workspace) if one.folder.name not in spoilt and not one.held]
    current = workspace.published_folder / CURRENT
    done = []
    shown = current.readlink().name if current.is_symlink() else ""
    if shown and (shown in spoilt or not current.exists()):
        if whole:
            switch_to(workspace, whole[-1].run_id)
            done.append(f"Readers see the set of run {whole[-1].run_id} again; the next nightly publishes anew.")
        else:
            current.unlink()
            sync_folder(workspace.published_folder)
            done.append("Nothing is published until the next nightly: no set is whole.")
    for name in sorted(spoilt - {CURRENT}):
        aside = workspace.published_folder / SPOILT / name
        aside.parent.mkdir(exist_ok=True)
        number = 1
        while aside.exists():
            number += 1
            aside = aside.with_name(f"{name}.{number}")
        (workspace.published_folder / name).rename(aside)
        sync_folder(workspace.published_folder)
        done.append(f"The spoilt set {name} was moved to published/{SPOILT}/{aside.name}.")
    if whole:
        mend_links(workspace)
    return done


def check_labels(workspace: Workspace) -> Iterator[Finding]:
    """The judgements, and the taxonomy and seed examples that they are about."""
    from labels.errors import LabelsError
    from labels.seal import check_seal, read_seal
    from labels.seeds import load_seeds
    from labels.store import read_lines
    from labels.taxonomy import load_taxonomy

    try:
        lines = read_lines(workspace.labels_file)
        if workspace.seal_file.is_file():
            check_seal(workspace.labels_file, read_seal(workspace.seal_file), lines)
        yield Finding("judgements", "ok", f"{counted(len(lines), 'judgement')} in labels.csv")
    except (LabelsError, OSError, ValueError) as error:
        yield Finding(
            "judgements", "wrong", first_words(error), "a label store whose seal is whole",
            "git checkout labels.csv labels.seal, or put both back from a copy",
        )  # fmt: skip
    try:
        taxonomy = load_taxonomy(workspace.taxonomy_file)
        seeds = load_seeds(workspace.seeds_file, taxonomy)
        yield Finding(
            "taxonomy", "ok", f"{counted(len(taxonomy.keys), 'sector')}, {counted(len(seeds), 'seed example')}"
        )
    except (LabelsError, OSError, ValueError) as error:
        yield Finding(
            "taxonomy", "wrong", first_words(error), "a taxonomy and seed examples that fit it",
            "git checkout taxonomy.yaml seeds.yaml, or put both back from a copy",
        )  # fmt: skip


def check_models(workspace: Workspace) -> list[Finding]:
    """Every model bundle, its digests and its numbers."""
    from models.bundle import load_bundle
    from models.errors import ModelsError
    from pipelines.promotion import current_id, list_models

    current, bad, good = current_id(workspace), [], []
    for shown in list_models(workspace):
        try:
            load_bundle(workspace.models_folder / shown.model_id)
            good.append(shown.model_id)
        except (ModelsError, OSError) as error:
            bad.append((shown.model_id, first_words(error)))
    found = [
        Finding(
            "models", "wrong" if model_id == current else "warn", f"models/{model_id}: {reason}",
            "a bundle that is what its manifest says",
            "firmscope models rollback, or firmscope train" if model_id == current
            else f"rm -r models/{model_id}, or put it back from a copy",
        )
        for model_id, reason in bad
    ]  # fmt: skip
    if current is not None and current not in {*good, *(model_id for model_id, _ in bad)}:
        gone = f"the model in use, {current[:60]!r}, is not there"
        cure = f"firmscope models promote {good[-1]}" if good else "firmscope train"
        found.append(Finding("models", "wrong", gone, "the bundle that models/current names", cure))
    return found or [Finding("models", "ok", f"{counted(len(good), 'bundle')} whole; in use: {current or 'none yet'}")]


def derived_faults(workspace: Workspace) -> list[tuple[Path, str]]:
    """Spoilt files under ``index/``, which are worked out again when they are asked."""
    from pipelines.doctor.catalog import quick_check

    paths = sorted(workspace.index_folder.glob("*.db")) if workspace.index_folder.is_dir() else []
    return [(path, reason) for path in paths if (reason := quick_check(path))]


def _reason(made: PublishedSet) -> str:
    now = digests(made.folder)
    missing = sorted(made.files.keys() - now.keys())
    other = sorted(name for name, digest in made.files.items() if name in now and now[name] != digest)
    foreign = sorted(now.keys() - made.files.keys())
    parts = ((missing, "missing"), (other, "not as written"), (foreign, "not of the set"))
    return "; ".join(f"{in_words(names[:3])}{' ...' * (len(names) > 3)} {word}" for names, word in parts if names)
