"""The words that introduce registration numbers, and the words that may stand between them and the number.

Order and strength matter: "registered charity in England" is both a charity's label and a country's, and of two labels
that reach a number the stronger one has it, or else the nearer one. All repeats are bounded or possessive.
"""

from __future__ import annotations

import re

_NUMBER_WORD = r"(?:numbers?|nos?\b\.?|nr\b\.?|num\b\.?|n°|#|ref(?:erence)?\b\.?|code|id)"
_REG = (
    r"(?:registration|registered|registry|register|regist\b\.?|regn\b\.?|reg'?d\b\.?|reg\b\.?|incorporation|"
    r"identification|inc\b\.?)"
)
_UK = (
    r"(?:england|wales|scotland|northern ireland|n\.? ?ireland|great britain|g\.?b\.?\b|u\.?k\.?\b|united kingdom|"
    r"e ?(?:&|and) ?w\b|cardiff|edinburgh|belfast|london|companies house|companies registry|the registrar)"
)
_ABROAD = (
    r"(?:the )?(?:republic of )?(?:ireland|dublin|eire|jersey|guernsey|the isle of man|isle of man|gibraltar|"
    r"germany|france|spain|"
    r"italy|netherlands|belgium|luxembourg|malta|cyprus|sweden|norway|denmark|finland|poland|india|china|hong kong|"
    r"singapore|australia|new zealand|canada|delaware|united states|usa|switzerland|austria|portugal|estonia|latvia|"
    r"lithuania|israel|south africa|the british virgin islands|cayman islands|seychelles|uae|dubai|japan)\b"
)
_PATTERNS: tuple[tuple[str, str, int], ...] = (
    # name of the group, pattern, strength: 4 says which register, 2 where it is kept, 1 that there is one
    ("abroad", (
        rf"(?:registered|incorporated|established|registration|register|registrar of companies),? (?:in|of|at|"
        rf"number in) {_ABROAD}"
    ), 6),
    ("foreign", (
        r"\b(?:hr[ab]|handelsregister\w*|amtsgericht|ust-?id(?:nr)?\.?|siren|siret|r\.?c\.?s\.?|kvk(?:-nummer)?|"
        r"k\.v\.k\.|"
        r"chamber of commerce|ein|abn|acn|cvr|cif|nif|nip|krs|cro|partita iva|p\.? ?iva|org\.? ?nr|"
        r"organisationsnummer|"
        r"federal tax id|tax id)\b"
    ), 4),
    ("charity", r"\b(?:charit(?:y|ies|able)|elusen|oscr|ccni)\b", 4),
    ("vat", r"(?<!\w)(?:v\.?a\.?t\b\.?|taw\b|value added tax)", 4),
    ("other", (
        r"\b(?:tel(?:ephone)?|phone|call(?: us)?|mobile|mob|fax|freephone|ffon|ffôn|t:|m:|f:|ring|text|whatsapp|"
        r"hotline|"
        r"helpline|switchboard|"
        r"fca|frn|f\.?r\.?n|fsa|pra|firm reference|financial (?:conduct|services)(?: authority| register)?|"
        r"sra|solicitors regulation authority|law society|ico|data protection(?: act)?|"
        r"information commissioner'?s?(?: office)?|"
        r"data protection register|iso|en iso|bs en|duns|d-u-n-s|d&b|patents?|eori|utr|paye|"
        r"unique taxpayer reference|employer'?s? ref\w*|"
        r"cqc|care quality commission|provider|ofsted|urn|ukprn|gphc|gdc|gmc|nmc|hcpc|arla|naea|rics|niceic|napit|"
        r"gas safe|gas ?safe register|oftec|hetas|corgi|waste carriers?|carriers? licen[cs]e|environment agency|"
        r"sepa|atol|abta|iata|mhra|"
        r"trade ?marks?|licen[cs]es?|licensing|permit|certificate|certification|membership|member|account|sort code|"
        r"iban|bic|invoice|order|part|model|product|sku|isbn|issn|gtin|ean|batch|serial|planning|grant|project|job|"
        r"case|quote|policy|vehicle|car|imo|mmsi|dvla|operator'?s?|o-licence|consumer credit|clc|cilex|acca|icaew|"
        r"architects registration board|arb|chas|constructionline|safecontractor|exor|achilles|weee|wee|packaging|"
        r"producer|hallmark|assay|approval|accreditation|ukas|unique id|postcode|po box)\b"
    ), 4),
    ("society", (
        r"\b(?:registered societ(?:y|ies)|(?:co-?operative|community benefit|industrial and provident|provident|"
        r"friendly) societ(?:y|ies)|(?:co-?operative and )?community benefit societies act(?: \d{4})?|"
        r"mutuals? (?:public )?regist(?:er|ration)|"
        r"fca mutuals)\b(?: (?:and community benefit )?(?:societies )?act \d{4})?"
    ), 5),
    ("company", (
        rf"\bcompan(?:y|"
        rf"ies)'?s? ?(?:limited by guarantee )?(?:house )?(?:{_REG}\s?)?(?:\(?(?:in )?(?:england(?: (?:and|"
        rf"&) wales)?|scotland|uk|northern ireland)\)? )?{_NUMBER_WORD}"
        rf"|\bcompan(?:y|ies) (?:is |was )?(?:{_REG})"
        r"|\bcompan(?:ies|y) house\b|\bcompanies acts?\b(?: \d{4})?(?: (?:to|and) \d{4})?|\bregister of companies\b"
        rf"|\b(?:coy|comp)\b\.? ?{_NUMBER_WORD}|\b(?:uk )?(?:establishment|branch|overseas company|overseas entity|"
        rf"entity|society|cio) (?:{_REG} )?{_NUMBER_WORD}"
        rf"|\bco\b\.? ?(?:{_REG}\s?)?{_NUMBER_WORD}"
        rf"|\bco\b\.? ?reg(?:istration|istered|'?d|n)?\b\.?"
        rf"|\b(?:corporate|business|llp|partnership|plc|limited company|private company|"
        rf"limited liability partnership|corporation) (?:{_REG}\s?)?{_NUMBER_WORD}"
        r"|\bc\.?r\.?n\b\.?|\bcompany\s?[:#]"
        r"|\brhif(?: y)? (?:cofrestru(?:'?r)? ?)?(?:y )?cwmni|\bcwmni (?:cofrestredig )?rhif|"
        r"\brhif (?:cwmni )?cofrestr\w+|\bcofrestr\w+ (?:cwmni|y cwmni)"
    ), 4),
    ("place", (
        rf"\b(?:registered|incorporated|inc\b\.?|reg'?d\b\.?|reg\b\.?|registration|established|formed|constituted|"
        rf"company|partnership|cofrestr\w+|gofrestr\w+),?(?: and incorporated| and registered)?"
        rf"(?: as an? [a-z ]{{3,40}}+)?:? ?(?:in|at|with|by|under the laws of|yng|"
        rf"yn)? ?(?:the )?(?:laws of )?(?:{_UK}|nghymru|lloegr|chymru)"
        rf"|\b(?:england|scotland|wales|northern ireland)(?: (?:and|&) wales)?:? (?:{_REG}|(?:company )?(?:no|"
        rf"number)\b)"
    ), 2),
    ("generic", rf"\b(?:{_REG} {_NUMBER_WORD}|reg\.? ?no\b\.?|{_REG}\s?[:#])", 1),
    ("bare", r"\b(?:numbers?|nos?|id|registration|registered|branch)\b", 1),
    ("form", (
        r"\b(?:(?:uk|limited|registered) company|coy|registered|uk co|limited|ltd|llp|plc|p\.l\.c|cic|c\.i\.c|cyf|"
        r"cyfyngedig)\b\.?(?: co\b\.?)?"
    ), 1),
)  # fmt: skip
STRENGTH = {name: strength for name, _, strength in _PATTERNS}
LABELS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern, _ in _PATTERNS}
FILLER = re.compile(
    r"(?:[\s:.,;\-#°º(\[)\]=|/*•·'\"]|(?:numbers?|nos?|nr|num|is|are|the|company|companies|house|co|registered|"
    r"registration|"
    r"register|reg|regd|incorporated|under|with|and|in|at|england|wales|scotland|northern|ireland|united|kingdom|"
    r"uk|gb|"
    r"great|britain|crn|id|ref|reference|of|as|a|an|by|limited|ltd|liability|partnership|llp|plc|private|public|"
    r"guarantee|shares|its|our|your|code|cardiff|edinburgh|rhif|lloegr|nghymru|chymru|yng|yn|dan|gyda|o|y|yr|a'r|"
    r"cofrestredig|cofrestru|cofrestrwyd|cwmni|elusen|commission|that|which|charity|charities|and|vat|v|t|taw|office|"
    r"society|us|on|authority|"
    r"registrar|companies|business|firm|&)\b|&){0,24}+",
    re.IGNORECASE,
)
_NARROW_FILLER = re.compile(
    r"(?:[ :,;\-#(\[=|/]|(?:numbers?|nos?|nr|num|is|are|the|registered|registration|register|reg|regd|under|with|id|"
    r"ref|reference|as|our|your|code|and|office|authority|firm|by|licen[cs]e|certificate|vat|gb)\b\.?){0,16}+",
    re.IGNORECASE,
)
_FORM_FILLER = re.compile(
    r"[\s.,]{0,2}[(\[\-:|]?\s?(?:(?:reg(?:istered|istration|d)?\.? ?)?(?:(?:company )?(?:number|no|nr)\b[.:]? ?|"
    r"reg\b\.? ?)?)[(]?",
    re.IGNORECASE,
)
FILLERS = {
    "form": _FORM_FILLER,
    "bare": _FORM_FILLER,
    "other": _NARROW_FILLER,
    "foreign": _NARROW_FILLER,
    "vat": _NARROW_FILLER,
}
WIDE = re.compile(r"[^\d\n;]{0,90}?\b(?:number|no|nr|under|crn)\b[\s:.\-#(]{0,4}+", re.IGNORECASE)
NEXT = re.compile(r"\s?(?:,|/|&|;|\band\b|\bor\b|\ba\b)\s?", re.IGNORECASE)
AFTERWARDS = re.compile(
    r"[\s,)\]\-|;:.]{0,4}+(?:\(?(?:a company )?(?:registered|incorporated|reg'?d)(?: company)? (?:in|at|with|"
    r"by) (?:the )?"
    rf"{_UK}|companies house|\(?england (?:and|&) wales\)?)", re.IGNORECASE,
)  # fmt: skip
