"""A small embedder of tests: a real HTTP server that hashes words, and misbehaves if it is told."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from kastor.types import override

if TYPE_CHECKING:
    from types import TracebackType

DIMS = 16
KEY = "very-secret-key"


def vector_of(text: str) -> list[float]:
    """A vector that texts with words in common have in common."""
    found = [0.0] * DIMS
    for word in text.lower().split():
        found[hashlib.blake2b(word.encode(), digest_size=1).digest()[0] % DIMS] += 1.0
    return found


class TestEmbedder:
    """Serves until the end of its block.

    Attributes:
        asked: texts, in order.
        wrong: what it does instead of answering; see `_WRONG`.
        refuses: a word; texts with it are refused.
    """

    __test__ = False

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.largest = 0
        self.keys: set[str | None] = set()
        self.wrong = ""
        self.refuses = "\0"
        self.ended = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            @override
            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                outer.answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = json.loads(request.rfile.read(int(request.headers["content-length"])))
        self.keys.add(request.headers["authorization"])
        texts = body["input"]
        if self.wrong == "hangs":
            self.ended.wait(20)
            return
        if request.path != "/v1/embeddings" or body["model"] != "hashing":
            request.send_error(404)
            return
        if self.wrong.isdigit():
            request.send_error(int(self.wrong))
            return
        if any(self.refuses in text for text in texts):
            request.send_error(400)
            return
        sent = self.wrong_body(texts) if self.wrong else self.body(texts)
        if not self.wrong:
            self.asked += texts
            self.largest = max(self.largest, len(texts))
        request.send_response(200)
        request.send_header("content-length", str(len(sent)))
        request.end_headers()
        request.wfile.write(sent)

    def body(self, texts: list[str]) -> bytes:
        found = [{"index": n, "embedding": vector_of(text)} for n, text in enumerate(texts)]
        return json.dumps({"object": "list", "data": found[::-1]}).encode()

    def wrong_body(self, texts: list[str]) -> bytes:
        vectors = [vector_of(text) for text in texts]
        rows = [{"index": n, "embedding": vector} for n, vector in enumerate(vectors)]
        match self.wrong:
            case "dims":
                rows[0]["embedding"] = [1.0]
            case "nan":
                return b'{"data":[{"index":0,"embedding":[NaN]}]}'
            case "infinite":
                rows[0]["embedding"] = [1e300] * DIMS
            case "short":
                rows.pop()
            case "twice":
                rows.append(rows[0])
            case "huge":
                return json.dumps({"data": rows, "more": " " * 4_000_000}).encode()
            case "text":
                return b"<html>"
        return json.dumps({"data": rows}).encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
