"""Asks a real server: loads typed graphs, sends queries, gathers the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol
from uuid import uuid4

import httpx2
import pytest

from kastor.testing import KastorServer
from tests.postgres.server import database

from .answers import Answer, Broken, Refused
from .scenarios import Ask
from .typed import EMPTY, TypedGraph

VERSION = "2023-10-31"
MAX_PAGES = 10_000
MAX_OPERATIONS = 5_000
MAX_BYTES = 64_000_000
WAIT_SECONDS = 60.0
BAD_REQUEST = 400
SUCCESS = range(200, 300)

Result = Answer | Refused | Broken


class Runner(Protocol):
    """Whoever answers scenarios."""

    name: str

    def load(self, graph: TypedGraph) -> str | None:
        """Make this the graph that is asked; return why that cannot be, if it cannot."""

    def ask(self, ask: Ask, page_size: int | None) -> Result:
        """Return what a query answers; `page_size` is the most rows of one page."""


class ServerRunner:
    """A server of one engine. Its graph is emptied only when another is needed: queries read."""

    def __init__(self, name: str, server: KastorServer, client: httpx2.Client) -> None:
        self.name = name
        self._server = server
        self._client = client
        self._loaded: str | None = None

    def load(self, graph: TypedGraph) -> str | None:
        if graph.key == self._loaded:
            return None
        self._server.reset()
        self._loaded = None
        if graph is not EMPTY:
            refusal = self._fill(graph)
            if refusal is not None:
                return refusal
        self._loaded = graph.key
        return None

    def ask(self, ask: Ask, page_size: int | None) -> Result:
        body: dict[str, Any] = {"query": ask.query, "language": "cypher"}
        if ask.parameters:
            body["parameters"] = ask.parameters
        headers = {} if page_size is None else {"max-items-per-page": str(page_size)}
        rows: list[dict[str, Any]] = []
        size = 0
        for page in range(MAX_PAGES):
            try:
                answer = self._post("/query", body, headers)
            except httpx2.HTTPError as error:
                return Broken(f"no answer: {type(error).__name__}")
            if answer.status_code == BAD_REQUEST:
                return Refused(_message(answer), late=page > 0)
            if answer.status_code not in SUCCESS:
                return Broken(f"{answer.status_code}: {_message(answer)}")
            size += len(answer.content)
            if size > MAX_BYTES:
                return Broken(f"more than {MAX_BYTES} bytes")
            try:
                found = answer.json()
                rows += found["value"]
                token = found["continuationToken"]
            except (ValueError, KeyError, TypeError) as error:
                return Broken(f"no page of rows: {type(error).__name__} {error}")
            if token is None:
                return Answer(tuple(rows))
            body = {**body, "continuationToken": token}
        return Broken(f"more than {MAX_PAGES} pages")

    def _fill(self, graph: TypedGraph) -> str | None:
        answer = self._post("/models", list(graph.models), {})
        if answer.status_code not in SUCCESS:
            return f"the models are refused: {_message(answer)}"
        operations = [
            {"op": "put", "kind": "twin", "id": twin["$dtId"], "body": twin} for twin in graph.twins
        ]
        operations += [
            {"op": "put", "kind": "relationship", "id": each["$relationshipId"]}
            | {"source": each["$sourceId"], "body": each}
            for each in graph.relationships
        ]
        for start in range(0, len(operations), MAX_OPERATIONS):
            some = operations[start : start + MAX_OPERATIONS]
            answer = self._post("/kastor/v1/batch", {"atomic": True, "operations": some}, {})
            if answer.status_code not in SUCCESS:
                return f"the twins are refused: {_message(answer)}"
        return None

    def _post(self, path: str, body: Any, headers: dict[str, str]) -> httpx2.Response:
        return self._client.post(
            f"{self._server.url}{path}",
            params={"api-version": VERSION},
            json=body,
            headers=headers,
            timeout=WAIT_SECONDS,
        )


def _message(answer: httpx2.Response) -> str:
    try:
        error = answer.json()["error"]
        details = [each["message"] for each in error.get("details", ())]
        return " ".join([error["message"], *details])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]


@contextmanager
def sqlite() -> Iterator[ServerRunner]:
    """Yield a server whose graph is a file."""
    with KastorServer() as server, httpx2.Client() as client:
        yield ServerRunner("sqlite", server, client)


@contextmanager
def postgres() -> Iterator[ServerRunner]:
    """Yield a server whose graph is a schema of PostgreSQL."""
    with database() as dsn:
        options = ("--db", dsn, "--graph-schema", f"g{uuid4().hex}")
        with KastorServer(options) as server, httpx2.Client() as client:
            yield ServerRunner("postgres", server, client)


ENGINES: dict[str, Callable[[], Any]] = {"sqlite": sqlite, "postgres": postgres}


def start(stack: ExitStack, names: tuple[str, ...]) -> tuple[list[Runner], dict[str, str]]:
    """Return a runner for each engine that is here, and of the others why they are not."""
    runners: list[Runner] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            runners.append(stack.enter_context(ENGINES[name]()))
        except pytest.skip.Exception as reason:  # tests' programs tell that way what is not here
            missing[name] = str(reason)
    return runners, missing
