"""What disk, catalogue and bucket fail with, as a sentence with the cure and the exit code of the command line.

The words are those of the kernel, of SQLite and of Arrow; none of these is imported to recognise them.
"""

from __future__ import annotations

import errno

FULL = (errno.ENOSPC, errno.EDQUOT)
UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)
OVERTAKEN = ("CommitFailedException", "ValidationException")  # pyiceberg's, of a commit that another came before
CATALOG = "the lake's catalogue"


def told(error: Exception) -> tuple[str, int] | None:
    """A sentence for a person, and an exit code; None for what is no fault of the system."""
    words = str(error)
    if isinstance(error, OSError):
        if "AWS Error" in words:
            from pipelines.storage import unanswered

            return unanswered("the bucket", error), 1
        if error.errno in FULL:
            file = f" ({error.filename})" if error.filename else ""
            return f"no space left on the disk{file}; free some and run again", 3
        if error.errno in UNWRITABLE:
            return f"{words}; have it mounted, or owned, such that this user may write there, and run again", 1
        if error.errno == errno.EIO:
            return f"{words}; look at the disk's health, then at the files with firmscope doctor, and run again", 1
    if type(error).__name__ in OVERTAKEN:
        return "another program has written to the lake meanwhile; nothing of this commit stands, run this again", 1
    if "database or disk is full" in words:
        return f"no space left on the disk ({CATALOG}); free some and run again", 3
    if "readonly database" in words:
        return f"{CATALOG} may only be read; have it owned such that this user may write there, and run again", 1
    if "file is not a database" in words or "database disk image is malformed" in words:
        return f"{CATALOG} is spoilt: firmscope doctor --repair makes it anew from the tables", 1
    if "disk I/O error" in words:  # SQLite does not say which: a full disk is told so too, where it shows at a sync
        return f"{CATALOG} could not be written (disk I/O error); look at the disk's room and health and run again", 1
    return None
