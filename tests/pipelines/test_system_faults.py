"""Faults of disk, catalogue and bucket are told in a sentence that names the cure; others are left as they are."""

from __future__ import annotations

import errno
import os
import sqlite3

import pytest

from pipelines.system_faults import told


def of_the_kernel(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/ws/lake/catalog.db")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (of_the_kernel(errno.ENOSPC), 3, "free some"),
        (of_the_kernel(errno.EDQUOT), 3, "free some"),
        (of_the_kernel(errno.EROFS), 1, "/ws/lake/catalog.db'; have it mounted"),
        (of_the_kernel(errno.EACCES), 1, "may write there"),
        (of_the_kernel(errno.EIO), 1, "firmscope doctor"),
        (OSError("AWS Error NETWORK_CONNECTION during HeadObject operation"), 1, "object storage failed"),
        (sqlite3.OperationalError("database or disk is full"), 3, "free some"),
        (sqlite3.DatabaseError("file is not a database"), 1, "firmscope doctor --repair"),
        (sqlite3.DatabaseError("database disk image is malformed"), 1, "firmscope doctor --repair"),
        (sqlite3.OperationalError("disk I/O error"), 1, "room and health"),
        (sqlite3.OperationalError("attempt to write a readonly database"), 1, "owned such that"),
        (type("CommitFailedException", (Exception,), {})("branch main has changed"), 1, "run this again"),
    ],
)  # fmt: skip
def test_told(error: Exception, code: int, words: str) -> None:
    sentence = told(error)
    assert sentence is not None
    assert sentence[1] == code
    assert words in sentence[0]


@pytest.mark.parametrize("error", [ValueError("no"), of_the_kernel(errno.ENOENT)], ids=["ours", "no such file"])
def test_not_told(error: Exception) -> None:
    assert told(error) is None
