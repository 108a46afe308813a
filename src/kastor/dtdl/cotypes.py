"""What the extension and unit tables mean: co-types and unit enumerations (dtdl 9).

`cotype(id)` finds a co-type by identifier.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from kastor.dtdl import extensions, units
from kastor.dtdl import language as tables
from kastor.dtdl.metamodel import (
    CLASS_ID,
    PROPERTY_ID,
    PropertySpec,
    material_names,
    written_names,
)
from kastor.types import override

EXTENSION_ID = "dtmi:dtdl:extension:"
QUANTITATIVE = "quantitativeTypes"


@dataclass(frozen=True, slots=True, eq=False)
class Constraint:
    """A rule of a co-type on a property of its element, or on the parent (dtdl 9).

    Attributes:
        property: the property, or with `inverse` the property of the parent that leads here.
        classes: class names, one of which a value must be.
        cotypes: co-type ids, one of which a value (with `inverse` the parent) must have.
        values: ids, one of which a value must be.
        shown: the alternatives as problems name them.
        inverse: the rule is on the parent.
        single: no other value of the parent's property may have the co-type.
        other: co-type id that some other value of the parent's property must have.
    """

    property: str
    shown: str
    classes: frozenset[str] = frozenset()
    cotypes: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    inverse: bool = False
    single: bool = False
    other: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Cotype:
    """A co-type (supplemental type).

    Attributes:
        id: its identifier.
        term: its name in its context.
        context: id of the context that defines it.
        abstract: it can not stand in ``@type``.
        parent: id of the co-type above it.
        on: classes it may stand on; empty is none.
        versions: DTDL versions of the elements it may stand on.
        needs: ids of co-types that must stand beside it.
        excludes: ids of co-types that must not stand beside it.
        alternatives: ids of co-types whose elements it may stand on, whatever their class.
        properties: by term and identifier, inherited ones included.
        required: properties that need a value.
        constraints: own and inherited ones.
        names_sibling: the annotation rule: property that names a sibling, classes, co-type that
            the sibling must not have.
        overrides: the rules of Override apply.
    """

    id: str
    term: str
    context: str
    abstract: bool = False
    parent: str | None = None
    on: frozenset[str] = frozenset()
    versions: frozenset[int] = frozenset()
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    alternatives: frozenset[str] = frozenset()
    properties: tuple[PropertySpec, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    names_sibling: tuple[str, frozenset[str], str] | None = None
    overrides: str | None = None


def marked(words: str, separator: str) -> list[tuple[int, str]]:
    """Return (level, word) of each entry: 0 everywhere, 1 with ``+``, 3 with ``*``."""
    found = []
    for raw in words.split(separator):
        word = raw.strip()
        level = {"+": 1, "*": 3}.get(word[:1], 0)
        found.append((level, word[1:] if level else word))
    return found


@cache
def unit_types(level: int) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return unit type -> (term, symbol) of its units.

    Level 0 is what DTDL 2 has built in, 1 to 3 are the versions of the extension.
    """
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for line in units.UNITS.strip().splitlines():
        name, _, members = line.partition(": ")
        [(own, name)] = marked(name, "\n")
        if own > level:
            continue
        entries = [entry.partition(" ") for at, entry in marked(members, "|") if at <= level]
        found[name] = tuple((term, symbol) for term, _, symbol in entries)
    return found


@cache
def semantic_types(level: int) -> dict[str, str]:
    """Return semantic type -> unit type; levels as in `unit_types`."""
    found: dict[str, str] = {}
    for line in units.SEMANTIC_TYPES.strip().splitlines():
        unit_type, _, members = line.partition(": ")
        found |= {term: unit_type for at, term in marked(members, " ") if at <= level}
    return found


@cache
def prefixes(binary: bool) -> tuple[tuple[str, str, int], ...]:
    """Return (name, symbol, exponent) of the unit prefixes."""
    text = units.BINARY_PREFIXES if binary else units.DECIMAL_PREFIXES
    return tuple(
        (name, symbol, int(exponent))
        for name, symbol, exponent in (entry.split() for entry in text.split("|"))
    )


