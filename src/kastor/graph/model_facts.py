"""What is asked of a stored model often, read from its document once.

At an upload it is read from what the parse decoded; of what is in the store, when it is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from kastor.dtdl import Definition, definitions, references
from kastor.types import Document, ModelId

_NO_TEXTS = b"{}"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a valid interface document says beside its contents.

    Attributes:
        extends: ids of the models that it extends.
        components: ids of the models of its components.
        members: names of properties and components, of relationships' properties too.
        relationships: names of relationships.
        defines: what has an id of its own inside it.
        description, display_name: JSON text of the map from language to text.
    """

    extends: tuple[ModelId, ...]
    components: tuple[ModelId, ...]
    members: frozenset[str]
    relationships: frozenset[str]
    defines: tuple[Definition, ...]
    description: bytes
    display_name: bytes


def read_facts(text: bytes, document: Document) -> ModelFacts:
    """Return the facts of a valid model; `document` is its text decoded."""
    needs = references(document)
    # A second @id, or an escape that may hide one: most models have neither, and load quickly.
    defines_more = text.count(b'"@id"') > 1 or b"\\u" in text
    return ModelFacts(
        needs.extends,
        needs.components,
        needs.members,
        needs.relationships,
        definitions(document) if defines_more else (),
        _language_map(document.get("description")),
        _language_map(document.get("displayName")),
    )


def _language_map(value: Any) -> bytes:
    texts = _texts(value)
    return orjson.dumps(texts) if texts else _NO_TEXTS


def _texts(value: Any) -> dict[str, str]:
    """Return the forms that a language string may have in DTDL as one map (dtdl 4.4)."""
    match value:
        case None:
            return {}
        case str():
            return {"en": value}
        case list():
            merged: dict[str, str] = {}
            for item in value:
                merged |= _texts(item)
            return merged
        case {"@value": str() as text}:
            return {value.get("@language", "en"): text}
        case _:
            return {code: text for code, text in value.items() if isinstance(text, str)}
