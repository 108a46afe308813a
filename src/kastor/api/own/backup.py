"""The backup of this server over HTTP: all graphs in one stream, without tokens and keys."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, StreamResponse
from kastor.auth.roles import Permission as P
from kastor.backup.stream import tar_chunks
from kastor.backup.writing import ShowGraph, ShownGraph

if TYPE_CHECKING:
    from kastor.budget import StreamShare
    from kastor.hosting.graphs import Graphs
    from kastor.hosting.services import Services
    from kastor.records import Context

MEDIA_TYPE = b"application/x-tar"


async def backup(services: Services, request: Request) -> StreamResponse:
    """Answer GET /kastor/v1/backup: a tar whose manifest comes last, so one cut off is known."""
    graphs = request.server.graphs
    names = [info.name for info in await graphs.infos()]
    for name in names:
        await graphs.named(name)  # one that cannot be opened is told before anything is sent
    shown = {name: partial(_show, graphs, name, request.context) for name in names}
    share = request.server.streams.enter(request.client)
    chunks = _stream(shown, services.store.engine.name, share)
    disposition = (b"content-disposition", b'attachment; filename="kastor-backup.tar"')
    return StreamResponse(chunks, MEDIA_TYPE, [disposition])


@contextlib.asynccontextmanager
async def _show(graphs: Graphs, name: str, context: Context) -> AsyncIterator[ShownGraph]:
    services = await graphs.named(name)
    async with services.store.snapshot(context) as snapshot:
        yield ShownGraph(snapshot, await snapshot.indexes())


async def _stream(
    shown: Mapping[str, ShowGraph], engine: str, share: StreamShare
) -> AsyncGenerator[bytes]:
    try:
        async with contextlib.aclosing(tar_chunks(shown, engine)) as chunks:
            async for chunk in chunks:
                yield chunk
    finally:
        share.leave()


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_Backup",
        "GET",
        "/kastor/v1/backup",
        P.BACKUP_READ,
        backup,
        "Back up all graphs of this server, as a tar without tokens and keys",
        versioned=False,
        streams=(MEDIA_TYPE.decode(),),
    ),
)
