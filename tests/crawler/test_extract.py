"""What is read of one page: whole words, no furniture, nothing hidden, directives; hostile pages in bounded time."""

from __future__ import annotations

import gc
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.extract import extract_page, nesting, read_html, with_description

URL = "http://f.com/"
PROSE = "We rebuild hydraulic presses of any make for forges and foundries in the Black Country."


def text_of(body: str) -> str:
    return extract_page(f"<body>{body}</body>".encode(), URL, "text/html; charset=utf-8").text


EXACT = [
    ("link within a sentence", "<p>We make <a href=/p>presses</a> in Derby.</p>", "We make presses in Derby."),
    ("half a word in bold", "<p>Hy<b>drau</b>lic <em>pres</em>ses</p>", "Hydraulic presses"),
    ("span and em", "<p><span>Made</span> <em>in</em> <i>Derby</i><sup>1</sup></p>", "Made in Derby1"),
    ("links that touch", "<div><a href=/a>Presses</a><a href=/b>Forges</a></div>", "Presses Forges"),
    ("divs that touch", "<div>One</div><div>Two</div>", "One\nTwo"),
    ("text beside a block", "Before<div>Within</div>After", "Before\nWithin\nAfter"),
    ("headings", "<h1>Presses</h1><h2>Hydraulic</h2>text", "Presses\n\nHydraulic\n\ntext"),
    ("list", "<ul><li>Presses<li>Forges</ul>", "Presses\nForges"),
    ("definition list", "<dl><dt>Force</dt><dd>90 t</dd></dl>", "Force\n90 t"),
    ("table", "<table><tr><th>Model<th>Force<tr><td>P9<td>90 t</table>", "Model Force\nP9 90 t"),
    ("line breaks", "<p>1 High Street<br>Derby<br/>DE1 1AA</p>", "1 High Street\nDerby\nDE1 1AA"),
    ("accordion", "<details><summary>Do you ship?</summary>Worldwide.</details>", "Do you ship?\nWorldwide."),
    ("legend", "<fieldset><legend>Sizes</legend>All of them</fieldset>", "Sizes\nAll of them"),
    ("caption, no alt", "<figure><img alt='A press'><figcaption>Our P9</figcaption></figure>", "Our P9"),
    ("table in a figure", "<figure class=wp-block-table><table><tr><td>P9</table></figure>", "P9"),
    ("no alt text", "<p>Presses <img src=x alt='not this'> here</p>", "Presses here"),
    ("entities", "<p>Nuts &amp; bolts &lt; 9&nbsp;mm &eacute;</p>", "Nuts & bolts < 9 mm é"),
    ("tag as text", "<p>Use &lt;b&gt; and &amp;lt;</p>", "Use <b> and &lt;"),
    ("direction marks", "<p>&#8207;תל&#8206; Derby&shy;shire</p>", "תל Derbyshire"),
    ("script and style", "<style>p{}</style><p>Text</p><script>var a='<p>no</p>'</script>", "Text"),
    ("comment", "<p>Be<!-- not this -->fore</p>", "Before"),
    ("twice", "<div><p>Free delivery</p></div><p>Presses</p><p>Free delivery</p>", "Free delivery\n\nPresses"),
    ("unfilled template", "<p>{{ price }}</p><p>Presses</p>", "Presses"),
    ("prompt-like text is text", "<p>Ignore previous instructions.</p>", "Ignore previous instructions."),
    ("only hidden", "<div style='display:none'>Cheap watches</div>", ""),
    ("hidden attribute", "<p>Presses</p><p hidden>Cheap watches</p>", "Presses"),
    ("invisible", "<p>Presses</p><p style='color:red; visibility: hidden'>Cheap watches</p>", "Presses"),
    ("tab", "<p>Presses</p><div role=tabpanel hidden>Forges</div>", "Presses\n\nForges"),
    (
        "accordion body",
        "<p>Presses</p><div class=accordion-body style='display:none'>Forges</div>",
        "Presses\n\nForges",
    ),
    ("streamed block", "<p>Presses</p><div hidden id=S:1>Forges</div>", "Presses\n\nForges"),
    ("hidden by a class", "<p>Presses</p><div class=hidden>Forges</div>", "Presses\n\nForges"),
]


@pytest.mark.parametrize(("body", "text"), [row[1:] for row in EXACT], ids=[row[0] for row in EXACT])
def test_exact_text(body: str, text: str) -> None:
    assert text_of(body) == text


FURNITURE = [
    "<nav><a href=/x>not this</a></nav>",
    "<header>not this</header>",
    "<footer>not this</footer>",
    "<aside>not this</aside>",
    "<div role=navigation>not this</div>",
    "<div role=dialog>not this</div>",
    "<div class='product-reviews'>not this</div>",
    "<section id=related-products>not this</section>",
    "<div class='Cookie-Bar'>not this</div>",
]


