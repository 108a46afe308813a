"""`kastor.client` against Kastor: what it has beyond the contract, with either client."""

from __future__ import annotations

import asyncio
import gzip
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from kastor.client import (
    AsyncKastorClient,
    BadRequestError,
    BatchRefusedError,
    ConflictError,
    KastorClient,
    MissingExtraError,
    NotAnnouncedError,
    NotFoundError,
    StillRunningError,
    writes,
)

from .graph import PART_MODEL, ROOM_MODEL, near, replace, room

if TYPE_CHECKING:
    from kastor.testing import KastorServer

ALL = "SELECT * FROM DIGITALTWINS"
RELATIONSHIPS = "SELECT * FROM RELATIONSHIPS"


@pytest.fixture
def rooms(client: KastorClient) -> KastorClient:
    """The same with 30 twins in a row."""
    puts = [writes.put_twin(f"r{n:02}", room(Temperature=n)) for n in range(30)]
    puts += [
        writes.put_relationship(f"r{n:02}", "next", near(f"r{n:02}", "next", f"r{n + 1:02}"))
        for n in range(29)
    ]
    assert client.batch(puts).failed == 0
    return client


def fresh() -> str:
    return f"client-{uuid4().hex[:12]}"


class TestBatches:
    def test_each_operation_has_its_result(self, client: KastorClient) -> None:
        found = client.batch(
            [
                writes.put_twin("a", room(Temperature=1), if_none_match="*"),
                writes.put_twin("b", room()),
                writes.put_relationship("a", "r", near("a", "r", "b"), if_none_match="*"),
                writes.patch_relationship("a", "r", replace("/distance", 3)[:0]),
                writes.patch_twin("a", replace("/Temperature", 2)),
                writes.put_twin("a", room(), if_none_match="*"),
                writes.delete_relationship("a", "r"),
                writes.delete_twin("b"),
                writes.delete_twin("nobody"),
            ]
        )
        statuses = [each.status for each in found.results]
        assert statuses == [200, 200, 200, 204, 204, 412, 204, 204, 404]
        assert (found.succeeded, found.failed) == (7, 2)
        assert found.results[-1].error is not None
        assert found.results[-1].error["code"] == "DigitalTwinNotFound"
        assert client.twins.get("a")["$etag"] == found.results[4].etag
        assert client.twins.get("a")["Temperature"] == 2

    def test_a_stale_etag_refuses_its_operation(self, rooms: KastorClient) -> None:
        stale = 'W/"5f0c2b64-0000-4000-8000-000000000000"'
        found = rooms.batch(
            [
                writes.patch_twin("r00", [], if_match=stale),
                writes.patch_relationship("r00", "next", [], if_match=stale),
                writes.delete_relationship("r00", "next", if_match=stale),
                writes.delete_twin("r00", if_match=stale),
            ]
        )
        assert [each.status for each in found.results] == [412] * 4

    def test_an_atomic_one_is_done_or_not(self, client: KastorClient) -> None:
        with pytest.raises(BatchRefusedError) as refused:
            client.batch([writes.put_twin("a", room()), writes.delete_twin("no")], atomic=True)
        assert [each["status"] for each in refused.value.document["results"]] == [200, 404]
        with pytest.raises(NotFoundError):
            client.twins.get("a")

    def test_the_same_again_is_answered_as_before(self, client: KastorClient) -> None:
        operation = fresh()
        batch = [writes.put_twin("a", room())]
        first = client.batch(batch, operation_id=operation)
        assert client.batch(batch, operation_id=operation) == first
        assert client.twins.get("a")["$etag"] == first.results[0].etag
        with pytest.raises(ConflictError) as reused:
            client.batch([writes.delete_twin("a")], operation_id=operation)
        assert reused.value.code == "OperationIdReused"


