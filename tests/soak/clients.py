"""Clients that write what is theirs, and read all there is to read, at a pace that can be kept."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from .ledger import Ledger, Step

PLACE = "dtmi:soak:Place;1"
MODEL: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;3",
    "@id": PLACE,
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "value", "schema": "integer"},
        {"@type": "Property", "name": "text", "schema": "string"},
        {"@type": "Telemetry", "name": "heat", "schema": "integer"},
        {
            "@type": "Relationship",
            "name": "to",
            "properties": [{"@type": "Property", "name": "value", "schema": "integer"}],
        },
    ],
}
QUERIES = (
    "SELECT COUNT() FROM DIGITALTWINS",
    "SELECT TOP(20) T.$dtId, T.value FROM DIGITALTWINS T WHERE T.value > 10",
    "SELECT B.$dtId FROM DIGITALTWINS A JOIN B RELATED A.to R WHERE A.$dtId = 'c1-a'",
    "SELECT * FROM RELATIONSHIPS R WHERE R.value > 100",
    "MATCH (a:Place)-[:to*1..2]->(b) RETURN count(b) AS n",
    "MATCH (a:Place) WHERE a.value > 10 RETURN a.`$dtId` AS id ORDER BY id LIMIT 20",
)
READS = {200, 404}
"""What a read may answer; 404 where another client deleted it, or it is older than its twin."""
PATHS = (
    *("/models", "/kastor/v1/status", "/metrics", "/kastor/v1/routes", "/kastor/v1/jobs"),
    *("/kastor/v1/export", "/kastor/v1/limits", "/eventroutes", "/healthz"),
)
PAUSE_SECONDS = 0.08
LONGEST_SECONDS = 60.0


@dataclass
class Tally:
    """What came back.

    Attributes:
        statuses: how often each status came, by what was asked.
        strange: answers that no client should ever see.
        lost: how often a connection ended without an answer.
    """

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)
    lost: int = 0


class NotAnsweredError(Exception):
    """A connection that broke, or 503: whether it was done is not known, or it was not."""


class Caller:
    """A client of the API that tallies its answers."""

    def __init__(self, url: str, tally: Tally) -> None:
        self._http = httpx2.AsyncClient(
            base_url=url, params={"api-version": "2023-10-31"}, timeout=LONGEST_SECONDS
        )
        self.tally = tally

    async def close(self) -> None:
        await self._http.aclose()

    async def call(
        self, name: str, wanted: set[int], method: str, path: str, **request: Any
    ) -> httpx2.Response:
        """Return an answer that is wanted.

        Raises:
            NotAnsweredError: there is none, or the server is not available.
        """
        try:
            answer = await self._http.request(method, path, **request)
        except httpx2.TransportError as error:
            if isinstance(error, httpx2.TimeoutException):
                self.tally.strange.append(f"{name}: no answer in {LONGEST_SECONDS} s")
            self.tally.lost += 1
            await asyncio.sleep(0.2)
            raise NotAnsweredError from error
        self.tally.statuses[name, answer.status_code] += 1
        if answer.status_code == 503:
            if "retry-after" not in answer.headers:
                self.tally.strange.append(f"{name}: 503 without Retry-After")
            await asyncio.sleep(0.2)
            raise NotAnsweredError
        if answer.status_code not in wanted:
            self.tally.strange.append(f"{name}: {answer.status_code} {answer.text[:300]}")
            raise NotAnsweredError
        return answer


class Writer:
    """Writes its own two twins and the relationship between them, and reads back what it wrote."""

    def __init__(self, name: str, caller: Caller, ledger: Ledger, rng: random.Random) -> None:
        self._caller = caller
        self._ledger = ledger
        self._rng = rng
        self._twins = (f"{name}-a", f"{name}-b")
        self._edge = f"{self._twins[0]}/relationships/e"
        self._values: dict[str, int | None] = {}
        self._messages = 0

    async def run(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            await asyncio.sleep(PAUSE_SECONDS * self._rng.uniform(0.5, 1.5))
            try:
                if len(self._values) < 3:
                    await self._look()
                await self._act()
            except NotAnsweredError:
                self._values.clear()
        await self._caller.close()

    async def _look(self) -> None:
        """Find out what there is, after an answer that did not come."""
        for subject in (*self._twins, self._edge):
            answer = await self._caller.call("look", READS, "GET", f"/digitaltwins/{subject}")
            self._values[subject] = answer.json()["value"] if answer.is_success else None

    async def _act(self) -> None:
        one, two = self._twins
        there = [each for each in self._twins if self._values[each] is not None]
        dice = self._rng.random()
        if dice < 0.1 and there:
            await self._tell(there[0])
        elif dice < 0.3 and there:
            await self._read_back(self._rng.choice(there))
        elif dice < 0.45 and len(there) == 2:
            await self._write(self._edge, {"$relationshipName": "to", "$targetId": two})
        elif dice < 0.55 and len(there) == 2:
            await self._write_both(one, two)
        else:
            body = {"$metadata": {"$model": PLACE}, "text": "x" * self._rng.randrange(900)}
            await self._write(self._rng.choice(self._twins), body)

    async def _write(self, subject: str, body: dict[str, Any]) -> None:
        there = self._values[subject] is not None
        free = subject == self._edge or self._values[self._edge] is None
        dice = self._rng.random()
        path = f"/digitaltwins/{subject}"
        if there and free and dice < 0.1:
            step = self._ledger.step(subject, "delete")
            await self._caller.call("delete", {204}, "DELETE", path, headers={"if-match": "*"})
            self._settle(step, subject, None)
        elif there and dice < 0.7:
            step = self._ledger.step(subject, "patch")
            patch = [{"op": "add", "path": "/value", "value": step.value}]
            await self._caller.call("patch", {204}, "PATCH", path, json=patch)
            self._settle(step, subject, step.value)
        else:
            step = self._ledger.step(subject, "put")
            await self._caller.call("put", {200}, "PUT", path, json={**body, "value": step.value})
            self._settle(step, subject, step.value)

    async def _write_both(self, *twins: str) -> None:
        steps = [self._ledger.step(each, "patch") for each in twins]
        operations = [
            {
                "op": "patch",
                "kind": "twin",
                "id": twin,
                "body": [{"op": "add", "path": "/value", "value": step.value}],
            }
            for twin, step in zip(twins, steps, strict=True)
        ]
        body = {"atomic": True, "operations": operations}
        await self._caller.call("batch", {200}, "POST", "/kastor/v1/batch", json=body)
        for twin, step in zip(twins, steps, strict=True):
            self._settle(step, twin, step.value)

    def _settle(self, step: Step, subject: str, value: int | None) -> None:
        step.acknowledged = True
        self._values[subject] = value

    async def _tell(self, twin: str) -> None:
        self._messages += 1
        name = f"{twin}-{self._messages}"
        self._ledger.messages[name] = False
        path = f"/digitaltwins/{twin}/telemetry"
        request = {"json": {"heat": 1}, "headers": {"message-id": name}}
        await self._caller.call("telemetry", {204}, "POST", path, **request)
        self._ledger.messages[name] = True

    async def _read_back(self, twin: str) -> None:
        path = f"/digitaltwins/{twin}"
        read = (await self._caller.call("get", {200}, "GET", path)).json()["value"]
        if read != self._values[twin]:
            self._caller.tally.strange.append(f"{twin}: {self._values[twin]} written, {read} read")


class Reader:
    """Reads in every way there is, the past included, and imports now and then."""

    def __init__(self, name: str, caller: Caller, rng: random.Random) -> None:
        self._name = name
        self._caller = caller
        self._rng = rng

    async def run(self, stopped: asyncio.Event) -> None:
        ways = (self._query, self._query, self._past, self._history, self._search, self._rest)
        while not stopped.is_set():
            await asyncio.sleep(PAUSE_SECONDS * self._rng.uniform(0.5, 1.5))
            try:
                await self._rng.choice(ways)()
            except NotAnsweredError:
                continue
        await self._caller.close()

    async def _query(self) -> None:
        body = {"query": self._rng.choice(QUERIES)}
        await self._caller.call("query", {200}, "POST", "/query", json=body)

    async def _past(self) -> None:
        moment = datetime.now(UTC) - timedelta(seconds=self._rng.uniform(0, 5))
        request = {
            "json": {"query": self._rng.choice(QUERIES)},
            "headers": {"kastor-as-of": moment.isoformat()},
        }
        await self._caller.call("as of", {200}, "POST", "/query", **request)

    async def _history(self) -> None:
        path = f"/kastor/v1/digitaltwins/c{self._rng.randrange(4)}-a/history"
        await self._caller.call("history", READS, "GET", path)

    async def _search(self) -> None:
        params = {"q": f"c{self._rng.randrange(4)}"}
        await self._caller.call("search", {200}, "GET", "/kastor/v1/search", params=params)

    async def _rest(self) -> None:
        if self._rng.random() < 0.05:
            await self._import()
        else:
            path = self._rng.choice(PATHS)
            await self._caller.call(path, {200}, "GET", path)

    async def _import(self) -> None:
        lines: list[Any] = [{"Section": "Header"}, {"fileVersion": "1.0.0"}, {"Section": "Twins"}]
        lines += [
            {"$dtId": f"{self._name}-{n}", "$metadata": {"$model": PLACE}, "value": n}
            for n in range(20)
        ]
        request = {
            "content": "\n".join(map(json.dumps, lines)),
            "headers": {"content-type": "application/x-ndjson"},
        }
        await self._caller.call("import", {202}, "POST", "/kastor/v1/jobs/imports", **request)
