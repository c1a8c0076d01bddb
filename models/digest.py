"""Content digests of texts, arrays and files.

Texts are digested after Unicode NFC normalisation, so that the same words typed on two systems share one cached vector.
"""

import hashlib
import unicodedata
from pathlib import Path

READ_BLOCK_BYTES = 1 << 20


def text_digest(text: str) -> str:
    """SHA-256 (64 hex digits) of the NFC form of ``text`` in UTF-8.

    Lone surrogates, which broken pages do contain, are digested as they stand rather than refused.
    """
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")).hexdigest()


def bytes_digest(data: bytes) -> str:
    """SHA-256 (64 hex digits) of ``data``."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (64 hex digits) of a file's bytes, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(READ_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
