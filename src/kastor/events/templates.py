"""Topics, routing keys and subjects with fields of the event: `kastor/{twin}/{type}`.

Fields: `{twin}` is the (source) twin's id, `{type}` the event's type, `{kind}` its last part or
two, such as `Twin.Update` or `telemetry`. Literal braces are doubled.
"""

from __future__ import annotations

from string import Formatter

from kastor.events.envelope import TELEMETRY
from kastor.events.model import Event

FIELDS = frozenset({"twin", "type", "kind"})


def check_template(setting: str, template: str) -> None:
    """Refuse a template with fields that events do not have; raises ValueError."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError:
        raise ValueError(f"{setting}: has a brace without its partner") from None
    for _, field, form, conversion in parts:
        if field is None:
            continue
        if field not in FIELDS or form or conversion:
            raise ValueError(f"{setting}: has the unknown field {{{field}}}; known: {_known()}")


def render(template: str, event: Event, escaped: str) -> str:
    """Fill in a template.

    Characters of the twin's id that have a meaning for the broker, those in `escaped`, and
    control characters are percent-encoded, and so is `%` itself, so that ids stay apart.
    """
    twin = event.key
    if not twin.isprintable() or not set(twin).isdisjoint(f"%{escaped}"):
        twin = "".join(
            char if char not in escaped and char != "%" and char.isprintable() else _encoded(char)
            for char in twin
        )
    kind = "telemetry" if event.type == TELEMETRY else ".".join(event.type.split(".")[-2:])
    return template.format(twin=twin, type=event.type, kind=kind)


def _encoded(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())


def _known() -> str:
    return ", ".join(f"{{{field}}}" for field in sorted(FIELDS))
