"""What the tables of a file held in a past state.

A state has, row for row, those of now that a change up to it wrote, and else the versions that a
later change ended. SQLite looks through a sub-query that is one plain SELECT wherever it stands,
and through UNION ALL in few places; elsewhere it would make the whole table first. So where it is
known that what is there now was there then, the tables are those of now, with their indexes, and a
row that was written later takes its document from its version, which is one step in an index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.records import Others
from kastor.storage.sqlite.documents import version_doc

if TYPE_CHECKING:
    from kastor.query.sql.parameters import Parameters
    from kastor.query.sql.tables import Tables
    from kastor.records import Since
    from kastor.storage.history import Kind

_PLACES = {
    "twins": "key, id, model_key",
    "relationships": "key, source_key, id, name_key, target_key",
}
_FEW = "0.02"
"""Of all versions, those that ended after a state: else the planner looks for nothing by it."""


class SqlitePastTables:
    """The tables of one state; `models` is the text of the present's, with its condition."""

    def __init__(self, parameters: Parameters, since: Since, models: str) -> None:
        self._parameters = parameters
        self._others = {"twins": since.twins, "relationships": since.relationships}
        self._models = models

    def of(self, name: str) -> str:
        """As `Tables` says."""
        change = self._parameters.change()
        if name == "models":
            then = f"m.change <= {change} AND (m.ended_by IS NULL OR m.ended_by > {change})"
            return self._models.replace("m.valid_to IS NULL", then)
        others = self._others.get(name)
        if others is None:
            return name
        if others is Others.ANY:
            return _either(name, change)
        return _swapped(name, change, more=others is Others.MORE)

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """As `Tables` says."""
        return SqlitePastTables(parameters, since, self._models)


def _kind(name: str) -> Kind:
    return "twin" if name == "twins" else "relationship"


def _either(name: str, change: str) -> str:
    """Rows of now that were there, and versions of all others."""
    kind, places = _kind(name), _PLACES[name]
    return (
        f"(SELECT {places}, etag, doc FROM {name} WHERE change <= {change} UNION ALL"
        f" SELECT {places}, etag, {version_doc('v', kind)} AS doc FROM {kind}_versions v"
        f" WHERE change <= {change} AND likelihood(ended_by > {change}, {_FEW}))"
    )


def _swapped(name: str, change: str, *, more: bool) -> str:
    """Rows of now, with what they held then."""
    kind = _kind(name)

    def then(wanted: str) -> str:
        return (
            f"(SELECT {wanted} FROM {kind}_versions v WHERE v.key = {name}.key"
            f" AND v.ended_by > {change} ORDER BY v.ended_by LIMIT 1)"
        )

    held = [
        f"CASE WHEN change <= {change} THEN {column} ELSE {then(wanted)} END AS {column}"
        for column, wanted in (("etag", "v.etag"), ("doc", version_doc("v", kind)))
    ]
    text = f"SELECT {_PLACES[name]}, {', '.join(held)} FROM {name}"
    if more:
        text += f" WHERE (change <= {change} OR {then('v.change')} <= {change})"
    return f"({text})"
