"""Ids of elements that have none: how they are made from the parent's (spec dtdl 3.2)."""

from __future__ import annotations

from hashlib import sha256

from kastor.dtdl.literals import flatten, is_integer, literal_of

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
