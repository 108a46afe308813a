"""The calls of vector indexes, and of vectors beside twins (decisions 7)."""

from __future__ import annotations

from collections.abc import Sequence

from kastor.client import features
from kastor.client.calls import (
    Document,
    HttpAnswer,
    HttpCall,
    Repetition,
    document,
    documents,
    encoded,
    nothing,
    read,
    segments,
)
from kastor.client.errors import UnexpectedAnswerError

_OWN = "/kastor/v1"


def list_vector_indexes() -> HttpCall[list[Document]]:
    """Kastor_ListVectorIndexes."""
    return read(f"{_OWN}/vectors", documents, needs=features.VECTORS)


def get_vector_index(name: str) -> HttpCall[Document]:
    """Kastor_GetVectorIndex."""
    return read(f"{_OWN}/vectors{segments(name)}", document, needs=features.VECTORS)


def put_vector_index(name: str, body: Document) -> HttpCall[Document]:
    """Kastor_PutVectorIndex; a repeated one finds the index that is there."""
    return HttpCall(
        *("PUT", f"{_OWN}/vectors{segments(name)}", document),
        content=encoded(body),
        repeat=Repetition.RECOGNISED,
        needs=features.VECTORS,
    )


def drop_vector_index(name: str) -> HttpCall[None]:
    """Kastor_DropVectorIndex."""
    return HttpCall("DELETE", f"{_OWN}/vectors{segments(name)}", nothing, needs=features.VECTORS)


def get_vector(twin: str, index: str) -> HttpCall[list[float]]:
    """Kastor_GetVector."""
    return read(_beside(twin, index), vector, needs=features.VECTORS)


def put_vector(twin: str, index: str, numbers: Sequence[float]) -> HttpCall[None]:
    """Kastor_PutVector; a repeated one does the same."""
    return HttpCall(
        *("PUT", _beside(twin, index), nothing),
        content=encoded({"vector": list(numbers)}),
        repeat=Repetition.RECOGNISED,
        needs=features.VECTORS,
    )


def delete_vector(twin: str, index: str) -> HttpCall[None]:
    """Kastor_DeleteVector."""
    return HttpCall("DELETE", _beside(twin, index), nothing, needs=features.VECTORS)


def vector(answer: HttpAnswer) -> list[float]:
    """Decode a vector.

    Raises:
        UnexpectedAnswerError: it is none.
    """
    found = document(answer).get("vector")
    if not isinstance(found, list) or not all(isinstance(each, int | float) for each in found):
        raise UnexpectedAnswerError("The answer holds no vector.")
    return [float(each) for each in found]


def _beside(twin: str, index: str) -> str:
    return f"{_OWN}/digitaltwins{segments(twin)}/vectors{segments(index)}"
