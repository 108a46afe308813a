"""What the tables mean: classes, properties, closures and limits of one DTDL version.

`language(version, limits)` reads `kastor.dtdl.language` once per version and limits context, so
that the parser finds plain numbers and never looks at more than one version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from kastor.dtdl import language as tables

CLASS_ID = "dtmi:dtdl:class:"
PROPERTY_ID = "dtmi:dtdl:property:"


@dataclass(frozen=True, slots=True, eq=False)
class PropertySpec:
    """One property of a class or co-type in one version.

    Attributes:
        name: term of the property.
        id: identifier of the property.
        shown: how problems name it: term, for literals of co-types the identifier.
        kind: ``string``, ``boolean``, ``integer``, ``decimal``, ``duration``, ``any``, ``text``,
            ``target``, ``property`` or ``object``.
        cls: class of the values when `kind` is ``object``.
        names: names that ``@type`` of an inline value may have.
        inferred: class that is meant when ``@type`` is absent; None if it must be there.
        low: least number of values.
        high: greatest number of values; None is no limit.
        length: longest text in UTF-16 units.
        pattern: text that a value must match, and its source.
        minimum, maximum: range of an integer.
        only: ids of the standard elements that may be values; empty is any.
        id_required: an inline value needs ``@id``.
        versions: DTDL versions that a value may have.
        segment: member of an inline value that its automatic id ends in.
        key: the values are collected under this member.
        unique: members that differ within the collection.
        cotype: term of the co-type that has the property.
        cotype_id: identifier of that co-type.
        parent_enum: id of the enumeration that the value must be a member of.
        value_cotype: id of the unit type that the value must have.
        distinct: siblings must differ in the value.
        conforms: property whose schema the value must conform to.
    """

    name: str
    id: str
    kind: str
    low: int
    high: int | None
    shown: str = ""
    cls: str | None = None
    names: frozenset[str] = frozenset()
    inferred: str | None = None
    length: int | None = None
    pattern: re.Pattern[str] | None = None
    minimum: int | None = None
    maximum: int | None = None
    only: frozenset[str] = frozenset()
    id_required: bool = False
    versions: frozenset[int] = frozenset()
    segment: str | None = None
    key: str | None = None
    unique: tuple[str, ...] = ()
    cotype: str | None = None
    cotype_id: str | None = None
    parent_enum: str | None = None
    value_cotype: str | None = None
    distinct: bool = False
    conforms: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ClassSpec:
    """One class in one version.

    Attributes:
        name: term of the class.
        ancestors: it and all above it.
        properties: by term and by identifier.
        required: properties that need at least one value.
        by_term: properties by term only, in the order of the table.
    """

    name: str
    ancestors: frozenset[str]
    properties: dict[str, PropertySpec]
    required: tuple[PropertySpec, ...]
    by_term: dict[str, PropertySpec]


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A rule over everything that an element reaches (dtdl 6.3, 7)."""

    root: str
    rule: str
    narrow: bool
    over: tuple[str, ...]
    limit: int
    excluded: str | None
    cycles: bool

    @property
    def shown(self) -> str:
        """How problems name the followed properties."""
        return " or ".join(f"'{name}'" for name in self.over)


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One DTDL version under one limits context (dtdl 3 to 7)."""

    version: int
    limits: str
    classes: dict[str, ClassSpec]
    closures: tuple[Closure, ...]
    id_pattern: re.Pattern[str]
    id_length: int
    interface_id_length: int
    text_length: int | None
    tolerant: bool
    restricts_keywords: bool


def rows(table: str) -> list[list[str]]:
    """Return the cells of a table whose columns are two or more blanks apart."""
    return [re.split(r"\s{2,}", line.strip()) for line in table.strip().splitlines()]


def number(cell: str, limits: str) -> int | None:
    """Return the limit that a cell like ``512 aio:2048`` holds, or None for ``-``."""
    first, *others = cell.split(" ")
    for other in others:
        context, _, value = other.partition(":")
        if context == limits:
            return int(value)
    return None if first == "-" else int(first)


@cache
def class_parents() -> dict[str, str | None]:
    """Return the parent of each class."""
    return {row[0]: None if row[1] == "-" else row[1] for row in rows(tables.CLASSES)}


@cache
def ancestors(name: str) -> frozenset[str]:
    """Return a class and everything above it."""
    parent = class_parents()[name]
    return frozenset({name}) | (ancestors(parent) if parent else frozenset())


@cache
def class_rows(version: int) -> dict[str, str]:
    """Return class -> how it comes into a model, for the classes of a version."""
    return {
        name: manner
        for name, _, versions, manner in rows(tables.CLASSES)
        if str(version) in versions.split()
    }


@cache
def written_names(name: str, version: int) -> frozenset[str]:
    """Return what ``@type`` may say where a class is expected (dtdl 4.2)."""
    manners = {"written", f"written-in-{version}"}
    if name in ("Entity", "NamedEntity"):
        # Only a property of co-types may lead to any element at all.
        manners.add("standard")
    return frozenset(
        n for n, manner in class_rows(version).items() if name in ancestors(n) and manner in manners
    )


@cache
def material_names() -> frozenset[str]:
    """Return all class names of all versions."""
    return frozenset(class_parents())


def _limits_in(cell: str) -> dict[str, str]:
    """Split ``1..1 len=512 aio:512 1<=x<=3 name`` into its parts."""
    parts: dict[str, str] = {}
    for word in cell.split():
        if ".." in word:
            parts["count"] = word
        elif word.startswith("len="):
            parts["len"] = word[4:]
        elif "x" in word and "<=" in word:
            parts["range"] = word
        elif word == "name":
            parts["pattern"] = tables.NAME
        else:
            parts["len"] += f" {word}"
    return parts


def _range(text: str) -> tuple[int | None, int | None]:
    low, _, high = text.partition("x")
    return (
        int(low.removesuffix("<=")) if low else None,
        int(high.removeprefix("<=")) if high else None,
    )


def _marks(cell: str) -> dict[str, str]:
    marks: dict[str, str] = {}
    for word in cell.split():
        if word == "-":
            continue
        if word[0].isdigit():
            version, _, cls = word.partition(":")
            marks[version] = cls
            continue
        name, _, value = word.partition("=")
        marks[name] = value
    return marks


def only_ids(terms: str, version: int) -> frozenset[str]:
    """Return the ids that stand for some standard elements in a version and the older ones."""
    if not terms:
        return frozenset()
    if terms.startswith(tables.COMMAND_TYPES):
        return frozenset(
            f"dtmi:dtdl:instance:CommandType:{term};{version}" for term in terms.split(",")
        )
    return frozenset(
        f"dtmi:dtdl:instance:Schema:{term};{v}"
        for term in terms.split(",")
        for v in range(2, version + 1)
    )


_LITERALS = {"string", "boolean", "integer", "any", "text", "target"}


def _property(row: list[str], version: int, limits: str) -> PropertySpec | None:
    _, name, kind, *cells, mark_cell = row
    cell = cells[version - 2]
    if cell == "-":
        return None
    parts, marks = _limits_in(cell), _marks(mark_cell)
    low, _, high = parts["count"].partition("..")
    minimum, maximum = _range(parts["range"]) if "range" in parts else (None, None)
    cls = None if kind in _LITERALS else marks.get(str(version), kind)
    pattern = tables.DTMI_2 if version == 2 else tables.DTMI_3  # noqa: PLR2004
    pattern = pattern if kind == "target" else parts.get("pattern", "")
    return PropertySpec(
        name=name,
        id=f"{PROPERTY_ID}{name};{version}",
        shown=name,
        kind="object" if cls else kind,
        cls=cls,
        names=written_names(cls, version) if cls else frozenset(),
        inferred=cls if "inferred" in marks else None,
        low=int(low),
        high=None if high == "*" else int(high),
        length=number(parts["len"], limits) if "len" in parts else None,
        pattern=re.compile(pattern) if pattern else None,
        minimum=minimum,
        maximum=maximum,
        only=only_ids(marks.get("only", ""), version),
        id_required="id" in marks or "only" in marks,
        versions=frozenset({version} if "own" in marks else range(2, version + 1)),
        segment=marks.get("by"),
        key=marks.get("key"),
        unique=tuple(filter(None, marks.get("unique", "").split(","))),
    )


def _class(name: str, version: int, limits: str) -> ClassSpec:
    above = ancestors(name)
    found = [
        spec
        for row in rows(tables.PROPERTIES)
        if row[0] in above and (spec := _property(row, version, limits))
    ]
    return ClassSpec(
        name=name,
        ancestors=above,
        properties={p.name: p for p in found} | {p.id: p for p in found},
        required=tuple(p for p in found if p.low),
        by_term={p.name: p for p in found},
    )


def _closures(version: int, limits: str) -> tuple[Closure, ...]:
    found = []
    for root, rule, walk, over, *cells, marks in rows(tables.CLOSURES):
        cell = cells[version - 2]
        if cell == "-":
            continue
        excluded = cell if rule == "excludes" else None
        found.append(
            Closure(
                root=root,
                rule=rule,
                narrow=walk == "narrow",
                over=tuple(over.split()),
                limit=0 if excluded else number(cell, limits) or 0,
                excluded=excluded,
                cycles=f"cycle:{version}" in marks,
            )
        )
    return tuple(found)


def _column(line: str, version: int, limits: str) -> int | None:
    return number(re.split(r"\s{2,}", line)[version - 2], limits)


@cache
def language(version: int, limits: str = "") -> Language:
    """Return the language of a version under a limits context (``""``, ``aio``, ``onvif``)."""
    return Language(
        version=version,
        limits=limits,
        classes={name: _class(name, version, limits) for name in class_rows(version)},
        closures=_closures(version, limits),
        id_pattern=re.compile(tables.DTMI_2 if version == 2 else tables.DTMI_3),  # noqa: PLR2004
        id_length=_column(tables.ID_LENGTH, version, limits) or 0,
        interface_id_length=_column(tables.INTERFACE_ID_LENGTH, version, limits) or 0,
        text_length=_column(tables.INTERFACE_TEXT_LENGTH, version, limits),
        tolerant=version in tables.TOLERANT,
        restricts_keywords=version in tables.RESTRICTED_KEYWORDS,
    )
