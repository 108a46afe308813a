"""Graphs out of any server: the bytes of Kastor's own export, whoever was asked."""

from __future__ import annotations

import asyncio
import io

import pytest

from kastor.client import NotAnnouncedError
from kastor.moving.exporting.graph_export import ExportWish, GraphExport, NotWholeError
from kastor.moving.exporting.sorting import LineSorter
from kastor.moving.import_file import ImportFile
from kastor.moving.loading.loader import Loader
from kastor.moving.section_counts import SectionCounts
from kastor.testing import KastorServer

from .graphs import client_of, exported, graph


def test_what_is_moved_there_and_back_is_the_same_file(
    own: KastorServer, narrow: KastorServer
) -> None:
    async def work() -> None:
        async with client_of(own) as one, client_of(narrow) as other:
            await Loader(one).load(graph(150, 90))
            first = await exported(one)
            report = await Loader(other).load(ImportFile(io.BytesIO(first)).items(), ordered=True)
            assert (report.written.total, report.failed) == (242, 0)
            second = await exported(other)
            assert second == first
            own.reset()
            await Loader(one).load(ImportFile(io.BytesIO(second)).items(), ordered=True)
            assert await exported(one) == first
            counts = SectionCounts()
            for start in range(0, len(first), 97):
                counts.feed(first[start : start + 97])
            assert counts.found == {"Models": 2, "Twins": 150, "Relationships": 90}

    asyncio.run(work())


@pytest.mark.parametrize(
    "wish",
    [
        ExportWish(query="SELECT * FROM DIGITALTWINS T WHERE T.size > 20"),
        ExportWish(query="SELECT * FROM RELATIONSHIPS R WHERE R.weight > 2"),
        ExportWish(query="SELECT * FROM DIGITALTWINS WHERE $dtId = 'nobody'"),
    ],
    ids=["twins", "relationships", "none"],
)
def test_a_query_gives_the_same_from_both(
    own: KastorServer, narrow: KastorServer, wish: ExportWish
) -> None:
    async def work() -> None:
        async with client_of(own) as one, client_of(narrow) as other:
            await Loader(one).load(graph(30, 30))
            await Loader(other).load(graph(30, 30))
            assert await exported(one, wish) == await exported(other, wish)

    asyncio.run(work())


def test_system_keeps_etags_and_times(narrow: KastorServer) -> None:
    async def work() -> None:
        async with client_of(narrow) as client:
            await Loader(client).load(graph(2, 1))
            text = await exported(client, ExportWish(with_system=True))
            assert text.count(b'"$etag":"W/') == 3
            assert b"lastUpdateTime" in text

    asyncio.run(work())


def test_rows_that_are_no_whole_twins_are_refused(narrow: KastorServer) -> None:
    async def work() -> None:
        async with client_of(narrow) as client:
            await Loader(client).load(graph(1, 0))
            wish = ExportWish(query="SELECT T.size FROM DIGITALTWINS T")
            with pytest.raises(NotWholeError, match="whole twins"):
                await exported(client, wish)

    asyncio.run(work())


@pytest.mark.parametrize("wish", [ExportWish(since=0), ExportWish(with_settings=True)])
def test_what_only_kastor_can_tell_is_refused_elsewhere(
    narrow: KastorServer, wish: ExportWish
) -> None:
    async def work() -> None:
        async with client_of(narrow) as client:
            with pytest.raises(NotAnnouncedError, match="--since"):
                await exported(client, wish)

    asyncio.run(work())


def test_kastor_tells_the_number_of_the_last_change(own: KastorServer) -> None:
    async def work() -> None:
        async with client_of(own) as client:
            await Loader(client).load(graph(3, 0))
            whole = GraphExport(client)
            assert [piece async for piece in whole.pieces()]
            assert whole.state.change is not None
            await client.twins.delete("t1")
            since = await exported(client, ExportWish(since=whole.state.change))
            assert b'{"Section":"Kastor.Deleted"}\n{"kind":"twin","id":"t1"}\n' in since

    asyncio.run(work())


def test_more_lines_than_memory_holds_come_in_order() -> None:
    keys = [(f"s{n % 7}", f"k\u00e4\U0001f600{n}") for n in range(500)]
    with LineSorter(run_bytes=2_000) as sorter:
        for key in reversed(keys):
            sorter.add(key, f"old {key[1]}\n".encode())
        for key in keys[::3]:
            sorter.add(key, f"new {key[1]}\n".encode())
        found = list(sorter.lines())
    told = {key: "new" if n % 3 == 0 else "old" for n, key in enumerate(keys)}
    assert found == [f"{told[key]} {key[1]}\n".encode() for key in sorted(keys)]
