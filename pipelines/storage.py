"""Where a lake's files are: a folder, or a bucket of any server that speaks S3.

The catalogue stays in the workspace's folder: one writer, which holds the workspace's lock. Keys to a bucket come from
where every S3 program looks for them (AWS_ACCESS_KEY_ID and its like), never from the settings.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelines.errors import TableError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

LAKE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*")
CONNECT_S = 10
REQUEST_S = 60  # of silence; a file of a lake is a few megabytes
OWNER = "firmscope-owner"  # an object in the lake: whose it is, and on a second line where that workspace lies
MACHINE_FILE = Path("/etc/machine-id")  # empty or missing in containers, whose names change with every start
BUSY_WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)  # before a small object is asked for again
MAX_WORDS = 500  # of the SDK's, in a sentence
FILE_IO = "pipelines.durable_io.DurableFileIO"  # by which pyiceberg reads and writes files, in a folder and in a bucket
SENT_PLAIN = {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required"}
"""Environment for servers that are not Amazon's. Since 2025 Amazon's own library puts a checksum behind a body; a
server that does not know of these takes it for a part of the file, and says that all is well."""


@dataclass(frozen=True)
class Storage:
    """A bucket, or a folder in it, and the server that has it."""

    lake: str  # s3://bucket/folder
    endpoint: str = ""  # empty: Amazon's
    region: str = "us-east-1"

    def properties(self) -> dict[str, str]:
        """The same in pyiceberg's words."""
        given = {"py-io-impl": FILE_IO, "s3.region": self.region}
        return given | ({"s3.endpoint": self.endpoint} if self.endpoint else {})

    @classmethod
    def of_properties(cls, properties: Mapping[str, str]) -> Storage:
        """The server that such properties name, without a place on it."""
        return cls("", properties.get("s3.endpoint", ""), properties["s3.region"])

    def file_system(self) -> FileSystem:
        """The same for Arrow, paths as ``bucket/folder/name``.

        A file of a few megabytes is one request, as opening it asks for nothing. Otherwise it would be an upload in
        parts, which Arrow 26 ends a second time where a busy answer came before the one that ended it; a server for
        which it is ended may refuse that.
        """
        from pyarrow.fs import S3FileSystem

        from pipelines.retries import PatientRetries

        if self.endpoint:
            for name, value in SENT_PLAIN.items():
                os.environ.setdefault(name, value)
        scheme = urlsplit(self.endpoint).scheme or "https"
        return S3FileSystem(
            endpoint_override=self.endpoint or None, region=self.region, scheme=scheme, connect_timeout=CONNECT_S,
            request_timeout=REQUEST_S, retry_strategy=PatientRetries(), allow_delayed_open=True,
        )  # fmt: skip

    @property
    def path(self) -> str:
        """Bucket and folder, as Arrow names them."""
        return self.lake.removeprefix("s3://")


class HeldElsewhereError(TableError):
    """The lake belongs to a workspace at another place, of which this one is a copy."""


def holder_of(folder: Path) -> str:
    """Where a lake's catalogue lies, and on which machine: what tells a workspace from its copy."""
    machine = MACHINE_FILE.read_text(encoding="ascii").strip() if MACHINE_FILE.is_file() else ""
    known = f" on the machine {sha256(f'firmscope {machine}'.encode()).hexdigest()[:8]}" if machine else ""
    return f"{folder.resolve()}{known}"


def claim(storage: Storage, owner: str, holder: str) -> None:
    """Mark a place in a bucket as the lake of one workspace.

    Raises:
        TableError: Another workspace's lake is there, or the store does not answer.
    """
    held, _ = _owner(storage)
    if not held:
        _note_owner(storage, owner, holder)
    elif held != owner:
        raise TableError(
            f"{storage.lake} is the lake of another workspace (its owner file says {held}, expected {owner}): "
            "name another folder in store.lake, before firmscope init makes the lake"
        )


