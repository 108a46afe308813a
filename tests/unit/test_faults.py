"""What a database without room means for whoever writes."""

from __future__ import annotations

import asyncpg
import pytest

from kastor.api.http.problem import answer
from kastor.storage.postgres.faults import Fault, fault_of, unavailable


def fault(state: str, message: str = "no room") -> asyncpg.PostgresError:
    error: asyncpg.PostgresError = asyncpg.PostgresError.new({"C": state, "M": message})
    return error


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("53100", "could not extend file: No space left on device"),
        ("53200", "out of memory"),
        ("58030", "could not write block 3: Input/output error"),
        ("XX000", 'could not extend file "base/1/2": File too large'),
        ("XX000", "could not write to file: Disk quota exceeded"),
    ],
)
def test_a_database_without_room_is_unavailable_for_a_moment(state: str, message: str) -> None:
    error = fault(state, message)
    assert fault_of(error) is Fault.FULL
    response = answer(unavailable(error))
    assert response.status == 503
    assert dict(response.headers)[b"retry-after"] != b"0"


@pytest.mark.parametrize("message", ["unexpected chunk number", "cache lookup failed"])
def test_a_fault_inside_the_database_stays_one(message: str) -> None:
    assert fault_of(fault("XX000", message)) is Fault.OTHER
