"""What `kastor access check` is asked: who, and what."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from kastor.cli.output import Exit, fail

if TYPE_CHECKING:
    from pathlib import Path

    from kastor.api.http.operation import Operation
    from kastor.auth.actors import Principal
    from kastor.auth.roles import Permission


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
    from kastor.auth.callers import TOKEN, holder_of, whoever_says

    if not who.startswith(TOKEN):
        try:
            return whoever_says(who)
        except ValueError as error:
            fail(str(error), Exit.USAGE)
    from kastor.auth.tokens import read_principals

    name = who.removeprefix(TOKEN)
    found = holder_of(name, read_principals(tokens))
    if found is None:
        fail(
            f"There is no token named {name} in {tokens}. `kastor token list` lists them; --data "
            "names another folder.",
            Exit.NOT_FOUND,
        )
    return found


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
