"""`kastor twin delete`: a twin, with its relationships where that is wished."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.given import confirm, one_of
from kastor.cli.output import Exit, Output, OutputOption, fail
from kastor.cli.progress import rows_shown
from kastor.cli.twin_flags import DryRun, ETag, Twin, TwinFlag, Yes
from kastor.cli.written import tell_gone
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kastor.client import AsyncKastorClient, ServiceError

Ends = tuple[str, str]
"""Source and id of a relationship."""


def delete(
    connection: Connection,
    twin: Twin = None,
    with_relationships: Annotated[
        bool,
        typer.Option(
            "--with-relationships", help="Delete its relationships first, to it and from it."
        ),
    ] = False,
    etag: ETag = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    twin_flag: TwinFlag = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Delete a twin. It asks first.

    A twin with relationships stays, unless --with-relationships says that those go too.
    """
    identifier = one_of(twin, twin_flag, "The twin's id", "--twin-id")
    more = " with its relationships" if with_relationships else ""
    confirm(f"Delete the twin {identifier}{more}?", yes=yes or dry_run)

    async def work(client: AsyncKastorClient) -> int:
        tried = client.dry_run() if dry_run else client
        if not with_relationships:
            await _delete_alone(tried, identifier, etag)
            return 0
        return await _delete_with_all(client, tried, identifier, etag)

    gone = connection.run(work)
    what = f"The twin {identifier}"
    what += f" with {counted(gone, 'relationship')}" if with_relationships else ""
    with_it = {"relationships": gone} if with_relationships else None
    tell_gone({"$dtId": identifier}, what, output, dry_run=dry_run, with_it=with_it)


async def _delete_alone(client: AsyncKastorClient, twin: str, etag: str | None) -> None:
    from kastor.client import BadRequestError

    try:
        await client.twins.delete(twin, if_match=etag)
    except BadRequestError as error:
        if error.code != "RelationshipsNotDeleted":
            raise
        fail(f"{error.message}\n--with-relationships deletes them too.", Exit.CONFLICT)


async def _delete_with_all(
    client: AsyncKastorClient, tried: AsyncKastorClient, twin: str, etag: str | None
) -> int:
    """Delete the relationships of a twin, and then the twin; return how many those were."""
    found = await client.twins.get(twin)
    if etag not in (None, "*", found["$etag"]):
        # Its relationships are no part of a twin's version: they would go before that is compared.
        fail(f"{twin} is another version than {etag}: it is {found['$etag']}.", Exit.CONFLICT)
    gone = await _delete_relationships(client, tried, twin)
    if not (tried is not client and gone):
        # A dry run would meet the relationships that are there still.
        await tried.twins.delete(twin, if_match=etag)
    return gone


async def _delete_relationships(
    client: AsyncKastorClient, tried: AsyncKastorClient, twin: str
) -> int:
    from kastor.client import NotFoundError
    from kastor.moving.parallel import for_each

    gone = 0
    refused: list[ServiceError] = []

    def done(_: Ends, error: ServiceError | None) -> None:
        nonlocal gone
        if error is None:
            gone += 1
            show("relationships", gone, None)
        elif not isinstance(error, NotFoundError):
            refused.append(error)

    with ExitStack() as stack:
        show = rows_shown(stack)
        await for_each(_ends(client, twin), lambda each: tried.relationships.delete(*each), done)
    if refused:
        raise refused[0]
    return gone


async def _ends(client: AsyncKastorClient, twin: str) -> AsyncIterator[Ends]:
    async for each in client.relationships.list(twin):
        yield twin, each["$relationshipId"]
    async for each in client.relationships.incoming(twin):
        yield each["$sourceId"], each["$relationshipId"]
