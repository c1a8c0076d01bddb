"""The seal of a label store: ``labels.seal`` beside it tells a line that was changed or lost from one that was added.

The seal holds a digest of every judgement it has seen, and no chain over them: git may bring lines of two branches
together in any order, and a chain would break at every merge. It guards against slips and quiet edits, not against
somebody who changes both files; that, the history of git shows.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from labels.errors import LabelsError
from labels.store import MARKER, Judgement, StoreLine, file_text

HEADER = "# What labels.csv has held: + a judgement, - one that was given up, with when and why. Made by firmscope.\n"
DIGEST_DIGITS = 32  # of SHA-256; two of a million judgements share 128 bits with a chance below 1e-26
MAX_SHOWN = 5  # lost judgements that an error names


class SealError(LabelsError):
    """A judgement that the seal has seen is no longer in the label store as it was."""


def digest_of(judgement: Judgement) -> str:
    """What the seal keeps of a judgement: the same for the same words, whatever the columns or line ends around."""
    return hashlib.sha256("\n".join(vars(judgement).values()).encode()).hexdigest()[:DIGEST_DIGITS]


def read_seal(path: Path) -> dict[str, str]:
    """Judgements that must be in the store, by digest: firm, sector, label, coder and day as CSV. None: no file yet.

    Raises:
        LabelsError: The file is no seal; names the line.
    """
    if not path.is_file():
        return {}
    held: dict[str, str] = {}
    lines = file_text(path).split("\n")[:-1]  # behind the last line end is nothing, or what a crash cut short
    for number, line in enumerate(lines, start=1):
        sign, _, rest = line.rstrip("\r").partition(" ")
        digest, _, what = rest.partition(" ")
        if not sign or sign == "#" or MARKER.match(line):
            continue
        if sign not in ("+", "-") or len(digest) != DIGEST_DIGITS:
            raise LabelsError(f"{path}, line {number}: not a line of a seal; restore the file from git")
        held.pop(digest, None)
        if sign == "+":
            held[digest] = what
    return held


def check_seal(store: Path, held: Mapping[str, str], lines: Sequence[StoreLine]) -> None:
    """Raise a SealError, which names the lines and the cure, unless every sealed judgement is there as it was."""
    missing = lost(held, lines)
    if not missing:
        return
    added = [line for line in lines if digest_of(line.judgement) not in held]
    shown = "; ".join(_told(what, added) for what in list(missing.values())[:MAX_SHOWN])
    more = f"; and {len(missing) - MAX_SHOWN} more" if len(missing) > MAX_SHOWN else ""
    raise SealError(
        f"{store}: {len(missing)} sealed judgement{'s were' if len(missing) > 1 else ' was'} changed or lost: "
        f"{shown}{more}. Lines of the store are added, never changed: restore them (git diff {store.name} shows what "
        "changed), or, where the change is meant, write it down with: firmscope labels accept --reason TEXT"
    )


def lost(held: Mapping[str, str], lines: Iterable[StoreLine]) -> dict[str, str]:
    """Sealed judgements that no line says any more, by digest."""
    there = {digest_of(line.judgement) for line in lines}
    return {digest: what for digest, what in held.items() if digest not in there}


def added_text(held: Mapping[str, str], judgements: Iterable[Judgement]) -> str:
    """Lines that seal the judgements which are not sealed yet."""
    fresh = {digest_of(judgement): judgement for judgement in judgements}
    return "".join(f"+ {digest} {_what(fresh[digest])}\n" for digest in fresh if digest not in held)


def given_up_text(missing: Iterable[str], at: str, reason: str) -> str:
    """Lines that give up judgements, by digest, for a reason."""
    return "".join(f"- {digest} {at} {' '.join(reason.split())}\n" for digest in missing)


def _what(judgement: Judgement) -> str:
    words = (judgement.firm_id, judgement.sector, judgement.label, judgement.coder, judgement.labelled_on)
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(words)
    return text.getvalue()


def _told(what: str, added: Sequence[StoreLine]) -> str:
    firm_id, sector, label, coder, day = next(csv.reader([what]))
    told = f"{coder}'s {label} of firm {firm_id!r} for {sector} ({day})"
    same = [
        line for line in added
        if (line.judgement.firm_id, line.judgement.sector, line.judgement.coder) == (firm_id, sector, coder)
    ]  # fmt: skip
    if same:
        return f"{told}, where line {same[0].number} now says {same[0].judgement.label}"
    numbers = ", ".join(str(line.number) for line in added[:MAX_SHOWN])
    return f"{told}, which no line says (not sealed: line {numbers})" if numbers else f"{told}, which no line says"