class TestManyByQuery:
    def test_they_are_tried_changed_and_deleted(self, rooms: KastorClient) -> None:
        hot = f"{ALL} T WHERE T.Temperature >= $least"
        patch = replace("/Temperature", -1)
        tried = rooms.try_update_many(hot, patch, at_most=10, parameters={"least": 25})
        assert (tried.count, tried.tried, tried.failed) == (5, 5, 0)
        assert [each["Temperature"] for each in tried.shown] == [-1] * 5
        assert rooms.twins.get("r29")["Temperature"] == 29
        seen: list[str] = []
        job = rooms.update_many(
            hot, patch, expect=5, parameters={"least": 25}, operation_id=(operation := fresh())
        )
        job = rooms.jobs.wait(job, seconds=30, on_progress=lambda job: seen.append(job.status))
        assert (job.kind, job.id, job.status) == ("updates", operation, "succeeded")
        assert (job.done, job.of, job.unit) == (5, 5, "twins")
        assert job.counts["succeeded"] == 5
        assert seen == [] or seen[-1] == "succeeded"
        assert rooms.twins.get("r29")["Temperature"] == -1

        found = rooms.try_delete_many(ALL, at_most=30)
        assert (found.count, found.failed) == (30, 30)
        assert found.errors[0]["error"]["code"] == "RelationshipsNotDeleted"
        job = rooms.jobs.wait(rooms.delete_many(RELATIONSHIPS, expect=29))
        assert (job.status, list(rooms.query(RELATIONSHIPS))) == ("succeeded", [])
        with pytest.raises(ConflictError) as other:
            rooms.delete_many(ALL, expect=29)
        assert other.value.code == "CountMismatch"

    def test_a_job_tells_what_it_could_not_do(self, rooms: KastorClient) -> None:
        job = rooms.jobs.wait(rooms.delete_many(f"{ALL} T WHERE T.$dtId = 'r03'", expect=1))
        assert (job.status, job.error_code) == ("failed", "DeletePartiallyFailed")
        assert job.error_message
        lines = list(rooms.jobs.log(job.kind, job.id))
        assert any("r03" in str(line) for line in lines)
        assert list(rooms.jobs.log(job.kind, job.id, after=len(lines))) == []
        rooms.jobs.delete(job.kind, job.id)
        with pytest.raises(NotFoundError):
            rooms.jobs.get(job.kind, job.id)


class TestFiles:
    def test_an_export_comes_back_by_an_upload(self, rooms: KastorClient, tmp_path: Path) -> None:
        with rooms.export() as export:
            lines = [*export.lines()]
            change = export.change
        assert len(lines) == 2 + 3 + 2 + 30 + 29
        with rooms.export(query=f"{ALL} T WHERE T.Temperature < 2") as export:
            assert len([*export.lines()]) == 5
        assert change is not None
        with rooms.export(since=change) as export:
            assert len([*export.lines()]) == 6
        deletion = rooms.jobs.wait(rooms.deletions.begin(minutes=15), seconds=60)
        assert (deletion.kind, deletion.status) == ("deletions", "succeeded")
        assert deletion.id in [each.id for each in rooms.deletions.list()]
        assert rooms.deletions.get(deletion.id).has_ended

        text = b"".join(line + b"\n" for line in lines)
        path = tmp_path / "graph.ndjson.gz"
        path.write_bytes(gzip.compress(text))
        job = rooms.jobs.upload(path, coding="gzip", operation_id=(operation := fresh()))
        again = rooms.jobs.upload(path, coding="gzip", operation_id=operation)
        assert (job.kind, job.id, again.id) == ("uploads", operation, operation)
        job = rooms.jobs.wait(job, seconds=60)
        assert (job.status, job.counts["twins"], job.counts["relationships"]) == (
            "succeeded", 30, 29
        )  # fmt: skip
        with rooms.export() as export:
            assert b"".join(export.pieces()) == text
        pieces = (line + b"\n" for line in lines)
        job = rooms.jobs.wait(rooms.jobs.upload(pieces), seconds=60)
        assert (job.status, job.counts["replaced"]) == ("succeeded", 59)
        kinds = [each.kind for each in rooms.jobs.list(page_size=1)]
        assert sorted(kinds) == ["deletions", "uploads", "uploads"]
        assert next(iter(rooms.jobs.list("uploads", page_size=1))).id == operation

    def test_jobs_of_the_contract_and_of_ours_read_and_write_files(
        self, rooms: KastorClient, kastor: KastorServer
    ) -> None:
        name = fresh()
        job = rooms.jobs.begin_export(
            f"exchange/default/{name}.ndjson", query=RELATIONSHIPS, operation_id=name
        )
        job = rooms.jobs.wait(job)
        assert (job.kind, job.id, job.status) == ("exports", name, "succeeded")
        job = rooms.jobs.begin_import(
            name, f"exchange/default/{name}.ndjson", f"exchange/default/{name}.log"
        )
        job = rooms.jobs.wait(job)
        assert (job.kind, job.id, job.status) == ("imports", name, "succeeded")
        assert (kastor.data_dir / "exchange" / "default" / f"{name}.log").read_bytes()
        assert rooms.jobs.cancel("imports", name).status == "succeeded"
        assert name in [each.id for each in rooms.jobs.list("imports")]
        with pytest.raises(ConflictError):
            rooms.jobs.resume_import(name)
        rooms.jobs.delete("imports", name)
        backup = rooms.jobs.wait(rooms.jobs.begin_backup(f"exchange/default/{name}.tar"))
        assert (backup.kind, backup.status) == ("backups", "succeeded")
        with rooms.backup() as answer:
            file = io.BytesIO(b"".join(answer.pieces()))
        with tarfile.open(fileobj=file) as tar:
            assert tar.getnames()[-1] == "manifest.json"

    def test_waiting_has_an_end(self, client: KastorClient) -> None:
        stop = threading.Event()

        def slow() -> Iterator[bytes]:
            yield b'{"Section":"Header"}\n{"fileVersion":"1.0.0"}\n{"Section":"Twins"}\n'
            for n in range(20_000):
                yield b'{"$dtId":"t%d","$metadata":{"$model":"dtmi:sdk:Room;1"}}\n' % n
            stop.set()

        job = client.jobs.upload(slow())
        assert stop.is_set()
        with pytest.raises(StillRunningError, match=job.id):
            client.jobs.wait(job, seconds=0)
        client.jobs.cancel(job.kind, job.id)
        assert client.jobs.wait(job, seconds=60).status in ("cancelled", "failed")


