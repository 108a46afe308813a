"""JSON Schema (2020-12) of what a server takes as bodies of twins and relationships.

Pure, and made of the same elements as the checks of a server; what the language of JSON Schema
cannot say is listed in docs/how-to/types-from-models.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.dtdl.json_schema.bodies import BodySchemas
from kastor.dtdl.json_schema.names import Names, SchemaDefinition, plain_names
from kastor.dtdl.json_schema.values import JsonSchema
from kastor.dtdl.rules import STRICT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.dtdl.model_set import ModelSet
    from kastor.dtdl.rules import ValueRules

__all__ = ["JsonSchema", "Names", "SchemaDefinition", "all_bodies", "bodies_of", "plain_names"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def all_bodies(
    models: ModelSet,
    identifiers: Iterable[str],
    rules: ValueRules = STRICT,
    names: Names = plain_names,
) -> JsonSchema:
    """Return one schema with the bodies of several models in its `$defs`.

    The schema itself takes the body of a twin of any of them.

    Args:
        models: all that the given ones need.
        identifiers: of the models whose twins and relationships are described.
        rules: what the server accepts as values.
        names: of the definitions.

    Raises:
        KeyError: there is no interface of an id.
    """
    made = BodySchemas(names, rules)
    twins = []
    for identifier in identifiers:
        interface = models.interfaces[identifier]
        twins.append(made.twin(interface))
        for name in interface.relationships:
            made.relationship(interface, name)
    return {"$schema": _DIALECT, "anyOf": twins, "$defs": made.definitions.made}


def bodies_of(models: ModelSet, identifier: str, rules: ValueRules = STRICT) -> JsonSchema:
    """Return the schema of the body of a twin; those of its relationships are in its `$defs`.

    Raises:
        KeyError: there is no interface of that id.
    """
    found = all_bodies(models, [identifier], rules)
    return {"$schema": _DIALECT, "$ref": found["anyOf"][0]["$ref"], "$defs": found["$defs"]}
