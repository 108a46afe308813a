"""Which requests are acts, and whose address a line has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from kastor.api.http.auditing import ADMINISTRATIVE, ORDINARY, Auditing
from kastor.api.http.client_address import client_address
from kastor.api.http.entrance import Entrance
from kastor.api.http.mount import Mount
from kastor.api.http.operation import Operation
from kastor.api.operations import OPERATIONS
from kastor.audit.floods import OF_A_CALLER, Floods
from kastor.auth.roles import Permission

HARMLESS_WRITES = {
    *("DigitalTwins_Add", "DigitalTwins_Update", "DigitalTwins_Delete"),
    *("DigitalTwins_UpdateComponent", "DigitalTwins_SendTelemetry"),
    *("DigitalTwins_SendComponentTelemetry", "DigitalTwins_SendTelemetryOfComponent"),
    *("DigitalTwins_AddRelationship", "DigitalTwins_UpdateRelationship"),
    *("DigitalTwins_DeleteRelationship", "DigitalTwins_PutMany"),
    *("DigitalTwins_PutManyRelationships", "Kastor_Batch", "Kastor_SendMessages"),
    # The audit log has lines of its own for them.
    *("Kastor_Propose", "Kastor_ApproveProposal", "Kastor_ApplyProposal", "Kastor_RejectProposal"),
    *("Query_QueryTwins", "Kastor_LiveQuery", "Kastor_QuerySeries"),
    *("DigitalTwinModels_Search", "Kastor_CheckAccess", "Kastor_TryMessage"),
    *("DigitalTwins_Search", "Kastor_PutVector", "Kastor_DeleteVector"),
}
"""By other methods than GET: what history keeps with its author, and questions."""
READ_BY_ADMINISTRATORS = {"Kastor_Export", "Kastor_Backup"}


def test_every_permission_is_in_one_of_the_sets() -> None:
    assert not ADMINISTRATIVE & ORDINARY
    assert set(Permission) == ADMINISTRATIVE | ORDINARY


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)
def test_every_operation_is_an_act_or_none(operation: Operation) -> None:
    expected = (
        operation.id in READ_BY_ADMINISTRATORS
        if operation.method == "GET"
        else operation.id not in HARMLESS_WRITES
    )
    assert (operation.permission in ADMINISTRATIVE) == expected


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),  # anybody may say so
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),  # the client wrote the first
        ("10.0.0.1", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "2001:DB8:0::1", "2001:db8::1"),
        ("10.0.0.1", "evil\n, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1," + "10.0.0.2," * 10_000 + "10.0.0.2", "10.0.0.2"),
    ],
)
def test_the_address_is_never_guessed(peer: str, said: str, client: str) -> None:
    headers = {b"x-forwarded-for": said.encode()} if said else {}
    scope = {"client": (peer, 1)}
    assert client_address(scope, headers, {"10.0.0.1", "10.0.0.2"}) == client
    assert client_address(scope, headers, ()) == peer


def test_a_connection_without_an_address_has_none() -> None:
    assert client_address({}, {}, {"10.0.0.1"}) == ""


def test_a_machine_of_many_addresses_has_the_lines_of_one_caller() -> None:
    lines: list[str] = []
    log: Any = SimpleNamespace(
        floods=Floods(lambda: 0.0), note=lambda _event, **values: lines.append(values["client"])
    )
    auditing = Auditing(log, Entrance(), (), tuple)
    mount = Mount("Docs", b"/docs", AsyncMock)
    for number in range(100):
        scope = {"client": (f"2001:db8::{number:x}", 1), "method": "GET", "path": "/docs"}
        auditing.refused_at(scope, {}, mount, (401, None))
    assert len(lines) == OF_A_CALLER[1]
    assert lines[1] == "2001:db8::1"
