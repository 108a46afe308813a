"""Bytes to lines: any chunking, packed or not, damage named, memory bounded."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.jobs.importing.faults import FileDamagedError, ImportTooLargeError
from kastor.jobs.importing.lines import MOST_LINE_BYTES, Line, LineReader
from kastor.jobs.importing.unpacking import FREE_BYTES, Unpacker

MOST = 2**40
MEGABYTE = 1_048_576


def lines_of(chunks: Iterable[bytes], most: int = MOST) -> Iterator[Line]:
    unpacker, reader = Unpacker(most), LineReader()
    for chunk in chunks:
        for piece in unpacker.pieces(chunk):
            yield from reader.lines(piece)
    for piece in unpacker.end():
        yield from reader.lines(piece)
    if (last := reader.last()) is not None:
        yield last


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size
    yield data[at:]


def packed(text: bytes, coding: str, parts: int) -> bytes:
    if coding == "plain":
        return text
    step = len(text) // parts + 1
    pack = gzip.compress if coding == "gzip" else zstandard.ZstdCompressor().compress
    return b"".join(pack(text[at : at + step]) for at in range(0, max(1, len(text)), step))


def expected(text: bytes) -> list[Line]:
    texts = text.split(b"\n")
    if not texts[-1]:
        texts.pop()
    texts[:1] = [each.removeprefix(b"\xef\xbb\xbf") for each in texts[:1]]
    return [Line(number, each) for number, each in enumerate(texts, 1)]


line_texts = st.lists(
    st.binary(max_size=30).map(lambda each: each.replace(b"\n", b"")), max_size=40
)


@settings(deadline=None)
@given(
    texts=line_texts,
    ends=st.booleans(),
    mark=st.booleans(),
    coding=st.sampled_from(["plain", "gzip", "zstd"]),
    parts=st.integers(1, 5),
    sizes=st.lists(st.integers(0, 50), max_size=30),
)
def test_any_chunking_and_packing_gives_the_same_lines(
    *, texts: list[bytes], ends: bool, mark: bool, coding: str, parts: int, sizes: list[int]
) -> None:
    text = (b"\xef\xbb\xbf" if mark else b"#") + b"\n".join(texts) + (b"\n" if ends else b"")

    assert list(lines_of(cut(packed(text, coding, parts), sizes))) == expected(text)


@pytest.mark.parametrize("text", [b"", b"a", b"ab", b"abc", b"\n", b"{}\r\n{}"])
def test_short_files(text: bytes) -> None:
    assert list(lines_of([text])) == expected(text)


def test_padding_after_gzip_and_frames_without_data_are_passed() -> None:
    empty_frame = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"
    zstd = zstandard.ZstdCompressor().compress(b"b\n")

    assert list(lines_of([gzip.compress(b"a\n") + b"\0" * 512])) == [Line(1, b"a")]
    assert list(lines_of([empty_frame + zstd])) == [Line(1, b"b")]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_what_is_cut_off_is_said_and_what_came_before_is_read(pack: object) -> None:
    assert callable(pack)
    whole = pack(b"".join(b'{"number": %d}\n' % each for each in range(100_000)))
    found: list[int] = []

    with pytest.raises(FileDamagedError, match="cut off"):
        found.extend(line.number for line in lines_of([whole[: len(whole) // 2]]))

    assert 1_000 < len(found) < 100_000


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(b"a\n" * 1000)[:-8] + b"\0" * 8,
        gzip.compress(b"a\n") + b"behind it",
        zstandard.ZstdCompressor().compress(b"a\n" * 1000)[:8] + b"\xff" * 30,
    ],
    ids=["a sum that is wrong", "more behind it", "a damaged frame"],
)
def test_what_cannot_be_unpacked_is_damage(data: bytes) -> None:
    with pytest.raises(FileDamagedError, match="cannot be unpacked"):
        list(lines_of([data]))


def test_a_frame_that_needs_much_memory_is_refused_with_a_way_out() -> None:
    needs = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=needs).compressobj()
    data = packer.compress(b"a\n" * 10_000) + packer.flush()

    with pytest.raises(FileDamagedError, match="zstd -19"):
        list(lines_of([data]))


def test_a_line_that_is_too_long_is_one_line_in_constant_memory() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"first\n"
        for _ in range(100):
            yield b"x" * MEGABYTE
        yield b"\nlast"

    tracemalloc.start()
    found = list(lines_of(chunks()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == [Line(1, b"first"), Line(2, None), Line(3, b"last")]
    assert peak < 8 * MEGABYTE


def test_the_longest_line_is_taken_and_one_byte_more_is_not() -> None:
    longest = b"x" * MOST_LINE_BYTES

    assert list(lines_of([longest + b"\n" + longest + b"y\n"])) == [Line(1, longest), Line(2, None)]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_bomb_ends_in_constant_memory(coding: str) -> None:
    zeros = bytes(MEGABYTE)
    if coding == "gzip":
        member = gzip.compress(zeros * 16)
        bomb = member * 40
    else:
        packer = zstandard.ZstdCompressor().compressobj()
        bomb = b"".join(packer.compress(zeros) for _ in range(512)) + packer.flush()

    tracemalloc.start()
    with pytest.raises(FileDamagedError, match="200 times"):
        list(lines_of([bomb]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 40 * MEGABYTE
    assert FREE_BYTES == 64 * MEGABYTE


def test_a_text_beyond_the_setting_is_refused() -> None:
    with pytest.raises(ImportTooLargeError, match="max_import_bytes"):
        list(lines_of([b"a\n" * 600], most=1_000))
