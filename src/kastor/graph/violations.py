"""Words what broke a model in the sentences of the contract (rest-api B.2.2, C.1.3)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kastor.errors import Detail, ValidationFailed

if TYPE_CHECKING:
    from kastor.dtdl import Violation
    from kastor.types import Document

TWIN = "Twin"
_CODE = "ValidationFailed"
_NULL = "A null is no value: leave the member out, or unset it by a patch with remove."
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


def refuse(
    faults: Iterable[str | Detail], message: str = "Invalid twin specified"
) -> ValidationFailed:
    """Return the one error that reports all faults."""
    details = (each if isinstance(each, Detail) else Detail(_CODE, each) for each in faults)
    return ValidationFailed(message, details=tuple(details))


def fault(text: str, kind: str, *path: str | int) -> Detail:
    """Return a fault with its place for programs: what is wrong, and where as a JSON pointer."""
    return Detail(_CODE, text, {"path": pointer(path), "kind": kind})


def unknown_member(name: str, owner: str, *path: str | int) -> Detail:
    """Return the fault of a member that the model does not have."""
    return fault(f"{name} does not appear on the DTDL for {owner}.", "unknown", *path, name)


def broken(
    violation: Violation, document: Document, owner: str, components: Container[object] = ()
) -> Detail:
    """Return a violation as a fault; the arguments are those of `sentence`."""
    text = sentence(violation, document, owner, components)
    return fault(text, violation.kind, *violation.path)


def pointer(path: Iterable[str | int]) -> str:
    """Return a path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


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
    if _value_at(violation.path, document) is None:
        return f"{text} {_NULL}"
    if not violation.detail or _is_of_other_kind(violation, document):
        return text  # the type alone says it, in the recorded form
    return f"{text} {violation.detail[0].upper()}{violation.detail[1:].rstrip('.')}."


def all_broken(
    violations: Sequence[Violation],
    document: Document,
    owner: str,
    components: Container[object] = (),
) -> list[Detail]:
    """Return violations as faults, the first MOST_WORDED of them."""
    return [broken(each, document, owner, components) for each in violations[:MOST_WORDED]]


def _is_of_other_kind(violation: Violation, document: Document) -> bool:
    value = _value_at(violation.path, document)
    if violation.expected == "boolean":
        return True
    if violation.expected in _NUMBERS:
        return isinstance(value, bool) or not isinstance(value, int | float)
    return violation.expected in _TEXTS and not isinstance(value, str)


def _value_at(path: Iterable[str | int], document: Document) -> Any:
    value: Any = document
    for step in path:
        value = value[step]
    return value


def _dotted(path: tuple[str | int, ...]) -> str:
    text = str(path[0])
    for step in path[1:]:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text
