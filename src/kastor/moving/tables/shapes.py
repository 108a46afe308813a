"""What models say of the twins and relationships of a table, looked up once for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.dtdl import ValueRules, compile_interface, model
from kastor.moving.tables import faults
from kastor.moving.tables.faults import CellFault, nearest, shown
from kastor.moving.tables.paths import ValueSlot, resolve, resolve_in
from kastor.moving.tables.schema_values import SchemaConverter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.dtdl import CompiledInterface, ModelSet, Violation
    from kastor.types import Document

SERVER_RULES = ValueRules(zone_optional=True, dollar_keys=False, empty_keys=False)
"""Whatever one of our servers may take; what another one refuses, it says itself."""


class TwinShape:
    """What twins of a model hold."""

    def __init__(
        self, interface: model.Interface, compiled: CompiledInterface, converter: SchemaConverter
    ) -> None:
        self.convert = converter.convert
        self._interface = interface
        self._slots: dict[str, ValueSlot | CellFault] = {}
        self.compiled = compiled

    def slots(self, path: str) -> tuple[ValueSlot, ...]:
        """Return where a path leads, as one place. Raises CellFault."""
        found = self._slots.get(path)
        if found is None:
            try:
                found = resolve(path, self._interface)
            except CellFault as fault:
                found = fault
            self._slots[path] = found
        if isinstance(found, CellFault):
            raise CellFault(found.message, code=found.code)
        return (found,)

    def complete(self, body: Document) -> None:
        """Add the components that are not there, empty: a twin without them would be refused."""
        for name in self.compiled.components:
            component = body.setdefault(name, {})
            if isinstance(component, dict):
                component.setdefault("$metadata", {})

    def violations(self, body: Document) -> list[Violation]:
        """Return every way in which a body breaks the model."""
        return self.compiled.violations(body)


class RelationshipShape:
    """What relationships of a name hold, by every model that declares it."""

    def __init__(
        self,
        name: str,
        declared: list[model.Relationship],
        models: ModelSet,
        converter: SchemaConverter,
    ) -> None:
        self.convert = converter.convert
        self._name = name
        self._declared = declared
        self._models = models

    def slots(self, path: str) -> tuple[ValueSlot, ...]:
        """Return where a path leads: one place for each schema it may have. Raises CellFault."""
        refused, found = [], dict[str, ValueSlot]()
        for each in self._declared:
            try:
                slot = resolve_in(path, each.properties, f"The relationship {self._name}")
            except CellFault as fault:
                refused.append(fault)
            else:
                found.setdefault(slot.schema.id, slot)
        if not found:
            raise refused[0]
        return tuple(found.values())

    def complete(self, body: Document) -> None:
        """Add nothing: relationships have no components."""

    def violations(self, body: Document) -> list[Violation]:
        """Return every way in which a body breaks the declaration that it fits best."""
        results = []
        for each in self._declared:
            compiled = compile_interface(self._models, each.defined_in or "", SERVER_RULES)
            results.append(compiled.relationships[self._name].violations(body))
        return min(results, key=len)


class TableShapes:
    """The models that a table is typed by."""

    def __init__(self, models: ModelSet) -> None:
        self._models = models
        self._converter = SchemaConverter()
        self._twins: dict[str, TwinShape] = {}
        self._relationships: dict[tuple[str, str | None], RelationshipShape] = {}
        self._declared: dict[str, dict[str, model.Relationship]] | None = None

    def twin(self, identifier: str) -> TwinShape:
        """Return what twins of a model hold. Raises CellFault where there is no such model."""
        found = self._twins.get(identifier)
        if found is None:
            interfaces: Mapping[str, model.Interface] = self._models.interfaces
            if identifier not in interfaces:
                hint = nearest(identifier, interfaces) or " There are no models at all."
                raise CellFault(
                    f"there is no model {shown(identifier)}.{hint}", code=faults.MODEL_UNKNOWN
                )
            compiled = compile_interface(self._models, identifier, SERVER_RULES)
            found = self._twins[identifier] = TwinShape(
                interfaces[identifier], compiled, self._converter
            )
        return found

    def relationship(self, name: str, source_model: str | None) -> RelationshipShape:
        """Return what relationships of a name hold. Raises CellFault where there are none."""
        key = name, source_model
        found = self._relationships.get(key)
        if found is None:
            declared = self._declarations(name, source_model)
            found = self._relationships[key] = RelationshipShape(
                name, declared, self._models, self._converter
            )
        return found

    def _declarations(self, name: str, source_model: str | None) -> list[model.Relationship]:
        if source_model is not None:
            self.twin(source_model)
            own = self._models.interfaces[source_model].relationships
            if name not in own:
                raise CellFault(
                    f"{source_model} has no relationship {shown(name)}.{nearest(name, own)}",
                    code=faults.RELATIONSHIP_UNKNOWN,
                )
            return [own[name]]
        if self._declared is None:
            self._declared = {}
            for interface in self._models.interfaces.values():
                for each in interface.relationships.values():
                    self._declared.setdefault(each.name, {})[each.id] = each
        if name not in self._declared:
            hint = nearest(name, self._declared)
            raise CellFault(
                f"no model has a relationship {shown(name)}.{hint}",
                code=faults.RELATIONSHIP_UNKNOWN,
            )
        return list(self._declared[name].values())
