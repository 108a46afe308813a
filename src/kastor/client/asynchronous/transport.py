"""Sends calls: the token, the retries, and the refusal of what the other side does not announce."""

from __future__ import annotations

import ssl
from asyncio import sleep
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import httpx2

from kastor.client import features
from kastor.client.address import read_address
from kastor.client.calls import HttpAnswer, HttpCall, Repetition
from kastor.client.credentials import Credential, TokenSource
from kastor.client.errors import (
    ClientError,
    OutcomeUnknownError,
    UnexpectedAnswerError,
    UnreachableError,
    seconds_to_wait,
    service_error,
)
from kastor.client.retries import Retries
from kastor.client.wire import API_VERSION, DRY_RUN_HEADER, head_of, reason_of, redirection

T = TypeVar("T")
_REDIRECTION, _REFUSAL = 300, 400


class AsyncTransport:
    """Connections to one address, shared by all that is called there.

    Attributes:
        address: of the graph and its server.
        is_dry_run: whether writes are only tried.
    """

    def __init__(
        self,
        url: str,
        credential: Credential | None,
        *,
        ca_file: Path | str | None = None,
        retries: Retries | None = None,
        seconds: float = 300.0,
    ) -> None:
        self.address = read_address(url)
        self.is_dry_run = False
        self.retries = retries or Retries()
        self._tokens = TokenSource(credential)
        self._features: frozenset[str] | None = None
        # Servers close a connection that was idle for some seconds; one that is used at that very
        # moment would leave a write in doubt.
        limits = httpx2.Limits(max_connections=64, max_keepalive_connections=64, keepalive_expiry=2)
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(seconds, connect=10.0),
            limits=limits,
            verify=ssl.create_default_context(cafile=ca_file),
            trust_env=not self.address.is_local,
        )

    def trying(self) -> AsyncTransport:
        """Return the same connections for calls that are only tried."""
        made = object.__new__(AsyncTransport)
        made.__dict__.update(self.__dict__)
        made.is_dry_run = True
        return made

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def features(self) -> frozenset[str]:
        """Return what the other side announces beyond the contract; asked once."""
        if self._features is None:
            self._features = await self._send(features.ROOT)
        return self._features

    async def send(self, call: HttpCall[T]) -> T:
        """Return the result of a call.

        Raises:
            ClientError: of the class that says what prevented it (`kastor.client.errors`).
        """
        await self._require(call)
        return await self._send(call)

    @asynccontextmanager
    async def stream(self, call: HttpCall[object]) -> AsyncIterator[httpx2.Response]:
        """Return a block in which the body of an answer is read as it comes.

        Only what fails before the body begins is tried again.
        """
        await self._require(call)
        answer = await self._open(call)
        try:
            yield answer
        except httpx2.TransportError as error:
            raise OutcomeUnknownError(
                f"The answer ended before it was whole: {reason_of(error)}."
            ) from error
        finally:
            await answer.aclose()

    async def _require(self, call: HttpCall[T]) -> None:
        if call.needs is None and not self.is_dry_run:
            return
        found = await self.features()
        if call.needs is not None:
            features.require(call.needs, found, self.address.graph)
        if self.is_dry_run:
            features.require(features.DRY_RUN, found, self.address.graph)

    async def _send(self, call: HttpCall[T]) -> T:
        answer = await self._open(call)
        try:
            body = await answer.aread()
        except httpx2.TransportError as error:
            raise _lost(call, error) from error
        finally:
            await answer.aclose()
        return call.decode(HttpAnswer(answer.status_code, _lower(answer.headers), body))

    async def _open(self, call: HttpCall[T]) -> httpx2.Response:
        """Return an answer that is no refusal, of which only the head was read."""
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = await self._http.send(await self._request(call), stream=True)
            except httpx2.TransportError as error:
                sent = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
                wait = self.retries.after_fault(_repeat(call), attempt, sent=sent)
                if wait is None:
                    raise self._fault(call, error, sent=sent) from error
            else:
                if answer.status_code < _REDIRECTION:
                    return answer
                wait = await self._refused(call, attempt, answer)
            await sleep(wait)

    async def _refused(self, call: HttpCall[T], attempt: int, answer: httpx2.Response) -> float:
        """Return the seconds after which to try again, or raise what the answer says."""
        status, headers = answer.status_code, _lower(answer.headers)
        if status < _REFUSAL:
            await answer.aclose()
            raise UnexpectedAnswerError(redirection(headers.get("location", "")))
        wait = self.retries.after_answer(_repeat(call), attempt, status, seconds_to_wait(headers))
        try:
            body = await answer.aread()
        except httpx2.TransportError:
            body = b""
        finally:
            await answer.aclose()
        if wait is None:
            raise service_error(status, headers, body)
        return wait

    async def _request(self, call: HttpCall[T]) -> httpx2.Request:
        headers = head_of(call)
        if (token := await self._tokens.next_awaited()) is not None:
            headers["Authorization"] = f"Bearer {token}"
        if self.is_dry_run and call.method != "GET":
            headers[DRY_RUN_HEADER] = "true"
        query = {"api-version": API_VERSION, **call.query}
        base = self.address.server if call.of_server else self.address.graph
        return self._http.build_request(
            call.method,
            f"{base}{call.path}",
            params={name: value for name, value in query.items() if value is not None},
            headers=headers,
            content=call.content,
        )

    def _fault(self, call: HttpCall[T], error: httpx2.TransportError, *, sent: bool) -> ClientError:
        if sent:
            return _lost(call, error)
        return UnreachableError(f"Nobody answers at {self.address.graph}: {reason_of(error)}.")


def _lost(call: HttpCall[T], error: httpx2.TransportError) -> ClientError:
    if call.repeat is Repetition.ALWAYS:
        return UnreachableError(f"The connection ended before the answer: {reason_of(error)}.")
    return OutcomeUnknownError(
        f"The connection ended before the answer ({reason_of(error)}): it may have been done or "
        "not. Read what is there before you do it again."
    )


def _repeat(call: HttpCall[T]) -> Repetition:
    if call.content is not None and not isinstance(call.content, bytes):
        return Repetition.NEVER
    return call.repeat


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
