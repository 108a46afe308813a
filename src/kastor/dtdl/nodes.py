"""The raw elements that parsing fills and linking joins; inside the package only.

A `Node` is mutable until `parse` returns; `make_elements` shows it to the world as frozen
dataclasses. Paths are linked pairs (outer, key): cheap to make, rendered only for a problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kastor.types import override

if TYPE_CHECKING:
    from kastor.dtdl.cotypes import Cotype
    from kastor.dtdl.metamodel import ClassSpec, Language, PropertySpec

Path = Any  # (outer path, key), or ("", document index) at the root


class Node:
    """One element.

    Attributes:
        id: its DTMI.
        spec: its class.
        language: DTDL version and limits that hold for it.
        parent: the element it stands in; None at the top.
        parent_property: the property of the parent it stands at.
        partition: id of the interface that defines it; None for standard elements.
        literals: values by property name.
        links: values by property name: nodes, and ids until they are linked.
        cotypes: in the order of ``@type``.
        extra: values of co-type properties by property id.
        extra_specs: the specs of those.
        undefined_types, undefined_properties: what unknown extensions brought.
        path: where it stands.
    """

    __slots__ = (
        "cotypes",
        "extra",
        "extra_specs",
        "id",
        "language",
        "links",
        "literals",
        "parent",
        "parent_property",
        "partition",
        "path",
        "spec",
        "undefined_properties",
        "undefined_types",
    )

    def __init__(
        self,
        identifier: str,
        spec: ClassSpec,
        language: Language,
        parent: Node | None,
        partition: str | None,
        path: Path,
    ) -> None:
        self.id = identifier
        self.spec = spec
        self.language = language
        self.parent = parent
        self.parent_property: PropertySpec | None = None
        self.partition = partition
        self.literals: dict[str, Any] = {}
        self.links: dict[str, list[Any]] = {}
        self.cotypes: tuple[Cotype, ...] = ()
        self.extra: dict[str, Any] = {}
        self.extra_specs: dict[str, PropertySpec] = {}
        self.undefined_types: tuple[str, ...] = ()
        self.undefined_properties: dict[str, Any] = {}
        self.path = path

    @property
    def kind(self) -> str:
        """Name of the class."""
        return self.spec.name

    def linked(self, name: str) -> list[Node]:
        """Return the values of an object property; call only after linking."""
        return self.links.get(name, [])

    def has_cotype(self, identifiers: frozenset[str]) -> bool:
        """Tell whether the element has one of some co-types."""
        return any(cotype.id in identifiers for cotype in self.cotypes)

    @override
    def __repr__(self) -> str:
        """Return class and id."""
        return f"<{self.kind} {self.id}>"


class Reference(NamedTuple):
    """A string that refers to an element, before it is linked."""

    node: Node
    spec: PropertySpec
    values: list[Any]
    at: int
    id: str
    from_term: bool
    path: Path


def pointer(path: Path) -> tuple[int, tuple[str | int, ...]]:
    """Return the document and the keys that a path stands for."""
    keys: list[str | int] = []
    while path is not None:
        outer, key = path
        if outer == "":
            return key, tuple(reversed(keys))
        keys.append(key)
        path = outer
    return 0, tuple(reversed(keys))
