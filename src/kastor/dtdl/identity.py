"""Ids of elements that have none: how they are made from the parent's (spec dtdl 3.2)."""

from __future__ import annotations

from hashlib import sha256

from kastor.dtdl.literals import XSD_STRING, XSD_STRINGS, flatten

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
    if len(values) != 1:
        return None
    found = values[0]
    if isinstance(found, dict):
        if found.get("@type", XSD_STRING) not in XSD_STRINGS:
            return None
        found = found.get("@value")
    if isinstance(found, str):
        return found
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        return str(found).replace(".", "_")
    return None
