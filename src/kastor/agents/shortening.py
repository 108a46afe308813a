"""Makes documents short enough to be read: long texts, rows of numbers, times of updates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from kastor.nesting import MAX_DEPTH
from kastor.types import Json

LONGEST_TEXT = 500
MOST_NUMBERS = 16
MOST_PATHS = 30
_LONGEST_PATH = 120


def shortened(value: Json, depth: int = 0) -> Json:
    """Return a value with long texts cut, saying so, and long arrays of numbers as their length."""
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"{value[:LONGEST_TEXT]}... [{len(value)} characters; name it in fields]"
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {name: shortened(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        if len(value) > MOST_NUMBERS and all(_is_number(each) for each in value):
            return {"dims": len(value)}
        return [shortened(each, depth + 1) for each in value]
    return value


def compact(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a twin or relationship as documents are shown: of its metadata the model alone."""
    shown = {}
    for name, value in document.items():
        if isinstance(value, dict) and "$metadata" in value:  # a component
            value = {inner: each for inner, each in value.items() if inner != "$metadata"}  # noqa: PLW2901
        if name != "$metadata":
            shown[name] = shortened(value)
    metadata = document.get("$metadata")
    if isinstance(metadata, dict) and "$model" in metadata:
        shown["$metadata"] = {"$model": metadata["$model"]}
    return shown


def shown_row(row: Json, depth: int = 0) -> Json:
    """Return a row of a query; documents in it, also in paths, lose the times of their updates."""
    if depth > MAX_DEPTH:
        return None
    if isinstance(row, list) and any(isinstance(each, dict | list) for each in row):
        return [shown_row(each, depth + 1) for each in row]
    if not isinstance(row, dict):
        return shortened(row)
    if "$metadata" in row and ("$dtId" in row or "$relationshipId" in row):
        return compact(row)
    return {name: shown_row(value, depth + 1) for name, value in row.items()}


def selected(document: Mapping[str, Any], fields: Collection[tuple[str, ...]]) -> dict[str, Any]:
    """Return what stands at some paths, whole, by path; what is not there is left out."""
    found = {}
    for path in fields:
        value: Any = document
        for name in path:
            if not isinstance(value, dict) or name not in value:
                break
            value = value[name]
        else:
            found["/" + "/".join(path)] = value
    return found


def read_field(text: str) -> tuple[str, ...]:
    """Return the names of a path such as `temperature` or `/thermostat/temperature`."""
    return tuple(text.strip("/").split("/"))


def stub_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands in place of a document that is too long: its id, and its paths."""
    names = ("$dtId", "$sourceId", "$relationshipId", "id")
    stub: dict[str, Any] = {name: document[name] for name in names if name in document}
    paths = [path for path in _paths(document) if len(path) <= _LONGEST_PATH]
    stub["paths"] = paths[:MOST_PATHS]
    stub["hint"] = "Too long for one answer: ask get_twin with fields, or raise max_chars."
    return stub


def _paths(document: Mapping[str, Any]) -> Iterator[str]:
    for name, value in document.items():
        if name.startswith("$"):
            continue
        if isinstance(value, dict):
            yield from (f"/{name}/{inner}" for inner in value if not inner.startswith("$"))
        else:
            yield f"/{name}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
