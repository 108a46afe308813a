"""Prints values as the kit writes them in its cells."""

from __future__ import annotations

from .tck.values import Edge, Node, Value


def printed(value: Value) -> str:
    if isinstance(value, Node):
        labels = "".join(f":{_name(label)}" for label in sorted(value.labels))
        return f"({labels} {_map(value.properties)})"
    if isinstance(value, Edge):
        return f"[:{_name(value.type)} {_map(value.properties)}]"
    if isinstance(value, list):
        return f"[{', '.join(map(printed, value))}]"
    if isinstance(value, dict):
        return _map(value)
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    )


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _map(properties: dict[str, Value]) -> str:
    return (
        "{" + ", ".join(f"{_name(name)}: {printed(properties[name])}" for name in properties) + "}"
    )
