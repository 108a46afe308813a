"""One example per problem id, for the reference page and its test.

An example is a JSON value or a raw text, perhaps with options; one that would fill pages is
made by a function and described in words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Json = Any
V3 = "dtmi:dtdl:context;3"
V4 = "dtmi:dtdl:context;4"
MQTT = [V4, "dtmi:dtdl:extension:mqtt;4"]
OPERATIONS = [V4, "dtmi:iotoperations:context;4"]
UNITS = [V3, "dtmi:dtdl:extension:quantitativeTypes;1"]
NOTES = [V3, "dtmi:dtdl:extension:annotation;1"]
OVERRIDES = [*UNITS, "dtmi:dtdl:extension:annotation;1", "dtmi:dtdl:extension:overriding;1"]


@dataclass
class Example:
    value: Json = None
    text: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    build: Callable[[], Json] | None = None
    words: str = ""


def interface(*contents: Json, context: Json = V3, name: Json = "Room", **members: Json) -> Json:
    found = {"@context": context, "@id": f"dtmi:com:example:{name};1", "@type": "Interface"}
    if contents:
        found["contents"] = list(contents)
    return found | members


def prop(name: Json = "size", schema: Json = "double", **members: Json) -> Json:
    return {"@type": "Property", "name": name, "schema": schema} | members


def telemetry(schema: Json) -> Json:
    return {"@type": "Telemetry", "name": "level", "schema": schema}


def relationship(**members: Json) -> Json:
    return {"@type": "Relationship", "name": "leadsTo"} | members


def fields(*entries: Json, **members: Json) -> Json:
    return {"@type": "Object", "fields": list(entries)} | members


def enum(*values: Json, schema: str = "integer") -> Json:
    return {"@type": "Enum", "valueSchema": schema, "enumValues": list(values)}


def shown(value: Json) -> Json:
    return interface(displayName=value)


def raw(members: str) -> Example:
    head = f'"@context": "{V3}", "@id": "dtmi:com:example:Room;1", "@type": "Interface"'
    return Example(text=f"{{{head}, {members}}}")


def chain() -> Json:
    names = [f"Level{n}" for n in range(13)]
    return [
        interface(name=name, extends=[f"dtmi:com:example:{above};1"] if above else [])
        for name, above in zip(names, [*names[1:], ""], strict=True)
    ]


def many_ancestors() -> Json:
    names = [f"Part{n}" for n in range(1025)]
    return [
        *(interface(name=name) for name in names),
        interface(extends=[f"dtmi:com:example:{name};1" for name in names]),
    ]


def long_text() -> Json:
    return interface(*(prop(f"p{n}", comment="x" * 500) for n in range(2000)))


def nested_arrays() -> Json:
    schema: Json = "double"
    for _ in range(6):
        schema = {"@type": "Array", "elementSchema": schema}
    return interface(telemetry(schema))


E = Example

EXAMPLES: dict[str, Example] = {
    # --- the text as JSON
    "notJson": E(text='{"@context": "dtmi:dtdl:context;3",}'),
    "notJsonObject": E(["dtmi:com:example:Room;1"]),
    "emptyMemberName": E(interface(**{"": 1})),
    "repeatedContextProperty": raw('"@context": "dtmi:dtdl:context;3"'),
    "repeatedIdProperty": raw('"@id": "dtmi:com:example:Room;2"'),
    "repeatedTypeProperty": raw('"@type": "Interface"'),
    "repeatedGraphProperty": raw('"@graph": {}, "@graph": {}'),
    "repeatedLanguageProperty": raw(
        '"displayName": [{"@language": "en", "@language": "de", "@value": "x"}]'
    ),
    "repeatedValueProperty": raw('"displayName": [{"@value": "x", "@value": "y"}]'),
    "repeatedKeyword": raw('"@index": 1, "@index": 2'),
    "graphNotObject": E(interface(**{"@graph": 5})),
    "topLevelGraphDisallowed": E(interface(**{"@graph": []})),
    "topLevelKeywordDisallowed": E(interface(**{"@language": "en"})),
    "missingTopLevelId": E({"@context": V3, "@type": "Interface"}),
    "typeNotRootable": E({"@context": V3, "@id": "dtmi:com:example:size;1", "@type": "Property"}),
    # --- contexts
    "invalidContext": E(interface(context=3)),
    "missingContext": E({"@id": "dtmi:com:example:Room;1", "@type": "Interface"}),
    "emptyContext": E(interface(context=[])),
    "missingDtdlContext": E(interface(context="DTMI:dtdl:context;3")),
    "dtdlContextFollowsAffiliate": E(
        interface(prop(**{"@context": ["dtmi:dtdl:extension:historization;1", V3]}))
    ),
    "unrecognizedContextVersion": E(interface(context="dtmi:dtdl:context;9")),
    "disallowedContextVersion": E(interface(context=V4), options={"max_version": 3}),
    "invalidContextSpecifier": E(interface(context="dtmi:dtdl:context;03")),
    "invalidContextSpecifierForVersion": E(
        interface(context=["dtmi:dtdl:context;2", "dtmi:com:example:ext;1.1"])
    ),
    "missingContextVersion": E(interface(context=[V3, "dtmi:dtdl:extension:annotation"])),
    "nonDtmiContextSpecifier": E(interface(context=[V3, "https://example.com/context"])),
    "unresolvableContextSpecifier": E(interface(context=[V3, "dtmi:com:example:ext;1"])),
    "unresolvableContextVersion": E(interface(context=[V3, "dtmi:dtdl:extension:annotation;9"])),
    "disallowedLocalContext": E(interface(context=[V3, {"size": "dtmi:com:example:size;1"}])),
    "localContextNotLast": E(
        interface(
            context=[V3, {"size": "dtmi:com:example:size;1"}, "dtmi:dtdl:extension:annotation;1"]
        )
    ),
    "duplicateTermInContextObject": E(
        text=f'{{"@context": ["{V3}", {{"a": "x", "a": "y"}}], "@id": "dtmi:com:example:Room;1", "@type": "Interface"}}'
    ),
    "termDefinitionNotStringOrObject": E(interface(context=[V3, {"size": 5}])),
    "termDefinitionMissingIdProperty": E(interface(context=[V3, {"size": {}}])),
    "termDefinitionIdPropertyNotString": E(interface(context=[V3, {"size": {"@id": 5}}])),
    "disallowedContextFragment": E(interface(context="dtmi:dtdl:context;3#limitless")),
    "invalidContextFragment": E(interface(context="dtmi:dtdl:context;4#other")),
    "missingLimitContext": E(interface(context="dtmi:dtdl:context;4#limitless")),
    "misplacedLimitContext": E(interface(context=[V4, "dtmi:dtdl:limits:aio;1"])),
    "disallowedLimitContext": E(
        interface(context=["dtmi:dtdl:context;4#limitless", "dtmi:dtdl:limits:aio;1"])
    ),
    # --- identity
    "idNotString": E(interface(prop(**{"@id": 7}))),
    "idTooLong": E(
        build=lambda: interface(name="a" * 2100),
        words="An interface whose `@id` has 2,100 characters.",
    ),
    "invalidId": E({"@context": V3, "@id": "dtmi:com:example:2ndRoom;1", "@type": "Interface"}),
    "reservedId": E({"@context": V3, "@id": "dtmi:dtdl:Room;1", "@type": "Interface"}),
    "idTooLongForType": E(
        build=lambda: interface(name="a" * 150),
        words="An interface whose `@id` has 150 characters and more.",
    ),
    "missingRequiredId": E(interface(schemas=[fields()])),
    "missingDtmiSegPropertyValue": E(interface({"@type": "Property", "schema": "double"})),
    "dtmiSegPropertyNotStringOrNumber": E(interface(prop(name=None))),
    "duplicateDefinition": E([interface(), interface()]),
    "disallowedVersionDefinition": E(interface(prop(**{"@context": V4}))),
    "graphDisallowed": E(interface(prop(**{"@graph": {}}))),
    "keywordDisallowed": E(interface(prop(**{"@index": 1}))),
    "idReference": E(
        [interface(name="Space"), interface(extends={"@id": "dtmi:com:example:Space;1"})]
    ),
    "idRefBadDtmiOrTerm": E(
        interface(context="dtmi:dtdl:context;2", extends={"@id": "Space"}),
        options={"tolerate_solecisms": ("parse",)},
    ),
    "inlineInterfaceNotSupported": E(
        interface(extends=[{"@id": "dtmi:com:example:Space;1", "@type": "Interface"}]),
        options={"profile": "adt"},
    ),
    # --- types
    "typeNotString": E(interface(prop(**{"@type": ["Property", 1]}))),
    "badType": E(interface({"@type": "Field", "name": "size", "schema": "double"})),
    "multipleMaterialTypes": E(interface(prop(**{"@type": ["Property", "Telemetry"]}))),
    "typeInvalidDtmi": E(interface(prop(**{"@type": ["Property", "dtmi:com:_x;1"]}))),
    "typeNotDtmiNorTerm": E(interface(prop(**{"@type": ["Property", "ex:Size"]}))),
    "typeUndefinedTerm": E(interface(prop(**{"@type": ["Property", "Length"]}))),
    "typeIrrelevantDtmiOrTerm": E(interface(prop(**{"@type": ["Property", "double"]}))),
    "abstractSupplementalType": E(interface(prop(**{"@type": ["Property", "SemanticType"]}))),
    "invalidCotype": E(
        interface({"@type": ["Command", "Length"], "name": "c", "unit": "metre"}, context=UNITS)
    ),
    "invalidCotypeVersion": E(
        interface(
            prop(**{"@type": ["Property", "Historized"]}),
            context=["dtmi:dtdl:context;2", "dtmi:dtdl:extension:historization;1"],
        )
    ),
    "missingCocotype": E(
        interface({"@type": ["Command", "Cacheable"], "name": "c", "ttl": "PT1S"}, context=MQTT)
    ),
    "disallowedCocotype": E(
        interface(
            relationship(**{"@type": ["Relationship", "HasComponent", "HasCapability"]}),
            context=OPERATIONS,
        )
    ),
    "conflictingSupplementalTypes": E(
        interface(prop(**{"@type": ["Property", "Length", "Mass"], "unit": "metre"}), context=UNITS)
    ),
    # --- members
    "duplicatePropertyName": raw('"comment": "x", "comment": "y"'),
    "missingLiteralProperty": E(interface(prop(schema=enum({"name": "low"})))),
    "missingObjectProperty": E(interface({"@type": "Property", "name": "size"})),
    "missingSupplementalLiteralProperty": E(
        interface(prop(**{"@type": ["Property", "ValueAnnotation"]}), context=NOTES)
    ),
    "missingSupplementalObjectProperty": E(
        interface(prop(**{"@type": ["Property", "Length"]}), context=UNITS)
    ),
    "missingSupplementalIdentifierProperty": E(
        interface(
            prop(),
            prop(
                "note", annotates="size", **{"@type": ["Property", "ValueAnnotation", "Override"]}
            ),
            context=OVERRIDES,
        )
    ),
    "noTypeThatAllows": E(interface(prop(size=1), context="dtmi:dtdl:context;2")),
    "inferredTypeDoesNotAllow": E(
        interface(
            prop(schema=fields({"name": "x", "schema": "double", "size": 1})),
            context="dtmi:dtdl:context;2",
        )
    ),
    "propertyUndefinedTerm": E(interface(prop(size=1))),
    "propertyIrrelevantDtmiOrTerm": E(interface(writable=True)),
    "propertyInvalidDtmi": E(interface(**{"dtmi:com:_x;1": 1})),
    "propertyNotDtmiNorTerm": E(interface(**{"ex:size": 1})),
    # --- literals
    "stringNotString": E(interface(comment=5)),
    "stringCountBelowMin": E(interface(prop(name=[], **{"@id": "dtmi:com:example:size;1"}))),
    "stringMultipleValues": E(interface(comment=["a", "b"])),
    "stringObjectNoValue": E(interface(comment={})),
    "stringTypeNotString": E(interface(comment={"@value": "a", "@type": "xsd:integer"})),
    "stringValueNotString": E(interface(comment={"@value": 5})),
    "stringTooLong": E(
        build=lambda: interface(comment="x" * 513),
        words="An interface whose `comment` has 513 characters.",
    ),
    "stringInvalid": E(interface(prop(name="2nd size"))),
    "booleanNotBoolean": E(interface(prop(writable="true"))),
    "booleanMultipleValues": E(interface(prop(writable=[True, False]))),
    "booleanObjectNoValue": E(interface(prop(writable={}))),
    "booleanTypeNotBoolean": E(interface(prop(writable={"@value": True, "@type": "xsd:string"}))),
    "booleanValueNotBoolean": E(interface(prop(writable={"@value": "true"}))),
    "integerNotInteger": E(interface(relationship(maxMultiplicity="1"))),
    "integerCountBelowMin": E(
        interface(
            {"@type": ["Telemetry", "Indexed"], "name": "t", "schema": "double", "index": []},
            context=MQTT,
        )
    ),
    "integerMultipleValues": E(interface(relationship(maxMultiplicity=[1, 2]))),
    "integerObjectNoValue": E(interface(relationship(maxMultiplicity={}))),
    "integerTypeNotInteger": E(
        interface(relationship(maxMultiplicity={"@value": 1, "@type": "xsd:string"}))
    ),
    "integerValueNotInteger": E(interface(relationship(maxMultiplicity={"@value": "1"}))),
    "valueNotExact": E(interface(relationship(minMultiplicity=1))),
    "valueBelowRange": E(interface(relationship(maxMultiplicity=0), context="dtmi:dtdl:context;2")),
    "valueAboveRange": E(
        interface(relationship(maxMultiplicity=501), context="dtmi:dtdl:context;2")
    ),
    "valueBelowMin": E(interface(relationship(maxMultiplicity=0))),
    "numericNotNumeric": E(
        interface(
            prop(scaleFactor="2", **{"@type": ["Property", "ScaledStatically"]}), context=OPERATIONS
        )
    ),
    "numericCountBelowMin": E(
        interface(
            prop(scaleFactor=[], **{"@type": ["Property", "ScaledStatically"]}), context=OPERATIONS
        )
    ),
    "numericMultipleValues": E(
        interface(
            prop(scaleFactor=[1, 2], **{"@type": ["Property", "ScaledStatically"]}),
            context=OPERATIONS,
        )
    ),
    "numericObjectNoValue": E(
        interface(
            prop(scaleFactor={}, **{"@type": ["Property", "ScaledStatically"]}), context=OPERATIONS
        )
    ),
    "numericTypeNotNumeric": E(
        interface(
            prop(
                scaleFactor={"@value": 2, "@type": "xsd:string"},
                **{"@type": ["Property", "ScaledStatically"]},
            ),
            context=OPERATIONS,
        )
    ),
    "numericValueNotNumeric": E(
        interface(
            prop(scaleFactor={"@value": "2"}, **{"@type": ["Property", "ScaledStatically"]}),
            context=OPERATIONS,
        )
    ),
    "durationNotString": E(
        interface(
            {"@type": ["Command", "Idempotent", "Cacheable"], "name": "c", "ttl": 1}, context=MQTT
        )
    ),
    "durationInvalid": E(
        interface(
            {"@type": ["Command", "Idempotent", "Cacheable"], "name": "c", "ttl": "1s"},
            context=MQTT,
        )
    ),
    "durationCountBelowMin": E(
        interface(
            {"@type": ["Command", "Idempotent", "Cacheable"], "name": "c", "ttl": []}, context=MQTT
        )
    ),
    "durationMultipleValues": E(
        interface(
            {"@type": ["Command", "Idempotent", "Cacheable"], "name": "c", "ttl": ["PT1S", "PT2S"]},
            context=MQTT,
        )
    ),
    "durationObjectNoValue": E(
        interface(
            {"@type": ["Command", "Idempotent", "Cacheable"], "name": "c", "ttl": {}}, context=MQTT
        )
    ),
    "durationTypeNotDuration": E(
        interface(
            {
                "@type": ["Command", "Idempotent", "Cacheable"],
                "name": "c",
                "ttl": {"@value": "PT1S", "@type": "xsd:string"},
            },
            context=MQTT,
        )
    ),
    "durationValueNotString": E(
        interface(
            {"@type": ["Command", "Idempotent", "Cacheable"], "name": "c", "ttl": {"@value": 1}},
            context=MQTT,
        )
    ),
    "literalNotValid": E(interface(prop(schema=enum({"name": "low", "enumValue": None})))),
    "literalCountBelowMin": E(interface(prop(schema=enum({"name": "low", "enumValue": []})))),
    "literalMultipleValues": E(interface(prop(schema=enum({"name": "low", "enumValue": [1, 2]})))),
    "literalObjectNoValue": E(interface(prop(schema=enum({"name": "low", "enumValue": {}})))),
    "literalTypeNotSingular": E(
        interface(comment={"@value": "a", "@type": ["xsd:string", "xsd:string"]})
    ),
    "valueObjectId": E(interface(comment={"@value": "a", "@id": "b"})),
    "valueObjectContext": E(interface(comment={"@value": "a", "@context": "b"})),
    "valueObjectGraph": E(interface(comment={"@value": "a", "@graph": {}})),
    "valueObjectLanguage": E(interface(comment={"@value": "a", "@language": "en"})),
    "valueObjectKeyword": E(interface(comment={"@value": "a", "@index": 1})),
    "valueObjectInvalidProp": E(interface(comment={"@value": "a", "other": 1})),
    "identifierNotString": E(interface(relationship(target=5))),
    "identifierNotDtmi": E(interface(relationship(target="Room"))),
    "identifierMultipleValues": E(
        interface(relationship(target=["dtmi:com:example:A;1", "dtmi:com:example:B;1"]))
    ),
    # --- language strings
    "langStringElementNotStringOrObject": E(shown(5)),
    "langStringElementNoValue": E(shown([{"@language": "en"}])),
    "langStringElementValueNotString": E(shown([{"@value": 5}])),
    "langStringElementCodeNotString": E(shown([{"@language": 5, "@value": "Room"}])),
    "langStringElementInvalidCode": E(shown([{"@language": "english", "@value": "Room"}])),
    "langStringElementCodeNotUnique": E(shown(["Room", "Chamber"])),
    "langStringElementContext": E(shown([{"@value": "Room", "@context": "x"}])),
    "langStringElementGraph": E(shown([{"@value": "Room", "@graph": {}}])),
    "langStringElementId": E(shown([{"@value": "Room", "@id": "x"}])),
    "langStringElementType": E(shown([{"@value": "Room", "@type": "x"}])),
    "langStringElementKeyword": E(shown([{"@value": "Room", "@index": 1}])),
    "langStringElementInvalidProp": E(shown([{"@value": "Room", "other": 1}])),
    "langStringInvalidCode": E(shown({"english": "Room"})),
    "langStringCodeNotUnique": raw('"displayName": {"en": "Room", "en": "Chamber"}'),
    "langStringValueNotString": E(shown({"en": 5})),
    "langStringValueTooLong": E(
        build=lambda: shown("x" * 513), words="An interface whose `displayName` has 513 characters."
    ),
    "langMapObjKeyword": E(shown({"en": "Room", "@index": 1})),
    "langTagValueInLangMap": E(shown({"@language": "en", "@value": "Room"})),
    # --- object properties
    "refNotStringOrObject": E(interface(prop(schema=5))),
    "refObjectNotAllowed": E(
        interface(
            prop(unit={"@type": "EnumValue"}, **{"@type": ["Property", "Length"]}), context=UNITS
        )
    ),
    "badDtmiOrTerm": E(interface(prop(schema="doubel"))),
    "objectCountBelowMin": E(interface(prop(schema=[]))),
    "objectCountAboveMax": E(
        [interface(context="dtmi:dtdl:context;2", name=n) for n in "ABC"]
        + [
            interface(
                context="dtmi:dtdl:context;2", extends=[f"dtmi:com:example:{n};1" for n in "ABC"]
            )
        ]
    ),
    "objectMultipleValues": E(interface(prop(schema=["double", "string"]))),
    "incorrectPropertyValue": E(interface(prop(schema=enum(schema="double")))),
    "nonUniquePropertyValue": E(interface(prop(), prop())),
    # --- links
    "undefinedReservedId": E(interface(prop(schema="dtmi:dtdl:other;1"))),
    "crossPartitionReference": E(
        [
            interface(name="Space", schemas=[fields(**{"@id": "dtmi:com:example:Size;1"})]),
            interface(prop(schema="dtmi:com:example:Size;1")),
        ]
    ),
    "disallowedVersionReference": E(
        [interface(name="Space", context=V4), interface(extends="dtmi:com:example:Space;1")]
    ),
    "missingDictKeyPropertyValue": E(
        interface(
            {
                "@type": "Property",
                "@id": "dtmi:com:example:Room;1",
                "name": "size",
                "schema": "double",
            }
        )
    ),
    "notRequiredType": E(
        interface(
            prop(schema="string", unit="metre", **{"@type": ["Property", "Length"]}), context=UNITS
        )
    ),
    "notRequiredValue": E(
        interface(
            prop(**{"@type": ["Property", "Location"]}),
            context=["dtmi:dtdl:context;2", "dtmi:iotcentral:context;2"],
        )
    ),
    "wrongParent": E(
        interface(prop(unit="kilogram", **{"@type": ["Property", "Length"]}), context=UNITS)
    ),
    "unresolvedReference": E(interface(extends="dtmi:com:example:Space;1")),
    # --- structure
    "recursiveStructureNarrow": E(interface(extends="dtmi:com:example:Room;1")),
    "recursiveStructureWide": E(
        interface(
            schemas=[
                fields(
                    {"name": "inner", "schema": "dtmi:com:example:Size;1"},
                    **{"@id": "dtmi:com:example:Size;1"},
                )
            ]
        )
    ),
    "excessiveDepthNarrow": E(build=chain, words="Thirteen interfaces, each extending the next."),
    "excessiveDepthWide": E(
        build=nested_arrays, words="A telemetry whose schema is six arrays in each other."
    ),
    "excessiveCount": E(build=many_ancestors, words="An interface that extends 1,025 others."),
    "excludedType": E(
        [
            interface(name="Lamp"),
            interface(
                {"@type": "Component", "name": "lamp", "schema": "dtmi:com:example:Lamp;1"},
                name="Desk",
            ),
            interface({"@type": "Component", "name": "desk", "schema": "dtmi:com:example:Desk;1"}),
        ]
    ),
    "partitionTooLarge": E(
        build=long_text,
        words="An interface with 2,000 properties that have comments of 500 characters.",
    ),
    "nonUniqueImportedPropertyValue": E(
        [interface(prop(), name="Space"), interface(prop(), extends="dtmi:com:example:Space;1")]
    ),
    "nonConformantDatatype": E(interface(prop(schema=enum({"name": "low", "enumValue": "1"})))),
    "nonConformantPropertyValue": E(
        interface(
            prop(schema="integer", scaleFactor=1.5, **{"@type": ["Property", "ScaledStatically"]}),
            context=OPERATIONS,
        )
    ),
    # --- rules of co-types
    "parentMissingCotype": E(
        interface(
            telemetry(
                fields({"@type": ["Field", "ErrorMessage"], "name": "text", "schema": "string"})
            ),
            context=MQTT,
        )
    ),
    "siblingDuplicatesCotype": E(
        interface(
            telemetry(
                fields(
                    *(
                        {"@type": ["Field", "ErrorMessage"], "name": n, "schema": "string"}
                        for n in ("text", "more")
                    ),
                    **{"@type": ["Object", "Error"]},
                )
            ),
            context=MQTT,
        )
    ),
    "siblingMissingCotype": E(
        interface(
            telemetry(
                fields(
                    {"@type": ["Field", "ErrorInfo"], "name": "info", "schema": fields()},
                    **{"@type": ["Object", "Error"]},
                )
            ),
            context=MQTT,
        )
    ),
    "notSiblingRequiredType": E(
        interface(
            relationship(),
            prop("note", annotates="leadsTo", **{"@type": ["Property", "ValueAnnotation"]}),
            context=NOTES,
        )
    ),
    "disallowedType": E(
        interface(
            prop("note", annotates="note", **{"@type": ["Property", "ValueAnnotation"]}),
            context=NOTES,
        )
    ),
    "multipleReference": E(
        interface(
            prop(unit="metre", **{"@type": ["Property", "Length"]}),
            *(
                prop(
                    n,
                    "LengthUnit",
                    annotates="size",
                    overrides="unit",
                    **{"@type": ["Property", "ValueAnnotation", "Override"]},
                )
                for n in ("unitA", "unitB")
            ),
            context=OVERRIDES,
        )
    ),
    "noMatchingSupplementalProperty": E(
        interface(
            prop(),
            prop(
                "u",
                "LengthUnit",
                annotates="size",
                overrides="unit",
                **{"@type": ["Property", "ValueAnnotation", "Override"]},
            ),
            context=OVERRIDES,
        )
    ),
    "matchingPropertyNotSupplemental": E(
        interface(
            prop(),
            prop(
                "u",
                annotates="size",
                overrides="writable",
                **{"@type": ["Property", "ValueAnnotation", "Override"]},
            ),
            context=OVERRIDES,
        )
    ),
    "siblingPropertyMismatch": E(
        interface(
            prop(unit="metre", **{"@type": ["Property", "Length"]}),
            prop(
                "u",
                "MassUnit",
                annotates="size",
                overrides="unit",
                **{"@type": ["Property", "ValueAnnotation", "Override"]},
            ),
            context=OVERRIDES,
        )
    ),
}
