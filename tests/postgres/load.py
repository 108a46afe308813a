"""Writers that go on whatever the server answers, and the judge of what they were told."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field

import asyncpg

from .wire import Line, counter, model, set_to, twin

MODEL = "dtmi:t:Load;1"


@dataclass
class Client:
    """One twin and what its only writer knows of it."""

    number: int
    acknowledged: int = -1
    sent: int = -1
    etag: str = ""
    writes: int = 0


@dataclass
class Load:
    """Clients that patch a twin each, one write after the other.

    Attributes:
        statuses: how often each status came.
        gaps: seconds between two acknowledgements, at most.
    """

    url: str
    clients: list[Client]
    statuses: Counter[int] = field(default_factory=Counter)
    strange: list[bytes] = field(default_factory=list)
    longest_gap: float = 0.0
    acknowledged: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def prepare(cls, url: str, number: int) -> Load:
        async with Line(url) as line:
            status, _, body = await line.send("POST", "/models", [model(MODEL, "n")])
            assert status == 201, body
            for n in range(number):
                assert (await line.put(twin(f"w{n}"), counter(MODEL, n=-1)))[0] == 200
        return cls(url, [Client(n) for n in range(number)])

    async def run(self) -> None:
        await asyncio.gather(*(self._write(client) for client in self.clients))

    def stop(self) -> None:
        self._stop.set()

    async def acknowledge(self, more: int, seconds: float = 60) -> None:
        """Wait until so many more writes were acknowledged."""
        wanted = self.acknowledged + more
        async with asyncio.timeout(seconds):
            while self.acknowledged < wanted:  # noqa: ASYNC110 - many writers, no event each
                await asyncio.sleep(0.01)

    async def _write(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        async with Line(self.url) as line:
            while not self._stop.is_set():
                client.sent += 1
                path = twin(f"w{client.number}")
                status, headers, body = await line.patch(path, set_to("n", client.sent))
                self.statuses[status] += 1
                if status == 204:
                    client.acknowledged, client.etag = client.sent, headers["etag"]
                    client.writes += 1
                    self.acknowledged += 1
                    self.longest_gap = max(self.longest_gap, loop.time() - last)
                    last = loop.time()
                else:
                    if status != 503 or "retry-after" not in headers:
                        self.strange.append(body)
                    await asyncio.sleep(0.05)

    async def judge(self, dsn: str, schema: str) -> dict[str, int]:
        """Compare what was acknowledged with the database itself; return the counts."""
        lost = 0
        connection = await asyncpg.connect(dsn)
        try:
            for client in self.clients:
                name = f"w{client.number}"
                log = await connection.fetch(
                    f"SELECT version, data FROM {schema}.changes WHERE subject = $1"
                    " AND kind = 'Twin.Update' ORDER BY version",
                    name,
                )
                versions = [row[0] for row in log]
                assert versions == list(range(2, len(log) + 2)), name
                values = [json.loads(row[1])["patch"][0]["value"] for row in log]
                assert values == sorted(set(values)), f"{name}: written twice"
                row = await connection.fetchrow(
                    f"SELECT version, (doc ->> 'n')::int, etag FROM {schema}.twins WHERE id = $1",
                    name,
                )
                assert row[0] == len(log) + 1
                assert row[1] <= client.sent
                # What came after the last acknowledgement may have been stored all the same.
                lost += row[1] < client.acknowledged or len(log) < client.writes
        finally:
            await connection.close()
        statuses = {str(status): count for status, count in self.statuses.items()}
        return {"acknowledged": self.acknowledged, "lost": lost, **statuses}
