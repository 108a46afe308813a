"""Batches as they are read: portions, what is kept of bodies and of errors."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kastor.api.http.request import Request
from kastor.api.own.batch import _allowed
from kastor.auth.actors import Actor, CallerKind, Grant, Principal
from kastor.auth.roles import Permission
from kastor.errors import Forbidden, LimitExceeded, ValidationFailed
from kastor.graph import batch as b
from kastor.graph.commands import DeleteTwin

RULES = b.BatchRules(1_048_576)


def operation(op: str, kind: str = "twin", **more: Any) -> dict[str, Any]:
    return {"op": op, "kind": kind, "id": "a", **more}


def read(*operations: dict[str, Any], most: int = 10_000) -> list[b.BatchOperation]:
    return b.read_batch(msgspec.json.encode({"operations": operations}), most).operations


def test_a_limit_of_operations_ends_the_reading() -> None:
    assert len(read(*[operation("delete")] * 3, most=3)) == 3
    with pytest.raises(LimitExceeded, match="more than 3"):
        read(*[operation("delete")] * 4, most=3)


def test_portions_are_bounded_in_number_and_bytes_and_keep_the_order() -> None:
    small = [operation("put", body={"n": n}) for n in range(2 * b.PORTION + 1)]
    sizes = [len(each) for each in b.portions(read(*small))]
    assert sizes == [b.PORTION, b.PORTION, 1]
    large = [operation("put", body="x" * size) for size in (600_000, 600_000, 2_000_000, 1, 1)]
    found = list(b.portions(read(*large)))
    assert [len(each) for each in found] == [1, 1, 1, 2]
    assert list(b.portions([])) == []


def test_large_bodies_are_not_kept_as_values() -> None:
    sent = read(*[operation("put", body={"text": "x" * 600_000})] * 2, operation("delete"))
    *puts, delete = b.commands_of(sent, RULES)
    assert all(isinstance(each.made, tuple) for each in puts)  # type: ignore[attr-defined]
    assert isinstance(delete.made, DeleteTwin)  # type: ignore[attr-defined]


def test_details_of_errors_are_kept_of_the_first_alone() -> None:
    many = {"$metadata": {}, **{f"$q{n}": 1 for n in range(10)}}
    wrong = b.commands_of(read(*[operation("put", body=many)] * 3), RULES)
    sparing = wrong[0].sparing  # type: ignore[attr-defined]
    sparing._left = 1
    errors: list[ValidationFailed] = []
    for each in wrong:
        with pytest.raises(ValidationFailed) as caught:
            each.decide(_Nothing(), None)  # type: ignore[arg-type]
        errors.append(caught.value)
    assert [len(each.details) for each in errors] == [1, 0, 0]


class _Nothing:
    """A graph without twins and models."""

    twin = relationship = target = None
    catalog = None


@pytest.mark.parametrize(
    ("op", "kind", "needed"),
    [
        ("put", "twin", Permission.TWINS_WRITE),
        ("patch", "twin", Permission.TWINS_WRITE),
        ("delete", "twin", Permission.TWINS_DELETE),
        ("put", "relationship", Permission.RELATIONSHIPS_WRITE),
        ("patch", "relationship", Permission.RELATIONSHIPS_WRITE),
        ("delete", "relationship", Permission.RELATIONSHIPS_DELETE),
    ],
)
def test_each_operation_needs_what_its_own_call_needs(
    op: str, kind: str, needed: Permission
) -> None:
    source = {} if kind == "twin" else {"source": "s"}
    sent = read(operation(op, kind, body=[] if op == "patch" else {}, **source))
    commands = b.commands_of(sent, RULES)
    everything = frozenset(Permission)
    assert _allowed(commands, sent, _request(everything)) == commands
    [refused] = _allowed(commands, sent, _request(everything - {needed}))
    assert isinstance(refused, b.RefusedWrite)
    assert isinstance(refused.error, Forbidden)
    assert str(needed) in refused.error.message


def _request(permissions: frozenset[Permission]) -> Request:
    nothing: Any = None
    request = Request({}, {}, nothing, (), nothing)
    ann = Principal(CallerKind.STATIC, "token:ann", "ann")
    request.let_in(Actor(ann, [Grant("some", permissions)]), "default")
    return request