# --- reading the extension blocks -------------------------------------------------------------


def _numbers(cell: str) -> range:
    low, _, high = cell.partition("-")
    return range(int(low), int(high or low) + 1)


def _versions_of(cells: list[str]) -> dict[int, frozenset[int]]:
    return {
        int(at): frozenset(map(int, dtdl.split(",")))
        for at, _, dtdl in (cell.partition(":") for cell in cells)
    }


class _Naming:
    """How one extension forms its identifiers."""

    def __init__(self, extension: str, at: int) -> None:
        self.extension, self.at = extension, at
        partner = extensions.PARTNER_CONTEXTS.get(extension)
        self.context = partner or f"{EXTENSION_ID}{extension};{at}"

    def cotype(self, name: str) -> str:
        if self.extension in extensions.PARTNER_CONTEXTS:
            return f"dtmi:{self.extension}:class:{name};{self.at}"
        middle = "class:" if self.extension == QUANTITATIVE else ""
        return f"{EXTENSION_ID}{self.extension}:v{self.at}:{middle}{name}"

    def property(self, cotype: str, term: str, dtdl: int) -> str:
        if self.extension in extensions.PARTNER_CONTEXTS:
            owner = "dtdl" if term == "unit" else self.extension
            return f"dtmi:{owner}:property:{term};{self.at}"
        if self.extension == QUANTITATIVE:
            if term in ("symbol", "exponent"):
                return f"{PROPERTY_ID}{term};{dtdl}"
            return f"{EXTENSION_ID}{QUANTITATIVE}:v{self.at}:property:{term}"
        return f"{EXTENSION_ID}{self.extension}:v{self.at}:{cotype}:{term}"

    def other(self, name: str) -> str:
        """Return the id of a co-type that a rule names, perhaps of another extension."""
        where, slash, term = name.partition("/")
        if not slash:
            return self.cotype(name)
        extension, _, at = where.partition(";")
        return _Naming(extension, int(at or self.at)).cotype(term)


def _reference_kind(kind: str, naming: _Naming) -> tuple[str, str | None, str | None, str | None]:
    """Return kind, class, unit type and enumeration of a property's values."""
    if kind.startswith("unit:"):
        return "object", "Unit", f"dtmi:standard:class:{kind[5:]};2", None
    if kind.startswith("enum:"):
        enum = f"{EXTENSION_ID}{naming.extension}:v{naming.at}:enum:{kind[5:]}"
        return "object", "EnumValue", None, enum
    if kind.startswith("prefix:"):
        return "object", "UnitAttribute", f"dtmi:standard:class:{kind[7:]};2", None
    if kind[0].isupper():
        return "object", kind, None, None
    return kind, None, None, None


def _property(naming: _Naming, cotype: str, cells: list[str], dtdl: frozenset[int]) -> PropertySpec:
    term, _, count, kind_cell, *rules = cells
    kind, cls, unit_type, enum = _reference_kind(kind_cell, naming)
    rule = dict(r.partition("=")[::2] for r in rules)
    identifier = naming.property(cotype, term, max(dtdl))
    pattern = extensions.PATTERNS.get(rule.get("pattern", ""), tables.NAME)
    low, _, high = count.partition("..")
    return PropertySpec(
        name=term,
        id=identifier,
        shown=identifier,
        kind=kind,
        cls=cls,
        names=written_names(cls, max(dtdl)) if cls == "Entity" else frozenset(),
        low=int(low),
        high=int(high),
        length=int(rule["len"]) if "len" in rule else None,
        pattern=re.compile(pattern) if "pattern" in rule else None,
        minimum=int(rule["min"]) if "min" in rule else None,
        versions=frozenset({2, 3, 4}),
        cotype=cotype,
        cotype_id=naming.cotype(cotype),
        parent_enum=enum,
        value_cotype=unit_type,
        distinct="unique" in rule,
        conforms=rule.get("conforms"),
    )


