"""Functions that write texts in small or capital letters: SQLite's own know ASCII alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.letters import lower, upper
from kastor.storage.letters import LOWER, UPPER

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw


def add_letters(connection: apsw.Connection) -> None:
    """Let statements of a connection change the letters of texts."""
    for name, change in ((LOWER, lower), (UPPER, upper)):
        connection.create_scalar_function(name, _of_text(change), 1, deterministic=True)


def _of_text(change: Callable[[str], str]) -> Callable[..., str | None]:
    return lambda text: change(text) if isinstance(text, str) else None
