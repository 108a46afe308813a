"""The JSON graph of Azure Digital Twins Explorer: one document with models, twins, relationships.

::

    {"digitalTwinsFileInfo": {"fileVersion": "1.0.0"},
     "digitalTwinsGraph": {"digitalTwins": [...], "relationships": [...]},
     "digitalTwinsModels": [...]}
"""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kastor.identifiers import ID_RULE, is_id
from kastor.moving.exporting.whole_file import new_file
from kastor.moving.items import (
    Item,
    ItemFault,
    ModelItem,
    Placed,
    RelationshipItem,
    TwinItem,
    name_of,
)
from kastor.moving.tables.faults import TableError, shown
from kastor.moving.tables.making import relationship_id
from kastor.nesting import MAX_DEPTH, is_too_deep

if TYPE_CHECKING:
    from typing import TextIO

    from kastor.types import Document, Json

VERSION = "1.0.0"
MAX_BYTES = 512 * 2**20
"""Of a file that is read: it is one document, and in memory as a whole."""
MAX_MODEL_BYTES = 256 * 2**20
"""Of the models of a file that is written: they come last there, and first from a graph."""
_INFO, _GRAPH, _MODELS = "digitalTwinsFileInfo", "digitalTwinsGraph", "digitalTwinsModels"
_TWINS, _RELATIONSHIPS = "digitalTwins", "relationships"
_ADDED = ("$etag", "$lastUpdateTime")
_PAUSE = 500


class ExplorerGraph:
    """A file as a source: models, then twins, then relationships."""

    def __init__(self, path: Path) -> None:
        """Make a source; the file is read when its items are asked for."""
        self._path = path

    async def items(self) -> AsyncIterator[Placed | ItemFault]:
        """Yield what stands there, and a fault for each member that is none.

        Raises:
            TableError: the file cannot be read, or is no graph of the Explorer's.
        """
        document = await asyncio.to_thread(self._document)
        for count, found in enumerate(_members(document)):
            yield found
            if count % _PAUSE == 0:
                await asyncio.sleep(0)

    def _document(self) -> Document:
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise TableError(f"{self._path} cannot be read: {error.strerror}.") from error
        if len(data) > MAX_BYTES:
            raise TableError(
                f"{self._path} has more than {MAX_BYTES:,} bytes. An import file has no such bound."
            )
        try:
            document = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise TableError(f"{self._path} is no JSON: {error}.") from error
        _check_form(document, self._path)
        return document  # type: ignore[no-any-return]  # an object: that was checked


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _check_form(document: Json, path: Path) -> None:
    if not isinstance(document, dict) or _GRAPH not in document:
        raise TableError(
            f"{path} is no graph of Azure Digital Twins Explorer: it has no {_GRAPH}. An import "
            "file is NDJSON, a line for each twin."
        )
    info = document.get(_INFO)
    version = info.get("fileVersion") if isinstance(info, dict) else None
    if version != VERSION:
        raise TableError(f"{path} has the fileVersion {shown(version)}; {VERSION} is read.")
    if not isinstance(document[_GRAPH], dict):
        raise TableError(f"{path}: {_GRAPH} is to be an object.")
    for holder, key in (
        (document, _MODELS),
        (document[_GRAPH], _TWINS),
        (document[_GRAPH], _RELATIONSHIPS),
    ):
        if not isinstance(holder.get(key) or [], list):
            raise TableError(f"{path}: {key} is to be an array.")


def _members(document: Document) -> Iterator[Placed | ItemFault]:
    graph = document[_GRAPH]
    for kind, found in (
        (_MODELS, document.get(_MODELS)),
        (_TWINS, graph.get(_TWINS)),
        (_RELATIONSHIPS, graph.get(_RELATIONSHIPS)),
    ):
        for number, member in enumerate(found or [], start=1):
            where = f"{kind}, number {number}"
            if not isinstance(member, dict):
                yield ItemFault(
                    where, "MemberInvalid", f"must be an object, and is {shown(member)}."
                )
            elif is_too_deep(member):
                yield ItemFault(where, "MemberInvalid", f"is nested deeper than {MAX_DEPTH}.")
            else:
                yield _member(kind, member, where)


