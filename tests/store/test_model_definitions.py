"""Models that earlier versions took, one id with two definitions, and all models away at once."""

from __future__ import annotations

import asyncio
import json

import pytest

from kastor.errors import KastorError, ModelRefused
from kastor.graph import commands as c
from kastor.hosting.assembly import _tell_of_interfaces_inside
from kastor.records import SYSTEM, ChangeKind
from tests.logged import logged

from .engines import Engine
from .graphs import HALL, HALL_MODEL, ROOM_MODEL, THERMOSTAT_MODEL, Graph, hall, interface, prop

pytestmark = pytest.mark.anyio

OUTER, INNER, SHARED = "dtmi:s:Outer;1", "dtmi:s:Inner;1", "dtmi:s:Shared;1"
HOLDS = interface(
    OUTER,
    {"@type": "Component", "name": "part", "schema": interface(INNER, prop("p", "string"))},
)


async def store_as_before(graph: Graph, *models: dict[str, object]) -> None:
    """Stores models without the check, as a server did that knew less."""
    items = tuple((str(model["@id"]), json.dumps(model).encode()) for model in models)
    await graph.execute(c.UploadModels(items, graph.service.catalog.epoch))


def enum(name: str) -> dict[str, object]:
    values = [{"name": name, "enumValue": name}]
    return {"@id": SHARED, "@type": "Enum", "valueSchema": "string", "enumValues": values}


async def test_a_stored_model_with_an_interface_inside_stays_as_it_was(
    engine: Engine, empty: Graph
) -> None:
    await store_as_before(empty, HOLDS, HALL_MODEL)
    await empty.put("h", hall(seats=1))
    await empty.store.close()
    again = Graph(await engine.open(), engine.history())
    catalog = again.service.catalog
    assert catalog.with_interfaces_inside() == [OUTER]
    assert again.service.model(OUTER, SYSTEM).document() == HOLDS
    with pytest.raises(KastorError, match="Invalid twin specified"):
        await again.put("t", {"$metadata": {"$model": OUTER}})
    await again.put("h", hall(seats=2))
    await again.upload(interface("dtmi:s:Below;1", extends=OUTER))
    with pytest.raises(ModelRefused) as caught:
        await again.upload(interface(INNER, prop("p", "string")))
    assert OUTER in caught.value.message
    # The cure that the start and the refusals name.
    await again.execute(c.DeleteModel("dtmi:s:Below;1"))
    await again.execute(c.DeleteModel(OUTER))
    parts = {"@type": "Component", "name": "part", "schema": INNER}
    await again.upload(interface(INNER, prop("p", "string")), interface(OUTER, parts))
    body = {"$metadata": {"$model": OUTER}, "part": {"$metadata": {}, "p": "x"}}
    await again.put("t", body)


async def test_the_start_tells_of_models_with_interfaces_inside(empty: Graph) -> None:
    await empty.upload(HALL_MODEL)
    with logged() as logs:
        _tell_of_interfaces_inside(empty.service.catalog)
    assert logs == []
    more = [HOLDS | {"@id": f"dtmi:s:More{n};1"} for n in range(4)]
    await store_as_before(empty, HOLDS, *more)
    with logged() as logs:
        _tell_of_interfaces_inside(empty.service.catalog)
    [entry] = logs
    assert (entry["log_level"], entry["count"], entry["first"][0]) == ("warning", 5, OUTER)
    assert len(entry["first"]) == 3
    assert "upload the inner interfaces as models of their own" in entry["event"]


async def test_stored_models_that_share_an_id_stay_usable_each_by_itself(empty: Graph) -> None:
    one = interface("dtmi:s:One;1", prop("p", SHARED), schemas=[enum("a")])
    two = interface("dtmi:s:Two;1", prop("p", SHARED), schemas=[enum("b")])
    await store_as_before(empty, one, two)
    await empty.put("a", {"$metadata": {"$model": "dtmi:s:One;1"}, "p": "a"})
    await empty.put("b", {"$metadata": {"$model": "dtmi:s:Two;1"}, "p": "b"})
    await empty.upload(HALL_MODEL)
    with pytest.raises(ModelRefused, match=r"dtmi:s:(One|Two);1"):
        await empty.upload(interface("dtmi:s:Three;1", prop("p", SHARED), schemas=[enum("c")]))


async def test_of_many_definitions_of_one_id_at_once_one_is_stored(empty: Graph) -> None:
    results = await asyncio.gather(
        *(empty.upload(interface(f"dtmi:s:M{n};1", schemas=[enum(f"v{n}")])) for n in range(12)),
        return_exceptions=True,
    )
    lost = [each for each in results if isinstance(each, ModelRefused)]
    assert (len(lost), len(empty.service.catalog.models)) == (11, 1)
    [stored] = empty.service.catalog.models
    assert all(stored in each.message for each in lost)


async def test_all_models_go_in_one_change(engine: Engine, empty: Graph) -> None:
    await empty.upload(ROOM_MODEL, HALL_MODEL, THERMOSTAT_MODEL)
    await empty.put("h", hall(seats=1))
    epoch = empty.service.catalog.epoch
    await empty.execute(c.DeleteAllModels())
    assert empty.service.catalog.models == {}
    assert empty.service.catalog.epoch == epoch + 1
    deleted = [each for each in empty.history.log() if each.kind == ChangeKind.MODEL_DELETE]
    assert (len(deleted), len({each.time for each in deleted})) == (3, 1)
    assert not any(each.notify for each in deleted)
    assert len({each.valid_to for each in empty.history.uploads()}) == 1
    assert (await empty.service.twin("h", SYSTEM)).version == 1
    await empty.store.close()
    again = Graph(await engine.open(), engine.history())
    assert again.service.catalog.models == {}
    assert again.service.catalog.epoch == epoch + 1
    await again.upload(HALL_MODEL)
    await again.patch("h", {"op": "replace", "path": "/seats", "value": 2})
    assert (
        again.service.model(HALL, SYSTEM).key == (await again.service.twin("h", SYSTEM)).model_key
    )


async def test_many_models_go_together_with_uploads_at_once(empty: Graph) -> None:
    await empty.upload(*(interface(f"dtmi:s:Many{n};1") for n in range(300)))
    await asyncio.gather(
        empty.execute(c.DeleteAllModels()),
        *(empty.upload(interface(f"dtmi:s:New{n};1")) for n in range(5)),
        empty.execute(c.DeleteAllModels()),
    )
    left = empty.service.catalog.models
    assert not any("Many" in model_id for model_id in left)
    # Nothing half done: what is left is what the store has.
    assert len([each for each in empty.history.uploads() if each.valid_to is None]) == len(left)
    await empty.execute(c.DeleteAllModels())
    assert empty.service.catalog.models == {}
