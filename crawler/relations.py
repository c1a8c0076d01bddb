"""Whose is a name or number on a page: the owner's, its parent's, or that of somebody who is only spoken of.

The nearest cue before it in the same sentence decides; a full stop after "Ltd" or "No" ends no sentence.
"""

from __future__ import annotations

import re

REACH = 260  # characters looked back; longer sentences are lists
AHEAD = 100
HEADING_CHARS = 60  # a line this short can head what stands below it
HEADINGS = 2  # lines above that are looked at

# The words say so; nothing says whose, but it stands as firms state their own; it is another's; it is only spoken of.
OWNER, STATED, PARENT, THIRD_PARTY, FORMER, MENTIONED = (
    "owner", "stated", "parent", "third party", "former", "mentioned"
)  # fmt: skip
OWN = frozenset({OWNER, STATED})

_CUES = {
    OWNER: (
        r"(?:trading|business|brand) (?:name|style)s? of|trad(?:es|ing) (?:style|name)|\bt/a\b|a (?:division|brand|"
        r"department) of|"
        r"(?:owned and |is |are )?(?:operated|run|provided to you|maintained) by|(?:web ?site|site|domain|store|"
        r"shop|app|brand) (?:is |are )?owned(?: and (?:operated|run|managed))? by|"
        r"data controller|controller of your|we are|who we are|about us|our (?:full )?(?:company|legal|registered|"
        r"trading) (?:name|details|entity|company)|"
        r"between you and|terms of|copyright|©|\(c\)|welcome to|published by us|on behalf of ourselves|"
        r"our company|by visiting|yn enw masnachu|registered name|company name|legal name|full name"
    ),
    PARENT: (
        r"subsidiar(?:y|ies) of|part of|parent(?: company| undertaking)?|ultimate(?:ly)? (?:holding|parent|"
        r"controlling|owned)|holding company|"
        r"wholly[- ]owned by|owned by|member of the|belongs to|(?:ultimate|immediate|beneficial|sole|"
        r"majority) owners?|(?:our|its|the|whose) (?:\w+ )?(?:owners?|shareholders?|parent|investors?|"
        r"backers?)(?:,| is| are)|"
        r"held by|arm of|headed by|joint venture (?:between|of|by|with)|ventures? of|established by|founded by|"
        r"spun out of|"
        r"acquired by|backed by|group company|is a company of|"
        r"(?:majority|sole|principal|main|our|its) shareholders?|shares (?:are|is) (?:\w+ )?(?:held|owned) by|"
        r"controlled by|trustees?(?: company)? (?:is|of|are)|(?:sole|corporate) trustee|"
        r"(?:sold|transferred|moved|assigned) to|(?:joint(?:ly)?|partly|\d+ ?%|fully|majority)[- ]owned by|rhan o"
    ),
    THIRD_PARTY: (
        r"on behalf of|agents? (?:for|of)|acting for|acts for|instructed by|clients?\b|customers?\b|suppliers?\b|"
        r"supplied by|"
        r"testimonials?|review(?:s|ed)? (?:by|from)|processors?\b|sub-?processors?|service providers?|"
        r"we (?:also )?(?:use|work with|share|partner with|recommend)|"
        r"third[- ]part(?:y|ies)|landlords?\b|tenants?\b|freeholders?\b|leaseholders?\b|vendors?\b|sellers?\b|"
        r"sold by|merchants?\b|manufactur(?:ed|er|ers)(?: by)?|"
        r"distribut(?:ed|or|ors)(?: by)?|insurers?\b|insured by|underwrit\w+|administered by|arranged by|"
        r"introduc\w+ to|"
        r"credit brokers?|lenders?\b|finance (?:is )?provided by|payments? (?:are )?(?:processed|taken|handled|"
        r"provided)(?: \w+)? by|"
        r"trade ?marks? of|accredited by|approved by|certified by|members? of(?! the \w+ group)|in (?:partnership|"
        r"association|"
        r"conjunction) with|partners?\b|sponsor(?:ed by|s)?|case stud(?:y|ies)|work(?:ed)? (?:with|for)|"
        r"project for|employed by|"
        r"(?:trade ?marks?|brand|logo|name)s? (?:and logos? )?(?:is |are |belongs? to|"
        r"remains? )?(?:the property of|owned by|belong(?:s|ing)? to|used under licen[cs]e from|licen[cs]ed (?:by|"
        r"from))|"
        r"franchisors?|franchis(?:e|ee) of|franchised by|franchised from|under licen[cs]e from|licen[cs]ed (?:by|"
        r"from)|contractors?\b|borrowers?\b|"
        r"liquidators?|administrators? of|in administration|insolven\w+|judgment|convicted|fined|prosecuted|sued|"
        r"v\.?\s|against|"
        r"competitors?|acquired|acquisition of|bought|stockists?|dealers? for|reseller of|reported|according to|"
        r"said|told|announced|awarded to|exhibitors?|listings?|directory|members include|tenant|auditors?|"
        r"accountants?:|"
        r"solicitors?:|bankers?:|registrars?:|previous employer|not (?:connected|affiliated|associated|related|"
        r"to be confused) (?:with|to)|"
        r"no connection (?:with|to)|unrelated to|different from|hosting|"
        r"(?:this )?(?:property|unit|development|scheme|building|fund|vehicle|policy|product|plan|cover) (?:is |"
        r"are )?(?:owned|managed|provided|sold|issued|let) by|"
        r"(?:insurance|warranty|guarantee|delivery|couriers?|cover) (?:is |are )?(?:provided|underwritten|backed|"
        r"issued)(?: \w+)? by"
    ),
    "credit": (
        r"(?:web ?site|site|web)?\s?(?:design(?:ed)?|built|build|develop(?:ed|ment)|created|powered|crafted|hosted|"
        r"maintained by|made|produced|photograph(?:y|ed|s)?|"
        r"marketing|seo|ecommerce)(?: (?:and|&) \w+)?(?: with \w+)? (?:by|at|from)|(?:web ?site|site|web design|"
        r"seo|hosting|photography|illustrations?|images?) (?:by|:)|web ?design(?:ers?)?:?|digital agency"
    ),
    FORMER: (
        r"former(?:ly)?(?: known as| called| trading as| name)?|previous(?:ly)?(?: known as| called| trading as|"
        r" names?)?|"
        r"changed (?:its|our) name from|successor to|took over from|predecessor|dissolved|n[ée]e|gynt"
    ),
}  # fmt: skip
# In this order, where two cues begin at one place.
_NAMES = {"owner": OWNER, "credit": "credit", "parent": PARENT, "third_party": THIRD_PARTY, "former": FORMER}
_CUE = re.compile(
    "|".join(
        rf"(?P<{group}>(?<!\w)(?:{_CUES[key]}))"
        for group, key in _NAMES.items()
    ),
    re.IGNORECASE,
)  # fmt: skip
_HEADING = re.compile(
    r"(?:our )?(?:(?P<third_party>landlords?|clients?|customers?|tenants?|freeholders?|suppliers?|sellers?|"
    r"vendors?|sold by|insurers?|"
    r"manufacturers?|web ?design(?:er)?|hosting|auditors?|accountants?|franchisors?|managing agents?|agents?|"
    r"lenders?|data processors?|"
    r"importers?|distributors?|developers?|contractors?|publisher|business seller information)|(?P<parent>parent|"
    r"parent company|"
    r"ultimate parent(?: company)?|holding company|our parent company|group))\b[^.\n]{0,40}",
    re.IGNORECASE,
)
_BREAK = re.compile(r"\n|[;|•·¦]|[.!?](?=\s+[A-Z©\"'(])")
_ABBREVIATED = re.compile(
    r"\b(?:ltd|no|nos|co|reg|regd|inc|plc|st|dr|mr|mrs|ms|nr|num|corp|bros|dept|e\.g|i\.e|cyf|\w)$", re.IGNORECASE
)
_RESUMED = re.compile(
    r"\b(?:and (?:is|are|was|were)|we are|our (?:company|registered)|this (?:web)?site is)\b|©", re.IGNORECASE
)
_FORM = re.compile(r"\b(?:limited|ltd|llp|plc|cic|cyf|inc|gmbh)\b", re.IGNORECASE)
_AFTER = re.compile(
    r"[\s,)\-]{0,4}(?:(?:is|was|are)? ?(?:our|the|its) (?:(?:ultimate )?(?P<parent>parent|holding company|(?:sole |"
    r"majority |main )?shareholder|owner of)|"
    r"(?P<third_party>landlord|freeholder|insurer|supplier|manufacturer|web ?host|payment|client|franchisor|lender|"
    r"agent|broker|"
    r"seller|underwriter|administrator))|(?P<third>who (?:provide|host|built|manage|process|suppl|manufacture)|"
    r"which (?:provide|host|manage|process|suppl|"
    r"manufacture)\w*|provides? (?:us|our|payment|hosting|finance|the)|acts? as|was (?:fined|convicted|wound|"
    r"dissolved|founded)|has been|"
    r"hosts|processes|manages the|has (?:no|gone|entered|acquired|bought|announced|appointed|won|opened|signed)|"
    r"pleaded|went into|said|appeared|supplies|supplied))",
    re.IGNORECASE,
)


