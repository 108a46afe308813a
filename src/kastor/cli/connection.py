"""The server that a command talks to, and what it does when that does not answer as hoped.

A command names a parameter of type `Connection`, and has the flags that make one by that.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from kastor.cli.output import Exit, fail

if TYPE_CHECKING:
    from kastor.cli.contexts import SavedContext
    from kastor.client import AsyncKastorClient, ClientError, KastorClient

T = TypeVar("T")
DEFAULT_URL = "http://127.0.0.1:8080"
UrlOption = Annotated[
    str | None,
    typer.Option(
        envvar="KASTOR_URL",
        help="Address of the server, or of a graph of it: http://HOST/graphs/NAME.",
        metavar="URL",
        show_default=f"that of the context, else {DEFAULT_URL}",
    ),
]
ContextOption = Annotated[
    str | None,
    typer.Option(
        envvar="KASTOR_CONTEXT",
        help="A saved address; see `kastor context`.",
        metavar="NAME",
    ),
]
CaFileOption = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        envvar="KASTOR_CA_FILE",
        help="Certificate to trust, for --tls-dev servers.",
    ),
]


@dataclass(frozen=True, slots=True)
class Connection:
    """What the flags say of the server that is meant."""

    url: str | None = None
    context: str | None = None
    ca_file: Path | None = None

    @contextlib.contextmanager
    def client(self) -> Iterator[KastorClient]:
        """Return a block with a client; whatever goes wrong in it ends the command in words."""
        from kastor.client import KastorClient

        with told(), self._made(KastorClient) as made:
            yield made

    @contextlib.asynccontextmanager
    async def async_client(self) -> AsyncIterator[AsyncKastorClient]:
        """Return such a block for asyncio; of several tasks in it one that failed is told."""
        from kastor.client import AsyncKastorClient

        made = self._made(AsyncKastorClient)
        with told():
            async with made:
                yield made

    def run(self, work: Callable[[AsyncKastorClient], Awaitable[T]]) -> T:
        """Return what an asynchronous function makes of a client, with a loop of its own."""
        import asyncio

        async def block() -> T:
            async with self.async_client() as client:
                return await work(client)

        return asyncio.run(block())

    def _made(self, kind: Callable[..., T]) -> T:
        from kastor.cli.access import credential_of
        from kastor.cli.patience import Prompt

        saved = self._saved()
        url = self.url or (saved.url if saved else DEFAULT_URL)
        ca_file = self.ca_file or (Path(saved.ca_file) if saved and saved.ca_file else None)
        try:
            return kind(url, credential_of(saved, url), ca_file=ca_file, retries=Prompt())
        except ValueError as error:
            fail(f"{error} Name it with --url, --context or KASTOR_URL.", Exit.USAGE)
        except OSError as error:
            fail(f"The certificates of {ca_file} cannot be used: {error.strerror}.", Exit.USAGE)

    def _saved(self) -> SavedContext | None:
        """Return the context that is meant; its token is for its own address alone."""
        from kastor.cli.contexts import load_contexts

        if self.url:
            return None
        contexts = load_contexts()
        name = self.context or contexts.current
        return None if name is None else contexts.get(name)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Return a block that ends the command with the words and status of what a client raises.

    Also where several tasks raised: with the first that is no consequence of the others.
    """
    from kastor.client import ClientError

    try:
        yield
    except ClientError as error:
        end_with(error)
    except ExceptionGroup as group:
        first = _first(group)
        if isinstance(first, ClientError):
            end_with(first)
        raise first from None


def _first(group: ExceptionGroup[Exception]) -> Exception:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, ExceptionGroup) else found


def end_with(error: ClientError) -> NoReturn:
    """End the command with the words and the exit status of what a client raised."""
    from kastor.client import (
        AccessError,
        ConflictError,
        NotFoundError,
        PreconditionError,
        UnreachableError,
    )

    words, status = str(error), Exit.FAULT
    match error:
        case NotFoundError():
            status = Exit.NOT_FOUND
        case ConflictError() | PreconditionError():
            status = Exit.CONFLICT
        case AccessError():
            from kastor.cli.access import words_of

            words, status = words_of(error), Exit.NO_ACCESS
        case UnreachableError():
            words += " Is this the address? It is named with --url, --context or KASTOR_URL."
            status = Exit.UNREACHABLE
        case _:
            pass
    fail(words, status)
