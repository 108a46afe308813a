"""The models of a file: all or none are stored, before anything else of it (rest-api D.8 I-10)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from msgspec.structs import replace

from kastor.errors import Conflict, Detail, KastorError, LimitExceeded, Unavailable
from kastor.jobs.importing.batches import Batch, Entry
from kastor.jobs.importing.faults import ModelsRefusedError
from kastor.storage.batches import NotHeldError

if TYPE_CHECKING:
    from kastor.graph.catalog import StoredModel
    from kastor.graph.commands import UploadModels
    from kastor.graph.service import GraphService
    from kastor.records import Context
    from kastor.types import ModelId

Upload: TypeAlias = "Callable[[UploadModels], Awaitable[dict[ModelId, StoredModel]]]"
"""Carries an upload out."""

_NOTHING = "Nothing of the file was imported: its models are stored all or none, and first."


async def fresh_models(graph: GraphService, batch: Batch) -> Batch:
    """Return a section's batch with those models alone that are not stored.

    A model that is equal to the stored one is left with its time of upload (decisions 6.7).

    Raises:
        ModelsRefusedError: another model is stored under the id of one.
    """
    await graph.refresh_models()
    fresh = await asyncio.to_thread(_fresh, batch.entries, graph.catalog.models)
    return replace(batch, entries=fresh)


async def store_models(
    graph: GraphService, entries: Sequence[Entry], context: Context, upload: Upload
) -> None:
    """Store the models of a file.

    Args:
        graph: where to.
        entries: models that are not stored.
        context: who imports.
        upload: carries it out.

    Raises:
        ModelsRefusedError: one of them cannot be stored; none is.
        NotHeldError, Unavailable: nothing was written.
    """
    text = b"[\n" + b",\n".join(entry.text for entry in entries) + b"]"
    try:
        documents = await graph.read_upload(text, len(entries))
        await graph.upload(text, documents, context, upload)
    except (NotHeldError, Unavailable):
        raise
    except (Conflict, LimitExceeded) as error:
        raise ModelsRefusedError(f"{error.message} {_NOTHING}", code=error.code) from None
    except KastorError as error:
        raise _refused(error, entries) from None


def _fresh(entries: Sequence[Entry], stored: Mapping[ModelId, StoredModel]) -> tuple[Entry, ...]:
    """Return the models that are not stored; those that are equal are left as they are.

    Raises:
        ModelsRefusedError: another model is stored under the id of one.
    """
    fresh: list[Entry] = []
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


def _refused(error: KastorError, entries: Sequence[Entry]) -> ModelsRefusedError:
    """Return the refusal with places in the file instead of in the upload."""
    details = tuple(_placed(each, entries) for each in error.details)
    lines = [each.place["line"] for each in details if "line" in each.place]
    where = f"Line {lines[0]}: " if lines else ""
    return ModelsRefusedError(f"{where}{error.message} {_NOTHING}", details=details)


def _placed(detail: Detail, entries: Sequence[Entry]) -> Detail:
    place: dict[str, Any] = dict(detail.place)
    at = place.get("line")
    # The upload has its bracket on the first line and then a model on each.
    if isinstance(at, int) and 0 <= at - 2 < len(entries):
        place["line"] = entries[at - 2].line
    return Detail(detail.code, detail.message, place)
