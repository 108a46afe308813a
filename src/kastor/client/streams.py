"""The calls whose answers are read as they come: exports, backups, events, live queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kastor.client import features
from kastor.client.calls import (
    NDJSON,
    Document,
    HttpAnswer,
    HttpCall,
    Repetition,
    encoded,
    nothing,
    read,
)
from kastor.client.errors import StreamRefusedError, UnexpectedAnswerError
from kastor.client.lines import ServerEvent, decoded

SILENCE = 60.0
"""Seconds without a sign of life, which comes every 15, before a stream counts as lost."""


_MODELS = "models"


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event of the graph.

    Attributes:
        position: of the feed; whoever follows after it gets what comes next.
        event: the CloudEvent (`docs/reference/events.md`).
    """

    position: int
    event: Document


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some events of the feed.

    Attributes:
        events: the CloudEvents.
        following: the position after which the next page begins.
    """

    events: list[Document]
    following: int


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A row of a live query.

    Attributes:
        key: what the row is known by; hashable.
        row: its values; empty where it was removed.
    """

    key: str
    row: Document


@dataclass(frozen=True, slots=True)
class LiveUpdate:
    """What became of the rows of a live query.

    Attributes:
        kind: `added`, `changed`, `removed`; `ready` once the result is complete.
        rows: that it is about.
        position: of the feed, whose state is told.
        details: of `ready`: `mode`, `why`, `warnings`.
    """

    kind: str
    rows: list[LiveRow]
    position: int
    details: Document


def export(query: str | None, since: int | None, flags: Mapping[str, bool]) -> HttpCall[None]:
    """Kastor_Export."""
    wanted = {name: "true" for name, is_set in flags.items() if is_set}
    asked = {"query": query, "since": None if since is None else str(since), **wanted}
    return read("/kastor/v1/export", nothing, query=asked, needs=features.EXPORT)


def backup() -> HttpCall[None]:
    """Kastor_Backup."""
    return read("/kastor/v1/backup", nothing, needs=features.BACKUP)


def follow_events(after: int | str | None, condition: str) -> HttpCall[None]:
    """Kastor_Events, as a stream."""
    return HttpCall(
        *("GET", "/kastor/v1/events", nothing),
        {"after": None if after is None else str(after), "filter": condition, "format": "sse"},
        repeat=Repetition.ALWAYS,
        needs=features.FEED,
        silence=SILENCE,
    )


def events_page(after: int | str, condition: str, size: int | None) -> HttpCall[FeedPage]:
    """Kastor_Events, as a page."""
    return read(
        "/kastor/v1/events",
        _feed_page,
        query={"after": str(after), "filter": condition, "format": "ndjson"},
        headers={"Accept": NDJSON, "max-items-per-page": None if size is None else str(size)},
        needs=features.FEED,
    )


def follow_query(text: str, parameters: Mapping[str, object] | None) -> HttpCall[None]:
    """Kastor_LiveQuery; it changes nothing, so that it is repeated as a read is."""
    given = {} if parameters is None else {"parameters": dict(parameters)}
    return HttpCall(
        *("POST", "/kastor/v1/query/live", nothing),
        content=encoded({"query": text, **given}),
        repeat=Repetition.ALWAYS,
        needs=features.LIVE,
        silence=SILENCE,
    )


def feed_event(found: ServerEvent) -> FeedEvent | None:
    """Return the event of the graph that a stream told; None where it is a sign of life.

    So it is where the stream tells which models there are now.

    Raises:
        UnexpectedAnswerError: it is none.
    """
    if found.event == _MODELS:
        return None
    return FeedEvent(position_of(found), decoded(found.data)) if found.data else None


def position_of(found: ServerEvent) -> int:
    """Return where in the feed a stream is.

    Raises:
        UnexpectedAnswerError: it does not say it.
    """
    if not (found.id.isascii() and found.id.isdecimal() and len(found.id) < 20):  # noqa: PLR2004 - digits of an int64
        raise UnexpectedAnswerError("The stream does not say where in the feed it is.")
    return int(found.id)


def live_update(found: ServerEvent) -> LiveUpdate | None:
    """Return what a stream told of a live query; None where it is a sign of life.

    Raises:
        StreamRefusedError: the query cannot be followed any longer.
        UnexpectedAnswerError: it is no such thing.
    """
    if not found.data:
        return None
    document = decoded(found.data)
    if found.event == "error":
        error = document.get("error")
        told = error if isinstance(error, dict) else {}
        message = str(told.get("message", "The query cannot be followed any longer."))
        raise StreamRefusedError(200, str(told.get("code", "")), message, document=document)
    if found.event == "ready":
        return LiveUpdate("ready", [], position_of(found), document)
    rows = document.get("rows")
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise UnexpectedAnswerError("The stream of a live query tells of no rows.")
    return LiveUpdate(found.event, [_row(each) for each in rows], position_of(found), {})


def _row(found: Document) -> LiveRow:
    row = found.get("row")
    return LiveRow(encoded(found.get("id")).decode(), row if isinstance(row, dict) else {})


def _feed_page(answer: HttpAnswer) -> FeedPage:
    following = answer.headers.get("kastor-next-position", "")
    if not (following.isascii() and following.isdecimal()):
        raise UnexpectedAnswerError("The page of events does not say where the next one begins.")
    lines = answer.body.split(b"\n")
    return FeedPage([decoded(line) for line in lines if line], int(following))
