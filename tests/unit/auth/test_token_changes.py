"""What `kastor token` does to the file: ends, graphs, rotation, and several commands at once."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from kastor.auth.tokens import (
    TokenFileError,
    TokenStore,
    create_token,
    file,
    list_tokens,
    read_principals,
    revoke_token,
    rotate_token,
)
from kastor.auth.tokens.lines import LONGEST_NAME, MOST_LINES, hash_of
from kastor.private import lock_folder

if TYPE_CHECKING:
    from pathlib import Path

HOUR, DAY = 3_600.0, 86_400.0
START = 1_800_000_000.0


class Clock:
    """A time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "tokens"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lets_in(path: Path, token: str, clock: Clock) -> bool:
    return TokenStore(path, clock=clock).principal(token) is not None


def ends(path: Path, clock: Clock) -> list[float | None]:
    listed = list_tokens(path, clock=clock)
    return [None if each.expires is None else each.expires.timestamp() for each in listed]


class TestEnds:
    def test_a_token_is_as_one_that_never_was_once_it_ends(self, path: Path, clock: Clock) -> None:
        token = create_token(path, "owner", "a", expires=START + HOUR, clock=clock)
        store = TokenStore(path, clock=clock)
        principal = store.principal(token)
        assert principal is not None
        assert principal.expires == START + HOUR
        clock.now += HOUR - 0.001
        assert store.principal(token) is not None
        clock.now += 0.001
        assert store.principal(token) is None
        assert [each.name for each in list_tokens(path, clock=clock)] == ["a"]
        assert [each.expires for each in read_principals(path)] == [START + HOUR]

    @pytest.mark.parametrize(
        ("expires", "words"),
        [(START, "over already"), (START - 1, "over already"), (START + 3_661 * DAY, "3,660 days")],
    )
    def test_an_end_is_in_reach(self, path: Path, clock: Clock, expires: float, words: str) -> None:
        with pytest.raises(TokenFileError, match=words):
            create_token(path, "owner", "a", expires=expires, clock=clock)
        create_token(path, "owner", "a", clock=clock)
        before = path.read_bytes()
        with pytest.raises(TokenFileError, match=words):
            rotate_token(path, "a", grace=0, expires=expires, clock=clock)
        assert path.read_bytes() == before


class TestGraphs:
    def test_a_token_is_for_its_graphs(self, path: Path) -> None:
        token = create_token(path, "reader", "a", graphs=("team-*", "plant"))
        principal = TokenStore(path).principal(token)
        assert principal is not None
        assert principal.roles == (("reader", ("team-*", "plant")),)
        assert principal.claims == {"tokens": frozenset({"a"})}

    @pytest.mark.parametrize("graphs", [(), ("",), ("Team",), ("a b",), ("a/b",), ("[ab]",), ("a**",), ("a" * 64,), ("a",) * 101])  # fmt: skip
    def test_names_of_graphs_are_such(self, path: Path, graphs: tuple[str, ...]) -> None:
        with pytest.raises(TokenFileError, match=r"names of graphs|names no graph"):
            create_token(path, "reader", "a", graphs=graphs)
        assert not path.exists()


class TestRoles:
    def test_a_role_of_the_policy_may_be_given(self, path: Path) -> None:
        create_token(path, "night shift", "a", roles={"night shift", "owner"})
        assert list_tokens(path)[0].role == "night shift"
        with pytest.raises(TokenFileError, match="night shift, owner"):
            create_token(path, "day", "b", roles={"night shift", "owner"})


