"""Where a connection is between its beginning and its end."""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """Where a connection is."""

    FRESH = "no byte yet"
    HEAD = "within a head"
    BODY = "within a body"
    ANSWER = "an answer under way"
    UNREAD = "answered before the end of its body"
    IDLE = "between two requests"
    LINGER = "ended, reading on for a moment"


FRESH, HEAD, BODY, ANSWER, UNREAD, IDLE, LINGER = Phase
