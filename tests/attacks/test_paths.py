"""Paths that mean to lead somewhere else: past the tokens, out of a graph, into the disk."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kastor.testing import KastorServer

from .raw import talk

HEAD = b"GET %b HTTP/1.1\r\nHost: localhost\r\n%bConnection: close\r\n\r\n"
PUBLIC = ("/healthz", "/docs/pages/start/install")
"""Where nobody has to be known, to begin a way with."""
WAYS = (
    *("/../models", "/..;/models", "/%2e%2e/models", "/%2E%2E%2Fmodels", "/..%2fmodels"),
    *("/..%5cmodels", "/..\\models", "/./../models", "/%2e/models", "/.//models"),
)
TO_MODELS = (
    *("//models", "///models", "/./models", "/%2fmodels", "/models/", "/models;x", "/models%00"),
    *("/models%20", "/models%09", "/models#", "/models?", "/MODELS", "/%6dodels", "/models%2f"),
    *("/models/.", "/models/..", "/models//", "/models%252f", "/graphs/default/../../models"),
    *("/graphs/default/models", "/graphs/default//models", "/graphs/%64efault/models"),
    *("http://localhost/models", "http://localhost//models", "http://healthz/../models"),
    *(f"{place}{way}" for place in PUBLIC for way in WAYS),
)
FILES = ("etc/passwd", "tokens", "graphs/default.sqlite3", "src/kastor/__init__.py")
STEPS = (
    *("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "....//", "..%252f", "..;/"),
    *("%c0%ae%c0%ae/", "..%c0%af", "..%00/"),
)
ROOTS = (
    *("/docs/pages/", "/docs/pages/pictures/", "/explorer/", "/explorer/assets/", "/docs/"),
    *("/kastor/v1/explorer/files/", "/kastor/v1/explorer/views/", "/graphs/", "/"),
)
SECRETS = re.compile(rb"root:x?:0:0|sha256:|SQLite format 3|__version__", re.IGNORECASE)


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer(("--auth", "tokens")) as started:
        yield started


def status(answer: bytes) -> int:
    match = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert match is not None, answer[:200]
    return int(match[1])


def ask(server: KastorServer, path: str, token: str = "") -> bytes:
    version = "" if "?" in path or "#" in path else "?api-version=2023-10-31"
    named = f"Authorization: Bearer {token}\r\n" if token else ""
    return talk(server, HEAD % (f"{path}{version}".encode("latin-1"), named.encode()))


def test_no_spelling_of_a_path_gets_past_the_tokens(server: KastorServer) -> None:
    known = ask(server, "/models", server.token("owner"))
    assert status(known) == 200
    assert status(ask(server, "/models")) == 401
    for path in TO_MODELS:
        answer = ask(server, path)
        assert status(answer) in (400, 401, 403, 404, 405), (path, answer[:200])
        assert b'"value"' not in answer, path


def test_no_spelling_of_a_path_has_more_rights_than_another(server: KastorServer) -> None:
    token = server.token("none")
    for path in TO_MODELS:
        answer = ask(server, path, token)
        assert status(answer) in (400, 403, 404, 405), (path, answer[:200])


@pytest.mark.parametrize("root", ROOTS)
def test_no_path_leads_to_a_file_of_the_disk(server: KastorServer, root: str) -> None:
    token = server.token("owner")
    (Path(server.data_dir) / "tokens").stat()
    for step in STEPS:
        for file in FILES:
            answer = ask(server, f"{root}{step * 8}{file}", token)
            found = (root, step, file, answer[:300])
            assert status(answer) < 500, found
            assert SECRETS.search(answer.partition(b"\r\n\r\n")[2]) is None, found


def test_a_path_that_is_a_file_already_is_none(server: KastorServer) -> None:
    token = server.token("owner")
    for path in ("/etc/passwd", "//etc/passwd", "file:///etc/passwd", f"{server.data_dir}/tokens"):
        answer = ask(server, path, token)
        assert status(answer) in (400, 404), answer[:200]
        assert set(json.loads(answer.partition(b"\r\n\r\n")[2])) == {"error"}
