"""Automatic ids, made from the parent's, and what a reference may be (dtdl 3.2, 3.3)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from kastor.dtdl.literals import flatten, is_integer, literal_of, utf16_length

if TYPE_CHECKING:
    from kastor.dtdl.contexts import ActiveContext

_LONGEST_AUTOMATIC = 8192


def automatic_id(parent: str, name: str, segment: str | None) -> str:
    """Return the id of a value of property `name`, told apart by `segment` if there is one."""
    base, semicolon, version = parent.partition(";")
    end = f":_{name}" if segment is None else f":_{name}:__{segment}"
    return _bounded(base + end, semicolon + version)


def _bounded(base: str, version: str) -> str:
    """Return an automatic id; one of absurd length is cut, or children would multiply it."""
    if len(base) > _LONGEST_AUTOMATIC:
        digest = sha256(base.encode("utf-8", "surrogatepass")).hexdigest()
        base = f"{base[: _LONGEST_AUTOMATIC // 4]}...{digest}"
    return base + version


def segment_of(value: object) -> str | None:
    """Return the end of an automatic id that a name makes, or None if it makes none."""
    values = flatten(value)
    found = literal_of(values[0]) if len(values) == 1 else None
    if isinstance(found, str):
        return found
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    if is_integer(found):
        return str(int(found))
    return repr(found).upper().replace(".", "_")


def segment_key(value: dict[str, Any], segment: str) -> str | None:
    """Return the member that names an element: by its term, or its identifier of any version."""
    if segment in value:
        return segment
    start = f"dtmi:dtdl:property:{segment};"
    return next((key for key in value if key.startswith(start)), None)


def reference_id(text: str, context: ActiveContext) -> str | None:
    """Return the id that a reference stands for, or None if it is neither a DTMI nor a term."""
    if text[:5] == "dtmi:":
        language = context.language
        fits = utf16_length(text) <= language.id_length
        return text if fits and language.id_pattern.search(text) else None
    return context.term(text) if ":" not in text else None
