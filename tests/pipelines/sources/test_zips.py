"""Zips made to do harm are refused by name, and nothing of any zip is ever written to disk."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.sources.zips import Member, MemberBrokenError, ZipRefusedError, is_zip, zip_members

TEXT = b"company_number,employees\n00012345,7\n" * 50


def packed(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (2023, 3, 2, 0, 0, 0)), content, compress_type=method)
    return file.getvalue()


def overlapping() -> bytes:
    """Many names for one and the same packed bytes."""
    whole = packed(("a.csv", bytes(2**19)))
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    entry = whole[start:end]
    entries = [entry.replace(b"a.csv", f"{number:05}".encode()) for number in range(50)]
    listed = b"".join(entries)
    return whole[:start] + listed + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 50, 50, len(listed), start, 0)


def quoted_overlap() -> bytes:
    """A member whose bytes hold the header of the next one."""
    inner = packed(("inner.csv", TEXT), method=zipfile.ZIP_STORED)
    inner_member = inner[: inner.index(b"PK\x01\x02")]
    whole = packed(("outer.bin", inner_member), method=zipfile.ZIP_STORED)
    start = whole.index(b"PK\x01\x02", len(inner_member))
    outer_entry = whole[start : whole.index(b"PK\x05\x06")]
    inner_at = whole.index(b"PK\x03\x04", 4)
    inner_entry = bytearray(inner[inner.index(b"PK\x01\x02") : inner.index(b"PK\x05\x06")])
    inner_entry[42:46] = struct.pack("<L", inner_at)
    listed = outer_entry + bytes(inner_entry)
    return whole[:start] + listed + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(listed), start, 0)


def symlink() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("link.csv")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return file.getvalue()


def patched(content: bytes, offset: int, value: bytes) -> bytes:
    """The entry in the list at the end, changed at an offset."""
    at = content.index(b"PK\x01\x02") + offset
    return content[:at] + value + content[at + len(value) :]


def twice() -> bytes:
    return packed(("a.csv", TEXT), ("b.csv", TEXT)).replace(b"b.csv", b"a.csv")


def with_entries(number: int) -> bytes:
    return packed(*((f"{place}.csv", b"") for place in range(number)), method=zipfile.ZIP_STORED)


def claiming_entries(number: int) -> bytes:
    content = packed(("a.csv", TEXT))
    at = content.index(b"PK\x05\x06")
    return content[: at + 8] + struct.pack("<2H", number, number) + content[at + 12 :]


REFUSED: list[tuple[str, Callable[[], bytes], str]] = [
    ("overlapping", overlapping, "shares its bytes"),
    ("one member quotes the next", quoted_overlap, "shares its bytes"),
    ("nested by name", lambda: packed(("data.ZIP", packed(("a", b"1")))), "zip in a zip"),
    ("parent folder", lambda: packed(("../../x.csv", TEXT)), "leads out"),
    ("parent folder of windows", lambda: packed(("..\\x.csv", TEXT)), "leads out"),
    ("absolute", lambda: packed(("/etc/x.csv", TEXT)), "leads out"),
    ("drive", lambda: packed(("C:/x.csv", TEXT)), "leads out"),
    ("symlink", symlink, "a link"),
    ("two of one name", twice, "two entries"),
    ("encrypted", lambda: patched(packed(("a.csv", TEXT)), 8, b"\x01\x00"), "encrypted"),
    ("bzip2", lambda: packed(("a.csv", TEXT), method=zipfile.ZIP_BZIP2), "method 12"),
    ("lzma", lambda: packed(("a.csv", TEXT), method=zipfile.ZIP_LZMA), "method 14"),
    ("65,535 entries, declared", lambda: claiming_entries(65_535), "65,535 entries"),
    ("too many entries", lambda: with_entries(101), "101 entries"),
    ("bomb of one member", lambda: packed(("a.csv", bytes(30 * 2**20))), "which no real file does"),
    ("declares 4 GB", lambda: patched(packed(("a.csv", TEXT)), 24, b"\xfe\xff\xff\xff"), "which no real file|at most"),
    ("cut short", lambda: packed(("a.csv", TEXT * 99))[:-30], "cut short"),
    ("cut in the middle", lambda: packed(("a.csv", random.Random(1).randbytes(9999)))[:4000], "cut short"),
    ("member is elsewhere", lambda: patched(packed(("a.csv", TEXT)), 42, b"\x09\x00\x00\x00"), "not where"),
    ("only an end", lambda: b"PK\x03\x04" + bytes(100), "cut short"),
    ("text", lambda: TEXT, "not a zip"),
    ("empty", lambda: b"", "not a zip"),
]


@pytest.mark.parametrize(("make", "says"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(tmp_path: Path, make: Callable[[], bytes], says: str) -> None:
    path = tmp_path / "bad.zip"
    path.write_bytes(make())
    with pytest.raises(ZipRefusedError, match=says) as error, zip_members(path, max_members=100):
        pass
    assert "bad.zip" in str(error.value)
    assert error.value.exit_code == 2
    assert [found.name for found in tmp_path.iterdir()] == ["bad.zip"]


def test_sizes_are_capped_one_by_one_and_together(tmp_path: Path) -> None:
    path = tmp_path / "big.zip"
    path.write_bytes(packed(("a.csv", TEXT), ("b.csv", TEXT)))
    with (
        pytest.raises(ZipRefusedError, match=r"member 'a.csv': holds 1,800 bytes"),
        zip_members(path, max_bytes_each=1799),
    ):
        pass
    with pytest.raises(ZipRefusedError, match="holds 3,600 bytes"), zip_members(path, max_bytes_all=3599):
        pass
    with zip_members(path, max_bytes_each=1800, max_bytes_all=3600) as members:
        assert [member.bytes_declared for member in members] == [1800, 1800]


def test_ten_gigabytes_are_refused_and_the_register_is_not(tmp_path: Path) -> None:
    """Declared sizes beyond 4 GB stand in a zip64 extra field."""
    path = tmp_path / "register.zip"

    def declaring(size: int) -> bytes:
        content = packed(("register.csv", random.Random(1).randbytes(9999)))
        start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
        entry = bytearray(content[start:end])
        extra = struct.pack("<HHQ", 1, 8, size)
        entry[24:28], entry[30:32] = b"\xff\xff\xff\xff", struct.pack("<H", len(extra))
        listed = bytes(entry) + extra
        return content[:start] + listed + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(listed), start, 0)

    path.write_bytes(declaring(10 * 2**30))
    with pytest.raises(ZipRefusedError, match="10,737,418,240 bytes"), zip_members(path, max_ratio=1e9):
        pass
    path.write_bytes(declaring(2_700_000_000))
    with zip_members(path, max_ratio=1e9) as members:
        assert members[0].bytes_declared == 2_700_000_000


BROKEN = [
    ("wrong CRC", lambda: patched(packed(("a.csv", TEXT)), 16, b"\x00\x00\x00\x00"), "wrong_crc"),
    ("declares too little", lambda: patched(packed(("a.csv", TEXT)), 24, struct.pack("<L", 100)), "wrong_crc"),
    ("declares too much", lambda: patched(packed(("a.csv", TEXT)), 24, struct.pack("<L", 9000)), "wrong_size"),
    ("not deflated", lambda: packed(("a.csv", TEXT)).replace(zlib.compress(TEXT)[2:10], b"\xff" * 8), "broken_member"),
    ("a zip without the name of one", lambda: packed(("a.csv", packed(("b", b"1")))), "nested_zip"),
]


ODD: list[tuple[str, Callable[[], bytes], str]] = [
    ("encrypted", lambda: patched(packed(("a.csv", TEXT), ("b.csv", TEXT)), 8, b"\x01\x00"), "encrypted"),
    ("packed by method 12", lambda: patched(packed(("a.csv", TEXT), ("b.csv", TEXT)), 10, b"\x0c\x00"),
     "unknown_packing"),
    ("bomb", lambda: packed(("a.csv", bytes(30 * 2**20)), ("b.csv", TEXT)), "zip_bomb"),
    ("declares too much", lambda: patched(packed(("a.csv", TEXT), ("b.csv", TEXT)), 24, struct.pack("<L", 2**26)),
     "too_large"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "reason"), [case[1:] for case in ODD], ids=[case[0] for case in ODD])
def test_an_odd_member_leaves_the_others_where_that_is_asked(
    tmp_path: Path, make: Callable[[], bytes], reason: str
) -> None:
    path = tmp_path / "odd.zip"
    path.write_bytes(make())
    with zip_members(path, allow_odd=True, max_bytes_each=2**25) as members:
        with pytest.raises(MemberBrokenError, match=r"odd.zip, member a.csv: ") as error:
            members[0].open()
        assert error.value.reason == reason
        with members[1].open() as stream:
            assert stream.read() == TEXT
    with pytest.raises(ZipRefusedError, match=r"odd.zip, member 'a.csv': "), zip_members(path, max_bytes_each=2**25):
        pass


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (overlapping, "shares its bytes"),
        (twice, "two entries"),
        (symlink, "a link"),
        (lambda: packed(("../x.csv", TEXT)), "leads out"),
        (lambda: packed(("a.csv", bytes(30 * 2**20))), "holds 31,457,280 bytes unpacked"),
    ],
    ids=["overlapping", "twice", "symlink", "leads out", "all together"],
)
def test_what_is_wrong_with_the_whole_zip_refuses_it_all_the_same(
    tmp_path: Path, make: Callable[[], bytes], says: str
) -> None:
    path = tmp_path / "bad.zip"
    path.write_bytes(make())
    with pytest.raises(ZipRefusedError, match=says), zip_members(path, allow_odd=True, max_bytes_all=30_000_000):
        pass


def read(member: Member) -> None:
    with member.open() as stream:
        while stream.read(700):
            pass


@pytest.mark.parametrize(("make", "reason"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_member_leaves_the_others(tmp_path: Path, make: Callable[[], bytes], reason: str) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(make())
    with zip_members(path) as members, pytest.raises(MemberBrokenError, match=r"broken.zip, member a.csv") as error:
        read(members[0])
    assert error.value.reason == reason


def test_members_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "good.zip"
    path.write_bytes(packed(("folder/", b""), ("folder/é.csv", TEXT), ("empty.csv", b"")))
    assert is_zip(path)
    with zip_members(path) as members:
        assert [member.name for member in members] == ["folder/é.csv", "empty.csv"]
        for member, content in zip(members, (TEXT, b""), strict=True):
            with member.open() as stream:
                assert stream.read() == content
        assert members[0].modified == (2023, 3, 2)
    with zip_members(io.BytesIO(path.read_bytes()), name="inner") as members:
        assert len(members) == 2


def test_a_zip_of_zips_where_that_is_expected(tmp_path: Path) -> None:
    path = tmp_path / "outer.zip"
    path.write_bytes(packed(("inner.zip", packed(("b", b"1")))))
    with zip_members(path, allow_nested=True) as members, members[0].open() as stream:
        assert stream.read(4) == b"PK\x03\x04"


def test_an_empty_zip_has_no_members(tmp_path: Path) -> None:
    path = tmp_path / "empty.zip"
    path.write_bytes(packed())
    assert is_zip(path)
    with zip_members(path) as members:
        assert members == []
