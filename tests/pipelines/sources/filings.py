"""Filings of accounts made for tests, and zips of them as Companies House publishes them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

CORE = "http://xbrl.frc.org.uk/fr/2021-01-01/core"
HEAD = (
    '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL" '
    'xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:xbrldi="http://xbrl.org/2006/xbrldi" '
    'xmlns:iso4217="http://www.xbrl.org/2003/iso4217" xmlns:link="http://www.xbrl.org/2003/linkbase" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xmlns:core="{CORE}" xmlns:bus="http://xbrl.frc.org.uk/cd/2021-01-01/business" '
    'xmlns:ifrs="http://xbrl.ifrs.org/taxonomy/2021-03-24/ifrs-full" xmlns:own="http://firm.example/own">'
)


def context(name: str, start: str = "2022-01-01", end: str = "2022-12-31", part: str = "", number: str = "") -> str:
    """A context; an instant where there is no start."""
    segment = f'<xbrli:segment><xbrldi:explicitMember dimension="d">{part}</xbrldi:explicitMember></xbrli:segment>'
    days = f"<xbrli:startDate>{start}</xbrli:startDate><xbrli:endDate>{end}</xbrli:endDate>"
    return (
        f'<xbrli:context id="{name}"><xbrli:entity>'
        f'<xbrli:identifier scheme="http://www.companieshouse.gov.uk/">{number}</xbrli:identifier>'
        f"{segment if part else ''}</xbrli:entity>"
        f"<xbrli:period>{days if start else f'<xbrli:instant>{end}</xbrli:instant>'}</xbrli:period></xbrli:context>"
    )


CONTEXTS = (
    context("now")
    + context("before", "2021-01-01", "2021-12-31")
    + context("quarter", "2022-10-01")
    + context("day", "")
    + context("part", part="core:Division1")
    + context("ages", "2010-01-01")
    + context("future", "2023-01-01", "2099-12-31")
    + context("odd", "2022-01-01", "31 December 2022")
    + context("backwards", "2023-01-01")
)
UNITS = "".join(
    f'<xbrli:unit id="{name}"><xbrli:measure>{measure}</xbrli:measure></xbrli:unit>'
    for name, measure in (("GBP", "iso4217:GBP"), ("EUR", "iso4217:EUR"), ("pure", "xbrli:pure"))
)


def people(text: str, when: str = "now", more: str = "", name: str = "core:AverageNumberEmployeesDuringPeriod") -> str:
    """A number of employees."""
    return (
        f'<ix:nonFraction name="{name}" contextRef="{when}" unitRef="pure" decimals="0" {more}>{text}</ix:nonFraction>'
    )


def sales(
    text: str, when: str = "now", more: str = 'decimals="0"', name: str = "core:TurnoverRevenue", unit: str = "GBP"
) -> str:
    """A turnover."""
    return f'<ix:nonFraction name="{name}" contextRef="{when}" unitRef="{unit}" {more}>{text}</ix:nonFraction>'


def stated(number: str, when: str = "now") -> str:
    """The company number in the words of the document."""
    return f'<ix:nonNumeric name="bus:UKCompaniesHouseRegisteredNumber" contextRef="{when}">{number}</ix:nonNumeric>'


DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
SCHEMA = '<link:schemaRef xlink:type="simple" xlink:href="https://xbrl.frc.org.uk/x.xsd"/>'


def filing(*body: str, number: str = "00012345", contexts: str = CONTEXTS) -> bytes:
    """An inline XBRL document; a number of "" states none."""
    header = (
        f"<div style='display:none'><ix:header><ix:references>{SCHEMA}</ix:references>"
        f"<ix:resources>{contexts}{UNITS}</ix:resources></ix:header></div>"
    )
    words = (stated(number) if number else "") + "".join(body)
    return f"{DECLARATION}{HEAD}<body>{header}{words}</body></html>".encode("utf-8", "surrogateescape")


def member(number: str = "00012345", run: int = 3384, day: str = "20221231", ending: str = "html") -> str:
    """The name that Companies House gives a filing."""
    return f"Prod223_{run}_{number}_{day}.{ending}"


def zipped(members: Mapping[str, bytes], day: tuple[int, int, int] = (2023, 3, 2)) -> bytes:
    """A zip of filings."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (*day, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return file.getvalue()


def bulk_file(folder: Path, members: Mapping[str, bytes], name: str = "Accounts_Bulk_Data-2023-03-02.zip") -> Path:
    """A bulk file on disk."""
    path = folder / name
    path.write_bytes(zipped(members))
    return path
