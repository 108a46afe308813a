"""The bounds of connections and of heads of requests, and how many connections there may be."""

from __future__ import annotations

from dataclasses import dataclass

from kastor.logs import get_logger

MOST_DESCRIPTORS = 65_536
"""A hard limit may be endless, and so may be a table of descriptors."""

_log = get_logger("kastor.edge")


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """What a connection may cost; bytes and seconds.

    Attributes:
        target_bytes: of the request line's target.
        head_bytes: of a head as a whole, empty lines before it included.
        headers: in one head.
        framing_bytes: of chunk sizes, extensions and trailers beyond the bytes of the body itself.
        held_bytes: that all connections together keep of requests that wait for their turn.
        head_seconds: until a head is complete, from the connection or its first byte on.
        keep_alive_seconds: between an answer and the next request.
        body_seconds: without a byte of a body.
        body_rate: bytes of a body in a second, on average, once `body_seconds` are over.
        send_seconds: without a byte of an answer being taken.
        linger_seconds, linger_bytes: that are read and thrown away at the end of a connection,
            since one that is closed at once takes its last answer with it.
        connections: at once.
        connections_each: of these, those of one address; 0: any number.
        spare: connections beyond them, which only get to know the server's health.
    """

    target_bytes: int = 32_768
    head_bytes: int = 65_536
    headers: int = 128
    framing_bytes: int = 16_384
    held_bytes: int = 64_000_000
    head_seconds: float = 15.0
    keep_alive_seconds: float = 5.0
    body_seconds: float = 30.0
    body_rate: int = 1_000
    send_seconds: float = 60.0
    linger_seconds: float = 5.0
    linger_bytes: int = 150_000_000
    connections: int = 10_000
    connections_each: int = 0
    spare: int = 32


def raise_descriptor_limit() -> int | None:
    """Let this process have as many descriptors as it may; return how many, None if unknown."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    wanted = MOST_DESCRIPTORS if hard == infinite else min(hard, MOST_DESCRIPTORS)
    if soft == infinite:
        return MOST_DESCRIPTORS
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError) as error:
            _log.warning("the limit of open files stays", limit=soft, reason=str(error))
    return soft


def connection_limit(wanted: int, descriptors: int | None) -> int:
    """Return how many connections there may be, so that files and databases keep descriptors.

    Args:
        wanted: by the settings.
        descriptors: that the process may have.
    """
    if descriptors is None:
        return wanted
    kept = max(64, min(1_024, descriptors // 4))
    return max(1, min(wanted, descriptors - kept))
