"""Decides telemetry: it changes no twin and goes into the change log alone (rest-api B.3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.graph.twin import component_not_found, twin_not_found
from kastor.records import ChangeKind, Current, Decision, LogEntry, LogTelemetry

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.graph.catalog import ModelCatalog
    from kastor.graph.commands import SendTelemetry


def decide_telemetry(command: SendTelemetry, current: Current, stamp: Stamp) -> Decision:
    """Decide a telemetry call; members need not be declared by the model.

    Raises:
        NotFound: the twin, or the component, is not there.
    """
    twin = current.twin
    if twin is None:
        raise twin_not_found(command.twin_id)
    catalog: ModelCatalog = current.catalog
    model_id = catalog.id_of(twin.model_key)
    if command.component is not None:
        interface = catalog.compiled(model_id)
        component = None if interface is None else interface.components.get(command.component)
        if component is None:
            raise component_not_found(command.twin_id, command.component)
        model_id = component.id
    log = LogEntry(
        ChangeKind.TELEMETRY,
        command.twin_id,
        command.twin_id,
        command.body,
        command.message_id or stamp.event_id,
        True,
        model_id,
        command.component,
        command.content_type,
    )
    return Decision(LogTelemetry(twin, log), None)
