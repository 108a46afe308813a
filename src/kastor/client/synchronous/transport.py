# Made from `asynchronous` by `python3 dev client`; do not edit.
"""Sends calls: the token, the retries, and the refusal of what the other side does not announce."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import TypeVar

import httpx2

from kastor.client import features
from kastor.client.address import in_graph, read_address
from kastor.client.bodies import body_of, repetition
from kastor.client.calls import HttpAnswer, HttpCall, Repetition
from kastor.client.credentials import Credential, TokenSource
from kastor.client.errors import (
    AnswerLostError,
    ClientError,
    OutcomeUnknownError,
    ServiceError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsendableError,
    seconds_to_wait,
    service_error,
)
from kastor.client.retries import Retries
from kastor.client.synchronous.connection import HttpConnections
from kastor.client.wire import (
    DRY_RUN_HEADER,
    MOST_BYTES,
    MOST_SECONDS,
    head_of,
    lower,
    moved,
    parameters_of,
    require_past,
    require_rehearsed,
    told_lost,
    told_reason,
)

T = TypeVar("T")
_REDIRECTION, _REFUSAL = 300, 400
_UNSENT = (
    *(httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError),
    *(httpx2.UnsupportedProtocol, httpx2.LocalProtocolError),
)


class Transport:
    """All that is called at one address goes through here.

    Attributes:
        address: of the graph and its server.
        is_dry_run: whether writes are only tried.
        retries: when a call is sent again.
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
        self._tokens = TokenSource(credential, self.address)
        self._connection = HttpConnections(self.address, ca_file, seconds)

    def trying(self) -> Transport:
        """Return the same connections for calls that are only tried."""
        made = copy.copy(self)
        made.is_dry_run = True
        return made

    def in_graph(self, name: str) -> Transport:
        """Return the same connections for another graph of the server."""
        made = copy.copy(self)
        made.address = in_graph(self.address, name)
        return made

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    def features(self, *, younger_than: float | None = None) -> features.Announced:
        """Return what the other side announces beyond the contract; asked once a minute.

        Args:
            younger_than: seconds, where a minute is too long ago.
        """
        limits = {} if younger_than is None else {"younger_than": younger_than}
        found = self._connection.announced(**limits)
        if found is None:
            try:
                found = self._send(features.ROOT)
            except (ServiceError, UnexpectedAnswerError) as error:
                found = features.refused(error)
            self._connection.note(found)
        return found

    def send(self, call: HttpCall[T]) -> T:
        """Return the result of a call.

        Raises:
            ClientError: of the class that says what prevented it (`kastor.client.errors`).
        """
        self._require(call)
        return self._send(call)

    @contextmanager
    def stream(self, call: HttpCall[None]) -> Iterator[httpx2.Response]:
        """Return a block in which the body of an answer is read as it comes.

        Only what fails before the body begins is tried again.
        """
        self._require(call)
        answer = self._open(call)
        try:
            yield answer
        except httpx2.RequestError as error:
            raise UnreachableError(
                f"The answer ended before it was whole: {told_reason(error)}."
            ) from error
        finally:
            answer.close()

    def _require(self, call: HttpCall[T]) -> None:
        needed = [] if call.needs is None else [call.needs]
        needed += [features.DRY_RUN] if self.is_dry_run else []
        needed += [features.AS_OF] if call.as_of is not None else []
        if not needed:
            return
        found = self.features()
        if not found.names.issuperset(needed):
            found = self.features(younger_than=1.0)  # it may be another server by now
        for feature in needed:
            features.require(feature, found, self.address.graph)

    def _send(self, call: HttpCall[T]) -> T:
        attempt = 0
        while True:
            attempt += 1
            answer = self._open(call)
            try:
                body = self._whole(answer)
            except httpx2.RequestError as error:
                wait = self.retries.after_fault(self._repeat(call), attempt, sent=True)
                if wait is None:
                    raise self._lost(call, error) from error
            else:
                return call.decode(HttpAnswer(answer.status_code, lower(answer.headers), body))
            sleep(wait)

    def _whole(self, answer: httpx2.Response) -> bytes:
        """Return the body of an answer, which is closed then."""
        body, until = bytearray(), time.monotonic() + MOST_SECONDS
        try:
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > MOST_BYTES or time.monotonic() > until:
                    raise UnexpectedAnswerError("The answer is too long to be one.")
        finally:
            answer.close()
        return bytes(body)

    def _open(self, call: HttpCall[T]) -> httpx2.Response:
        """Return an answer that is no refusal, of which only the head was read."""
        attempt, place, hops, is_sent = 0, "", 0, False
        while True:
            attempt += 1
            request = self._request(call, place)
            try:
                answer = self._connection.http().send(request, stream=True)
            except httpx2.RequestError as error:
                sent = not isinstance(error, _UNSENT)
                is_sent |= sent
                wait = self.retries.after_fault(self._repeat(call), attempt, sent=sent)
                if wait is None:
                    raise self._fault(call, error, sent=is_sent) from error
            else:
                if answer.status_code < _REDIRECTION:
                    return self._accepted(call, answer)
                if answer.status_code < _REFUSAL:
                    answer.close()
                    place, hops, attempt = moved(call, answer, hops), hops + 1, attempt - 1
                    continue
                wait = self._refused(call, attempt, answer)
            sleep(wait)

    def _accepted(self, call: HttpCall[T], answer: httpx2.Response) -> httpx2.Response:
        try:
            if self._is_tried(call):
                require_rehearsed(answer.headers)
            if call.as_of is not None:
                require_past(answer.headers)
        except ClientError:
            answer.close()
            raise
        return answer

    def _refused(self, call: HttpCall[T], attempt: int, answer: httpx2.Response) -> float:
        """Return the seconds after which to try again, or raise what the answer says."""
        status, headers = answer.status_code, lower(answer.headers)
        asked = seconds_to_wait(headers)
        wait = self.retries.after_answer(self._repeat(call), attempt, status, asked)
        try:
            body = self._whole(answer)
        except (httpx2.RequestError, UnexpectedAnswerError):
            body = b""  # its status says enough
        if wait is None:
            raise service_error(status, headers, body)
        return wait

    def _request(self, call: HttpCall[T], place: str) -> httpx2.Request:
        headers = head_of(call)
        if (token := self._tokens.next()) is not None:
            headers["Authorization"] = f"Bearer {token}"
        if self._is_tried(call):
            headers[DRY_RUN_HEADER] = "true"
        base = self.address.server if call.of_server else self.address.graph
        http = self._connection.http()
        try:
            return http.build_request(
                *(call.method, place or f"{base}{call.path}"),
                params=None if place else parameters_of(call),
                headers=headers,
                content=body_of(call.content),
                timeout=_patience(http.timeout, call.silence),
            )
        except httpx2.InvalidURL as error:
            raise UnsendableError(f"This makes no address: {error}.") from None

    def _is_tried(self, call: HttpCall[T]) -> bool:
        return self.is_dry_run and call.method != "GET"

    def _repeat(self, call: HttpCall[T]) -> Repetition:
        """Return when a call may be sent again; what is only tried changes nothing."""
        found = repetition(call)
        if self._is_tried(call) and found is not Repetition.NEVER:
            return Repetition.ALWAYS
        return found

    def _fault(self, call: HttpCall[T], error: Exception, *, sent: bool) -> ClientError:
        if sent:
            return self._lost(call, error)
        return UnreachableError(f"Nobody answers at {self.address.graph}: {told_reason(error)}.")

    def _lost(self, call: HttpCall[T], error: Exception) -> ClientError:
        if call.repeat is Repetition.ALWAYS or self._is_tried(call):
            return UnreachableError(
                f"The connection ended before the answer: {told_reason(error)}."
            )
        if call.repeat is Repetition.RECOGNISED:
            return AnswerLostError(told_lost(error, "The same may be sent again."))
        return OutcomeUnknownError(told_lost(error))


def _patience(timeout: httpx2.Timeout, silence: float | None) -> httpx2.Timeout:
    return timeout if silence is None else httpx2.Timeout(silence, connect=timeout.connect)
