"""Models: kept as uploaded, published before the outcome, uploads racing with each other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kastor.errors import Conflict, KastorError, NotFound, Unavailable
from kastor.graph import commands as c
from kastor.graph.models import StaleCatalogError
from kastor.records import SYSTEM, Context

from .engines import Engine
from .graphs import (
    HALL,
    HALL_MODEL,
    ROOM,
    ROOM_MODEL,
    THERMOSTAT,
    THERMOSTAT_MODEL,
    Graph,
    hall,
    interface,
    prop,
)

pytestmark = pytest.mark.anyio

WRITTEN = """{
   "@type" : "Interface", "@id":"dtmi:s:Odd;1",
  "@context": ["dtmi:dtdl:context;2"],  "displayName": "\\u00dcber \\ud83d\\ude00",
  "contents": [ {"@type":"Property","name":"p","schema":"double"} ]
}"""
ODD = "dtmi:s:Odd;1"


async def test_a_model_is_kept_as_the_text_that_was_uploaded(engine: Engine, empty: Graph) -> None:
    [stored] = await empty.upload(WRITTEN)
    assert stored.text.decode() == WRITTEN
    assert empty.service.model(ODD, SYSTEM).text.decode() == WRITTEN
    assert [each.text for each in empty.history.uploads()] == [WRITTEN]
    await empty.store.close()
    again = Graph(await engine.open(), engine.history())
    assert again.service.model(ODD, SYSTEM).text.decode() == WRITTEN
    assert again.service.model(ODD, SYSTEM) == stored


async def test_each_upload_of_an_id_is_a_row_and_the_key_stays(empty: Graph) -> None:
    first = (await empty.upload(HALL_MODEL))[0]
    await empty.execute(c.DeleteModel(HALL))
    with pytest.raises(NotFound):
        empty.service.model(HALL, SYSTEM)
    other = interface(HALL, prop("other", "string"))
    second = (await empty.upload(other))[0]
    assert second.key == first.key
    rows = empty.history.uploads()
    assert [(each.id, each.seq) for each in rows] == [(HALL, 1), (HALL, 2)]
    assert rows[0].valid_from == rows[0].uploaded == first.uploaded
    assert rows[0].valid_to is not None
    assert first.uploaded < rows[0].valid_to < second.uploaded
    assert rows[1].valid_to is None


async def test_a_model_that_comes_back_adopts_the_twins_it_left(empty: Graph) -> None:
    await empty.upload(HALL_MODEL)
    await empty.put("h", hall(seats=1))
    await empty.execute(c.DeleteModel(HALL))
    await empty.upload(HALL_MODEL)
    await empty.patch("h", {"op": "replace", "path": "/seats", "value": 2})
    row = await empty.service.twin("h", SYSTEM)
    assert row.model_key == empty.service.model(HALL, SYSTEM).key
    assert row.version == 2


async def test_a_model_compiled_before_its_deletion_is_not_used_after_it(empty: Graph) -> None:
    await empty.upload(HALL_MODEL)
    await empty.put("h", hall(seats=1))
    await empty.execute(c.DeleteModel(HALL))
    with pytest.raises(KastorError):
        await empty.put("h2", hall(seats=1))
    await empty.upload(interface(HALL, prop("other", "string")))
    with pytest.raises(KastorError):
        await empty.put("h2", hall(seats=1))
    await empty.put("h2", hall(other="x"))


async def test_out_of_service_and_back_is_stored_with_its_time(empty: Graph) -> None:
    await empty.upload(HALL_MODEL)
    await empty.execute(c.CommissionModel(HALL, False))
    assert empty.service.model(HALL, SYSTEM).decommissioned
    before, row = empty.history.uploads()
    assert row.decommissioned == row.valid_from == before.valid_to == empty.history.log()[-1].time
    with pytest.raises(KastorError, match="decommissioned"):
        await empty.put("h", hall())
    await empty.execute(c.CommissionModel(HALL, True))
    rows = empty.history.uploads()
    assert [(row.seq, row.decommissioned is None, row.valid_to is None) for row in rows] == [
        *((1, True, False), (2, False, False)),
        (3, True, True),
    ]
    await empty.put("h", hall())


async def test_the_models_of_one_upload_have_one_time_and_the_order_of_the_request(
    empty: Graph,
) -> None:
    stored = await empty.upload(ROOM_MODEL, HALL_MODEL, THERMOSTAT_MODEL)
    assert [each.id for each in stored] == [
        m["@id"] for m in (ROOM_MODEL, HALL_MODEL, THERMOSTAT_MODEL)
    ]
    assert len({each.uploaded for each in stored}) == 1
    assert len({each.valid_from for each in empty.history.uploads()}) == 1


async def test_a_refused_upload_stores_none_of_its_models(empty: Graph) -> None:
    await empty.upload(THERMOSTAT_MODEL)
    epoch = empty.service.catalog.epoch
    for models in (
        (HALL_MODEL, ROOM_MODEL | {"extends": "dtmi:s:Missing;1"}),
        (HALL_MODEL, {**THERMOSTAT_MODEL}),
        (HALL_MODEL, {"@id": "dtmi:s:Bad;1", "@type": "Interface"}),
    ):
        with pytest.raises(KastorError):
            await empty.upload(*models)
    assert [each.id for each in empty.history.uploads()] == [THERMOSTAT]
    assert list(empty.service.catalog.models) == [THERMOSTAT]
    assert empty.service.catalog.epoch == epoch


async def test_the_catalog_is_published_before_the_upload_is_acknowledged(empty: Graph) -> None:
    for n in range(30):
        model_id, epoch = f"dtmi:s:M{n};1", empty.service.catalog.epoch
        await empty.upload(interface(model_id))
        assert model_id in empty.service.catalog.models
        assert empty.service.catalog.epoch == epoch + 1
        await empty.put("t", {"$metadata": {"$model": model_id}})
        await empty.execute(c.DeleteModel(model_id))
        assert model_id not in empty.service.catalog.models


async def test_a_write_queued_behind_an_upload_already_sees_its_models(
    engine: Engine, empty: Graph
) -> None:
    if not engine.in_order:
        pytest.skip("commands in flight together have no order")
    text = b'{"@context":"dtmi:dtdl:context;2","@id":"dtmi:s:Odd;1","@type":"Interface"}'
    command = c.UploadModels(((ODD, text),), empty.service.catalog.epoch)
    results = await asyncio.gather(
        empty.execute(command), empty.put("t", {"$metadata": {"$model": ODD}})
    )
    assert [*results[0]] == [ODD]
    assert (await empty.service.twin("t", SYSTEM)).version == 1


async def test_an_upload_checked_against_an_older_catalog_is_refused_inside(empty: Graph) -> None:
    epoch = empty.service.catalog.epoch
    await empty.upload(HALL_MODEL)
    with pytest.raises(StaleCatalogError):
        await empty.execute(c.UploadModels(((ODD, WRITTEN.encode()),), epoch))
    assert [each.id for each in empty.history.uploads()] == [HALL]


async def test_many_uploads_at_once_all_succeed(empty: Graph) -> None:
    await asyncio.gather(
        *(empty.upload(interface(f"dtmi:s:A{n};1"), interface(f"dtmi:s:B{n};1")) for n in range(40))
    )
    assert len(empty.history.uploads()) == 80
    assert len(empty.service.catalog.models) == 80


async def test_of_many_uploads_of_one_id_exactly_one_succeeds(empty: Graph) -> None:
    results = await asyncio.gather(
        *(empty.upload(interface(ODD, prop(f"p{n}", "string"))) for n in range(20)),
        return_exceptions=True,
    )
    won = [each for each in results if isinstance(each, list)]
    lost = [each for each in results if isinstance(each, Conflict)]
    assert (len(won), len(lost)) == (1, 19)
    assert empty.service.model(ODD, SYSTEM).text == won[0][0].text


async def test_an_upload_is_checked_again_when_models_change_meanwhile(empty: Graph) -> None:
    # Somebody else's changes keep coming while the uploads are parsed.
    await empty.upload(HALL_MODEL)
    done = False

    async def disturb() -> None:
        # As fast as changes can be made, but never more than the upload is willing to repeat.
        for n in range(4):
            if not done:
                await empty.execute(c.CommissionModel(HALL, n % 2 == 1))

    disturbing = asyncio.create_task(disturb())
    await empty.upload(*(interface(f"dtmi:s:A{n};1") for n in range(10)))
    done = True
    await disturbing
    assert len(empty.service.catalog.models) == 11


async def test_an_upload_is_checked_again_when_what_it_needs_is_deleted_meanwhile(
    empty: Graph,
) -> None:
    await empty.upload(THERMOSTAT_MODEL)
    both: list[object] = await asyncio.gather(
        empty.upload(ROOM_MODEL), empty.execute(c.DeleteModel(THERMOSTAT)), return_exceptions=True
    )
    uploaded, deleted = both
    if deleted is None:
        assert isinstance(uploaded, KastorError)
        assert THERMOSTAT in uploaded.message
        assert empty.service.catalog.models == {}
    else:
        assert isinstance(deleted, Conflict)
        assert set(empty.service.catalog.models) == {THERMOSTAT, ROOM}


async def test_an_upload_that_is_overtaken_every_time_ends_as_unavailable(
    empty: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    await empty.upload(HALL_MODEL)
    check = empty.service._read_valid
    loop = asyncio.get_running_loop()

    def overtaken(text: bytes, documents: Any, catalog: Any) -> object:
        facts = check(text, documents, catalog)
        change = empty.execute(c.CommissionModel(HALL, True))
        asyncio.run_coroutine_threadsafe(change, loop).result()
        return facts

    monkeypatch.setattr(empty.service, "_read_valid", overtaken)
    with pytest.raises(Unavailable):
        await empty.upload(interface(ODD))
    monkeypatch.undo()
    await empty.upload(interface(ODD))


async def test_an_upload_is_acknowledged_even_if_its_model_is_deleted_at_once(
    empty: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = empty.service.execute
    deletions = []

    async def followed_by_deletion(command: c.Command[Any], context: Context) -> object:
        upload = asyncio.ensure_future(execute(command, context))
        deletions.append(asyncio.ensure_future(execute(c.DeleteModel(ODD), context)))
        return await upload

    monkeypatch.setattr(empty.service, "execute", followed_by_deletion)
    [stored] = await empty.upload(interface(ODD))
    await deletions[0]
    assert stored.id == ODD
    assert ODD not in empty.service.catalog.models
