"""What the log says of tokens that end soon, and of roles that there are not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from kastor.auth.roles import ROLES
from kastor.auth.tokens import TokenStore, create_token, notices, revoke_token, rotate_token
from kastor.auth.tokens.notices import TokenNotices
from tests.logged import logged

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0


class Noticed:
    """A file of tokens, a clock, and what was said."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1_800_000_000.0
        self.roles: dict[str, Any] = dict(ROLES)
        self.store = TokenStore(path, clock=self.clock)
        self._notices = TokenNotices(self.store, lambda: self.roles, self.clock)

    def clock(self) -> float:
        return self.now

    def create(self, name: str, days: float | None, role: str = "reader") -> None:
        end = None if days is None else self.now + days * DAY
        create_token(self.path, role, name, expires=end, roles={role}, clock=self.clock)

    def said(self) -> list[dict[str, Any]]:
        self.store.refresh()
        with logged() as logs:
            self._notices.look()
        assert all(each["log_level"] == "warning" for each in logs)
        return logs


@pytest.fixture
def noticed(tmp_path: Path) -> Noticed:
    return Noticed(tmp_path / "tokens")


def test_tokens_that_end_within_a_week_are_named_once_a_day(noticed: Noticed) -> None:
    noticed.create("week", 7)
    noticed.create("soon", 1)
    noticed.create("later", 8)
    noticed.create("ever", None)
    (said,) = noticed.said()
    assert list(said["ends"]) == ["soon", "week"]
    assert said["ends"]["soon"].startswith("2027-01-16T08:00:00")
    assert noticed.said() == []
    noticed.now += DAY - 1
    assert noticed.said() == []
    noticed.now += 1  # the first is over, and the third has come near
    (said,) = noticed.said()
    assert list(said["ends"]) == ["week", "later"]
    noticed.create("new", 2)
    (said,) = noticed.said()
    assert "new" in said["ends"]
    assert noticed.said() == []


def test_the_watch_looks_at_once_and_again(
    noticed: Noticed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "LOOK_SECONDS", 0.001)
    noticed.create("a", 1)

    async def watch() -> None:
        task = asyncio.create_task(
            TokenNotices(noticed.store, lambda: ROLES, noticed.clock).watch()
        )
        await asyncio.sleep(0)
        assert len(logs) == 1
        noticed.now += DAY - 1
        noticed.create("b", 2)
        noticed.store.refresh()
        async with asyncio.timeout(5):
            while len(logs) < 2:  # noqa: ASYNC110 - a list has no event
                await asyncio.sleep(0.001)
        task.cancel()

    noticed.store.refresh()
    with logged() as logs:
        asyncio.run(watch())
    assert [list(each["ends"]) for each in logs] == [["a"], ["a", "b"]]


def test_the_end_of_a_rotated_token_is_no_news(noticed: Noticed) -> None:
    noticed.create("a", 30)
    rotate_token(noticed.path, "a", grace=DAY, clock=noticed.clock)
    assert noticed.said() == []


def test_many_are_counted_and_the_first_named(noticed: Noticed) -> None:
    for number in range(30):
        noticed.create(f"t{number}", 1 + number / 10)
    (said,) = noticed.said()
    assert said["count"] == 30
    assert list(said["ends"]) == [f"t{number}" for number in range(20)]


def test_a_role_that_the_policy_does_not_know_is_told_when_that_changes(noticed: Noticed) -> None:
    noticed.create("a", None, "shift")
    noticed.create("b", None)
    (said,) = noticed.said()
    assert said["roles"] == {"a": "shift"}
    assert noticed.said() == []
    noticed.roles["shift"] = ROLES["reader"]
    assert noticed.said() == []
    del noticed.roles["shift"]
    assert len(noticed.said()) == 1
    revoke_token(noticed.path, "a")
    assert noticed.said() == []
