"""Who is let in, which roles and rules there are, and what they let somebody do (Kastor's own)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.access_book import judgement_shown
from kastor.auth.callers import TOKEN, has_ended, holder_of, whoever_says
from kastor.auth.judgement import judge, words_of
from kastor.auth.roles import KNOWN_CALLERS, ROLES, SERVER_WIDE, Permission
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument, NotFound
from kastor.hosting.names import is_name
from kastor.storage.placement import DEFAULT

if TYPE_CHECKING:
    from kastor.auth.access_book import AccessBook
    from kastor.auth.actors import Principal
    from kastor.hosting.services import Services

MOST_CHARACTERS = 16_384
"""Of what names a caller: as many as a token may have."""
_NO_STORE = (b"cache-control", b"no-store")


async def access(_services: Services, request: Request) -> Response:
    """Answer GET /kastor/v1/access: nothing of it is a secret, tokens are told by names alone."""
    book = request.server.access
    policy = book.policy()
    answer = {
        "auth": list(book.ways),
        "policy": book.file,
        "roles": [
            {
                "role": name,
                "builtIn": name in ROLES,
                "permissions": sorted(permissions - KNOWN_CALLERS),
            }
            for name, permissions in policy.roles.items()
        ],
        "rules": [
            {
                "rule": each.number or None,
                "roles": list(each.roles),
                "to": {claim: sorted(values) for claim, values in each.to.items()},
                "graphs": list(each.graphs),
                "issuer": each.issuer,
            }
            for each in policy.rules
        ],
        "tokens": [
            {
                "name": each.name,
                "roles": [{"role": role, "graphs": list(graphs)} for role, graphs in each.roles],
                "ended": has_ended(each),
            }
            for each in book.holders()
        ],
        "permissions": [
            {"permission": each, "serverWide": each in SERVER_WIDE}
            for each in sorted(set(Permission) - KNOWN_CALLERS)
        ],
    }
    return json_response(orjson.dumps(answer), _NO_STORE)


async def check_access(_services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/access/check: whether somebody may do something, and why."""
    body = await request.document(request.server.limits.body_bytes)
    who, permission, graph = body.get("who"), body.get("permission"), body.get("graph", DEFAULT)
    if not isinstance(who, str) or not 0 < len(who) <= MOST_CHARACTERS:
        raise InvalidArgument(
            f"who is a text of up to {MOST_CHARACTERS} characters: token:NAME, or what a token "
            "says, such as group=ID."
        ).at(path="/who")
    if not isinstance(permission, str) or permission not in set(Permission):
        raise InvalidArgument("permission is one of those that GET /kastor/v1/access lists.").at(
            path="/permission"
        )
    if not isinstance(graph, str) or not is_name(graph):
        raise InvalidArgument(
            "graph is the name of a graph: 1 to 63 lower-case letters, digits and hyphens."
        ).at(path="/graph")
    book = request.server.access
    principal = _principal(who, book)
    found = judge(book.policy(), principal, Permission(permission), graph)
    allowed, told = found.allowed, words_of(found, book.policy_name)
    unknown = book.why_unknown(principal)
    if unknown is not None and found.permission is not P.OPEN:
        allowed, told = False, f"refused: {unknown}"
    if not book.ways:
        allowed, told = True, "allowed: this server asks nobody who it is."
    answer = {"allowed": allowed, **judgement_shown(found), "message": told}
    return json_response(orjson.dumps(answer), _NO_STORE)


def _principal(who: str, book: AccessBook) -> Principal:
    if not who.startswith(TOKEN):
        try:
            return whoever_says(who)
        except ValueError as error:
            raise InvalidArgument(str(error)).at(path="/who") from None
    name = who.removeprefix(TOKEN)
    found = holder_of(name, book.holders())
    if found is None:
        raise NotFound(f"There is no static token named {name[:80]}.", code="TokenNotFound")
    return found


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Access",
        "GET",
        "/kastor/v1/access",
        P.ACCESS_READ,
        access,
        "Who is let in; roles, rules and permissions",
        result="Access",
        versioned=False,
    ),
    Operation(
        "Kastor_CheckAccess",
        "POST",
        "/kastor/v1/access/check",
        P.ACCESS_READ,
        check_access,
        "Tell whether somebody may do something, by which rule, or what would allow it",
        errors={400: ("InvalidArgument",), 404: ("TokenNotFound",)},
        result="AccessJudgement",
        body=(JSON_BODY, "AccessQuestion"),
        versioned=False,
        dry_run=True,
    ),
)
