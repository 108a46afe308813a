"""POSTs events over HTTP: CloudEvents structured, binary or in batches, or Event Grid's schema."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

import httpx2

from kastor.errors import InvalidArgument
from kastor.events.endpoint_kinds import WebhookEndpoint, check_http_url
from kastor.events.envelope import (
    BATCH_TYPE,
    JSON_TYPE,
    STRUCTURED_TYPE,
    batch,
    delivery_trace,
    event_grid,
    header_text,
    http_headers,
    structured,
)
from kastor.events.model import Delivered, DeliveryFault, Event
from kastor.events.sinks.lanes import Lanes
from kastor.events.sinks.signature import signature_headers, signing_key
from kastor.outside.bounds import EndpointPolicy
from kastor.outside.hiding import hide
from kastor.outside.http_client import GuardedTransport
from kastor.outside.secrets import SecretError, read_header, read_optional, read_text
from kastor.outside.trust import tls_context
from kastor.words import counted

ANSWER_BYTES = 65_536
"""An answer is read up to here, so that the connection can be used again; more closes it."""

LONGEST_RETRY = 86_400.0
"""Seconds that a receiver may ask to wait; a route waits no longer than its own longest pause."""

_LONGEST_DATE = 64
_SHOWN = 200
# The endpoint's trouble rather than the event's: it is busy, or does not know us (now).
_TRY_AGAIN = frozenset({401, 403, 404, 407, 408, 425, 429})


@dataclass(frozen=True, slots=True)
class _Target:
    """What the settings and their secrets come to."""

    client: httpx2.AsyncClient
    url: str
    headers: dict[str, str]
    key: bytes | None
    hidden: tuple[str, ...]


class WebhookSink:
    """Sends to one URL."""

    def __init__(self, name: str, endpoint: WebhookEndpoint, policy: EndpointPolicy) -> None:
        self._name = name
        self._endpoint = endpoint
        self._policy = policy
        self._lanes = Lanes(endpoint.concurrency, endpoint.timeout)
        self._target: _Target | None = None

    async def open(self) -> None:
        """Read the settings; connections are made with the first requests."""
        self._prepare()

    async def close(self) -> None:
        """Close the connections."""
        target, self._target = self._target, None
        if target is not None:
            await target.client.aclose()

    async def deliver(self, events: Sequence[Event]) -> Delivered:
        """Send; any 2xx confirms."""
        fault = self._prepare()
        if fault is not None:
            return Delivered(0, fault)
        if self._endpoint.batch > 1:
            return await self._deliver_batches(events)
        return await self._lanes.deliver(events, self._send)

    def _prepare(self) -> DeliveryFault | None:
        """Make the client, unless there is one; secrets and files are read here."""
        if self._target is None:
            try:
                self._target = self._make_target()
            except (SecretError, InvalidArgument, ValueError, OSError) as error:
                return DeliveryFault("unavailable", f"The webhook is not usable: {error}")
        return None

    def _make_target(self) -> _Target:
        endpoint = self._endpoint
        url = read_text(endpoint.url)
        check_http_url(url)
        self._policy.check_url(url)
        headers = {name: read_header(name, value) for name, value in endpoint.headers.items()}
        secret = read_optional(endpoint.secret)
        named = [endpoint.url, *endpoint.headers.values()]
        values = [url, *headers.values()]
        hidden = [each for each, of in zip(values, named, strict=True) if not isinstance(of, str)]
        if not isinstance(endpoint.url, str):  # libraries show the URL in parts
            hidden += [urlsplit(url).path.strip("/"), urlsplit(url).query]
        client = httpx2.AsyncClient(
            transport=GuardedTransport(
                tls_context(endpoint.ca_file), self._policy, endpoint.concurrency
            ),
            timeout=httpx2.Timeout(endpoint.timeout),
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": "kastor"},
        )
        key = None if secret is None else signing_key(secret)
        return _Target(client, url, headers, key, (*hidden, *([secret] if secret else [])))

    async def _send(self, event: Event) -> DeliveryFault | None:
        mode, trace = self._endpoint.mode, delivery_trace(event)
        if mode == "binary" or event.bare:
            return await self._post(event, trace, event.data, http_headers(event, trace))
        if mode == "structured":
            body, media_type = structured(event, trace), STRUCTURED_TYPE
        else:
            body, media_type = b"[%s]" % event_grid(event, trace, self._name), JSON_TYPE
        return await self._post(event, trace, body, {"content-type": media_type})

    async def _deliver_batches(self, events: Sequence[Event]) -> Delivered:
        deadline = time.monotonic() + self._endpoint.timeout
        size, at = self._endpoint.batch, 0
        while at < len(events):
            if at and time.monotonic() > deadline:
                return Delivered(at)
            part = events[at : at + size]
            fault = await self._send_batch(part)
            if fault is None:
                at += len(part)
            elif fault.kind == "refused" and len(part) > 1:
                size = 1  # one by one, so that the refusal finds its event
            else:
                return Delivered(at, fault)
        return Delivered(at)

    async def _send_batch(self, events: Sequence[Event]) -> DeliveryFault | None:
        traced = [(event, delivery_trace(event)) for event in events]
        if events[0].bare:
            body, media_type = b"[%s]" % b",".join(event.data for event in events), JSON_TYPE
        elif self._endpoint.mode == "eventgrid":
            forms = [event_grid(event, trace, self._name) for event, trace in traced]
            body, media_type = b"[%s]" % b",".join(forms), JSON_TYPE
        else:
            body, media_type = batch(traced), BATCH_TYPE
        first, trace = traced[0]
        return await self._post(first, trace, body, {"content-type": media_type})

    async def _post(
        self, event: Event, trace: str, body: bytes, headers: dict[str, str]
    ) -> DeliveryFault | None:
        target = self._target
        if target is None:
            return DeliveryFault("unavailable", "The webhook is closed.")
        headers |= {"traceparent": trace, **target.headers}
        if target.key is not None:
            message_id = header_text(event.id)
            headers |= signature_headers(target.key, message_id, int(time.time()), body)
        try:
            # httpx's time-outs are for each read and write; this one is for the whole exchange.
            async with asyncio.timeout(self._endpoint.timeout):
                return await self._exchange(target, body, headers)
        except (TimeoutError, httpx2.TimeoutException):
            return DeliveryFault(
                "unavailable", f"No answer within {counted(self._endpoint.timeout, 'second')}."
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it may show a secret
            why = str(error) or type(error).__name__
            return DeliveryFault(
                "unavailable", hide(f"{_origin(target.url)}: {why}", target.hidden)
            )

    async def _exchange(
        self, target: _Target, body: bytes, headers: dict[str, str]
    ) -> DeliveryFault | None:
        async with target.client.stream(
            "POST", target.url, content=body, headers=headers
        ) as response:
            answer = await _answer(response)
            if response.is_success:
                return None
            reason = f"{_origin(target.url)} answered {response.status_code}"
            # Cut afterwards: half a secret would not be recognised.
            shown = hide(answer.decode("utf-8", "replace").strip(), target.hidden)[:_SHOWN]
            wait = _retry_after(response.headers.get("retry-after"))
            return DeliveryFault(
                _kind(response.status_code), f"{reason}: {shown}".rstrip(": "), wait
            )


def _kind(status: int) -> Literal["unavailable", "refused"]:
    refused = 400 <= status < 500 and status not in _TRY_AGAIN  # noqa: PLR2004 - HTTP's own
    return "refused" if refused else "unavailable"


async def _answer(response: httpx2.Response) -> bytes:
    answer = b""
    async for part in response.aiter_raw():
        answer += part
        if len(answer) > ANSWER_BYTES:
            break
    return answer


def _origin(url: str) -> str:
    """The URL without path and query, which may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header, a number or a date, within LONGEST_RETRY; raises nothing."""
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), LONGEST_RETRY)  # of very many digits: infinity
    try:
        until = parsedate_to_datetime(text[:_LONGEST_DATE])
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        seconds = (until - datetime.now(UTC)).total_seconds()
    except Exception:  # noqa: BLE001 - a stranger's text, and the parser raises all kinds
        return None
    return min(max(0.0, seconds), LONGEST_RETRY)
