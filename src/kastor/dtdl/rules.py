"""How strictly values are checked, and what a check reports (dtdl 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ViolationKind = Literal[
    "unknown", "not_a_property", "missing_component", "not_an_object", "wrong_type"
]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ValueRules:
    """Where a server is wiser than the letter of the instance rules (dtdl 11, last lines).

    Attributes:
        zone_optional: ``time`` and ``dateTime`` may stand without a zone.
        dollar_keys: keys of a Map may start with ``$``.
        empty_keys: keys of a Map may be empty.
        max_string_bytes: longest string in UTF-8 bytes; None is no limit.
        closed_rings: GeoJSON: positions have two or three numbers, rings of polygons are closed.
    """

    zone_optional: bool = False
    dollar_keys: bool = True
    empty_keys: bool = True
    max_string_bytes: int | None = None
    closed_rings: bool = False


STRICT = ValueRules()


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a document breaks its model.

    Attributes:
        kind: ``unknown`` member, ``not_a_property`` (a Relationship, Telemetry or Command of that
            name exists), ``missing_component``, ``not_an_object`` (a component that is none),
            ``wrong_type``.
        path: from the root of the document, such as ``("Component1", "o", "z")``.
        expected: name of the schema (``double``, ``enum``, ``map``, ...); for ``not_a_property``
            the kind of the content.
        detail: a sentence for a person.
    """

    kind: ViolationKind
    path: Path
    expected: str
    detail: str
