"""Where a lake's files are: a folder, or a bucket of any server that speaks S3.

The catalogue stays in the workspace's folder: one writer, which holds the workspace's lock. Keys to a bucket come from
where every S3 program looks for them (AWS_ACCESS_KEY_ID and its like), never from the settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelines.errors import TableError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

LAKE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*")
CONNECT_S = 10
REQUEST_S = 60  # of silence; a file of a lake is a few megabytes
OWNER = "firmscope-owner"  # an object in the lake: whose it is
RETRIES = "pipelines.retries.PatientRetries"


@dataclass(frozen=True)
class Storage:
    """A bucket, or a folder in it, and the server that has it."""

    lake: str  # s3://bucket/folder
    endpoint: str = ""  # empty: Amazon's
    region: str = "us-east-1"

    def properties(self) -> dict[str, str]:
        """The same in pyiceberg's words."""
        given = {
            "s3.region": self.region,
            "s3.connect-timeout": str(CONNECT_S),
            "s3.request-timeout": str(REQUEST_S),
            "s3.retry-strategy-impl": RETRIES,
        }
        return given | ({"s3.endpoint": self.endpoint} if self.endpoint else {})

    def file_system(self) -> FileSystem:
        """The same for Arrow, paths as ``bucket/folder/name``."""
        from pyarrow.fs import S3FileSystem

        from pipelines.retries import PatientRetries

        scheme = urlsplit(self.endpoint).scheme or "https"
        return S3FileSystem(
            endpoint_override=self.endpoint or None, region=self.region, scheme=scheme, connect_timeout=CONNECT_S,
            request_timeout=REQUEST_S, retry_strategy=PatientRetries(),
        )  # fmt: skip

    @property
    def path(self) -> str:
        """Bucket and folder, as Arrow names them."""
        return self.lake.removeprefix("s3://")


def claim(storage: Storage, owner: str) -> None:
    """Mark a place in a bucket as the lake of one workspace.

    Raises:
        TableError: Another workspace's lake is there, or the store does not answer.
    """
    held = _owner(storage)
    if held is None:
        with _answering(storage), storage.file_system().open_output_stream(f"{storage.path}/{OWNER}") as stream:
            stream.write(owner.encode())
    elif held != owner:
        raise TableError(
            f"{storage.lake} is the lake of another workspace (its owner file says {held}, expected {owner}): "
            "name another folder in store.lake, before firmscope init makes the lake"
        )


def refuse_others(storage: Storage, owner: str) -> None:
    """Raise a TableError unless the lake there is this workspace's."""
    held = _owner(storage)
    if held != owner:
        raise TableError(
            f"{storage.lake} is not this workspace's lake (its owner file says {held or 'nothing'}, expected {owner}): "
            "set store.lake back to where the lake was made"
        )


def _owner(storage: Storage) -> str | None:
    from pyarrow.fs import FileType

    path = f"{storage.path}/{OWNER}"
    with _answering(storage):
        files = storage.file_system()
        if files.get_file_info(path).type == FileType.NotFound:
            return None
        with files.open_input_stream(path) as stream:
            return str(stream.read().decode())


@contextmanager
def _answering(storage: Storage) -> Iterator[None]:
    """A store that does not answer, or does not know us, says so in one sentence."""
    try:
        yield
    except OSError as error:
        raise TableError(unanswered(storage.lake, error)) from error


def unanswered(lake: str, error: Exception) -> str:
    """What to tell somebody whose store failed."""
    return (
        f"object storage failed ({' '.join(str(error).split())[:300]}); what was committed stands. Check store.lake "
        f"({lake}), store.s3_endpoint and the keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), then run this again"
    )
