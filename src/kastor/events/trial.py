"""Sends one event to an endpoint, so that somebody sees whether it arrives; nothing is noted of it.

It takes the way of a route's events, through a sink of its own, and belongs to no change.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import uuid4

import orjson
from msgspec import structs

from kastor.clock import now_ticks, twin_time
from kastor.errors import KastorError
from kastor.events.endpoint_kinds import Endpoint
from kastor.events.envelope import JSON_TYPE
from kastor.events.model import DeliveryFault, Event, Sink
from kastor.outside.hiding import hide
from kastor.vital import attempt
from kastor.words import counted

TEST_TYPE = "Kastor.Endpoint.Test"
"""By it receivers tell a test from events of the graph."""
TEST_KEY = "kastor-test"
"""What stands where events have the id of their twin: keys, topics, subjects."""
SINK_SECONDS = 10.0
"""An endpoint's time-out, where its own is longer: somebody waits."""
LONGEST_SECONDS = 15.0
CLOSE_SECONDS = 3.0
_NAMED_APART = (
    f"The endpoint was reached; its keys and subjects are made of the test's own type {TEST_TYPE} "
    f"and of {TEST_KEY} instead of a twin's id. Events of routes have others, which may be taken."
)


@dataclass(frozen=True, slots=True)
class EndpointTrial:
    """What came of a test.

    Attributes:
        id: of the event that was sent.
        seconds: that it took.
        fault: why it was not delivered; None: the endpoint confirmed it.
    """

    id: str
    seconds: float
    fault: DeliveryFault | None


def in_haste(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that gives up while somebody still waits."""
    timeout = getattr(endpoint, "timeout", None)
    if timeout is None or timeout <= SINK_SECONDS:
        return endpoint
    return structs.replace(endpoint, timeout=SINK_SECONDS)


def trial_event(endpoint: str, host_name: str) -> Event:
    """Return an event that says of itself that it is a test."""
    data = {"test": True, "endpoint": endpoint, "message": "A test; nothing has changed."}
    return Event(
        id=str(uuid4()),
        type=TEST_TYPE,
        source=host_name,
        subject=endpoint,
        time=twin_time(now_ticks()),
        datacontenttype=JSON_TYPE,
        dataschema=None,
        traceparent=None,
        data=orjson.dumps(data),
        key=TEST_KEY,
        position=0,
    )


async def send_trial(make_sink: Callable[[], Sink], event: Event) -> EndpointTrial:
    """Send an event once; return what came of it, within LONGEST_SECONDS and the end of the sink.

    Raises nothing for trouble with the endpoint.
    """
    began = time.monotonic()
    fault = await _deliver(make_sink, event)
    seconds = round(time.monotonic() - began, 3)
    return EndpointTrial(event.id, seconds, None if fault is None else fault.shortened())


async def _deliver(make_sink: Callable[[], Sink], event: Event) -> DeliveryFault | None:
    sink: Sink | None = None
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            sink = make_sink()
            await sink.open()
            report = await sink.deliver([event])
    except TimeoutError:
        return DeliveryFault(
            "unavailable", f"No confirmation within {counted(LONGEST_SECONDS, 'second')}."
        )
    except KastorError as error:  # out of the operator's bounds, or a library is missing
        return DeliveryFault("refused", error.message)
    except Exception as error:  # noqa: BLE001 - whatever it is, it may show a secret
        return DeliveryFault("unavailable", hide(str(error) or type(error).__name__, ()))
    finally:
        if sink is not None:
            await attempt("sink", lambda: _close(sink), endpoint=event.subject)
    if report.confirmed:
        return None
    fault = report.fault or DeliveryFault("unavailable", "The endpoint did not confirm it.")
    return replace(fault, message=f"{fault.message}. {_NAMED_APART}") if fault.unroutable else fault


async def _close(sink: Sink) -> None:
    async with asyncio.timeout(CLOSE_SECONDS):
        await sink.close()
