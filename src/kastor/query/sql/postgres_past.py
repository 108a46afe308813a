"""What the tables of a schema held: rows of now that are old enough, and superseded versions.

Where it is known that what is there now was there then, the tables are those of now, with their
indexes, and a row that was written later takes its document from its version, which is one step in
an index. What is gone by now or has another place is found by its keys, which are known before the
statement runs; only if they are many, all versions that ended since are looked through.

The planner sees through it: the union has no conditions of its own, so that it becomes one table
with two parts, and the condition around it is handed to each part, as are those of the query. What
is compared with is a constant when a plan is made, and what does not apply falls away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.records import Others
from kastor.storage.postgres.documents import version_doc
from kastor.storage.postgres.past import KINDS, MANY, MOVED, Unsettled

if TYPE_CHECKING:
    from kastor.query.sql.parameters import Parameters
    from kastor.query.sql.tables import Tables
    from kastor.records import Since
    from kastor.storage.history import Kind

_FOREVER = 2**63 - 1
_PLACES: dict[Kind, str] = {
    "twin": "key, id, model_key",
    "relationship": "key, source_key, id, name_key, target_key",
}


class PostgresPastTables:
    """The tables of a schema as of the instant that is filled when the statement runs."""

    def __init__(self, schema: str, parameters: Parameters, since: Since) -> None:
        self._schema, self._parameters = schema, parameters
        self._graph = f'"{schema}"'
        self._others = {"twins": since.twins, "relationships": since.relationships}

    def of(self, name: str) -> str:
        """As `Tables` says."""
        others = self._others.get(name)
        if name == "models":
            return self._models()
        if others is None:
            return f"{self._graph}.{name}"
        if others is Others.ANY:
            return self._either(name)
        return self._swapped(name, docs=True)

    def places(self, name: str) -> str:
        """The same without documents."""
        others = self._others[name]
        if others is Others.ANY:
            return self._either(name)
        return self._swapped(name, docs=False)

    def searched(self, name: str) -> str:
        """The same for who looks for values that have an index.

        A document that may be one of two has none.
        """
        return self._united(name, "true")

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """As `Tables` says."""
        return PostgresPastTables(self._schema, parameters, since)

    def _models(self) -> str:
        return (
            "(SELECT m.key AS key, n.id AS id, jsonb_build_object('id', n.id, 'decommissioned',"
            f" m.decommissioned IS NOT NULL, 'model', m.text::jsonb) AS doc FROM {self._graph}"
            f".models m JOIN {self._graph}.model_keys n ON n.key = m.key WHERE {self._begun('m')}"
            f" AND (m.valid_to IS NULL OR {self._lasted('m')}))"
        )

    def _swapped(self, name: str, *, docs: bool) -> str:
        """Rows of now, with what they held then."""
        more = self._others[name] is Others.MORE
        if not docs and not more:
            return f"{self._graph}.{name}"
        kind = _kind(name)
        held = self._held(kind) if docs else ""
        text = f"SELECT {_PLACES[kind]}{held} FROM {self._graph}.{name} u"
        return f"({text} WHERE {self._begun('u')} OR {self._was(kind)})" if more else f"({text})"

    def _either(self, name: str) -> str:
        """Rows of now as `_swapped` has them, but for what was moved, which has its versions."""
        kind = _kind(name)
        return self._united(name, f"{self._parameters.add(MANY[kind])}::boolean", self._held(kind))

    def _united(self, name: str, many: str, held: str = ", etag, doc") -> str:
        kind = _kind(name)
        columns = f"{_PLACES[kind]}, etag"
        now, ended = f"{self._begun('u')}", f"{self._begun('u')} AND {self._lasted('u')}"
        if many != "true":
            moved = f"{self._parameters.add(MOVED[kind])}::text[]::bigint[]"
            now = f"({now} OR NOT {many} AND u.key <> ALL({moved}) AND {self._was(kind)})"
            ended = f"({many} OR u.key = ANY({moved})) AND {ended}"
        return (
            f"(SELECT {_PLACES[kind]}{held} FROM (SELECT {columns}, doc, valid_from, change,"
            f" {_FOREVER}::bigint AS valid_to, 0::bigint AS ended_by, true AS present"
            f" FROM {self._graph}.{name} UNION ALL"
            f" SELECT {columns}, {version_doc('v', kind, self._graph)}, valid_from, change,"
            f" valid_to, ended_by, false FROM {self._graph}.{kind}_versions v) u"
            f" WHERE u.present AND {now} OR NOT u.present AND {ended})"
        )

    def _held(self, kind: Kind) -> str:
        """The columns of what a row held then."""
        begun = self._begun("u")
        return "".join(
            f", CASE WHEN {begun} THEN u.{column} ELSE {self._then(kind, wanted)} END AS {column}"
            for column, wanted in (
                ("etag", "v.etag"),
                ("doc", version_doc("v", kind, self._graph)),
            )
        )

    def _was(self, kind: Kind) -> str:
        return f"coalesce({self._then(kind, 'true')}, false)"

    def _then(self, kind: Kind, wanted: str) -> str:
        """What the version held that a row had then; the newest ones are looked at first."""
        return (
            f"(SELECT {wanted} FROM {self._graph}.{kind}_versions v WHERE v.key = u.key"
            f" AND {self._begun('v')} AND {self._lasted('v')} ORDER BY v.version DESC LIMIT 1)"
        )

    def _begun(self, row: str) -> str:
        newest, settled = self._parameters.newest(), self._settled()
        return (
            f"({row}.valid_from <= {newest}::bigint AND ({row}.valid_from <= {settled} OR"
            f" ({row}.valid_from::text || ':' || {row}.change::text) <> ALL({self._beyond()})))"
        )

    def _lasted(self, row: str) -> str:
        newest, settled = self._parameters.newest(), self._settled()
        return (
            f"{row}.valid_to > {settled} AND ({row}.valid_to > {newest}::bigint OR"
            f" ({row}.valid_to::text || ':' || {row}.ended_by::text) = ANY({self._beyond()}))"
        )

    def _settled(self) -> str:
        return f"{self._parameters.add(Unsettled.SETTLED)}::bigint"

    def _beyond(self) -> str:
        return f"{self._parameters.add(Unsettled.BEYOND)}::text[]"


def _kind(name: str) -> Kind:
    return next(each for each in KINDS if f"{each}s" == name)
