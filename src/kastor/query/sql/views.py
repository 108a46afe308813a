"""Which view of the graph a request reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.errors import Forbidden
from kastor.query.sql.by_twin import ByTwin
from kastor.query.sql.tables import NOW, Past
from kastor.records import PAST_BY_TWIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.query.sql.tables import GraphView
    from kastor.records import AsOf, Context, Since


def view_of(context: Context, since: Callable[[AsOf], Since]) -> GraphView:
    """The view of a request; `since` tells what became of a state of the past.

    Raises:
        Forbidden: it may see parts alone, and asks for the past.
    """
    if context.sees is not None:
        if context.at is not None:
            raise Forbidden(PAST_BY_TWIN)
        return ByTwin(context.sees)
    return NOW if context.at is None else Past(since(context.at))
