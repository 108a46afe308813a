"""Who answers a read that may go to a standby, and whose error is told."""

from __future__ import annotations

from typing import cast

import asyncpg
import pytest

from kastor.errors import QueryTooLarge, Unavailable
from kastor.records import ReadFrom
from kastor.storage.postgres.connections import Connections
from kastor.storage.postgres.faults import gone
from kastor.storage.postgres.replicas import Replicas

pytestmark = pytest.mark.anyio
PRIMARYS_ERROR = Unavailable("the primary does not answer")
NO_TABLE = asyncpg.PostgresError.new({"C": "42P01", "M": "no such table", "S": "ERROR"})


class Pool:
    """A standby: what it answers in turn, and what became of its connections."""

    def __init__(self, *answers: str | Exception | None) -> None:
        self.answers = list(answers)
        self.expired = 0

    def expire(self, _reason: BaseException) -> None:
        self.expired += 1


class Read:
    """Reads through `Replicas`, from standbys and a primary that are scripts."""

    def __init__(self, *pools: Pool, primary: str | Exception) -> None:
        given = cast("list[Connections]", list(pools))
        self._replicas = Replicas(given[0], given)
        self._primary = primary
        self.primary_asked = 0

    async def __call__(self) -> str:
        return await self._replicas.read(ReadFrom.REPLICA, self._ask, self._ask_primary)

    async def _ask(self, pool: Connections) -> str | None:
        answer = cast("Pool", pool).answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _ask_primary(self) -> str:
        self.primary_asked += 1
        if isinstance(self._primary, Exception):
            raise self._primary
        return self._primary


async def test_one_that_fails_is_left_alone_while_the_primary_answers() -> None:
    pool = Pool(OSError("reset"))
    read = Read(pool, primary="primary")
    assert [await read(), await read()] == ["primary", "primary"]
    assert (pool.answers, pool.expired) == ([], 1)


async def test_one_that_failed_answers_where_the_primary_does_not_and_is_read_again() -> None:
    pool = Pool(OSError("reset"), "standby", "standby")
    read = Read(pool, primary=PRIMARYS_ERROR)
    assert [await read(), await read()] == ["standby", "standby"]
    assert read.primary_asked == 1


async def test_where_nobody_answers_the_primarys_error_is_told() -> None:
    one, two = Pool(OSError("one"), OSError("one")), Pool(None)
    with pytest.raises(Unavailable) as caught:
        await Read(one, two, primary=PRIMARYS_ERROR)()
    assert caught.value is PRIMARYS_ERROR
    assert (one.answers, two.answers) == ([], []), "all are asked once more"


async def test_every_standby_is_asked_before_nobody_answers() -> None:
    failing, other = Pool(OSError("one"), OSError("one")), Pool("other")
    assert await Read(failing, other, primary=PRIMARYS_ERROR)() == "other"


async def test_a_graph_that_the_primary_has_no_more_is_read_nowhere_else() -> None:
    pool = Pool(NO_TABLE, "of the past")
    with pytest.raises(Unavailable, match="moved or deleted"):
        await Read(pool, primary=gone())()
    assert pool.answers == ["of the past"]


async def test_one_that_lacks_a_graph_keeps_the_connections_of_others() -> None:
    pool = Pool(NO_TABLE)
    assert await Read(pool, primary="primary")() == "primary"
    assert pool.expired == 0


async def test_what_is_wrong_with_the_read_itself_is_an_answer() -> None:
    pool = Pool(QueryTooLarge("too large"), "standby")
    read = Read(pool, primary="primary")
    with pytest.raises(QueryTooLarge):
        await read()
    assert await read() == "standby"
