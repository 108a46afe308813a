"""Where an answer goes on: signed, for one caller, one graph and the same arguments.

A cursor names the instant that the first answer was of, so that all answers are of one state.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from kastor.agents.refusals import ToolRefused
from kastor.signing import sign, unsign

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.agents.caller import AgentCaller
    from kastor.types import Json

LONGEST = 800
"""Characters; where more would be needed there is none."""
_FORM = "agents-1"
_FREE = frozenset({"cursor", "limit", "max_chars"})
"""Arguments that may change from one answer to the next."""


class Cursors:
    """The cursors of one call."""

    def __init__(self, caller: AgentCaller, tool: str, arguments: Mapping[str, Any]) -> None:
        asked = {name: value for name, value in arguments.items() if name not in _FREE}
        said = [_FORM, caller.id, caller.graph, tool, asked]
        text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
        self._asked = hashlib.sha256(text).hexdigest()[:32]
        self._key = caller.services.signing_key

    def make(self, change: int | None, position: Json) -> str | None:
        """Return a cursor; None where it would be too long.

        Args:
            change: the position in the change log that names the instant.
            position: where to go on, of JSON.
        """
        text = sign([self._asked, change, position], self._key)
        return text if len(text) <= LONGEST else None

    def read(self, text: str) -> tuple[int | None, Json]:
        """Return the change and the position of a cursor.

        Raises:
            ToolRefused: it was made for somebody else, for other arguments, or not here.
        """
        found = unsign(text, self._key) if text.isascii() and len(text) <= LONGEST else None
        if not isinstance(found, list) or len(found) != 3 or found[0] != self._asked:  # noqa: PLR2004
            raise ToolRefused(
                "InvalidCursor",
                "This cursor is not of this call. A cursor goes on where an answer ended, with "
                "the same tool and the same arguments.",
                at="cursor",
                advice="Leave cursor out to begin again.",
            )
        return found[1], found[2]