_OWNERS_WORDS = re.compile(
    r"©|\(c\) ?\d{4}|\bcopyright\b|all rights reserved|registered office|registered address|\breg(?:'?d|"
    r"\.)? office|\bvat (?:no|reg|number)|"
    r"\btrad(?:es|ing) (?:as|name|style)|\bt/a\b|\bwe are\b|\bour (?:company|registered)|company details|"
    r"company information|"
    r"legal (?:notice|information|details)|imprint|registered charity|charity (?:no|number)|authorised and regulated|"
    r"(?:web ?)?site (?:by|design)|privacy (?:policy|notice)|cookie|terms (?:and|&|of)|swyddfa gofrestredig|"
    r"data controller|"
    r"this (?:web ?)?site|sitemap|follow us",
    re.IGNORECASE,
)
REGISTER_SIGNS = 2
# How registers and directories speak of the firms they list; a firm's own page has one of these at most.
_REGISTER_WORDS = (
    "company status", "sic code", "nature of business", "date of incorporation", "incorporated on",
    "incorporation date",
    "accounts due", "accounts made up", "filing history", "confirmation statement", "credit score", "credit report",
    "credit rating", "claim this business", "claim this listing", "claim this profile", "claim this company",
    "claim your business", "claim your listing", "is this your business", "is this your company", "add your business",
    "list your business", "add your company", "list your company", "report this listing",
    "people with significant control", "similar companies", "nearby companies", "view profile", "view full profile",
    "business directory", "company profile",
)  # fmt: skip