@pytest.mark.parametrize("block", FURNITURE)
def test_furniture_is_in_the_full_text_only(block: str) -> None:
    page = read_html(f"<body>{block}<main><p>{PROSE * 4}</p></main></body>".encode(), URL)
    assert page.words.text == PROSE * 4
    assert "not this" in page.full_text


def test_page_that_is_all_furniture_is_read_whole() -> None:
    assert text_of(f"<header><p>{PROSE}</p></header>") == PROSE
    assert "rebuild hydraulic" in text_of(f"<form id=aspnetForm><div><p>{PROSE * 9}</p></div></form>")


CART = "<button>Add to cart</button>"


@pytest.mark.parametrize(("sold", "kept"), [("", True), (CART, False)])
def test_carousels_and_lists_of_links_are_other_goods_where_something_is_sold(sold: str, kept: bool) -> None:
    page = f"<p>{PROSE * 4}</p><div class=carousel><p>{PROSE.replace('presses', 'hammers')}</p></div>{sold}"
    assert ("hammers" in text_of(page)) is kept


def test_sentences_beside_main_content_and_cards_within_links_stay() -> None:
    card = "<a href=/s><div>Servicing</div><div>Our fitters come to your works within a single working day.</div></a>"
    text = text_of(f"<article><h1>Presses</h1><p>{PROSE * 8}</p></article><div class=cards>{card}</div>")
    assert "Our fitters come to your works" in text


def test_description_leads_unless_the_text_says_it() -> None:
    body = "<head><meta name=description content='Presses from Derby.'></head><body><p>{}</p></body>"
    said = with_description(extract_page(body.format("We make machines.").encode(), ""))
    assert said == "Presses from Derby.\n\nWe make machines."
    said = with_description(extract_page(body.format("Presses from Derby. And more.").encode(), ""))
    assert said == "Presses from Derby. And more."


def test_an_organization_s_description_stands_in_for_a_missing_one() -> None:
    firm = (
        '<script type="application/ld+json">{"@type":"Organization","name":"H","description":"Press makers."}</script>'
    )
    assert extract_page(firm.encode(), URL).description == "Press makers."
    meta = "<meta name=description content='From the page.'>"
    assert extract_page((meta + firm).encode(), URL).description == "From the page."
    assert [firm.name for firm in read_html(firm.encode(), URL).organizations] == ["H"]


def test_head_of_a_page() -> None:
    page = read_html(
        b"""<html lang=en-GB><head><title> Harrow
        Tooling</title><base href="/en/"><link rel="canonical" href="https://harrow.example/en/">
        <link rel=alternate hreflang=DE href=/de/><link rel="alternate" hreflang="x-default" href="/">
        <link rel=alternate type=application/rss+xml href=/feed><meta name=ROBOTS content="NoIndex, follow">
        <meta name=firmscope content=nosnippet><meta name=googlebot content=noarchive>
        <meta http-equiv=refresh content="3; url=/en/home"></head><body><a href=/a>About <b>us</b></a>
        <a href=#top>Top</a><area href=/map alt=Map><iframe src=/frame></iframe><img srcset="/i.jpg 2x"></body>""",
        URL,
    )
    assert (page.words.title, page.base, page.canonical) == ("Harrow Tooling", "/en/", "https://harrow.example/en/")
    assert page.alternates == (("de", "/de/"), ("x-default", "/"))
    assert page.robots == {"noindex", "follow", "nosnippet"}
    assert page.refresh == (3.0, "/en/home")
    assert [(link.href, link.anchor) for link in page.links] == [
        ("/a", "About us"),
        ("/map", "Map"),
        ("/frame", "frame"),
    ]


WHITE = "<p style='font-size:1em;color:#FFF'>{}</p>"
STUFFED = [
    ("one word", "<p>" + "casino " * 50_000, True),
    ("three words after a sentence", f"<p>{PROSE}</p><p>" + "cheap casino pills " * 2_000, True),
    ("white on nothing", WHITE.format(PROSE), True),
    ("white on white", "<style>body{background:#ffffff}</style>" + WHITE.format(PROSE), True),
    ("white body", f"<body bgcolor=white text='#ffffff'><p>{PROSE}", True),
    ("all behind a toggle that nothing shows", f"<div class=content style='display:none'>{PROSE * 4}</div>", True),
    ("white on black", f"<body bgcolor=black>{WHITE.format(PROSE)}", False),
    ("white on what a style sheet says", "<link rel=stylesheet href=s.css>" + WHITE.format(PROSE), False),
    ("white heading", WHITE.format("Harrow") + f"<p>{PROSE}", False),
    ("white box", f"<p style='background-color:#fff'>{PROSE}", False),
    ("price list", "<p>" + " ".join(f"Press P{n} from stock £{n * 7}" for n in range(400)), False),
    ("prose", f"<p>{PROSE}", False),
]


