"""The calls about the past of a graph (spec `decisions.md` 5, "History")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kastor.client import features
from kastor.client.calls import (
    Document,
    HttpCall,
    Repetition,
    document,
    encoded,
    nothing,
    read,
    segments,
)
from kastor.client.instants import Instant, instant_text, optional_text
from kastor.client.job_calls import begin
from kastor.client.job_state import JobState
from kastor.client.pages import ListingPage, decode_page

_OWN = "/kastor/v1"
_REVERT = f"{_OWN}/revert"


@dataclass(frozen=True, slots=True)
class Between:
    """Between which instants, both included; None: as far as there is anything."""

    start: Instant | None = None
    end: Instant | None = None

    def parameters(self) -> dict[str, str | None]:
        """Return them as parameters of an address."""
        return {"from": optional_text(self.start), "to": optional_text(self.end)}


@dataclass(frozen=True, slots=True)
class Buckets:
    """What a series tells of stretches of time.

    Attributes:
        width: such as `15m` or `1h`; None: no stretches, but the values themselves.
        aggregates: of `avg`, `min`, `max`, `last`, `count`; none: all of them.
        by_source_time: whether times are those that the sources gave.
    """

    width: str | None = None
    aggregates: Sequence[str] = ()
    by_source_time: bool = False

    def parameters(self) -> dict[str, str | None]:
        """Return them as parameters of an address."""
        return {
            "bucket": self.width,
            "agg": ",".join(self.aggregates) or None,
            "time": "source" if self.by_source_time else None,
        }


def twin_place(twin: str) -> str:
    """Return the path below which the past of a twin is."""
    return f"{_OWN}/digitaltwins{segments(twin)}"


def relationship_place(source: str, relationship: str) -> str:
    """Return the path below which the past of a relationship is."""
    return f"{twin_place(source)}/relationships{segments(relationship)}"


def entries(
    place: str, between: Between, *, as_patches: bool, newest_first: bool, size: int | None
) -> HttpCall[ListingPage[Document]]:
    """Kastor_TwinHistory and Kastor_RelationshipHistory."""
    query = {
        **between.parameters(),
        "as": "patch" if as_patches else None,
        "order": "desc" if newest_first else None,
        "limit": None if size is None else str(size),
    }
    return read(f"{place}/history", decode_page, query=query, needs=features.HISTORY)


def series(
    place: str, path: str, between: Between, buckets: Buckets, size: int | None
) -> HttpCall[ListingPage[Document]]:
    """Kastor_TwinSeries and Kastor_RelationshipSeries."""
    query = {"path": path, **between.parameters(), **buckets.parameters()}
    query["limit"] = None if size is None else str(size)
    return read(f"{place}/series", decode_page, query=query, needs=features.SERIES)


def telemetry_series(
    twin: str,
    path: str,
    component: str | None,
    between: Between,
    buckets: Buckets,
    size: int | None,
) -> HttpCall[ListingPage[Document]]:
    """Kastor_TwinSeries of kept telemetry."""
    query = {"telemetry": "true", "path": path or None, "component": component}
    query |= {**between.parameters(), **buckets.parameters()}
    query["limit"] = None if size is None else str(size)
    return read(f"{twin_place(twin)}/series", decode_page, query=query, needs=features.SERIES)


def query_series(
    text: str,
    parameters: Mapping[str, object] | None,
    between: Between,
    bucket: str,
    *,
    as_csv: bool,
) -> HttpCall[None]:
    """Kastor_QuerySeries; it changes nothing, so that it is repeated as a read is."""
    body = {"query": text, "parameters": parameters, "bucket": bucket, **between.parameters()}
    body["format"] = "csv" if as_csv else None
    return HttpCall(
        *("POST", f"{_OWN}/series", nothing),
        content=encoded({name: value for name, value in body.items() if value is not None}),
        repeat=Repetition.ALWAYS,
        needs=features.SERIES,
    )


def differences(
    between: Between, query: str | None, *, as_documents: bool = False
) -> HttpCall[None]:
    """Kastor_Differences."""
    asked = {**between.parameters(), "query": query, "as": "document" if as_documents else None}
    return read(f"{_OWN}/diff", nothing, query=asked, needs=features.DIFFERENCES)


@dataclass(frozen=True, slots=True)
class GoingBack:
    """What goes back to an instant.

    Attributes:
        as_of: the instant.
        twin: the one that goes back, with its relationships; or
        query: whose result does; neither: the whole graph.
        parameters: values for each `$name` in the query.
        atomic: whether all is done or nothing.
    """

    as_of: Instant
    twin: str | None = None
    query: str | None = None
    parameters: Mapping[str, object] | None = None
    atomic: bool = False

    def body(self) -> Document:
        """Return it as the body of a request."""
        body: Document = {"asOf": instant_text(self.as_of)}
        body |= {} if self.twin is None else {"twin": self.twin}
        body |= {} if self.query is None else {"query": self.query}
        body |= {} if self.parameters is None else {"parameters": dict(self.parameters)}
        return {**body, "atomic": True} if self.atomic else body


def revert(wanted: GoingBack, operation_id: str | None) -> HttpCall[JobState]:
    """Kastor_Revert."""
    return begin("reverts", _REVERT, wanted.body(), operation_id, features.REVERT)


def try_revert(wanted: GoingBack) -> HttpCall[None]:
    """Kastor_Revert as a dry run, whose answer is a stream of differences."""
    content = encoded(wanted.body())
    return HttpCall("POST", _REVERT, nothing, content=content, needs=features.REVERT)


def history_status() -> HttpCall[Document]:
    """Kastor_History."""
    return read(f"{_OWN}/history", document, needs=features.HISTORY_SETTINGS)


def put_history_settings(settings: Document) -> HttpCall[Document]:
    """Kastor_HistorySettings; a repeated one does the same."""
    return HttpCall(
        *("PUT", f"{_OWN}/history", document),
        content=encoded(settings),
        repeat=Repetition.RECOGNISED,
        needs=features.HISTORY_SETTINGS,
    )