def relation(text: str, start: int, end: int) -> str:
    """What the words around ``text[start:end]`` say of whose it is, or an empty text when they say nothing."""
    after = _AFTER.match(text, end, end + AHEAD)
    begin = start - len(_sentence_before(text, start))
    found = ""
    for match in _CUE.finditer(text, begin, end):
        if match.start() >= start:
            break
        cue = _NAMES[match.lastgroup or ""]
        between = text[match.end() : start]
        if _RESUMED.search(between) and cue != OWNER:
            continue
        if cue == "credit":
            # A credit without a firm's full name does not own the number that comes after it.
            if not _FORM.search(between + text[start:end]):
                continue
            cue = THIRD_PARTY
        found = cue
    if after and found != OWNER:
        return PARENT if after.lastgroup == "parent" else THIRD_PARTY
    return found or _heading_above(text, start)


def unlabelled(text: str, start: int, end: int, own_page: bool) -> str:
    """Whose a number is of which no word says so.

    Args:
        text: Text of the page.
        start: Start of the number's label.
        end: End of the number.
        own_page: The page is one on which firms state their own number.
    """
    if not _FORM.search(_sentence_before(text, start)):
        above = text[max(0, start - REACH) : start].rstrip().rsplit("\n", 1)[-1]
        return STATED if _FORM.search(above) else OWNER
    if own_page:
        return STATED
    begin = max(0, text.rfind("\n", max(0, start - REACH), start))
    begin = max(0, text.rfind("\n", max(0, begin - REACH), begin), begin - REACH) if begin else max(0, start - REACH)
    stop = text.find("\n", end, end + REACH)
    stop = end + REACH if stop < 0 else min(stop + 1 + REACH, end + 2 * REACH)
    return STATED if _OWNERS_WORDS.search(text, begin, stop) else MENTIONED


def is_register_page(text: str) -> bool:
    """Whether a page tells of firms as registers and directories do."""
    lower = text.lower()
    return len({phrase.split()[0] for phrase in _REGISTER_WORDS if phrase in lower}) >= REGISTER_SIGNS


def _sentence_before(text: str, start: int) -> str:
    begin = max(0, start - REACH)
    cut = begin
    # One character more: whether a full stop ends the sentence is seen from what comes after it.
    for match in _BREAK.finditer(text, begin, start + 1):
        if match.end() > start:
            break
        if match[0] == "." and _ABBREVIATED.search(text, max(begin, match.start() - 6), match.start()):
            continue
        cut = match.end()
    return text[cut:start]


def _heading_above(text: str, start: int) -> str:
    lines = text[max(0, start - REACH) : start].split("\n")[:-1]
    for line in reversed(lines[-HEADINGS:]):
        if len(line) <= HEADING_CHARS and (match := _HEADING.fullmatch(line.strip(" :"))):
            return PARENT if match.lastgroup == "parent" else THIRD_PARTY
    return ""
