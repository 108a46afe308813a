"""The predefined elements as nodes: primitive schemas, command types, geospatial, units.

Made on demand from the tables and shared by all parses; nothing changes them once made.
"""

from __future__ import annotations

from functools import cache

from kastor.dtdl import language as tables
from kastor.dtdl import units
from kastor.dtdl.cotypes import EXTENSION_ID, QUANTITATIVE, cotype, prefixes, unit_types
from kastor.dtdl.metamodel import language, rows
from kastor.dtdl.nodes import Node

_SCHEMA = "dtmi:dtdl:instance:Schema:"
_GEO = "dtmi:standard:schema:geospatial"


@cache
def aliases() -> dict[str, str]:
    """Return the later ids of elements that an earlier version defines (dtdl 3.3)."""
    return {
        f"{_SCHEMA}{term};{later}": f"{_SCHEMA}{term};{since}"
        for term, _, since in rows(tables.PRIMITIVES)
        for later in tables.VERSIONS
        if later > int(since)
    }


def standard_element(identifier: str) -> Node | None:
    """Return a predefined element by id or alias, or None."""
    return _elements().get(aliases().get(identifier, identifier))


def _node(identifier: str, kind: str, version: int, parent: Node | None = None) -> Node:
    spoken = language(version)
    return Node(identifier, spoken.classes[kind], spoken, parent, None, None)


def _named(identifier: str, kind: str, version: int, parent: Node, name: str) -> Node:
    node = _node(identifier, kind, version, parent)
    node.literals["name"] = name
    return node


@cache
def _elements() -> dict[str, Node]:
    found: dict[str, Node] = {}
    for term, kind, since in rows(tables.PRIMITIVES):
        identifier = f"{_SCHEMA}{term};{since}"
        found[identifier] = node = _node(identifier, kind, int(since))
        node.literals["displayName"] = {"en": term}
    for version in tables.VERSIONS:
        for term in tables.COMMAND_TYPES:
            identifier = f"dtmi:dtdl:instance:CommandType:{term};{version}"
            found[identifier] = _node(identifier, "CommandType", version)
        _geospatial(found, version)
    for identifier, _, fields in rows(tables.OBJECTS):
        _object(found, identifier, fields)
    _builtin_units(found)
    for at in (1, 2, 3):
        _extension_units(found, at)
    return found


def _geospatial(found: dict[str, Node], version: int) -> None:
    arrays = {name: f"{_GEO}:{name};{version}" for name, _ in rows(tables.GEOSPATIAL_ARRAYS)}
    for name, member in rows(tables.GEOSPATIAL_ARRAYS):
        node = _node(arrays[name], "Array", version)
        found[node.id] = node
        node.links["elementSchema"] = [found[arrays.get(member, f"{_SCHEMA}{member};2")]]
    for term, value, array in rows(tables.GEOSPATIAL):
        kind = _node(f"{_GEO}{value}Type;{version}", "Enum", version)
        entry = _named(f"{_GEO}:enumValue:{term};{version}", "EnumValue", version, kind, term)
        entry.literals["enumValue"] = value
        kind.links = {"valueSchema": [found[f"{_SCHEMA}string;2"]], "enumValues": [entry]}
        shape = _node(f"{_GEO}:{term};{version}", "Object", version)
        shape.links["fields"] = fields = [
            _named(f"{_GEO}:{term}:{name};{version}", "Field", version, shape, name)
            for name in ("type", "coordinates")
        ]
        fields[0].links["schema"] = [kind]
        fields[1].links["schema"] = [found[arrays[array]]]
        found |= {node.id: node for node in (kind, entry, shape, *fields)}


def _object(found: dict[str, Node], identifier: str, fields: str) -> None:
    base, _, version = identifier.partition(";")
    node = _node(identifier, "Object", int(version))
    found[identifier] = node
    node.links["fields"] = []
    for field in fields.split():
        name, _, schema = field.lstrip("*").partition(":")
        middle = ":_fields:__" if field.startswith("*") else ":"
        part = _named(f"{base}{middle}{name};{version}", "Field", int(version), node, name)
        target = f"{_SCHEMA}{schema};{version}"
        part.links["schema"] = [found[aliases().get(target, target)]]
        node.links["fields"].append(part)
        found[part.id] = part


def _builtin_units(found: dict[str, Node]) -> None:
    """Make the units of DTDL 2: elements of class Unit with a unit type as co-type."""
    for unit_type, members in unit_types(0).items():
        own = cotype(f"dtmi:standard:class:{unit_type};2")
        for term, symbol in members:
            node = _node(f"dtmi:standard:unit:{term};2", "Unit", 2)
            node.cotypes = (own,) if own else ()
            node.literals |= {"symbol": symbol}
            found[node.id] = node
    for binary in (False, True):
        own = cotype(f"dtmi:standard:class:{'Binary' if binary else 'Decimal'}Prefix;2")
        for name, _, _ in prefixes(binary):
            term = units.PREFIX_NAMES_IN_2.get(name, name)
            node = _node(f"dtmi:standard:unitprefix:{term};2", "UnitAttribute", 2)
            node.cotypes = (own,) if own else ()
            node.literals["name"] = term
            found[node.id] = node


def _extension_units(found: dict[str, Node], at: int) -> None:
    """Make the units of the extension: members of one enumeration per unit type."""
    version = 3 if at == 1 else 4
    base = f"{EXTENSION_ID}{QUANTITATIVE}:v{at}"
    kinds = {
        name: [(f"{base}:unit:{term}", term, symbol) for term, symbol in members]
        for name, members in unit_types(at).items()
    }
    for name, binary in (("DecimalPrefix", False), ("BinaryPrefix", True)):
        kinds[name] = [
            (f"{base}:unitprefix:{term}", term, symbol) for term, symbol, _ in prefixes(binary)
        ]
    for name, members in kinds.items():
        kind = _node(f"{base}:enum:{name}", "Enum", version)
        kind.literals["displayName"] = {"en": name}
        kind.links = {"valueSchema": [found[f"{_SCHEMA}string;2"]], "enumValues": []}
        found[kind.id] = kind
        for identifier, term, _ in members:
            entry = _named(identifier, "EnumValue", version, kind, term)
            entry.literals["enumValue"] = term
            kind.links["enumValues"].append(entry)
            found[identifier] = entry
