"""Shapes answers for api-version 2020-10-31, which has no update and source times (rest-api A.2).

The slow road: documents are decoded, stripped and encoded again.
"""

from __future__ import annotations

from typing import Any

import orjson

VERSION = "2020-10-31"


def strip_twin(text: bytes) -> bytes:
    """Return a twin's or component's JSON text without `$lastUpdateTime` and `sourceTime`."""
    return orjson.dumps(_strip(orjson.loads(text)))


def strip_rows(text: bytes) -> bytes:
    """Return a query page's JSON array with every twin in its rows stripped."""
    rows = [
        {key: _strip(value) for key, value in row.items()}
        if "$metadata" not in row
        else _strip(row)
        for row in orjson.loads(text)
    ]
    return orjson.dumps(rows)


def _strip(value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("$metadata"), dict):
        return value
    kept: dict[str, Any] = {
        name: _strip(member) for name, member in value.items() if name != "$metadata"
    }
    kept["$metadata"] = {
        name: _without_source_time(entry)
        for name, entry in value["$metadata"].items()
        if name != "$lastUpdateTime"
    }
    return kept


def _without_source_time(entry: Any) -> Any:
    if isinstance(entry, dict):
        return {name: value for name, value in entry.items() if name != "sourceTime"}
    return entry


def without_source_times(body: dict[str, Any]) -> dict[str, Any]:
    """Return a PUT body whose source times are gone: this version cannot write them."""
    kept = dict(body)
    for name, value in body.items():
        if name != "$metadata" and isinstance(value, dict) and "$metadata" in value:
            kept[name] = without_source_times(value)
    metadata = body.get("$metadata")
    if isinstance(metadata, dict):
        kept["$metadata"] = {name: _without_source_time(entry) for name, entry in metadata.items()}
    return kept
