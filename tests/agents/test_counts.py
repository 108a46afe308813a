"""Numbers by model and name are the same whichever way they are counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from kastor.agents.caller import AgentCaller
from kastor.agents.tools.counting import count_all
from kastor.auth.roles import READER
from kastor.records import SYSTEM
from kastor.sample import graph

from .test_protocol import _graph

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_both_ways_of_counting_find_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = graph()
    models = Counter(each["$metadata"]["$model"] for each in made.twins)
    names = Counter(each["$relationshipName"] for each in made.relationships)

    async def look() -> None:
        async with _graph(tmp_path) as services:
            await services.sample.fill(SYSTEM)
            caller = AgentCaller("1", "anna", READER, "default", services)
            whole = len(made.twins), len(made.relationships)
            assert await count_all(caller, *whole) == (models, names)
            # A number that does not fit: somebody wrote meanwhile, or a name is declared no more.
            assert await count_all(caller, whole[0] + 1, whole[1] - 1) == (models, names)
            monkeypatch.setattr("kastor.agents.tools.counting.MOST_COUNTED", 0)
            assert await count_all(caller, *whole) == (models, names)
            monkeypatch.setattr("kastor.agents.tools.counting._COUNT_SECONDS", 0.0)
            assert await count_all(caller, *whole) == (None, None)

    asyncio.run(look())
