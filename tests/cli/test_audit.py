"""`kastor audit`, and the lines that `kastor token` adds."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from kastor.audit.file import MOST_BYTES, MOST_FILES, AuditFile, aside
from kastor.audit.lines import line_of
from kastor.cli.auditing import note_token
from tests.system.program import environment, invoked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit" / "audit.ndjson"


def _add(log: Path, event: str, minutes_ago: float = 0.0, /, **values: object) -> None:
    file = AuditFile(log, most_bytes=300)
    assert file.append(line_of(event, values, time.time() - 60 * minutes_ago)).fault is None
    file.close()


def _rows(text: str) -> list[list[str]]:
    """The cells of a table's lines, without the heading and the times."""
    lines = text.splitlines()[1:]
    return [[cell for cell in line.split("  ") if cell.strip()][1:] for line in lines]


def test_commands_leave_it_to_the_server_to_set_files_aside(tmp_path: Path, path: Path) -> None:
    """Which knows how long they may be, and how many are kept."""
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(MOST_BYTES)
    kept = aside(path, MOST_FILES)
    kept.write_text("kept\n")
    aside(path, MOST_FILES - 1).write_text("too\n")
    note_token(tmp_path, None, "created", "ci")
    assert kept.read_text() == "kept\n"
    assert not aside(path, 1).exists()
    with path.open("rb") as file:
        file.seek(MOST_BYTES)
        assert b'"token":"ci"' in file.read()


def test_tokens_are_told_with_who_made_them(tmp_path: Path, path: Path) -> None:
    token = invoked("token", "create", "--data", tmp_path, "--role", "reader", "--name", "ci")
    assert invoked("token", "rotate", "ci", "--data", tmp_path).returncode == 0
    assert invoked("token", "revoke", "ci", "--data", tmp_path).returncode == 0
    assert invoked("token", "revoke", "ci", "--data", tmp_path).returncode != 0
    unnamed = invoked("token", "create", "--data", tmp_path, "--graph", "a*", "--expires", "30d")
    made, rotated, revoked, last = [json.loads(line) for line in path.read_text().splitlines()]
    assert made["actor"].startswith("cli:")
    assert (made["event"], made["action"], made["token"], made["role"]) == (
        *("tokens", "created", "ci", "reader"),
    )
    assert [(each["action"], each["token"]) for each in (rotated, revoked)] == [
        ("rotated", "ci"),
        ("revoked", "ci"),
    ]
    assert (last["token"], last["graphs"]) == ("owner-1", ["a*"])
    assert last["expires"].endswith("Z")
    assert unnamed.stdout.strip() not in path.read_text()
    assert token.stdout.strip() not in path.read_text()
    done = invoked("audit", "--data", tmp_path)
    assert [row[1].strip() for row in _rows(done.stdout)] == [
        *("token ci reader", "token ci reader", "token ci", "token owner-1 owner"),
    ]


def test_a_token_is_made_also_where_the_log_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "audit").touch()
    done = invoked("token", "create", "--data", tmp_path)
    assert (done.returncode, done.stdout[:4]) == (0, "kst_")
    assert "The audit log" in done.stderr
    assert "The token was created." in done.stderr


def test_lines_are_told_in_words_the_older_files_first(tmp_path: Path, path: Path) -> None:
    _add(path, "started", 50, version="1", address="http://here")
    _add(
        path,
        "refused",
        40,
        status=403,
        name="ro",
        operation="Op",
        method="GET",
        path="/x\x1b[2J",
        permission="models/read",
    )
    _add(path, "refused", 30, status=401, client="192.0.2.1", method="GET", path="/y")
    _add(path, "suppressed", 20, status=401, count=7)
    _add(path, "act", 10, status=204, name="boss", operation="Op", method="DELETE", path="/z")
    _add(path, "reloaded", 7, changed=["cors_origin", "rate_limit"])
    _add(path, "policy", 5, outcome="invalid", path="/p.toml", reason="line 1")
    assert aside(path, 1).exists()
    done = invoked("audit", "--data", tmp_path)
    assert [[cell.strip() for cell in row] for row in _rows(done.stdout)] == [
        ["server 1 http://here", "started"],
        ["ro", "Op GET /x\\u001b[2J", "refused 403 models/read"],
        ["192.0.2.1", "GET /y", "refused 401"],
        ["more requests", "7 with status 401"],
        ["boss", "Op DELETE /z", "done 204"],
        ["settings cors_origin rate_limit", "reloaded"],
        ["policy /p.toml", "invalid line 1"],
    ]
    later = invoked("audit", "--data", tmp_path, "--since", "25m", "--output", "ndjson")
    told = [json.loads(line) for line in later.stdout.splitlines()]
    assert [each["event"] for each in told] == ["suppressed", "act", "reloaded", "policy"]
    assert told[1] == {
        "time": told[1]["time"],
        "event": "act",
        "status": 204,
        "name": "boss",
        "operation": "Op",
        "method": "DELETE",
        "path": "/z",
    }
    listed = invoked("audit", "--data", tmp_path, "--output", "json")
    assert [each["event"] for each in json.loads(listed.stdout)][-len(told) :] == [
        each["event"] for each in told
    ]


def test_lines_that_are_none_are_left_out_and_counted(tmp_path: Path, path: Path) -> None:
    _add(path, "act", status=204, name="boss")
    with path.open("ab") as file:
        file.write(b'{"time":"20\n')
    done = invoked("audit", "--data", tmp_path)
    assert (done.returncode, len(_rows(done.stdout))) == (0, 1)
    assert done.stderr == ("kastor: warning: 1 lines could not be read; they are left out.\n")


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "said"),
    [
        ((), {}, 0, "No lines in "),
        ((), {"KASTOR_AUDIT_LOG": "off"}, 3, "audit_log is off"),
        (("--since", "yesterday"), {}, 2, "--since yesterday"),
        (("--since", "change:1"), {}, 2, "--since takes a time"),
        (("--since", "2026-99-01T00:00:00Z"), {}, 2, "there is no such time"),
        (("--follow", "--output", "json"), {}, 2, "--output ndjson"),
    ],
)
def test_what_cannot_be_told_is_said(
    tmp_path: Path,
    arguments: tuple[str, ...],
    variables: dict[str, str],
    status: int,
    said: str,
) -> None:
    done = invoked("audit", "--data", tmp_path, *arguments, **variables)
    assert done.returncode == status
    assert said in done.stdout + done.stderr


def test_following_prints_what_comes_until_it_is_stopped(tmp_path: Path, path: Path) -> None:
    _add(path, "act", 10, status=204, name="old", operation="Op")
    command = [sys.executable, "-m", "kastor", "audit", "--data", str(tmp_path), "-f"]
    following = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert following.stdout is not None
    assert "  old  Op  done 204" in following.stdout.readline()
    for n in range(5):
        _add(path, "act", status=204, name=f"new{n}", operation="Op")
        assert f"  new{n}  Op  done 204" in following.stdout.readline()
    following.send_signal(signal.SIGINT)
    assert following.communicate(timeout=30)[1] == "kastor: Stopped.\n"
    assert following.returncode == 130
