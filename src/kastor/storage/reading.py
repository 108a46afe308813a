"""From where one request reads, where a graph has replicas.

It stands in a context variable because it concerns the request as a whole, and nothing between the
request and the engine has to know of it.
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import Enum


class ReadFrom(Enum):
    """Where reads may go; an engine without replicas reads as from the primary."""

    PRIMARY = "primary"
    """Every write acknowledged before the read is seen."""

    CURRENT_REPLICA = "current-replica"
    """As well: a replica answers once it has all that was written before the read."""

    REPLICA = "replica"
    """A replica answers with what it has; it may be behind, and it may answer without a primary."""


read_from: ContextVar[ReadFrom] = ContextVar("read_from", default=ReadFrom.PRIMARY)
