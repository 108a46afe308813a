"""What of a twin and of a model can be found: ids, names, and texts with their paths."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson

from kastor.storage.search import IndexedText

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kastor.storage.search import IndexedKind, SourceRow

NAMES = ("name", "displayName", "label", "title")
"""Properties that are what people call a twin; the first that is a text."""
ID_FIELD = {"twin": "$dtId", "model": "@id"}
MOST_FIELDS = 200
MOST_CHARACTERS = 20_000
"""Of all texts of one twin or model; what comes after is not found."""
LONGEST_TEXT = 2_000
"""Of one text; it is found by its beginning."""
_GIVES_WAY = 8


def indexed(kind: IndexedKind, rows: Sequence[SourceRow]) -> list[IndexedText]:
    """Return what can be found of rows; called in a thread, which lets others run now and then."""
    made = []
    for count, row in enumerate(rows, 1):
        made.append(_twin(row) if kind == "twin" else _model(row))
        if count % _GIVES_WAY == 0:
            time.sleep(0)
    return made


def naming(document: dict[str, Any]) -> str | None:
    """Return the property of a twin that says what people call it; None where there is none."""
    return next((name for name in NAMES if _is_text(document.get(name))), None)


def _twin(row: SourceRow) -> IndexedText:
    document = orjson.loads(row.doc)
    model = document.get("$metadata", {}).get("$model")
    named = naming(document)
    heads = [("$dtId", row.id)]
    if named is not None:
        heads.append((f"/{named}", document.pop(named)))
    fields = _within(heads, _texts(document))
    name = None if named is None else fields[1][1]
    return IndexedText("twin", row.key, row.id, name, model, fields, len(heads))


def _model(row: SourceRow) -> IndexedText:
    document = orjson.loads(row.doc)
    names = [
        (f"/displayName/{language}" if language else "/displayName", text)
        for language, text in _languages(document.get("displayName"))
    ]
    others = [
        (f"/{member}/{language}" if language else f"/{member}", text)
        for member in ("description", "comment")
        for language, text in _languages(document.get(member))
    ]
    heads = [("@id", row.id), *names]
    fields = _within(heads, iter(others))
    name = fields[1][1] if names else None
    return IndexedText("model", row.key, row.id, name, None, fields, min(len(heads), len(fields)))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _within(
    heads: list[tuple[str, str]], others: Iterator[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Return fields up to the bounds; the id is always there."""
    found: list[tuple[str, str]] = []
    left = MOST_CHARACTERS
    for path, text in (*heads, *others):
        kept = text if not found else text[: min(LONGEST_TEXT, left)]
        if len(found) == MOST_FIELDS or not kept:
            break
        found.append((path, kept))
        left = max(0, left - len(kept))
    return tuple(found)


def _texts(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every text in a twin's values with its path, in order of the document."""
    open_ones: list[tuple[str, Any]] = [
        (f"/{_escaped(name)}", value)
        for name, value in reversed(document.items())
        if not name.startswith("$")
    ]
    while open_ones:
        path, value = open_ones.pop()
        if isinstance(value, str):
            if value:
                yield path, value
        elif isinstance(value, dict):
            open_ones += (
                (f"{path}/{_escaped(name)}", inner)
                for name, inner in reversed(value.items())
                if name != "$metadata"
            )
        elif isinstance(value, list):
            open_ones += ((f"{path}/{at}", value[at]) for at in range(len(value) - 1, -1, -1))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _languages(value: Any) -> list[tuple[str, str]]:
    """Return the texts of a language string of DTDL, English first."""
    match value:
        case str() if value:
            return [("", value)]
        case list():
            return [each for item in value for each in _languages(item)]
        case {"@value": str() as text, "@language": str() as language}:
            return [(language, text)] if text else []
        case {"@value": str() as text}:
            return [("en", text)] if text else []
        case dict():
            found = [(code, text) for code, text in value.items() if text and _is_text(text)]
            return sorted(found, key=lambda each: (each[0] != "en", each[0]))
        case _:
            return []
