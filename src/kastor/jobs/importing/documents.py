"""What a line says: its JSON, and the command that it asks for (decisions 6.1, jobs 4.2)."""

from __future__ import annotations

import orjson

from kastor.errors import InvalidArgument, KastorError
from kastor.graph.commands import ImportRelationship, PutTwin
from kastor.identifiers import ID_RULE, MAX_ID_LENGTH, is_id
from kastor.jobs.importing.batches import FileEntry
from kastor.jobs.importing.lines import MOST_LINE_BYTES
from kastor.jobs.importing.vectors import read_given
from kastor.nesting import MAX_DEPTH, is_too_deep, may_be_too_deep
from kastor.types import Document, Json

TOO_LONG = InvalidArgument(
    f"The line is longer than {MOST_LINE_BYTES} bytes. Keep long texts elsewhere and their address "
    "here, or spread the values over several twins."
)
_LONGEST_ID_SHOWN = 2 * MAX_ID_LENGTH


def decode_line(text: bytes) -> Document:
    """Return the JSON object that a line is.

    Raises:
        InvalidArgument: it is not JSON, not UTF-8, no object, or nested too deeply.
    """
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument(
            f"The line is not valid JSON: {error.msg} (column {error.pos})."
        ) from None
    if not isinstance(value, dict):
        raise InvalidArgument("The line must be a JSON object.")
    if may_be_too_deep(text) and is_too_deep(value):
        raise InvalidArgument(f"The line is nested deeper than the limit of {MAX_DEPTH} levels.")
    return value


def model_entry(line: int, document: Document, text: bytes) -> FileEntry:
    """Return the entry of a model, which is judged with all others of its section."""
    model_id = document.get("@id")
    return FileEntry(line, model_id if isinstance(model_id, str) else "", text=text)


def twin_entry(line: int, document: Document, *, add_components: bool | None) -> FileEntry:
    """Return the entry of a twin's line: what a GET of the twin answers will do as well.

    Args:
        line: its number.
        document: what it says.
        add_components: as of `PutTwin`.
    """
    twin_id = document.get("$dtId")
    try:
        checked = _id_of(twin_id, "$dtId")
    except KastorError as error:
        return FileEntry(line, _shown(twin_id), error=error)
    return FileEntry(line, checked, PutTwin(checked, document, add_components=add_components))


def relationship_entry(line: int, document: Document) -> FileEntry:
    """Return the entry of a relationship's line; its source is `$dtId` or `$sourceId`."""
    source, other = document.get("$dtId"), document.get("$sourceId")
    relationship_id = document.get("$relationshipId")
    try:
        if source is not None and other is not None and source != other:
            raise InvalidArgument(
                "$dtId and $sourceId name different twins; both are the source of the "
                "relationship. Leave one out."
            )
        source_id = _id_of(other if source is None else source, "$dtId")
        checked = _id_of(relationship_id, "$relationshipId")
    except KastorError as error:
        return FileEntry(line, _shown(relationship_id), error=error)
    return FileEntry(line, checked, ImportRelationship(source_id, checked, document))


def given_entry(line: int, section: str, document: Document) -> FileEntry:
    """Return the entry of a vector index, or of a vector beside a twin."""
    try:
        name, given = read_given(section, document)
    except KastorError as error:
        return FileEntry(line, error=error)
    return FileEntry(line, name, given=given)


def _id_of(value: Json, member: str) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"The line needs {member}, a string.")
    if not is_id(value):
        raise InvalidArgument(f"{member} {_shown(value)} is invalid: {ID_RULE}.")
    return value


def _shown(value: Json) -> str:
    return value[:_LONGEST_ID_SHOWN] if isinstance(value, str) else ""
