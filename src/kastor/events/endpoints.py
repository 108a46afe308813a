"""Endpoints: where events go. Settings come in, are checked, shown, and made into sinks."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, cast, get_args

import msgspec

from kastor.errors import InvalidArgument, KastorError
from kastor.events.endpoint_kinds import Endpoint
from kastor.events.model import Sink
from kastor.extras import install_extra
from kastor.outside.bounds import UNBOUNDED, EndpointPolicy
from kastor.outside.setting_places import setting_place
from kastor.wire_forms import learn

__all__ = [
    "KINDS",
    "Endpoint",
    "EndpointPolicy",
    "MissingLibrary",
    "describe",
    "make_sink",
    "read_endpoint",
    "require_library",
]

KINDS: dict[str, type[Endpoint]] = {each.kind: each for each in get_args(Endpoint)}
learn(*KINDS.values())
"""The kinds of endpoints and their settings."""


class MissingLibrary(KastorError):
    """The client library of a kind of endpoint is not installed."""

    default_code = "EndpointLibraryMissing"


@dataclass(frozen=True, slots=True)
class _Implementation:
    """Class of a kind's sink, and the package that it needs."""

    sink: str
    package: str | None = None


_SINKS = {
    "webhook": _Implementation("WebhookSink", "httpx2"),
    "kafka": _Implementation("KafkaSink", "confluent_kafka"),
    "mqtt": _Implementation("MqttSink", "paho"),
    "amqp": _Implementation("AmqpSink", "aio_pika"),
    "nats": _Implementation("NatsSink", "nats"),
    "file": _Implementation("FileSink"),
    "stdout": _Implementation("StdoutSink"),
}


def read_endpoint(
    kind: str, settings: Mapping[str, Any], policy: EndpointPolicy = UNBOUNDED
) -> Endpoint:
    """Return an endpoint of a kind from its settings.

    Raises:
        InvalidArgument: there is no such kind, or a setting is wrong, unknown, missing or out of
            the operator's bounds; the message names it.
    """
    form = KINDS.get(kind)
    if form is None:
        raise InvalidArgument(
            f"There is no kind of endpoint {kind[:40]!r}; there are {', '.join(sorted(KINDS))}."
        ).at(path="/kind")
    try:
        endpoint = msgspec.convert(dict(settings), form)
    except msgspec.ValidationError as error:
        place = setting_place(str(error))
        raise InvalidArgument(_explained(kind, str(error))).at(path=place) from None
    policy.check(endpoint)
    return endpoint


def describe(endpoint: Endpoint) -> dict[str, Any]:
    """Return the settings that differ from the defaults; secrets appear as references alone."""
    return cast("dict[str, Any]", msgspec.to_builtins(endpoint))


def require_library(kind: str) -> None:
    """Raise MissingLibrary unless the client library of a kind is installed."""
    package = _SINKS[kind].package
    if package is not None and find_spec(package) is None:
        raise MissingLibrary(
            f"Endpoints of kind {kind} need a library that is not installed: {install_extra(kind)}."
        )


def make_sink(name: str, endpoint: Endpoint, policy: EndpointPolicy = UNBOUNDED) -> Sink:
    """Return a sink for an endpoint; nothing is connected yet.

    Raises:
        MissingLibrary: the kind's client library is not installed.
        InvalidArgument: the endpoint is out of the operator's bounds.
    """
    policy.check(endpoint)
    require_library(endpoint.kind)
    module = importlib.import_module(f"kastor.events.sinks.{endpoint.kind}")
    make = getattr(module, _SINKS[endpoint.kind].sink)
    return cast("Sink", make(name, endpoint, policy))


def _explained(kind: str, message: str) -> str:
    """The words of msgspec with the setting's name in front."""
    what, found, path = message.partition(" - at `")
    name = path.rstrip("`").removeprefix("$").removeprefix(".")
    if what.startswith("Object contains unknown field `"):
        unknown = what.split("`")[1]
        where = f" in {name}" if name else ""
        return f"Endpoints of kind {kind} have no setting {unknown!r}{where}."
    if what.startswith("Object missing required field `"):
        return f"The setting {what.split('`')[1]} of the endpoint is missing."
    if found and name:
        return f"The setting {name} of the endpoint is wrong: {what}."
    return f"The settings of the endpoint are wrong: {what}."
