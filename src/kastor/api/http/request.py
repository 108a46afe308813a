"""A request as the handlers see it, and the answer they give.

Nothing is parsed that is not asked for; bodies are bounded before they are read.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Coroutine, MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from kastor.api.http.addressing import Addressed
from kastor.api.http.bodies import FREE_BYTES, BodyBudget
from kastor.api.http.clients import client_of
from kastor.api.http.codings import decoder_of
from kastor.api.http.entrance import refusal
from kastor.api.http.server_state import ServerState
from kastor.auth.actors import Actor
from kastor.auth.roles import Permission
from kastor.errors import Forbidden, InvalidArgument, KastorError, MediaTypeError
from kastor.graph.bodies import as_document, as_patch, parse_json, too_large
from kastor.graph.command import IfMatch
from kastor.graph.conditions import read_if_match, read_if_none_match
from kastor.graph.instants import Named, read_instant
from kastor.records import AsOf, Context, ReadFrom, Sees
from kastor.storage.placement import DEFAULT
from kastor.types import Document, Json

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]
Query: TypeAlias = dict[str, tuple[str, ...]]

T = TypeVar("T")

LARGE_BYTES = 65_536
"""From here on a body is decoded in a thread: looking at its depth takes a while."""
READ_HEADER = "kastor-read"
"""Where a request reads, see `kastor.records.ReadFrom`; other operations than reads ignore it."""
AS_OF_HEADER = "kastor-as-of"
"""The state of the past that a request reads; answers name it."""
AS_OF = "asOf"
"""The query parameter that does the same, for links."""
DRY_RUN_HEADER = "kastor-dry-run"
"""Whether a write is only judged; answers have it as well where it is."""

JSON_TYPE = b"application/json; charset=utf-8"
_JSON_HEADER = (b"content-type", JSON_TYPE)
_PATCH_WANTED = "a JSON Patch (an array of operations) as application/json-patch+json"
_BODY_TYPES = frozenset({"application/json", "application/json-patch+json", ""})


@dataclass(slots=True)
class Response:
    """Status, body and headers beyond Content-Type and Content-Length."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)
    content_type: tuple[bytes, bytes] | None = None


@dataclass(slots=True)
class StreamResponse:
    """An answer that is made while it is sent.

    It stops when its client goes, the server stops or `access_lost` returns.

    Attributes:
        farewell: makes the last chunk for a client that stopped reading; None: it gets none.
        access_lost: returns when the client may no longer have the stream.
        ends: it has an end of its own: cut off before it, the connection breaks, so that nobody
            takes the part for the whole.
    """

    chunks: AsyncIterator[bytes]
    content_type: bytes
    headers: Headers = field(default_factory=list)
    status: int = 200
    farewell: Callable[[KastorError], bytes] | None = None
    access_lost: Callable[[], Coroutine[Any, Any, None]] | None = None
    ends: bool = False


def different_instants() -> InvalidArgument:
    """Return the error of who names two instants at once."""
    return InvalidArgument(
        f"The header {AS_OF_HEADER} and the parameter {AS_OF} name different instants; send one "
        "of them."
    )


