"""What an embedder answers is believed only where it is right, and read within bounds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kastor.errors import InvalidArgument, Unavailable
from kastor.outside.embedder import Embedder, EmbedderError, EmbedderSettings
from kastor.outside.secrets import Secret
from kastor.storage.vectors import VectorIndexRow
from kastor.vectors.embedding import Embedding
from kastor.vectors.templates import number_of, require_template, text_of

from .embedders import DIMS, KEY, TestEmbedder, vector_of

pytestmark = pytest.mark.anyio


async def test_vectors_come_in_the_order_of_the_texts_with_the_key_of_now(tmp_path: Path) -> None:
    key = tmp_path / "key"
    with TestEmbedder() as server:
        settings = EmbedderSettings(server.url, "hashing", Secret(file=str(key)))
        embedder = Embedder(settings)
        with pytest.raises(EmbedderError, match="cannot be read"):
            await embedder.embed(["a"], DIMS)
        key.write_text(KEY + "\n")
        texts = ["a warm room", "b", "a cold cellar"]
        found = await embedder.embed(texts, DIMS)
        await embedder.close()
    assert [list(each) for each in found] == [vector_of(each) for each in texts]
    assert server.keys == {f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("dims", "have 1 numbers, not 16"),
        ("nan", "holds no vectors"),
        ("infinite", "numbers"),
        ("short", "1 vectors to 2 texts"),
        ("twice", "3 vectors to 2 texts"),
        ("huge", "more than"),
        ("text", "holds no vectors"),
        ("hangs", "did not answer within"),
        ("500", "status 500"),
        ("302", "status 302"),
    ],
)
async def test_a_wrong_answer_is_none(wrong: str, words: str) -> None:
    with TestEmbedder() as server:
        embedder = Embedder(EmbedderSettings(server.url, "hashing"))
        server.wrong = wrong
        began = time.monotonic()
        with pytest.raises(EmbedderError, match=words) as caught:
            await embedder.embed(["one", "two"], DIMS, seconds=0.5 if wrong == "hangs" else None)
        assert time.monotonic() - began < 5
        assert not caught.value.of_texts
        server.wrong = "400"
        with pytest.raises(EmbedderError) as caught:
            await embedder.embed(["one"], DIMS)
        assert caught.value.of_texts
        await embedder.close()


async def test_nobody_there_is_told() -> None:
    with TestEmbedder() as server:
        url = server.url
    embedder = Embedder(EmbedderSettings(url, "hashing"))
    with pytest.raises(EmbedderError, match="cannot be reached"):
        await embedder.embed(["one"], DIMS)
    await embedder.close()


def test_a_text_is_what_its_template_says() -> None:
    template = require_template("{name}: {about.purpose} ({$dtId}, {on}, {size})")
    document = {"$dtId": "a", "name": "Hall", "about": {"purpose": "to  meet"}, "on": True}
    assert text_of(template, document) == "Hall: to meet (a, true, )"
    assert text_of(template, {"$dtId": "a", "about": 1, "size": {"x": 1}}) is None
    assert len(text_of("{name}", {"name": "x" * 9_000}) or "") == 8_000
    numbers = {
        number_of(*each)
        for each in (("a", "b", "c"), ("a", "c", "b"), ("ab", "", "c"), ("a", "bc", ""))
    }
    assert len(numbers) == 4
    assert all(0 < each < 2**63 for each in numbers)


@pytest.mark.parametrize("given", ["", "none", "{", "{}", "{a}{", "{a.}", "{a b}", 1, "{a}" * 33])
def test_what_is_no_template_is_refused(given: object) -> None:
    with pytest.raises(InvalidArgument):
        require_template(given)


async def test_the_text_of_a_search_has_a_vector_or_a_clear_reason() -> None:
    index = VectorIndexRow("i", DIMS, "l2", None, (), 0, "{name}")
    nothing: Any = None
    with TestEmbedder() as server:
        embedder = Embedder(EmbedderSettings(server.url, "hashing"))
        embedding = Embedding(nothing, nothing, embedder, nothing, lambda: True)
        for _ in range(2):
            found = await embedding.vector_of_text(index, "a warm room")
            assert list(found) == vector_of("a warm room")
        assert server.asked == ["a warm room"]  # once
        for number in range(300):
            await embedding.vector_of_text(index, f"text {number}")
        assert len(embedding._kept) == 256
        server.wrong = "503"
        with pytest.raises(Unavailable, match="status 503"):
            await embedding.vector_of_text(index, "another")
        for text in ("", " ", "x" * 2_001):
            with pytest.raises(InvalidArgument):
                await embedding.vector_of_text(index, text)
        with pytest.raises(InvalidArgument, match="no embedder"):
            await embedding.vector_of_text(replace(index, template=None), "a")
        await embedder.close()
