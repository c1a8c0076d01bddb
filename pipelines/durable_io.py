"""Write the lake's files so that a power cut after a commit loses none of them, and note a digest of each.

pyiceberg 0.12 leaves what it has written to the kernel, which may take half a minute to bring it to the disk, while the
catalog's row is there at once: after a power cut it would name files that are empty. Named to pyiceberg by the property
``py-io-impl``. Files on object storage are not looked at here: a store keeps what it has acknowledged.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from pyarrow.fs import FileSystem
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from pipelines import digest_log
from pipelines.atomic import sync_folder
from pipelines.storage import Storage


class DurableFileIO(PyArrowFileIO):  # type: ignore[misc] # pyiceberg is read without its types
    """pyiceberg's own, but for how files on this machine are written and how a bucket is asked."""

    def new_output(self, location: str) -> PyArrowFile:
        """A file to be written."""
        made = super().new_output(location)
        scheme, _, path = self.parse_location(location, self.properties)
        if scheme == "file":
            return _DurableFile(made.location, path, made._filesystem, made._buffer_size)
        return made

    def _initialize_s3_fs(self, netloc: str | None) -> FileSystem:  # noqa: ARG002 - as pyiceberg calls it
        return Storage.of_properties(self.properties).file_system()


class _DurableFile(PyArrowFile):  # type: ignore[misc]
    def create(self, overwrite: bool = False) -> Any:
        path = Path(self._path)
        if not overwrite and path.exists():
            raise FileExistsError(f"Cannot create file, already exists: {self.location}")
        _make_folder(path.parent)
        return DurableStream(path)


class DurableStream:
    """A stream to a new file that is on the disk, with its name, when ``close`` returns."""

    def __init__(self, path: Path) -> None:
        """Args: the file; its folder is there."""
        self._path = path
        self._file = path.open("wb")
        self._digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        """Write bytes, or anything that is like them; returns their number."""
        self._digest.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        """Bytes written."""
        return self._file.tell()

    def flush(self) -> None:
        """Hand everything to the kernel."""
        self._file.flush()

    def writable(self) -> bool:
        """Yes."""
        return True

    def readable(self) -> bool:
        """No."""
        return False

    def seekable(self) -> bool:
        """No."""
        return False

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._file.closed

    def close(self) -> None:
        """Bring the file to the disk, and note its digest."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            size = self._file.tell()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        sync_folder(self._path.parent)
        lake = _lake_of(self._path.parent)
        if lake is not None:
            digest_log.note(lake, self._path, self._digest.hexdigest(), size)

    def __enter__(self) -> DurableStream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, their names on the disk."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


@functools.lru_cache(maxsize=1024)  # one a partition of a table; asked for every file
def _lake_of(folder: Path) -> Path | None:
    return digest_log.lake_of(folder / "file")