class TestSettings:
    def test_endpoints_and_routes(self, client: KastorClient) -> None:
        assert client.endpoints.put("out", "stdout")["kind"] == "stdout"
        client.routes.put("r", "out", "false")
        assert [each["name"] for each in client.endpoints.list()] == ["out"]
        assert client.endpoints.get("out")["routes"] == ["r"]
        assert client.endpoints.test("out")["delivered"] is True
        assert [each["id"] for each in client.routes.states()] == ["r"]
        client.routes.pause("r")
        assert client.routes.state("r")["state"] == "paused"
        client.routes.resume("r")
        assert client.routes.state("r")["state"] != "paused"
        assert client.routes.replay("r", "0") >= 0
        assert list(client.routes.dead_letters("r")) == []
        assert client.routes.requeue_dead_letters("r") == 0
        assert client.routes.purge_dead_letters("r", [1, 2]) == 0
        with pytest.raises(ValueError, match="None means all"):
            client.routes.purge_dead_letters("r", [])
        with pytest.raises(ConflictError):
            client.endpoints.delete("out")
        client.routes.delete("r")
        client.endpoints.delete("out")

    def test_proposals(self, client: KastorClient) -> None:
        made = client.proposals.propose([writes.put_twin("proposed", room())], "why not")
        assert [each["id"] for each in client.proposals.list()] == [made["id"]]
        assert client.proposals.get(made["id"])["diff"] == made["diff"]
        assert client.proposals.approve(made["id"])["status"] == "approved"
        answer = client.proposals.apply(made["id"], made["token"])
        assert (answer.succeeded, answer.failed) == (1, 0)
        assert client.proposals.apply(made["id"], made["token"]) == answer
        assert client.twins.get("proposed")["$etag"] == answer.results[0].etag
        left = client.proposals.propose([writes.delete_twin("proposed")], "gone")
        with pytest.raises(ConflictError) as caught:
            client.proposals.apply(left["id"], left["token"])
        assert caught.value.code == "ProposalNotApproved"
        client.proposals.reject(left["id"])
        with pytest.raises(NotFoundError):
            client.proposals.get(left["id"])

    def test_inputs(self, client: KastorClient) -> None:
        rules = [{"match": {"topic": "#"}, "twin": "{payload.id}", "set": {}}]
        with pytest.raises(BadRequestError):
            client.inputs.put("in", "webhook", {"rules": rules})
        assert client.inputs.list() == []
        with pytest.raises(NotFoundError):
            client.inputs.status("in")
        rule = {"twin": "{/id}", "patch": {"/Temperature": "/value"}}
        tried = client.inputs.try_message(
            "in", '{"id": "nobody", "value": 1}', instead=("webhook", {"rules": [rule]})
        )
        assert tried["outcome"] == "rejected"
        assert tried["rules"][0]["twin"] == "nobody"

    def test_access(self, client: KastorClient) -> None:
        assert client.access()["auth"] == []
        assert client.check_access("role=Nobody", "query/action")["allowed"] is True

    def test_indexes(self, client: KastorClient) -> None:
        client.indexes.create("Temperature")
        assert client.indexes.list() == ["Temperature"]
        client.indexes.drop("Temperature")
        assert client.indexes.list() == []

    def test_graphs(self, client: KastorClient) -> None:
        name = fresh()
        assert client.graphs.create(name)["name"] == name
        other = client.graph(name)
        assert other.status()["counts"]["models"] == 0
        other.models.upload([PART_MODEL])
        assert [each["id"] for each in other.models.list()] == [PART_MODEL["@id"]]
        assert other.graphs.get(name)["state"] == "open"
        assert name in [each["name"] for each in other.graphs.list()]
        client.graphs.delete(name)
        with pytest.raises(NotFoundError):
            other.twins.get("a")

    def test_models_go_at_once(self, client: KastorClient) -> None:
        client.dry_run().models.delete_all()
        assert len(list(client.models.list())) == 2
        client.models.delete_all()
        assert list(client.models.list()) == []


