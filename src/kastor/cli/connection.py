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
    from kastor.client import AsyncKastorClient, ClientError, KastorClient, ServiceError
    from kastor.client.address import Address

T = TypeVar("T")
_MOST_DETAILS = 20
DEFAULT_URL = "http://127.0.0.1:8080"


def _contexts() -> list[str]:
    """Return the names that a shell completes."""
    from kastor.cli.contexts import ContextsError, load_contexts

    try:
        return list(load_contexts().by_name)
    except ContextsError:
        return []


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
        autocompletion=_contexts,
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
    def client(self, *, patient: bool = False) -> Iterator[KastorClient]:
        """Return a block with a client; whatever goes wrong in it ends the command in words.

        Args:
            patient: whether a server that is not there is waited for, some seconds.
        """
        from kastor.client import KastorClient

        with told(), self._made(KastorClient, patient=patient) as made:
            yield made

    @contextlib.asynccontextmanager
    async def async_client(self, *, patient: bool = True) -> AsyncIterator[AsyncKastorClient]:
        """Return such a block for asyncio; of several tasks in it one that failed is told."""
        from kastor.client import AsyncKastorClient

        with told():
            async with self._made(AsyncKastorClient, patient=patient) as made:
                yield made

    def run(self, work: Callable[[AsyncKastorClient], Awaitable[T]]) -> T:
        """Return what an asynchronous function makes of a client, with a loop of its own."""
        import asyncio

        async def block() -> T:
            async with self.async_client() as client:
                return await work(client)

        return asyncio.run(block())

    @property
    def address(self) -> str:
        """The address of the graph."""
        return self._read().graph

    @property
    def server(self) -> str:
        """The address of the server, also where that of a graph of it was given."""
        return self._read().server

    def _read(self) -> Address:
        from kastor.client.address import read_address

        return read_address(self._url(self._saved()))

    def _url(self, saved: SavedContext | None) -> str:
        return self.url or (saved.url if saved else DEFAULT_URL)

    def _made(self, kind: Callable[..., T], *, patient: bool) -> T:
        from kastor.cli.access import credential_of
        from kastor.cli.patience import Prompt
        from kastor.client import Retries

        saved = self._saved()
        url = self._url(saved)
        ca_file = self.ca_file or (Path(saved.ca_file) if saved and saved.ca_file else None)
        retries = Retries() if patient else Prompt()
        try:
            return kind(url, credential_of(saved, url), ca_file=ca_file, retries=retries)
        except ValueError as error:
            fail(
                f"{error} Name it with --url, --context or KASTOR_URL, a token in KASTOR_TOKEN.",
                Exit.USAGE,
            )
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
    from kastor import client
    from kastor.cli.access import words_of

    words, status = str(error), Exit.FAULT
    match error:
        case client.NotFoundError():
            status = Exit.NOT_FOUND
        case client.ConflictError() | client.PreconditionError():
            status = Exit.CONFLICT
        case client.AccessError():
            words, status = words_of(error), Exit.NO_ACCESS
        case client.CredentialError():
            status = Exit.NO_ACCESS
        case client.UnreachableError():
            words += f" {_way_there(words)}"
            status = Exit.UNREACHABLE
        case client.UnsendableError():
            status = Exit.USAGE
        case _:
            pass
    if isinstance(error, client.ServiceError):
        words = "\n".join((words, *_details(error)))
    fail(words, status)


def _way_there(words: str) -> str:
    """Return what to do where nobody answers, or not in the way that was tried."""
    if "CERTIFICATE_VERIFY_FAILED" in words:
        return (
            "If it is the server that is meant, name its certificate with --ca-file or "
            "KASTOR_CA_FILE; `kastor serve --tls-dev` says where it is."
        )
    if "WRONG_VERSION_NUMBER" in words:
        return "It does not speak https there: write http:// in front of the address."
    return "Is this the address? It is named with --url, --context or KASTOR_URL."


def _details(error: ServiceError) -> Iterator[str]:
    """Yield a line for each further error, with the place that it is about."""
    for each in error.details[:_MOST_DETAILS]:
        if message := str(each.get("message") or ""):
            place = each.get("path") or each.get("target") or each.get("id")
            if message == error.message:  # the one problem, of which the place is new
                if place:
                    yield f"  at {place}"
            else:
                yield f"  {place}: {message}" if place else f"  {message}"
    if (left := len(error.details) - _MOST_DETAILS) > 0:
        yield f"  and {left} more"
