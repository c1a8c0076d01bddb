"""Names of coders: what may stand as one in ``labels.csv`` and in a cookie."""

from __future__ import annotations

import re

from labels.store import SETTLED
from pipelines.errors import UsageError

MAX_NAME_CHARS = 40
RESERVED = frozenset({SETTLED, "import"})  # what the store calls words that are nobody's own
_NAME = re.compile(r"[^\W_][\w .@-]*")


def check_coder(name: str) -> str:
    """The name as it is kept.

    Raises:
        UsageError: It is not a name.
    """
    plain = " ".join(name.split())
    if not _NAME.fullmatch(plain) or len(plain) > MAX_NAME_CHARS:
        raise UsageError(
            f"coder {plain[:MAX_NAME_CHARS]!r}: expected a name of up to {MAX_NAME_CHARS} letters, digits, spaces and "
            ". @ - _, beginning with a letter or digit"
        )
    if plain.casefold() in RESERVED:
        raise UsageError(f"coder {plain!r} is a word that the label store keeps for itself; take another name")
    return plain
