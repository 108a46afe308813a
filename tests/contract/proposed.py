"""Proposals for tests of all operations, whose ids and tokens nobody knows before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Api

PATH = "/kastor/v1/proposals"
ID, TOKEN, SPARE = "PROPOSAL", "PROPOSAL-TOKEN", "PROPOSAL-SPARE"
"""What stands in requests for an open proposal, its token, and another open one."""
_known: dict[str, str] = {}


def propose(api: Api, *operations: dict[str, Any], reason: str = "a test") -> dict[str, Any]:
    """Propose writes, and return the answer."""
    body = {"operations": operations, "reason": reason}
    answer = api.post(PATH, body, version=None)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def furnish(api: Api, model: str) -> None:
    """Make the proposals that `filled` names."""
    body = {"$metadata": {"$model": model}, "door": {"$metadata": {}}}
    for names in ((ID, TOKEN), (SPARE, f"{SPARE}-TOKEN")):
        operation = {"op": "put", "kind": "twin", "id": f"of {names[0]}", "body": body}
        made = propose(api, operation)
        _known.update(zip(names, (made["id"], made["token"]), strict=True))


def filled(path: str, body: Any) -> tuple[str, Any]:
    """Return a request's path and body with the proposals that there are."""
    for name in (SPARE, ID):
        path = path.replace(f"/proposals/{name}", f"/proposals/{_known.get(name, name)}")
    if isinstance(body, dict) and body.get("token") == TOKEN:
        body = json.loads(json.dumps(body).replace(TOKEN, _known.get(TOKEN, TOKEN)))
    return path, body
