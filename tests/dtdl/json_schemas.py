"""A judge by JSON Schema, and what of a value the language of JSON Schema cannot see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from kastor.dtdl import ModelSet, ValueRules
from kastor.dtdl.json_schema import plain_names
from kastor.dtdl.json_schema.values import Definitions, ValueSchemas

Schema = dict[str, Any]


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    """As the standard has it, in JavaScript: to Python `$` stands before a last line feed too."""
    ends = pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern
    if isinstance(value, str) and not re.search(ends, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


_Judge = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


class Judge:
    """Judges values by a schema, which it checks first."""

    def __init__(self, schema: Schema) -> None:
        jsonschema.Draft202012Validator.check_schema(schema)
        self._judge = _Judge(schema)

    def accepts(self, value: Any) -> bool:
        return bool(self._judge.is_valid(value))

    def problems(self, value: Any) -> list[str]:
        return [each.message for each in self._judge.iter_errors(value)]


def of_element(models: ModelSet, identifier: str, rules: ValueRules) -> Schema:
    """The schema of a schema element, or of the values that another element has."""
    definitions = Definitions(plain_names)
    element: Any = models.element(identifier)
    made = ValueSchemas(definitions, rules).of(getattr(element, "schema", element))
    return {**made, "$defs": definitions.made}


def whole_numbers(value: Any) -> Any:
    """A value with whole numbers written as integers, as which JSON Schema sees all of them."""
    if isinstance(value, list):
        return [whole_numbers(each) for each in value]
    if isinstance(value, dict):
        return {name: whole_numbers(each) for name, each in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return 0 if isinstance(value, int) and value == 0 and value is not False else value
