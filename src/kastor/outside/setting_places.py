"""Where a setting of an endpoint or an input is wrong: a JSON pointer into the request's body."""

from __future__ import annotations

import re

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `([^`]+)`")
_NAMED = re.compile(r"(\w+): ")


def setting_place(message: str) -> str:
    """Return the pointer to what msgspec found wrong with `settings`.

    Args:
        message: of its ValidationError. It names a place, or begins with a field's name where a
            form has judged by itself; keys of maps are not in it, so that the map is meant.
    """
    what, _, rest = message.partition(" - at `$")
    where = rest.removesuffix("`")
    steps: list[str] = []
    at = 0
    while (match := _STEP.match(where, at)) is not None:
        steps.append(match[1] or match[2])
        at = match.end()
    field = _FIELD.match(what) or _NAMED.match(what)
    if field is not None:
        steps.append(field[1])
    return "".join(f"/{step}" for step in ("settings", *steps))
