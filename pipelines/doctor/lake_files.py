"""Whether the files of the lake are what was written: there, of their size, of their digest, readable to the end.

A file whose digest was noted when it was written is compared with it; one of an earlier release, which noted none, is
read to its end instead, and a flipped bit within a page may then pass.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pipelines.digest_log import DigestLog, read_log
from pipelines.doctor.findings import counted, first_words
from pipelines.lake_folder import NAMESPACE

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import ManifestFile
    from pyiceberg.table.metadata import TableMetadata

VERSION = re.compile(r"(\d+)-[0-9a-f-]+\.metadata\.json")


@dataclass(frozen=True)
class Fault:
    """A file of the lake that is not as it was written; ``path`` within the lake."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


class SpoiltFileError(Exception):
    """A file that others are found through cannot be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass
class LakeFiles:
    """The files of one lake; each is looked at once, however many states refer to it.

    ``deep``: data files are read to their ends even where their digests are right. Paths are those of the disk; of what
    is in a bucket they are its name and the object's (``bucket_files.py``).
    """

    last_resort: ClassVar[str] = "Put lake/ back from a copy made at this place"
    scheme: ClassVar[str] = "file://"  # before a path, where Iceberg names a file
    folder: Path
    deep: bool = False
    log: DigestLog = field(default_factory=lambda: DigestLog({}, 0))
    checked: int = 0
    bytes: int = 0
    data_files: set[Path] = field(default_factory=set)
    without_digest: int = 0
    _known: dict[Path, Fault | None] = field(default_factory=dict)
    _of_manifest: dict[str, tuple[Fault, ...]] = field(default_factory=dict)
    _of_snapshot: dict[tuple[str, int], tuple[Fault, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        self.log = read_log(self.folder)

    def metadata(self, location: str) -> TableMetadata:
        """What a table's metadata file says.

        Raises:
            SpoiltFileError: It cannot be read.
        """
        from pyiceberg.table.metadata import TableMetadataUtil

        path = self._whole(location)
        try:
            return TableMetadataUtil.parse_raw(self._text(path))
        except (OSError, ValueError) as error:  # pyiceberg's own errors for them are ValueErrors
            raise SpoiltFileError(self._fault(path, f"cannot be read: {first_words(error)}")) from error

    def faults_at(self, metadata: TableMetadata, snapshot_id: int | None) -> tuple[Fault, ...]:
        """What is wrong with the files of a table's state; none for the state before anything was written."""
        if snapshot_id is None:
            return ()
        key = (str(metadata.table_uuid), snapshot_id)
        if key not in self._of_snapshot:
            self._of_snapshot[key] = tuple(self._faults_at(metadata, snapshot_id))
        return self._of_snapshot[key]

    def metadata_files(self, name: str) -> list[str]:
        """Metadata files of a table in its folder, the newest first by what they say; unreadable ones are left out."""
        dated = []
        for path in self._metadata_paths(name):
            match = VERSION.fullmatch(path.name)
            try:
                said = json.loads(self._text(path))
                dated.append((int(said["last-updated-ms"]), int(match[1]) if match else 0, f"{self.scheme}{path}"))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return [location for _, _, location in sorted(dated, reverse=True)]

    def newest_metadata(self, name: str) -> str | None:
        """The newest metadata file of a table that is whole; None when there is none."""
        for location in self.metadata_files(name):
            try:
                self.metadata(location)
            except SpoiltFileError:
                continue
            return location
        return None

    def data_files_of(self, manifest_list: str) -> list[Path]:
        """Files with rows that a state refers to.

        Raises:
            SpoiltFileError: A list of files cannot be read.
        """
        return [path for manifest in self._manifests(manifest_list) for path, _, _ in self._entries(manifest)]

    def io(self) -> FileIO:
        """By which pyiceberg reads them."""
        from pyiceberg.io.pyarrow import PyArrowFileIO

        return PyArrowFileIO()

    def are_there(self) -> bool:
        """Whether tables were ever made: a lake that is new has none, and its catalog is simply made again."""
        return any((self.folder / NAMESPACE).glob("*/metadata"))

    def said(self) -> str:
        """What was looked at and found well, for a person."""
        seen = f"{counted(self.checked, 'file')}, {self.bytes / 1e6:,.1f} MB, all as written"
        if self.without_digest:
            seen += f"; {counted(self.without_digest, 'file')} of an earlier release, without a digest, read instead"
        return seen

    def shown(self, fault: Fault) -> str:
        """A fault with the place of its file, from the workspace's folder on."""
        return f"lake/{fault}"

    def _text(self, path: Path) -> str:
        return path.read_text(encoding="utf-8")

    def _metadata_paths(self, name: str) -> list[Path]:
        return list((self.folder / NAMESPACE / name / "metadata").glob("*.metadata.json"))

    def _path(self, location: str) -> Path:
        return path_of(location)

    def _faults_at(self, metadata: TableMetadata, snapshot_id: int) -> Iterator[Fault]:
        snapshot = metadata.snapshot_by_id(snapshot_id)
        if snapshot is None:
            yield Fault(metadata.location, f"holds no state {snapshot_id} any more")
            return
        try:
            for manifest in self._manifests(snapshot.manifest_list):
                place = manifest.manifest_path
                if place not in self._of_manifest:  # states have most of their lists in common
                    looked = (self._checked(*entry) for entry in self._entries(manifest))
                    self._of_manifest[place] = tuple(fault for fault in looked if fault)
                yield from self._of_manifest[place]
        except SpoiltFileError as error:
            yield error.fault

    def _manifests(self, manifest_list: str) -> list[ManifestFile]:
        from pyiceberg.manifest import read_manifest_list

        source = self.io().new_input(manifest_list)
        found: list[ManifestFile] = self._read(manifest_list, lambda: list(read_manifest_list(source)))
        return found

    def _entries(self, manifest: ManifestFile) -> list[tuple[Path, int, int]]:
        """Files with rows that a list names: where, bytes, rows."""
        entries = self._read(
            manifest.manifest_path,
            lambda: manifest.fetch_manifest_entry(self.io(), discard_deleted=True),
            manifest.manifest_length,
        )
        files = [entry.data_file for entry in entries]
        found = [(self._path(file.file_path), file.file_size_in_bytes, file.record_count) for file in files]
        self.data_files.update(path for path, _, _ in found)
        return found

    def _read(self, location: str, read: Any, size: int | None = None) -> Any:
        path = self._whole(location, size)
        try:
            return read()
        except Exception as error:  # whatever Avro's reader makes of bytes that are none of ours
            raise SpoiltFileError(self._fault(path, f"cannot be read: {first_words(error)}")) from error

    def _whole(self, location: str, size: int | None = None) -> Path:
        path = self._path(location)
        if fault := self._checked(path, size):
            raise SpoiltFileError(fault)
        return path

    def look_again(self, path: Path) -> Fault | None:
        """What is wrong with one file now; only its digest is asked for."""
        self._known.pop(path, None)
        return self._checked(path, None)

    def _checked(self, path: Path, size: int | None, rows: int | None = None) -> Fault | None:
        if path not in self._known:
            reason = self._reason(path, size, rows)
            self._known[path] = self._fault(path, reason) if reason else None
        return self._known[path]

    def _reason(self, path: Path, size: int | None, rows: int | None) -> str:
        if not path.is_file():
            return "is missing"
        try:
            held = path.stat().st_size
            self.checked += 1
            self.bytes += held
            noted = self.log.noted.get(self._name(path))
            written = noted.size if noted else size
            if not held:
                return "is empty"
            if (written is not None and held != written) or (size is not None and held != size):
                return f"has {held:,} bytes; {written if written != held else size:,} were written"
            if noted:
                with path.open("rb") as stream:
                    if hashlib.file_digest(stream, "sha256").hexdigest() != noted.sha256:
                        return "is not what was written: its SHA-256 differs"
            else:
                self.without_digest += 1
            if rows is not None and (self.deep or not noted):
                return parquet_fault(path, rows)
        except OSError as error:
            return f"cannot be read: {first_words(error)}"
        return ""

    def _fault(self, path: Path, reason: str) -> Fault:
        return Fault(self._name(path), reason)

    def _name(self, path: Path) -> str:
        """As a person is told, and as ``digests.log`` has it: within the lake's folder."""
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path)


def path_of(location: str) -> Path:
    """Where a file that Iceberg names lies on this machine."""
    return Path(location.removeprefix("file://"))


def parquet_fault(source: Any, rows: int) -> str:
    """Why a file with rows cannot be read to its end, or has another number of them; empty when all is well."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source, page_checksum_verification=True) as file:
            found = sum(batch.num_rows for batch in file.iter_batches())
    except (pa.ArrowException, OSError, ValueError) as error:
        return f"cannot be read to its end: {first_words(error)}"
    return "" if found == rows else f"has {found:,} rows; {rows:,} were written"
