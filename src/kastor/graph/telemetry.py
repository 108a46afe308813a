"""Decides telemetry: it changes no twin and goes into the change log alone (rest-api B.3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.graph.command import Command, Decided, State
from kastor.graph.twin import component_not_found, twin_not_found
from kastor.records import ChangeKind, Decision, LogEntry, LogTelemetry, Needs
from kastor.types import override

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.types import Ticks, TwinId


class SendTelemetry(Command[None], frozen=True):
    """Publish telemetry of a twin or of one of its components; `body` is the raw JSON text.

    `source_time` is when it was taken, as far as its sender says that.
    """

    twin_id: TwinId
    body: bytes
    content_type: str
    message_id: str | None = None
    component: str | None = None
    source_time: Ticks | None = None

    @override
    def needs(self) -> Needs:
        """Name the twin."""
        return Needs(self.twin_id)

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[None]:
        """Decide as `decide_telemetry` says."""
        return decide_telemetry(self, current, stamp)


def decide_telemetry(command: SendTelemetry, current: State, stamp: Stamp) -> Decided[None]:
    """Decide a telemetry call; members need not be declared by the model.

    Raises:
        NotFound: the twin, or the component, is not there.
    """
    twin = current.twin
    if twin is None:
        raise twin_not_found(command.twin_id)
    catalog = current.catalog
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
    return Decision(LogTelemetry(twin, log, command.source_time), None)
