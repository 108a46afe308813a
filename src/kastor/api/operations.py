"""The one table of operations: routes, permissions and the API's description come from it.

The rows stand beside their handlers; the order of the modules is that of the description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.api.contract import event_routes, jobs, models, query, relationships, twins
from kastor.api.own import (
    access,
    arrays,
    backup,
    batch,
    change_many,
    diff,
    endpoints,
    export,
    feed,
    graphs,
    health,
    history,
    imports,
    indexes,
    inputs,
    keeping,
    limits,
    live,
    me,
    metrics,
    model_deletion,
    proposals,
    resolved_models,
    revert,
    route_health,
    sample,
    saved,
    search,
    slow_queries,
    status,
    vectors,
)
from kastor.api.own import jobs as own_jobs

if TYPE_CHECKING:
    from kastor.api.http.operation import Operation

_CONTRACT = (twins, relationships, query, models, event_routes, jobs)
_OWN = (
    *(arrays, batch, change_many, diff, revert),
    *(model_deletion, resolved_models, endpoints, route_health, feed, live, inputs, indexes),
    *(saved, search, proposals, vectors),
    *(history, keeping),
    *(export, own_jobs, imports, sample),
    *(me, access, status, limits, slow_queries, graphs, backup, metrics, health),
)

OPERATIONS: tuple[Operation, ...] = tuple(
    row for module in (*_CONTRACT, *_OWN) for row in module.OPERATIONS
)
