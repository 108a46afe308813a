"""Hypothesis strategies that make models, values and mutations from the tables of the language."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from kastor.dtdl import language as tables
from kastor.dtdl.metamodel import class_rows, language, rows

if TYPE_CHECKING:
    from kastor.dtdl.metamodel import PropertySpec

Draw = Any
PART = "dtmi:com:example:Part;1"
ROOM = "dtmi:com:example:Room;1"
ABOVE = "dtmi:com:example:Above;1"

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=0, max_size=30
)
languages = st.sampled_from(["en", "de", "en-US", "zh-Hans-CN", "es-419"])


class Maker:
    """Makes one model; names and ids are numbered, so that they differ."""

    def __init__(self, draw: Draw, version: int) -> None:
        self.draw = draw
        self.version = version
        self.language = language(version)
        self.count = 0
        self.primitives = [
            term for term, _, since in rows(tables.PRIMITIVES) if int(since) <= version
        ]

    def number(self) -> int:
        self.count += 1
        return self.count

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(0, one_in - 1)) == 0)

    def element(self, cls: str, depth: int, *, arrays: bool = True) -> dict[str, Any]:
        made: dict[str, Any] = {"@type": cls}
        if cls == "Enum":
            return self.enum()
        for name, spec in self.language.classes[cls].by_term.items():
            if spec.low or name == "contents" or self.chance(3):
                value = self.value(cls, spec, depth, arrays=arrays)
                if value is not None:
                    made[self.key(name, spec)] = value
        if self.chance(8):
            made["@id"] = f"dtmi:com:example:e{self.number()};1"
        return made

    def key(self, name: str, spec: PropertySpec) -> str:
        """A property may be named by its term or its identifier."""
        return spec.id if name != "name" and self.chance(10) else name

    def value(self, cls: str, spec: PropertySpec, depth: int, *, arrays: bool) -> Any:
        kind = spec.kind
        if kind == "object":
            found = self.objects(cls, spec, depth, arrays=arrays)
        elif spec.name == "name":
            found = f"n{self.number()}"
        elif kind == "string":
            found = self.draw(texts)
        elif kind == "text":
            found = self.text()
        elif kind == "integer":
            found = self.draw(
                st.integers(spec.minimum or 0, spec.maximum if spec.maximum is not None else 99)
            )
        elif kind == "boolean":
            found = self.draw(st.booleans())
        else:
            found = self.draw(st.sampled_from([PART, ROOM, "dtmi:x:y;7"]))
        if kind != "text" and not isinstance(found, list) and found is not None and self.chance(12):
            found = self.draw(st.sampled_from([[found], [[found]]]))
        return found

    def text(self) -> Any:
        form = self.draw(st.integers(0, 3))
        if form == 0:
            return self.draw(texts)
        if form == 1:
            return self.draw(st.dictionaries(languages, texts, max_size=3))
        if form == 2:
            return [self.draw(texts)]
        codes = self.draw(st.lists(languages, unique=True, max_size=3))
        return [{"@language": code, "@value": self.draw(texts)} for code in codes]

    def objects(self, cls: str, spec: PropertySpec, depth: int, *, arrays: bool) -> Any:
        if spec.cls == "Interface":
            return PART if cls == "Component" else None
        if spec.name == "contents":
            kinds = ["Property", "Telemetry", "Relationship", "Component", "Command"]
            chosen = self.draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6))
            return [self.element(kind, depth) for kind in chosen]
        if spec.name == "schemas":
            return None
        if spec.cls == "CommandType":
            return self.draw(st.sampled_from(tables.COMMAND_TYPES))
        if spec.cls == "String":
            return "string"
        if spec.cls == "Schema":
            no_array = not arrays or (self.version == 2 and cls == "Property")
            return self.schema(depth, arrays=not no_array)
        if spec.high == 1:
            return self.inferred(spec, depth, arrays=arrays)
        count = self.draw(st.integers(spec.low, 3))
        return [self.inferred(spec, depth, arrays=arrays) for _ in range(count)]

    def inferred(self, spec: PropertySpec, depth: int, *, arrays: bool) -> dict[str, Any]:
        made = self.element(str(spec.cls), depth, arrays=arrays)
        if spec.inferred and self.chance(2):
            del made["@type"]
        return made

    def schema(self, depth: int, *, arrays: bool) -> Any:
        if depth >= 3 or self.chance(3):
            return self.draw(st.sampled_from(self.primitives))
        kinds = ["Object", "Map", "Enum", *(["Array"] if arrays else [])]
        return self.element(self.draw(st.sampled_from(kinds)), depth + 1, arrays=arrays)

    def enum(self) -> dict[str, Any]:
        schema = self.draw(st.sampled_from(["integer", "string"]))
        numbers = self.draw(st.lists(st.integers(-9, 99), min_size=1, max_size=4, unique=True))
        return {
            "@type": "Enum",
            "valueSchema": schema,
            "enumValues": [
                {"name": f"n{self.number()}", "enumValue": n if schema == "integer" else f"v{n}"}
                for n in numbers
            ],
        }

    def interface(self, identifier: str) -> dict[str, Any]:
        made = self.element("Interface", 0)
        return made | {"@context": f"dtmi:dtdl:context;{self.version}", "@id": identifier}


@st.composite
def models(draw: Draw) -> list[dict[str, Any]]:
    """Draw a valid set: an interface, one that it extends, and one for components."""
    version = draw(st.sampled_from(tables.VERSIONS))
    maker = Maker(draw, version)
    part = {"@context": f"dtmi:dtdl:context;{version}", "@id": PART, "@type": "Interface"}
    above = maker.interface(ABOVE)
    room = maker.interface(ROOM)
    if draw(st.booleans()):
        room["extends"] = draw(st.sampled_from([ABOVE, [ABOVE], [ABOVE, ABOVE]]))
    return list(draw(st.permutations([part, above, room])))


# --- mutations --------------------------------------------------------------------------------

WORDS = sorted(
    {row[1] for row in rows(tables.PROPERTIES)}
    | set(class_rows(4))
    | {"@id", "@type", "@context", "@value", "@language", "@graph", "@index", "x", "", "dtmi:a:b;1"}
    | {"dtmi:dtdl:context;2", "dtmi:dtdl:context;4", "double", "string", "kelvin", "Temperature"}
)
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(WORDS),
    texts,
    st.just([]),
    st.just({}),
    st.lists(st.sampled_from(WORDS), max_size=2),
    st.dictionaries(st.sampled_from(WORDS), st.sampled_from(WORDS), max_size=2),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a document."""
    found, stack = [], [value]
    while stack:
        container = stack.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], (dict, list)):
                stack.append(container[key])
    return found


