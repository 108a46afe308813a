"""The function of SQLite that queries compute distances of vectors with."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kastor.distances import Distance, distance, read, unpacked
from kastor.storage.vectors import FUNCTION

if TYPE_CHECKING:
    import apsw


def add_distances(connection: apsw.Connection) -> None:
    """Let statements of a connection compute distances."""
    connection.create_scalar_function(FUNCTION, Distances(), 3, deterministic=True)


class Distances:
    """Computes distances to a vector, which is the same for all rows of a statement.

    A statement asks once for every mention of a distance, so the last answer is kept.
    """

    __slots__ = ("_answer", "_asked", "_packed", "_vector")

    def __init__(self) -> None:
        self._packed: bytes | None = None
        self._vector: tuple[float, ...] = ()
        self._asked: tuple[object, ...] = ()
        self._answer: float | None = None

    def __call__(self, *values: apsw.SQLiteValue) -> float | None:
        """Return the distance of a kind between a subject and a packed vector.

        The subject is a packed vector, or JSON text; whatever is no vector has none.
        """
        kind, subject, vector = values
        if not isinstance(vector, bytes) or not isinstance(subject, bytes | str):
            return None
        if values == self._asked:
            return self._answer
        if vector != self._packed:
            self._packed, self._vector = vector, unpacked(vector)
        found = unpacked(subject) if isinstance(subject, bytes) else read(subject)
        answer = None if found is None else distance(cast("Distance", kind), found, self._vector)
        self._asked, self._answer = values, answer
        return answer
