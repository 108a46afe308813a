"""Twins with vectors of all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kastor.testing import KastorServer

from .client import Api, assert_json

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/kastor/v1/vectors"
MODEL = {
    "@id": "dtmi:test:Thing;1",
    "@type": "Interface",
    "@context": ["dtmi:dtdl:context;3"],
    "contents": [
        {
            "@type": "Property",
            "name": "embedding",
            "schema": {"@type": "Array", "elementSchema": "double"},
        },
        {"@type": "Property", "name": "note", "schema": "string"},
    ],
}
SPECIAL = {
    "@id": "dtmi:test:Special;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "extends": "dtmi:test:Thing;1",
    "contents": [],
}
VECTORS: dict[str, list[float] | None] = {
    "a": [1.0, 0.0, 0.0],
    "b": [0.9, 0.1, 0.0],
    "c": [0.0, 1.0, 0.0],
    "d": [-1.0, 0.0, 0.5],
    "long": [1.0, 0.0, 0.0, 0.0],
    "zero": [0.0, 0.0, 0.0],
    "none": None,
}


@pytest.fixture(scope="session")
def vector_server() -> Iterator[KastorServer]:
    with KastorServer() as started:
        yield started


@pytest.fixture
def things(vector_server: KastorServer) -> Iterator[Api]:
    """A client of a graph with twins that have vectors, of all kinds."""
    vector_server.reset()
    with Api(vector_server.url) as api:
        for each in assert_json(api.get(PATH, version=None))["value"]:
            api.delete(f"{PATH}/{each['name']}", version=None)
        api.add_models(MODEL, SPECIAL)
        for name, vector in VECTORS.items():
            put(api, name, vector)
        yield api


def put(api: Api, name: str, vector: list[float] | None, model: str = "Thing") -> None:
    body: dict[str, Any] = {"$metadata": {"$model": f"dtmi:test:{model};1"}}
    if vector is not None:
        body["embedding"] = vector
    api.add_twin(name, body)


def index(api: Api, name: str = "meaning", **members: Any) -> Any:
    body = {"dims": 3, "metric": "cosine", "property": "embedding", **members}
    return api.put(f"{PATH}/{name}", body, version=None)


def ask(api: Api, text: str, **parameters: Any) -> Any:
    return api.post("/query", {"query": text, "parameters": parameters})


def ids(api: Api, text: str, **parameters: Any) -> list[str]:
    return [row["$dtId"] for row in assert_json(ask(api, text, **parameters))["value"]]


def nearest(api: Api, **body: Any) -> Any:
    return api.post("/digitaltwins/search", body)
