"""What the policy file says has a line in the audit log when it counts, and when it is wrong."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from kastor.audit import install
from kastor.audit.file import AuditFile
from kastor.audit.log import AuditLog
from kastor.audit.reading import AuditReader
from kastor.auth import watch
from kastor.config import load_settings
from kastor.server.access import make_access
from kastor.storage.sqlite.folder import DataFolder

if TYPE_CHECKING:
    from pathlib import Path

RULE = '[[rules]]\nroles = ["%s"]\nto = { groups = ["a"] }\n'


def _write(path: Path, text: str, age: int) -> None:
    path.write_text(text)
    os.utime(path, (1_000_000_000 + age, 1_000_000_000 + age))


def test_a_policy_that_counts_and_one_that_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.01)
    policy, audit = tmp_path / "policy.toml", tmp_path / "audit.ndjson"
    _write(policy, RULE % "reader", 1)
    settings = load_settings({"data": tmp_path, "auth": ["tokens"], "policy": policy})
    log = AuditLog(AuditFile(audit))

    async def change() -> None:
        access = make_access(settings, DataFolder(tmp_path))
        assert access is not None
        watching = asyncio.create_task(watch.watch_files(access._files()))
        _write(policy, RULE % "owner", 2)
        await asyncio.sleep(0.2)
        _write(policy, "[[rules", 3)
        await asyncio.sleep(0.2)
        watching.cancel()

    install(log)
    try:
        asyncio.run(change())
    finally:
        install(None)
        log.close()
    loaded, invalid = AuditReader(audit).lines()
    digest = hashlib.sha256((RULE % "owner").encode()).hexdigest()
    assert (loaded["event"], loaded["outcome"]) == ("policy", "loaded")
    assert (loaded["path"], loaded["sha256"]) == (str(policy), digest)
    assert (invalid["event"], invalid["outcome"]) == ("policy", "invalid")
    assert str(policy) in invalid["reason"]
