"""Sites that many firms point at and none of them owns: a redirect to one is no new address of the firm."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Held in one country after another, so the name counts and the suffix does not.
PLATFORM_NAMES = _words("""
    facebook instagram linkedin twitter youtube tiktok pinterest google bing yahoo wikipedia etsy ebay amazon
    alibaba aliexpress tripadvisor trustpilot airbnb eventbrite gumtree deliveroo ubereats
""")
PLATFORMS = _words("""
    x.com whatsapp.com wa.me telegram.me t.me notonthehighstreet.com rightmove.co.uk zoopla.co.uk autotrader.co.uk
    yell.com checkatrade.com trustatrader.com thomsonlocal.com bark.com houzz.co.uk houzz.com linktr.ee about.me
    meetup.com github.com gitlab.com medium.com patreon.com crunchbase.com justgiving.com opentable.co.uk
    booking.com vimeo.com reddit.com fb.com fb.me goo.gl bit.ly freeindex.co.uk cylex-uk.co.uk scoot.co.uk
""")
PARKING = _words("""
    sedo.com sedoparking.com dan.com afternic.com hugedomains.com undeveloped.com bodis.com parkingcrew.net
    above.com voodoo.com godaddy.com uniregistry.com domainmarket.com buydomains.com brandbucket.com squadhelp.com
    atom.com namebright.com dynadot.com epik.com parklogic.com domainsponsor.com 123-reg.co.uk fasthosts.co.uk
""")


def owner_of(domain: str) -> str:
    """``platform`` or ``parking`` when a registered domain belongs to such a site, otherwise an empty text."""
    if domain in PARKING:
        return "parking"
    return "platform" if domain in PLATFORMS or domain.partition(".")[0] in PLATFORM_NAMES else ""
