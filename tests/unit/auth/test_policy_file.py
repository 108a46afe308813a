"""Policy files: what they may say, every fault with its place, and how changes are taken."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path

import pytest

from kastor.auth import policy_file
from kastor.auth.actors import CallerKind, Principal
from kastor.auth.policy import DEFAULT_POLICY, OWNER_ROLE, READER_ROLE, Policy
from kastor.auth.policy_file import MOST_BYTES, PolicyFile, PolicyFileError, read_policy
from kastor.auth.roles import OWNER, READER, ROLES, Permission

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "policy.md"
GOOD = """
[roles.operator]
description = "Those who watch the plants."
permissions = ["digitaltwins/read", "query/action", "kastor/history/*"]

[roles.chief]
includes = ["operator", "reader"]
permissions = ["digitaltwins/*"]

[[rules]]
roles = ["operator"]
graphs = ["plant-*"]
to = { groups = ["3f2c", "9d1e"], apps = ["console"] }
issuer = "https://login.example.org"

[[rules]]
roles = ["chief"]
to.tokens = ["night shift"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "policy.toml"
    made.write_text(GOOD)
    return made


def _faults(path: Path, text: str | bytes) -> list[str]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(PolicyFileError) as found:
        read_policy(path)
    assert str(found.value) == "\n".join(found.value.faults)
    assert all(each.startswith(str(path)) for each in found.value.faults)
    return [each.removeprefix(f"{path}, ").removeprefix(f"{path} ") for each in found.value.faults]


def _by(kind: CallerKind = CallerKind.OIDC, issuer: str = "", **claims: str) -> Principal:
    kept = {name: frozenset({value}) for name, value in claims.items()}
    return Principal(kind, "id", "name", issuer=issuer, claims=kept)


def test_rules_give_roles_to_whom_they_name(path: Path) -> None:
    policy = read_policy(path)
    issuer = "https://login.example.org"
    member = policy.actor_of(_by(issuer=issuer, groups="9d1e", apps="console"))
    history = {Permission.HISTORY_READ, Permission.HISTORY_WRITE}
    assert member.on("plant-7") >= {Permission.TWINS_READ, Permission.QUERY, *history}
    assert Permission.TWINS_WRITE not in member.on("plant-7")
    assert Permission.TWINS_READ not in member.on("default")
    for other in (
        _by(issuer=issuer, groups="9d1e"),
        _by(issuer=issuer, groups="other", apps="console"),
        _by(issuer="https://login.example.net", groups="9d1e", apps="console"),
        _by(issuer=issuer, groups="console", apps="9d1e"),
    ):
        assert Permission.TWINS_READ not in policy.actor_of(other).on("plant-7")
    chief = policy.actor_of(_by(CallerKind.STATIC, tokens="night shift"))
    assert READER | {Permission.TWINS_DELETE, Permission.TELEMETRY_SEND} <= chief.everywhere
    assert Permission.MODELS_WRITE not in chief.everywhere


@pytest.mark.parametrize(
    ("value", "granted"),
    [
        (OWNER_ROLE, OWNER),
        (READER_ROLE, READER),
        ("AzureDigitalTwinsDataOwner", OWNER),
        ("AzureDigitalTwinsDataReader", READER),
        ("azure digital twins data owner", ROLES["none"]),
    ],
)
def test_the_roles_of_azure_digital_twins_count_unless_they_are_switched_off(
    path: Path, value: str, granted: frozenset[Permission]
) -> None:
    caller = _by(roles=value)
    assert DEFAULT_POLICY.actor_of(caller).everywhere == granted
    assert read_policy(path).actor_of(caller).everywhere == granted
    path.write_text("adt_roles = false")
    assert read_policy(path).actor_of(caller).everywhere == ROLES["none"]


def test_the_reference_has_an_example_that_holds_and_every_permission(path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    path.write_text(page.split("```toml\n")[1].split("```")[0])
    policy = read_policy(path)
    assert [each.number for each in policy.rules] == [0, 0, 1, 2, 3]
    assert policy.roles["engineer"] > policy.roles["operator"] | ROLES["reader"]
    rows = re.findall(r"^\| `(\S+)` \| .* \| ([a-z, ]*) \|$", page, re.MULTILINE)
    told = {name: set(roles.replace(",", "").split()) for name, roles in rows if "/" in name}
    roles = ("owner", "reader", "sender")
    known = set(Permission) - ROLES["none"]
    assert told == {each: {role for role in roles if each in ROLES[role]} for each in known}


def test_every_fault_is_told_with_its_place_and_what_is_right(path: Path) -> None:
    found = _faults(
        path,
        """adt_role = true
[roles.owner]
permissions = ["*"]
[roles.a]
permissions = ["digitaltwin/read", "known"]
includes = ["b", "reder"]
[roles.b]
includes = ["a"]
[roles.c]
[[rules]]
roles = ["operator"]
[[rules]]
roles = []
graphs = ["Plant", "**"]
to = {}
[[rules]]
roles = ["owner"]
to = { tokens = ["x", 1], group = ["y"] }
isuer = "https://x"
[[rules]]
roles = "owner"
to = { groups = [" y"] }
issuer = "login.example.org"
""",
    )
    starts = {
        "there is no member 'adt_role'; write adt_roles",
        "line 2, role owner: this role is built in",
        "line 4, role a, permissions[1]: no permission is meant by 'digitaltwin/read'. Write digi",
        "line 4, role a, permissions[2]: 'known' is what every caller may",
        "line 4, role a, includes: there is no role 'reder'; write reader",
        "line 9, role c: it gives nothing",
        "line 10, rule 1, to: it is missing",
        "line 10, rule 1, roles: there is no role 'operator'",
        "line 12, rule 2, roles: name one at least",
        "line 12, rule 2, graphs[1]: write the name of a graph",
        "line 12, rule 2, graphs[2]: write the name of a graph",
        "line 12, rule 2, to: name whom it is for",
        "line 16, rule 3, to.tokens[2]: write a text in quotation marks",
        "line 16, rule 3, to: there is no member 'group'; write groups",
        "line 16, rule 3: there is no member 'isuer'; write issuer",
        "line 16, rule 3, to: static tokens have neither",
        "line 20, rule 4, roles: write an array",
        "line 20, rule 4, to.groups[1]: write a text of one line",
        "line 20, rule 4, issuer: write the address of an issuer",
    }
    missing = [each for each in starts if not any(fault.startswith(each) for fault in found)]
    assert not missing, "\n".join(found)
    circles = [each for each in found if "cannot include itself" in each]
    assert len(circles) == 1
    assert len(found) == len(starts) + 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[[rules]\n", "TOML"),
        (b"# \xff", "UTF-8"),
        (b"a = " + b"9" * 5_000, "too long"),
        (b"a = " + b"[" * 100_000, "too deep"),
        (b"[a" + b".a" * 200_000 + b"]", "hundred parts"),
        (b"#" * (MOST_BYTES + 1), "more than 1048576 bytes"),
        (b'rules = [{ roles = ["a"] }]\n"[[rules]]" = 1\n', "rule 1, to: it is missing"),
        (b'[[rules]]\nroles=["reader"]\nto={groups=["a"]}\n' * 1_001, "no more than 1000"),
        (b'[[rules]]\nroles=["x"]\nto={group=["a"]}\n' * 3_000, "there are more faults"),
        (b'[[rules]]\nroles=["reader"]\nto={groups=["' + b"a" * 501 + b'"]}', "500 characters"),
        (b'[[rules]]\nroles=["reader"]\ngraphs=[]\nto={groups=["a"]}', "name one at least"),
        ("".join(f"[roles.r{n}]\nincludes=['owner']\n" for n in range(1_001)).encode(), "1000"),
    ],
)
def test_what_is_no_policy_is_told_soon(path: Path, text: bytes, words: str) -> None:
    started = time.monotonic()
    found = _faults(path, text)
    assert any(words in each for each in found), found
    assert len(found) <= 51
    assert time.monotonic() - started < 10


def test_the_largest_policies_are_read_and_judged_soon(path: Path) -> None:
    rule = '[[rules]]\nroles=["r{}"]\ngraphs=["plant-{}-*"]\nto={{groups=["g"]}}\n'
    role = '[roles.r{}]\nincludes=["r{}"]\n'
    text = '[roles.r0]\npermissions=["query/*"]\n'
    text += "".join(role.format(n, n - 1) for n in range(1, 1_000))
    text += "".join(rule.format(n, n) for n in range(1_000))
    path.write_text(text)
    started = time.monotonic()
    actor = read_policy(path).actor_of(_by(groups="g"))
    assert Permission.QUERY in actor.on("plant-999-a")
    assert Permission.QUERY not in actor.on("plant-1000-a")
    assert time.monotonic() - started < 10


def test_a_file_that_is_none_is_told(path: Path, tmp_path: Path) -> None:
    for each in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(PolicyFileError, match=r"cannot be read|no plain file"):
            read_policy(each)


@pytest.mark.skipif(os.name != "posix", reason="modes and pipes of POSIX")
def test_a_pipe_and_a_file_that_everybody_may_write_are_refused(path: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(PolicyFileError, match="no plain file"):
        read_policy(pipe)
    path.chmod(0o666)
    with pytest.raises(PolicyFileError, match="chmod o-w"):
        read_policy(path)


def _touch(path: Path, text: str) -> None:
    """Another content, written long enough ago to be taken at once."""
    path.write_text(text)
    past = time.time() - 10
    os.utime(path, (past, past))


def test_a_change_is_taken_and_a_wrong_one_changes_nothing(path: Path) -> None:
    told: list[Policy] = []
    file = PolicyFile(path, told.append)
    first = file.policy

    async def run() -> None:
        await file.look()
        assert told == []
        _touch(path, "rules = 3")
        for _ in range(2):  # told each time
            with pytest.raises(PolicyFileError, match="write an array"):
                await file.look()
        assert (file.policy, told) == (first, [])
        assert "write an array" in (file.trouble() or "")
        _remove(path)
        with pytest.raises(PolicyFileError, match="cannot be read"):
            file.refresh()
        assert file.policy is first
        _touch(path, GOOD)
        await file.look()
        assert (file.policy, file.trouble(), told) == (first, None, [])  # it says the same
        _touch(path, "adt_roles = false")
        await file.look()

    asyncio.run(run())
    assert told == [file.policy]
    assert file.policy.rules == ()


def test_half_of_a_file_is_not_taken_by_the_watch_but_when_somebody_asks(path: Path) -> None:
    file = PolicyFile(path, lambda _: None)
    first = file.policy
    path.write_text(GOOD[: GOOD.index("[[rules]]")])  # as by an editor at work
    asyncio.run(file.look())
    assert file.policy is first
    file.refresh()
    assert len(file.policy.rules) == 2


def test_a_file_of_the_same_size_and_time_is_another_one(path: Path) -> None:
    _touch(path, "adt_roles = true ")
    file = PolicyFile(path, lambda _: None)
    times = path.stat().st_mtime_ns
    path.write_text("adt_roles = false")
    os.utime(path, ns=(times, times))
    file.refresh()
    assert file.policy.rules == ()


def test_an_unchanged_file_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(path, GOOD)
    file = PolicyFile(path, lambda _: None)
    _touch(path, "nonsense")
    with pytest.raises(PolicyFileError):
        file.refresh()
    monkeypatch.setattr(policy_file, "_read", None)
    with pytest.raises(PolicyFileError, match="TOML"):
        file.refresh()


def _remove(path: Path) -> None:
    path.unlink()
