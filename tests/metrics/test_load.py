"""Metrics of the inside of a real server: what writes, reads and tokens leave in them."""

from __future__ import annotations

import asyncio
import os

import httpx2

from kastor.storage.load import GROUP_BOUNDS, GroupTally, pool_load
from kastor.testing import KastorServer

from .scrape import MODEL, VERSION, Scrape, scrape, twin

HERE = {"graph": "default", "worker": "0"}
IS_POSTGRES = os.environ.get("KASTOR_TEST_ENGINE") == "postgres"


def put_many(url: str, count: int) -> None:
    """So many twins, all at once."""

    async def put() -> None:
        async with httpx2.AsyncClient(base_url=url, params=VERSION, timeout=60) as http:
            answers = await asyncio.gather(
                *(http.put(f"/digitaltwins/t{n}", json=twin(n)) for n in range(count))
            )
        assert {each.status_code for each in answers} == {200}

    asyncio.run(put())


def writes(found: Scrape) -> tuple[float, float]:
    """Transactions, and writes in them."""
    count = found("write_group_size_count", **HERE)
    total = found("write_group_size_sum", **HERE)
    assert count is not None
    assert total is not None
    return count, total


def test_writes_are_counted_in_their_groups(kastor_empty: KastorServer) -> None:
    url = kastor_empty.url
    assert httpx2.post(f"{url}/models", params=VERSION, json=[MODEL]).status_code == 201
    before = scrape(url)
    put_many(url, 200)
    after = scrape(url)
    (groups, total), (groups_before, total_before) = writes(after), writes(before)
    # Upkeep, routes and search write too, but never as much.
    assert 200 <= total - total_before < 230
    assert 0 < groups - groups_before <= total - total_before
    spent = after("write_seconds_total", **HERE), before("write_seconds_total", **HERE)
    assert spent[0] is not None
    assert spent[1] is not None
    assert 0 < spent[0] - spent[1] < 200
    assert after("write_group_size_bucket", le="+Inf", **HERE) == groups
    assert after("writes_waiting", **HERE) == 0


def test_pools_and_files(kastor_empty: KastorServer) -> None:
    found = scrape(kastor_empty.url)
    pools = ("database",) if IS_POSTGRES else ("queries", "tables", "history")
    for pool in pools:
        size = found("pool_size", pool=pool, **HERE)
        assert size is not None
        assert size >= 1
        used = found("pool_used", pool=pool, **HERE)
        assert used is not None
        assert 0 <= used <= size
        assert found("pool_waiting", pool=pool, **HERE) == 0
    if IS_POSTGRES:
        assert found("graph_bytes", graph="default") is None
        return
    for name in ("graph_bytes", "graph_log_bytes", "graph_disk_free_bytes"):
        assert (found(name, graph="default") or 0) > 0, name


def test_reads_find_their_pages_in_memory(kastor_empty: KastorServer) -> None:
    url = kastor_empty.url
    httpx2.post(f"{url}/models", params=VERSION, json=[MODEL])
    httpx2.put(f"{url}/digitaltwins/t", params=VERSION, json=twin(1))
    before = scrape(url)("pages_read_total", outcome="hit", **HERE)
    if IS_POSTGRES:  # whose pages are its own business
        assert before is None
        return
    for _ in range(20):
        assert httpx2.get(f"{url}/digitaltwins/t", params=VERSION).status_code == 200
    after = scrape(url)("pages_read_total", outcome="hit", **HERE)
    assert before is not None
    assert after is not None
    assert after - before >= 20


def test_a_query_is_compiled_once(kastor_empty: KastorServer) -> None:
    url = kastor_empty.url
    httpx2.post(f"{url}/models", params=VERSION, json=[MODEL])
    before = scrape(url)
    for text in ("SELECT TOP(7) * FROM DIGITALTWINS", "MATCH (t) RETURN t.temperature AS x"):
        for _ in range(5):
            assert httpx2.post(f"{url}/query", params=VERSION, json={"query": text}).is_success
    after = scrape(url)
    assert after.since(before, "query_plans_used_total", "graph") == {("default",): 10}
    assert after.since(before, "query_plans_made_total", "graph") == {("default",): 2}
    assert (after("query_plan_bytes", **HERE) or 0) > 0


def test_a_token_is_looked_at_once() -> None:
    with KastorServer(("--auth", "tokens")) as server:
        headers = {"authorization": f"Bearer {server.token('owner')}"}
        before = scrape(server.url, **headers)("verdicts_made_total", worker="0")
        for _ in range(10):
            httpx2.get(f"{server.url}/models", params=VERSION, headers=headers)
        found = scrape(server.url, **headers)
        assert found("verdicts_made_total", worker="0") == before
        assert found("verdicts", worker="0") == 1


def test_status_tells_the_same(kastor_empty: KastorServer) -> None:
    found = httpx2.get(f"{kastor_empty.url}/kastor/v1/status").json()
    assert found["writesWaiting"] == 0
    assert found["trouble"] == []
    assert {each["name"] for each in found["pools"]} >= (
        {"database"} if IS_POSTGRES else {"queries", "tables", "history"}
    )


def test_groups_fall_into_their_buckets() -> None:
    tally = GroupTally()
    for writes_in_it in (1, 1, 2, 3, 64, 65, 5_000):
        tally.note(writes_in_it, 0.5)
    assert tally.writes == 5_136
    assert tally.seconds == 3.5
    assert len(tally.buckets) == len(GROUP_BOUNDS) + 1
    found = list(zip((*GROUP_BOUNDS, 0), tally.buckets, strict=True))  # 0: without an end
    told = [(end, count) for end, count in found if count]
    assert told == [(1, 2), (2, 1), (4, 1), (64, 1), (256, 1), (0, 1)]


def test_a_pool_with_more_work_than_threads() -> None:
    assert (pool_load("q", 2, 5).used, pool_load("q", 2, 5).waiting) == (2, 3)
    assert (pool_load("q", 2, 1).used, pool_load("q", 2, 1).waiting) == (1, 0)
