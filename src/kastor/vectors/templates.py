"""What text stands for a twin: a template whose places are its properties; pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from kastor.errors import InvalidArgument
from kastor.types import Document, Json

LONGEST_TEMPLATE = 2_000
LONGEST_TEXT = 8_000
"""Characters of a text; what is longer is cut."""
MOST_PLACES = 32
_PLACE = re.compile(r"\{([^{}]*)\}")
_PATH = re.compile(r"\$dtId|[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*){0,7}")


def require_template(given: object) -> str:
    """Return a template that a request gives, such as `{name}: {about.purpose}`.

    Raises:
        InvalidArgument: it is none.
    """
    if not isinstance(given, str) or not 1 <= len(given) <= LONGEST_TEMPLATE:
        raise InvalidArgument(
            f"The member template is a text of at most {LONGEST_TEMPLATE} characters, such as"
            " {name}: {about.purpose}."
        )
    places = _PLACE.findall(given)
    rest = _PLACE.sub("", given)
    if not 1 <= len(places) <= MOST_PLACES or "{" in rest or "}" in rest or "\0" in given:
        raise InvalidArgument(
            f"A template names 1 to {MOST_PLACES} properties, each in braces, such as {{name}}."
        )
    for place in places:
        if _PATH.fullmatch(place) is None:
            raise InvalidArgument(
                f"In a template {place[:100]!r} is no property: names with dots between them, or"
                " $dtId."
            )
    return given


def text_of(template: str, document: Document) -> str | None:
    """Return the text of a twin; None where it has none of the properties.

    The id alone is none.
    """
    has_some = False

    def fill(match: re.Match[str]) -> str:
        nonlocal has_some
        value = _said(_value(document, match[1].split(".")))
        has_some = has_some or (bool(value) and match[1] != "$dtId")
        return value

    text = " ".join(_PLACE.sub(fill, template).split())
    return text[:LONGEST_TEXT] if has_some else None


def number_of(text: str, template: str, model: str) -> int:
    """Return a number that other texts, templates and models of embedders do not have.

    It fits into 63 bits and is never 0.
    """
    hashed = hashlib.blake2b(digest_size=8)
    for part in (template, model, text):
        encoded = part.encode("utf-8", "surrogatepass")
        hashed.update(len(encoded).to_bytes(8, "big") + encoded)
    return (int.from_bytes(hashed.digest(), "big") >> 1) or 1


def _value(document: Json, path: Sequence[str]) -> Json:
    for step in path:
        if not isinstance(document, dict):
            return None
        document = document.get(step)
    return document


def _said(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""
