"""A process that reads pages: ``python -m crawler.reading_worker``; started by ``crawler.reading`` only.

Speaks length and pickle over its pipes. Ends with its parent, when its input closes, and when a page has left it too
large; the parent then starts another.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from crawler.children import log_to_stderr, signal_when_parent_dies
from crawler.page_reading import read_page
from crawler.reading import LENGTH

MAX_ADDRESS_BYTES = 2 * 1024**3  # a page that needs more is no page; read_html then gives up on it
MAX_RESIDENT_BYTES = 200 * 1024 * 1024
STATUS = Path("/proc/self/statm")


def main() -> int:
    """Answer one request after the other."""
    signal_when_parent_dies(signal.SIGKILL)
    log_to_stderr()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_BYTES, MAX_ADDRESS_BYTES))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else would print goes to the log
    read_page(b"<p>the first page takes longer", "", "text/html", "other")
    answers.write(b".")
    answers.flush()
    leaving = False
    while not leaving and (request := _message(sys.stdin.buffer)):
        body, url, content_type, kind = pickle.loads(request)  # noqa: S301 (our own parent's pipe)
        page = read_page(body, url, content_type, kind)
        leaving = _resident_bytes() > MAX_RESIDENT_BYTES
        answer = pickle.dumps((page, leaving))
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()
        del body, request, page, answer
    return 0


def _message(pipe: BinaryIO) -> bytes:
    head = pipe.read(LENGTH.size)
    return pipe.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""


def _resident_bytes() -> int:
    if not STATUS.is_file():
        return 0
    return int(STATUS.read_text(encoding="ascii").split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())
