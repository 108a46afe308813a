"""Words what broke a model in the sentences of the contract (spec rest-api B.2.2, C.1.3)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kastor.errors import ValidationFailed

if TYPE_CHECKING:
    from kastor.dtdl import Violation
    from kastor.types import Document

TWIN = "Twin"
MOST_WORDED = 1_000
"""Violations of one document that are put into sentences; nobody reads more of them."""
_NUMBERS = frozenset(
    [
        "integer",
        "long",
        "float",
        "double",
        "byte",
        "short",
        "unsignedByte",
        "unsignedShort",
        "unsignedInteger",
        "unsignedLong",
    ]
)
_TEXTS = frozenset(["string", "date", "dateTime", "time", "duration", "decimal", "uuid", "bytes"])


def refuse(faults: Iterable[str], message: str = "Invalid twin specified") -> ValidationFailed:
    """Return the one error that reports all faults."""
    return ValidationFailed(message, details=tuple(("ValidationFailed", fault) for fault in faults))


def sentence(
    violation: Violation, document: Document, owner: str, components: Container[object] = ()
) -> str:
    """Return a violation as a sentence.

    Args:
        violation: with its path from the document's root.
        document: what was validated.
        owner: `Twin`, or the name of the component or relationship that was validated.
        components: names that are components when they begin the path.
    """
    path = violation.path
    if len(path) > 1 and path[0] in components:
        owner, path = str(path[0]), path[1:]
    name = str(path[-1]) if violation.kind == "unknown" else _dotted(path)
    match violation.kind:
        case "unknown":
            within = owner if len(path) == 1 else _dotted(path[:-1])
            return f"{name} does not appear on the DTDL for {within}."
        case "not_a_property":
            return f"{name} is not a property - it is a {violation.expected}."
        case "missing_component":
            return f"{owner} is missing the component {name}."
        case "not_an_object":
            return f"Expected value of type object for {name} on {owner}."
    text = f"Expected value of type {violation.expected} for {name} on {owner}."
    if not violation.detail or _is_of_other_kind(violation, document):
        return text  # the type alone says it, in the recorded form
    return f"{text} {violation.detail[0].upper()}{violation.detail[1:].rstrip('.')}."


def sentences(
    violations: Sequence[Violation],
    document: Document,
    owner: str,
    components: Container[object] = (),
) -> list[str]:
    """Return violations as sentences, the first MOST_WORDED of them."""
    return [sentence(each, document, owner, components) for each in violations[:MOST_WORDED]]


def _is_of_other_kind(violation: Violation, document: Document) -> bool:
    value: Any = document
    for step in violation.path:
        value = value[step]
    if violation.expected == "boolean":
        return True
    if violation.expected in _NUMBERS:
        return isinstance(value, bool) or not isinstance(value, int | float)
    return violation.expected in _TEXTS and not isinstance(value, str)


def _dotted(path: tuple[str | int, ...]) -> str:
    text = str(path[0])
    for step in path[1:]:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text
