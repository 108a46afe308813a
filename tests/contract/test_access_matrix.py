"""Every operation, every role, every way to tell callers: who may do what (rest-api A.3, C.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kastor.api.http.operation import Operation
from kastor.api.operations import OPERATIONS
from kastor.auth import roles

from .access_table import OF_GRAPHS, ROLES, SERVER_WIDE, TABLE
from .guarded import (
    NO_GRAPH,
    OTHER_GRAPH,
    REAL,
    TEAM_GRAPH,
    Caller,
    Guarded,
    guarding,
    idle,
    on_graph,
    real,
    send,
    send_wrong,
    without_names,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

DRY_RUN = {"kastor-dry-run": "true"}
REFUSED = (401, 403)
GUARDED = [each for each in OPERATIONS if "*" not in TABLE.get(each.id, ("", ""))[1]]
STREAMS = frozenset(("Kastor_Events", "Kastor_LiveQuery"))
REFUSED_AS_IT_IS = frozenset(("Kastor_MoveGraph", "Kastor_LoadSample", "Kastor_ApplyProposal"))
"""SQLite moves no graph, the graph is not empty, and a proposal is its caller's alone."""
AS_JOBS = frozenset(
    (
        *("ImportJobs_Add", "ImportJobs_AddInPreview", "Kastor_ImportUpload"),
        *("DeleteJobs_Add", "Kastor_Update", "Kastor_Delete", "Kastor_Revert"),
    )
)
"""Whose dry runs are jobs: what they leave would be a change."""

_of_each = pytest.mark.parametrize("operation", GUARDED, ids=lambda each: each.id)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("guarded")) as made:
        yield made


@pytest.fixture(scope="module")
def before(guarded: Guarded) -> Iterator[tuple[object, ...]]:
    found = guarded.snapshot()
    yield found
    assert guarded.snapshot() == found, "a refused request has changed something"


def test_the_table_has_a_row_for_each_operation_and_role_and_names_the_same_permissions() -> None:
    assert {each.id: str(each.permission) for each in OPERATIONS} == {
        name: row.permission for name, row in TABLE.items()
    }
    assert set(roles.ROLES) == set(ROLES.values())
    assert REAL.keys() <= TABLE.keys()


def test_roles_have_the_permissions_of_their_rows_and_no_others() -> None:
    for letter, name in ROLES.items():
        having = {row.permission for row in TABLE.values() if letter in row.who}
        assert having == set(map(str, roles.ROLES[name])), name


def is_401(response: httpx2.Response) -> bool:
    return (
        response.status_code == 401
        and response.content == b'{"statusCode":401,"message":"Unauthorized"}'
        and response.headers["www-authenticate"] == "Bearer"
        and "x-ms-error-code" not in response.headers
    )


def _assert_refused(response: httpx2.Response, caller: Caller, operation: Operation) -> None:
    """An empty 403 for who has no role at all; else one that names what is lacking."""
    assert response.status_code == 403, (caller.name, response.status_code, response.text)
    if caller.role == "n":
        assert response.content == b""
        assert response.headers["content-length"] == "0"
        return
    error = response.json()["error"]
    assert error["code"] == "Forbidden"
    assert f" allows {TABLE[operation.id].permission} on " in error["message"]


@_of_each
def test_P_01_without_a_valid_token_there_is_nothing_but_401(
    guarded: Guarded, operation: Operation
) -> None:
    for caller in guarded.nobody:
        assert is_401(send(caller.api, real(operation)))
    assert is_401(send_wrong(guarded.nobody[0].api, idle(operation)))
    assert is_401(send(guarded.nobody[0].api, idle(operation), f"/graphs/{NO_GRAPH}"))


@_of_each
def test_P_02_roles_do_what_they_may_and_are_refused_all_else(
    guarded: Guarded, operation: Operation, before: tuple[object, ...]
) -> None:
    who = TABLE[operation.id].who
    for role in ROLES:
        static, signed = guarded.static[role], guarded.signed[role]
        if role in who:
            _assert_let_in(static, operation)
            _assert_let_in(signed, operation)
        else:
            # Whether there is such a thing, and whether the request is a good one, is not told.
            good = send(static.api, real(operation))
            _assert_refused(good, static, operation)
            poor = send_wrong(signed.api, idle(operation, NO_GRAPH))
            assert without_names(poor, NO_GRAPH) == without_names(good, "spare", "second")
    if operation.method != "GET":
        assert guarded.snapshot() == before


def _assert_let_in(caller: Caller, operation: Operation) -> None:
    headers = DRY_RUN if operation.dry_run else {}
    if operation.id in STREAMS or operation.id in AS_JOBS or operation.method == "DELETE":
        answer = send(caller.api, idle(operation), **headers)
    elif operation.dry_run:
        answer = send(caller.api, real(operation), **headers)
        assert answer.is_success or operation.id in REFUSED_AS_IT_IS, answer.text
    else:
        answer = send(caller.api, idle(operation))
    assert answer.status_code not in REFUSED, (caller.name, answer.text)
    assert answer.status_code < 500


@_of_each
@pytest.mark.usefixtures("before")
def test_an_owner_of_some_graphs_is_none_elsewhere_and_learns_nothing_of_other_graphs(
    guarded: Guarded, operation: Operation
) -> None:
    row, case = TABLE[operation.id], real(operation)
    static, signed = guarded.team
    if operation.id in OF_GRAPHS:
        there = send(static.api, on_graph(case, OTHER_GRAPH))
        missing = send(signed.api, on_graph(case, NO_GRAPH))
    else:
        there = send(static.api, case, f"/graphs/{OTHER_GRAPH}")
        missing = send(signed.api, case, f"/graphs/{NO_GRAPH}")
    if row.permission == "known":
        assert (there.status_code, missing.status_code) == (200, 200)  # whom, not where
        return
    assert without_names(there, OTHER_GRAPH) == without_names(missing, NO_GRAPH)
    if operation.id == "Kastor_ListGraphs":
        assert OTHER_GRAPH not in there.text  # its own alone, whichever graph is addressed
        return
    _assert_refused(there, static, operation)
    on_default = send(signed.api, case)
    here = without_names(on_default, "default", "spare", "second")
    assert here == without_names(there, OTHER_GRAPH)


@_of_each
def test_an_owner_of_some_graphs_is_an_owner_there_but_for_what_is_of_the_server(
    guarded: Guarded, operation: Operation
) -> None:
    case = idle(operation, "team-none") if operation.id in OF_GRAPHS else idle(operation)
    for caller in guarded.team:
        headers = DRY_RUN if operation.dry_run else {}
        answer = send(caller.api, case, f"/graphs/{TEAM_GRAPH}", **headers)
        if operation.id in SERVER_WIDE:
            _assert_refused(answer, caller, operation)
        elif operation.id == "Kastor_MoveGraph":
            assert "Places of graphs are given by who has" in answer.json()["error"]["message"]
        else:
            assert answer.status_code not in REFUSED, answer.text
            assert answer.status_code < 500


def test_what_is_open_needs_no_token_and_tells_of_no_graph(guarded: Guarded) -> None:
    nobody = guarded.nobody[0].api
    for each in OPERATIONS:
        if each in GUARDED:
            continue
        there, missing = (
            nobody.get(f"/graphs/{name}{each.path}", version=None)
            for name in (OTHER_GRAPH, NO_GRAPH)
        )
        assert there.status_code == 200
        names = (OTHER_GRAPH, NO_GRAPH)
        assert without_names(there, *names) == without_names(missing, *names)