class TestFollowing:
    def test_events_come_from_a_position_on(self, rooms: KastorClient) -> None:
        events = [each for page in rooms.events().pages(page_size=20) for each in page.events]
        created = [each for each in events if each["type"].endswith("Twin.Create")]
        assert len(created) == 30
        followed = iter(
            rooms.events(after=0, condition="type = 'Microsoft.DigitalTwins.Twin.Create'")
        )
        first, second = next(followed), next(followed)
        assert [first.event["id"], second.event["id"]] == [each["id"] for each in created[:2]]
        assert first.position < second.position

    def test_the_rows_of_a_query_are_followed(self, rooms: KastorClient) -> None:
        text = "SELECT T.$dtId, T.Temperature FROM DIGITALTWINS T WHERE T.Temperature > $most"
        updates = iter(rooms.live(text, {"most": 27}))
        added, ready = next(updates), next(updates)
        assert sorted(each.row["$dtId"] for each in added.rows) == ["r28", "r29"]
        assert (added.kind, ready.kind, ready.details["mode"]) == ("added", "ready", "incremental")
        rooms.twins.patch("r28", replace("/Temperature", 1))
        removed = next(updates)
        assert removed.kind == "removed"
        assert removed.rows[0].key in {each.key for each in added.rows}
        with pytest.raises(BadRequestError):
            next(iter(rooms.live("no query")))