def _alternatives(text: str, naming: _Naming) -> tuple[frozenset[str], frozenset[str], str]:
    names = text.split("|")
    classes = frozenset(n for n in names if n in material_names())
    cotypes = frozenset(naming.other(n) for n in names if n not in classes)
    return classes, cotypes, " or ".join(names)


def value_id(term: str) -> str:
    """Return the id of the standard element that a DTDL 2 term of a rule stands for."""
    if term in ("vector", "geopoint"):
        return f"dtmi:iotcentral:schema:{term};2"
    return f"dtmi:standard:schema:geospatial:{term};2"


def _constraint(word: str, naming: _Naming) -> Constraint:
    name, _, terms = word.partition("=")
    if terms:
        values = frozenset(map(value_id, terms.split("|")))
        return Constraint(name, terms.replace("|", " or "), values=values)
    name, _, text = word.partition(":")
    classes, cotypes, shown = _alternatives(text, naming)
    return Constraint(name, shown, classes=classes, cotypes=cotypes)


def _inverse(words: list[str], naming: _Naming) -> Constraint | None:
    found = next((w.split() for w in words if w.startswith("in ")), None)
    if found is None:
        return None
    _, name, _, text = found
    _, cotypes, shown = _alternatives(text, naming)
    other = next((naming.other(w[5:]) for w in words if w.startswith("with=")), None)
    return Constraint(
        name, shown, cotypes=cotypes, inverse=True, single="single" in words, other=other
    )


def _names_sibling(words: list[str], naming: _Naming) -> tuple[str, frozenset[str], str] | None:
    found = next((w.split() for w in words if w.startswith("names ")), None)
    if found is None:
        return None
    _, name, classes, _, cotype = found
    return name, frozenset(classes.split("|")), naming.other(cotype)


def _listed(words: list[str], start: str, naming: _Naming) -> tuple[str, ...]:
    return tuple(naming.other(w[len(start) :]) for w in words if w.startswith(start))


def _classes(cell: str, dtdl: frozenset[int]) -> tuple[frozenset[str], frozenset[int]]:
    """Return the classes that a co-type stands on, and of which versions of DTDL."""
    on = frozenset(cell.split())
    if on == {"-"}:
        return frozenset(), dtdl
    if not on <= {"*", "**"}:
        return on, dtdl
    return material_names(), frozenset(range(2, max(dtdl) + 1)) if "**" in on else dtdl


def _constraints(words: list[str], naming: _Naming) -> tuple[Constraint, ...]:
    plain = [w for w in words if w[0].islower() and " " not in w]
    rules = [_constraint(w, naming) for w in plain if ":" in w or w.partition("=")[0] == "schema"]
    inverse = _inverse(words, naming)
    return (*((inverse,) if inverse else ()), *rules)


def _cotype(
    naming: _Naming,
    cells: list[str],
    property_rows: list[list[str]],
    dtdl: frozenset[int],
) -> Cotype:
    name, _, on_cell, *words = cells
    on, dtdl = _classes(on_cell, dtdl)
    parent = next((w[1:] for w in words if w.startswith("<")), None)
    return Cotype(
        id=naming.cotype(name),
        term=name,
        context=naming.context,
        abstract="abstract" in words,
        parent=naming.cotype(parent) if parent else None,
        on=on,
        versions=dtdl,
        needs=_listed(words, "needs=", naming),
        excludes=_listed(words, "not=", naming),
        alternatives=frozenset(_listed(words, "alt=", naming)),
        properties=tuple(
            _property(naming, name, row, dtdl)
            for row in property_rows
            if naming.at in _numbers(row[1])
        ),
        constraints=_constraints(words, naming),
        names_sibling=_names_sibling(words, naming),
        overrides="annotates" if "overrides" in words else None,
    )


