"""Models from one side to the other: what others need first, and decommissioned at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kastor.client import ConflictError, NotFoundError, operations
from kastor.dtdl import DtdlError, compile_interface, parse
from kastor.moving.migration.stored_models import (
    forget_model,
    is_retired,
    note_retired,
    own_models,
    store_model,
    stored_model,
    stored_models,
)
from kastor.moving.model_order import ADT_BOUNDS, KASTOR_BOUNDS, in_order, portions
from kastor.moving.writing.writer import repeatable

if TYPE_CHECKING:
    from kastor.client.calls import Document
    from kastor.moving.migration.side import Side
    from kastor.moving.migration.state import MigrationState

_PAGE = 100


class ModelConflictError(Exception):
    """The target has another model of the same id; the text says which."""


async def model_data(side: Side) -> AsyncIterator[Document]:
    """Yield the data of all models of a side, with their DTDL as `model`."""
    async for each in side.listed(operations.list_models((), definitions=True, size=_PAGE)):
        model = each.get("model")
        if isinstance(model, dict) and isinstance(model.get("@id"), str):
            yield each


async def read_models(state: MigrationState, source: Side, number: int) -> None:
    """Note all models of the source."""
    with state.change():
        async for each in model_data(source):
            retired = bool(each.get("decommissioned"))
            store_model(state, each["model"], number, decommissioned=retired)


async def bring_models(state: MigrationState, source: Side, target: Side, number: int) -> int:
    """Upload the models that the target lacks, in the order of what they need; return how many.

    Raises:
        ModelConflictError: the target has others of the same ids; nothing was uploaded.
        ClientError: the target refuses one.
    """
    await read_models(state, source, number)
    there = await compare_models(state, target)
    missing = [each.document for each in stored_models(state) if each.id not in there]
    used_again = [
        each.id for each in stored_models(state) if there.get(each.id) and not each.decommissioned
    ]
    await use_again(state, target, used_again)
    bounds = ADT_BOUNDS if target.is_narrow else KASTOR_BOUNDS
    for portion in portions(in_order(missing), bounds):
        await _upload(target, portion)
        with state.change():
            own_models(state, [each["@id"] for each in portion])
    return len(missing)


async def _upload(target: Side, portion: Sequence[Document]) -> None:
    try:
        await target.writer.send(repeatable(operations.upload_models(portion)))
    except ConflictError:
        # An answer was lost, or somebody uploads the same; what is there is compared.
        for each in portion:
            found = await target.writer.send(operations.get_model(each["@id"], definition=True))
            if found.get("model") != each:
                raise


async def compare_models(state: MigrationState, target: Side) -> Mapping[str, bool]:
    """Return of the models that both sides have whether they are decommissioned at the target.

    Raises:
        ModelConflictError: they are not the same.
    """
    there: dict[str, bool] = {}
    others: list[str] = []
    async for each in model_data(target):
        found = stored_model(state, each["model"]["@id"])
        if found is not None:
            there[found.id] = bool(each.get("decommissioned"))
            if found.document != each["model"]:
                others.append(found.id)
    if others:
        raise ModelConflictError(
            f"The target has other models of the same ids: {', '.join(others[:5])}"
            f"{' and others' if len(others) > 5 else ''}. Delete them there, or give "  # noqa: PLR2004
            "the source's models a new version."
        )
    return there


async def decommission_models(state: MigrationState, target: Side) -> int:
    """Decommission at the target what is decommissioned at the source; return how many."""
    retired = {each.id for each in stored_models(state) if each.decommissioned}
    if not retired:
        return 0
    async for each in model_data(target):
        if each.get("decommissioned"):
            retired.discard(each["id"])
    for identifier in sorted(retired):
        with state.change():
            note_retired(state, identifier)
        call = operations.decommission_model(identifier, decommissioned=True)
        await target.writer.send(repeatable(call))
    return len(retired)


async def use_again(state: MigrationState, target: Side, ids: Iterable[str]) -> bool:
    """Put models back into service that the migration decommissioned; return whether it did any.

    What others decommissioned at the target stays so.
    """
    ours = [each for each in ids if is_retired(state, each)]
    for each in ours:
        call = operations.decommission_model(each, decommissioned=False)
        await target.writer.send(repeatable(call))
    return bool(ours)


async def delete_gone_models(state: MigrationState, target: Side, number: int) -> None:
    """Delete models that the migration put there and that are gone at the source.

    What others need at the target stays there, and the next round tries again.
    """
    # Again, since each may have been what another one waited for.
    while await _delete_some(state, target, number):
        pass


async def _delete_some(state: MigrationState, target: Side, number: int) -> bool:
    """Delete what can be, and return whether something went and something stayed."""
    some = stayed = False
    for each in stored_models(state, gone_in=number):
        try:
            if each.owned:
                await target.writer.send(repeatable(operations.delete_model(each.id)))
        except NotFoundError:
            pass
        except ConflictError:
            stayed = True
            continue
        some = True
        with state.change():
            forget_model(state, each.id)
    return some and stayed


def components_of(state: MigrationState) -> Mapping[str, tuple[str, ...]]:
    """Return by model the components of its twins, inherited ones too.

    Raises:
        ModelConflictError: the models cannot be read.
    """
    try:
        models = parse([each.document for each in stored_models(state)])
        return {
            each.id: tuple(compile_interface(models, each.id).components)
            for each in stored_models(state)
        }
    except DtdlError as error:
        raise ModelConflictError(
            f"The models of the source are no valid DTDL, so nobody can say which components are "
            f"missing: {error}"
        ) from error
