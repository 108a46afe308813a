"""Compressed bodies: what is taken, what is refused, what a few bytes may become."""

from __future__ import annotations

import gzip
import zlib
from random import Random

import pytest

from kastor.errors import EncodingError, InvalidArgument, PayloadTooLarge

from .wire import request_of

pytestmark = pytest.mark.anyio
BODY = b'{"name": "' + b"abc" * 1_000 + b'"}'
LIMIT = 4_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _headers(coding: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "Content-Encoding": coding}


async def _body(data: bytes, coding: str, *, limit: int = LIMIT, part: int = 1_000) -> bytes:
    parts = [data[at : at + part] for at in range(0, len(data), part)]
    return await request_of(*parts, headers=_headers(coding)).body(limit)


@pytest.mark.parametrize("part", [1, 1_000, 1_000_000])
async def test_gzip_and_deflate_are_taken(part: int) -> None:
    assert await _body(gzip.compress(BODY), "gzip", part=part) == BODY
    assert await _body(gzip.compress(BODY), " X-GZip ", part=part) == BODY
    assert await _body(zlib.compress(BODY), "deflate", part=part) == BODY
    assert await _body(BODY, "identity", part=part) == BODY


async def test_a_large_body_comes_out_whole() -> None:
    large = b"".join(b'{"n": %d},' % number for number in range(300_000))
    assert await _body(gzip.compress(large), "gzip", limit=len(large), part=65_536) == large


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 131_072, 1_114_112, 2_162_688])
@pytest.mark.parametrize("part", [7, 1_000_000])
async def test_a_body_may_end_where_a_piece_does(size: int, part: int) -> None:
    body = (Random(1).randbytes(size // 100) + b"a" * size)[:size]
    assert await _body(gzip.compress(body), "gzip", part=part) == body


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "x" * 5_000])
async def test_other_codings_are_refused(coding: str) -> None:
    with pytest.raises(EncodingError, match="gzip, deflate"):
        await _body(BODY, coding)


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(BODY, mtime=0)[:-1],
        gzip.compress(BODY, mtime=0)[:20],
        gzip.compress(BODY, mtime=0) + b"x",
        gzip.compress(BODY, mtime=0) * 2,
        BODY,
        b"\x1f\x8b",
    ],
)
@pytest.mark.parametrize("part", [1, 1_000_000])
async def test_what_is_no_whole_gzip_is_refused(data: bytes, part: int) -> None:
    with pytest.raises(InvalidArgument, match="compressed body"):
        await _body(data, "gzip", part=part)


async def test_an_empty_body_is_no_gzip() -> None:
    with pytest.raises(InvalidArgument, match="compressed body"):
        await _body(b"", "gzip")


@pytest.mark.parametrize("part", [100, 1_000_000])
async def test_the_limit_holds_for_what_comes_out(part: int) -> None:
    exact = gzip.compress(b"".join(b"%d" % n for n in range(10_000))[:LIMIT], 1)
    size = len(gzip.decompress(exact))
    assert len(await _body(exact, "gzip", limit=size, part=part)) == size
    with pytest.raises(PayloadTooLarge):
        await _body(exact, "gzip", limit=size - 1, part=part)


async def test_few_bytes_do_not_become_many() -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    with pytest.raises(PayloadTooLarge):
        await _body(bomb, "gzip", limit=200_000_000, part=65_536)
