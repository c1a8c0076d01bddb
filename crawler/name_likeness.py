"""How alike two firms' names are, and how much a web address says the same: legal forms aside, rare words first.

"Services" in two names means nothing, "Holdings" in one of them means another company: the first kind of word weighs
little, and names of one business family never count as the same.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from crawler.platforms import owner_of
from crawler.urls import is_ip, registered_domain

COMMON_WEIGHT = 0.25
PLACE_WEIGHT = 0.6  # tells sister companies apart, says little about who they are
MIN_TELLING_CHARS = 5  # shorter parts of a domain are found in other words

# Words that stand in very many names of the register; by eye from its basic company data, not by a count.
COMMON = frozenset(
    """
    services service solutions solution group holdings holding international management consulting consultancy
    consultants consultant trading properties property developments development investments investment enterprises
    enterprise engineering construction building builders contractors design designs systems technology technologies
    tech digital media marketing homes care healthcare health medical training education transport logistics haulage
    motors cars auto autos catering foods food cleaning security electrical plumbing heating joinery company co
    associates partners partnership global world europe european british national uk gb england scotland wales
    london capital finance financial software data network products supplies supply sales retail wholesale online
    shop store stores projects project energy environmental studio studios creative communications events travel
    leisure sports fitness hair beauty the and of for in
    """.split()  # noqa: SIM905
)
STRUCTURE = frozenset(
    """
    group holdings holding international uk gb europe trading properties estates investments ireland management
    midlands north south east west northern southern eastern western scotland wales london england global topco
    bidco midco nominees trustees retail wholesale online
    """.split()  # noqa: SIM905
)
_FORMS = re.compile(
    r"\b(?:private limited company|public limited company|limited liability partnership|community interest company|"
    r"charitable incorporated organisation|limited partnership|limited|ltd|llp|plc|cic|cio|cyfyngedig|cyf|"
    r"unlimited|inc|"
    r"incorporated|gmbh|llc|lp|pty|bv|sa|ag)\b"
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """``share`` is the weight of the words in common, 0 to 1; ``same`` when nothing but spelling differs."""

    share: float
    same: bool


@lru_cache(maxsize=8192)
def core(name: str) -> tuple[str, ...]:
    """A name's words without legal form, case, accents and punctuation; "&" and "plus" are "and"."""
    plain = unicodedata.normalize("NFKD", name[:200]).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = re.sub(r"[&+]", " and ", re.sub("['`\u2018\u2019]", "", plain))
    plain = re.sub(r"\b((?:\w\.){2,})", lambda match: match[1].replace(".", ""), plain)
    plain = re.sub(r"[^\w]+", " ", plain.replace("_", " "))
    plain = re.sub(r"\bt a\b.*", "", plain)
    words = _FORMS.sub(" ", plain).split()
    if words[:1] == ["the"]:
        words = words[1:]
    return tuple(_joined_initials(words))


def likeness(name: str, other: str) -> Likeness:
    """How alike two names are; empty names are like nothing."""
    left, right = core(name), core(other)
    if not left or not right:
        return Likeness(0.0, False)
    if left == right or "".join(left) == "".join(right):
        return Likeness(1.0, True)
    without = [
        tuple(word for word in words if word not in {"and", "uk", "co", "company", "the"}) for words in (left, right)
    ]
    common = set(left) & set(right)
    every = set(left) | set(right)
    share = sum(map(weight, common)) / sum(map(weight, every))
    # "and" and the like may come and go; a UK arm is another company than its namesake only where numbers say so.
    spelled = bool(without[0]) and "".join(without[0]) == "".join(without[1]) and ("uk" in left) == ("uk" in right)
    return Likeness(1.0 if spelled else share, spelled)


def weight(word: str) -> float:
    """How much a word says of who a firm is."""
    if word in STRUCTURE:
        return PLACE_WEIGHT
    return COMMON_WEIGHT if word in COMMON or len(word) < 2 else 1.0


def distinctive(name: str) -> tuple[str, ...]:
    """The words of a name that are its own."""
    return tuple(word for word in core(name) if weight(word) == 1.0)


def domain_likeness(name: str, host: str) -> tuple[float, str]:
    """How much a host says a firm's name, 0 to 1, with the wording of the reason.

    Platforms' hosts and IP addresses say nothing.
    """
    domain = registered_domain(host.removeprefix("www."))
    words = core(name)
    if not words or is_ip(host) or owner_of(domain):
        return 0.0, ""
    label = re.sub(r"[^a-z0-9]", "", domain.split(".")[0])
    whole = "".join(words)
    ascii_whole = re.sub(r"[^a-z0-9]", "", whole)
    shapes = {ascii_whole, ascii_whole.replace("and", "")}
    family = re.sub(r"[^a-z0-9]", "", "".join(word for word in words if word not in STRUCTURE))
    bare = re.sub(r"(?:ltd|limited|plc|llp|cic|uk|online|group|co|gb)$", "", label).removeprefix("the") or label
    if {label, bare} & {shape for shape in shapes if len(shape) >= 3}:
        return 1.0, "is the name"
    if len(family) >= 3 and family in {label, bare}:
        return 0.6, "is the name of the family of firms"
    own = [word for word in distinctive(name) if word.isascii()]
    telling = [word for word in own if len(word) >= MIN_TELLING_CHARS and word in label]
    if own and len(own) >= 2 and "".join(own) in label:
        return 0.9, "holds the name's own words"
    if telling and own and label.startswith(own[0]) and len(own) == 1:
        return 0.65, "begins with the name's own word"
    if telling:
        return 0.6, f"holds {telling[0]!r}"
    if len(label) >= MIN_TELLING_CHARS and ascii_whole.startswith(label):
        return 0.7, "is how the name begins"
    initials = "".join(word[0] for word in words if word != "and")
    if len(initials) >= 3 and initials in {label, bare}:
        return 0.5, "is the name's initials"
    if _abbreviates(bare, ascii_whole, words):
        return 0.4, "abbreviates the name"
    return 0.0, ""


def _abbreviates(label: str, whole: str, words: tuple[str, ...]) -> bool:
    """Whether the label is made of beginnings of the name's words, in order: "harbeng" for Harbour Engineering."""
    if len(label) < 5 or label[0] != whole[:1]:
        return False
    place = 0
    for word in words:
        length = 0
        while place + length < len(label) and length < len(word) and label[place + length] == word[length]:
            length += 1
        place += length
    return place == len(label)


def _joined_initials(words: list[str]) -> list[str]:
    """ "j m smith" and "jm smith" are one spelling."""
    made: list[str] = []
    run = ""
    for word in words:
        if len(word) == 1 and word.isalpha():
            run += word
            continue
        if run:
            made.append(run)
            run = ""
        made.append(word)
    return [*made, run] if run else made
