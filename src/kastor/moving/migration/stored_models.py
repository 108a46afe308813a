"""Models in the state, so that none of them has to stay in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kastor.client.calls import Document
    from kastor.moving.migration.state import MigrationState


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A model of the source.

    Attributes:
        document: its DTDL.
        owned: whether the migration put it into the target.
        gone: whether the last round did not find it at the source any more.
    """

    id: str
    document: Document
    decommissioned: bool
    owned: bool
    gone: bool


def store_model(
    state: MigrationState, document: Document, number: int, *, decommissioned: bool
) -> None:
    """Note a model that was at the source in a round."""
    state.database.execute(
        "INSERT INTO models (id, document, decommissioned, round) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET document = excluded.document,"
        " decommissioned = excluded.decommissioned, round = excluded.round",
        (document["@id"], json.dumps(document), decommissioned, number),
    )


def stored_models(state: MigrationState, *, gone_in: int | None = None) -> Iterator[SourceModel]:
    """Yield the models by id; with a round those that were not at the source in it."""
    where, values = ("", ()) if gone_in is None else (" WHERE round < ?", (gone_in,))
    ids = [each[0] for each in state.database.execute(f"SELECT id FROM models{where}", values)]
    for identifier in ids:
        found = stored_model(state, identifier)
        if found is not None:
            yield found


def stored_model(state: MigrationState, identifier: str) -> SourceModel | None:
    """Return one of them."""
    row = state.database.execute(
        "SELECT document, decommissioned, owned, round FROM models WHERE id = ?", (identifier,)
    ).fetchone()
    if row is None:
        return None
    return SourceModel(
        identifier, json.loads(row[0]), bool(row[1]), bool(row[2]), row[3] < state.round
    )


def own_models(state: MigrationState, ids: list[str]) -> None:
    """Note that the migration put models into the target."""
    state.database.executemany("UPDATE models SET owned = 1 WHERE id = ?", [(x,) for x in ids])


def forget_model(state: MigrationState, identifier: str) -> None:
    """Let go of a model that is on neither side."""
    state.database.execute("DELETE FROM models WHERE id = ?", (identifier,))


def note_retired(state: MigrationState, identifier: str) -> None:
    """Note that the migration decommissions a model at the target."""
    state.note(f"retired {identifier}", "yes")


def is_retired(state: MigrationState, identifier: str) -> bool:
    """Tell whether the migration ever decommissioned a model at the target."""
    return state.fact(f"retired {identifier}") is not None