class TestRotation:
    def test_both_work_until_the_grace_ends(self, path: Path, clock: Clock) -> None:
        old = create_token(path, "reader", "a", graphs=("x",), clock=clock)
        clock.now += DAY
        made = rotate_token(path, "a", grace=HOUR, clock=clock)
        assert made is not None
        assert (made.kept.expires, made.old_ends) == (None, START + DAY + HOUR)
        assert lets_in(path, old, clock)
        assert lets_in(path, made.secret, clock)
        held = {(each.id, each.name, each.roles) for each in read_principals(path)}
        assert held == {("token:a", "a", (("reader", ("x",)),))}
        clock.now += HOUR
        assert not lets_in(path, old, clock)
        assert lets_in(path, made.secret, clock)

    def test_what_the_grace_ended_is_left_out_when_the_file_is_next_written(
        self, path: Path, clock: Clock
    ) -> None:
        create_token(path, "reader", "a", clock=clock)
        rotate_token(path, "a", grace=HOUR, clock=clock)
        clock.now += HOUR - 1
        create_token(path, "reader", "b", clock=clock)
        assert len(path.read_text().splitlines()) == 3
        clock.now += 1
        assert [each.name for each in list_tokens(path, clock=clock)] == ["a", "b"]
        create_token(path, "reader", "c", clock=clock)
        assert len(path.read_text().splitlines()) == 3

    def test_without_a_grace_the_old_one_ends_at_once(self, path: Path, clock: Clock) -> None:
        old = create_token(path, "reader", "a", clock=clock)
        made = rotate_token(path, "a", grace=0, clock=clock)
        assert made is not None
        assert made.old_ends is None
        assert not lets_in(path, old, clock)
        assert len(path.read_text().splitlines()) == 1

    def test_a_shorter_grace_counts_for_all_secrets_before(self, path: Path, clock: Clock) -> None:
        first = create_token(path, "reader", "a", clock=clock)
        second = rotate_token(path, "a", grace=DAY, clock=clock)
        assert second is not None
        assert ends(path, clock) == [START + DAY, None]
        rotate_token(path, "a", grace=HOUR, clock=clock)
        assert ends(path, clock) == [START + HOUR, START + HOUR, None]
        made = rotate_token(path, "a", grace=0, clock=clock)
        assert made is not None
        assert made.old_ends is None
        assert not lets_in(path, first, clock)
        assert not lets_in(path, second.secret, clock)
        assert lets_in(path, made.secret, clock)

    def test_the_new_one_lasts_as_long_as_the_old_one_did(self, path: Path, clock: Clock) -> None:
        create_token(path, "reader", "a", expires=START + 30 * DAY, clock=clock)
        clock.now += 29.5 * DAY
        made = rotate_token(path, "a", grace=DAY, clock=clock)
        assert made is not None
        assert made.kept.expires == datetime.fromtimestamp(clock.now + 30 * DAY, UTC)
        # The grace gives no token more time than it had.
        assert ends(path, clock) == [START + 30 * DAY, clock.now + 30 * DAY]
        again = rotate_token(path, "a", grace=DAY, expires=None, clock=clock)
        assert again is not None
        assert again.kept.expires is None
        assert ends(path, clock) == [START + 30 * DAY, clock.now + DAY, None]

    def test_an_expired_one_is_not_revived_by_a_grace(self, path: Path, clock: Clock) -> None:
        old = create_token(path, "reader", "a", expires=START + HOUR, clock=clock)
        clock.now += 2 * HOUR
        made = rotate_token(path, "a", grace=DAY, clock=clock)
        assert made is not None
        assert made.old_ends is None
        assert not lets_in(path, old, clock)
        assert lets_in(path, made.secret, clock)

    def test_the_end_of_one_without_a_beginning_has_to_be_said(
        self, path: Path, clock: Clock
    ) -> None:
        path.parent.mkdir()
        end = datetime.fromtimestamp(START + DAY, UTC).isoformat().replace("+00:00", "Z")
        path.write_text(f'{{"sha256":"{"0" * 64}","role":"owner","name":"a","expires":"{end}"}}\n')
        with pytest.raises(TokenFileError, match="--expires"):
            rotate_token(path, "a", grace=0, clock=clock)
        assert rotate_token(path, "a", grace=0, expires=START + HOUR, clock=clock) is not None

    def test_one_of_an_earlier_version_is_rotated(self, path: Path, clock: Clock) -> None:
        path.parent.mkdir()
        path.write_text(f"# mine\n{hash_of('kst_old')} sender gate way\n{hash_of('b')} owner b\n")
        made = rotate_token(path, "gate way", grace=HOUR, clock=clock)
        assert made is not None
        assert lets_in(path, "kst_old", clock)
        assert lets_in(path, made.secret, clock)
        lines = path.read_text().splitlines()
        assert (lines[0], lines[2]) == ("# mine", f"{hash_of('b')} owner b")
        clock.now += HOUR
        assert not lets_in(path, "kst_old", clock)

    @pytest.mark.parametrize("name", ["a" * (LONGEST_NAME + 1), "a\tb"])
    def test_a_name_that_is_legal_no_more_is_told_and_can_be_revoked(
        self, path: Path, name: str
    ) -> None:
        path.parent.mkdir()
        path.write_text(f"{hash_of('a')} owner {name}\n")
        with pytest.raises(TokenFileError, match="make another token and revoke"):
            rotate_token(path, name, grace=0)
        with pytest.raises(TokenFileError, match="printable"):
            create_token(path, "owner", name)
        assert [each.name for each in list_tokens(path)] == [name]
        assert revoke_token(path, name)

    def test_revoking_a_name_takes_all_of_it(self, path: Path, clock: Clock) -> None:
        old = create_token(path, "reader", "a", clock=clock)
        create_token(path, "reader", "b", clock=clock)
        made = rotate_token(path, "a", grace=DAY, clock=clock)
        assert made is not None
        assert revoke_token(path, "a", clock=clock)
        assert not lets_in(path, old, clock)
        assert not lets_in(path, made.secret, clock)
        assert [each.name for each in list_tokens(path, clock=clock)] == ["b"]

    def test_what_is_not_there_cannot_be_rotated(self, path: Path, clock: Clock) -> None:
        assert rotate_token(path, "a", grace=0, clock=clock) is None
        assert not path.exists()

    @pytest.mark.parametrize("grace", [-1, 91 * DAY])
    def test_a_grace_has_bounds(self, path: Path, clock: Clock, grace: float) -> None:
        create_token(path, "reader", "a", clock=clock)
        with pytest.raises(TokenFileError, match="0 to 90 days"):
            rotate_token(path, "a", grace=grace, clock=clock)


