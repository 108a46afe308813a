"""Which elements a valid interface document defines under ids of their own, read without a parse.

For servers that keep documents: two of them may give one id to different elements, and nothing
tells as long as no model needs both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from kastor.dtdl import language as tables
from kastor.dtdl.literals import flatten
from kastor.dtdl.metamodel import CLASS_ID, PROPERTY_ID, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Keys = tuple[str | int, ...]

# The properties whose values are elements; in undefined extensions an @id means nothing.
_HOLDERS = frozenset(row[1] for row in rows(tables.PROPERTIES) if row[2][0].isupper())
_LEAST, _MOST = -(2**63), 2**64 - 1


@dataclass(frozen=True, slots=True)
class Definition:
    """An element with an id of its own inside an interface.

    Attributes:
        id: its id.
        interface: it is an interface itself.
        digest: equal for equal definitions, whatever the order and layout of their text.
        keys: the way to it from the document's root.
    """

    id: str
    interface: bool
    digest: str
    keys: Keys


def definitions(document: Mapping[str, Any]) -> tuple[Definition, ...]:
    """Return what a valid interface document defines inside itself, in no particular order."""
    found = []
    forms = _Forms()
    stack: list[tuple[Mapping[str, Any], list[Any], Keys]] = [
        (document, flatten(document.get("@context", [])), ())
    ]
    while stack:
        element, contexts, keys = stack.pop()
        for inner, path in _inner(element):
            own = [*contexts, *flatten(inner.get("@context", []))]
            where = (*keys, *path)
            identifier = inner.get("@id")
            if isinstance(identifier, str) and len(inner) > 1:
                digest = forms.digest(inner, own)
                found.append(Definition(identifier, _is_interface(inner), digest, where))
            stack.append((inner, own, where))
    return tuple(found)


def _inner(element: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Keys]]:
    """Yield the elements that stand directly in one, with the way to each."""
    for key, member in element.items():
        if not isinstance(member, (dict, list)) or _term(key) not in _HOLDERS:
            continue
        stack: list[tuple[Any, Keys]] = [(member, (key,))]
        while stack:
            value, path = stack.pop()
            if isinstance(value, dict):
                yield value, path
            elif isinstance(value, list):
                stack += [(each, (*path, at)) for at, each in enumerate(value)]


def _term(key: str) -> str:
    if not key.startswith(PROPERTY_ID):
        return key
    return key.removeprefix(PROPERTY_ID).partition(";")[0]


def _is_interface(element: Mapping[str, Any]) -> bool:
    return any(
        isinstance(name, str) and (name == "Interface" or name.startswith(f"{CLASS_ID}Interface;"))
        for name in flatten(element.get("@type"))
    )


class _Forms:
    """Writes values in one of the forms that mean the same, each object once."""

    def __init__(self) -> None:
        self._members: dict[int, str] = {}

    def digest(self, element: Mapping[str, Any], contexts: list[Any]) -> str:
        """Return a digest of an element under the contexts that are active for it."""
        active = json.dumps(list(dict.fromkeys(map(str, contexts))))
        text = active + self._members_of(element)
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def _members_of(self, element: Mapping[str, Any]) -> str:
        """Return the members of an object, its own context aside."""
        known = self._members.get(id(element))
        if known is None:
            members = [
                f"{json.dumps(_term(key))}:{self._form(member)}"
                for key, member in element.items()
                if key != "@context"
            ]
            known = self._members[id(element)] = f"{{{','.join(sorted(members))}}}"
        return known

    def _form(self, value: Any) -> str:
        """Return a value as text; documents nest 64 deep at most."""
        if isinstance(value, dict):
            context = value.get("@context")
            own = self._members_of(value)
            return own if context is None else f"{own}@{self._form(context)}"
        if isinstance(value, int) and not _LEAST <= value <= _MOST:
            value = float(value)  # as readers take it that have 64 bits for integers
        if not isinstance(value, list):
            return json.dumps(value)
        values = [self._form(each) for each in flatten(value)]
        return values[0] if len(values) == 1 else f"[{','.join(sorted(values))}]"
