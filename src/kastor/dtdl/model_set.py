"""The result of a parse: models with their inheritance and the checks of values (dtdl 13).

Elements and compiled interfaces are made when they are first asked for: a server parses many
models and uses few of their elements.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kastor.dtdl.compiler import InterfaceCompiler
from kastor.dtdl.make_elements import make_element
from kastor.dtdl.rules import STRICT, ValueRules, Violation
from kastor.dtdl.standard import standard_element
from kastor.dtdl.values import MinusZero
from kastor.types import override

if TYPE_CHECKING:
    from kastor.dtdl.compiled import CompiledInterface
    from kastor.dtdl.model import Element, Interface
    from kastor.dtdl.nodes import Node


class _Elements(Mapping[str, Any]):
    """Elements by id, made when asked for."""

    def __init__(self, models: ModelSet, ids: tuple[str, ...], *, interfaces: bool) -> None:
        self._models = models
        self._ids = dict.fromkeys(ids)
        self._interfaces = interfaces

    @override
    def __getitem__(self, identifier: str) -> Any:
        if self._interfaces and identifier not in self._ids:
            raise KeyError(identifier)
        return self._models.element(identifier)

    @override
    def __contains__(self, identifier: object) -> bool:
        return identifier in self._ids or (
            not self._interfaces
            and isinstance(identifier, str)
            and standard_element(identifier) is not None
        )

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    @override
    def __len__(self) -> int:
        return len(self._ids)


class ModelSet:
    """The result of a parse: immutable for its users.

    Attributes:
        interfaces: by id.
        elements: every element of the documents by id; standard elements can be looked up too.
        nodes: the raw elements; for the package itself.
    """

    __slots__ = (
        "_compilers",
        "_made",
        "_subtypes",
        "_supertypes",
        "elements",
        "interfaces",
        "nodes",
    )

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self._compilers: dict[ValueRules, InterfaceCompiler] = {}
        self._made: dict[str, Element] = {}
        self._supertypes: dict[str, frozenset[str]] = {}
        self._subtypes: dict[str, set[str]] | None = None
        self.elements: Mapping[str, Element] = _Elements(self, tuple(nodes), interfaces=False)
        interfaces = tuple(i for i, node in nodes.items() if node.kind == "Interface")
        self.interfaces: Mapping[str, Interface] = _Elements(self, interfaces, interfaces=True)

    def element(self, identifier: str) -> Element:
        """Return an element, standard ones included.

        Raises:
            KeyError: there is none of that id.
        """
        found = self._made.get(identifier)
        if found is None:
            node = self.nodes.get(identifier) or standard_element(identifier)
            if node is None:
                raise KeyError(identifier)
            found = self._made[identifier] = make_element(self, node)
        return found

    def compiler(self, rules: ValueRules) -> InterfaceCompiler:
        """Return what compiles for some rules; for the package itself."""
        found = self._compilers.get(rules)
        if found is None:
            found = self._compilers[rules] = InterfaceCompiler(self.nodes, rules)
        return found

    def supertypes(self, identifier: str) -> frozenset[str]:
        """Return the ids of an interface and all its ancestors.

        Raises:
            KeyError: there is no interface of that id.
        """
        self._require_interface(identifier)
        found = self._supertypes
        stack = [identifier]
        while stack:
            current = stack[-1]
            above = [node.id for node in self.nodes[current].linked("extends")]
            waiting = [i for i in above if i not in found]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            found[current] = frozenset({current}).union(*(found[i] for i in above))
        return found[identifier]

    def subtypes(self, identifier: str) -> frozenset[str]:
        """Return the ids of an interface and all that derive from it.

        Raises:
            KeyError: there is no interface of that id.
        """
        self._require_interface(identifier)
        if self._subtypes is None:
            below: dict[str, set[str]] = {}
            for derived in self.interfaces:
                for above in self.supertypes(derived):
                    below.setdefault(above, set()).add(derived)
            self._subtypes = below
        return frozenset(self._subtypes[identifier])

    def _require_interface(self, identifier: str) -> None:
        if identifier not in self.interfaces:
            raise KeyError(identifier)

    def validate_twin(
        self, interface_id: str, document: Mapping[str, object], rules: ValueRules = STRICT
    ) -> list[Violation]:
        """Return every way in which a twin breaks its model (dtdl 11, 13).

        Raises:
            KeyError: there is no interface of that id.
        """
        return self.compiler(rules).interface(interface_id).violations(document)

    def validate_component(
        self,
        interface_id: str,
        name: str,
        document: Mapping[str, object],
        rules: ValueRules = STRICT,
    ) -> list[Violation]:
        """Return every way in which a component of a twin breaks its model.

        Raises:
            KeyError: there is no such interface, or it has no such component.
        """
        compiled = self.compiler(rules).interface(interface_id)
        return compiled.components[name].violations(document)

    def validate_relationship(
        self,
        interface_id: str,
        name: str,
        document: Mapping[str, object],
        rules: ValueRules = STRICT,
    ) -> list[Violation]:
        """Return every way in which a relationship breaks its model.

        Raises:
            KeyError: there is no such interface, or it has no such relationship.
        """
        compiled = self.compiler(rules).interface(interface_id)
        return compiled.relationships[name].violations(document)

    def validate_value(
        self, element_id: str, value: object, rules: ValueRules = STRICT
    ) -> list[Violation]:
        """Return every way in which a value breaks a schema (dtdl 11).

        `element_id` is that of a schema, standard ones included, or of an element that has one.

        Raises:
            KeyError: there is no such element, or it has no schema.
        """
        return self.compiler(rules).element(element_id).explain(value)

    def validate_json(
        self, element_id: str, text: str | bytes, rules: ValueRules = STRICT
    ) -> list[Violation]:
        """Return every way in which a JSON text breaks a schema; also what decoding would hide.

        Raises:
            KeyError: there is no such element, or it has no schema.
        """
        check = self.compiler(rules).element(element_id)
        try:
            value = json.loads(text, parse_int=_read_integer, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return [Violation("wrong_type", (), check.schema, "the text is no JSON")]
        return check.explain(value)


def compile_interface(
    models: ModelSet, interface_id: str, rules: ValueRules = STRICT
) -> CompiledInterface:
    """Return the compiled interface, made once per model set and rules.

    Raises:
        KeyError: there is no interface of that id.
    """
    return models.compiler(rules).interface(interface_id)


def _read_integer(text: str) -> int:
    return MinusZero() if text == "-0" else int(text)


def _refuse(name: str) -> None:
    raise ValueError(name)
