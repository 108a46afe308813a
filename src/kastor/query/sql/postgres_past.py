"""What the tables of a schema held: rows of now that are old enough, and superseded versions.

The planner sees through it: the union has no conditions of its own, so that it becomes one table
with two parts, and the condition around it is handed to each part, as are those of the query. So
indexes serve as they do now. What is compared with is a constant when a plan is made, and the end
of a version has one bound for the index on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.storage.postgres.documents import version_doc
from kastor.storage.postgres.past import COLUMNS, KINDS, Unsettled

if TYPE_CHECKING:
    from kastor.query.sql.parameters import Parameters
    from kastor.query.sql.tables import Tables
    from kastor.records import Since

_FOREVER = 2**63 - 1


class PostgresPastTables:
    """The tables of a schema as of the instant that is filled when the statement runs."""

    def __init__(self, schema: str, parameters: Parameters) -> None:
        self._schema, self._parameters = schema, parameters

    def of(self, name: str) -> str:
        """As `Tables` says."""
        graph = f'"{self._schema}"'
        kind = next((each for each in KINDS if f"{each}s" == name), None)
        if name == "models":
            return (
                "(SELECT m.key AS key, n.id AS id, jsonb_build_object('id', n.id, 'decommissioned',"
                f" m.decommissioned IS NOT NULL, 'model', m.text::jsonb) AS doc FROM {graph}.models"
                f" m JOIN {graph}.model_keys n ON n.key = m.key WHERE {self._begun('m')} AND"
                f" (m.valid_to IS NULL OR {self._lasted('m')}))"
            )
        if kind is None:
            return f"{graph}.{name}"
        columns = COLUMNS[kind]
        return (
            f"(SELECT {columns}, doc FROM (SELECT {columns}, doc, valid_from, change,"
            f" {_FOREVER}::bigint AS valid_to, 0::bigint AS ended_by FROM {graph}.{name}"
            f" UNION ALL SELECT {columns}, {version_doc('v', kind, graph)}, valid_from, change,"
            f" valid_to, ended_by FROM {graph}.{kind}_versions v) u"
            f" WHERE {self._begun('u')} AND {self._lasted('u')})"
        )

    def as_of(self, parameters: Parameters, since: Since) -> Tables:
        """As `Tables` says."""
        del since
        return PostgresPastTables(self._schema, parameters)

    def _begun(self, row: str) -> str:
        newest, settled = self._parameters.newest(), self._settled()
        return (
            f"{row}.valid_from <= {newest}::bigint AND ({row}.valid_from <= {settled}"
            f" OR ({row}.valid_from, {row}.change) NOT IN ({self._beyond()}))"
        )

    def _lasted(self, row: str) -> str:
        newest, settled = self._parameters.newest(), self._settled()
        return (
            f"{row}.valid_to > {settled} AND ({row}.valid_to > {newest}::bigint"
            f" OR ({row}.valid_to, {row}.ended_by) IN ({self._beyond()}))"
        )

    def _settled(self) -> str:
        return f"{self._parameters.add(Unsettled.SETTLED)}::bigint"

    def _beyond(self) -> str:
        times = self._parameters.add(Unsettled.TIMES)
        xids = self._parameters.add(Unsettled.XIDS)
        return f"SELECT * FROM unnest({times}::text[]::bigint[], {xids}::text[]::bigint[])"
