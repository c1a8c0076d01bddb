"""WARC files: what goes in comes out, and what a crash left behind is cut to its whole records."""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.archive import Archive, read_record
from crawler.bodies import decode_body
from crawler.errors import ArchiveError, BodyError
from crawler.mending import good_length, recover, salvage, verify

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


def test_a_revisit_leads_to_the_response_it_leans_on(tmp_path: Path) -> None:
    archive, (ref,) = fill(tmp_path, 1)
    same = archive.add_revisit("http://f.com/0", 304, [("ETag", '"x"')], AT, ref, "http://f.com/0", AT)
    moved = archive.add_revisit("https://f.com/", 200, [], AT, same, "http://f.com/0", AT)
    text = archive.add_text("http://f.com/t", "Wörter", AT)
    assert [read_record(tmp_path, one).body for one in (same, moved, text)] == [b"body 0", b"body 0", "Wörter".encode()]
    loop = f"{ref.partition(':')[0]}:{archive._size}"
    archive.add_revisit("http://f.com/loop", 304, [], AT, loop, "http://f.com/loop", AT)
    failed = archive.add_failure("http://f.com/f", "timeout", "f.com did not answer\r\nX: y", AT)
    with pytest.raises(ArchiveError, match="revisit of a revisit"):
        read_record(tmp_path, loop)
    with pytest.raises(ArchiveError, match="no HTTP response"):
        read_record(tmp_path, failed)
    archive.close()


def test_what_a_second_implementation_makes_of_our_records(tmp_path: Path) -> None:
    from warcio.archiveiterator import ArchiveIterator

    archive, (ref,) = fill(tmp_path, 1)
    archive.add_revisit("http://f.com/0", 304, [("ETag", '"x"')], AT, ref, "http://f.com/0", AT)
    archive.add_failure("http://f.com/f", "timeout", "no answer", AT, connected=True)
    archive.close()
    name, offset = ref.split(":")
    with (tmp_path / name).open("rb") as file:
        found = [
            (record.rec_type, record.rec_headers, record.content_stream().read()) for record in ArchiveIterator(file)
        ]
    assert [kind for kind, _, _ in found] == ["warcinfo", "response", "revisit", "metadata"]
    assert found[1][2] == b"body 0"
    revisit = dict(found[2][1].headers)
    assert revisit["WARC-Profile"].endswith("/revisit/server-not-modified")
    assert revisit["WARC-Refers-To-Date"] == revisit["WARC-Date"] == "2026-03-01T12:00:00.123456Z"
    assert (revisit["WARC-Refers-To-Filename"], revisit["WARC-Refers-To-File-Offset"]) == (name, offset)
    assert found[3][2] == b"outcome: timeout\r\nreason: no answer\r\nconnected: yes\r\n"


def test_headers_are_kept_as_they_came(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "test")
    came = "/größe".encode().decode("latin-1")
    ref = archive.add("http://f.com/", 302, [("Location", came)], b"", "", AT)
    assert dict(read_record(tmp_path, ref).headers)["Location"] == came
    archive.close()


def test_verify_finds_every_flipped_bit(tmp_path: Path) -> None:
    archive, refs = fill(tmp_path, 12)
    archive.close()
    path = tmp_path / refs[0].split(":")[0]
    assert verify(path) is None
    whole = path.read_bytes()
    seed = random.randrange(10**6)
    flips = random.Random(seed)
    copy = tmp_path / "copy.warc.gz"
    for _ in range(500):
        place, bit = flips.randrange(len(whole)), 1 << flips.randrange(8)
        data = bytearray(whole)
        data[place] ^= bit
        copy.write_bytes(data)
        idle = gzip_or_nothing(bytes(data)) == gzip.decompress(whole)
        assert verify(copy) is not None or idle, f"seed {seed}: bit {bit} of byte {place}"


def gzip_or_nothing(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, ValueError, zlib.error):
        return b""


@pytest.mark.parametrize(
    ("name", "kept"),
    [("cut then appended", {0, 1, 2, 5, 6, 7}), ("hole", {0, 1, 2, 5, 6, 7}), ("zero tail", {0, 1, 2, 3, 4, 5, 6})],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_salvage_gets_what_lies_behind_the_damage(tmp_path: Path, name: str, kept: set[int]) -> None:
    archive, refs = fill(tmp_path, 7)
    archive.close()
    path = tmp_path / refs[0].split(":")[0]
    data = path.read_bytes()
    places = [0, *(int(ref.split(":")[1]) for ref in refs)]
    cut, rest = places[3] + 40, places[5]
    damaged = {
        "cut then appended": data[:cut] + data[rest:],
        "hole": data[:cut] + bytes(rest - cut) + data[rest:],
        "zero tail": data[: places[7] + 20] + bytes(4096),
    }[name]
    path.write_bytes(damaged)
    damage = verify(path)
    assert damage is not None
    assert damage.offset == (places[7] if name == "zero tail" else places[3])
    assert damage.whole == (7 if name == "zero tail" else 3)
    found = [path.read_bytes()[at : at + 30] for at in salvage(path)]
    assert found == [data[places[number] :][:30] for number in sorted(kept)]


WRITER = """
import os, random, signal, sys, time
from datetime import datetime, timezone
from pathlib import Path
from crawler.archive import Archive
import fastwarc.warc
for seed in range(int(sys.argv[2])):
    folder = Path(sys.argv[1]) / str(seed)
    folder.mkdir()
    child = os.fork()
    if not child:
        archive = Archive(folder, "test")
        told = os.open(folder / "told", os.O_CREAT | os.O_WRONLY)
        rng = random.Random(seed)
        while True:
            body = rng.randbytes(rng.randrange(60_000))
            ref = archive.add("http://f.com/", 200, [], body, "", datetime.now(timezone.utc))
            os.write(told, (ref + "\\n").encode())
    time.sleep(random.Random(seed).uniform(0.005, 0.08))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def test_a_kill_at_any_moment_leaves_every_record_that_was_told_of(tmp_path: Path) -> None:
    seeds = 20
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    subprocess.run([sys.executable, "-c", WRITER, str(tmp_path), str(seeds)], check=True, timeout=60, env=environment)
    told = 0
    for seed in range(seeds):
        folder = tmp_path / str(seed)
        repaired = recover(folder)
        assert all(verify(path) is None for path in repaired)
        for ref in (folder / "told").read_text().split("\n")[:-1] if (folder / "told").exists() else ():
            told += 1
            assert read_record(folder, ref).status == 200, f"seed {seed}"
        assert not list(folder.glob("*.open"))
    assert told > seeds


def zstd(data: bytes) -> bytes:
    from backports import zstd as codec

    return codec.compress(data)


def brotli(data: bytes) -> bytes:
    import brotli as codec

    return bytes(codec.compress(data, quality=3))


def deflate(data: bytes) -> bytes:
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
