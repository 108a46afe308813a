"""An import whose server was killed between its end and the job's ends as it did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from kastor.errors import Unavailable
from kastor.graph.service import GraphService
from kastor.jobs.importing.kinds import UploadKind
from kastor.jobs.importing.spool import Spool
from kastor.jobs.kinds import Run
from kastor.records import SYSTEM
from kastor.storage.jobs import JobStatus
from kastor.types import override
from kastor.vectors.indexes import VectorIndexes
from tests.store.engines import Engine
from tests.store.graphs import hall

from .import_files import ALL_MODELS, ANN, EVERYTHING, HEADER, LIMITS, MODELS, TWINS, text_of, twin
from .service import ended, serving

pytestmark = pytest.mark.anyio
START = text_of(*HEADER, MODELS, *ALL_MODELS, TWINS, twin("a", hall()))


class Killed(UploadKind):
    """Its server is killed once, when all is done but the end of the job."""

    begun = 0

    @override
    async def run(self, run: Run) -> None:
        self.begun += 1
        try:
            await super().run(run)
        finally:
            if self.begun == 1:
                raise Unavailable("It was killed.")


async def parts(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        (b"", JobStatus.SUCCEEDED, None),
        (b"no JSON\n", JobStatus.FAILED, "ImportPartiallyFailed"),
    ],
)
async def test_it_ends_as_it_did(
    engine: Engine, tmp_path: Path, line: bytes, status: JobStatus, code: str | None
) -> None:
    store, spool = await engine.open(), Spool(tmp_path / "spool", 2**20)
    file = await spool.take(parts(START + line))
    indexes = VectorIndexes(store.vectors, store.ticker.age_now)
    kind = Killed(GraphService(store), spool, LIMITS, indexes)
    async with serving(store, kind) as jobs:
        asked = {"file": file.name, "permissions": EVERYTHING}
        await jobs.add("uploads", "one", asked, ANN)
        row = await ended(jobs, "one", "uploads")
        assert spool.size(file.name) is None
    assert (row.status, kind.begun) == (status, 2)
    found = None if row.error is None else msgspec.json.decode(row.error)["code"]
    assert found == code
    assert (await store.status(SYSTEM)).twins == 1
