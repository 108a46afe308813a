"""What servers say does nothing to a terminal, in whatever line of whatever command."""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kastor import cli as package
from tests.cli.terminal import Cli

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m"
NAMES = (
    *("$dtId", "$etag", "name", "state", "error", "since", "lastMessage", "lastError", "heldBy"),
    *("topic", "reason", "time", "payload", "kind", "url"),
)
FEATURES = ["dry-run", "batch", "inputs", "graphs", "status", "jobs", "routes", "endpoints"]


class _Evil(BaseHTTPRequestHandler):
    """Answers everything with texts that a terminal would obey."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        document = dict.fromkeys(NAMES, f"x{EVIL}")
        document |= {"connected": True, "features": FEATURES}  # type: ignore[dict-item]
        status = 400 if self.path.startswith("/models") else 200
        error = {"code": EVIL, "message": EVIL, "details": [{"message": EVIL, "path": EVIL}]}
        body = json.dumps({**document, "value": [document], "error": error}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_PATCH = _answer  # noqa: N815 - names of the base class

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def evil() -> Iterator[str]:
    """The address of a server that wants to write on the screen."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Evil) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "words",
    [
        ("models", "show", "dtmi:a;1"),
        ("models", "list", "--output", "json"),
        ("twin", "create", "a", "--model", "dtmi:a;1"),
        ("graph", "list"),
        ("input", "status", "i"),
    ],
    ids=" ".join,
)
def test_no_command_hands_on_what_a_terminal_obeys(
    words: tuple[str, ...], evil: str, cli: Cli
) -> None:
    found = cli.shown(*words, KASTOR_URL=evil)
    assert "owned" in found.raw
    for sign in ("\x1b]", "\x1b[2J", "\x9b", "\x07"):
        assert sign not in found.raw


def test_every_line_is_written_by_what_makes_it_harmless() -> None:
    folder = Path(package.__file__).parent
    found = [
        f"{path.relative_to(folder)}:{node.lineno}"
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert [each for each in found if not each.startswith("output.py:")] == []
    assert len(found) == 1, "use kastor.cli.output.say"
