"""Lines of jobs' logs: whatever they quote, none is longer than one may be."""

from __future__ import annotations

import orjson

MOST_LINE_BYTES = 16_384
"""Of a line as it is written, where a character may take six bytes."""
_LENGTHS = (300, 100, 40)
"""Characters of each text of a line that would be too long, as few as it takes."""


def log_line(document: object) -> bytes:
    """Return a line; where it would be too long, all texts in it are cut."""
    line = orjson.dumps(document)
    for length in _LENGTHS:
        if len(line) <= MOST_LINE_BYTES:
            break
        line = orjson.dumps(_shortened(document, length))
    return line


def _shortened(value: object, length: int) -> object:
    match value:
        case str() if len(value) > length:
            return f"{value[:length]}..."
        case dict():
            return {name: _shortened(each, length) for name, each in value.items()}
        case list():
            return [_shortened(each, length) for each in value]
        case _:
            return value
