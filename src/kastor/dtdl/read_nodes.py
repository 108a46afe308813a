"""Phase 1: documents to nodes with types, properties and references (dtdl 3 to 5).

Recursion is bounded: documents deeper than 64 never come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kastor.dtdl.documents import DocumentFault, RepeatingObject
from kastor.dtdl.identity import reference_id
from kastor.dtdl.literals import (
    MemberReading,
    flatten,
    placed_values,
    read_literal,
    read_text,
    utf16_length,
)
from kastor.dtdl.metamodel import CLASS_ID, PropertySpec, written_names
from kastor.dtdl.nodes import Node, Path, Reference
from kastor.dtdl.read_ids import make_id, read_given_id, read_identifier, report_taken_id, text_id
from kastor.dtdl.type_names import TypeReader, Types, report_bad_type, unknown_problem

if TYPE_CHECKING:
    from kastor.dtdl.collector import Collector
    from kastor.dtdl.contexts import ActiveContext, Contexts
    from kastor.dtdl.cotypes import Cotype

_KEYWORDS = frozenset({"@context", "@id", "@type", "@graph"})
_ROOT = "Interface"


class NodeReader:
    """Reads documents into nodes.

    Attributes:
        nodes: by id.
        references: in the order of the documents.
        inline: where elements stand inline; which one an id means is known at the end only.
        tolerant: the relaxed rules for old models hold (dtdl 8.3).
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
                raise self.collector.quit("notJsonObject", where)

    def _context(self, outer: ActiveContext | None, value: object, path: Path) -> ActiveContext:
        try:
            return self.contexts.child(outer, value, (path, "@context"))
        except DocumentFault as fault:
            raise self.collector.quit(fault.identifier, fault.path, value=fault.value) from None

    def _root(self, value: dict[str, Any], path: Path) -> None:
        if "@context" not in value:
            raise self.collector.quit("missingContext", path)
        context = self._context(None, value["@context"], path)
        if "@graph" in value:
            raise self.collector.quit("topLevelGraphDisallowed", (path, "@graph"))
        if "@id" not in value:
            raise self.collector.quit("missingTopLevelId", path)
        names = value.get("@type", ())
        names = names if isinstance(names, list) else [names]
        version = context.language.version
        if _ROOT not in names and f"{CLASS_ID}{_ROOT};{version}" not in names:
            where = (path, "@type") if "@type" in value else path
            raise self.collector.quit(
                "typeNotRootable", where, value=text_id(value), type=f"'{_ROOT}'"
            )
        if context.language.restricts_keywords:
            for key in value:
                if key[:1] == "@" and key not in _KEYWORDS:
                    raise self.collector.quit("topLevelKeywordDisallowed", (path, key), value=key)
        tolerant = self.tolerant and context.language.tolerant
        identifier = read_given_id(self.collector, value, context, path, tolerant=tolerant)
        self._element(
            value, context, None, None, identifier, path, written_names("Entity", version)
        )

    # --- one element --------------------------------------------------------------------------

    def _inline_element(
        self,
        value: dict[str, Any],
        outer: ActiveContext,
        parent: Node,
        spec: PropertySpec,
        path: Path,
    ) -> str | None:
        """Read an element that stands inline; return its id, or None if it is dropped."""
        tolerant = self.tolerant and outer.language.tolerant
        context = outer
        if "@context" in value:
            context = self._context(outer, value["@context"], path)
        self._check_inline(value, context, parent, spec, path)
        if "@id" in value:
            identifier = read_given_id(self.collector, value, context, path, tolerant=tolerant)
        elif spec.id_required:
            raise self.collector.quit(
                "missingRequiredId", path, primary=parent.id, property=spec.shown
            )
        else:
            identifier = make_id(self.collector, value, parent, spec, path)
        owner = self.nodes.get(identifier)
        if owner is not None:
            report_taken_id(self.collector, value, owner, parent, spec, path, tolerant=tolerant)
            return None
        names = spec.names
        version = context.language.version
        if version != parent.language.version:
            names = written_names(spec.cls or "Entity", version)
        return self._element(value, context, parent, spec, identifier, path, names)

    def _check_inline(
        self,
        value: dict[str, Any],
        context: ActiveContext,
        parent: Node,
        spec: PropertySpec,
        path: Path,
    ) -> None:
        """Report what may not stand in an inline element, and one that may not stand there."""

        def report(problem: str, where: Path, shown: str | None = None) -> None:
            self.collector.report(
                problem, where, primary=parent.id, property=spec.shown, value=shown
            )

        language = context.language
        if "@graph" in value:
            report("graphDisallowed", (path, "@graph"))
        if language.restricts_keywords:
            for key in value:
                if key[:1] == "@" and key not in _KEYWORDS:
                    report("keywordDisallowed", (path, key), key)
        if spec.cls == _ROOT and not self.inline_interfaces:
            report("inlineInterfaceNotSupported", path, str(value.get("@id")))
        if language.version not in spec.versions:
            report("disallowedVersionDefinition", path, str(language.version))

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
        """Read `@type` (dtdl 4.2); None drops the element."""
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
            raise self.collector.quit("typeNotString", (path, "@type"), primary=identifier)
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
                raise self.collector.quit(
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
        reading = MemberReading(
            self.collector, node.id, spec, path, node.language.restricts_keywords
        )
        kept: Any
        if kind == "text":
            kept = read_text(reading, member)
        elif kind in ("target", "property"):
            kept = read_identifier(reading, flatten(member), context)
        else:
            kept = read_literal(reading, flatten(member))
        if kept is None:
            return
        if spec.cotype is None:
            node.literals[spec.name] = kept
        else:
            node.extra[spec.id] = kept
            node.extra_specs[spec.id] = spec

    def _unknown(
        self,
        key: str,
        member: object,
        node: Node,
        context: ActiveContext,
        types: Types,
    ) -> None:
        """Handle a member that is no property of the class or its co-types (dtdl 4.3)."""
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
        """Read the values of an object property (dtdl 3.3, 4.5)."""
        values: list[Any] = []
        for entry, where in placed_values(member, path):
            if values and spec.high == 1:
                # What follows an accepted value is not looked at.
                self.collector.report(
                    "objectMultipleValues", path, primary=node.id, property=spec.name
                )
                break
            self._object(entry, spec, values, node, context, where)
        if len(values) < spec.low:
            self.collector.report("objectCountBelowMin", path, primary=node.id, property=spec.name)
        if spec.cotype is None:
            node.links[spec.name] = values
        else:
            node.extra[spec.id] = values
            node.extra_specs[spec.id] = spec

    def _object(
        self,
        entry: object,
        spec: PropertySpec,
        values: list[Any],
        node: Node,
        context: ActiveContext,
        path: Path,
    ) -> None:
        """Read one value of an object property into `values`, as an id until it is linked."""
        if isinstance(entry, str):
            self._reference(entry, spec, values, node, context, path)
        elif not isinstance(entry, dict):
            self.collector.report("refNotStringOrObject", path, primary=node.id, property=spec.name)
        elif spec.cotype is not None and not node.language.tolerant:
            self.collector.report("refObjectNotAllowed", path, primary=node.id, property=spec.name)
        elif len(entry) == 1 and "@id" in entry:
            self._id_object(text_id(entry), spec, values, node, context, path)
        else:
            # In DTDL 2 a unit is read as an element like others, of a class that none can have.
            found = self._inline_element(entry, context, node, spec, path)
            if found is not None:
                self.inline.append(Reference(node, spec, values, len(values), found, False, path))
                values.append(found)

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
        from_term = text[:5] != "dtmi:"
        self.references.append(Reference(node, spec, values, len(values), found, from_term, path))
        values.append(found)

    def _id_object(
        self,
        text: str,
        spec: PropertySpec,
        values: list[Any],
        node: Node,
        context: ActiveContext,
        path: Path,
    ) -> None:
        """Handle ``{"@id": ...}`` where an element is expected (dtdl 8.3)."""
        report = self.collector.report
        if not (self.tolerant and context.language.tolerant):
            report("idReference", path, primary=node.id, property=spec.shown, value=text)
            return
        found = reference_id(text, context)
        if found is None:
            report("idRefBadDtmiOrTerm", path, primary=node.id, property=spec.shown, value=text)
            return
        self.references.append(Reference(node, spec, values, len(values), found, False, path))
        values.append(found)


def _cotype_specs(cotypes: tuple[Cotype, ...]) -> dict[str, PropertySpec]:
    found: dict[str, PropertySpec] = {}
    for owner in reversed(cotypes):
        for spec in owner.properties:
            found[spec.name] = found[spec.id] = spec
    return found
