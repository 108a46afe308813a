"""Which view of the graph a request reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.sql.by_twin import ByTwin
from kastor.query.sql.tables import NOW, Past

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.query.sql.tables import GraphView
    from kastor.records import AsOf, Context, Since


def view_of(context: Context, since: Callable[[AsOf], Since]) -> GraphView:
    """The view of a request; `since` tells what became of a state of the past."""
    past = None if context.at is None else Past(since(context.at))
    if context.sees is not None:
        return ByTwin(context.sees, past)
    return past or NOW
