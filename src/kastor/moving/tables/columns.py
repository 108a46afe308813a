"""The columns that a model's twins and relationships have in a table that we write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kastor.dtdl import model
from kastor.dtdl.describe import schema_name
from kastor.moving.tables.convention import ID, MODEL, NAME, RELATIONSHIP_ID, SOURCE, TARGET
from kastor.moving.tables.faults import TableError, nearest, shown
from kastor.moving.tables.paths import ValueSlot, property_slots, slots
from kastor.moving.tables.rows import MAX_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.dtdl import ModelSet

_ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table.

    Attributes:
        title: what the convention reads.
        type: of its values, in words.
        about: what it holds.
        choices: the only values there may be; empty where others may be too.
        text: whether its values are texts, which spreadsheets must not take for something else.
    """

    title: str
    type: str
    about: str
    choices: tuple[str, ...] = ()
    text: bool = False


def interface_of(models: ModelSet, identifier: str) -> model.Interface:
    """Return a model. Raises TableError where there is none; says which are like it."""
    if identifier not in models.interfaces:
        raise TableError(
            f"There is no model {shown(identifier)}.{nearest(identifier, models.interfaces)}"
        )
    return models.interfaces[identifier]


def twin_columns(interface: model.Interface) -> list[TableColumn]:
    """Return the columns of a model's twins. Raises TableError where they are too many."""
    found = [TableColumn(ID, "id", "Id of the twin, needed in each row.", text=True)]
    found += map(_column, slots(interface))
    return _checked(found, interface.id)


def model_column() -> TableColumn:
    """Return the column that names the model of each row."""
    return TableColumn(MODEL, "id of a model", "The model of the twin.", text=True)


def relationship_columns(interface: model.Interface) -> list[TableColumn]:
    """Return the columns of the relationships that twins of a model have."""
    names = tuple(interface.relationships)
    about = "; ".join(
        f"{name} leads to {each.target or 'any model'}"
        for name, each in interface.relationships.items()
    )
    found = [
        TableColumn(SOURCE, "id", f"Id of a twin of {interface.id}, needed.", text=True),
        TableColumn(NAME, "name", f"Which relationship, needed: {about}.", names, text=True),
        TableColumn(TARGET, "id", "Id of the twin that it leads to, needed.", text=True),
        TableColumn(
            RELATIONSHIP_ID, "id", "Id; made of the three others where it is empty.", text=True
        ),
    ]
    properties = property_columns(interface.relationships.values())
    return _checked([*found, *properties], interface.id)


def property_columns(relationships: Iterable[model.Relationship]) -> list[TableColumn]:
    """Return the columns of properties of relationships, those of one path once."""
    found: dict[str, TableColumn] = {}
    for each in relationships:
        for slot in property_slots(each.properties):
            found.setdefault(slot.path, _column(slot))
    return list(found.values())


def _checked(columns: list[TableColumn], identifier: str) -> list[TableColumn]:
    if len(columns) > MAX_COLUMNS:
        raise TableError(f"{identifier} has more than {MAX_COLUMNS} properties for a table.")
    return columns


def _column(slot: ValueSlot) -> TableColumn:
    schema = slot.schema
    choices: tuple[str, ...] = ()
    if isinstance(schema, model.Enum):
        choices = tuple(each.name for each in schema.values)
        kind = f"enum: {', '.join(choices)}"
    elif isinstance(schema, model.PrimitiveSchema):
        kind = schema.name
        choices = ("true", "false") if schema.name == "boolean" else ()
    else:
        kind = f"{schema_name(schema)}, as JSON"
    plain = isinstance(schema, model.PrimitiveSchema) and schema.name not in _NUMBERS
    about = ". ".join(_words(slot))
    return TableColumn(slot.path, kind, about, choices, text=plain and not choices)


_NUMBERS = frozenset(
    ("double", "float", "byte", "short", "integer", "unsignedByte", "unsignedShort")
)


def _words(slot: ValueSlot) -> Iterator[str]:
    for texts in (slot.element.display_name, slot.element.description):
        text = texts.get(_ENGLISH) or next(iter(texts.values()), "")
        if text:
            yield text.rstrip(". ")
    unit = slot.element.cotype_properties.get("unit")
    if unit is not None:
        yield f"In {str(unit).rpartition(':')[2].partition(';')[0]}"
