"""The file of hashed tokens."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import resource
import stat
import sys
import time
from typing import TYPE_CHECKING

import pytest

from kastor.auth import watch
from kastor.auth.access import Access
from kastor.auth.policy import DEFAULT_POLICY
from kastor.auth.roles import ROLES, Permission
from kastor.auth.tokens import (
    PREFIX,
    TokenFileError,
    TokenStore,
    create_token,
    list_tokens,
    revoke_token,
)
from tests.logged import logged

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "tokens"


def held(path: Path) -> list[tuple[str, str]]:
    """Names and roles."""
    return [(each.name, each.role) for each in list_tokens(path)]


def test_a_token_is_long_random_and_only_its_hash_is_kept(path: Path) -> None:
    made = [create_token(path, "owner", f"name {number}") for number in range(3)]
    assert len(set(made)) == 3
    assert all(each.startswith(PREFIX) and len(each) > 40 for each in made)
    text = path.read_text()
    for token in made:
        assert token not in text
        assert token.removeprefix(PREFIX) not in text
        assert hashlib.sha256(token.encode()).hexdigest() in text


def test_nobody_else_may_read_the_file(path: Path) -> None:
    create_token(path, "owner", "me")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_token_gives_its_name_and_role(path: Path, role: str) -> None:
    token = create_token(path, role, "Ada B. (ward 3)")
    principal = TokenStore(path).principal(token)
    assert principal is not None
    assert (principal.id, principal.name) == ("token:Ada B. (ward 3)", "Ada B. (ward 3)")
    actor = DEFAULT_POLICY.actor_of(principal)
    assert actor.everywhere == actor.on("plant") == ROLES[role]


@pytest.mark.parametrize("token", ["", "kst_", "nonsense", "é", "\udcff".encode("utf-8", "replace").decode()])  # fmt: skip
def test_another_token_gives_nobody(path: Path, token: str) -> None:
    create_token(path, "owner", "me")
    assert TokenStore(path).principal(token) is None


def test_a_hash_is_no_token(path: Path) -> None:
    create_token(path, "owner", "me")
    digest = list_tokens(path)[0].sha256
    assert TokenStore(path).principal(digest) is None
    assert TokenStore(path).principal(f"{PREFIX}{digest}") is None


def test_a_token_that_is_made_while_the_server_runs_is_known_at_once(path: Path) -> None:
    store = TokenStore(path)
    token = create_token(path, "reader", "late")
    actor = store.principal(token)
    assert actor is not None
    assert actor.name == "late"


def test_a_revoked_token_is_gone_once_the_file_is_read_again(path: Path) -> None:
    kept, gone = create_token(path, "owner", "kept"), create_token(path, "owner", "gone")
    store = TokenStore(path)
    assert store.principal(gone) is not None
    assert revoke_token(path, "gone")
    store.refresh()
    assert store.principal(gone) is None
    assert store.principal(kept) is not None
    assert not revoke_token(path, "gone")


def test_a_file_that_vanishes_takes_all_access_with_it(path: Path) -> None:
    token = create_token(path, "owner", "me")
    store = TokenStore(path)
    assert store.principal(token) is not None
    path.unlink()
    store.refresh()
    assert store.principal(token) is None


def test_a_file_that_is_broken_while_the_server_runs_lets_in_whom_it_knew(path: Path) -> None:
    token = create_token(path, "owner", "me")
    store = TokenStore(path)
    path.write_text("nonsense\n")
    os.utime(path, (1, 1))
    assert store.principal("unknown") is None
    assert store.principal(token) is not None
    with pytest.raises(TokenFileError):
        store.refresh()


@pytest.mark.parametrize(
    "name",
    ["", " a", "a ", "a\nb", "a\rb", "a\x0bb", "a\x85b", "a\u2028b", "a\u2028", "\n"],
)
def test_a_name_is_one_line_of_text(path: Path, name: str) -> None:
    create_token(path, "owner", "first")
    with pytest.raises(TokenFileError, match="one line"):
        create_token(path, "owner", name)
    assert held(path) == [("first", "owner")]


def test_a_name_is_taken_once(path: Path) -> None:
    create_token(path, "owner", "me")
    with pytest.raises(TokenFileError, match="choose another --name"):
        create_token(path, "reader", "me")


def test_a_role_is_one_of_those_there_are(path: Path) -> None:
    with pytest.raises(TokenFileError, match="none, owner, reader"):
        create_token(path, "admin", "me")
    assert not path.exists()


def test_comments_and_empty_lines_are_kept_and_ignored(path: Path) -> None:
    create_token(path, "owner", "me")
    path.write_text(f"# who may do what\n\n{path.read_text()}")
    assert held(path) == [("me", "owner")]
    create_token(path, "none", "you")
    revoke_token(path, "me")
    assert path.read_text().startswith("# who may do what\n")
    assert held(path) == [("you", "none")]


@pytest.mark.parametrize(
    "line", ["nonsense", "abc owner me", "{} admin me", "{} owner", "{} owner "]
)
def test_a_line_that_is_none_is_told_with_its_number(path: Path, line: str) -> None:
    create_token(path, "owner", "me")
    with path.open("a") as file:
        file.write(line.format("0" * 64) + "\n")
    with pytest.raises(TokenFileError, match="line 2"):
        TokenStore(path)


def test_without_a_file_there_are_no_tokens(path: Path) -> None:
    assert list_tokens(path) == []
    assert not revoke_token(path, "me")
    assert TokenStore(path).principal("kst_x") is None


def test_a_file_that_is_no_text_lets_in_whom_it_knew_and_nobody_else(path: Path) -> None:
    token = create_token(path, "owner", "me")
    store = TokenStore(path)
    path.write_bytes(path.read_bytes() + b"# caf\xe9\n")
    assert store.principal("unknown") is None
    assert store.principal(token) is not None
    for read in (store.refresh, lambda: list_tokens(path), lambda: revoke_token(path, "me")):
        with pytest.raises(TokenFileError, match="UTF-8"):
            read()


def test_whoever_reads_while_a_token_is_revoked_finds_a_whole_file(path: Path) -> None:
    for name in ("stays", "goes"):
        create_token(path, "owner", name)
    path.chmod(0o640)
    with path.open(encoding="utf-8") as before:
        assert revoke_token(path, "goes")
        assert [json.loads(line)["name"] for line in before] == ["stays", "goes"]
    assert held(path) == [("stays", "owner")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_a_token_file_that_is_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    create_token(path, "owner", "goes")
    link = tmp_path / "link"
    link.symlink_to(path)
    assert revoke_token(link, "goes")
    assert link.is_symlink()
    assert list_tokens(path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="sets limits of Linux")
def test_a_full_disk_leaves_no_half_line(path: Path) -> None:
    token = create_token(path, "owner", "me")
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
    try:
        with pytest.raises(TokenFileError, match="cannot be written"):
            create_token(path, "owner", "other")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert TokenStore(path).principal(token) is not None


def test_a_file_that_cannot_be_looked_at_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_token(path, "owner", "me")
    store = TokenStore(path)

    def failing(_path: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(type(path), "stat", failing)
    assert store.principal("kst_unknown") is None
    with pytest.raises(TokenFileError, match="Input/output error"):
        store.refresh()


def _write(path: Path, text: bytes) -> None:
    path.write_bytes(text)


def _rewrite(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


async def _lost(access: Access, token: str, *permissions: Permission) -> asyncio.Task[None]:
    task = asyncio.create_task(access.until_lost(token, permissions, "default"))
    await asyncio.sleep(0)
    return task


async def _goes_on(task: asyncio.Task[None]) -> bool:
    await asyncio.sleep(0.01)
    return not task.done()


def test_access_ends_with_the_token_or_its_role(path: Path) -> None:
    async def run() -> None:
        made = {name: create_token(path, "reader", name) for name in ("gone", "less", "kept")}
        access = Access()
        store = TokenStore(path, access.forget)
        access.add(store)
        tasks = {n: await _lost(access, t, Permission.EVENTS_READ) for n, t in made.items()}
        create_token(path, "owner", "new")
        store.refresh()
        assert [await _goes_on(each) for each in tasks.values()] == [True] * 3
        revoke_token(path, "gone")
        store.refresh()
        assert [await _goes_on(each) for each in tasks.values()] == [False, True, True]
        _rewrite(path, '"reader","name":"less"', '"sender","name":"less"')
        store.refresh()
        assert [await _goes_on(each) for each in tasks.values()] == [False, False, True]
        _rewrite(path, '"name":"kept"', '"nonsense":"kept"')
        with pytest.raises(TokenFileError):
            store.refresh()
        assert await _goes_on(tasks["kept"])
        await asyncio.to_thread(path.unlink)
        store.refresh()
        assert not await _goes_on(tasks["kept"])
        late = await _lost(access, made["kept"], Permission.EVENTS_READ)
        assert not await _goes_on(late)

    asyncio.run(run())


def test_access_ends_with_any_permission_that_is_needed(path: Path) -> None:
    async def run() -> None:
        token = create_token(path, "owner", "a")
        access = Access()
        store = TokenStore(path, access.forget)
        access.add(store)
        task = await _lost(access, token, Permission.QUERY, Permission.TWINS_WRITE)
        assert await _goes_on(task)
        _rewrite(path, '"role":"owner"', '"role":"reader"')
        store.refresh()
        await asyncio.wait_for(task, 1)

    asyncio.run(run())


def test_a_clock_that_is_set_forward_ends_streams(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kastor.auth.access.LONGEST_WAIT_SECONDS", 0.005)
    now = time.time()

    async def run() -> None:
        nonlocal now
        token = create_token(path, "reader", "a", expires=now + 3_600)
        asked = Access(clock=lambda: now)
        asked.add(TokenStore(path, clock=lambda: now))
        task = await _lost(asked, token, Permission.EVENTS_READ)
        assert await _goes_on(task)
        now += 3_601
        await asyncio.wait_for(task, 1)

    asyncio.run(run())


def test_a_file_of_the_same_size_and_time_is_another_one(path: Path) -> None:
    old, new = create_token(path, "owner", "one"), create_token(path, "owner", "two")
    first, second = path.read_text().splitlines(keepends=True)
    path.write_text(first)
    times = path.stat().st_mtime_ns
    store = TokenStore(path)
    assert (store.principal(old) is None, store.principal(new) is None) == (False, True)
    path.write_text(second)
    os.utime(path, ns=(times, times))
    store.refresh()
    assert (store.principal(old) is None, store.principal(new) is None) == (True, False)


def test_a_file_that_cannot_be_read_for_a_while_is_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = create_token(path, "owner", "me")
    store = TokenStore(path)
    with monkeypatch.context() as patch:
        patch.setattr(type(path), "stat", _denied)
        with pytest.raises(TokenFileError, match="cannot be read"):
            store.refresh()
        assert store.principal("other") is None
    assert store.principal(token) is not None
    late = create_token(path, "owner", "late")
    with monkeypatch.context() as patch:
        patch.setattr(type(path), "open", _denied)
        with pytest.raises(TokenFileError, match="cannot be read"):
            store.refresh()
    store.refresh()
    assert store.principal(late) is not None


def _denied(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_the_watch_never_ends_and_tells_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.001)
    create_token(path, "owner", "me")
    store = TokenStore(path)
    good = path.read_bytes()

    async def run() -> None:
        async def look() -> None:
            store.refresh()

        file = watch.WatchedFile("the token file", "as before", look)
        task = asyncio.create_task(watch.watch_files([file]))
        for text in (b"nonsense", good, b"\xff", good):
            _write(path, text)
            await asyncio.sleep(0.05)
        with monkeypatch.context() as patch:
            patch.setattr(store, "refresh", _denied)
            await asyncio.sleep(0.02)
        assert not task.done()
        task.cancel()

    with logged() as logs:
        asyncio.run(run())
    assert [each["log_level"] for each in logs][:4] == ["error", "info", "error", "info"]
    assert len(logs) <= 6
