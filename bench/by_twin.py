"""What rules by twin cost: `python bench/by_twin.py [TWINS] [--postgres]`.

One caller may see the whole graph, one everything by its models, one everything under its site: all
get the same answers over HTTP, in turns. Told are medians and the ratios to the first. Limits: a
GET 1.2 times by models and 1.6 by a path, two hops 2 and 5 times. Writes are timed without any part
and while the graph keeps one.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent))

from agents import PREFIX, ROOMS_OF_FLOOR, SENSORS_OF_ROOM, fill
from kastor.auth.tokens import create_token
from kastor.testing import KastorServer
from tests.contract.client import Api

MODELS = ", ".join(f'"{PREFIX}{each};1"' for each in ("Site", "Floor", "Room", "Sensor"))
POLICY = f"""
[twins.by-model]
models = [{MODELS}]
[twins.by-path]
under = "site"
outgoing = ["hasPart", "hasSensor"]
[[rules]]
roles = ["reader"]
twins = ["by-model"]
to = {{ tokens = ["by-model"] }}
[[rules]]
roles = ["reader"]
twins = ["by-path"]
to = {{ tokens = ["by-path"] }}
"""
CALLERS, LIMITS = ("whole", "by-model", "by-path"), {"GET": (1.2, 1.6), "two hops": (2.0, 5.0)}
TWO_HOPS = (
    "SELECT S FROM DIGITALTWINS MATCH (F)-[:hasPart]->(R)-[:hasSensor]->(S) WHERE F.$dtId = '{}'"
)
ROUNDS = 300


class Line:
    """A kept connection of one caller."""

    def __init__(self, url: str, token: str) -> None:
        self._line = http.client.HTTPConnection(str(urlsplit(url).netloc), timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: object = None) -> tuple[float, bytes]:
        """Return seconds and the answer."""
        text = None if body is None else json.dumps(body)
        began = time.perf_counter()
        self._line.request(method, f"{path}?api-version=2023-10-31", text, self._headers)
        answer = self._line.getresponse()
        read = answer.read()
        assert answer.status < 300, (answer.status, read)
        return time.perf_counter() - began, read


def in_turns(lines: list[Line], method: str, path: str, body: object = None) -> list[float]:
    """Ask each the same; all have to be answered alike."""
    asked = [line.ask(method, path, body) for line in lines]
    assert len({answer for _, answer in asked}) == 1, path
    return [seconds for seconds, _ in asked]


def reads(lines: list[Line], floors: int) -> int:
    chance, slow = random.Random(19), 0
    print(f"{'read':12}" + "".join(f"{each + ' ms':>14}" for each in CALLERS) + "   ratios")
    for name, limits in LIMITS.items():
        times = []
        for number in range(ROUNDS if name == "GET" else ROUNDS // 5):
            floor, room = chance.randrange(floors), chance.randrange(ROOMS_OF_FLOOR)
            if name == "GET":
                sensor = f"sensor-{floor}-{room}-{chance.randrange(SENSORS_OF_ROOM)}"
                found = in_turns(lines, "GET", f"/digitaltwins/{sensor}")
            else:
                body = {"query": TWO_HOPS.format(f"floor-{floor}")}
                found = in_turns(lines, "POST", "/query", body)
            if number >= 10:
                times.append(found)
        means = [median(column) * 1_000 for column in zip(*times, strict=True)]
        ratios = [
            median(each[which] / each[0] for each in times) for which in range(1, len(CALLERS))
        ]
        over = [ratio > limit for ratio, limit in zip(ratios, limits, strict=True)]
        slow += sum(over)
        told = "  ".join(
            f"{ratio:.2f} (limit {limit}){' OVER' if is_over else ''}"
            for ratio, limit, is_over in zip(ratios, limits, over, strict=True)
        )
        print(f"{name:12}" + "".join(f"{mean:14.2f}" for mean in means) + f"   {told}")
    return slow


def writes(line: Line, title: str) -> None:
    """Add and remove a sensor of a room, again and again."""
    times: dict[str, list[float]] = {"PUT": [], "DELETE": []}
    path = "/digitaltwins/room-0-0/relationships/bench"
    body = {"$relationshipName": "hasSensor", "$targetId": "sensor-0-1-1"}
    for _ in range(ROUNDS // 3):
        times["PUT"].append(line.ask("PUT", path, body)[0])
        times["DELETE"].append(line.ask("DELETE", path)[0])
    told = "  ".join(f"{name} {median(each) * 1_000:.2f} ms" for name, each in times.items())
    print(f"relationship, {title}: {told}")


def main() -> int:
    wanted = [each for each in sys.argv[1:] if not each.startswith("--")]
    twins = int(wanted[0]) if wanted else 100_000
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        policy, data = folder / "policy.toml", folder / "data"
        policy.write_text(POLICY)
        policy.chmod(0o600)
        flags = ["--auth", "tokens", "--policy", str(policy)]
        if "--postgres" in sys.argv:
            from tests.postgres.cluster import Cluster

            cluster = stack.enter_context(Cluster())
            flags += ["--db", cluster.create().start().dsn]
        roles = ("owner", "none", "none")
        server = KastorServer(tuple(flags), data_dir=data)
        tokens = [
            create_token(data / "tokens", role, name)
            for role, name in zip(roles, CALLERS, strict=True)
        ]
        stack.enter_context(server)
        api = stack.enter_context(Api(server.url, token=tokens[0]))
        fill(api, twins)
        lines = [Line(server.url, token) for token in tokens]
        writes(lines[0], "no part is kept")
        floors = max(1, twins // (ROOMS_OF_FLOOR * (SENSORS_OF_ROOM + 1) + 1))
        began = time.perf_counter()
        lines[2].ask("GET", "/digitaltwins/site")
        print(f"the first request that names the part: {time.perf_counter() - began:.2f} s")
        slow = reads(lines, floors)
        writes(lines[0], "a part of everything is kept")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
