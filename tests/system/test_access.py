"""What a server that asks for tokens says and keeps open.

Roles over every operation are in tests/contract/test_access_matrix.py."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx2
import pytest

from kastor.api.operations import OPERATIONS
from kastor.auth.roles import Permission
from kastor.auth.tokens import create_token

from .program import PART, ROOM, VERSION, room, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .program import Served

ROLE_NAMES = ("owner", "reader", "none")


class Guarded:
    """A server that wants tokens, with one of each role."""

    def __init__(self, served: Served, tokens: dict[str, str]) -> None:
        self.lines = served.lines
        self.tokens = tokens
        self.client = httpx2.Client(base_url=served.url)


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
