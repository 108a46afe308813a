"""What of the settings the whole server keeps to, beside its graphs."""

from __future__ import annotations

from dataclasses import replace

from kastor.api.http.client_limits import ClientBounds
from kastor.api.http.limits import ADT_REQUEST_LIMITS, RequestLimits
from kastor.budget import StreamLimits
from kastor.config import Settings


def request_limits(settings: Settings) -> RequestLimits:
    """Return how large requests and pages may be."""
    if settings.profile == "adt":
        return replace(ADT_REQUEST_LIMITS, slow_query_seconds=settings.slow_query_seconds)
    return RequestLimits(
        body_bytes=settings.max_body_bytes,
        models_body_bytes=settings.max_models_body_bytes,
        batch_bytes=settings.max_batch_bytes,
        batch_operations=settings.max_batch_operations,
        slow_query_seconds=settings.slow_query_seconds,
        add_components=settings.absent_components == "empty",
    )


def client_bounds(settings: Settings) -> ClientBounds:
    """Return what one client may have of the process."""
    return ClientBounds(
        rate=settings.rate_limit,
        burst=settings.rate_burst,
        queries=settings.max_queries_per_client,
        failures=settings.failed_access_limit,
    )


def largest_body(limits: RequestLimits) -> int:
    """Return how many bytes the largest body of a request may have."""
    return max(limits.models_body_bytes, limits.batch_bytes)


def stream_limits(settings: Settings) -> StreamLimits:
    """Return what the open streams of the process may take."""
    return StreamLimits(
        places=settings.max_streams,
        places_each=settings.max_streams_per_client,
        size=settings.max_stream_bytes,
        size_each=settings.max_stream_bytes_per_client,
    )
