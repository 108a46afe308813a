"""JSON Schemas of the wire forms, for the API's description (rest-api C.1).

Each area has a module; a new schema goes into its area's `SCHEMAS`.
"""

from __future__ import annotations

from kastor.api.description.schemas import (
    differences,
    events,
    graph,
    history,
    inputs,
    jobs,
    keeping,
    many,
    models,
    proposals,
    queries,
    saved,
    server,
    vectors,
)
from kastor.api.description.schemas.forms import Schema

SCHEMAS: dict[str, Schema] = {
    **graph.SCHEMAS,
    **history.SCHEMAS,
    **keeping.SCHEMAS,
    **many.SCHEMAS,
    **differences.SCHEMAS,
    **queries.SCHEMAS,
    **models.SCHEMAS,
    **jobs.SCHEMAS,
    **events.SCHEMAS,
    **inputs.SCHEMAS,
    **saved.SCHEMAS,
    **proposals.SCHEMAS,
    **vectors.SCHEMAS,
    **server.SCHEMAS,
}