def test_a_full_file_takes_no_more(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("#\n" * (MOST_LINES - 1))
    create_token(path, "owner", "a")
    before = path.read_bytes()
    with pytest.raises(TokenFileError, match="10,000 lines"):
        create_token(path, "owner", "b")
    assert path.read_bytes() == before
    assert revoke_token(path, "a")


WRITER = """
import sys
from pathlib import Path
from kastor.auth.tokens import create_token, revoke_token, rotate_token
path, me, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    create_token(path, "reader", f"{me} {number}")
    create_token(path, "reader")
    create_token(path, "reader", f"{me} goes")
    rotate_token(path, f"{me} {number}", grace=3600)
    revoke_token(path, f"{me} goes")
"""


def test_several_commands_at_once_lose_no_token(path: Path) -> None:
    create_token(path, "owner", "first")
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"w{number}", "8"])
        for number in range(3)
    ]
    store, looks, faults = TokenStore(path), 0, []
    while any(each.poll() is None for each in writers):
        try:
            store.refresh()
        except TokenFileError as error:
            faults.append(str(error))
        looks += 1
        threading.Event().wait(0.002)
    assert [each.returncode for each in writers] == [0, 0, 0]
    assert (faults, looks > 10) == ([], True)
    listed = [each.name for each in list_tokens(path)]
    wanted = ["first", *(f"reader-{number + 1}" for number in range(24))]
    wanted += [f"w{writer} {number}" for writer in range(3) for number in range(8)] * 2
    assert sorted(listed) == sorted(wanted)
    assert [each.name for each in path.parent.iterdir()] == ["tokens"]


def test_a_lock_that_is_never_let_go_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_token(path, "owner", "a")
    monkeypatch.setattr(file, "LOCK_SECONDS", 0.05)
    lock = lock_folder(path.parent)
    assert lock is not None
    with pytest.raises(TokenFileError, match="Another command is changing"):
        create_token(path, "owner", "b")
    lock.release()
    create_token(path, "owner", "b")
    assert [each.name for each in list_tokens(path)] == ["a", "b"]


def test_a_change_that_breaks_off_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_token(path, "owner", "a")
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", fail)
    for change in (
        lambda: create_token(path, "owner", "b"),
        lambda: rotate_token(path, "a", grace=0),
        lambda: revoke_token(path, "a"),
    ):
        with pytest.raises(TokenFileError, match="Input/output error"):
            change()
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_wrong_is_not_read_for_every_guess(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = create_token(path, "owner", "a")
    good = path.read_bytes()
    store = TokenStore(path)
    path.write_bytes(good + b"nonsense\n")
    reads = 0
    real = file.read_file

    def count(where: Path) -> object:
        nonlocal reads
        reads += 1
        return real(where)

    monkeypatch.setattr("kastor.auth.tokens.store.read_file", count)
    for number in range(5):
        assert store.principal(f"kst_{number}") is None
        with pytest.raises(TokenFileError, match="line 2"):
            store.refresh()
    assert reads == 1
    assert store.principal(token) is not None
    path.write_bytes(good)
    store.refresh()
    assert reads == 2


def test_a_listed_token_says_when_it_was_made(path: Path, clock: Clock) -> None:
    create_token(path, "owner", "a", expires=START + DAY, clock=clock)
    made = datetime.fromtimestamp(START, UTC)
    (found,) = list_tokens(path, clock=clock)
    assert (found.created, found.rotated) == (made, None)
