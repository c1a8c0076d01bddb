"""Bytes to words: encodings, main text, languages, placeholders, repeated blocks."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.boilerplate import drop_repeated, is_consent
from crawler.charset import codec_of, decode_html
from crawler.extract import extract_page, nesting, read_html, with_description
from crawler.placeholders import placeholder

WORDS = "Grüße aus München: Präzision für Maschinen, Größe und Qualität seit 1974."
HTML = f"<html><head><title>t</title></head><body><p>{WORDS}</p></body></html>"


def meta(label: str) -> str:
    return HTML.replace("<title>", f'<meta charset="{label}"><title>')


CHARSETS = [
    ("utf-8 in header", HTML.encode(), "text/html; charset=utf-8", "header"),
    ("latin-1 in header", HTML.encode("cp1252"), 'text/html; charset="ISO-8859-1"', "header"),
    ("header beats meta", meta("shift_jis").encode("cp1252"), "text/html; charset=windows-1252", "header"),
    ("meta", meta("iso-8859-1").encode("cp1252"), "text/html", "meta"),
    ("meta says utf-16 and cannot be", meta("utf-16").encode(), "text/html", "meta"),
    ("bom beats header", b"\xef\xbb\xbf" + HTML.encode(), "text/html; charset=iso-8859-1", "bom"),
    ("utf-16 with bom", HTML.encode("utf-16"), "text/html", "bom"),
    ("nothing said, utf-8", HTML.encode(), "", "detected"),
    ("nothing said, windows-1252", (HTML * 20).encode("cp1252"), "", "detected"),
    ("header lies, is utf-8", HTML.encode(), "text/html; charset=iso-8859-1", "detected"),
    ("header lies, meta is right", meta("windows-1252").encode("cp1252"), "text/html; charset=utf-8", "meta"),
    *[
        (f"label {label}", HTML.encode(), f"text/html; charset={label}", "detected")
        for label in (
            "punycode",
            "idna",
            "unicode_escape",
            "bz2",
            "rot13",
            "utf-7",
            "hex",
            "undefined",
            "x" * 10_000,
            "mbcs",
            "",
        )
    ],
    *[
        (f"meta label {label}", meta(label).encode(), "text/html", "detected")
        for label in ("punycode", "idna", "unicode_escape", "zlib")
    ],
]


@pytest.mark.parametrize(("body", "label", "source"), [c[1:] for c in CHARSETS], ids=[c[0][:40] for c in CHARSETS])
def test_encoding(body: bytes, label: str, source: str) -> None:
    decoded = decode_html(body, label)
    assert WORDS in decoded.text
    assert decoded.source == source
    assert WORDS in extract_page(body, "http://f.com/", label).text


@pytest.mark.parametrize(
    ("label", "codec"), [("gb2312", "gb18030"), ("latin1", "cp1252"), (" UTF8 ", "utf-8"), ("a\x00b", ""), ("ü", "")]
)
def test_labels_of_the_standard(label: str, codec: str) -> None:
    assert codec_of(label) == codec


def test_hostile_label_is_fast_on_a_megabyte() -> None:
    started = time.monotonic()
    extract_page(b"<p>" + b"abc- " * 250_000, "http://f.com/", "text/html; charset=punycode")
    assert time.monotonic() - started < 2


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=400), st.text(max_size=30))
def test_never_raises_and_gives_clean_text(body: bytes, label: str) -> None:
    page = extract_page(body, "http://f.com/", label)
    (page.text + page.title + page.description).encode("utf-8")
    assert "\x00" not in page.text


@pytest.mark.parametrize("depth", [5_000, 200_000])
def test_deep_nesting_keeps_the_tail_quickly(depth: int) -> None:
    body = ("<html><body><p>before</p>" + "<div>" * depth + "<p>the tail of the page</p>").encode()
    started = time.monotonic()
    page = extract_page(body, "http://f.com/")
    assert time.monotonic() - started < 2
    assert "the tail of the page" in page.text
    assert page.cut


def test_open_tags_that_html_allows_are_not_nesting() -> None:
    assert nesting("<p>" * 900 + "<ul>" + "<li>x" * 900 + "</ul>") <= 2


def test_many_links_are_read_quickly() -> None:
    body = "".join(f"<a href='/p{n}'>Page {n}</a> " for n in range(100_000)).encode()
    started = time.monotonic()
    found = read_html(body, "http://f.com/")
    assert time.monotonic() - started < 5
    assert 100 < len(found.links) <= 5_000


def test_whole_page_in_a_form_is_read() -> None:
    text = "We rebuild hydraulic presses of any make. " * 10
    page = extract_page(f"<body><form id='aspnetForm'><div><p>{text}</p></div></form></body>".encode(), "http://f.com/")
    assert "rebuild hydraulic presses" in page.text


def test_description_leads_unless_the_text_says_it() -> None:
    body = "<head><meta name=description content='Presses from Derby.'></head><body><p>{}</p></body>"
    assert (
        with_description(extract_page(body.format("We make machines.").encode(), ""))
        == "Presses from Derby.\n\nWe make machines."
    )
    assert (
        with_description(extract_page(body.format("Presses from Derby. And more.").encode(), ""))
        == "Presses from Derby. And more."
    )


LANGUAGES = [
    ("en", "We build machines for the food industry and deliver them to customers all over the world every day."),
    ("de", "Wir bauen Maschinen für die Lebensmittelindustrie und liefern sie an unsere Kunden in der ganzen Welt."),
    ("fr", "Nous construisons des machines pour l'industrie alimentaire et les livrons à nos clients dans le monde."),
    ("es", "Construimos máquinas para la industria alimentaria y las entregamos a nuestros clientes en todo el mundo."),
    ("it", "Costruiamo macchine per l'industria alimentare e le consegniamo ai nostri clienti in tutto il mondo."),
    (
        "pl",
        "Budujemy maszyny dla przemysłu spożywczego i dostarczamy je naszym klientom na całym świecie każdego dnia.",
    ),
    ("ru", "Мы строим машины для пищевой промышленности и поставляем их нашим клиентам по всему миру каждый день."),
    (
        "zh",
        "我们为食品工业制造机器,并将其交付给世界各地的客户。我们的工厂位于德比,自一九七四年以来一直在生产高质量的液压机。",
    ),
    (
        "fa",
        "ما ماشین آلات برای صنایع غذایی می سازیم و آنها را به مشتریان خود در سراسر جهان تحویل می دهیم.",
    ),
]


def test_page_that_claims_english_and_is_not() -> None:
    page = f"<html lang='en'><p>{LANGUAGES[1][1]} {LANGUAGES[6][1] * 3}</p>".encode()
    assert extract_page(page, "http://f.com/", "text/html; charset=utf-8").language == "ru"


@pytest.mark.parametrize(("code", "text"), LANGUAGES, ids=[code for code, _ in LANGUAGES])
def test_language(code: str, text: str) -> None:
    page = f"<html lang='{code}'><p>{text}</p>".encode()
    assert extract_page(page, "http://f.com/", "text/html; charset=utf-8").language == code


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


def test_repeated_blocks_stay_once() -> None:
    pages = ["Menu\n\nWe make presses.\n\nDerby 01332", "Menu\n\nAbout us.\n\nDERBY  01332", "Menu"]
    assert drop_repeated(pages) == ["Menu\n\nWe make presses.\n\nDerby 01332", "About us.", ""]


@pytest.mark.parametrize(
    ("block", "consent"),
    [
        ("We use cookies to give you the best experience. Accept all", True),
        ("Diese Website verwendet Cookies.", True),
        ("We bake cookies and cakes for cafes in Leicester.", False),
        ("We use oak and ash.", False),
        ("Cookie policy. We use cookies. " * 60, False),
    ],
)
def test_consent(block: str, consent: bool) -> None:
    assert is_consent(block) is consent