def _member(kind: str, member: Document, where: str) -> Placed | ItemFault:
    if kind == _MODELS:
        # The service wraps models when it lists them, and the Explorer takes them out.
        inner = member.get("model")
        return Placed(ModelItem(inner if isinstance(inner, dict) else member), where)
    body = {key: value for key, value in member.items() if key not in _ADDED}
    names = ("$dtId",) if kind == _TWINS else ("$sourceId", "$targetId", "$relationshipName")
    for name in names:
        value = body.get(name)
        if not isinstance(value, str) or (name != "$relationshipName" and not is_id(value)):
            rule = "a name" if name == "$relationshipName" else f"an id: {ID_RULE}"
            return ItemFault(where, "MemberInvalid", f"{name} must be {rule}.")
    if kind == _TWINS:
        return Placed(TwinItem(body.pop("$dtId"), body), where)
    source = body.pop("$sourceId")
    identifier = body.pop("$relationshipId", None)
    if identifier is None:
        identifier = relationship_id(source, body["$relationshipName"], body["$targetId"])
    if not isinstance(identifier, str) or not is_id(identifier):
        return ItemFault(where, "MemberInvalid", f"$relationshipId must be an id: {ID_RULE}.")
    return Placed(RelationshipItem(source, identifier, body), where)


async def write_explorer_graph(items: AsyncIterable[Item], path: Path) -> int:
    """Write a graph as the Explorer's file, and return how many items it has.

    In memory are the models alone; relationships wait in a temporary file. The file gets its name
    when it is complete.

    Args:
        items: in any order; what servers add to twins is left out.
        path: of the file; what is there is replaced.

    Raises:
        TableError: it cannot be written.
    """
    try:
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as waiting,
            new_file(path) as raw,
        ):
            file = io.TextIOWrapper(raw, encoding="utf-8")
            try:
                count = await _Writing(file, waiting).write(items)
            finally:
                file.detach()
    except OSError as error:
        raise TableError(f"{path} cannot be written: {error.strerror}.") from error
    return count


class _Writing:
    def __init__(self, file: TextIO, waiting: TextIO) -> None:
        self._file = file
        self._waiting = waiting
        self._models: list[str] = []
        self._model_bytes = 0
        self._counts = {"twins": 0, "relationships": 0}

    async def write(self, items: AsyncIterable[Item]) -> int:
        put = self._file.write
        put(f'{{"{_INFO}":{{"fileVersion":"{VERSION}"}},"{_GRAPH}":{{"{_TWINS}":[')
        async for item in items:
            self._add(item)
        put(f'\n],"{_RELATIONSHIPS}":[')
        self._waiting.seek(0)
        while piece := self._waiting.read(2**20):
            put(piece)
        models = ",\n".join(self._models)
        put(f'\n]}},"{_MODELS}":[\n{models}\n]}}\n')
        return len(self._models) + sum(self._counts.values())

    def _add(self, item: Item) -> None:
        match item:
            case ModelItem():
                text = _text(item.document)
                self._model_bytes += len(text)
                if self._model_bytes > MAX_MODEL_BYTES:
                    raise TableError(
                        f"There are more than {MAX_MODEL_BYTES:,} bytes of models, too many for "
                        "the Explorer's file. Write an import file."
                    )
                self._models.append(text)
            case TwinItem():
                metadata = item.body.get("$metadata")
                model = metadata.get("$model") if isinstance(metadata, dict) else None
                if not isinstance(model, str):
                    raise TableError(f"The {name_of(item)} names no model.")
                self._put(
                    "twins", {"$dtId": item.id, **_own(item.body), "$metadata": {"$model": model}}
                )
            case RelationshipItem():
                ids = {"$relationshipId": item.id, "$sourceId": item.source}
                self._put("relationships", {**ids, **_own(item.body)})

    def _put(self, kind: Literal["twins", "relationships"], member: Document) -> None:
        file = self._file if kind == "twins" else self._waiting
        file.write("\n" if not self._counts[kind] else ",\n")
        file.write(_text(member))
        self._counts[kind] += 1


def _own(body: Document) -> Document:
    return {key: value for key, value in body.items() if key not in _ADDED}


def _text(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
