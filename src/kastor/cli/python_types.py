"""A Python module with classes for the bodies of twins and relationships.

The classes are made by datamodel-code-generator of the JSON Schema of the bodies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from kastor import __version__
from kastor.cli.python_bodies import BODIES
from kastor.cli.python_names import ClassNames, member_names, value_names
from kastor.dtdl.json_schema import JsonSchema, SchemaDefinition, all_bodies
from kastor.extras import install_extra

if TYPE_CHECKING:
    from kastor.dtdl import ModelSet, ValueRules

Style = Literal["dataclasses", "pydantic", "typeddict"]
_HEADER = (
    f"# Made by Kastor {__version__} (kastor models generate python); make it anew when the models "
    "change."
)
_VALUE_NAMES = "x-enum-varnames"
_IMPORTS = [
    "collections.abc.Mapping",
    "dataclasses.fields",
    "dataclasses.is_dataclass",
    "enum.Enum",
    "types.UnionType",
    "typing.Any",
    "typing.TypeVar",
    "typing.Union",
    "typing.get_args",
    "typing.get_origin",
    "typing.get_type_hints",
]
# What Python has no types for, or what would make another text of one that was read.
_LEFT_OUT = ("format", "contentEncoding", "propertyNames")
# Each of them would make a class of its own of what is a number or a text in a list or a map.
_BOUNDS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "maxLength", "pattern"
)  # fmt: skip


class CodegenMissing(Exception):
    """The extra that makes classes is not installed."""


def python_module(
    models: ModelSet, identifiers: Sequence[str], style: Style, rules: ValueRules
) -> str:
    """Return the text of a module with classes for the twins and relationships of models.

    Args:
        models: all that the given ones need.
        identifiers: of the models.
        style: what kind of classes.
        rules: what the server accepts as values.

    Raises:
        CodegenMissing: the extra `codegen` is not installed.
    """
    names = ClassNames([*models.interfaces, *_own_ids(models)])
    for identifier in sorted(models.interfaces):
        names(SchemaDefinition("twin", identifier))  # before others take the short names
    schema = all_bodies(models, identifiers, rules, names)
    origins = {name: definition for definition, name in names.given.items()}
    definitions = {
        name: _described(_for_classes(each), origins[name])
        for name, each in schema["$defs"].items()
        if set(each) != {"$ref"}  # an inherited relationship is that of the model above
    }
    members = {each for made in definitions.values() for each in _members(made)}
    aliases = member_names(sorted(members), definitions)
    text = _generated({"$schema": schema["$schema"], "$defs": definitions}, style, aliases)
    if style == "dataclasses":
        wire = {name: each for each, name in aliases.items()}
        text += BODIES.replace("{NAMES}", json.dumps(wire, indent=4))
    return text


def _own_ids(models: ModelSet) -> Iterator[str]:
    """Yield the ids that schemas were given, those of the language itself included."""
    for identifier in models.elements:
        if ":_" not in identifier and identifier not in models.interfaces:
            yield identifier


def _for_classes(schema: Any) -> Any:
    """Return a schema without what no class can say."""
    if isinstance(schema, list):
        return [_for_classes(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.items() if name not in _LEFT_OUT}
    made = {name: _for_classes(value) for name, value in kept.items() if name != "properties"}
    if _VALUE_NAMES in kept:
        made[_VALUE_NAMES] = value_names(kept[_VALUE_NAMES])
    for inner in ("items", "additionalProperties"):
        if isinstance(made.get(inner), dict):
            made[inner] = {n: each for n, each in made[inner].items() if n not in _BOUNDS}
    if "properties" in kept:
        made["properties"] = {
            name: _told(_for_classes(each))
            for name, each in kept["properties"].items()
            if name != "$relationships"
        }
    return made


def _told(member: JsonSchema) -> JsonSchema:
    """Return the schema of a member with its display name in its description."""
    texts = [member.pop("title", ""), member.get("description", "")]
    told = ": ".join(filter(None, texts))
    return {**member, "description": told} if told else member


def _described(schema: JsonSchema, origin: SchemaDefinition) -> JsonSchema:
    """Return a schema whose description is the docstring of its class."""
    texts = [schema.pop("title", ""), schema.get("description", "")]
    if origin.role in ("twin", "component", "relationship"):
        texts.append(" ".join(filter(None, (origin.element, origin.name))))
    described = "\n\n".join(filter(None, texts))
    return {**schema, "description": described} if described else schema


def _members(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        for each in schema.values():
            yield from _members(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _members(each)


def _generated(schema: JsonSchema, style: Style, aliases: dict[str, str]) -> str:
    try:
        from datamodel_code_generator import InputFileType, PythonVersion, generate
        from datamodel_code_generator.enums import DataModelType
        from datamodel_code_generator.format import Formatter
        from datamodel_code_generator.parser import LiteralType
    except ImportError:
        raise CodegenMissing(
            "classes are made by datamodel-code-generator, which is not installed: "
            f"{install_extra('codegen')}"
        ) from None
    kinds = {
        "dataclasses": DataModelType.DataclassesDataclass,
        "pydantic": DataModelType.PydanticV2BaseModel,
        "typeddict": DataModelType.TypingTypedDict,
    }
    made = generate(
        json.dumps(schema),
        input_file_type=InputFileType.JsonSchema,
        input_filename="models",
        output_model_type=kinds[style],
        target_python_version=PythonVersion.PY_311,
        custom_class_name_generator=str,
        custom_file_header=_HEADER,
        collapse_root_models=True,
        formatters=[Formatter.BUILTIN],
        additional_imports=_IMPORTS if style == "dataclasses" else None,
        aliases={} if style == "typeddict" else aliases,
        allow_population_by_field_name=True,
        disable_timestamp=True,
        enum_field_as_literal=LiteralType.All if style == "typeddict" else LiteralType.One,
        keyword_only=True,
        skip_root_model=True,
        use_annotated=True,
        use_closed_typed_dict=False,
        use_double_quotes=True,
        use_one_literal_as_default=style != "typeddict",
        use_schema_description=True,
        use_field_description=True,
        use_specialized_enum=True,
        use_standard_collections=True,
        use_union_operator=True,
    )
    return str(made)