def json_response(body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> Response:
    """Return an answer of JSON text."""
    return Response(status, body, list(headers), _JSON_HEADER)


def etag_header(etag: str) -> tuple[bytes, bytes]:
    """Return the ETag header of a resource."""
    return b"etag", b'W/"' + etag.encode() + b'"'


MAX_PARAMETERS = 1_000
"""Of one query string; `dependenciesFor` may be repeated."""

_KEPT_QUERY_BYTES = 128


def parse_query(raw: bytes) -> Query:
    """Return the query parameters by their names in lower case: any case will do (decisions 1).

    Raises:
        InvalidArgument: there are more than MAX_PARAMETERS.
    """
    # Only the few short ones that most requests have are kept: others are as many as can be sent.
    return _kept_query(raw) if len(raw) <= _KEPT_QUERY_BYTES else _parse_query(raw)


def _parse_query(raw: bytes) -> Query:
    if raw.count(b"&") >= MAX_PARAMETERS:
        raise InvalidArgument(f"The address has more than {MAX_PARAMETERS} query parameters.")
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
        found.setdefault(name.lower(), []).append(value)
    return {name: tuple(values) for name, values in found.items()}


_kept_query = lru_cache(maxsize=256)(_parse_query)


_plain_context = lru_cache(maxsize=256)(Context)
"""Of requests that bring nothing but an actor; most reads do, and making one takes its time."""


class ClientGone(KastorError):
    """The client closed the connection before it had an answer; nothing is sent."""


class Request:
    """One request on its way through the operation's handler."""

    __slots__ = (
        *(
            "_addressed",
            "_bodies",
            "_context",
            "_has_turn",
            "_judged_on",
            "_kept",
            "_kept_for",
            "_query",
        ),
        *("_receive", "_scope", "_size", "_source", "actor", "api_version", "dry_run", "headers"),
        *("_at", "_sees", "parameters", "permissions", "required", "server", "warnings"),
    )

    def __init__(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        receive: Receive,
        parameters: tuple[str, ...],
        server: ServerState,
        bodies: BodyBudget | None = None,
        addressed: Addressed | None = None,
    ) -> None:
        self.server = server
        self.headers = headers
        self._scope = scope
        self._addressed = addressed
        self._query: Query | None = None
        self.parameters = parameters
        self.api_version = ""
        self.actor: Actor
        self.permissions: frozenset[Permission]
        self.required: tuple[Permission, ...] = ()
        self.warnings: list[str] | None = None
        self.dry_run = False
        self._receive = receive
        self._size = 0
        self._source = ReadFrom.PRIMARY
        self._at: AsOf | None = None
        self._sees: Sees | None = None
        self._context: Context | None = None
        self._bodies = bodies
        self._kept, self._kept_for = 0, ""
        self._has_turn = False

    def let_in(self, actor: Actor, graph: str | None) -> None:
        """Note who asks; `permissions` are what it may do on a graph, or on any (None)."""
        self.actor = actor
        self._judged_on = graph
        self.permissions = actor.somewhere() if graph is None else actor.on(graph)

    def limit_to(self, sees: Sees) -> None:
        """Let it see no more than this; before its context is made."""
        self._sees = sees

    @property
    def is_limited(self) -> bool:
        """Whether it may see some twins alone."""
        return self._sees is not None

    @property
    def is_let_in(self) -> bool:
        """Whether it is known who asks."""
        return hasattr(self, "actor")

    def require(self, *permissions: Permission) -> None:
        """Raise Forbidden unless the caller has further permissions, for what the body asks.

        They are noted in `required`: a stream ends when one of them is lost.
        """
        for each in permissions:
            if each not in self.permissions:
                raise self.refusal(each)
        self.required += permissions

    def refusal(self, permission: Permission) -> Forbidden:
        """Return the error of a permission that the caller lacks."""
        return refusal(self.actor, permission, self._judged_on)

    @property
    def graph(self) -> str:
        """The name of the graph that it is addressed to."""
        return DEFAULT if self._addressed is None else self._addressed.graph

    def warn(self, text: str) -> None:
        """Say something beside the answer, in its header `kastor-warning`."""
        if self.warnings is None:
            self.warnings = []
        self.warnings.append(text)

    @property
    def query(self) -> Query:
        """The query parameters, which nobody looks at before access is checked.

        Raises:
            InvalidArgument: there are too many.
        """
        if self._query is None:
            self._query = parse_query(self._scope["query_string"])
        return self._query

    @property
    def base_url(self) -> str:
        """What absolute links begin with, the graph's part of the address included."""
        return self.server.base_urls.of(self._scope, self.headers, self._addressed)

    @property
    def server_url(self) -> str:
        """What absolute links to what is the whole server's begin with."""
        return self.server.base_urls.of(self._scope, self.headers)

    def url(self) -> str:
        """Return the absolute address that was asked for, with its query."""
        path = (self._addressed.raw_path if self._addressed else b"").decode("latin-1")
        query = self._scope["query_string"].decode("latin-1")
        return f"{self.base_url}{path}?{query}" if query else f"{self.base_url}{path}"

    @property
    def context(self) -> Context:
        """What the request brings to every read and write; the same one each time."""
        made = self._context
        if made is None or made.size != self._size:  # the body was read meanwhile
            trace = self.headers.get(b"traceparent")
            if (
                trace is None
                and self._size == 0
                and self._source is ReadFrom.PRIMARY
                and not self.dry_run
                and self._at is None
                and self._sees is None
            ):
                made = _plain_context(self.actor.name)
            else:
                text = None if trace is None else trace.decode("latin-1")
                size, dry_run = self._size, self.dry_run
                made = Context(
                    *(self.actor.name, text, self._source, self._at, self._sees),
                    size=size,
                    dry_run=dry_run,
                )
            self._context = made
        return made

    @property
    def client(self) -> str:
        """By what requests, queries, streams and bodies of one client are counted together."""
        return client_of(self.actor, self._scope, self.headers, self.server.base_urls.trusted)

    def choose_source(self) -> None:
        """Let this request read where its header `kastor-read` says; before its context is made.

        Raises:
            InvalidArgument: the header has another value.
        """
        value = self.headers.get(READ_HEADER.encode())
        if value is None:
            return
        try:
            self._source = ReadFrom(value.decode("latin-1").strip().lower())
        except ValueError:
            known = ", ".join(each.value for each in ReadFrom)
            raise InvalidArgument(f"The header {READ_HEADER} takes one of: {known}.") from None

    @property
    def at(self) -> AsOf | None:
        """The state of the past that it reads; None: the present."""
        return self._at

    def read_past(self, at: AsOf | None) -> None:
        """Let this request read a state of the past; None: the present."""
        self._at = at
        self._context = None

    def asked_instants(self) -> list[Named]:
        """Return what the header `kastor-as-of` and the parameter `asOf` say, each once.

        One of each form may be there, a time and a change: links name the change while clients
        repeat their header. Whether they are of the same state is seen when they are resolved.

        Raises:
            InvalidArgument: it is no instant, or two of the same form differ.
        """
        header = self.headers.get(AS_OF_HEADER.encode())
        parameter = self.query.get(AS_OF.lower())
        found = []
        if header is not None:
            found.append(read_instant(header.decode("latin-1"), f"The header {AS_OF_HEADER}"))
        found += [read_instant(text, f"The parameter {AS_OF}") for text in parameter or ()]
        different = list(dict.fromkeys(found))
        if len(different) != len({each.time is None for each in different}):
            raise different_instants()
        return different

    def choose_dry_run(self, *, possible: bool) -> None:
        """Let this request write nothing if its header `kastor-dry-run` says so (decisions 5).

        Args:
            possible: whether the operation can be tried without being done.

        Raises:
            InvalidArgument: the header has another value than true or false, or it is not possible.
        """
        value = self.headers.get(DRY_RUN_HEADER.encode())
        if value is None:
            return
        text = value.decode("latin-1").strip().lower()
        if text not in ("true", "false"):
            raise InvalidArgument(
                f"The header {DRY_RUN_HEADER} is true or false. Nothing was changed."
            )
        if text == "true" and not possible:
            raise InvalidArgument(
                f"This operation has no dry run; leave out the header {DRY_RUN_HEADER} to do it. "
                "Nothing was changed."
            )
        self.dry_run = text == "true"

    @property
    def if_match(self) -> IfMatch | None:
        """The If-Match condition; raises InvalidArgument where it is malformed."""
        value = self.headers.get(b"if-match")
        return None if value is None else read_if_match(value.decode("latin-1"))

    @property
    def only_if_absent(self) -> bool:
        """Whether If-None-Match is `*`; raises InvalidArgument for anything else."""
        value = self.headers.get(b"if-none-match")
        return value is not None and read_if_none_match(value.decode("latin-1"))

    def first(self, name: str) -> str | None:
        """Return the first value of a query parameter."""
        values = self.query.get(name.lower())
        return values[0] if values else None

    @property
    def media_type(self) -> str:
        """The declared type of the body in lower case, without parameters."""
        declared = self.headers.get(b"content-type", b"").decode("latin-1")
        return declared.partition(";")[0].strip().lower()

    @property
    def declared_length(self) -> int | None:
        """Bytes that the body is said to have, as it comes; None where it is not said."""
        length = self.headers.get(b"content-length", b"")
        if b"content-encoding" in self.headers or not length.isdigit():
            return None
        return int(length)

    async def body(
        self, limit: int, types: Container[str] = _BODY_TYPES, wanted: str = "application/json"
    ) -> bytes:
        """Return the whole body; of JSON without a byte order mark (decisions 1).

        Args:
            limit: bytes.
            types: media types that are taken.
            wanted: the one that the error names.

        Raises:
            MediaTypeError: it is declared as something else than one of `types`.
            EncodingError: it is compressed in a way that is not taken.
            InvalidArgument: it is not what its content coding says.
            ClientGone: the client went away before the body's end.
            PayloadTooLarge: it has more than `limit` bytes, compressed or not.
            TooManyRequests: the bodies of all requests take too much.
        """
        if self.media_type not in types:
            raise MediaTypeError(
                f"The media type {self.media_type[:80]} is not supported; send {wanted}."
            )
        length = self.headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            raise too_large(limit)
        decoder = decoder_of(self.headers.get(b"content-encoding", b""), limit)
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone("The client went away before the end of its body.")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            more = message.get("more_body", False)
            if decoder is None:
                chunks.append(chunk)
            elif not await decoder.take(chunk):
                raise too_large(limit)
            self._keep(size if decoder is None else decoder.size)
        body = b"".join(chunks) if decoder is None else decoder.end()
        self._size = len(body)
        return body.removeprefix(codecs.BOM_UTF8) if types is _BODY_TYPES else body

    async def unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the work's result; when the client goes away, end the work instead.

        Raises:
            ClientGone: nobody is left to answer.
        """
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self._until_gone())
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise ClientGone("The client went away.")
            return task.result()
        finally:
            task.cancel()
            gone.cancel()

    async def _until_gone(self) -> None:
        # What comes first may be the body, where nobody has read it.
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _keep(self, size: int) -> None:
        """Count what the body takes so far; raises TooManyRequests."""
        more = size - FREE_BYTES - self._kept
        if more <= 0 or self._bodies is None:
            return
        self._kept_for = self._kept_for or self.client
        self._bodies.take(self._kept_for, more)
        self._kept += more

    def let_go(self) -> None:
        """Count the body no longer: it has been answered; doing so twice does no harm."""
        if self._bodies is None:
            return
        if self._kept:
            self._bodies.give_back(self._kept_for, self._kept)
            self._kept = 0
        if self._has_turn:
            self._has_turn = False
            self._bodies.turns.release()

    async def decoded(self, body: bytes) -> Json:
        """Return the decoded body, as `parse_json`; of a large one off the event loop, in turn.

        The turn ends with the request: until then the values are in memory.
        """
        if len(body) <= LARGE_BYTES:
            return parse_json(body)
        if self._bodies is not None and not self._has_turn:
            await self._bodies.turns.acquire()
            self._has_turn = True
        return await asyncio.to_thread(parse_json, body)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes, still compressed; for who keeps it elsewhere than in memory.

        Raises:
            ClientGone: the client went away before the body's end.
        """
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone("The client went away before the end of its body.")
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                self._size += len(chunk)
                yield chunk

    @contextlib.asynccontextmanager
    async def turn(self, body: bytes) -> AsyncIterator[None]:
        """Have one's turn, for a large body, no longer than this is entered."""
        if len(body) <= LARGE_BYTES or self._bodies is None:
            yield
            return
        async with self._bodies.turns:
            yield

    async def document(self, limit: int) -> Document:
        """Return a body that is a JSON object.

        Raises:
            BadRequest: there is no body.
            InvalidArgument: it is no JSON, or no object.
        """
        return as_document(await self.decoded(await self.body(limit)))

    async def patch(self, limit: int) -> tuple[Document, ...]:
        """Return a body that is a JSON Patch: an array of objects.

        Raises:
            BadRequest: there is no body.
            InvalidArgument: it is no JSON.
            JsonPatchInvalid: it is no array of objects.
        """
        value = await self.decoded(await self.body(limit, wanted=_PATCH_WANTED))
        return as_patch(value)
