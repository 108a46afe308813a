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
MOST_UNITED = 6
"""Tables of one join that are a UNION ALL of two."""
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

    def searched(self, name: str) -> str:
        """The same for who looks for values that have an index, in a statement of no other table.

        A document that may be one of two has none.
        """
        return _either(name, self._parameters.change())

    def keyed(self, name: str, keys: str) -> str:
        """The same of the rows with these keys, a query of one column."""
        if self._others.get(name) is not Others.ANY:
            return self.of(name)
        return _either(name, self._parameters.change(), f"key IN ({keys}) AND ")

    def ids(self) -> str:
        """All twins that may have been there, with `key` and `id`."""
        if self._others["twins"] is not Others.ANY:
            return "twins"
        dead = "SELECT key, id FROM tombstones WHERE kind = 'twin'"
        return f"(SELECT key, id FROM twins UNION ALL {dead})"

    def places(self, name: str) -> str:
        """The same without documents."""
        others = self._others[name]
        if others is Others.NONE:
            return name
        change = self._parameters.change()
        if others is Others.ANY:
            return _either(name, change, docs=False)
        return f"(SELECT {_PLACES[name]} FROM {name} WHERE {_was_there(name, change)})"

    def parts(self, name: str) -> list[str]:
        """What `places` says, as plain queries whose rows together are its own."""
        if self._others[name] is not Others.ANY:
            return [self.places(name)]
        return [f"({part})" for part in _parts(name, self._parameters.change(), docs=False)]

    def bounded(self, text: str) -> str:
        """A FROM clause; too many tables that SQLite would multiply are made whole before.

        It writes a join of UNION ALL as one of all joins of their parts.
        """
        change = self._parameters.change()
        united = [
            _either(name, change, docs=docs) for name in self._others for docs in (True, False)
        ]
        if sum(map(text.count, united)) > MOST_UNITED:
            for table in united:
                text = text.replace(table, f"{table[:-1]} LIMIT -1)")
        return text

    @property
    def united(self) -> bool:
        """Whether any table is a UNION ALL."""
        return Others.ANY in self._others.values()

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """As `Tables` says."""
        return SqlitePastTables(parameters, since, self._models)


def _kind(name: str) -> Kind:
    return "twin" if name == "twins" else "relationship"


def _either(name: str, change: str, only: str = "", *, docs: bool = True) -> str:
    """Rows of now that were there, and versions of all others."""
    return f"({' UNION ALL '.join(_parts(name, change, only, docs=docs))})"


def _parts(name: str, change: str, only: str = "", *, docs: bool = True) -> tuple[str, str]:
    kind, now = _kind(name), _PLACES[name]
    held = now
    if docs:
        # SQLite takes the parts of a UNION ALL one by one only if columns are of one affinity.
        held += f", etag, CAST({version_doc('v', kind)} AS BLOB) AS doc"
        now += ", etag, doc"
    then = f"{only}change <= {change} AND likelihood(ended_by > {change}, {_FEW})"
    return (
        f"SELECT {now} FROM {name} WHERE {only}change <= {change}",
        f"SELECT {held} FROM {kind}_versions v WHERE {then}",
    )


def _swapped(name: str, change: str, *, more: bool) -> str:
    """Rows of now, with what they held then."""
    kind = _kind(name)
    held = [
        f"CASE WHEN change <= {change} THEN {column}"
        f" ELSE {_then(name, change, wanted)} END AS {column}"
        for column, wanted in (("etag", "v.etag"), ("doc", version_doc("v", kind)))
    ]
    text = f"SELECT {_PLACES[name]}, {', '.join(held)} FROM {name}"
    return f"({text} WHERE {_was_there(name, change)})" if more else f"({text})"


def _was_there(name: str, change: str) -> str:
    """Whether a row of now, which no other has replaced since, was there."""
    return f"(change <= {change} OR {_then(name, change, 'v.change')} <= {change})"


def _then(name: str, change: str, wanted: str) -> str:
    """What the version held that a row of now had then."""
    return (
        f"(SELECT {wanted} FROM {_kind(name)}_versions v WHERE v.key = {name}.key"
        f" AND v.ended_by > {change} ORDER BY v.ended_by LIMIT 1)"
    )
