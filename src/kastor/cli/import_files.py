"""What kinds of files an import takes, and how each is read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from kastor.cli.faults_told import told_of_disk
from kastor.cli.output import Exit, fail
from kastor.moving.items import ItemFault, ModelItem, Placed

if TYPE_CHECKING:
    from kastor.types import Document, Json

STDIN = "-"
MOST_JSON_BYTES = 268_435_456
"""Of a JSON file, which is read whole."""
_PACKED = (".gz", ".zst")
_TABLES = (".csv", ".tsv", ".xlsx", ".xlsm", ".parquet")
_GRAPH = ("digitalTwinsGraph", "digitalTwinsModels", "digitalTwinsFileInfo")


class FileKind(StrEnum):
    """What a file holds."""

    IMPORT_FILE = "import file"
    MODELS = "models"
    TABLE = "table"
    GRAPH = "graph"


def kind_of(name: str) -> FileKind:
    """Return what a file holds, by its name; of a JSON file by what is in it.

    The command ends where there is no such file.
    """
    path = Path(name)
    if name == STDIN:
        return FileKind.IMPORT_FILE
    if not path.exists():
        fail(f"There is no {name}.", Exit.USAGE)
    if path.is_dir():
        return FileKind.MODELS
    suffixes = [each.lower() for each in path.suffixes]
    plain = next((each for each in reversed(suffixes) if each not in _PACKED), "")
    if plain in _TABLES:
        return FileKind.TABLE
    if plain in (".json", ".jsonld", ".dtdl"):
        found = read_json(path)
        is_graph = isinstance(found, dict) and any(each in found for each in _GRAPH)
        return FileKind.GRAPH if is_graph else FileKind.MODELS
    return FileKind.IMPORT_FILE


def read_json(path: Path) -> Json:
    """Return what a JSON file holds; the command ends where it is none."""
    with told_of_disk(path):
        if path.stat().st_size > MOST_JSON_BYTES:
            fail(f"{path} is larger than {MOST_JSON_BYTES} bytes; use an import file.", Exit.USAGE)
        text = path.read_bytes()
    try:
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        fail(f"{path} is no JSON: {error}", Exit.USAGE)


def models_of(name: str) -> list[Placed | ItemFault]:
    """Return the models in a file, or in all files of a folder."""
    from kastor.cli.sources import Sources

    found: list[Placed | ItemFault] = []
    sources = Sources([name])
    for file, text in zip(sources.names, sources.texts, strict=True):
        try:
            documents = json.loads(text)
        except (ValueError, RecursionError) as error:
            found.append(ItemFault(file, "DTDLParserError", f"The file is no JSON: {error}"))
            continue
        for number, document in enumerate(_list(documents), 1):
            where = file if number == 1 else f"{file}, model {number}"
            if isinstance(document, dict):
                found.append(Placed(ModelItem(document), where))
            else:
                found.append(ItemFault(where, "DTDLParserError", "A model is a JSON object."))
    return found


def documents_of(items: Sequence[Placed | ItemFault]) -> list[Document]:
    """Return the documents of models."""
    return [
        each.item.document
        for each in items
        if isinstance(each, Placed) and isinstance(each.item, ModelItem)
    ]


async def stream(items: Sequence[Placed | ItemFault]) -> AsyncIterator[Placed | ItemFault]:
    """Yield what is in memory."""
    for each in items:
        yield each


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]
