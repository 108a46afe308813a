"""Dry runs of imports: the whole file is judged, and nothing is changed."""

from __future__ import annotations

import pytest

from tests.store.graphs import Graph, edge, hall, room

from .import_files import (
    ALL_MODELS,
    ANN,
    HEADER,
    MODELS,
    RELATIONSHIPS,
    TWINS,
    Lines,
    import_lines,
    relationship,
    twin,
)
from .import_graphs import empty

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
    assert dry.error == real.error
    told = [[each["details"] for each in done.log] for done in (dry, real)]
    assert told[0] == told[1]


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
