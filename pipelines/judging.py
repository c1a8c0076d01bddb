"""Put judgements into the workspace's label store, seal them, and take them out.

Judging goes on while a run holds the workspace: the store has a lock of its own, held only while lines are written.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labels.errors import LabelsError
from labels.label_files import moment_text
from labels.seal import HEADER, added_text, check_seal, given_up_text, lost, read_seal
from labels.store import (
    MARKER,
    Judgement,
    StoreLine,
    append_judgements,
    checked,
    must_be_rewritten,
    read_lines,
    store_text,
)
from pipelines.errors import UsageError, WorkspaceBusyError
from pipelines.runs import Run
from pipelines.workspace import Workspace, write_whole

MAX_SEAL_LINE = 65_536  # bytes; no line of a seal is nearly as long
PATIENCE_S = 10.0  # a writer holds the lock for milliseconds; who waits longer waits for a process that hangs


@dataclass(frozen=True)
class Merged:
    """What a merge did to the store."""

    added: int  # judgements of the other file that were not there
    markers: bool  # git had left conflict markers, which are gone now


def judge(workspace: Workspace, judgements: Sequence[Judgement]) -> int:
    """Add judgements to ``labels.csv``; they are on the disk when this returns. Returns how many.

    Raises:
        LabelsError: A judgement cannot stand in a store; none was added.
        WorkspaceBusyError: Another process did not let the store go.
    """
    with label_lock(workspace):
        return _add(workspace, judgements)


def seal_labels(workspace: Workspace) -> int:
    """Seal the lines that came from elsewhere: by hand, or out of git. Returns how many.

    Raises:
        LabelsError: The store or the seal cannot be read.
    """
    with label_lock(workspace):
        held = read_seal(workspace.seal_file)
        return _seal(workspace, held, (line.judgement for line in read_lines(workspace.labels_file)))


def accept_changes(run: Run, reason: str) -> tuple[str, ...]:
    """Let what was changed in the store by hand stand, and write down why. Returns the judgements given up.

    Raises:
        UsageError: No reason is given, or nothing was changed.
        LabelsError: The store or the seal cannot be read.
    """
    workspace = run.workspace
    if not reason.strip():
        raise UsageError("labels accept wants a reason: whoever asks next year will read it in labels.seal")
    with run.stage("labels accept") as counts, label_lock(workspace):
        held, lines = read_seal(workspace.seal_file), read_lines(workspace.labels_file)
        missing = lost(held, lines)
        if not missing:
            raise UsageError(f"nothing was changed in {workspace.labels_file}; every sealed judgement is there")
        counts.rows_in = counts.rows_out = len(missing)
        _write_seal(workspace, given_up_text(missing, moment_text(run.started_at), reason))
        _seal(workspace, held, (line.judgement for line in lines))
        run.notes["given_up"], run.notes["reason"] = list(missing.values()), reason
    return tuple(missing.values())


def merge_labels(run: Run, other: Path | None = None) -> Merged:
    """Take another store's judgements in, and take out what a merge of git left between the lines.

    Raises:
        LabelsError: One of the two is no label store, or sealed judgements are not in either.
        UsageError: The other file is not there.
    """
    workspace = run.workspace
    if other is not None and not other.is_file():
        raise UsageError(f"{other}: no such file; expected another analyst's labels.csv")
    with run.stage("labels merge") as counts, label_lock(workspace):
        lines = read_lines(workspace.labels_file, past_markers=True)
        further = read_lines(other, past_markers=True) if other else []
        seen = {line.judgement for line in lines}
        fresh = list(dict.fromkeys(line.judgement for line in further if line.judgement not in seen))
        held = read_seal(workspace.seal_file)
        check_seal(workspace.labels_file, held, [*lines, *(StoreLine(0, judgement) for judgement in fresh)])
        counts.rows_in, counts.rows_out = len(further), len(fresh)
        counts.unchanged = len(further) - len(fresh)
        marked = _is_marked(workspace.labels_file) or _is_marked(workspace.seal_file)
        if marked:
            _rewrite(workspace, lines)
        _add(workspace, fresh)
        _seal(workspace, held, (line.judgement for line in lines))
    return Merged(len(fresh), marked)


def news(held: Iterable[Judgement], judgements: Sequence[Judgement]) -> list[Judgement]:
    """Judgements that say something else than the same coder's last word on the firm and sector.

    What was said already is news only as a word taken back: later than the last word, and the end of what is said now.
    So a file that is brought in twice brings nothing the second time, whatever coders changed within it.
    """
    last: dict[tuple[str, str, str], Judgement] = {}
    said = set()
    for word in held:
        last[_pair(word)] = word
        said.add(_words(word))
    end = {_pair(word): word for word in judgements}
    settled = {pair for pair, word in end.items() if pair in last and _label(last[pair]) == _label(word)}
    fresh = []
    for word in judgements:
        before = last.get(_pair(word))
        if before and _label(before) == _label(word):
            continue
        if before and _words(word) in said and (_pair(word) in settled or word.labelled_on < before.labelled_on):
            continue
        last[_pair(word)] = word
        fresh.append(word)
    return fresh


@contextmanager
def label_lock(workspace: Workspace) -> Iterator[None]:
    """Hold the label store, and nothing else of the workspace, for writing.

    Raises:
        WorkspaceBusyError: Another process did not let it go.
    """
    until = time.monotonic() + PATIENCE_S
    with (workspace.folder / ".labels.lock").open("a", encoding="utf-8") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise WorkspaceBusyError(
                        f"{workspace.labels_file} has been held by another process for {PATIENCE_S:.0f} seconds; end "
                        "it, or try again"
                    ) from error
                time.sleep(0.01)
        yield


def _pair(word: Judgement) -> tuple[str, str, str]:
    return word.firm_id, word.sector, word.coder


def _label(word: Judgement) -> tuple[str, str]:
    return word.label, word.note


def _words(word: Judgement) -> tuple[str, ...]:
    return (*_pair(word), *_label(word), word.labelled_on)


def _add(workspace: Workspace, judgements: Sequence[Judgement]) -> int:
    if not judgements:
        return 0
    whole = [checked(f"judgement of firm {judgement.firm_id!r}", judgement) for judgement in judgements]
    if must_be_rewritten(workspace.labels_file):
        _rewrite(workspace, read_lines(workspace.labels_file))
    added = append_judgements(workspace.labels_file, whole)
    _seal(workspace, {}, whole)  # after the store: a kill between the two leaves a line that is not sealed yet
    return added


def _seal(workspace: Workspace, held: Collection[str], judgements: Iterable[Judgement]) -> int:
    text = added_text(dict.fromkeys(held, ""), judgements)
    _write_seal(workspace, text)
    return text.count("\n")


def _write_seal(workspace: Workspace, text: str) -> None:
    if not text:
        return
    with workspace.seal_file.open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MAX_SEAL_LINE))
        file.truncate(size - len(file.read().rpartition(b"\n")[2]))  # what a crash cut short
        file.write((text if file.seek(0, os.SEEK_END) else HEADER + text).encode())
        file.flush()
        os.fsync(file.fileno())


def _rewrite(workspace: Workspace, lines: Iterable[StoreLine]) -> None:
    write_whole(workspace.labels_file, store_text(line.judgement for line in lines).encode())
    if _is_marked(workspace.seal_file):
        kept = workspace.seal_file.read_text(encoding="utf-8").splitlines(keepends=True)
        write_whole(workspace.seal_file, "".join(line for line in kept if not MARKER.match(line)).encode())


def _is_marked(path: Path) -> bool:
    """Whether git left conflict markers in a file."""
    if not path.is_file():
        return False
    try:
        return any(MARKER.match(line) for line in path.read_text(encoding="utf-8").splitlines())
    except UnicodeDecodeError as error:
        raise LabelsError(f"{path}: not UTF-8 text ({error}); restore the file from git") from error
