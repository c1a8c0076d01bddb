"""WARC files: what goes in comes out, and what a crash left behind is cut to its whole records."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.archive import Archive, good_length, read_record, recover
from crawler.bodies import decode_body
from crawler.errors import ArchiveError, BodyError

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def fill(folder: Path, count: int) -> tuple[Archive, list[str]]:
    archive = Archive(folder, "test")
    headers = [("Content-Type", "text/html"), ("X-Evil", "a\r\nb"), ("Transfer-Encoding", "chunked")]
    return archive, [
        archive.add(f"http://f.com/{n}", 200, headers, b"body %d" % n, "127.9.0.1", AT) for n in range(count)
    ]


def test_round_trip(tmp_path: Path) -> None:
    archive, refs = fill(tmp_path, 3)
    assert read_record(tmp_path, refs[1]).body == b"body 1", "readable while still open"
    archive.close()
    stored = read_record(tmp_path, refs[2])
    assert (stored.url, stored.status, stored.body, stored.fetched_at) == ("http://f.com/2", 200, b"body 2", AT)
    assert dict(stored.headers)["X-Evil"] == "a b"
    assert not list(tmp_path.glob("*.open"))


def test_other_tools_read_it(tmp_path: Path) -> None:
    from fastwarc.warc import ArchiveIterator

    archive, refs = fill(tmp_path, 5)
    archive.close()
    path = tmp_path / refs[0].split(":")[0]
    with path.open("rb") as file:
        records = [(r.headers["WARC-Type"], r.headers.get("WARC-Target-URI")) for r in ArchiveIterator(file)]
    assert records == [("warcinfo", None), *(("response", f"http://f.com/{n}") for n in range(5))]


def test_cut_anywhere_in_the_last_records_keeps_the_whole_ones(tmp_path: Path) -> None:
    archive, refs = fill(tmp_path / "a", 4)
    archive.close()
    name = refs[0].split(":")[0]
    data = (tmp_path / "a" / name).read_bytes()
    offsets = [int(ref.split(":")[1]) for ref in refs]
    path = tmp_path / name
    for length in range(offsets[2], len(data)):
        path.write_bytes(data[:length])
        assert good_length(path) == max(offset for offset in offsets if offset <= length)


def test_open_file_of_a_dead_crawl_is_recovered_and_of_a_live_one_left(tmp_path: Path) -> None:
    live, _ = fill(tmp_path, 1)
    assert recover(tmp_path) == [], "the lock of a running crawl is respected"
    live.close()
    name = next(tmp_path.glob("*.warc.gz"))
    torn = tmp_path / "crawl-torn.warc.gz.open"
    torn.write_bytes(name.read_bytes() + b"\x1f\x8b\x08\x00torn")
    (tmp_path / "crawl-nothing.warc.gz.open").write_bytes(b"\x1f\x8b")
    assert recover(tmp_path) == [tmp_path / "crawl-torn.warc.gz"]
    assert (tmp_path / "crawl-torn.warc.gz").read_bytes() == name.read_bytes()
    assert not list(tmp_path.glob("*.open"))


def test_damage_is_named(tmp_path: Path) -> None:
    archive, refs = fill(tmp_path, 2)
    archive.close()
    path = tmp_path / refs[1].split(":")[0]
    data = bytearray(path.read_bytes())
    data[int(refs[1].split(":")[1]) + 60] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(ArchiveError):
        read_record(tmp_path, refs[1])
    assert read_record(tmp_path, refs[0]).body == b"body 0"


@pytest.mark.parametrize(
    "ref", ["", "x", "../../etc/passwd:0", "none.warc.gz:0", "a.warc.gz:-1", "a.warc.gz:99999999999999999999999"]
)
def test_bad_reference(tmp_path: Path, ref: str) -> None:
    with pytest.raises(ArchiveError):
        read_record(tmp_path, ref)


def test_reference_into_the_middle_of_a_record(tmp_path: Path) -> None:
    archive, refs = fill(tmp_path, 1)
    archive.close()
    name, offset = refs[0].split(":")
    with pytest.raises(ArchiveError):
        read_record(tmp_path, f"{name}:{int(offset) + 3}")


def zstd(data: bytes) -> bytes:
    from backports import zstd as codec

    return codec.compress(data)


def brotli(data: bytes) -> bytes:
    import brotli as codec  # type: ignore[import-untyped]

    return bytes(codec.compress(data))


def deflate(data: bytes) -> bytes:
    import zlib

    return zlib.compress(data)


PACKERS = {"gzip": gzip.compress, "deflate": deflate, "br": brotli, "zstd": zstd}


@pytest.mark.parametrize("encoding", PACKERS)
def test_encodings(encoding: str) -> None:
    plain = b"<p>words of a page</p>" * 500
    packed = PACKERS[encoding](plain)
    assert decode_body(packed, encoding, 10**6) == plain
    with pytest.raises(BodyError) as cut:
        decode_body(packed[:-6], encoding, 10**6)
    assert cut.value.outcome == "truncated"
    with pytest.raises(BodyError) as bomb:
        decode_body(PACKERS[encoding](b"\0" * 50_000_000), encoding, 10**6)
    assert bomb.value.outcome == "too_big"
    with pytest.raises(BodyError) as wrong:
        decode_body(b"no such stream", encoding, 10**6)
    assert wrong.value.outcome == "bad_response"


def test_layers() -> None:
    assert decode_body(gzip.compress(gzip.compress(b"x")), "gzip, gzip", 100) == b"x"
    assert decode_body(b"<p>plain", "gzip", 100) == b"<p>plain"
    assert decode_body(b"", "gzip", 100) == b""
    for encoding in ("gzip," * 4 + "gzip", "compress"):
        with pytest.raises(BodyError, match="encoding"):
            decode_body(b"\x1f\x8b", encoding, 100)