@st.composite
def mutants(draw: Draw) -> list[Any]:
    """Draw a set with one to three random changes."""
    document: list[Any] = copy.deepcopy(draw(models()))
    for _ in range(draw(st.integers(1, 3))):
        at = [p for p in places(document) if p[0] is not document] or places(document)
        if not at:
            break
        container, key = draw(st.sampled_from(at))
        action = draw(st.integers(0, 4))
        if action == 0:
            del container[key]
        elif action == 1:
            container[key] = draw(junk)
        elif action == 2:
            other, from_key = draw(st.sampled_from(at))
            container[key] = copy.deepcopy(other[from_key]) if from_key in _keys(other) else 0
        elif isinstance(container, dict):
            new = draw(st.sampled_from(WORDS))
            container[new] = container.pop(key) if action == 3 else draw(junk)
        else:
            container.append(draw(junk))
    return document


def _keys(container: Any) -> Any:
    return container if isinstance(container, dict) else range(len(container))


# --- values -----------------------------------------------------------------------------------

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "string": st.text(st.characters(codec="utf-8"), max_size=20),
    "date": st.dates().map(lambda d: d.isoformat()),
    "dateTime": st.datetimes().map(lambda d: f"{d.isoformat()}Z"),
    "time": st.times().map(lambda t: f"{t.isoformat()}+01:30"),
    "duration": st.sampled_from(["PT1S", "P1Y2M3DT4H5M6.7S", "P3W", "P1D"]),
    "byte": st.integers(-128, 127),
    "short": st.integers(-(2**15), 2**15 - 1),
    "unsignedByte": st.integers(0, 2**8 - 1),
    "unsignedShort": st.integers(0, 2**16 - 1),
    "unsignedInteger": st.integers(0, 2**32 - 1),
    "unsignedLong": st.integers(0, 2**64 - 1),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=3).map(lambda d: f"{d:f}"),
    "uuid": st.uuids().map(str),
    "bytes": st.binary(max_size=20).map(lambda b: __import__("base64").b64encode(b).decode()),
}


def value_of(draw: Draw, schema: Any) -> Any:
    """Draw a value that conforms to a schema element."""
    if schema.kind == "Array":
        count = draw(st.integers(0, 3))
        return [value_of(draw, schema.element_schema) for _ in range(count)]
    if schema.kind == "Map":
        keys = draw(st.lists(texts, max_size=3, unique=True))
        return {key: value_of(draw, schema.value.schema) for key in keys}
    if schema.kind == "Object":
        return {
            name: value_of(draw, field.schema)
            for name, field in schema.fields.items()
            if draw(st.booleans())
        }
    if schema.kind == "Enum":
        return draw(st.sampled_from([v.value for v in schema.values]))
    return draw(VALUES[schema.name])
