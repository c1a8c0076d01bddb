"""Pages that answer 200 and say nothing about the firm: parked domains, default servers, bot walls, soft 404s.

Conservative on purpose: only short pages are judged, and by phrases that such pages carry word for word. A firm
wrongly thought parked is lost from every figure; a parked page let through is one text among many.
"""

from __future__ import annotations

import re

MAX_CHARS = 1_500  # parked pages with advertisements stay under this; firms' home pages are mostly longer
MAX_WALL_CHARS = 800
MAX_NOTICE_CHARS = 400


def _any_of(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE | re.MULTILINE)


PARKED = _any_of(
    r"\bdomain(?: name)?(?: \S+)? (?:is|may be|has been|was|could be) (?:for sale|parked|expired|suspended|reserved)",
    r"\bdomain(?: name)?(?: \S+)? (?:is|may be|has been|was) registered (?:at|by|with)",
    r"\bdomain(?: name)?(?: \S+)? (?:is|may be) available for (?:purchase|sale)",
    r"buy this domain|make an offer on this domain|domain (?:is )?parking\b|parked (?:free|domain|page)",
    r"domain for sale|^\W*[\w-]+(?:\.[a-z]{2,10}){1,2} (?:is|may be|might be|could be) for sale\b|\bhugedomains\.com\b",
    r"this domain (?:is not|isn.t) (?:connected|linked) to a website|get this domain\b|\bthis domain name expired\b",
    r"this (?:web)?page is parked|inquire about this domain|\bsedoparking\b",
    r"diese domain (?:steht zum verkauf|ist (?:geparkt|registriert))|domain (?:zu|zum) verkaufen",
    r"ce (?:nom de )?domaine est (?:a vendre|à vendre|enregistré)|este dominio (?:está|esta) (?:en venta|registrado)",
    r"this account has been suspended|account suspended|website (?:has )?expired|bandwidth limit exceeded",
)
DEFAULT_SERVER = _any_of(
    r"welcome to nginx!|apache2? (?:ubuntu |debian |centos )?(?:default|test) page|\biis windows server\b",
    r"^it works!?\s*$|default web ?site page|this is the default (?:web|welcome|server|index) page",
    r"plesk (?:default page|obsidian)|cpanel,? inc|^index of /|welcome to centos",
    r"test page for the apache http server|welcome to openresty|web server is (?:successfully )?installed and working",
    r"^directory listing for /|^welcome to wordpress\. this is your first post|congratulations on your new site",
    r"future home of something quite cool|your (?:web)?site is (?:almost )?ready|just another wordpress site\s*$",
)
NOTICE = _any_of(
    r"\b(?:site|page|seite|homepage) (?:is )?(?:currently |still )?(?:under (?:construction|maintenance)|im aufbau)",
    r"\b(?:web ?site|site|page) (?:is )?coming soon|new (?:web)?site coming soon|down for maintenance",
    r"^(?:coming soon|under construction|launching soon|opening soon|im aufbau|en construction)[.!]*$",
    r"^sorry, this (?:shop|store) is (?:currently )?unavailable",
)
WALL = _any_of(
    r"checking (?:if the site connection is secure|your browser)|verify(?:ing)? (?:that )?you are (?:a )?human",
    r"are you a robot\?|unusual traffic from your|attention required! \| cloudflare|ddos protection by",
    r"please enable (?:cookies|javascript)(?: and cookies)?(?: to (?:continue|view|use|proceed|run)|\.|$)",
    r"you need to enable javascript|javascript is (?:disabled|required)|complete the captcha",
    r"access (?:to this page has been )?denied|pardon our interruption|request unsuccessful\. incapsula",
    r"before you continue to|sorry, you have been blocked|the requested url was rejected\. please consult",
    r"(?:press (?:&|and) hold|slide right) to (?:confirm|secure)|^(?:one|just a) moment,? ?(?:please)?(?:\.\.\.|…)\s*$",
    r"needs to review the security of your connection|your request is being verified|robot challenge screen",
    r"(?:must|need to|please) (?:accept|allow) (?:all |our |the use of )?cookies (?:to|before|in order)",
)
NOT_FOUND = _any_of(
    r"\b(?:page|file|document|url)\b[^.\n]{0,40}?\b(?:not (?:be )?found|cannot be found|can.t be found|doesn.t exist)",
    r"\b(?:page|file|document|url)\b[^.\n]{0,40}?\b(?:does not exist|no longer (?:exists|available))",
    r"\b(?:seite|p[aá]gina|page)\b[^.\n]{0,40}?\b(?:nicht gefunden|no encontrada|introuvable|non trovata)",
    r"^\W*(?:error )?404\b|\b404(?: error|:? (?:page )?not found)|oops!? (?:that|this|the) page",
)
LOGIN = _any_of(
    r"\A\W*(?:member |customer |client )?(?:log ?-?in|sign ?-?in|anmelden|anmeldung|connexion|iniciar sesi[oó]n)\b"
)
PASSWORD = _any_of(r"\bpassword\b|\bpasswort\b|\bkennwort\b|\bmot de passe\b|\bcontraseña\b")


def placeholder(title: str, text: str) -> tuple[str, str]:
    """What a page stands in for, if it is no real page.

    Args:
        title: The page's title.
        text: Its visible text.

    Returns:
        Outcome word and reason: ``parked`` for a domain without a firm's page, ``empty`` for a wall, a notice or a
        soft 404; two empty strings for a real page.
    """
    both = f"{title}\n{text}"
    if len(text) > MAX_CHARS:
        return "", ""
    if PARKED.search(both):
        return "parked", "the domain is parked, for sale or suspended"
    if DEFAULT_SERVER.search(both):
        return "parked", "a web server's default page"
    if len(text) > MAX_WALL_CHARS:
        return "", ""
    if NOTICE.search(both) and len(text) <= MAX_NOTICE_CHARS:
        return "parked", "the site says it is under construction"
    if WALL.search(both):
        return "empty", "the site shows a bot check, consent or script wall in place of its page"
    if len(text) <= MAX_NOTICE_CHARS and PASSWORD.search(text) and (LOGIN.search(title) or LOGIN.search(text)):
        return "empty", "the site shows a login form in place of its page"
    if NOT_FOUND.search(title) or NOT_FOUND.search(text[:300]):
        return "empty", "the page says that it was not found although it answers 200"
    return "", ""
