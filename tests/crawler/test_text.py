"""Clean text, its language, and blocks that a site repeats."""

from __future__ import annotations

import pytest

from crawler.boilerplate import drop_repeated, is_consent
from crawler.extract import extract_page
from crawler.text import clean_text, language_of

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


SHORT = [
    ("ja", "私たちは食品機械を作っています。", "ja"),
    ("ja claimed English", "私たちは Harrow Tooling の食品機械を作っています。", "ja"),
    ("zh", "我们为食品工业制造机器。", "zh"),
    ("ko", "우리는 식품 기계를 만듭니다.", "ko"),
    ("th", "เราผลิตเครื่องจักร", "th"),
    ("hi", "हम खाद्य उद्योग के लिए मशीनें बनाते हैं।", "hi"),
    ("he", "אנו מייצרים מכונות לתעשיית המזון.", "he"),
    ("el", "Κατασκευάζουμε μηχανήματα.", "el"),
    ("one foreign word", "We import 豆腐 and miso for shops in Derby and Leicester, fresh every week.", "en"),
    ("too little to tell", "Harrow Tooling", ""),
]


@pytest.mark.parametrize(("text", "code"), [row[1:] for row in SHORT], ids=[row[0] for row in SHORT])
def test_language_of_few_words_by_their_script(text: str, code: str) -> None:
    assert language_of(text) == code


def test_han_alone_may_be_japanese_if_the_page_says_so() -> None:
    assert language_of("株式会社東京製作所会社概要", "ja-JP") == "ja"
    assert language_of("株式会社東京製作所会社概要", "en") == "zh"


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("\u200fתל\u200e  world\u202c", "תל world"),
        ("soft\u00adware zero\u200bwidth", "software zerowidth"),
        ("a\x0bb\x0cc", "a b c"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("half \ud83d a character", "half a character"),
        ("one\n\n\n\n\ntwo", "one\n\ntwo"),
    ],
)
def test_marks_that_no_reader_sees_are_gone(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean
