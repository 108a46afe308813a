"""Much work is done in threads, few at a time; large documents are answered within the bound."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from kastor.agents.caller import LARGE_AT_ONCE, QUICK_BYTES, AgentCaller
from kastor.auth.roles import READER

from .speaking import REVISIONS, Speaker
from .test_tools import every_page

if TYPE_CHECKING:
    from tests.contract.client import Api

MODEL = "dtmi:t:Large;1"
COUNT, LONG = 120, 20_000


def test_much_work_leaves_the_loop_to_others_and_waits_for_its_turn() -> None:
    nothing: Any = None
    running, most = 0, 0
    lock = threading.Lock()

    def work() -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return threading.current_thread().name

    async def look() -> None:
        caller = AgentCaller("1", "anna", READER, "default", nothing)
        here = threading.current_thread().name
        assert await caller.worked(QUICK_BYTES, lambda: threading.current_thread().name) == here
        names = await asyncio.gather(
            *(caller.worked(QUICK_BYTES + 1, work) for _ in range(3 * LARGE_AT_ONCE))
        )
        assert here not in names
        assert 1 < most <= LARGE_AT_ONCE

    asyncio.run(look())


@pytest.fixture
def large(api: Api) -> Api:
    contents = [
        {"@type": "Property", "name": name, "schema": "string"} for name in ("text", "name")
    ] + [{"@type": "Relationship", "name": "r"}]
    model = {"@id": MODEL, "@type": "Interface", "@context": "dtmi:dtdl:context;2"}
    api.add_models({**model, "contents": contents})
    for start in range(0, COUNT, 40):
        operations: list[dict[str, Any]] = [
            {
                "op": "put",
                "kind": "twin",
                "id": f"t{n:03}",
                "body": {
                    "$metadata": {"$model": MODEL},
                    "name": f"tank {n}",
                    "text": "\U0001f3e2x" * (LONG // 8),
                },
            }
            for n in range(start, start + 40)
        ]
        operations += [
            {
                "op": "put",
                "kind": "relationship",
                "id": f"r{n}",
                "source": "t000",
                "body": {"$targetId": f"t{n:03}", "$relationshipName": "r"},
            }
            for n in range(max(1, start), start + 40)
        ]
        body = {"atomic": True, "operations": operations}
        done = api.post("/kastor/v1/batch", body, version=None)
        assert done.status_code == 200, done.text
    return api


@pytest.mark.parametrize("revision", REVISIONS)
def test_large_documents_come_all_and_each_within_the_bound(large: Api, revision: str) -> None:
    speaker = Speaker(large, revision)
    for text in ("SELECT * FROM DIGITALTWINS T", "MATCH (t) RETURN t ORDER BY t.`$dtId`"):
        rows = every_page(speaker, "query", "rows", q=text, limit=200)
        documents = [each if isinstance(each, dict) else each[0] for each in rows]
        assert [each["$dtId"] for each in documents] == [f"t{n:03}" for n in range(COUNT)]
    told = speaker.got("find", under="t000", text="tank 7", limit=50)
    assert told["found"][0]["id"] == "t007"
    assert len(told["found"]) == 11
