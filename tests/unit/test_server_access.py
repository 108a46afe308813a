"""What a server is told to read again: the token file and the policy, at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kastor.auth.roles import Permission
from kastor.auth.tokens import create_token, revoke_token
from kastor.config import load_settings
from kastor.server.access import make_access
from kastor.storage.sqlite.folder import DataFolder
from tests.logged import logged

if TYPE_CHECKING:
    from pathlib import Path

RULE = '[[rules]]\nroles = ["reader"]\nto = { tokens = ["ada"] }\n'


def test_reload_takes_what_is_right_and_returns_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(RULE)
    tokens = tmp_path / "tokens"
    ada, ben = (create_token(tokens, "none", name) for name in ("ada", "ben"))
    flags = {"data": tmp_path, "auth": ("tokens",), "policy": path}
    access = make_access(load_settings(flags), DataFolder(tmp_path))
    assert access is not None
    authenticate = access.authenticator.authenticate

    def may(token: str) -> bool:
        actor = asyncio.run(authenticate(token))
        return actor is not None and Permission.QUERY in actor.on("default")

    assert (may(ada), may(ben), access.reload()) == (True, False, [])
    path.write_text(RULE.replace("ada", "ben"))
    with logged() as logs:
        assert access.reload() == []
    assert [each["event"] for each in logs] == ["another policy counts from now on"]
    assert (may(ada), may(ben)) == (False, True)
    path.write_text("[[rules]]\nroles = ['x']\n")
    revoke_token(tokens, "ada")
    with tokens.open("a") as file:
        file.write("nonsense\n")
    faults = access.reload()
    assert len(faults) == 3, faults
    assert "tokens, line 2" in faults[0]
    assert {"it is missing" in faults[1], "no role 'x'" in faults[2]} == {True}
    assert may(ben)
    path.write_text("")
    tokens.unlink()
    assert access.reload() == []
    assert access.authenticator.seen(ben) is None
    assert asyncio.run(authenticate(ben)) is None
