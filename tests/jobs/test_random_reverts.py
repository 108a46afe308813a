"""Random histories, each taken back to random states of its past; both engines."""

from __future__ import annotations

import contextlib
import os
import random
from typing import Any

import orjson
import pytest

from kastor.errors import KastorError
from kastor.graph import commands as c
from kastor.graph.patch import apply_operation, read_operations
from kastor.records import AsOf
from kastor.storage.jobs import JobStatus
from tests.history.steps import BEGINNING, CONTENTS, FIRST_MODELS, MODELS, TWINS, Write
from tests.store.engines import Engine
from tests.store.graphs import Document, Graph

from .revert_world import World, error_of
from .service import ANN

pytestmark = pytest.mark.anyio
SEEDS = int(os.environ.get("KASTOR_REVERT_SEEDS", "2"))
STEPS, STATES = 60, 4
KINDS = (
    *("put room", "put hall", "put suite", "patch", "patch", "patch back", "patch component"),
    *("migrate", "relate", "relate", "relate", "open", "unrelate", "delete", "delete"),
)
Content = dict[tuple[str, ...], Any]


class Somebody:
    """Writes whatever comes to mind; what the graph refuses is no matter."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, random.Random(seed)

    async def write(self) -> None:
        with contextlib.suppress(KastorError):
            if self.chance.random() < 0.1:
                await self.change_models()
                return
            twins = self.chance.choice(TWINS), self.chance.choice(TWINS)
            of = self.chance.choice("rs"), self.chance.randrange(4)
            name = self.chance.choice(("nextTo", "above"))
            write = Write(self.chance.choice(KINDS), *twins, *of, name)
            await self.world.service.execute(write.command(), ANN)

    async def change_models(self) -> None:
        model = self.chance.choice(MODELS)
        match self.chance.randrange(4):
            case 0:
                command = c.CommissionModel(model, in_service=self.chance.random() < 0.5)
                await self.world.service.execute(command, ANN)
            case 1:
                await self.world.service.execute(c.DeleteModel(model), ANN)
            case _:
                await self.world.graph.upload(self.chance.choice(CONTENTS[model]))


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_what_is_not_as_it_was_is_named(engine: Engine, seed: int) -> None:
    world = World(Graph(await engine.open(), engine.history()))
    await world.graph.upload(*FIRST_MODELS)
    for step in BEGINNING:
        if isinstance(step, Write):
            await world.service.execute(step.command(), ANN)
    somebody = Somebody(world, seed)
    states: list[tuple[AsOf, Content]] = [(await world.now(), await world.content())]
    for _ in range(STATES):
        for _ in range(STEPS // STATES):
            await somebody.write()
        states.append((await world.now(), await world.content()))
    for then, wanted in somebody.chance.sample(states, STATES):
        await assert_differences(world, then, wanted)
        row = await world.revert(then)
        named = await names_in_log(world, row)
        found = await world.content()
        if row.status is JobStatus.FAILED:
            assert error_of(row)["code"] == "RevertPartiallyFailed", row.error
            assert named
        different = {
            key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)
        }
        assert different <= named, row.error
        if not named:
            assert await world.tried(then) == []
        for _ in range(5):
            await somebody.write()


async def names_in_log(world: World, row: Any) -> set[tuple[str, ...]]:
    named: set[tuple[str, ...]] = set()
    for line in await world.log(row):
        told = line["details"]
        if told["kind"] == "model":
            named.add(("model", told["id"]))
        else:
            named.add(tuple(filter(None, (told.get("source"), told["id"]))))
    return named


async def assert_differences(world: World, then: AsOf, wanted: Content) -> None:
    """The lines make of the state of now what was written down of then, and in order."""
    content = await world.content()
    lines = await world.tried(then)
    order = [
        (("model", "twin", "relationship").index(line["kind"]), line.get("source", ""), line["id"])
        for line in lines
    ]
    assert order == sorted(order)
    for line in lines:
        kind, source, own = line["kind"], line.get("source"), line["id"]
        key = ("model", own) if kind == "model" else tuple(filter(None, (source, own)))
        if line["what"] == "removed":
            assert key in content
            del content[key]
        elif kind == "model":
            content[key] = (line["after"]["model"], line["after"]["decommissioned"])
        elif line["what"] == "added":
            assert key not in content
            content[key] = pruned(line["after"])
        else:
            content[key] = pruned(patched(content[key], line["patch"]))
    assert {key: pruned(each) for key, each in content.items()} == {
        key: pruned(each) for key, each in wanted.items()
    }


def patched(document: Document, patch: list[Document]) -> Document:
    made: Document = pruned(document)
    for operation in read_operations(tuple(patch)):
        apply_operation(made, operation)
    return made


def pruned(value: Any) -> Any:
    """A document whose `$metadata` has no entries that are empty without their times."""
    if not isinstance(value, dict):
        return value
    copied: Document = orjson.loads(orjson.dumps(value))
    for holder in (copied, *(each for each in copied.values() if isinstance(each, dict))):
        metadata = holder.get("$metadata")
        if isinstance(metadata, dict):
            for name in [name for name, entry in metadata.items() if entry == {}]:
                del metadata[name]
    return copied
