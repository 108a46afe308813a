"""`kastor token`: what is typed, what is printed, and what is refused."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kastor.auth.tokens import StaticToken, list_tokens
from kastor.auth.tokens.lines import hash_of, line_of
from kastor.cli.token_times import ago, until
from tests.system.program import invoked

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

DAY = 86_400
START = datetime(2026, 11, 30, tzinfo=UTC)


class Folder:
    """A data folder without a server."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *words: object, **variables: str) -> CompletedProcess[str]:
        return invoked("token", *words, "--data", self.path, **variables)

    def did(self, *words: object, **variables: str) -> str:
        done = self.run(*words, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *words: object, status: int = 1) -> str:
        done = self.run(*words)
        assert (done.returncode, done.stdout) == (status, ""), done
        assert done.stderr.startswith("kastor: ")
        return done.stderr

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.did("list", "--output", "json"))
        return found

    def seconds_left(self) -> float:
        (found,) = list_tokens(self.path / "tokens")
        assert found.expires is not None
        return found.expires.timestamp() - time.time()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("90d", 90 * DAY), ("12h", DAY / 2), ("30m", 1_800), ("45s", 45), (" 1d ", DAY)],
)
def test_an_end_is_so_long_from_now(folder: Folder, typed: str, seconds: float) -> None:
    folder.did("create", "--expires", typed)
    assert folder.seconds_left() == pytest.approx(seconds, abs=20)


@pytest.mark.parametrize(
    ("form", "after"),
    [
        ("{:%Y-%m-%d}", timedelta()),
        ("{:%Y-%m-%dT%H:%M:%SZ}", timedelta(hours=12)),
        ("{:%Y-%m-%d %H:%Mz}", timedelta(hours=12)),
        ("{:%Y-%m-%dT%H:%M:%S+02:00}", timedelta(hours=10)),
        ("{:%Y-%m-%dT%H:%M+0200}", timedelta(hours=10)),
    ],
)
def test_an_end_is_a_day_or_a_time(folder: Folder, form: str, after: timedelta) -> None:
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=9)
    folder.did("create", "--expires", form.format(day + timedelta(hours=12)))
    (found,) = list_tokens(folder.path / "tokens")
    assert found.expires == day + after


@pytest.mark.parametrize(
    ("typed", "words", "status"),
    [
        ("soon", "such as 90d", 2),
        ("90", "such as 90d", 2),
        ("-1d", "such as 90d", 2),
        ("9d" * 1_000, "such as 90d", 2),
        ("2027-02-30", "no such time", 2),
        ("2027-01-31T12:00:00", "no zone", 2),
        ("0s", "over already", 1),
        ("2020-01-01", "over already", 1),
        ("3661d", "3,660 days", 1),
        ("999999999d", "3,660 days", 1),
    ],
)
def test_an_end_that_is_none_changes_nothing(
    folder: Folder, typed: str, words: str, status: int
) -> None:
    for command in (("create",), ("rotate", "a")):
        folder.did("create", "--name", "a")
        before = (folder.path / "tokens").read_bytes()
        said = folder.refused(*command, "--expires", typed, status=status)
        assert words in said
        assert len(said) < 400
        assert (folder.path / "tokens").read_bytes() == before
        folder.did("revoke", "a")


def test_json_of_a_list_is_the_documented_one(folder: Folder) -> None:
    folder.did("create", "--role", "reader", "--name", "a", "--graph", "x", "--graph", "y-*")
    folder.did("create", "--expires", "10d")
    folder.did("rotate", "owner-1", "--expires", "never")
    first, old, new = folder.listed()
    assert list(first) == ["name", "role", "graphs", "created", "expires", "rotated", "expired"]
    assert datetime.fromisoformat(first["created"]) <= datetime.now(UTC)
    del first["created"]
    assert first == {
        "name": "a",
        "role": "reader",
        "graphs": ["x", "y-*"],
        "expires": None,
        "rotated": None,
        "expired": False,
    }
    assert (old["name"], old["graphs"], old["expired"]) == ("owner-1", ["*"], False)
    assert datetime.fromisoformat(old["expires"]) - datetime.fromisoformat(
        old["rotated"]
    ) == timedelta(hours=1)
    assert (new["name"], new["expires"], new["rotated"]) == ("owner-1", None, None)


