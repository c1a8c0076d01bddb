"""Pages that answer 200 and are none, beside real pages that talk about the same things."""

from __future__ import annotations

import pytest

from crawler.placeholders import placeholder

PLACEHOLDERS = [
    ("for sale", "firm.com", "This domain is for sale. Buy this domain now.", "parked"),
    ("registrar", "firm.com", "The domain firm.com is registered with Namebright.", "parked"),
    ("nginx", "Welcome to nginx!", "If you see this page, the nginx web server is installed.", "parked"),
    ("apache", "Apache2 Ubuntu Default Page: It works", "It works!", "parked"),
    ("soon", "Firm", "Our new website coming soon", "parked"),
    ("suspended", "Account Suspended", "This Account has been suspended. Contact your hosting provider.", "parked"),
    ("robot check", "Just a moment...", "Checking your browser before accessing firm.com.", "empty"),
    ("script wall", "App", "You need to enable JavaScript to run this app.", "empty"),
    ("soft 404", "Page not found", "Sorry! The page you are looking for does not exist.", "empty"),
    ("German soft 404", "Fehler", "Diese Seite wurde leider nicht gefunden.", "empty"),
    ("name for sale", "harrow-tooling.co.uk", "harrow-tooling.co.uk is for sale!", "parked"),
    ("not connected", "", "Looks like this domain isn't connected to a website yet.", "parked"),
    ("expired", "firm.com", "This domain name expired. Is this your domain? Renew now.", "parked"),
    ("WordPress as installed", "My blog", "Hello world!\n\nWelcome to WordPress. This is your first post.", "parked"),
    ("listing", "Directory listing for /", "Directory listing for /\n\nindex.bak\nlogs/", "parked"),
    ("test page", "Test Page", "Test Page for the Apache HTTP Server on Red Hat Enterprise Linux", "parked"),
    ("shop not open", "Opening soon", "Opening soon\n\nEnter using password", "parked"),
    ("blocked", "Attention Required!", "Sorry, you have been blocked. You are unable to access firm.com", "empty"),
    ("cookie wall", "Firm", "You must accept cookies to use this site.\n\nAccept all", "empty"),
    (
        "consent wall",
        "Before you continue",
        "Before you continue to Firm\n\nWe use cookies and data. Accept all",
        "empty",
    ),
    ("hold", "Firm", "Press & Hold to confirm you are a human (and not a bot).", "empty"),
    ("wait", "One moment, please...", "Please wait while your request is being verified...", "empty"),
    ("login", "Log in", "Log in\n\nForgot your password?", "empty"),
    ("login among words", "Portal", "Customers log in with a password. We host payroll software for farms. " * 8, ""),
    ("press shop", "Presses", "Press and hold tools, clamps and jigs for sheet metal, made in Dudley since 1961.", ""),
    ("house for sale", "Agents", "Rose Cottage is for sale. Orchard House is for sale. We sell homes in Rutland.", ""),
    ("moments", "Weddings", "Just a moment, and your day is a memory. We photograph weddings in Kent.", ""),
    ("shop opening", "Bakers", "Opening soon in Derby, our third bakery: sourdough, rye and pastry every morning.", ""),
    ("domain consultancy", "Domains Ltd", "We help firms whose domain name is valuable to protect it. " * 30, ""),
    ("estate agent", "Homes for sale", "Houses for sale in Derby. Every domain of property law is known to us.", ""),
    ("bakery", "Cookies", "We bake cookies and cakes for cafes in Leicester, fresh every morning.", ""),
    ("model 404", "Pumps", "The pump model 404 moves nine cubic metres of slurry an hour.", ""),
    ("builder", "Builders", "We build houses. Three sites under construction in Nottingham, see our projects.", ""),
    ("parking", "Parking", "We run car parks. Park your car at the airport, parking for 900 cars.", ""),
]


@pytest.mark.parametrize(("title", "text", "word"), [p[1:] for p in PLACEHOLDERS], ids=[p[0] for p in PLACEHOLDERS])
def test_placeholder(title: str, text: str, word: str) -> None:
    assert placeholder(title, text)[0] == word
