"""Who asked to be left alone, and which hosts that means."""

from __future__ import annotations

import pytest

from crawler.errors import SettingsError
from crawler.opt_out import entries, opted_out, parse

LIST = """\ufeff# asked by letter
firm.co.uk
www.Wide.com      # www means the site
https://shop.narrow.org/contact?x=1
bücher.example.net
127.9.0.7

firm.co.uk
"""
HOSTS = [
    ("the domain", "firm.co.uk", True),
    ("a host of the domain", "www.firm.co.uk", True),
    ("deep below", "a.b.firm.co.uk", True),
    ("ends alike", "otherfirm.co.uk", False),
    ("www stands for the site", "wide.com", True),
    ("a host only: itself", "shop.narrow.org", True),
    ("a host only: its neighbour", "www.narrow.org", False),
    ("a host only: its domain", "narrow.org", False),
    ("in its DNS form", "xn--bcher-kva.example.net", True),
    ("address", "127.9.0.7", True),
    ("address that ends alike", "27.9.0.7", False),
    ("a suffix", "co.uk", False),
]


def test_lines_are_read_once_each() -> None:
    assert parse(LIST) == ("firm.co.uk", "wide.com", "shop.narrow.org", "xn--bcher-kva.example.net", "127.9.0.7")
    assert parse("") == ()


@pytest.mark.parametrize(("host", "expected"), [h[1:] for h in HOSTS], ids=[h[0] for h in HOSTS])
def test_host(host: str, expected: bool) -> None:
    assert opted_out(host, parse(LIST)) is expected


@pytest.mark.parametrize("line", ["co.uk", "uk", "github.io", "two words", "http://", "a@b..c"])
def test_line_that_names_nobody_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(SettingsError, match="line 2 "):
        parse(f"firm.co.uk\n{line}\n")
    with pytest.raises(SettingsError, match="opt_out"):
        entries([line])


def test_nothing_listed_is_nobody() -> None:
    assert not opted_out("firm.co.uk", ())
