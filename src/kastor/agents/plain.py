"""JSON texts for language models: compact, and nothing in them that a person would not see.

Values of the graph are other people's texts. Characters that steer a display or are not seen at
all (controls, directions, zero width, tags) are written as escapes, which leaves the JSON's
meaning and takes away what they do.
"""

from __future__ import annotations

import json
import re

import orjson

from kastor.types import Json

_UNSEEN = re.compile(
    "[\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ASTRAL = 0x10000


def plain(value: Json) -> str:
    """Return a value as compact JSON in which every character can be seen.

    Args:
        value: of JSON; `orjson.Fragment` too.
    """
    return _UNSEEN.sub(_escaped, orjson.dumps(value).decode())


def cost_as_value(text: str) -> int:
    """Return the characters that a JSON text takes as a value, in ASCII, with blanks: the most."""
    return len(json.dumps(json.loads(text)))


def cost(text: str) -> int:
    """Return the characters that a text takes inside a JSON string, in ASCII: the most it can."""
    return len(json.dumps(text)) - 2


def visible(value: Json) -> Json:
    r"""Return a value in whose texts what cannot be seen is spelled out, as `\u202e`.

    For values that go out as values, where an escape would be read before anybody looks.
    """
    if isinstance(value, str):
        return _UNSEEN.sub(_escaped, value)
    if isinstance(value, dict):
        return {_UNSEEN.sub(_escaped, name): visible(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [visible(each) for each in value]
    return value


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < _ASTRAL:
        return f"\\u{code:04x}"
    code -= _ASTRAL
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
