"""Dry runs of imports: the whole file is judged, and nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import orjson
import pytest

from kastor.errors import Unavailable
from kastor.graph.service import GraphService
from kastor.jobs.importing import reading
from kastor.types import override
from tests.store.graphs import Graph, edge, hall, room

from .import_files import (
    ALL_MODELS,
    ANN,
    EVERYTHING,
    HEADER,
    MODELS,
    RELATIONSHIPS,
    TWINS,
    FileKind,
    Lines,
    import_lines,
    relationship,
    text_of,
    twin,
)
from .import_graphs import empty
from .service import ended, serving

__all__ = ["empty"]
pytestmark = pytest.mark.anyio

LINES: Lines = (
    *(*HEADER, MODELS, *ALL_MODELS, TWINS),
    *(twin("a", room(temperature=1)), twin("b", hall()), twin("bad", hall(colour="red"))),
    *(RELATIONSHIPS, relationship("a", "r", edge("b")), relationship("a", "s", edge("bad"))),
    *(relationship("a", "t", edge("b", Door="n")), b"{"),
)


async def test_a_dry_run_tells_what_the_import_then_does_and_changes_nothing(
    empty: Graph,
) -> None:
    dry = await import_lines(empty, *LINES, dry_run=True, job_id="dry")
    status = await empty.store.status(ANN)
    real = await import_lines(empty, *LINES, job_id="real")

    assert (status.models, status.twins, status.relationships, status.log_entries) == (0, 0, 0, 0)
    assert dry.counts == real.counts == (3, 2, 2, 3, 1)
    assert dry.lines() == real.lines()
    assert dry.lines("Warning") == real.lines("Warning")
    assert dry.error["code"] == real.error["code"]
    assert real.error["message"].startswith("The import took a part of the file")
    assert dry.error["message"].startswith("The import would take a part of the file")
    told = [[each["details"] for each in done.log] for done in (dry, real)]
    assert told[0][:-1] == told[1][:-1]
    assert told[0][-1]["status"] == told[1][-1]["status"] == "Failed"


async def test_a_dry_run_of_bad_models_ends_as_the_import_would(empty: Graph) -> None:
    bad = {"@id": "dtmi:s:Bad;1", "@type": "Interface"}
    dry = await import_lines(empty, *HEADER, MODELS, bad, TWINS, dry_run=True)

    assert (dry.status, dry.error["code"]) == ("failed", "DTDLParsingError")


async def test_a_dry_run_sees_the_graph_and_counts_what_would_be_replaced(empty: Graph) -> None:
    await import_lines(empty, *LINES)
    before = empty.history.log()
    dry = await import_lines(empty, *LINES, dry_run=True, job_id="dry")

    assert dry.progress["counts"]["replaced"] == 4
    assert empty.history.log() == before


async def test_a_dry_run_counts_what_would_be_the_same_as_before(empty: Graph) -> None:
    lines = (*HEADER, MODELS, *ALL_MODELS, TWINS, twin("a", room(temperature=1)), twin("b", room()))
    ends = (RELATIONSHIPS, relationship("a", "r", edge("b", door="north")))
    await import_lines(empty, *lines, *ends)
    same = await import_lines(empty, *lines, *ends, dry_run=True, job_id="same")
    other = (
        *(*HEADER, TWINS, twin("a", room(temperature=2)), twin("b", room()), twin("c", room())),
        *(RELATIONSHIPS, relationship("a", "r", edge("b", door="south"))),
    )
    changed = await import_lines(empty, *other, dry_run=True, job_id="changed")

    counts = [each.progress["counts"] for each in (same, changed)]
    assert [(each["replaced"], each["unchanged"]) for each in counts] == [(3, 3), (3, 1)]


class Crashing(FileKind):
    """A server that crashes far into the file, then, begun anew, near its beginning."""

    @override
    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        crash_at = {1: len(self.data) - 200, 2: len(self.data) // 2}.get(self.begun)
        for at in range(0, len(self.data), 50):
            if crash_at is not None and at >= crash_at:
                await asyncio.sleep(0.2)  # what was read before is done
                raise Unavailable("It crashed.")
            yield self.data[at : at + 50]


async def test_a_dry_run_that_crashed_twice_tells_of_each_line_once(
    empty: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_ENTRIES", 2)
    bad = (twin(f"bad-{n}", hall(colour="red")) for n in range(20))
    kind = Crashing(GraphService(empty.store), text_of(*HEADER, MODELS, *ALL_MODELS, TWINS, *bad))
    async with serving(empty.store, kind) as jobs:
        asked = {"permissions": EVERYTHING, "dryRun": True}
        await jobs.add("imports", "one", asked, ANN)
        await ended(jobs, "one", "imports")
        lines = [orjson.loads(each) for _, each in await jobs.lines("imports", "one", 0, 100, ANN)]
    told = [each["details"]["id"] for each in lines if "id" in each["details"]]
    assert (kind.begun, told) == (3, [f"bad-{n}" for n in range(20)])