def _block(text: str) -> list[Cotype]:
    head, *lines = text.splitlines()
    extension, *cells = re.split(r"\s{2,}", head)
    versions = _versions_of(cells)
    groups: list[tuple[list[str], list[list[str]]]] = []
    for line in lines:
        row = re.split(r"\s{2,}", line.strip())
        if line.startswith("    "):
            groups[-1][1].append(row)
        else:
            groups.append((row, []))
    return [
        _cotype(_Naming(extension, at), row, members, dtdl)
        for at, dtdl in versions.items()
        for row, members in groups
        if at in _numbers(row[1])
    ]


# --- semantic types and the built-in co-types -------------------------------------------------


def _quantitative_block(at: int) -> str:
    """Write the semantic types of one extension version in the notation of the tables."""
    on = "CommandRequest CommandResponse Field MapValue Property Telemetry"
    lines = [f"{QUANTITATIVE}  {at}:{3 if at == 1 else 4}"]
    lines += [f"  {line}" for line in units.UNIT_COTYPES.strip("\n").splitlines()]
    for term, unit_type in semantic_types(at).items():
        lines.append(f"  {term}  {at}  {on}  <QuantitativeType  schema:NumericSchema")
        lines.append(f"    unit  {at}  1..1  enum:{unit_type}")
    return "\n".join(lines)


class _Builtin(_Naming):
    """Identifiers of the semantic types that DTDL 2 has built in."""

    def __init__(self) -> None:
        super().__init__("standard", 2)
        self.context = "dtmi:dtdl:context;2"

    @override
    def cotype(self, name: str) -> str:
        return f"dtmi:standard:class:{name};2"

    @override
    def property(self, cotype: str, term: str, dtdl: int) -> str:
        return f"{PROPERTY_ID}{term};2"


class _Core(_Naming):
    """Identifiers of the co-types that every version has."""

    def __init__(self, version: int) -> None:
        super().__init__("core", version)
        self.context = f"dtmi:dtdl:context;{version}"

    @override
    def cotype(self, name: str) -> str:
        return f"{CLASS_ID}{name};{self.at}"

    @override
    def property(self, cotype: str, term: str, dtdl: int) -> str:
        return f"{PROPERTY_ID}{term};{self.at}"


def _lines(naming: _Naming, table: str, dtdl: frozenset[int]) -> list[Cotype]:
    groups: list[tuple[list[str], list[list[str]]]] = []
    for line in table.strip("\n").splitlines():
        row = re.split(r"\s{2,}", line.strip())
        if line.startswith("  "):
            groups[-1][1].append(row)
        else:
            groups.append((row, []))
    return [
        _cotype(naming, row, members, dtdl)
        for row, members in groups
        if naming.at in _numbers(row[1])
    ]


def _builtin() -> list[Cotype]:
    table = units.BUILTIN_COTYPES.strip("\n").splitlines()
    table += [f"{name}  2  -" for name in unit_types(0)]
    for term, unit_type in semantic_types(0).items():
        table.append(f"{term}  2  Property Telemetry  <QuantitativeType  schema:NumericSchema")
        table.append(f"  unit  2  1..1  unit:{unit_type}")
    return _lines(_Builtin(), "\n".join(table), frozenset({2}))


@cache
def cotypes() -> dict[str, Cotype]:
    """Return all co-types by identifier."""
    blocks = f"{extensions.EXTENSIONS.strip()}\n\n{extensions.PARTNERS.strip()}".split("\n\n")
    blocks += [_quantitative_block(at) for at in (1, 2, 3)]
    found = [cotype for block in blocks for cotype in _block(block)]
    found += _builtin()
    for version in tables.VERSIONS:
        found += _lines(_Core(version), units.CORE_COTYPES, frozenset({version}))
    return {cotype.id: cotype for cotype in found}


def cotype(identifier: str) -> Cotype | None:
    """Return the co-type of an identifier, or None."""
    return cotypes().get(identifier)


@cache
def cotype_ancestors(identifier: str) -> frozenset[str]:
    """Return a co-type's identifier and those above it."""
    found = cotypes().get(identifier)
    above = cotype_ancestors(found.parent) if found and found.parent else frozenset()
    return above | {identifier}
