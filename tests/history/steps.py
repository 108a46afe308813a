"""What happens in a random history: writes of every kind, clocks, copies, and the upkeep."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from hypothesis import strategies as st

from kastor.clock import TICKS_PER_SECOND
from kastor.graph import commands as c
from tests.store.graphs import (
    HALL,
    HALL_MODEL,
    ROOM,
    ROOM_MODEL,
    THERMOSTAT_MODEL,
    add,
    edge,
    hall,
    interface,
    prop,
    remove,
    replace,
    room,
)

TWINS, RELATIONSHIPS = ("a", "b", "c", "D"), ("r", "s")
SUITE, ROOM_2 = "dtmi:s:Suite;1", "dtmi:s:Room;2"
FIRST_MODELS = (THERMOSTAT_MODEL, ROOM_MODEL, HALL_MODEL)
SECOND = TICKS_PER_SECOND
DAY = 86_400 * SECOND
LEAPS = (0, 1, SECOND, 50 * SECOND, 3_600 * SECOND, -1, -SECOND, -50 * SECOND, -7_200 * SECOND)
"""Beyond a minute back the clock was wrong, and the times of writes follow it."""
CONTENTS: dict[str, tuple[Any, ...]] = {
    HALL: (HALL_MODEL, interface(HALL, prop("seats", "integer"), prop("name", "string"))),
    SUITE: (
        interface(SUITE, prop("beds", "integer"), extends=ROOM),
        interface(SUITE, prop("beds", "integer"), prop("temperature", "double")),
    ),
    ROOM_2: (
        interface(ROOM_2, prop("temperature", "double"), prop("name", "string")),
        interface(ROOM_2, prop("name", "string"), extends=HALL),
    ),
}
"""Models that come and go, each with one of two contents."""
MODELS = tuple(CONTENTS)


class Write(NamedTuple):
    """One write in general; ids are few, so that most writes meet something."""

    kind: str
    twin: str
    other: str
    relationship: str
    number: int
    name: str

    def command(self) -> c.Command[Any]:
        # Branches because each kind of write is one.
        kind, twin, other, relationship, n, name = self
        match kind:
            case "put room":
                return c.PutTwin(twin, room(temperature=n, name=name, labels={"at": str(n)}))
            case "put hall":
                return c.PutTwin(twin, hall(seats=n, temperature=n / 2))
            case "put suite":
                return c.PutTwin(twin, {"$metadata": {"$model": SUITE}, "beds": n})
            case "patch":
                return c.PatchTwin(twin, (add("/temperature", n),))
            case "patch back":
                return c.PatchTwin(twin, (remove("/temperature"),))
            case "patch component":
                patch = (add("/setPoint", n + 0.5), add("/mode", name))
                return c.PatchTwin(twin, patch, component="thermostat")
            case "migrate":
                model = (ROOM, HALL, SUITE, ROOM_2)[n]
                return c.PatchTwin(twin, (replace("/$metadata/$model", model),))
            case "delete":
                return c.DeleteTwin(twin)
            case "tell":
                return c.SendTelemetry(twin, b'{"t": %d}' % n, "application/json", "m")
            case "relate":
                return c.PutRelationship(twin, relationship, edge(other, name))
            case "open":
                return c.PatchRelationship(twin, relationship, (add("/door", str(n)),))
            case _:
                return c.DeleteRelationship(twin, relationship)


class Batch(NamedTuple):
    """Writes in one transaction."""

    writes: list[Write]
    atomic: bool


class Together(NamedTuple):
    """Writes at the same time, each by one of the processes that serve the graph."""

    writes: list[Write]


class Held(NamedTuple):
    """Writes that are committed late: others write meanwhile, and the graph is copied."""

    writes: list[Write]
    twin: str
    meanwhile: list[Write]
    into_file: bool


class Models(NamedTuple):
    """A change of models: upload with one of two contents, out of service, into it, deletion."""

    kind: str
    model: str
    content: int


class Leap(NamedTuple):
    """A clock goes on, or back."""

    clock: int
    ticks: int


class Copy(NamedTuple):
    """The graph is copied, to be compared with what is read of it later."""

    into_file: bool


class Upkeep(NamedTuple):
    """Old versions are packed, or a day passes and what is too old is pruned."""

    kind: str


Step: TypeAlias = Write | Batch | Together | Held | Models | Leap | Copy | Upkeep

_KINDS = (
    *("put room", "put room", "put hall", "put suite", "patch", "patch", "patch back"),
    *("patch component", "migrate", "delete", "tell", "relate", "relate", "open", "unrelate"),
    *("unrelate", "delete"),
)
_WRITES = st.builds(
    Write,
    st.sampled_from(_KINDS),
    st.sampled_from(TWINS),
    st.sampled_from(TWINS),
    st.sampled_from(RELATIONSHIPS),
    st.integers(0, 3),
    st.sampled_from(("nextTo", "above")),
)
_MODELS = st.builds(
    Models,
    st.sampled_from(("upload", "upload", "out of service", "into service", "delete")),
    st.sampled_from(MODELS),
    st.integers(0, 1),
)
_COPIES = st.builds(Copy, st.booleans())
_LEAPS = st.builds(Leap, st.integers(0, 1), st.sampled_from(LEAPS))
_PACKS = st.builds(Upkeep, st.just("pack"))
_PRUNES = st.builds(Upkeep, st.sampled_from(("pack", "prune")))


_HELD = st.builds(
    Held,
    st.lists(_WRITES, min_size=1, max_size=4),
    st.sampled_from(TWINS),
    st.lists(_WRITES, min_size=1, max_size=4),
    st.booleans(),
)


def histories(*, prunes: bool) -> st.SearchStrategy[list[Step]]:
    """Lists of steps; where nothing is pruned every state that was copied has to be there."""
    weighed: tuple[st.SearchStrategy[Step], ...] = (
        *[_WRITES] * 20,
        *[st.builds(Batch, st.lists(_WRITES, min_size=2, max_size=6), st.booleans())] * 2,
        *[st.builds(Together, st.lists(_WRITES, min_size=2, max_size=4))] * 2,
        *[_HELD] * 2,
        *[_MODELS] * 5,
        *[_LEAPS] * 4,
        *[_COPIES] * 2,
        _PRUNES if prunes else _PACKS,
    )
    each = st.sampled_from(weighed).flatmap(lambda kind: kind)
    return st.lists(each, min_size=40, max_size=90)


def writes_and_leaps() -> st.SearchStrategy[list[Write | Leap]]:
    """Writes to one or the other twin, by clocks that are put forward and back."""
    patches = st.builds(
        Write,
        st.just("patch"),
        st.sampled_from("ab"),
        *(st.just(""), st.just("")),
        st.integers(0, 3),
        st.just(""),
    )
    weighed: tuple[st.SearchStrategy[Write | Leap], ...] = (patches, patches, _LEAPS)
    each = st.sampled_from(weighed).flatmap(lambda kind: kind)
    return st.lists(each, min_size=20, max_size=40)


BEGINNING: tuple[Step, ...] = (
    *(Write("put room", twin, "", "", n, "nextTo") for n, twin in enumerate(TWINS)),
    Write("relate", "a", "b", "r", 0, "nextTo"),
    Write("relate", "b", "c", "r", 0, "above"),
    Models("upload", SUITE, 0),
)
"""So that most of what follows meets something."""
