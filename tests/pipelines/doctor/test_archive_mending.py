"""Files of raw answers that were cut, zeroed, or had a bit flipped: what is whole is kept where it was."""

from __future__ import annotations

import gzip
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.archive import Archive, read_record
from crawler.mending import verify
from crawler.warc import Tally, records
from pipelines.doctor.archive import filler, mend, walk, walk_all

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = random.Random(5).randbytes(300)


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, list[int]]:
    """A file of six answers, and where they begin."""
    archive = Archive(tmp_path, "firmscope/test")
    refs = [archive.add(f"http://f.example/{n}", 200, [], BODY + b"%d" % n, "127.9.0.1", AT) for n in range(6)]
    archive.close()
    return tmp_path / refs[0].split(":")[0], [int(ref.split(":")[1]) for ref in refs]


def _readable(path: Path, offsets: list[int]) -> list[int]:
    return [number for number, offset in enumerate(offsets) if walk(path).has(offset)]


def test_a_whole_file_has_no_hole(written: tuple[Path, list[int]]) -> None:
    path, offsets = written
    walked = walk(path)
    assert walked.holes == ()
    assert list(walked.starts) == [0, *offsets]


@pytest.mark.parametrize("kept", [0, 3, 5])
def test_a_cut_file_keeps_its_whole_records_and_the_rest_is_put_aside(
    written: tuple[Path, list[int]], kept: int
) -> None:
    path, offsets = written
    content = path.read_bytes()
    for length in {
        offsets[kept] + 1,
        offsets[kept] + 40,
        *([offsets[kept + 1] - 1] if kept < 5 else [len(content) - 1]),
    }:
        path.write_bytes(content[:length])
        assert "cut after" in mend(walk(path))
        assert path.read_bytes() == content[: offsets[kept]]
        aside = path.with_name(f"{path.name}.{offsets[kept]}.torn")
        assert aside.read_bytes() == content[offsets[kept] : length]


def test_a_bit_anywhere_costs_its_own_record_and_no_other_moves(written: tuple[Path, list[int]]) -> None:
    path, offsets = written
    content, dice = path.read_bytes(), random.Random(3)
    ends = [*offsets[1:], len(content)]
    idle = 0
    for _ in range(200):
        place = dice.randrange(offsets[0], len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ (1 << dice.randrange(8))]) + content[place + 1 :])
        hit = next(number for number, end in enumerate(ends) if place < end)
        walked = walk(path)
        if not walked.holes:  # up to seven bits at the end of a member mean nothing
            idle += 1
            assert read_record(path.parent, f"{path.name}:{offsets[hit]}").body == BODY + b"%d" % hit
            continue
        mend(walked)
        assert verify(path) is None
        assert _readable(path, [at for number, at in enumerate(offsets) if number != hit]) == [0, 1, 2, 3, 4]
        for number, offset in enumerate(offsets):
            if number != hit:
                assert read_record(path.parent, f"{path.name}:{offset}").body == BODY + b"%d" % number
    assert idle <= 4


def test_a_hole_of_zeros_is_filled_with_a_record_that_every_reader_walks_past(
    written: tuple[Path, list[int]],
) -> None:
    path, offsets = written
    content = path.read_bytes()
    start, end = offsets[1] + 50, offsets[3] + 20
    path.write_bytes(content[:start] + bytes(end - start) + content[end:])
    assert mend(walk(path)) == "1 damaged part within it taken out"
    assert path.stat().st_size == len(content)
    assert _readable(path, offsets) == [0, 4, 5]
    tally = Tally()
    kinds = [record.headers["WARC-Type"] for record, _ in records(path, tally)]
    assert (kinds, tally.faults) == (["warcinfo", "response", "metadata", "response", "response"], 0)


def test_a_tail_of_zeros_is_cut_off(written: tuple[Path, list[int]]) -> None:
    path, _ = written
    content = path.read_bytes()
    path.write_bytes(content + bytes(4096))
    mend(walk(path))
    assert path.read_bytes() == content


def test_a_file_without_a_whole_record_goes(written: tuple[Path, list[int]]) -> None:
    path, _ = written
    path.write_bytes(bytes(500))
    assert "removed" in mend(walk(path))
    assert not path.exists()
    assert path.with_name(f"{path.name}.0.torn").stat().st_size == 500


@pytest.mark.parametrize("size", [23, 24, 120, 131, 500, 65_558, 65_559, 65_560, 200_000, 40_000_000])
def test_a_filler_is_as_long_as_it_should_be(size: int) -> None:
    made = filler(size)
    assert len(made) == size
    gzip.decompress(made)


def test_what_a_crawl_is_writing_is_no_damage(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "firmscope/test")
    archive.add("http://f.example/", 200, [], BODY, "127.9.0.1", AT)
    (path,) = tmp_path.glob("*.open")
    with path.open("ab") as file:
        file.write(b"\x1f\x8b\x08half a record")
    (walked,) = walk_all(tmp_path)
    assert walked.holes == ()
    assert len(walked.starts) == 2
    archive.close()
