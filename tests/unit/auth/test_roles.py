"""The roles and what they may do."""

from __future__ import annotations

from kastor.api.operations import OPERATIONS
from kastor.auth.actors import ANONYMOUS
from kastor.auth.roles import ROLES, Permission


def test_an_owner_may_do_everything() -> None:
    assert ROLES["owner"] == frozenset(Permission)
    assert ANONYMOUS.on("any") == ROLES["owner"]


def test_a_reader_may_read_and_query_and_nothing_that_writes() -> None:
    for permission in Permission:
        reads = permission.value.endswith("/read") or permission in (
            Permission.QUERY,
            Permission.OPEN,
            Permission.KNOWN,
        )
        assert (permission in ROLES["reader"]) <= reads, permission
    contract = {each.permission for each in OPERATIONS if each.versioned}
    reading = {each for each in contract if each.value.endswith("/read")}
    assert reading | {Permission.QUERY} <= ROLES["reader"]


def test_without_a_role_only_what_is_open_is_left() -> None:
    assert ROLES["none"] == {Permission.OPEN, Permission.KNOWN}


def test_every_permission_is_needed_by_an_operation() -> None:
    assert {each.permission for each in OPERATIONS} == set(Permission)
