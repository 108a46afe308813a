"""The calls of what Kastor has beyond the contract, each with the feature that it needs.

Writes of many are in `many`, jobs in `job_calls`, what is read as it comes in `streams`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from kastor.client import features
from kastor.client.calls import (
    Document,
    HttpCall,
    Json,
    Repetition,
    document,
    documents,
    encoded,
    nothing,
    read,
    segments,
)

_OWN = "/kastor/v1"


def status() -> HttpCall[Document]:
    """Kastor_Status."""
    return read(f"{_OWN}/status", document, needs=features.STATUS)


def search(
    text: str | None,
    kinds: Sequence[str],
    limit: int | None,
    up_to: int | Literal["now"] | None,
    *,
    like: str | None = None,
    index: str | None = None,
    mode: str | None = None,
) -> HttpCall[Document]:
    """Kastor_Search."""
    wanted = "current-replica" if up_to == "now" else None if up_to is None else f"change:{up_to}"
    return read(
        f"{_OWN}/search",
        document,
        query={
            "q": text,
            "kinds": ",".join(kinds) or None,
            "limit": None if limit is None else str(limit),
            "like": like,
            "index": index,
            "mode": mode,
        },
        headers={"kastor-read": wanted},
        needs=features.SEARCH if like is None and mode is None else features.VECTORS,
    )


def me() -> HttpCall[Document]:
    """Kastor_Me."""
    return read(f"{_OWN}/me", document, needs=features.ME)


def access() -> HttpCall[Document]:
    """Kastor_Access."""
    return read(f"{_OWN}/access", document, needs=features.ACCESS)


def check_access(who: str, permission: str, graph: str) -> HttpCall[Document]:
    """Kastor_CheckAccess, which changes nothing."""
    return HttpCall(
        *("POST", f"{_OWN}/access/check", document),
        content=encoded({"who": who, "permission": permission, "graph": graph}),
        repeat=Repetition.RECOGNISED,
        needs=features.ACCESS,
    )


def delete_all_models() -> HttpCall[None]:
    """Kastor_DeleteAllModels."""
    return HttpCall("DELETE", "/models", nothing, needs=features.MODEL_DELETION)


def reset() -> HttpCall[None]:
    """Kastor_Reset."""
    return HttpCall("POST", f"{_OWN}/reset", nothing, needs=features.RESET)


def list_indexes() -> HttpCall[list[Document]]:
    """Kastor_ListIndexes."""
    return read(f"{_OWN}/indexes", documents, needs=features.INDEXES)


def put_index(path: str) -> HttpCall[Document]:
    """Kastor_CreateIndex; a repeated one finds the index that is there."""
    return HttpCall(
        *("PUT", f"{_OWN}/indexes{segments(path)}", document),
        repeat=Repetition.RECOGNISED,
        needs=features.INDEXES,
    )


def delete_index(path: str) -> HttpCall[None]:
    """Kastor_DropIndex."""
    return HttpCall("DELETE", f"{_OWN}/indexes{segments(path)}", nothing, needs=features.INDEXES)


def list_graphs() -> HttpCall[list[Document]]:
    """Kastor_ListGraphs."""
    return read(f"{_OWN}/graphs", documents, needs=features.GRAPHS, of_server=True)


def get_graph(name: str) -> HttpCall[Document]:
    """Kastor_GetGraph."""
    path = f"{_OWN}/graphs{segments(name)}"
    return read(path, document, needs=features.GRAPHS, of_server=True)


def put_graph(name: str, place: Mapping[str, str]) -> HttpCall[Document]:
    """Kastor_CreateGraph."""
    body = encoded(dict(place)) if place else None
    return _graphs("PUT", name, body)


def move_graph(name: str, place: Mapping[str, str]) -> HttpCall[Document]:
    """Kastor_MoveGraph."""
    return _graphs("POST", name, encoded(dict(place)), "/move")


def delete_graph(name: str) -> HttpCall[None]:
    """Kastor_DeleteGraph."""
    path = f"{_OWN}/graphs{segments(name)}"
    return HttpCall("DELETE", path, nothing, needs=features.GRAPHS, of_server=True)


def _graphs(method: str, name: str, body: bytes | None, rest: str = "") -> HttpCall[Document]:
    path = f"{_OWN}/graphs{segments(name)}{rest}"
    return HttpCall(method, path, document, content=body, needs=features.GRAPHS, of_server=True)


def list_endpoints() -> HttpCall[list[Document]]:
    """Kastor_ListEndpoints."""
    return read(f"{_OWN}/endpoints", documents, needs=features.ENDPOINTS)


def get_endpoint(name: str) -> HttpCall[Document]:
    """Kastor_GetEndpoint."""
    return read(f"{_OWN}/endpoints{segments(name)}", document, needs=features.ENDPOINTS)


def put_endpoint(name: str, kind: str, settings: Document) -> HttpCall[Document]:
    """Kastor_PutEndpoint."""
    body = encoded({"kind": kind, "settings": settings})
    path = f"{_OWN}/endpoints{segments(name)}"
    return HttpCall("PUT", path, document, content=body, needs=features.ENDPOINTS)


def try_endpoint(name: str) -> HttpCall[Document]:
    """Kastor_TestEndpoint."""
    path = f"{_OWN}/endpoints{segments(name)}/test"
    return HttpCall("POST", path, document, needs=features.ENDPOINT_TESTS)


def delete_endpoint(name: str) -> HttpCall[None]:
    """Kastor_DeleteEndpoint."""
    path = f"{_OWN}/endpoints{segments(name)}"
    return HttpCall("DELETE", path, nothing, needs=features.ENDPOINTS)


def list_inputs() -> HttpCall[list[Document]]:
    """Kastor_ListInputs."""
    return read(f"{_OWN}/inputs", documents, needs=features.INPUTS)


def get_input(name: str) -> HttpCall[Document]:
    """Kastor_GetInput."""
    return read(_input(name), document, needs=features.INPUTS)


def put_input(name: str, kind: str, settings: Document) -> HttpCall[Document]:
    """Kastor_PutInput."""
    body = encoded({"kind": kind, "settings": settings})
    return HttpCall("PUT", _input(name), document, content=body, needs=features.INPUTS)


def delete_input(name: str) -> HttpCall[None]:
    """Kastor_DeleteInput."""
    return HttpCall("DELETE", _input(name), nothing, needs=features.INPUTS)


def pause_input(name: str, *, paused: bool) -> HttpCall[None]:
    """Kastor_PauseInput and Kastor_ResumeInput; a repeated one does the same."""
    return HttpCall(
        *("POST", f"{_input(name)}/{'pause' if paused else 'resume'}", nothing),
        repeat=Repetition.RECOGNISED,
        needs=features.INPUTS,
    )


def input_status(name: str) -> HttpCall[Document]:
    """Kastor_InputStatus."""
    return read(f"{_input(name)}/status", document, needs=features.INPUTS)


def list_rejected(name: str) -> HttpCall[list[Document]]:
    """Kastor_ListRejectedMessages."""
    return read(f"{_input(name)}/rejected", documents, needs=features.INPUTS)


def send_messages(name: str, messages: Json) -> HttpCall[Document]:
    """Kastor_SendMessages."""
    path = f"{_input(name)}/messages"
    return HttpCall("POST", path, document, content=encoded(messages), needs=features.INPUTS)


def try_message(name: str, sample: Document) -> HttpCall[Document]:
    """Kastor_TryMessage, which changes nothing."""
    return HttpCall(
        *("POST", f"{_input(name)}/try", document),
        content=encoded(sample),
        repeat=Repetition.RECOGNISED,
        needs=features.INPUT_TRIALS,
    )


def _input(name: str) -> str:
    return f"{_OWN}/inputs{segments(name)}"