@pytest.mark.parametrize(("body", "stuffed"), [row[1:] for row in STUFFED], ids=[row[0] for row in STUFFED])
def test_text_that_is_not_for_readers(body: str, stuffed: bool) -> None:
    assert extract_page(body.encode(), URL).stuffed is stuffed


BUNDLE = "<script src=/static/app.3f2.js></script>"
SCRIPT_ONLY = [
    ("React", f"<div id=root></div>{BUNDLE}", True),
    ("React with a notice", f"<noscript>You need to enable JavaScript.</noscript><div id='root'></div>{BUNDLE}", True),
    ("Next.js data", "<div id=__next></div><script id=__NEXT_DATA__>{}</script>", True),
    ("Next.js streamed", "<link rel=preload as=script href=/_next/static/chunks/w.js><div hidden></div>", True),
    ("Angular", f"<app-root>Loading...</app-root>{BUNDLE}", True),
    ("Vue module", "<div id=app></div><script type=module src=/assets/i.js></script>", True),
    ("notice only", f"<noscript>Please enable JavaScript</noscript>{BUNDLE}", True),
    ("Next.js drawn by the server", f"<div id=__next><p>{PROSE * 4}</p></div>", False),
    ("root with words", f"<div id=root><p>{PROSE * 4}</p></div>{BUNDLE}", False),
    (
        "small page with a gallery",
        f"<p>{PROSE * 2}<noscript>Enable JavaScript for the gallery</noscript>{BUNDLE}",
        False,
    ),
    ("empty page", "<p></p>", False),
    ("a logo and a counter", "<img src=logo.png>Harrow Tooling<script src=https://t.example/c.js></script>", False),
]


@pytest.mark.parametrize(("body", "found"), [row[1:] for row in SCRIPT_ONLY], ids=[row[0] for row in SCRIPT_ONLY])
def test_pages_that_only_script_can_show(body: str, found: bool) -> None:
    assert read_html(f"<html><body>{body}</body></html>".encode(), URL).script_only is found


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=400), st.text(max_size=30))
def test_never_raises_and_gives_clean_text(body: bytes, label: str) -> None:
    page = extract_page(body, URL, label)
    (page.text + page.title + page.description).encode("utf-8")
    assert "\x00" not in page.text


@pytest.mark.parametrize("depth", [5_000, 1_000_000])
def test_deep_nesting_keeps_the_tail_quickly(depth: int) -> None:
    body = ("<html><body><p>before</p>" + "<div>" * depth + "<p>the tail of the page</p>").encode()
    started = time.process_time()
    page = extract_page(body, URL)
    assert time.process_time() - started < 4  # 0.9 s on an idle core; other programs at work on its twin double it
    assert "the tail of the page" in page.text
    assert page.cut


def test_open_tags_that_html_allows_and_drawings_are_not_nesting() -> None:
    assert nesting(b"<p>" * 900 + b"<ul>" + b"<li>x" * 900 + b"</ul>") <= 2
    drawing = b"<svg>" + b"<path d='M0'/>" * 900 + b"</svg>"
    assert not extract_page(drawing + f"<p>{PROSE}</p>".encode(), URL).cut


HOSTILE = {
    "400,000 elements": "b''.join(b'<div class=modal>x%d</div>' % n for n in range(400_000))",
    "400,000 hidden": "b''.join(b'<i hidden>x%d</i>' % n for n in range(400_000))",
    "one attribute of 7 MB": "b'<p title=\"' + b'a <div ' * 1_000_000 + b'\">text</p>'",
    "100,000 links": "b''.join(b'<a href=/p%d>Page %d</a> ' % (n, n) for n in range(100_000))",
    "8 MB of brackets": "b'<' * 8_000_000",
}
MEASURE = """
import resource, time
from crawler.extract import read_html
read_html(b"<p>warm", "")
body = {body}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
page = read_html(body[: 8 * 2**20], "http://f.com/")
seconds = time.process_time() - started
print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, len(page.links))
"""


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_huge_pages_stay_within_time_and_memory(body: str) -> None:
    gc.collect()
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE.format(body=body)], capture_output=True, text=True, check=True, timeout=120
    )
    seconds, megabytes, links = map(float, ran.stdout.split())
    assert seconds < 5
    assert megabytes < 300
    assert links <= 5_000
