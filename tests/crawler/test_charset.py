"""Bytes of a page to text: declared, undeclared and wrongly declared encodings, and labels that must never be used."""

from __future__ import annotations

import time

import pytest

from crawler.charset import codec_of, decode_html
from crawler.extract import extract_page

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


LABELS = [
    ("windows-1250", "Příliš žluťoučký kůň, zażółć gęślą jaźń"),
    ("windows-1251", "Мы строим машины"),
    ("windows-1252", "“Größe” naïve, 5 €"),
    ("windows-1253", "Κατασκευάζουμε μηχανήματα"),
    ("windows-1254", "Güç için İstanbul, Ağaç"),
    ("windows-1255", "אנו מייצרים מכונות"),
    ("windows-1256", "نحن نصنع الآلات"),
    ("windows-1257", "ąčęėįšųūž"),
    ("windows-1258", "Công ty máy"),
    ("iso-8859-2", "Příliš žluťoučký"),
    ("iso-8859-5", "Мы строим"),
    ("iso-8859-7", "Κατασκευάζουμε"),
    ("iso-8859-8", "מכונות"),
    ("iso-8859-9", "İstanbul"),
    ("iso-8859-15", "Prix 5 €, œuvre"),
    ("koi8-r", "Мы строим машины"),
    ("koi8-u", "Ми будуємо їх"),
    ("shift_jis", "食品産業向けの機械①㈱"),
    ("euc-jp", "食品産業向けの機械"),
    ("iso-2022-jp", "食品産業向けの機械"),
    ("gb2312", "我们制造机器,也说镕"),
    ("gbk", "我們製造機器"),
    ("gb18030", "我们𠮷"),
    ("big5", "我們製造機器"),
    ("euc-kr", "우리는 똠방각하 기계를"),
    ("tis-620", "เราผลิตเครื่องจักร"),
]
"""Label and text; a label stands for all that browsers read under it, such as windows-949 under euc-kr."""
WRITTEN_AS = {"shift_jis": "cp932", "gb2312": "gbk", "euc-kr": "cp949", "windows-1258": "cp1258", "tis-620": "cp874"}


@pytest.mark.parametrize(("label", "text"), LABELS, ids=[label for label, _ in LABELS])
def test_declared_in_header_meta_or_http_equiv(label: str, text: str) -> None:
    raw = f"<title>{text}</title><p>{text}".encode(WRITTEN_AS.get(label, label))
    assert decode_html(raw, f"text/html; charset={label.upper()}").text.endswith(text)
    for declared in (
        f"<meta charset={label}>",
        f'<meta http-equiv="Content-Type" content="text/html; charset={label}">',
        f'<?xml version="1.0" encoding="{label}"?>',
    ):
        assert decode_html(declared.encode() + raw, "text/html").text.endswith(text)


WRONG = [
    ("says utf-8, is windows-1252", "utf-8", "cp1252", "Größe und Qualität für Müller & Söhne"),
    ("says latin-1, is utf-8", "iso-8859-1", "utf-8", "Größe und Qualität für Müller & Söhne"),
    ("says gb2312, is utf-8", "gb2312", "utf-8", "我们制造机器"),
    ("says utf-16, is utf-8", "utf-16", "utf-8", "Größe und Qualität"),
    ("says nothing, is Korean", "", "cp949", "우리는 식품 산업을 위한 기계를 만듭니다. 공장은 서울에 있습니다. " * 3),
    ("says nothing, is ISO-2022-JP", "", "iso-2022-jp", "私たちは食品産業向けの機械を"),
    ("says nothing, is Russian", "", "cp1251", "Мы строим машины для пищевой промышленности и поставляем их. " * 3),
]


@pytest.mark.parametrize(("label", "codec", "text"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_wrong_or_missing_declaration(label: str, codec: str, text: str) -> None:
    body = f"<p>{text}".encode(codec)
    assert text in decode_html(body, f"text/html; charset={label}" if label else "text/html").text
    if label:
        assert text in decode_html(f"<meta charset={label}>".encode() + body).text


def test_one_broken_byte_leaves_a_page_utf_8() -> None:
    decoded = decode_html("Größe und Qualität. ".encode() * 40 + b"\xff", "text/html; charset=utf-8")
    assert decoded.encoding == "utf-8"
    assert decoded.text.count("Größe") == 40


@pytest.mark.parametrize(
    ("label", "codec"), [("gb2312", "gb18030"), ("latin1", "cp1252"), (" UTF8 ", "utf-8"), ("a\x00b", ""), ("ü", "")]
)
def test_labels_of_the_standard(label: str, codec: str) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    "label", ["punycode", "idna", "bz2", "rot13", "unicode_escape", "utf-7", "utf-16", "no-such", "x" * 10_000]
)
@pytest.mark.parametrize("where", ["header", "meta"])
def test_hostile_label_costs_no_time_on_a_megabyte(label: str, where: str) -> None:
    body = "abcé- ".encode() * 150_000
    if where == "meta":
        body = f"<meta charset={label}>".encode() + body
    started = time.process_time()
    decoded = decode_html(body, f"text/html; charset={label}" if where == "header" else "text/html")
    assert time.process_time() - started < 1
    assert decoded.encoding == "utf-8"
    assert decoded.text.endswith("abcé- ")