def refuse_others(storage: Storage, owner: str, holder: str) -> None:
    """Raise unless the lake there is that of the workspace at this very place.

    Raises:
        HeldElsewhereError: It is, or was, that of a workspace elsewhere, of which this is a copy.
        TableError: It is another's, or the store does not answer.
    """
    held, place = _owner(storage)
    if not held:
        raise TableError(
            f"nothing of this workspace's lake is at {storage.lake}: the bucket or its folder there is empty or gone, "
            "or store.lake or store.s3_endpoint is not what it was. Put the objects back, from their versions or a copy"
        )
    if held != owner:
        raise TableError(
            f"{storage.lake} is not this workspace's lake (its owner file says {held}, expected {owner}): "
            "set store.lake back to where the lake was made"
        )
    if not place:  # made by an earlier release
        _note_owner(storage, owner, holder)
    elif place != holder:
        raise HeldElsewhereError(
            f"{storage.lake} belongs to the workspace whose lake folder is {place}, and this one is {holder}: a copy "
            "would delete what the other writes. Work there; or, where this is that workspace after a move, take the "
            "lake over with: firmscope doctor --take-over"
        )


def take_over(storage: Storage, owner: str, holder: str) -> str:
    """Make this the place of the one workspace that the lake belongs to.

    Returns:
        The place that it was before.

    Raises:
        TableError: It is another workspace's lake altogether, or the store does not answer.
    """
    held, place = _owner(storage)
    if held == owner:
        _note_owner(storage, owner, holder)
    else:
        refuse_others(storage, owner, holder)
    return place


def _owner(storage: Storage) -> tuple[str, str]:
    """Whose a lake is, and where that workspace lies; nothing where nobody has noted it."""
    from pyarrow.fs import FileType

    path = f"{storage.path}/{OWNER}"
    with _answering(storage):
        files = storage.file_system()
        if files.get_file_info(path).type == FileType.NotFound:
            return "", ""
        owner, _, place = _small_object(files, path).decode().partition("\n")
    return owner, place


def _small_object(files: FileSystem, path: str) -> bytes:
    """An object that may be shorter than what a busy store answers.

    The SDK reads an answer into room for what it asked for: a 503 whose words have no place there is a fault of its own
    to it, which it does not try again as it does other 503s.
    """
    waits = iter(BUSY_WAITS_S)
    while True:
        try:
            with files.open_input_stream(path) as stream:
                return bytes(stream.read())
        except OSError as error:
            wait_s = next(waits, None)
            if wait_s is None or "flush response stream" not in str(error):
                raise
        time.sleep(wait_s)


def _note_owner(storage: Storage, owner: str, holder: str) -> None:
    """Note it, and see that the store keeps what it is sent, before a table is trusted to it."""
    with _answering(storage), storage.file_system().open_output_stream(f"{storage.path}/{OWNER}") as stream:
        stream.write(f"{owner}\n{holder}".encode())
    kept = "\n".join(_owner(storage))
    if kept != f"{owner}\n{holder}":
        raise TableError(
            f"the server of {storage.lake} does not keep what it is sent: {kept[:80]!r} came back for {owner!r}. "
            "Servers from before 2025 do so where AWS_REQUEST_CHECKSUM_CALCULATION is set to when_supported: unset it, "
            "or use another server"
        )


@contextmanager
def _answering(storage: Storage) -> Iterator[None]:
    """A store that does not answer, or does not know us, says so in one sentence."""
    try:
        yield
    except OSError as error:
        raise TableError(unanswered(storage.lake, error)) from error


def unanswered(lake: str, error: Exception) -> str:
    """What to tell somebody whose store failed."""
    words = " ".join(str(error).split())
    said = words if len(words) <= MAX_WORDS else f"{words[:MAX_WORDS]} ..."
    return (
        f"object storage failed ({said}); what was committed stands. Check store.lake ({lake}), store.s3_endpoint and "
        "the keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), then run this again"
    )
