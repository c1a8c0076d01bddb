"""WARC files of other writers, whole and damaged: every record that can be had is had, and nothing runs away."""

from __future__ import annotations

import gzip
import io
import resource
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.errors import ArchiveError
from crawler.stored import read_at
from crawler.warc import Spool, Tally, records, scan, site_of, wants_sites

HTML = [("Content-Type", "text/html; charset=utf-8")]


def body_of(number: int) -> bytes:
    return b"<p>page %d</p>" % number * 40


def common_crawl(count: int, gzipped: bool = True) -> bytes:
    """Request, response and metadata per page, WARC/1.0, as Common Crawl has it; hosts take turns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # warcio leaves its temporary files to the collector
        return _common_crawl(count, gzipped)


def _common_crawl(count: int, gzipped: bool) -> bytes:
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=gzipped, warc_version="1.0")
    out_of = {"isPartOf": "CC-MAIN-2026-10", "software": "Apache Nutch 1.20"}
    writer.write_record(writer.create_warcinfo_record("cc.warc.gz", out_of))
    for number in range(count):
        url = f"https://www.firm{number % 4}.co.uk/page-{number}"
        request = StatusAndHeaders(f"GET /page-{number} HTTP/1.1", [("Host", "x")], is_http_request=True)
        writer.write_record(writer.create_warc_record(url, "request", payload=io.BytesIO(), http_headers=request))
        answer = StatusAndHeaders("200 OK", HTML, protocol="HTTP/1.1")
        page = io.BytesIO(body_of(number))
        writer.write_record(writer.create_warc_record(url, "response", payload=page, http_headers=answer))
        more = io.BytesIO(b"fetchTimeMs: 20\r\n")
        fields = {"Content-Type": "application/warc-fields"}
        writer.write_record(writer.create_warc_record(url, "metadata", payload=more, warc_headers_dict=fields))
    return out.getvalue()


def plain() -> bytes:
    return common_crawl(20, gzipped=False)


def zstandard() -> bytes:
    from backports import zstd

    return zstd.compress(plain())


PACKINGS: dict[str, Callable[[], bytes]] = {
    "gzip-per-record": lambda: common_crawl(20),
    "plain": plain,
    "gzip-as-a-whole": lambda: gzip.compress(plain()),
    "zstd-as-a-whole": zstandard,
}


def read_all(path: Path, site: str, folder: Path) -> tuple[list[bytes], Tally]:
    tally = Tally()
    found = scan(path, wants_sites(frozenset({site})), Spool(folder / "spool.warc.gz"), tally)
    places = [(file, offset, stored.url) for file, offset, stored in found]
    read = [read_at(file, offset) for file, offset, _ in places]
    assert [stored.url for stored in read] == [url for _, _, url in places]
    return [stored.body for stored in read], tally


@pytest.mark.parametrize("packing", PACKINGS)
def test_wanted_records_are_found_and_read_back(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(PACKINGS[packing]())
    bodies, tally = read_all(path, "firm1.co.uk", tmp_path)
    assert bodies == [body_of(number) for number in range(1, 20, 4)]
    assert (tally.records, tally.answers, tally.wanted, tally.faults) == (61, 20, 5, 0)
    assert (tmp_path / "spool.warc.gz").exists() == ("whole" in packing), "copied only where it cannot be reached"


def test_a_damaged_record_costs_itself(tmp_path: Path) -> None:
    whole = common_crawl(20)
    path = tmp_path / "file"
    path.write_bytes(whole)
    offsets = [offset for record, offset in records(path, Tally()) if record.headers["WARC-Type"] == "response"]
    data = bytearray(whole)
    for offset in offsets[5:8]:
        data[offset + 200] ^= 0x55
    path.write_bytes(data)
    tally = Tally()
    found = [
        record.headers["WARC-Target-URI"]
        for record, _ in records(path, tally)
        if record.headers["WARC-Type"] == "response"
    ]
    assert [int(url.rsplit("-")[1]) for url in found if "page-5" not in url][-12:] == list(range(8, 20))
    assert 3 <= tally.faults <= 6
    assert "damaged at" in tally.fault


@pytest.mark.parametrize("hole", ["zeros", "cut and gone on", "cut at the end"])
def test_holes(tmp_path: Path, hole: str) -> None:
    whole = common_crawl(40)
    path = tmp_path / "file"
    path.write_bytes(whole)
    offsets = [offset for _, offset in records(path, Tally())]
    middle = offsets[60]
    damaged = {
        "zeros": whole[:middle] + bytes(4096) + whole[middle + 4096 :],
        "cut and gone on": whole[: middle + 100] + whole[offsets[70] :],
        "cut at the end": whole[: offsets[-1] + 30],
    }[hole]
    path.write_bytes(damaged)
    tally = Tally()
    seen = {record.headers["WARC-Record-ID"] for record, _ in records(path, tally)}
    lost = {"zeros": 4096 // 250, "cut and gone on": 10, "cut at the end": 1}[hole]
    assert len(offsets) - lost <= len(seen) < len(offsets)
    assert tally.faults


def lying(length: str, body: bytes = b"HTTP/1.1 200 OK\r\n\r\nhello", end: bytes = b"\r\n\r\n") -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://liar.com/\r\nWARC-Record-ID: <urn:x:{length}>\r\n"
    )
    date = "WARC-Date: 2026-01-01T00:00:00Z\r\nContent-Type: application/http\r\n"
    return f"{head}{date}Content-Length: {length}\r\n\r\n".encode() + body + end


def bomb() -> bytes:
    stream = zlib.compressobj(1, zlib.DEFLATED, 31)
    out = stream.compress(lying(str(400 << 20), b"", b""))
    return out + b"".join(stream.compress(bytes(1 << 20)) for _ in range(400)) + stream.flush()


LIES: dict[str, bytes] = {
    "2 GB claimed": lying("2000000000"),
    "more than 64 bits": lying("1" + "0" * 30),
    "negative": lying("-5"),
    "a word": lying("many"),
    "too short": lying("10"),
    "no newline at the end": lying("24", end=b""),
    "endless header": b"WARC/1.0\r\nX: " + b"y" * 3_000_000,
    "false starts": b"\x1f\x8b\x08" * 300_000,
    "not WARC": b"<html>" * 1000,
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("packing", ["gzip", "plain"])
def test_lies_cost_little_and_hide_nothing(tmp_path: Path, lie: str, packing: str) -> None:
    pack = gzip.compress if packing == "gzip" else bytes
    path = tmp_path / "file"
    rest = common_crawl(4, gzipped=packing == "gzip")
    path.write_bytes(pack(lying("24")) + pack(LIES[lie]) + rest)
    begun = time.monotonic()
    tally = Tally()
    urls = [record.headers.get("WARC-Target-URI") for record, _ in records(path, tally)]
    assert time.monotonic() - begun < 10
    assert urls.count("https://www.firm3.co.uk/page-3") == 3 or lie == "false starts", "what comes after is read"
    assert urls[0] == "http://liar.com/"
    assert tally.faults <= 1_000


def test_a_bomb_is_walked_past(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bomb() + common_crawl(1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.monotonic()
    bodies, tally = read_all(path, "liar.com", tmp_path)
    assert not bodies
    assert "larger than" in tally.fault
    with pytest.raises(ArchiveError, match="size"):
        read_at(path, 0)
    assert time.monotonic() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert read_all(path, "firm0.co.uk", tmp_path)[0] == [body_of(0)]


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.firm.co.uk/a?b", "firm.co.uk"),
        ("http://user:pass@Shop.FIRM.co.uk:8080/", "firm.co.uk"),
        ("http://127.9.0.1/", "127.9.0.1:80"),
        ("https://127.9.0.1/", "127.9.0.1:443"),
        ("http://2130706433:8080", "127.0.0.1:8080"),
        ("http://[::1]:80/", "::1:80"),
        ("http://x.github.io/", "x.github.io"),
        ("urn:text:https://firm.co.uk/", ""),
        ("dns:firm.co.uk", ""),
        ("http://firm.co.uk:port/", ""),
        ("", ""),
    ],
    ids=lambda value: value or "none",
)
def test_site_of(url: str, site: str) -> None:
    assert site_of(url) == site
