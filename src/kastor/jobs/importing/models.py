"""The models of a file: all or none are stored, before anything else of it (cases D.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from kastor.errors import Conflict, Detail, KastorError, LimitExceeded, Unavailable
from kastor.jobs.importing.batches import FileEntry
from kastor.jobs.importing.faults import ModelsRefusedError
from kastor.storage.batches import NotHeldError

if TYPE_CHECKING:
    from kastor.graph.catalog import StoredModel
    from kastor.graph.service import CarryOut, GraphService
    from kastor.records import Context
    from kastor.types import ModelId

_NOTHING = "Nothing of the file was imported: its models are stored all or none, and first."


async def store_models(
    graph: GraphService, entries: Sequence[FileEntry], context: Context, upload: CarryOut
) -> None:
    """Store those models of a file that are not stored; equal ones are left (decisions 6.7).

    Args:
        graph: where to.
        entries: all models of the file.
        context: who imports.
        upload: carries it out.

    Raises:
        ModelsRefusedError: one of them cannot be stored, or another one has its id; none is.
        Unavailable: nothing was written.
    """
    await graph.refresh_models()
    fresh = await asyncio.to_thread(_fresh, entries, graph.catalog.models)
    if not fresh:
        return
    text = b"[\n" + b",\n".join(entry.text for entry in fresh) + b"]"
    try:
        documents = await graph.read_upload(text, len(fresh))
        await graph.upload(text, documents, context, upload)
    except (NotHeldError, Unavailable):
        raise
    except (Conflict, LimitExceeded) as error:
        raise ModelsRefusedError(f"{error.message} {_NOTHING}", code=error.code) from None
    except KastorError as error:
        raise _refused(error, fresh) from None


def _fresh(
    entries: Sequence[FileEntry], stored: Mapping[ModelId, StoredModel]
) -> tuple[FileEntry, ...]:
    """Return the models that are not stored; those that are equal are left as they are.

    Raises:
        ModelsRefusedError: another model is stored under the id of one.
    """
    fresh: list[FileEntry] = []
    for entry in entries:
        model = stored.get(entry.id)
        if model is None:
            fresh.append(entry)
        elif orjson.loads(entry.text) != orjson.loads(model.text):
            raise ModelsRefusedError(
                f"Line {entry.line}: another model is stored as {entry.id}. Give the one of the "
                f"file a new version, or delete the stored one first. {_NOTHING}",
                code="ModelIdAlreadyExists",
            )
    return tuple(fresh)


def _refused(error: KastorError, entries: Sequence[FileEntry]) -> ModelsRefusedError:
    """Return the refusal with places in the file instead of in the upload."""
    details = tuple(_placed(each, entries) for each in error.details)
    lines = [each.place["line"] for each in details if "line" in each.place]
    where = f"Line {lines[0]}: " if lines else ""
    return ModelsRefusedError(f"{where}{error.message} {_NOTHING}", details=details)


def _placed(detail: Detail, entries: Sequence[FileEntry]) -> Detail:
    place: dict[str, Any] = dict(detail.place)
    place.pop("index", None)  # which of the upload: the line is what people look for
    at = place.get("line")
    # The upload has its bracket on the first line and then a model on each.
    if isinstance(at, int) and 0 <= at - 2 < len(entries):
        place["line"] = entries[at - 2].line
    return Detail(detail.code, detail.message, place)
