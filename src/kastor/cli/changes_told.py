"""What a change did, in words: the patches of a history and of a diff as a table has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Document: TypeAlias = dict[str, Any]  # any: JSON
_KEPT_BY_SERVER = ("$etag", "$lastUpdateTime", "lastUpdateTime")


def words_of_patch(patch: list[Document]) -> str:
    """Return a patch in one line; what a server writes with every change is left out."""
    return ", ".join(_words(patch)) or "the same values once more"


def _words(patch: list[Document]) -> Iterator[str]:
    for operation in patch:
        steps = [
            each.replace("~1", "/").replace("~0", "~") for each in operation["path"].split("/")[1:]
        ]
        if not steps:
            yield "created"
        elif steps[-1] in _KEPT_BY_SERVER or _is_times_alone(steps, operation):
            continue
        elif operation["op"] == "remove":
            yield f"{_name(steps)} removed"
        else:
            yield f"{_name(steps)} = {_value(operation.get('value'))}"


def _is_times_alone(steps: list[str], operation: Document) -> bool:
    """Whether it is the metadata of a property that came or went with it."""
    if "$metadata" not in steps or steps[-1] in ("$model", "sourceTime"):
        return False
    value = operation.get("value")
    return not (isinstance(value, dict) and "sourceTime" in value)


def _name(steps: list[str]) -> str:
    return ".".join(each for each in steps if each != "$metadata")


def _value(value: object) -> str:
    return json.dumps(_bare(value), ensure_ascii=False)


def _bare(value: object) -> object:
    """Return a value without the metadata in it."""
    if isinstance(value, dict):
        return {name: _bare(each) for name, each in value.items() if name != "$metadata"}
    return value
