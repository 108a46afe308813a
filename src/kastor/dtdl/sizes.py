"""Phase 4d: how long the text of one interface may be (dtdl 7)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kastor.dtdl.nodes import pointer
from kastor.dtdl.positions import Keys, lengths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.dtdl.collector import Collector
    from kastor.dtdl.nodes import Node


def check_sizes(
    nodes: dict[str, Node],
    texts: Sequence[str | None],
    values: Sequence[object],
    collector: Collector,
) -> None:
    """Report interfaces whose text is too long.

    A text counts as written, white space included; objects count as their most compact text.
    """
    by_document: dict[int, list[tuple[Node, Keys]]] = {}
    for node in nodes.values():
        if node.kind == "Interface" and node.language.text_length is not None:
            document, keys = pointer(node.path)
            by_document.setdefault(document, []).append((node, keys))
    for document, interfaces in by_document.items():
        limit = min(node.language.text_length or 0 for node, _ in interfaces)
        text, value = texts[document], values[document]
        if (len(text) if text is not None else _compact_length(value)) <= limit:
            continue
        found = (
            lengths(text, [keys for _, keys in interfaces])
            if text is not None
            else {keys: _compact_length(_inner(value, keys)) for _, keys in interfaces}
        )
        for node, keys in interfaces:
            if found[keys] > (node.language.text_length or 0):
                collector.report(
                    "partitionTooLarge", node.path, primary=node.id, value=str(found[keys])
                )


def _inner(value: Any, keys: Keys) -> object:
    for key in keys:
        value = value[key]
    return value


def _compact_length(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=True))
