"""Puts a sample into an empty graph, so that there is something to look at (Kastor's own)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kastor.api.http.operation import JSON_BODY, Operation
from kastor.api.http.request import Request, Response, json_response
from kastor.auth.roles import Permission as P
from kastor.errors import InvalidArgument, NotAllowed
from kastor.hosting.sampling import SAMPLES

if TYPE_CHECKING:
    from kastor.hosting.services import Services


async def load_sample(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/sample: loaded and alive, as by `serve --sample`."""
    if not request.server.allow_sample:
        raise NotAllowed(
            "This server loads no sample when it is asked to, since others reach it. Start it with "
            "--allow-sample on, or with --sample building."
        )
    body = await request.document(request.server.limits.body_bytes)
    name, alive = body.get("name"), body.get("simulate", True)
    if body.keys() - {"name", "simulate"} or name not in SAMPLES or not isinstance(alive, bool):
        raise InvalidArgument(
            f'The body names a sample: {{"name": "{SAMPLES[0]}"}}. There are: '
            f"{', '.join(SAMPLES)}. "
            'With "simulate": false its sensors stay silent.'
        )
    found = await services.sample.fill(request.context, keeps_little=True, alive=alive)
    answer = {
        "name": name,
        "loaded": found.loaded,
        "simulated": (request.dry_run and alive) or services.sample.is_alive,
        "models": found.counts.models,
        "twins": found.counts.twins,
        "relationships": found.counts.relationships,
    }
    return json_response(orjson.dumps(answer))


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_LoadSample",
        "POST",
        "/kastor/v1/sample",
        P.SAMPLE_WRITE,
        load_sample,
        "Load the sample building into an empty graph and simulate its sensors",
        errors={
            400: ("InvalidArgument", "OperationNotAllowed"),
            409: ("GraphNotEmpty", "Conflict"),
        },
        result="LoadedSample",
        body=(JSON_BODY, "SampleName"),
        versioned=False,
        in_adt=False,
        dry_run=True,
    ),
)
