"""What both engines make of a document for their index."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
import orjson

from kastor.storage.search import SAMPLED, IndexState, Shares
from kastor.storage.search_texts import FORMAT, fold, shares_of, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.storage.search import IndexedText


class IndexRow(msgspec.Struct, frozen=True, gc=False):
    """A document as it is stored in an index; `heads` counts characters of `folded`."""

    fields: bytes
    folded: str
    heads: int
    digest: bytes


def index_row(text: IndexedText) -> IndexRow:
    """Return what is stored of a document."""
    fields = orjson.dumps(text.fields)
    texts = [fold(each) for _, each in text.fields]
    heads = sum(map(len, texts[: text.heads])) + max(0, text.heads - 1)
    whole = orjson.dumps((text.kind, text.id, text.name, text.model, text.heads))
    digest = blake2b(whole + fields, digest_size=16).digest()
    return IndexRow(fields, "\n".join(texts), heads, digest)


def shares_in(rows: Sequence[tuple[str, int]]) -> Shares:
    """Return how frequent trigrams are in a sample of folded texts and lengths of their heads."""
    heads, texts = [text[:heads] for text, heads in rows], [text for text, _ in rows]
    return Shares(shares_of(heads), shares_of(texts))


def words_in(fields: bytes) -> set[str]:
    """Return the words of the vocabulary that a stored document has."""
    return words_of(text for _, text in orjson.loads(fields))


def spread(first: int, last: int) -> list[int]:
    """Return numbers from which on a sample takes the next row each."""
    step = max(1, (last - first + 1) // SAMPLED)
    return list(range(first, last + 1, step))[:SAMPLED]


def state_text(state: IndexState) -> str:
    """Return a state as it is stored."""
    return msgspec.json.encode((FORMAT, state)).decode()


def state_of(text: str | None) -> IndexState | None:
    """Return a stored state; None where there is none, or one of another format."""
    try:
        form, state = msgspec.json.decode(text or "", type=tuple[int, IndexState])
    except msgspec.DecodeError:
        return None
    return state if form == FORMAT else None
