"""An export as items again, for files of another form."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from typing import TYPE_CHECKING

import orjson

from kastor.moving.import_file import ITEM_OF_SECTION
from kastor.moving.items import Item

if TYPE_CHECKING:
    from kastor.moving.exporting.graph_export import GraphExport


async def exported_items(
    export: GraphExport, counts: MutableMapping[str, int]
) -> AsyncIterator[Item]:
    """Yield the models, twins and relationships of an export.

    Args:
        export: raises as its `pieces` does.
        counts: gets how many of each section there are.
    """
    section, left = "", b""
    async for piece in export.pieces():
        *lines, left = (left + piece).split(b"\n")
        for line in lines:
            document = orjson.loads(line)
            if document.keys() == {"Section"}:
                section = document["Section"]
                if section in ITEM_OF_SECTION:
                    counts[section] = 0
            elif section in ITEM_OF_SECTION:
                counts[section] += 1
                yield ITEM_OF_SECTION[section](document)
