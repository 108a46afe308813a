"""What `kastor access check` is asked: who, and what."""

from __future__ import annotations

import re
import time
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from kastor.cli.output import Exit, fail

if TYPE_CHECKING:
    from pathlib import Path

    from kastor.api.http.operation import Operation
    from kastor.auth.actors import Principal
    from kastor.auth.roles import Permission

_CLAIMS = {
    "role": "roles",
    "group": "groups",
    "scope": "scopes",
    "app": "apps",
    "subject": "subjects",
    "issuer": "",
}
_PARTS = re.compile(rf",(?=(?:{'|'.join(_CLAIMS)})=)")
_TOKEN = "token:"  # noqa: S105 - what a name begins with
_FORMS = (
    "Write token:NAME, or what a token says, such as role=NAME, group=ID, scope=NAME, app=ID, "
    "subject=ID or issuer=URL, several joined by commas."
)


class AccessQuestion(NamedTuple):
    """What somebody wants to do.

    Attributes:
        permission: that it needs.
        graph: where; None: on some graph at least.
        operation: that it is, where one was named.
    """

    permission: Permission
    graph: str | None
    operation: str | None = None


def principal_of(who: str, tokens: Path) -> Principal:
    """Return whom a command line names; ends the command where it names nobody.

    Args:
        who: `token:NAME`, or claims.
        tokens: the file of static tokens.
    """
    if who.startswith(_TOKEN):
        return _holder(who.removeprefix(_TOKEN), tokens)
    from kastor.auth.actors import CallerKind, Principal

    claims: dict[str, set[str]] = {}
    issuer = ""
    for part in _PARTS.split(who):
        name, equals, value = part.partition("=")
        if not equals or not value or name not in _CLAIMS:
            fail(f"{part!r} names nobody. {_FORMS}", Exit.USAGE)
        if name == "issuer":
            issuer = value
        else:
            claims.setdefault(_CLAIMS[name], set()).add(value)
    kept = {name: frozenset(values) for name, values in claims.items()}
    return Principal(CallerKind.OIDC, who, who, issuer=issuer, claims=kept)


def _holder(name: str, tokens: Path) -> Principal:
    from kastor.auth.tokens import read_principals

    found = [each for each in read_principals(tokens) if each.name == name]
    if not found:
        fail(
            f"There is no token named {name} in {tokens}. `kastor token list` lists them; --data "
            "names another folder.",
            Exit.NOT_FOUND,
        )
    return found[-1]


def has_ended(principal: Principal) -> bool:
    """Whether the token of a caller lets nobody in any more."""
    return principal.expires is not None and principal.expires <= time.time()


def asked_of(what: str, graph: str | None) -> AccessQuestion:
    """Return what a command line asks for; ends the command where it means nothing.

    Args:
        what: a permission, the id of an operation, or a method and a path.
        graph: that a flag names.
    """
    from kastor.auth.roles import Permission
    from kastor.storage.placement import DEFAULT

    method, blank, path = what.strip().partition(" ")
    if blank and path.lstrip().startswith("/"):
        return _of_request(method.upper(), path.strip(), graph)
    if what in set(Permission):
        return AccessQuestion(Permission(what), graph or DEFAULT)
    operations = _operations()
    found = next((each for each in operations if each.id.lower() == what.lower()), None)
    if found is None:
        names = [*Permission, *(each.id for each in operations)]
        near = get_close_matches(what, names, 1)
        hint = f" Do you mean {near[0]}?" if near else ""
        fail(
            f"{what!r} is no permission, no operation and no request.{hint} `kastor access "
            'permissions` lists both; a request is written "GET /digitaltwins/a".',
            Exit.USAGE,
        )
    name = graph or DEFAULT
    return AccessQuestion(found.permission, found.judged_on(name, (name,)), found.id)


def _of_request(method: str, path: str, graph: str | None) -> AccessQuestion:
    from kastor.api.http.addressing import Addressing
    from kastor.api.http.matcher import Matcher
    from kastor.errors import KastorError

    matcher: Matcher[Operation] = Matcher(
        (verb, each.path, each)
        for each in _operations()
        for verb in ((each.method, "HEAD") if each.head else (each.method,))
    )
    raw = path.partition("?")[0].encode()
    try:
        addressed = Addressing().find(raw, {})
        operation, parameters = matcher.find(method, addressed.raw_path)
    except KastorError as error:
        fail(f"{error.message} `kastor access permissions` lists the operations.", Exit.USAGE)
    if graph is not None and addressed.name not in (None, graph):
        fail(f"The path names the graph {addressed.name}, --graph names {graph}.", Exit.USAGE)
    name = graph or addressed.graph
    return AccessQuestion(operation.permission, operation.judged_on(name, parameters), operation.id)


def _operations() -> tuple[Operation, ...]:
    from kastor.api.operations import OPERATIONS

    return OPERATIONS
