"""The settings of endpoints that get rows of tables in place of events."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

Format: TypeAlias = Literal["cloudevents", "adt-history"]

Name: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*\Z", max_length=100)]
"""It stands in headers, topics and routing keys, so it has no sign that means something there."""


class HistoryTables(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The tables of Azure Digital Twins' data history (events 3) by their names.

    Attributes:
        properties: one row for each property that a change wrote; None: none are sent.
        twins: creations and deletions of twins; None: none are sent.
        relationships: creations and deletions of relationships; None: none are sent.
    """

    properties: Name | None = "AdtPropertyEvents"
    twins: Name | None = "AdtTwinLifecycleEvents"
    relationships: Name | None = "AdtRelationshipLifecycleEvents"


ALL_TABLES = HistoryTables()


def check_format(chosen: Format, tables: HistoryTables, *, removals: bool) -> None:
    """Refuse settings of rows where events are sent, and rows of no table; raises ValueError."""
    if chosen != "adt-history":
        if removals or tables != ALL_TABLES:
            name = "removals" if removals else "tables"
            raise ValueError(f'{name}: is only of the format "adt-history"')
        return
    if tables.properties is None and tables.twins is None and tables.relationships is None:
        raise ValueError("tables: names none; leave one of them")
