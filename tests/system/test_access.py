"""Tokens and roles over every operation of the table, and addresses that others can reach."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx2
import pytest

from kastor.api.http.operation import Operation
from kastor.api.operations import OPERATIONS
from kastor.auth.roles import ROLES, Permission
from kastor.auth.tokens import create_token

from .program import PART, ROOM, VERSION, room, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .program import Served

GUARDED = [each for each in OPERATIONS if each.permission is not Permission.OPEN]
ROLE_NAMES = ("owner", "reader", "none")


class Guarded:
    """A server that wants tokens, with one of each role."""

    def __init__(self, served: Served, tokens: dict[str, str]) -> None:
        self.lines = served.lines
        self.tokens = tokens
        self.client = httpx2.Client(base_url=served.url)

    def send(self, operation: Operation, token: str | None) -> httpx2.Response:
        """A request of the operation that can get no further than to something missing."""
        path = operation.path.format(
            id="dtmi:none;1" if "/models" in operation.path else "none",
            relationshipId="none",
            componentPath="none",
            name="none",
            path="none",
        )
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        query = f"?{VERSION}" if operation.versioned else ""
        if operation.streams:
            query = "?format=ndjson"  # a stream would have no end
        with self.client.stream(operation.method, path + query, headers=headers) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                answer.read()  # a stream has no end
            return answer

    def snapshot(self) -> tuple[object, ...]:
        headers = {"Authorization": f"Bearer {self.tokens['owner']}"}
        status = self.client.get("/kastor/v1/status", headers=headers).json()
        twin = self.client.get(f"/digitaltwins/a?{VERSION}", headers=headers)
        return twin.json(), status["counts"], status["modelEpoch"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    data = tmp_path_factory.mktemp("guarded")
    tokens = {role: create_token(data / "tokens", role, role) for role in ROLE_NAMES}
    with serving(data, "--auth", "tokens") as served:
        made = Guarded(served, tokens)
        owner = {"Authorization": f"Bearer {tokens['owner']}"}
        with made.client as client:
            models = client.post(f"/models?{VERSION}", json=[ROOM, PART], headers=owner)
            assert models.status_code == 201
            twin = client.put(f"/digitaltwins/a?{VERSION}", json=room(), headers=owner)
            assert twin.status_code == 200
            yield made


def _is_401(response: httpx2.Response) -> bool:
    return (
        response.status_code == 401
        and response.json() == {"statusCode": 401, "message": "Unauthorized"}
        and response.headers["www-authenticate"] == "Bearer"
        and "x-ms-error-code" not in response.headers
    )


def _is_403(response: httpx2.Response) -> bool:
    empty = response.content == b"" and response.headers["content-length"] == "0"
    return response.status_code == 403 and empty


def _is_refused_by_name(response: httpx2.Response, permission: Permission) -> bool:
    error = response.json()["error"]
    named = error["code"] == "Forbidden" and f" allows {permission} on " in error["message"]
    return response.status_code == 403 and named


@pytest.mark.parametrize("operation", GUARDED, ids=lambda each: each.id)
class TestEveryOperation:
    def test_P_01_without_a_known_token_it_is_unauthorized(
        self, guarded: Guarded, operation: Operation
    ) -> None:
        for token in (None, "wrong", guarded.tokens["owner"][:-1]):
            assert _is_401(guarded.send(operation, token))

    def test_P_02_without_a_role_it_is_forbidden(
        self, guarded: Guarded, operation: Operation
    ) -> None:
        answer = guarded.send(operation, guarded.tokens["none"])
        assert _is_403(answer) == (operation.permission is not Permission.KNOWN)

    def test_a_reader_gets_through_where_the_role_reads(
        self, guarded: Guarded, operation: Operation
    ) -> None:
        before = guarded.snapshot()
        answer = guarded.send(operation, guarded.tokens["reader"])
        if operation.permission in ROLES["reader"]:
            assert answer.status_code in (200, 400, 404)
        else:
            assert _is_refused_by_name(answer, operation.permission)
        assert guarded.snapshot() == before

    def test_an_owner_gets_through_everywhere(self, guarded: Guarded, operation: Operation) -> None:
        answer = guarded.send(operation, guarded.tokens["owner"])
        assert answer.status_code not in (401, 403)
        assert answer.status_code < 500


def test_the_first_lines_say_where_the_tokens_are_and_use_one(guarded: Guarded) -> None:
    text = "\n".join(guarded.lines)
    assert re.search(r"access +with a token of \S+/tokens$", text, re.MULTILINE)
    assert text.count('-H "Authorization: Bearer $TOKEN"') == 2


def test_what_is_open_needs_no_token(guarded: Guarded) -> None:
    open_ones = [each.path for each in OPERATIONS if each.permission is Permission.OPEN]
    assert {"/healthz", "/readyz"} <= set(open_ones)
    for path in [*open_ones, "/openapi.json", "/docs"]:
        assert guarded.client.get(path).status_code == 200


def test_who_has_no_token_learns_nothing_about_paths(guarded: Guarded) -> None:
    for path in ("/nothing", "/models/", "/digitaltwins", "/digitaltwins/%FF"):
        assert _is_401(guarded.client.get(path))


def test_a_server_without_tokens_yet_says_how_to_make_one(tmp_path: Path) -> None:
    data = tmp_path / "a folder"
    with serving(data, "--auth", "tokens") as served:
        (command,) = (line for line in served.lines if "kastor token create" in line)
        made = subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            capture_output=True,
            text=True,
            check=True,
        )
        headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
        assert httpx2.get(f"{served.url}/models?{VERSION}", headers=headers).status_code == 200
    with serving(data, "--auth", "tokens") as served:
        assert not any("token create" in line for line in served.lines)
