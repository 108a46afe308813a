"""What strangers send stands in the log and in the audit log as data: one line, and no terminal's word."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from kastor.testing import KastorServer

from .raw import talk

FORGED = "2026-01-01T00:00:00Z [info] granted owner to mallory"
HOSTILE = (
    f"x%0A{FORGED.replace(' ', '%20')}",
    "x%0D%0Ax",
    "x%1B%5D0;owned%07%1B%5B2J",
    "x%E2%80%A8y%E2%80%A9z%C2%85",
    "x%E2%80%AEtxt.exe",
    "x%22%7D%0A%7B%22event%22:%22granted%22%7D",
)
CONTROL = {chr(code) for code in (*range(32), *range(127, 160))} - {"\n", "\t"}
BREAKS = {"\u2028", "\u2029", "\u202e"}


def attack(server: KastorServer) -> int:
    """Send each text wherever a request may have one; return how many requests were sent."""
    sent = 0
    token = server.token("none")
    for text in HOSTILE:
        raw = text.replace("%0A", "").replace("%0D", "")  # which no header can hold
        for path, header in (
            (f"/digitaltwins/{text}?api-version=2023-10-31", "X-A: b"),
            (f"/graphs/{text}/models?api-version=2023-10-31", "X-A: b"),
            (f"/models?api-version={text}", "X-A: b"),
            ("/models?api-version=2023-10-31", f"User-Agent: {raw}"),
            ("/models?api-version=2023-10-31", f"traceparent: {raw}"),
            ("/models?api-version=2023-10-31", f"x-ms-client-request-id: {raw}"),
        ):
            for secret in (token, f"{token}{raw}"):
                head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"
                head += f"Authorization: Bearer {secret}\r\nConnection: close\r\n\r\n"
                assert talk(server, head.encode()).startswith(b"HTTP/1.1 4")
                sent += 1
    return sent


def require_plain(text: str) -> None:
    assert not [line for line in text.split("\n") if (CONTROL | BREAKS) & set(line)]
    # A line that a stranger made whole begins with their own words.
    assert not [line for line in text.split("\n") if line.startswith(("2026-01-01", "granted"))]


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_strangers_send_makes_no_line_of_the_log(form: str, tmp_path: Path) -> None:
    audit = tmp_path / "audit.log"
    flags = ("--auth", "tokens", "--access-log", "--log-format", form, "--audit-log", str(audit))
    with KastorServer(flags) as server:
        sent = attack(server)
        time.sleep(0.5)
        said, audited = server.output, audit.read_text("utf-8")
    assert sent == 72
    require_plain(said)
    require_plain(audited)
    lines = [json.loads(line) for line in audited.splitlines()]
    assert lines, "refusals are in the audit log"
    if form == "json":
        logged = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        assert len([each for each in logged if "path" in each]) >= sent
    assert FORGED not in [line.strip() for line in said.splitlines()]
