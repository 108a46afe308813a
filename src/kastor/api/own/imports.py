"""Import by upload: the file is the body of the request, and a job imports it (decisions 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.api.http.jobs import OPERATION_ID, accepted, begin_job
from kastor.api.http.operation import Operation
from kastor.api.http.request import Request, Response
from kastor.auth.roles import Permission as P
from kastor.errors import EncodingError, MediaTypeError
from kastor.jobs.importing.applying import PERMISSIONS

if TYPE_CHECKING:
    from kastor.hosting.services import Services

NDJSON = "application/x-ndjson"
_TYPES = frozenset({NDJSON, "application/ndjson", "application/jsonl"})
_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "zstd"})
"""The file's own first bytes say which of them it is."""


async def import_upload(services: Services, request: Request) -> Response:
    """Answer POST /kastor/v1/jobs/imports; the body goes to disk as it comes."""
    if request.media_type not in _TYPES:
        raise MediaTypeError(
            f"The media type {request.media_type[:80]} is not supported; send the file as {NDJSON}."
        )
    coding = request.headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    if coding not in _CODINGS:
        raise EncodingError(
            f"The content coding {coding[:80]} is not supported; send the file with gzip, zstd, or "
            "as it is."
        )
    length = request.headers.get(b"content-length", b"")
    declared = int(length) if length.isdigit() else None
    file = await services.spool.take(request.chunks(), declared)
    is_new = False
    try:
        asked = {
            "file": file.name,
            "bytes": file.size,
            "sha256": file.sha256,
            "permissions": [each for each in PERMISSIONS.values() if each in request.permissions],
        }
        varies = ("file", "permissions")
        row, is_new = await begin_job(services, request, "uploads", asked, varies=varies)
    finally:
        if not is_new:
            await services.spool.remove(file.name)
    return accepted(request, row)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "Kastor_ImportUpload",
        "POST",
        "/kastor/v1/jobs/imports",
        P.OWN_JOBS_WRITE,
        import_upload,
        "Import a file of models, twins and relationships, which is the body",
        202,
        errors={
            400: ("InvalidArgument", "LimitExceeded"),
            409: ("OperationIdReused",),
            413: ("PayloadTooLarge",),
            429: ("TooManyRequests",),
        },
        result="OwnJob",
        body=(NDJSON, "ImportFile"),
        headers=(OPERATION_ID,),
        versioned=False,
        dry_run=True,
        in_adt=False,
    ),
)
