"""A small server with the dialect of AgeDigitalTwins, as far as a migration meets it.

It answers nothing at its root, has no event routes, tells ETags in bodies alone, takes any page
size, lists by skipping rows of a collection that is not sorted, and holds twins without the
components of their model.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

TIME = "2026-01-01T00:00:00.0000000Z"


class AgeServer:
    """A context manager; `twins` and `relationships` are what it holds, and may be changed.

    Attributes:
        rows: of a page at most, whatever is asked for.
        hidden: ids of twins that listings leave out still, as an index that lags behind.
        refusals: how many of the next calls are answered 429.
    """

    def __init__(self) -> None:
        self.models: list[dict[str, Any]] = []
        self.twins: dict[str, dict[str, Any]] = {}
        self.relationships: dict[tuple[str, str], dict[str, Any]] = {}
        self.hidden: set[str] = set()
        self.rows, self.refusals, self._version = 3, 0, 0
        self.on_page: Callable[[int], None] = lambda _number: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def put_twin(self, identifier: str, model: str, **values: Any) -> None:
        """Write a twin as that server stores one."""
        self._version += 1
        times = {name: {"lastUpdateTime": TIME} for name in values}
        self.twins[identifier] = {
            "$dtId": identifier,
            "$etag": f'W/"{self._version:032x}"',
            "$metadata": {"$model": model, "$lastUpdateTime": TIME, **times},
            **values,
        }

    def put_relationship(self, source: str, identifier: str, **values: Any) -> None:
        """Write a relationship; nothing of it is checked."""
        self._version += 1
        self.relationships[source, identifier] = {
            "$relationshipId": identifier,
            "$sourceId": source,
            "$etag": f'W/"{self._version:032x}"',
            **values,
        }

    def query(self, text: str, skip: int, asked: int) -> dict[str, Any]:
        """A page of one of the queries that a migration has."""
        if "digitaltwins" in text:
            found = [row for name, row in self.twins.items() if name not in self.hidden]
        else:
            found = list(self.relationships.values())
        if "COUNT()" in text:
            return {"value": [{"COUNT": len(found)}], "continuationToken": None}
        size = min(self.rows, asked)
        following = skip + size
        token = json.dumps({"query": text, "_rowNumber": following}).encode()
        answer = {
            "value": found[skip:following],
            "continuationToken": base64.b64encode(token).decode()
            if following < len(found)
            else None,
        }
        self.on_page(skip // size)
        return answer

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(age: AgeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if age.refusals > 0:
                age.refusals -= 1
                self._answer(429, {"title": "Too Many Requests"})
                return
            parts = urlsplit(self.path)
            path = [unquote(each) for each in parts.path.split("/")[1:]]
            match path:
                case ["models"]:
                    self._models(int(parse_qs(parts.query).get("skip", ["0"])[0]))
                case ["digitaltwins", twin]:
                    self._found(age.twins.get(twin))
                case ["digitaltwins", twin, "relationships", identifier]:
                    self._found(age.relationships.get((twin, identifier)))
                case _:
                    self._answer(404, None)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if age.refusals > 0:
                age.refusals -= 1
                self._answer(429, {"title": "Too Many Requests"})
                return
            skip, text = 0, body.get("query", "")
            if body.get("continuationToken"):
                token = json.loads(base64.b64decode(body["continuationToken"]))
                skip, text = token["_rowNumber"], token["query"]
            asked = int(self.headers.get("max-items-per-page", "2000"))
            self._answer(200, age.query(text, skip, asked))

        def _models(self, skip: int) -> None:
            data = [
                {"id": each["@id"], "uploadTime": TIME, "model": each, "decommissioned": False}
                for each in age.models[skip : skip + 2]
            ]
            more = skip + 2 < len(age.models)
            link = f"{age.url}/models?skip={skip + 2}" if more else None
            self._answer(200, {"value": data, "nextLink": link})

        def _found(self, document: dict[str, Any] | None) -> None:
            if document is None:
                self._answer(404, {"title": "Not Found", "status": 404})
            else:
                self._answer(200, document)

        def _answer(self, status: int, document: Any) -> None:
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
