"""Published sets of exports and report: built whole beside what readers see, then switched to in one step.

``exports`` and ``report`` are links through ``published/current``, itself a link that is replaced: whoever resolves it
once reads one night's files to the end, since sets of earlier nights stay for a while (``keep.publications``).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.atomic import sync_folder
from pipelines.crashing import crash_point
from pipelines.errors import UsageError
from pipelines.workspace import Workspace, write_whole

FACTS = "publication.json"
CURRENT = "current"
EARLIER = "earlier"  # what lay in exports/ and report/ of a workspace of an earlier release
SEEN = ("exports", "report")
_UNFINISHED = ".building-"


@dataclass(frozen=True)
class PublishedSet:
    """One set, as its ``publication.json`` says; ``folder`` is where it lies.

    ``rests_on``: what its files were made from; two sets that rest on the same hold the same. ``snapshots``: of all
    tables. ``gate``: its verdict, reasons and checks.
    ``released``: of a night that was held, its run and the reason why it was published all the same.
    """

    folder: Path
    run_id: str
    made_at: str
    rests_on: Mapping[str, Any]
    snapshots: Mapping[str, int | None]
    gate: Mapping[str, Any]
    released: Mapping[str, str] | None
    files: Mapping[str, str]

    @property
    def held(self) -> bool:
        """Whether it waits for somebody to look at it."""
        return bool(self.gate["held"]) and self.released is None

    @property
    def is_whole(self) -> bool:
        """Whether every file is as it was written."""
        return self.files == digests(self.folder)


def current_set(workspace: Workspace) -> PublishedSet | None:
    """The set that readers see; None before the first."""
    return _load(workspace.published_folder / CURRENT)


def baseline(workspace: Workspace) -> PublishedSet | None:
    """What a night is compared with: the set that readers see; None before the first.

    Raises:
        UsageError: Something is published, and no set can be read: nothing could be held back.
    """
    found = current_set(workspace)
    if found is None and (workspace.published_folder / CURRENT).is_symlink():
        older = [one for one in sets(workspace) if not one.held]
        if not older:
            raise UsageError(
                f"{workspace.published_folder / CURRENT / FACTS} cannot be read, so that nothing says what stands "
                f"published: put it back, or move {workspace.published_folder} away to begin anew"
            )
        found = older[-1]
    return found


def sets(workspace: Workspace) -> list[PublishedSet]:
    """All sets, published or held, oldest first."""
    folders = sorted(workspace.published_folder.glob("[0-9]*"))
    found = (_load(path) for path in folders)
    return [one for one in found if one is not None]


def set_of(workspace: Workspace, run_id: str) -> PublishedSet:
    """The set of one run.

    Raises:
        UsageError: There is none, or several begin so.
    """
    found = [one for one in sets(workspace) if one.run_id.startswith(run_id)] if run_id else []
    if len(found) != 1:
        held = ", ".join(one.run_id for one in sets(workspace) if one.held) or "none"
        raise UsageError(f"{len(found)} publications begin with {run_id!r}; held are: {held}")
    return found[0]


@contextmanager
def building(workspace: Workspace, run_id: str) -> Iterator[Path]:
    """A folder to build a run's set in; when the block ends well and ``finish`` was called, it is a set."""
    folder = workspace.published_folder / f"{_UNFINISHED}{run_id}"
    workspace.published_folder.mkdir(exist_ok=True)
    for left in workspace.published_folder.glob(f"{_UNFINISHED}*"):  # of runs that were killed
        shutil.rmtree(left)
    folder.mkdir()
    try:
        yield folder
        folder.rename(workspace.published_folder / run_id)
        sync_folder(workspace.published_folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def finish(made: PublishedSet) -> PublishedSet:
    """Write the facts of a set, its files' digests among them, as the last of its files."""
    whole = PublishedSet(**{**vars(made), "files": digests(made.folder)})
    facts = {name: value for name, value in asdict(whole).items() if name != "folder"}
    write_whole(made.folder / FACTS, json.dumps(facts, indent=1, default=str).encode())
    return whole


def switch_to(workspace: Workspace, run_id: str) -> None:
    """Show readers a set, in one step."""
    crash_point("before-switch")
    _point(workspace.published_folder / CURRENT, run_id)
    crash_point("between-links")
    mend_links(workspace)
    crash_point("after-switch")


def mend_links(workspace: Workspace) -> None:
    """Have ``exports`` and ``report`` lead to the set that is shown."""
    for name in SEEN:
        _link(workspace, name)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a set but its facts, by path within it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != FACTS:
            with path.open("rb") as stream:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


def refuse_within(workspace: Workspace, path: Path) -> None:
    """Raise a UsageError when a file of the user's would lie in a set, and so be gone with it."""
    inside = path.parent.resolve()
    if inside.is_relative_to(workspace.published_folder.resolve()):
        raise UsageError(f"{path}: this folder holds what the night publishes and is replaced whole; choose another")


def _load(folder: Path) -> PublishedSet | None:
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        known = PublishedSet.__dataclass_fields__.keys() - {"folder"}
        return PublishedSet(folder.resolve(), **{name: facts[name] for name in known})
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        return None


def _link(workspace: Workspace, name: str) -> None:
    place, target = workspace.folder / name, Path(workspace.published_folder.name) / CURRENT / name
    if place.is_symlink() and place.readlink() == target:
        return
    if place.is_dir() and not place.is_symlink():
        earlier, number = workspace.published_folder / EARLIER, 1
        earlier.mkdir(exist_ok=True)
        while (aside := earlier / (name if number == 1 else f"{name}-{number}")).exists():
            number += 1
        place.rename(aside)
    _point(place, target)


def _point(link: Path, target: Path | str) -> None:
    fresh = link.parent / f".{link.name}.part"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
    sync_folder(link.parent)
