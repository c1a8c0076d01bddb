"""What every annotation tool is handed, and what comes back, before it takes a tool's form.

A tool shows a firm's text and nobody's judgement: who sees another's word judges that way. What was judged so far
travels along unseen, as a piece of JSON that tools keep as it is, so that nothing is lost on a round trip.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from labels.errors import LabelsError
from labels.label_files import check_pair, parse_moment
from labels.store import COLUMNS, Judgement, checked
from labels.taxonomy import Taxonomy

MAX_TEXT_CHARS = 20_000  # a tool loads whole texts into its page; the site's address stands beside
CUT = " [...]"
FIELDS = ("firm_id", "name", "website", "text_digest", "judgements")
"""What is handed out beside the text, as text each."""
TAKEN = frozenset({"text", "name", "site", "note"})
"""Names of a form's own parts, which no sector can have there."""


@dataclass(frozen=True)
class FirmSheet:
    """A firm as an annotator gets it."""

    firm_id: str
    name: str
    website: str
    text: str
    text_digest: str
    judgements: tuple[Judgement, ...] = ()

    def shown(self) -> str:
        """The text, cut where it is longer than a tool can show well."""
        return self.text if len(self.text) <= MAX_TEXT_CHARS else self.text[: MAX_TEXT_CHARS - len(CUT)] + CUT

    def beside(self) -> dict[str, str]:
        """``FIELDS``."""
        carried = json.dumps([asdict(judgement) for judgement in self.judgements], ensure_ascii=False)
        return dict(zip(FIELDS, (self.firm_id, self.name, self.website, self.text_digest, carried), strict=True))


@dataclass(frozen=True)
class Answer:
    """An annotator's word as a tool gives it back."""

    where: str  # file and record, for messages
    firm_id: str
    text_digest: str
    sector: str
    label: str
    coder: str
    at: str = ""  # ISO; empty where the tool does not say
    note: str = ""


Coders = Callable[[str], str]
"""A tool's name or number of an annotator, to the coder's name."""


def named(coders: Mapping[str, str], tool: str) -> Coders:
    """Coders by the tool's own id (``""``: all of them); who is not in the list is called after the tool."""

    def name(annotator: str) -> str:
        known = coders.get(annotator) or coders.get("")
        return known or (annotator if "@" in annotator else f"{tool}-{annotator}" if annotator else tool)

    return name


def carried(where: str, fields: Mapping[str, Any]) -> list[Judgement]:
    """Judgements that travelled along.

    Raises:
        LabelsError: Somebody has changed them; names the record.
    """
    text = fields.get("judgements") or "[]"
    try:
        return [Judgement(**{name: str(one[name]) for name in COLUMNS}) for one in json.loads(text)]
    except (ValueError, TypeError, KeyError) as error:
        raise LabelsError(f"{where}: 'judgements' is not as firmscope wrote it ({error}); export the firms anew") from (
            error
        )


def to_judgements(
    answers: Iterable[Answer], taxonomy: Taxonomy, known_firms: Collection[str], now: datetime
) -> list[Judgement]:
    """Answers as judgements of today's taxonomy.

    Raises:
        LabelsError: An unknown firm, sector or label, or a date in the future; names the record.
    """
    found = []
    for answer in answers:
        check_pair(answer.where, answer.firm_id, answer.sector, taxonomy, known_firms)
        labelled_on = parse_moment(answer.where, answer.at, now)
        judgement = Judgement(
            answer.firm_id, answer.sector, answer.label, answer.coder, labelled_on, answer.note,
            str(taxonomy.version), answer.text_digest,
        )  # fmt: skip
        found.append(checked(answer.where, judgement))
    return found


def firm_of(where: str, fields: Any) -> tuple[str, str]:
    """The firm_id and text_digest that travelled along.

    Raises:
        LabelsError: There is no firm_id.
    """
    firm_id = fields.get("firm_id") if isinstance(fields, Mapping) else None
    if not isinstance(firm_id, str) or not firm_id:
        raise LabelsError(f"{where}: no firm_id; expected a record that firmscope labels export has written")
    return firm_id, str(fields.get("text_digest") or "")


def json_list(where: str, text: str, what: str) -> Sequence[Any]:
    """A JSON file that must be a list.

    Raises:
        LabelsError: It is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LabelsError(f"{where}: not JSON ({error}); expected {what}") from error
    if not isinstance(value, list):
        raise LabelsError(f"{where}: {type(value).__name__}, expected {what}")
    return value
