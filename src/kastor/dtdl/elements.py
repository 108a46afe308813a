"""Phase 1: documents to nodes: identity, types, properties, recursively (spec dtdl 3 to 5).

Recursion is bounded: documents deeper than 64 never come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kastor.dtdl.collector import Quit
from kastor.dtdl.documents import Fault, RepeatingObject
from kastor.dtdl.identity import automatic_id, reference_id, segment_key, segment_of
from kastor.dtdl.literals import (
    Reading,
    flatten,
    placed_values,
    read_literal,
    read_text,
    utf16_length,
)
from kastor.dtdl.metamodel import CLASS_ID, PropertySpec, written_names
from kastor.dtdl.nodes import Node, Path
from kastor.dtdl.type_names import TypeReader, Types, report_bad_type, unknown_problem

if TYPE_CHECKING:
    from kastor.dtdl.collector import Collector
    from kastor.dtdl.contexts import ActiveContext, Contexts
    from kastor.dtdl.cotypes import Cotype

_KEYWORDS = frozenset({"@context", "@id", "@type", "@graph"})
_ROOT = "Interface"


class Reference(NamedTuple):
    """A string that refers to an element, before it is linked."""

    node: Node
    spec: PropertySpec
    values: list[Any]
    at: int
    id: str
    from_term: bool
    path: Path


class Elements:
    """Reads documents into nodes.

    Attributes:
        nodes: by id.
        references: in the order of the documents.
        inline: where elements stand inline; which one an id means is known at the end only.
        tolerant: the relaxed rules for old models hold (spec dtdl 8.3).
    """

    def __init__(
        self, collector: Collector, contexts: Contexts, *, inline_interfaces: bool
    ) -> None:
        self.collector = collector
        self.contexts = contexts
        self.nodes: dict[str, Node] = {}
        self.references: list[Reference] = []
        self.inline: list[Reference] = []
        self.tolerant = False
        self.inline_interfaces = inline_interfaces

    # --- the top ------------------------------------------------------------------------------

    def read(self, document: object, path: Path) -> None:
        """Read one document, perhaps an array of models.

        Raises:
            Quit: a finding that ends the parse of a text.
        """
        stack: list[tuple[object, Path]] = [(document, path)]
        while stack:
            value, where = stack.pop()
            if isinstance(value, list):
                stack += [(v, (where, i)) for i, v in reversed(list(enumerate(value)))]
            elif isinstance(value, dict):
                self._root(value, where)
            else:
                raise self._quit("notJsonObject", where)

    def _quit(self, identifier: str, path: Path, **fields: Any) -> Quit:
        self.collector.report(identifier, path, **fields)
        return Quit(identifier)

    def _context(self, outer: ActiveContext | None, value: object, path: Path) -> ActiveContext:
        try:
            return self.contexts.child(outer, value, (path, "@context"))
        except Fault as fault:
            raise self._quit(fault.identifier, fault.path, value=fault.value) from None

    def _root(self, value: dict[str, Any], path: Path) -> None:
        if "@context" not in value:
            raise self._quit("missingContext", path)
        context = self._context(None, value["@context"], path)
        if "@graph" in value:
            raise self._quit("topLevelGraphDisallowed", (path, "@graph"))
        if "@id" not in value:
            raise self._quit("missingTopLevelId", path)
        names = value.get("@type", ())
        names = names if isinstance(names, list) else [names]
        version = context.language.version
        if _ROOT not in names and f"{CLASS_ID}{_ROOT};{version}" not in names:
            where = (path, "@type") if "@type" in value else path
            raise self._quit("typeNotRootable", where, value=_text_id(value), type=f"'{_ROOT}'")
        if context.language.restricts_keywords:
            for key in value:
                if key[:1] == "@" and key not in _KEYWORDS:
                    raise self._quit("topLevelKeywordDisallowed", (path, key), value=key)
        tolerant = self.tolerant and context.language.tolerant
        identifier = self._defined_id(value, context, path, tolerant=tolerant)
        self._element(
            value, context, None, None, identifier, path, written_names("Entity", version)
        )

    # --- identity -----------------------------------------------------------------------------

    def _defined_id(
        self, value: dict[str, Any], context: ActiveContext, path: Path, *, tolerant: bool
    ) -> str:
        """Return the `@id` of an element (spec dtdl 3.1)."""
        identifier = _text_id(value)
        language = context.language
        where = (path, "@id")
        if not identifier:
            raise self._quit("idNotString", where)
        if utf16_length(identifier) > language.id_length:
            raise self._quit("idTooLong", where, value=identifier)
        if not language.id_pattern.search(identifier):
            raise self._quit("invalidId", where, value=identifier)
        if identifier.startswith(context.reserved) and not tolerant:
            raise self._quit("reservedId", where, value=identifier)
        return identifier

    def _automatic_id(
        self, value: dict[str, Any], parent: Node, spec: PropertySpec, path: Path
    ) -> str:
        """Return the id of an element without `@id` (spec dtdl 3.2)."""
        if spec.segment is None:
            return automatic_id(parent.id, spec.shown.partition(";")[0], None)
        key = segment_key(value, spec.segment)
        if key is None:
            raise self._quit(
                "missingDtmiSegPropertyValue",
                path,
                primary=parent.id,
                property=spec.shown,
                value=spec.segment,
            )
        found = value[key]
        name = segment_of(found)
        if name is None:
            raise self._quit(
                "dtmiSegPropertyNotStringOrNumber",
                (path, key),
                primary=parent.id,
                property=spec.shown,
                value=spec.segment,
            )
        return automatic_id(parent.id, spec.name, name)

    # --- one element --------------------------------------------------------------------------

    def inline_element(
        self,
        value: dict[str, Any],
        outer: ActiveContext,
        parent: Node,
        spec: PropertySpec,
        path: Path,
    ) -> str | None:
        """Read an element that stands inline; return its id, or None if it is dropped."""
        # Branches because what is odd about an element is told in this order, and all of it before
        # its id decides whether it is read.
        report = self.collector.report
        tolerant = self.tolerant and outer.language.tolerant
        context = outer
        if "@context" in value:
            context = self._context(outer, value["@context"], path)
        if len(value) == 1 and "@id" in value:
            return self._id_object(_text_id(value), context, parent, spec, path, tolerant=tolerant)
        if "@graph" in value:
            report("graphDisallowed", (path, "@graph"), primary=parent.id, property=spec.shown)
        if context.language.restricts_keywords:
            for key in value:
                if key[:1] == "@" and key not in _KEYWORDS:
                    report(
                        "keywordDisallowed",
                        (path, key),
                        primary=parent.id,
                        property=spec.shown,
                        value=key,
                    )
        if spec.cls == _ROOT and not self.inline_interfaces:
            report(
                "inlineInterfaceNotSupported",
                path,
                primary=parent.id,
                property=spec.shown,
                value=str(value.get("@id")),
            )
        version = context.language.version
        if version not in spec.versions:
            report(
                "disallowedVersionDefinition",
                path,
                primary=parent.id,
                property=spec.shown,
                value=str(version),
            )
        automatic = "@id" not in value
        if not automatic:
            identifier = self._defined_id(value, context, path, tolerant=tolerant)
        elif spec.id_required:
            raise self._quit("missingRequiredId", path, primary=parent.id, property=spec.shown)
        else:
            identifier = self._automatic_id(value, parent, spec, path)
        if identifier in self.nodes:
            self._taken(identifier, automatic, tolerant, value, parent, spec, path)
            return None
        names = spec.names
        if version != parent.language.version:
            names = written_names(spec.cls or "Entity", version)
        return self._element(value, context, parent, spec, identifier, path, names)

    def _taken(
        self,
        identifier: str,
        automatic: bool,
        tolerant: bool,
        value: dict[str, Any],
        parent: Node,
        spec: PropertySpec,
        path: Path,
    ) -> None:
        """Report that an id is taken; of values told apart by nothing the first one counts."""
        if not automatic:
            self.collector.report(
                "duplicateDefinition",
                (path, "@id"),
                primary=identifier,
                other=self.nodes[identifier],
            )
        elif spec.segment is not None and not tolerant:
            key = segment_key(value, spec.segment) or spec.segment
            names = flatten(value.get(key))
            self.collector.report(
                "nonUniquePropertyValue",
                (path, key),
                primary=parent.id,
                property=spec.shown,
                aux=spec.segment,
                value=names[0] if isinstance(names[0], str) else None,
                other=self.nodes[identifier],
            )

    def _id_object(
        self,
        identifier: str,
        context: ActiveContext,
        parent: Node,
        spec: PropertySpec,
        path: Path,
        *,
        tolerant: bool,
    ) -> str | None:
        """Handle ``{"@id": ...}`` where an element is expected (spec dtdl 8.3)."""
        if tolerant:
            found = reference_id(identifier, context)
            if found is None:
                self.collector.report(
                    "idRefBadDtmiOrTerm",
                    path,
                    primary=parent.id,
                    property=spec.shown,
                    value=identifier,
                )
            return found and f"->{found}"
        self.collector.report(
            "idReference", path, primary=parent.id, property=spec.shown, value=identifier
        )
        return None

    def _element(
        self,
        value: dict[str, Any],
        context: ActiveContext,
        parent: Node | None,
        parent_spec: PropertySpec | None,
        identifier: str,
        path: Path,
        names: frozenset[str],
    ) -> str | None:
        if parent is None and identifier in self.nodes:
            self.collector.report(
                "duplicateDefinition",
                (path, "@id"),
                primary=identifier,
                other=self.nodes[identifier],
            )
            return None
        types = self._types(value, context, parent, parent_spec, identifier, names, path)
        if types is None:
            return None
        spec, language = types.spec, context.language
        if spec.name == _ROOT:
            partition = identifier
            if utf16_length(identifier) > language.interface_id_length:
                self.collector.report(
                    "idTooLongForType", (path, "@id"), value=identifier, type=spec.name
                )
        else:
            partition = parent.partition if parent and parent.partition else identifier
        node = Node(identifier, spec, language, parent, partition, path)
        node.parent_property = parent_spec
        node.cotypes = types.cotypes
        node.undefined_types = types.undefined
        self._members(value, node, context, types)
        self.nodes[identifier] = node
        return identifier

    # --- types --------------------------------------------------------------------------------

    def _types(
        self,
        value: dict[str, Any],
        context: ActiveContext,
        parent: Node | None,
        parent_spec: PropertySpec | None,
        identifier: str,
        names: frozenset[str],
        path: Path,
    ) -> Types | None:
        """Read `@type` (spec dtdl 4.2); None drops the element."""
        language = context.language
        if "@type" not in value:
            inferred = parent_spec.inferred if parent_spec else None
            if inferred in names:
                return Types(language.classes[inferred], (), (), inferred=True)
            report_bad_type(self.collector, parent, parent_spec, identifier, inferred, path)
            return None
        raw = value["@type"]
        if isinstance(raw, str) and raw in names:
            return Types(language.classes[raw], (), (), inferred=False)
        entries = raw if isinstance(raw, list) else [raw]
        if isinstance(raw, list) and not all(isinstance(entry, str) for entry in entries):
            raise self._quit("typeNotString", (path, "@type"), primary=identifier)
        entries = [entry for entry in entries if isinstance(entry, str)]
        return TypeReader(self.collector, context, identifier, (path, "@type")).read(
            entries, names, parent, parent_spec
        )

    # --- members ------------------------------------------------------------------------------

    def _members(
        self, value: dict[str, Any], node: Node, context: ActiveContext, types: Types
    ) -> None:
        specs = node.spec.properties
        given: set[str] = set()
        pairs = value.pairs if isinstance(value, RepeatingObject) else value.items()
        own = _cotype_specs(node.cotypes) if node.cotypes else None
        for key, member in pairs:
            if key[:1] == "@":
                continue
            spec = specs.get(key)
            if spec is None and own is not None:
                spec = own.get(key)
            if spec is None:
                self._unknown(key, member, node, context, types)
                continue
            if spec.name in given:
                self.collector.report(
                    "duplicatePropertyName", (node.path, key), primary=node.id, property=spec.name
                )
                continue
            given.add(spec.name)
            self._member(spec, member, node, context, (node.path, key))
        for required in node.spec.required:
            if required.name not in given:
                self.collector.report(
                    "missingObjectProperty"
                    if required.kind == "object"
                    else "missingLiteralProperty",
                    node.path,
                    primary=node.id,
                    property=required.name,
                )
        for found in node.cotypes:
            self._required_of(found, node, given)

    def _required_of(self, found: Cotype, node: Node, given: set[str]) -> None:
        for spec in found.properties:
            if spec.low and spec.name not in given:
                kind = "Literal" if spec.kind not in ("object", "property") else "Object"
                if spec.kind == "property":
                    kind = "Identifier"
                raise self._quit(
                    f"missingSupplemental{kind}Property",
                    node.path,
                    primary=node.id,
                    property=spec.name,
                    type=found.term,
                )

    def _member(
        self, spec: PropertySpec, member: object, node: Node, context: ActiveContext, path: Path
    ) -> None:
        kind = spec.kind
        if kind == "object":
            self._objects(spec, member, node, context, path)
            return
        reading = Reading(self.collector, node.id, spec, path, node.language.restricts_keywords)
        kept: Any
        if kind == "text":
            kept = read_text(reading, member)
        elif kind in ("target", "property"):
            kept = self._identifier(reading, flatten(member), context)
        else:
            kept = read_literal(reading, flatten(member))
        if kept is None:
            return
        if spec.cotype is None:
            node.literals[spec.name] = kept
        else:
            node.extra[spec.id] = kept
            node.extra_specs[spec.id] = spec

    def _identifier(
        self, reading: Reading, values: list[Any], context: ActiveContext
    ) -> str | None:
        """Read a property whose value is an identifier that is not resolved (spec dtdl 4.4)."""
        shown = "DTMI"
        if len(values) != 1:
            if values:
                reading.report("identifierMultipleValues")
            return None
        value = values[0]
        if not isinstance(value, str):
            self.collector.report(
                "identifierNotString",
                reading.path,
                primary=reading.primary,
                property=reading.shown,
                type=shown,
            )
            return None
        found = reference_id(value, context)
        if found is None:
            self.collector.report(
                "identifierNotDtmi",
                reading.path,
                primary=reading.primary,
                property=reading.shown,
                value=value,
                type=shown,
            )
            return None
        return found

    def _unknown(
        self,
        key: str,
        member: object,
        node: Node,
        context: ActiveContext,
        types: Types,
    ) -> None:
        """Handle a member that is no property of the class or its co-types (spec dtdl 4.3)."""
        problem = unknown_problem(key, context, undefined_types=bool(types.undefined))
        if problem is None:
            node.undefined_properties[key] = member
            return
        if problem == "noTypeThatAllows" and types.inferred:
            self.collector.report(
                "inferredTypeDoesNotAllow",
                (node.path, key),
                primary=node.id,
                property=key,
                type=types.spec.name,
                version=node.language.version,
            )
            return
        self.collector.report(
            problem,
            (node.path, key),
            primary=node.id,
            property=key,
            version=node.language.version,
        )

    # --- object properties --------------------------------------------------------------------

    def _objects(
        self, spec: PropertySpec, member: object, node: Node, context: ActiveContext, path: Path
    ) -> None:
        """Read the values of an object property (spec dtdl 3.3, 4.5)."""
        values: list[Any] = []
        for entry, where in placed_values(member, path):
            if values and spec.high == 1:
                # What follows an accepted value is not looked at.
                self.collector.report(
                    "objectMultipleValues", path, primary=node.id, property=spec.name
                )
                break
            if isinstance(entry, str):
                self._reference(entry, spec, values, node, context, where)
            elif isinstance(entry, dict):
                if spec.cotype is not None and not node.language.tolerant:
                    self.collector.report(
                        "refObjectNotAllowed", where, primary=node.id, property=spec.name
                    )
                    continue
                # In DTDL 2 a unit is read as an element like others, of a class that none can have.
                found = self.inline_element(entry, context, node, spec, where)
                if found is None:
                    continue
                if found[:2] == "->":
                    self.references.append(
                        Reference(node, spec, values, len(values), found[2:], False, where)
                    )
                    values.append(found[2:])
                else:
                    self.inline.append(
                        Reference(node, spec, values, len(values), found, False, where)
                    )
                    values.append(found)
            else:
                self.collector.report(
                    "refNotStringOrObject", where, primary=node.id, property=spec.name
                )
        if len(values) < spec.low:
            self.collector.report("objectCountBelowMin", path, primary=node.id, property=spec.name)
        if spec.cotype is None:
            node.links[spec.name] = values
        else:
            node.extra[spec.id] = values
            node.extra_specs[spec.id] = spec

    def _reference(
        self,
        text: str,
        spec: PropertySpec,
        values: list[Any],
        node: Node,
        context: ActiveContext,
        path: Path,
    ) -> None:
        found = reference_id(text, context)
        if found is None:
            self.collector.report(
                "badDtmiOrTerm",
                path,
                primary=node.id,
                property=spec.name,
                value=text,
                version=context.language.version,
            )
            return
        self.references.append(
            Reference(node, spec, values, len(values), found, text[:5] != "dtmi:", path)
        )
        values.append(found)


def _text_id(value: dict[str, Any]) -> str:
    """Return the `@id` of an object; what is no text reads as the empty one."""
    identifier = value["@id"]
    return identifier if isinstance(identifier, str) else ""


def _cotype_specs(cotypes: tuple[Cotype, ...]) -> dict[str, PropertySpec]:
    found: dict[str, PropertySpec] = {}
    for owner in reversed(cotypes):
        for spec in owner.properties:
            found[spec.name] = found[spec.id] = spec
    return found
