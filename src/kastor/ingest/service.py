"""Inputs as people manage them: checked, stored, and made to act at once."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import structs

from kastor.clock import now_ticks
from kastor.errors import (
    InvalidArgument,
    KastorError,
    NotAllowed,
    NotFound,
    Unavailable,
)
from kastor.graph.service import GraphService
from kastor.ingest.bursts import Bursts
from kastor.ingest.inputs import Input, MqttInput, describe, read_input, require_library
from kastor.ingest.pipeline import Pipeline, Verdict
from kastor.ingest.receiving import Receiving
from kastor.ingest.tally import Counts, InputTally, RejectedMessage
from kastor.ingest.trial import InputTrial, Sample, try_message
from kastor.logs import get_logger
from kastor.outside.bounds import UNBOUNDED, EndpointPolicy
from kastor.outside.lease import LEASE_SECONDS, RENEW_SECONDS, Lease, holder_name
from kastor.records import Context
from kastor.storage.inputs import InputRow, InputStore
from kastor.storage.limits import require_room
from kastor.vital import Kept, Vitals
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.ingest.mqtt import MqttSource

_NAME = re.compile(r"(?!-)[a-zA-Z0-9-]{2,49}[a-zA-Z0-9]")
PAUSED_RETRY_SECONDS = 10

_log = get_logger("kastor.ingest")


@dataclass(frozen=True, slots=True)
class InputInfo:
    """An input as it may be shown: secrets stand in it by reference only."""

    name: str
    kind: str
    settings: dict[str, Any]
    paused: bool


@dataclass(frozen=True, slots=True)
class InputStatus:
    """How an input is doing, as the process says that holds it.

    Attributes:
        connected: None where there is nothing to connect to, or nobody holds it now.
        held_by: the process that takes the broker's messages; None where nobody does, or where
            no other process serves the graph.
        state: running, paused by somebody, or stopped, since it could not be started.
    """

    name: str
    kind: str
    counts: Counts
    connected: bool | None
    error: str | None
    held_by: str | None = None
    state: str = "running"


@dataclass(frozen=True, slots=True)
class Rejected:
    """The last messages that an input could not use in this process, newest first.

    Attributes:
        held_by: as in `InputStatus`; where it is another process, that one has them.
    """

    messages: Sequence[RejectedMessage]
    held_by: str | None


@dataclass(slots=True)
class _Running:
    row: InputRow
    tally: InputTally
    lease: Lease
    settings: Input | None = None
    bursts: Bursts | None = None
    pipeline: Pipeline | None = None
    source: MqttSource | None = None
    obsolete: Sequence[str] = ()
    error: str | None = None


class InputService:
    """Inputs of one graph."""

    def __init__(
        self,
        store: InputStore,
        graph: GraphService,
        host_name: str,
        policy: EndpointPolicy = UNBOUNDED,
        vitals: Vitals | None = None,
        limit: int = 100,
    ) -> None:
        """Prepare the service.

        Args:
            store: of the inputs.
            graph: what is written to.
            host_name: the graph's; names the sessions at brokers.
            policy: what inputs may touch.
            vitals: where its tasks are watched.
            limit: inputs that there may be.
        """
        self._store = store
        self._graph = graph
        self._session = f"kastor-{host_name.partition('.')[0]}"
        self._policy = policy
        self._limit = limit
        self._counting = asyncio.Lock()
        self._receiving = Receiving()
        self._owner = holder_name()
        self._running: dict[str, _Running] = {}
        self._lock = asyncio.Lock()
        self._vitals = vitals or Vitals()
        self._keeper: Kept | None = None

    async def start(self) -> None:
        """Start every stored input; one that cannot start says so in its status."""
        await self.refresh()
        if self._store.shared:
            self._keeper = self._vitals.repeat("inputs", self.refresh, RENEW_SECONDS)

    async def stop(self) -> None:
        """Stop every input; brokers keep what is not acknowledged."""
        if self._keeper is not None:
            await self._keeper.stop()
        async with self._lock:
            stopped, self._running = self._running, {}
            await asyncio.gather(*(_stop(running) for running in stopped.values()))
            for name, running in stopped.items():
                if running.lease.held and running.source is not None:
                    with contextlib.suppress(Unavailable):  # its lease ends by itself
                        await self._store.let_input_go(name, self._owner)

    async def refresh(self) -> None:
        """Renew the leases, and bring what runs in step with what is stored."""
        async with self._lock:
            # First, since only who holds an input that is gone can make its broker forget it.
            lost = [each for each in self._running.values() if not await self._hold(each)]
            rows = {row.name: row for row in await self._store.inputs()}
            for name, running in list(self._running.items()):
                if name not in rows:
                    await _stop(self._running.pop(name), forget=True)
                elif rows[name] != running.row:
                    await self._hold(await self._replace(running, rows[name]))
            for running in lost:
                running.lease.end()
            for name, row in rows.items():
                if name not in self._running:
                    lease = Lease(shared=self._store.shared)
                    self._running[name] = started = self._start(row, InputTally(), lease, ())
                    await self._hold(started)

    async def inputs(self) -> list[InputInfo]:
        """Return the inputs by name."""
        rows = await self._store.inputs()
        # The rules are read again, which for many of them takes a while.
        return await asyncio.to_thread(lambda: [_info(row) for row in rows])

    async def input(self, name: str) -> InputInfo:
        """Return an input; raises NotFound."""
        for row in await self._store.inputs():
            if row.name == name:
                return await asyncio.to_thread(_info, row)
        raise _not_found(name)

    async def put_input(
        self, name: str, kind: str, settings: Mapping[str, Any], *, dry_run: bool = False
    ) -> InputInfo:
        """Create or replace an input; it acts at once.

        A dry run stores nothing and returns the input as it would be.

        Raises:
            InvalidArgument: the name, the kind or a setting is wrong.
            MissingInputLibrary: the kind's client library is not installed.
            LimitExceeded: there are as many as there may be.
        """
        if _NAME.fullmatch(name) is None:
            raise InvalidArgument(
                "An input's name has 3 to 50 letters, digits and hyphens, and no hyphen at its "
                "ends."
            )
        await asyncio.to_thread(read_input, kind, settings, self._policy)
        require_library(kind)
        text = msgspec.json.encode(dict(settings))
        row = InputRow(name, kind, text, now_ticks())
        async with self._counting:
            others = {each.name: each for each in await self._store.inputs()}
            before = others.pop(name, None)
            said = f"The graph has {counted(len(others), 'input')}"
            require_room(len(others), self._limit, said, "max_inputs")
            if dry_run:
                paused = before is not None and before.paused
                return await asyncio.to_thread(_info, replace(row, paused=paused))
            await self._store.put_input(row)
        await self.refresh()
        return await self.input(name)

    async def pause(self, name: str, paused: bool, *, dry_run: bool = False) -> None:
        """Pause or resume an input; its broker keeps the session. Raises NotFound."""
        if dry_run:
            await self._require(name)
            return
        if not await self._store.pause_input(name, paused):
            raise _not_found(name)
        await self.refresh()

    async def delete_input(self, name: str, *, dry_run: bool = False) -> None:
        """Delete an input; its broker forgets the session. Raises NotFound."""
        if dry_run:
            await self._require(name)
            return
        if not await self._store.delete_input(name):
            raise _not_found(name)
        await self.refresh()

    async def status(self, name: str) -> InputStatus:
        """Return how an input is doing; raises NotFound."""
        running = await self._find(name)
        if not self._store.shared or running.row.kind != MqttInput.kind or running.row.paused:
            return _status(running)
        if running.lease.held:
            return replace(_status(running), held_by=self._owner)
        holder = await self._store.input_holder(name)
        if holder is not None:
            told = msgspec.json.decode(holder.report, type=InputStatus)
            return replace(told, held_by=holder.owner)
        return replace(_status(running), connected=None)

    def statuses(self) -> list[InputStatus]:
        """Return how the inputs are doing in this process, by name."""
        found = []
        for name in sorted(self._running):
            running = self._running[name]
            status = _status(running)
            if self._store.shared and not running.lease.held and not running.row.paused:
                status = replace(status, connected=None)  # another process has the connection
            found.append(status)
        return found

    async def rejected(self, name: str) -> Rejected:
        """Return the last messages that an input could not use here; raises NotFound."""
        running = await self._find(name)
        held_by = (await self.status(name)).held_by
        return Rejected(list(running.tally.last_rejected)[::-1], held_by)

    async def receive(
        self,
        name: str,
        content_type: str,
        headers: Mapping[str, str],
        body: bytes,
        turn: AbstractAsyncContextManager[object] | None = None,
        *,
        dry_run: bool = False,
    ) -> list[Verdict]:
        """Take the messages of a webhook request; return what became of each once it is durable.

        Args:
            name: of the input.
            content_type: without parameters, in lower case.
            headers: of the request, names in lower case.
            body: of the request.
            turn: entered while the body is read.
            dry_run: whether to write nothing, and return what would become of each.

        Raises:
            NotFound: there is no such input.
            NotAllowed: it is not a webhook.
            InvalidArgument: the body cannot be read.
            LimitExceeded: it has too many messages, or too many for the rules.
            Unavailable: some of it could not be written; the whole may be sent again.
        """
        running = await self._find(name)
        if running.row.kind == MqttInput.kind:
            raise NotAllowed(f"The input {name} takes its messages from a broker.")
        pipeline = running.pipeline
        if running.row.paused:
            raise Unavailable(
                f"The input {name} is paused. Send the messages again when it is resumed, with "
                f"`kastor input resume {name}`.",
                retry_after=PAUSED_RETRY_SECONDS,
            )
        if pipeline is None:
            raise NotAllowed(f"The input {name} does not run: {running.error}")
        trying = pipeline.trying(self._graph) if dry_run else contextlib.nullcontext(pipeline)
        async with trying as taking:
            return await self._receiving.receive(name, taking, content_type, headers, body, turn)

    async def try_message(
        self,
        name: str,
        sample: Sample,
        context: Context,
        given: tuple[str, Mapping[str, Any]] | None = None,
    ) -> InputTrial:
        """Return what the rules of an input would make of a message; nothing is written.

        Args:
            name: of the input, which may be paused.
            sample: the message.
            context: who asks.
            given: kind and settings to be tried instead of those that it has; then there need not
                be such an input yet.

        Raises:
            NotFound: there is no such input.
            InvalidArgument: settings or message are wrong.
            TooManyRequests, Unavailable: it cannot be tried now.
        """
        if given is None:
            running = await self._find(name)
            given = running.row.kind, msgspec.json.decode(running.row.settings)
        made = await asyncio.to_thread(read_input, *given, self._policy)
        bursts = self._running[name].bursts if name in self._running else None
        floors = {} if bursts is None else bursts.floors
        trying = structs.replace(context, dry_run=True)
        return await try_message(made, sample, self._graph, trying, floors)

    async def _require(self, name: str) -> None:
        if name not in {row.name for row in await self._store.inputs()}:
            raise _not_found(name)

    async def _find(self, name: str) -> _Running:
        if name not in self._running and self._store.shared:
            await self.refresh()
        running = self._running.get(name)
        if running is None:
            raise _not_found(name)
        return running

    async def _replace(self, running: _Running, row: InputRow) -> _Running:
        """Go on with new settings; the session at the broker stays if it is the same one."""
        before = running.settings
        obsolete: Sequence[str] = ()
        forget = True
        if isinstance(before, MqttInput) and row.kind == MqttInput.kind:
            after = msgspec.json.decode(row.settings)
            same = ("host", "port", "client_id")
            if all(getattr(before, each) == after.get(each) for each in same):
                obsolete, forget = [*running.obsolete, *before.filters], False
        await _stop(running, forget=forget)
        self._running[row.name] = self._start(row, running.tally, running.lease, obsolete)
        if row.paused and self._store.shared:
            await self._store.let_input_go(row.name, self._owner)
            running.lease.end()
        return self._running[row.name]

    def _start(
        self, row: InputRow, tally: InputTally, lease: Lease, obsolete: Sequence[str]
    ) -> _Running:
        running = _Running(row, tally, lease)
        try:
            settings = read_input(row.kind, msgspec.json.decode(row.settings), self._policy)
            require_library(row.kind)
        except KastorError as error:  # an older Kastor took it, or the bounds have changed
            running.error = error.message
            _log.error("input does not start", input=row.name, reason=error.message)
            return running
        is_mqtt = isinstance(settings, MqttInput)
        running.settings = settings
        if row.paused:
            running.obsolete = obsolete
            return running
        running.bursts = Bursts(
            self._graph,
            row.name,
            settings.window_ms / 1_000,
            patient=is_mqtt,
            lease=lease if is_mqtt else None,
        )
        running.pipeline = Pipeline(settings, running.bursts, tally)
        if isinstance(settings, MqttInput):
            mqtt = importlib.import_module("kastor.ingest.mqtt")  # its library is an extra
            client_id = f"{self._session}-{row.name}"
            source = mqtt.MqttSource(
                *(row.name, settings, client_id, running.pipeline, obsolete, lease),
                vitals=self._vitals,
                policy=self._policy,
            )
            running.source = cast("MqttSource", source)
            running.source.start()
        return running

    async def _hold(self, running: _Running) -> bool:
        """Claim what comes from a broker, or keep it; return whether no other process has it."""
        if running.source is None:
            return True
        report = msgspec.json.encode(_status(running))
        asked = time.monotonic()
        held = await self._store.hold_input(running.row.name, self._owner, LEASE_SECONDS, report)
        if held:
            running.lease.extend(asked)
        return held


async def _stop(running: _Running, *, forget: bool = False) -> None:
    if running.source is not None:
        await running.source.stop(forget=forget)
    if running.bursts is not None:
        await running.bursts.stop()


def _status(running: _Running) -> InputStatus:
    """How an input is doing in this process."""
    source = running.source
    error = running.error if source is None else source.error
    connected = source.connected if source is not None else None
    if connected is None and running.row.kind == MqttInput.kind:
        connected = False
    state = "paused" if running.row.paused else "stopped" if running.pipeline is None else "running"
    counts = running.tally.counts()
    return InputStatus(running.row.name, running.row.kind, counts, connected, error, state=state)


def _info(row: InputRow) -> InputInfo:
    try:
        settings = describe(read_input(row.kind, msgspec.json.decode(row.settings)))
    except KastorError:  # an older Kastor took it; settings never hold secrets
        settings = msgspec.json.decode(row.settings)
    return InputInfo(row.name, row.kind, settings, row.paused)


def _not_found(name: str) -> NotFound:
    return NotFound(f"There is no input named {name[:80]}.", code="InputNotFound")
