"""Whether the objects of a lake in a bucket are there and of the size that was written.

A store vouches for what is in an object. That one is not there, because somebody or a rule of the bucket removed it,
is what happens. A store that does not answer says nothing about its objects: it is an error, never a fault of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pipelines.doctor.findings import counted
from pipelines.doctor.lake_files import Fault, LakeFiles, SpoiltFileError, parquet_fault
from pipelines.errors import TableError
from pipelines.lake_folder import NAMESPACE
from pipelines.storage import Storage, unanswered

if TYPE_CHECKING:
    from pyiceberg.io import FileIO

OF_THE_STORE = "AWS Error"  # stands in what Arrow raises when the store answers with an error, or not at all


@dataclass
class BucketFiles(LakeFiles):
    """The objects of one lake; with ``deep`` those with rows are read to their ends."""

    last_resort: ClassVar[str] = "Put the objects back, from the bucket's versions or a copy"
    scheme: ClassVar[str] = "s3://"
    storage: Storage = field(default_factory=lambda: Storage(""))

    def __post_init__(self) -> None:
        """The folder is that of the catalog; objects have no digests noted."""
        self.folder = self.folder.resolve()
        self._files = self.storage.file_system()

    def io(self) -> FileIO:
        """By which pyiceberg reads them."""
        from pipelines.durable_io import DurableFileIO

        return DurableFileIO(self.storage.properties())

    def are_there(self) -> bool:
        """Whether tables were ever made."""
        return bool(self._below(NAMESPACE))

    def said(self) -> str:
        """What was looked at and found well, for a person."""
        how = "read to their ends" if self.deep else "there, and of their sizes"
        return f"in {self.storage.lake}: {counted(self.checked, 'object')}, {self.bytes / 1e6:,.1f} MB, {how}"

    def shown(self, fault: Fault) -> str:
        """A fault with the address of its object."""
        return str(fault)

    def _below(self, place: str) -> list[str]:
        from pyarrow.fs import FileSelector

        with self._answering():
            found = self._files.get_file_info(
                FileSelector(f"{self.storage.path}/{place}", recursive=True, allow_not_found=True)
            )
        return [info.path for info in found if info.is_file]

    def _metadata_paths(self, name: str) -> list[Path]:
        below = self._below(f"{NAMESPACE}/{name}/metadata")
        return [Path(path) for path in below if path.endswith(".metadata.json")]

    def _path(self, location: str) -> Path:
        return Path(location.removeprefix(self.scheme))

    def _text(self, path: Path) -> str:
        with self._answering(), self._files.open_input_stream(path.as_posix()) as stream:
            return str(bytes(stream.read()), "utf-8")

    def _read(self, location: str, read: Any, size: int | None = None) -> Any:
        try:
            return super()._read(location, read, size)
        except SpoiltFileError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and OF_THE_STORE in str(cause):
                raise TableError(unanswered(self.storage.lake, cause)) from cause
            raise

    def _reason(self, path: Path, size: int | None, rows: int | None) -> str:
        from pyarrow.fs import FileType

        with self._answering():
            found = self._files.get_file_info(path.as_posix())
            if found.type != FileType.File:
                return "is missing"
            self.checked += 1
            self.bytes += found.size
            if size is not None and found.size != size:
                return f"has {found.size:,} bytes; {size:,} were written"
            if rows is None or not self.deep:
                return ""
            with self._files.open_input_file(path.as_posix()) as stream:
                reason = parquet_fault(stream, rows)
            if OF_THE_STORE in reason:
                raise OSError(reason)
            return reason

    def _name(self, path: Path) -> str:
        return f"{self.scheme}{path}"

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise TableError(unanswered(self.storage.lake, error)) from error
