"""The contract's table of times in plain Python, to hold the decisions against.

Values are patched by the `jsonpatch` library; times follow the table alone: what is touched gets
the instant of the request, what is removed loses its entry, the rest keeps what it had.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jsonpatch

Entries: TypeAlias = dict[str, dict[str, str]]
COMPONENTS = ("inside", "outside")


class PatchRefusedError(Exception):
    """A step leads nowhere."""


class ResultRefusedError(Exception):
    """The patched twin breaks its model, or a source time cannot be set or removed."""


@dataclass
class Holder:
    """The twin's own properties, or those of one component: their times, and its own."""

    time: str
    entries: Entries = field(default_factory=dict)

    def touch(self, name: str, now: str) -> None:
        self.entries.setdefault(name, {})["lastUpdateTime"] = now

    def as_metadata(self) -> dict[str, Any]:
        return {"$lastUpdateTime": self.time, **copy.deepcopy(self.entries)}


class TimesModel:
    """A twin of the room model as the table has it."""

    def __init__(self, values: dict[str, Any], now: str) -> None:
        self.values = {**{name: {} for name in COMPONENTS}, **copy.deepcopy(values)}
        self.holders: dict[str, Holder] = {"": Holder(now)}
        for name, value in self.values.items():
            if name in COMPONENTS:
                entries = {each: {"lastUpdateTime": now} for each in value}
                self.holders[name] = Holder(now, entries)
            else:
                self.holders[""].touch(name, now)

    def patch(self, operations: list[dict[str, Any]], now: str) -> None:
        """Apply a patch, or raise and stay as it was."""
        kept = copy.deepcopy((self.values, self.holders))
        try:
            self._patch(operations, now)
        except (PatchRefusedError, ResultRefusedError):
            self.values, self.holders = kept
            raise

    def _patch(self, operations: list[dict[str, Any]], now: str) -> None:
        source_times = []
        self.holders[""].time = now
        for operation in operations:
            path = operation["path"].split("/")[1:]
            if path[-1] == "sourceTime":
                where = path[0] if path[0] in COMPONENTS else ""
                source_times.append((where, path[-2], operation))
                continue
            self._change_value(operation)
            if path[0] in COMPONENTS and len(path) == 1:
                # What was said of the times of a component goes with it.
                source_times = [each for each in source_times if each[0] != path[0]]
            if path[0] not in COMPONENTS:
                self._move_times("", path, operation["op"], now)
            elif len(path) > 1:
                self._move_times(path[0], path[1:], operation["op"], now)
            elif operation["op"] != "remove":
                entries = {name: {"lastUpdateTime": now} for name in self.values[path[0]]}
                self.holders[path[0]] = Holder(now, entries)
        if not set(COMPONENTS) <= set(self.values):
            raise ResultRefusedError
        for where, name, operation in source_times:
            self._change_source_time(where, name, operation, now)

    def _change_value(self, operation: dict[str, Any]) -> None:
        plain = copy.deepcopy(operation)
        if isinstance(plain.get("value"), dict):
            plain["value"].pop("$metadata", None)
        try:
            self.values = jsonpatch.apply_patch(self.values, [plain])
        except Exception as error:
            raise PatchRefusedError from error

    def _move_times(self, where: str, path: list[str], op: str, now: str) -> None:
        holder = self.holders[where]
        if op == "remove" and len(path) == 1:
            del holder.entries[path[0]]
            return
        holder.touch(path[0], now)
        if where:
            holder.time = now

    def _change_source_time(
        self, where: str, name: str, operation: dict[str, Any], now: str
    ) -> None:
        holder = self.holders[where]
        entry = holder.entries.get(name)
        if entry is None:
            raise ResultRefusedError
        if operation["op"] != "remove":
            entry["sourceTime"] = operation["value"]
        elif entry.pop("sourceTime", None) is None:
            raise ResultRefusedError
        if where:
            holder.time = now

    def as_document(self, head: dict[str, Any], model: str) -> dict[str, Any]:
        """The twin as it is stored."""
        document = {**head, **copy.deepcopy(self.values)}
        for name in COMPONENTS:
            document[name]["$metadata"] = self.holders[name].as_metadata()
        document["$metadata"] = {"$model": model, **self.holders[""].as_metadata()}
        return document
