"""What it costs to know who asks: the verdict of a token that was seen before.

`python bench/access.py`: microseconds a request beside a bare look-up of the same token in a dict,
the least of many rounds; with `--http` also a GET with and without tokens.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from kastor.api.http.entrance import Entrance
from kastor.auth.access import Access
from kastor.auth.actors import CallerKind, Principal
from kastor.auth.policy import OWNER_ROLE
from kastor.auth.policy_form import parse_policy
from kastor.auth.roles import Permission
from kastor.auth.tokens import TokenStore, create_token
from processes import free_port, server
from requests_cpu import TWINS, VERSION, call, gets, hello, kastor, measure, model, twin

POLICY = b"""
[[rules]]
roles = ["reader"]
graphs = ["plant-*"]
to = { roles = ["Azure Digital Twins Data Owner"] }
"""
OIDC_BYTES = 2_048
_OTHER = re.compile(rb"Authorization: [^\r]*\r\n")
TIMES, ROUNDS = 20_000, 25


class _Issued:
    """Stands for an issuer: what it finds out is not measured."""

    def takes(self, token: str) -> bool:
        """Whether it has two dots."""
        return token.count(".") == 2

    async def identify(self, token: str) -> Principal:
        """Return an owner, whatever the token."""
        claims = {"roles": frozenset({OWNER_ROLE})}
        return Principal(CallerKind.OIDC, token[-20:], "bench", 4e9, "https://issuer", claims)


def _access(folder: Path) -> tuple[Access, dict[str, str]]:
    static = create_token(folder / "tokens", "owner", "bench")
    text = secrets.token_urlsafe(OIDC_BYTES)[: OIDC_BYTES - 2]
    issued = f"{text[:40]}.{text[40:-342]}.{text[-342:]}"
    policy, faults = parse_policy(POLICY)
    assert policy is not None, faults
    access = Access([TokenStore(folder / "tokens"), _Issued()], policy)
    return access, {"static token": static, "token of an issuer, 2 KB": issued}


def verdicts() -> list[tuple[str, float, float]]:
    """Return rows of (name, microseconds of a verdict, those of its floor).

    The floor is the token cut out of its header and looked up in a dict. Both make a new text each
    time, whose hash is not known yet, as every request does.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        access, tokens = _access(Path(folder))
        entrance = Entrance(access)
        for name, token in tokens.items():
            assert asyncio.run(access.authenticate(token)) is not None
            line = f"Bearer {token}".encode()
            headers = {b"host": b"localhost", b"authorization": line}
            floor = _least(partial(_look_up, {token: None}, line))
            for graph in ("default", "plant-1"):
                seen = partial(entrance.seen, headers, Permission.TWINS_READ, graph)
                assert seen() is not None
                rows.append((f"{name}, graph {graph}", _least(seen), floor))
    return rows


def _look_up(known: dict[str, None], line: bytes) -> None:
    return known[line[7:].decode("latin-1")]


def _least(step: Callable[[], object]) -> float:
    return min(timeit.repeat(step, number=TIMES, repeat=ROUNDS)) / TIMES * 1e6


@contextmanager
def _guarded() -> Iterator[tuple[int, int, bytes]]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        token = create_token(Path(folder) / "tokens", "owner", "bench")
        flags = ["--port", str(port), "--data", folder, "--auth", "tokens"]
        with server([sys.executable, "-m", "kastor", "serve", *flags], port) as process:
            base = f"http://127.0.0.1:{port}"
            call(f"{base}/models?{VERSION}", "POST", [model()], token)
            for number in range(TWINS):
                call(f"{base}/digitaltwins/room-{number}?{VERSION}", "PUT", twin(number), token)
            yield port, process.pid, f"Authorization: Bearer {token}\r\n".encode()


def http(rounds: int = 10, seconds: float = 0.4) -> list[tuple[str, float, float]]:
    """Return rows of (name, CPU us of a request, the same by the bare hello's), as medians."""
    found: dict[str, list[float]] = {}
    with hello() as floor, kastor() as ours, _guarded() as (port, pid, header):
        guarded = [_OTHER.sub(header, each) for each in gets()]
        for number in range(rounds + 1):
            for name, target, requests in (
                ("bare hello", floor, gets()),
                ("GET twin, no tokens", ours, gets()),
                ("GET twin, --auth tokens", (port, pid), guarded),
            ):
                tally = measure(*target, requests, seconds)
                if number:  # the first warms up
                    found.setdefault(name, []).append(tally["cpu_us"])
    bare = found["bare hello"]
    return [
        (name, median(each), median(mine / its for mine, its in zip(each, bare, strict=True)))
        for name, each in found.items()
    ]


if __name__ == "__main__":
    for name, ours, floor in verdicts():
        print(f"{name:<46} {ours:6.2f} us  floor {floor:5.2f} us  x{ours / floor:5.2f}")
    if "--http" in sys.argv:
        for name, cpu, ratio in http():
            print(f"{name:<46} {cpu:6.0f} us CPU  x{ratio:5.2f} of bare hello")
