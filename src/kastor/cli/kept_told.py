"""How much of the past is kept, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.cli.instants import to_the_second

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.cli.rows import Document

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def lines_of(status: Document) -> Iterator[tuple[str, str]]:
    """Yield a name and a text for each line of a table."""
    from rich.filesize import decimal

    for name in ("oldest", "newest"):
        state = status[name]
        yield f"{name} state", f"{to_the_second(state['time'])}, change {state['change']}"
    versions = status["versions"]
    whole, packed = versions["wholeBytes"], versions["packedBytes"]
    yield "old versions", f"{versions['count']:,} ({decimal(whole + packed)})"
    yield "of them packed", f"{versions['packed']:,} ({decimal(packed)})"
    telemetry = status["telemetry"]
    yield "telemetry", f"{telemetry['count']:,} ({decimal(telemetry['bytes'])})"
    if upkeep := status.get("upkeep"):
        spent = f"{upkeep['pruningSeconds']:g} s pruning, {upkeep['packingSeconds']:g} s packing"
        yield "upkeep so far", spent
    kept = status["keeps"]
    yield "kept", _rule(kept["graph"])
    for model, rule in kept["models"].items():
        yield f"kept of {model}", _rule(rule)
    yield "kept of telemetry", _rule(kept["telemetry"])


def _rule(rule: Document) -> str:
    """Return how much is kept, as far as it is said."""
    from rich.filesize import decimal

    seconds, size = rule.get("seconds"), rule.get("bytes")
    if 0 in (seconds, size):
        return "nothing"
    told = [] if seconds is None else [_length(seconds)]
    return ", ".join(told + ([] if size is None else [f"up to {decimal(size)}"]))


def _length(seconds: float) -> str:
    for each, unit in _UNITS:
        if seconds >= each:
            return f"{seconds / each:g} {unit}"
    return f"{seconds:g} s"