def test_a_list_says_what_has_expired_and_what_is_unknown(folder: Folder) -> None:
    folder.path.mkdir()
    tokens = [
        StaticToken(hash_of("a"), "shift", "over", ("x",), START, START),
        StaticToken(hash_of("b"), "owner", "rotated and over", rotated=START, expires=START),
    ]
    lines = [*(line_of(each).text for each in tokens), f"{hash_of('c')} reader of old"]
    (folder.path / "tokens").write_text("\n".join(lines))
    _head, *rows = folder.did("list").splitlines()
    assert [row.split() for row in rows] == [
        ["over", "shift", "x", *ago(START, time.time()).split(), "expired"],
        ["of", "old", "reader", "all", "unknown", "never"],
    ]
    assert [each["expired"] for each in folder.listed()] == [True, False]


def test_the_age_and_the_end_are_in_words() -> None:
    now = START.timestamp()
    for seconds, words in ((90 * DAY - 1, "90 days"), (DAY, "1 day"), (5_400, "2 hours")):
        assert until(START + timedelta(seconds=seconds), now) == f"in {words}"
        assert ago(START - timedelta(seconds=seconds), now) == f"{words} ago"
    assert (until(START, now), until(None, now), ago(None, now)) == ("expired", "never", "unknown")


class TestPolicy:
    TEXT = '[roles.night-shift]\npermissions = ["models/read"]\n'

    def test_its_roles_may_be_given(self, folder: Folder, tmp_path: Path) -> None:
        policy, config = tmp_path / "policy.toml", tmp_path / "kastor.toml"
        policy.write_text(self.TEXT)
        config.write_text(f'policy = "{policy}"\n')
        role = ("--role", "night-shift")
        said = folder.refused("create", *role, status=2)
        assert "choose one of none, owner, reader, sender, or name a --policy" in said
        folder.did("create", *role, "--policy", policy)
        folder.did("create", *role, "--config", config)
        folder.did("create", *role, KASTOR_POLICY=str(policy))
        assert {each["role"] for each in folder.listed()} == {"night-shift"}
        assert "not in the policy" not in folder.did("list", "--policy", policy)
        policy.write_text("")
        assert folder.did("list", "--policy", policy).count("night-shift (not in the policy)") == 3

    def test_one_that_is_none_is_told(self, folder: Folder, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text("[rolls]")
        assert "rolls" in folder.refused("create", "--policy", policy)
        assert not folder.path.exists()
        config = tmp_path / "kastor.toml"
        config.write_text("policy = 7\n")
        assert "policy is no path" in folder.refused("create", "--config", config, status=2)


@pytest.mark.parametrize("grace", ["1", "-1h", "1w", "day", "91d"])
def test_a_grace_is_a_time(folder: Folder, grace: str) -> None:
    folder.did("create", "--name", "a")
    status = 1 if grace == "91d" else 2
    assert "grace" in folder.refused("rotate", "a", "--grace", grace, status=status)


def test_a_rotation_prints_the_token_alone_and_says_the_rest_beside(folder: Folder) -> None:
    folder.did("create", "--name", "a")
    done = folder.run("rotate", "a", "--grace", "0")
    assert done.stdout.startswith("kst_")
    assert done.stdout.count("\n") == 1
    assert done.stderr == "The old token of a has ended; the new one never ends.\n"


@pytest.mark.parametrize("command", ["revoke", "rotate"])
def test_a_name_that_is_not_there_is_told(folder: Folder, command: str) -> None:
    said = folder.refused(command, "nobody")
    assert "There is no token named nobody; `kastor token list` shows" in said
    assert not folder.path.exists()


def test_a_name_of_any_text_is_listed_without_harm(folder: Folder) -> None:
    for name in ("expires=never graphs=a", '{"role": "owner"}', "# no comment", "ward 3, é"):
        folder.did("create", "--role", "reader", "--name", name)
        assert folder.listed()[-1]["name"] == name
        folder.did("rotate", name)
        folder.did("revoke", name)
    assert folder.listed() == []
    for name in ("a\x1b[31m", "a" * 201, " a", ""):
        assert "printable" in folder.refused("create", "--name", name)
