"""The words by which links say where they lead, per topic, in eight languages.

A stem matches from the start of a word; one that ends in ``$`` matches a whole word only. Accents are written off,
as ``plain`` does to the links. English, German, French, Spanish, Italian, Dutch, Polish, Portuguese.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(8192)
def plain(text: str) -> str:
    """Lower case, accents off, single spaces, so that one spelling per stem is enough."""
    folded = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("ł", "l"))
    return " ".join("".join(char for char in folded if not unicodedata.combining(char)).replace("_", "-").split())


def _stems(table: str) -> tuple[str, ...]:
    return tuple(" ".join(stem.split()) for stem in table.split("|"))


TOPICS: dict[str, tuple[str, ...]] = {
    "about": _stems("""
    about | company$ | profile$ | who we are | who-we-are | whoweare | our story | our-story | ourstory |
    overview$ | mission$ | history$ | what we do | what-we-do | whatwedo | unternehmen | uber uns | ueber-uns |
    uber-uns | ueber uns | uberuns | firma$ | profil$ | a propos | a-propos | apropos | qui sommes | qui-sommes
    | entreprise$ | societe$ | presentation$ | nosotros | quienes | empresa$ | chi siamo | chi-siamo | chisiamo
    | azienda$ | over ons | over-ons | overons | o nas | o-nas | onas$ | o firmie | sobre$ | quem-somos
    """),
    "product": _stems("""
    product | shop$ | catalog | range$ | equipment$ | platform | software$ | feature | produkt | sortiment |
    produit | gamme | producto | prodott | producten | produto | oferta | brand | collection | models$
    """),
    "service": _stems("""
    service | solution | what we offer | capabilit | expertise | consult | treatment | practice area |
    practice-area | offering | competenc | leistung | dienst | losung | loesung | kompetenz | angebot |
    prestation | savoir-faire | metier | servicio | soluc | servizi | soluzion | diensten | oplossing | uslugi |
    rozwiazania | servicos | solucoes | how it works | how-it-works
    """),
    "technology": _stems("""
    technolog | innovation | research$ | r-d$ | r&d$ | science$ | engineering | manufactur | development$ | how
    we work | process$ | quality$ | technik | forschung | entwicklung | fertigung | recherche$ | tecnolog |
    investigacion | ricerca | techniek | projects$ | portfolio | case stud | case-stud | casestud | our work |
    our-work | projekt | referenz | realisation | proyecto
    """),
    "sector": _stems("""
    sector | industr | market$ | markets$ | application | customers$ | clients$ | branche | anwendung | secteur
    | marche$ | mercado | settor | applicazion | branza | use case | use-case | who we help
    """),
    "contact": _stems("""
    contact | kontakt | contatt | contacto | contato | find us | find-us | get in touch | get-in-touch | where
    we are | anfahrt | locations$
    """),
    "legal": _stems("""
    privacy | terms | legal | imprint | impressum | datenschutz | agb$ | mentions legales | mentions-legales |
    mentionslegales | cookie | disclaimer | aviso legal | aviso-legal | note legali | polityka | gdpr | modern
    slavery | modern-slavery | accessibility | voorwaarden | cgv$ | conditions$ | policy | policies |
    confidentialite
    """),
    "news": _stems("""
    news | blog | press$ | press release | press-release | event | article | stories$ | media$ | media-cent |
    podcast | webinar | aktuell | nachricht | presse$ | actualite | noticia | notizie | nieuws | aktualnosci |
    archive | gallery | galerie | video | photos$ | newsletter | testimonial | faq | help$ | support$ |
    resources$ | download | forum
    """),
    "people": _stems("""
    career | job$ | jobs$ | vacanc | karriere | stellen | emploi | recrut | empleo | lavora | vacature | praca$
    | team$ | our people | our-people | staff$ | people$ | investor
    """),
}
NEVER = _stems("""
    login | log in | log-in | signin | sign in | sign-in | signup | sign-up | sign up | logout | basket | checkout |
    my account | my-account | myaccount | create account | create-account | wishlist | warenkorb | panier | carrito |
    carrello | winkelwagen | anmelden | connexion$ | password | subscribe | unsubscribe | sitemap | site map |
    recommend this | tell a friend | print this | print page | print version | printer friendly | printer-friendly |
    druckversion | wp-login | webmail | intranet | book now
""")
# Not pages when they are all that a link says; "executive search" and "3D print" are what firms do.
NEVER_ALONE = _stems("search | suche | recherche | register | account | cart | print | drucken | rss | xml")
# Legal pages that name the firm, before those on cookies.
IDENTITY = _stems("""
    imprint | impressum | legal$ | mentions legales | mentions-legales | mentionslegales | aviso legal | aviso-legal |
    note legali | legal notice | legal-notice | legal information | legal-information | company information |
    company-information | company details | company-details | terms | agb$
""")
# The first page of a site under another address.
HOME_AGAIN = _stems(
    "home | home page | homepage | startseite | start | accueil | inicio | index | default | welcome | hem"
)