class TestQueries:
    def test_parameters_warnings_and_plans(self, rooms: KastorClient) -> None:
        listing = rooms.query(f"{ALL} T WHERE T.Temperature < $t", {"t": 25}, page_size=10)
        pages = list(listing.pages())
        assert [len(page.items) for page in pages] == [10, 10, 5]
        assert len(listing.collect(12)) == 12
        (page,) = rooms.query(f"{ALL} T WHERE T.nothing = 1").pages()
        assert "nothing" in page.warnings[0]
        assert rooms.explain(f"{ALL} T WHERE T.Temperature < $t", {"t": 25})

    def test_tables_of_pandas(self, rooms: KastorClient) -> None:
        table = rooms.query(
            "SELECT T.$dtId AS id, T.Temperature AS t FROM DIGITALTWINS T"
        ).to_pandas()
        assert (list(table.columns), len(table), table["t"].sum()) == (["id", "t"], 30, 435)
        assert rooms.query(f"{ALL} T WHERE T.Temperature > 99").to_pandas().empty

    def test_tables_of_polars(self, rooms: KastorClient) -> None:
        table = rooms.query(
            "SELECT T.$dtId AS id, T.Temperature AS t FROM DIGITALTWINS T"
        ).to_polars()
        assert (table.columns, table.height, table["t"].sum()) == (["id", "t"], 30, 435)
        rooms.twins.patch("r00", replace("/Temperature", 0.5))
        mixed = rooms.query("SELECT T.Temperature AS t FROM DIGITALTWINS T").to_polars()
        assert mixed["t"].sum() == 435.5
        whole = rooms.query(ALL).to_polars(most=3)
        assert whole.height == 3
        assert rooms.query(f"{ALL} T WHERE T.Temperature > 99").to_polars().is_empty()

    def test_a_missing_library_is_named_with_its_extra(
        self, rooms: KastorClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for library in ("pandas", "polars"):
            monkeypatch.setitem(__import__("sys").modules, library, None)
            with pytest.raises(MissingExtraError, match=rf"'\.\[{library}\]'"):
                getattr(rooms.query(ALL), f"to_{library}")()


class TestDryRuns:
    def test_nothing_is_written(self, rooms: KastorClient) -> None:
        before = list(rooms.query(ALL))
        view = rooms.dry_run()
        assert view.twins.put("new", room(Temperature=3))["Temperature"] == 3
        patched = view.twins.patch("r00", replace("/Temperature", 3))
        assert patched.document is not None
        assert patched.document["Temperature"] == 3
        view.relationships.delete("r00", "next")
        assert view.batch([writes.put_twin("b", room())]).succeeded == 1
        job = view.jobs.wait(view.jobs.upload(b'{"Section":"Header"}\n{"fileVersion":"1.0.0"}\n'))
        assert (job.status, job.document["dryRun"]) == ("succeeded", True)
        with pytest.raises(NotFoundError):
            view.twins.delete("nobody")
        assert list(view.query(ALL)) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.batch([]),
        lambda client: client.jobs.upload(b""),
        lambda client: client.models.delete_all(),
        lambda client: list(client.query(ALL, {})),
        lambda client: client.update_many(ALL, [], at_most=1),
    ],
)
def test_what_the_profile_adt_lacks_is_not_sent(
    narrow: KastorServer, call: Callable[[KastorClient], object]
) -> None:
    with KastorClient(narrow.url) as client:
        assert "dry-run" in client.features()
        with pytest.raises(NotAnnouncedError):
            call(client)


def test_threads_share_a_client(kastor: KastorServer) -> None:
    kastor.reset()
    with KastorClient(kastor.url) as client, ThreadPoolExecutor(16) as threads:
        client.models.upload([ROOM_MODEL, PART_MODEL])

        def work(number: int) -> Any:
            name = f"t{number:03}"
            made = client.twins.put(name, room(Temperature=number), if_none_match="*")
            client.batch([writes.patch_twin(name, replace("/Temperature", -number))])
            if number % 8 == 0:
                with client.export(query=f"{ALL} T WHERE T.$dtId = '{name}'") as export:
                    assert len(list(export.lines())) == 4
            return made["$dtId"], client.twins.get(name)["Temperature"]

        found = list(threads.map(work, range(32)))
        assert found == [(f"t{number:03}", -number) for number in range(32)]
        assert len(list(client.query(ALL))) == 32


def test_tasks_share_a_client(kastor: KastorServer) -> None:
    kastor.reset()

    async def run() -> None:
        async with AsyncKastorClient(kastor.url) as client:
            await client.models.upload([ROOM_MODEL, PART_MODEL])

            async def work(number: int) -> Any:
                name = f"t{number:03}"
                made = await client.twins.put(name, room(Temperature=number), if_none_match="*")
                await client.batch([writes.patch_twin(name, replace("/Temperature", -number))])
                return made["$dtId"], (await client.twins.get(name))["Temperature"]

            found = await asyncio.gather(*(work(number) for number in range(100)))
            assert found == [(f"t{number:03}", -number) for number in range(100)]

    asyncio.run(run())
