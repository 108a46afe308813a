"""Events for the tests."""

from __future__ import annotations

from kastor.events.envelope import build_event
from kastor.events.model import Event
from kastor.records import ChangeKind
from kastor.storage.events import LoggedChange

HOST = "twins.example.org"
TIME = 637_746_785_326_512_161  # 2021-12-09T20:28:52.6512161Z
MODEL = "dtmi:example:Room;1"


def logged(
    kind: ChangeKind = ChangeKind.TWIN_UPDATE,
    subject: str = "room1",
    data: bytes = b'{"modelId":"dtmi:example:Room;1","patch":[]}',
    *,
    seq: int = 1,
    event_id: str | None = None,
    traceparent: str | None = None,
    component: str | None = None,
    content_type: str | None = None,
) -> LoggedChange:
    return LoggedChange(
        seq=seq,
        subject=subject,
        version=None if kind is ChangeKind.TELEMETRY else seq,
        kind=kind,
        notify=True,
        event_id=event_id or f"event-{seq}",
        time=TIME + seq,
        actor="tester",
        traceparent=traceparent,
        model_id=MODEL,
        component=component,
        content_type=content_type,
        data=data,
    )


def event(kind: ChangeKind = ChangeKind.TWIN_UPDATE, **members: object) -> Event:
    return build_event(logged(kind, **members), HOST)  # type: ignore[arg-type]


def updates(count: int, twins: int = 10, first: int = 1) -> list[Event]:
    """Updates of several twins in turn, with a number in each."""
    return [
        event(
            subject=f"twin{seq % twins}",
            data=b'{"modelId":"m","patch":[{"op":"replace","path":"/n","value":%d}]}' % seq,
            seq=seq,
        )
        for seq in range(first, first + count)
    ]
