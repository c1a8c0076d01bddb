"""Put a finished file in another's place in one step, so that a reader or a power cut never meets half of it.

The new bytes are on the disk before the name moves: a rename alone may survive a crash that its content does not.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import OutOfSpaceError, UsageError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a stream whose bytes become ``path`` when the block ends well; otherwise ``path`` stays as it was.

    Raises:
        UsageError: The folder does not exist, or ``path`` is a folder.
        OutOfSpaceError: The disk, or the user's share of it, is full.
    """
    if not path.parent.is_dir():
        raise UsageError(f"{path}: the folder {path.parent} does not exist; make it first or choose another")
    if path.is_dir():
        raise UsageError(f"{path} is a folder; expected the name of a file to write")
    try:
        # Not tempfile: its files are readable by their owner only, and these are meant to be handed on.
        with passing(path.parent) as unfinished:
            with unfinished.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpaceError(f"{path}: no space left on the disk; free some and run again") from error
        raise
    sync_folder(path.parent)


@contextmanager
def passing(folder: Path) -> Iterator[Path]:
    """A new name for a file that goes with the block; vacuum removes one whose process was killed."""
    path = folder / f".{secrets.token_hex(8)}.part"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, not only in memory."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
