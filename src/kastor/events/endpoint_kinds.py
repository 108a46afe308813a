"""The settings of every kind of endpoint; unknown ones and wrong types are refused."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, ClassVar, Literal, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Meta

from kastor.events.history_tables import ALL_TABLES, Format, HistoryTables, check_format
from kastor.events.templates import check_template
from kastor.outside.kinds import OutsideSettings, Port, Text
from kastor.outside.secrets import Secret, TextOrSecret
from kastor.types import override

Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=300)]
Concurrency: TypeAlias = Annotated[int, Meta(ge=1, le=1_000)]
Mode: TypeAlias = Literal["structured", "binary"]


class _Settings(OutsideSettings, frozen=True):
    """What all kinds of endpoints share.

    Attributes:
        format: what a message is: an event, or a row of Azure Digital Twins' data history.
        tables: which rows, and what their tables are called.
        removals: whether removals are rows too, and rows say what was done.
    """

    role: ClassVar[str] = "endpoint"
    format: Format = "cloudevents"
    tables: HistoryTables = ALL_TABLES
    removals: bool = False

    def __post_init__(self) -> None:
        check_format(self.format, self.tables, removals=self.removals)


class WebhookEndpoint(_Settings, frozen=True, kw_only=True):
    """POSTs events to a URL.

    Attributes:
        url: where to; a reference if it contains a secret.
        mode: structured, binary, or the schema of Event Grid.
        secret: key of the signature.
        headers: further request headers; values may be references.
        batch: events in one request; more than one needs a mode other than binary.
        concurrency: requests at a time; events of one twin never overtake each other.
        ca_file: authorities to trust instead of the system's.
    """

    kind: ClassVar[str] = "webhook"
    urls: ClassVar[tuple[str, ...]] = ("url",)
    url: TextOrSecret
    mode: Literal["structured", "binary", "eventgrid"] = "structured"
    secret: Secret | None = None
    headers: Annotated[dict[str, TextOrSecret], Meta(max_length=100)] = {}  # noqa: RUF012 - Structs copy it
    batch: Annotated[int, Meta(ge=1, le=1_000)] = 1
    concurrency: Concurrency = 16
    timeout: Seconds = 10.0
    ca_file: Text | None = None

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.url, str):
            if len(self.url) > _LONGEST_URL:
                raise ValueError(f"url: is longer than {_LONGEST_URL} characters")
            check_http_url(self.url)
        if self.format == "adt-history" and self.mode == "eventgrid":
            raise ValueError("mode: rows have no Event Grid form; leave it out")
        if self.batch > 1 and self.mode == "binary" and self.format == "cloudevents":
            raise ValueError("batch: binary mode has one event in a request")
        for name, value in self.headers.items():
            plain = value if isinstance(value, str) else ""
            if len(name) + len(plain) > _LONGEST_HEADER:
                raise ValueError(
                    f"headers: {name[:80]} is longer than {_LONGEST_HEADER} characters"
                )
            if not _is_token(name) or not plain.isprintable() or not plain.isascii():
                raise ValueError(f"headers: {name!r} is not a header that can be sent")
            if name.lower() in _OWN_HEADERS or name.lower().startswith(("ce-", "webhook-")):
                raise ValueError(f"headers: {name} is set by Kastor")


class KafkaEndpoint(_Settings, frozen=True, kw_only=True):
    """Produces to a topic of Kafka, or of Event Hubs through its Kafka endpoint.

    Attributes:
        max_bytes: larger events are refused; at most what the topic takes.
    """

    kind: ClassVar[str] = "kafka"
    brokers: Annotated[list[Text], Meta(min_length=1, max_length=100)]
    topic: Text
    mode: Mode = "binary"
    tls: bool = False
    ca_file: Text | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: Text | None = None
    password: Secret | None = None
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none"
    max_bytes: Annotated[int, Meta(ge=1_000, le=100_000_000)] = 1_000_000
    timeout: Seconds = 10.0

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        _check_login(self.username, self.password)


class MqttEndpoint(_Settings, frozen=True, kw_only=True):
    """Publishes to an MQTT 5 broker with QoS 1."""

    kind: ClassVar[str] = "mqtt"
    host: Text
    port: Port | None = None
    topic: Text = "kastor/{twin}/{type}"
    mode: Mode = "binary"
    client_id: Text | None = None
    tls: bool = False
    ca_file: Text | None = None
    username: Text | None = None
    password: Secret | None = None
    concurrency: Concurrency = 64
    timeout: Seconds = 10.0

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        check_template("topic", self.topic)
        if set("+#\0") & set(self.topic):
            raise ValueError("topic: a topic to publish to has no '+' and no '#'")
        _check_login(self.username, self.password)


class AmqpEndpoint(_Settings, frozen=True, kw_only=True):
    """Publishes to an exchange of RabbitMQ (AMQP 0-9-1).

    Attributes:
        mandatory: an event that no queue takes is an error, not dropped.
        unroutable: what such an event is: tried again, or a dead letter.
    """

    kind: ClassVar[str] = "amqp"
    url: Text
    exchange: Annotated[str, Meta(max_length=255)] = ""
    routing_key: Text = "{type}"
    mode: Mode = "binary"
    mandatory: bool = True
    unroutable: Literal["unavailable", "refused"] = "unavailable"
    ca_file: Text | None = None
    username: Text | None = None
    password: Secret | None = None
    concurrency: Concurrency = 64
    timeout: Seconds = 10.0

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        _check_url("url", self.url, ("amqp", "amqps"))
        check_template("routing_key", self.routing_key)
        _check_login(self.username, self.password)


class NatsEndpoint(_Settings, frozen=True, kw_only=True):
    """Publishes to a JetStream stream of NATS.

    Attributes:
        stream: the stream that must take the events; none: whichever has the subject.
        credentials: a credentials file (JWT and seed), by reference to a file.
    """

    kind: ClassVar[str] = "nats"
    servers: Annotated[list[Text], Meta(min_length=1, max_length=100)]
    subject: Text = "kastor.{twin}.{type}"
    mode: Mode = "binary"
    stream: Text | None = None
    ca_file: Text | None = None
    username: Text | None = None
    password: Secret | None = None
    token: Secret | None = None
    credentials: Secret | None = None
    concurrency: Concurrency = 64
    timeout: Seconds = 10.0

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        for server in self.servers:
            _check_url("servers", server, ("nats", "tls"))
        check_template("subject", self.subject)
        if set(" \t\r\n*>") & set(self.subject):
            raise ValueError("subject: a subject to publish to has no blank, no '*' and no '>'")
        _check_login(self.username, self.password)
        if self.credentials is not None and self.credentials.file is None:
            raise ValueError('credentials: must be {"file": "/path"}')


class FileEndpoint(_Settings, frozen=True, kw_only=True):
    """Appends lines of JSON to a file.

    Attributes:
        max_bytes: size at which the file is put aside; 0: never.
        keep: how many files put aside are kept.
    """

    kind: ClassVar[str] = "file"
    files: ClassVar[tuple[str, ...]] = ("path",)
    path: Text
    max_bytes: Annotated[int, Meta(ge=0)] = 104_857_600
    keep: Annotated[int, Meta(ge=1, le=1_000)] = 10

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        if not PurePath(self.path).is_absolute():
            raise ValueError("path: must be absolute")


class StdoutEndpoint(_Settings, frozen=True, kw_only=True):
    """Prints lines of JSON to the standard output."""

    kind: ClassVar[str] = "stdout"


Endpoint: TypeAlias = (
    WebhookEndpoint
    | KafkaEndpoint
    | MqttEndpoint
    | AmqpEndpoint
    | NatsEndpoint
    | FileEndpoint
    | StdoutEndpoint
)

_LONGEST_URL, _LONGEST_HEADER = 2_048, 8_192
_OWN_HEADERS = frozenset({"content-type", "content-length", "host", "traceparent", "connection"})
_TOKEN_SIGNS = frozenset("!#$%&'*+-.^_`|~")


def check_http_url(url: str) -> None:
    """Refuse what is no http or https URL of a host; raises ValueError."""
    _check_url("url", url, ("http", "https"))
    # Steps upwards would leave the prefix that an allow-list has compared.
    steps = unquote(urlsplit(url).path).replace("\\", "/").split("/")
    if "." in steps or ".." in steps:
        raise ValueError("url: has no '.' and '..' in its path")


def _check_url(setting: str, url: str, schemes: tuple[str, ...]) -> None:
    parts = _split(setting, url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"{setting}: must be {schemes[0]}://host or {schemes[1]}://host")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{setting}: has no user and password; a secret is given by reference")


def _split(setting: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # is checked only when it is asked for
    except ValueError:
        raise ValueError(f"{setting}: is not a URL") from None
    if not url.isprintable() or " " in url:
        raise ValueError(f"{setting}: is not a URL")
    return parts


def _check_login(username: str | None, password: Secret | None) -> None:
    if password is not None and username is None:
        raise ValueError("username: is needed with a password")


def _is_token(name: str) -> bool:
    return bool(name) and all(
        char.isascii() and (char.isalnum() or char in _TOKEN_SIGNS) for char in name
    )
