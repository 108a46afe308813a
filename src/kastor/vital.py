"""What must not die: watched here, started again here, and told from here.

Whoever runs work without an end gives it to `Vitals`: it is a part with a name from then on, which
`/metrics` shows and, where it is critical, `/readyz` asks for. A task that ends although nobody
ended it is started again, later each time it happens soon; one that makes no progress is stuck.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from kastor.errors import Unavailable
from kastor.logs import get_logger
from kastor.tracing import detach
from kastor.types import override
from kastor.words import counted

FIRST_WAIT, LONGEST_WAIT = 0.1, 30.0
STEADY_SECONDS = 60.0
"""A part that ran so long before it ended is started again as if it were the first time."""
SETTLED_SECONDS = 1.0
"""So long after it was started again a part counts as dead still."""
PATIENCE_SECONDS = 60.0

Trouble: TypeAlias = Callable[[], str | None]
"""Says what is wrong with a part; None while all is well."""

_log = get_logger("kastor.vital")


@dataclass(frozen=True, slots=True)
class PartState:
    """How the parts of one name and graph are doing.

    Attributes:
        graph: whose it is; empty for the whole server's.
        critical: whether the server is not ready without it.
        restarts: how often one of them had to be started again since the process began.
        trouble: what is wrong; None while all is well.
    """

    name: str
    graph: str
    critical: bool
    restarts: int
    trouble: str | None


class Part:
    """One thing that must not die; until `close`."""

    def __init__(self, registry: _Registry, name: str, graph: str, *, critical: bool) -> None:
        self.name, self.graph, self.critical = name, graph, critical
        self._registry = registry
        registry.parts.add(self)

    def trouble(self) -> str | None:
        """Return what is wrong; None while all is well."""
        return None

    def note_restart(self) -> None:
        """Count that it had to be started again."""
        self._registry.restarts[self.name, self.graph] += 1

    def close(self) -> None:
        """Watch it no more."""
        self._registry.parts.discard(self)


class _Registry:
    """Every part of a process."""

    def __init__(self) -> None:
        self.parts: set[Part] = set()
        self.restarts: Counter[tuple[str, str]] = Counter()


class Watched(Part):
    """A part that tells by itself how it is doing, such as a thread."""

    def __init__(
        self, registry: _Registry, name: str, graph: str, trouble: Trouble, *, critical: bool
    ) -> None:
        super().__init__(registry, name, graph, critical=critical)
        self._trouble = trouble

    @override
    def trouble(self) -> str | None:
        """Return what it says; that it cannot say is trouble too."""
        try:
            return self._trouble()
        except Exception as error:  # noqa: BLE001 - whoever asks must get an answer
            return f"it does not tell how it is doing: {type(error).__name__}"


class Kept(Part):
    """A task that runs until `stop`, or until its work returns where it `may_end`.

    Attributes:
        patience: seconds without `beat` after which it is stuck; None for work that may wait for
            ever.
        failures: how often it ended without having run for long in between.
    """

    def __init__(
        self,
        registry: _Registry,
        name: str,
        graph: str,
        work: Callable[[], Awaitable[Any]],
        *,
        critical: bool,
        may_end: bool,
        patience: float | None = None,
    ) -> None:
        super().__init__(registry, name, graph, critical=critical)
        self.patience = patience
        self.failures = 0
        self._work = work
        self._may_end = may_end
        self._down: str | None = None
        self._started = self._beaten = time.monotonic()
        self._task = asyncio.create_task(self._run(), name=f"{name} {graph}".strip())
        self._task.add_done_callback(lambda _: self.close())

    @property
    def ended(self) -> bool:
        """Whether it has ended for good."""
        return self._task.done()

    def beat(self) -> None:
        """Note progress."""
        self._beaten = time.monotonic()

    @override
    def trouble(self) -> str | None:
        """Return why it does not run, or for how long it has been stuck."""
        now = time.monotonic()
        if self._down is not None:
            if now - self._started < SETTLED_SECONDS:
                return self._down
            self._down = None
        if self.patience is not None and now - self._beaten > self.patience:
            return f"it has made no progress for {counted(round(now - self._beaten), 'second')}"
        return None

    def cancel(self) -> None:
        """Let it end soon, without waiting for that."""
        self._task.cancel()

    async def stop(self) -> None:
        """End it and wait until it has ended; raises nothing but the caller's own cancellation."""
        self._task.cancel()
        await asyncio.wait((self._task,))

    async def _run(self) -> None:
        detach()  # it may have been begun for a request, which ends long before
        wait = FIRST_WAIT
        while True:
            self._started = time.monotonic()
            self.beat()
            fault: BaseException | None = None
            try:
                await self._work()
            except asyncio.CancelledError as error:
                if _is_cancelled():
                    raise
                fault = error  # of something that it waited for; it is not its own end
            except Exception as error:  # noqa: BLE001 - this is what it is for
                fault = error
            if fault is None and self._may_end:
                return
            if time.monotonic() - self._started > STEADY_SECONDS:
                wait, self.failures = FIRST_WAIT, 0
            reason = "it ended by itself" if fault is None else type(fault).__name__
            values = {"part": self.name, "graph": self.graph, "exc_info": fault}
            _log.error("a part ended and is started again", why=reason, **values)
            self.note_restart()
            self.failures += 1
            # Until it has run for a moment again; the time of the wait is added.
            self._started, self._down = time.monotonic() + wait, reason
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)


class Vitals:
    """The parts of one process; `of` names those of one graph."""

    def __init__(self, graph: str = "", registry: _Registry | None = None) -> None:
        self._graph = graph
        self._registry = registry or _Registry()

    @property
    def graph(self) -> str:
        """Whose parts are made by it; empty for the whole server's."""
        return self._graph

    def of(self, graph: str) -> Vitals:
        """Return the same, for the parts of one graph."""
        return Vitals(graph, self._registry)

    def watch(self, name: str, trouble: Trouble, *, critical: bool = False) -> Part:
        """Show a part that tells by itself how it is doing."""
        return Watched(self._registry, name, self._graph, trouble, critical=critical)

    def keep(
        self,
        name: str,
        work: Callable[[], Awaitable[Any]],
        *,
        critical: bool = False,
        may_end: bool = False,
    ) -> Kept:
        """Run work in a task that is started again when it ends.

        Args:
            name: of the part.
            work: what runs; called again for each start.
            critical: whether the server is not ready without it.
            may_end: whether it has done what it was for when it returns; else that is a fault.
        """
        return Kept(self._registry, name, self._graph, work, critical=critical, may_end=may_end)

    def repeat(
        self,
        name: str,
        step: Callable[[], Awaitable[None]],
        pause: float,
        *,
        critical: bool = False,
        patience: float = PATIENCE_SECONDS,
    ) -> Kept:
        """Do a step again and again, whatever happens in it.

        Args:
            name: of the part.
            step: what is done; its faults are logged.
            pause: seconds before each step.
            critical: whether the server is not ready without it.
            patience: seconds that a step may take before the part is stuck.
        """

        async def steps() -> None:
            while True:
                await asyncio.sleep(pause)
                part.beat()
                await attempt(name, step)
                part.beat()

        part = self.keep(name, steps, critical=critical)
        part.patience = pause + patience
        return part

    def states(self) -> list[PartState]:
        """Return how everything is doing, by name and graph."""
        found: dict[tuple[str, str], PartState] = {}
        for part in list(self._registry.parts):
            key = part.name, part.graph
            before = found.get(key)
            trouble = part.trouble()
            if before is not None:
                trouble = before.trouble or trouble
            restarts = self._registry.restarts[key]
            found[key] = PartState(*key, part.critical, restarts, trouble)
        return [found[key] for key in sorted(found)]

    def failing(self) -> list[PartState]:
        """Return the critical parts that are dead or stuck."""
        return [each for each in self.states() if each.critical and each.trouble is not None]


async def attempt(name: str, step: Callable[[], Awaitable[object]], **values: object) -> bool:
    """Do a step; return whether it succeeded. What it raises is logged and goes no further.

    Args:
        name: of what is done; for the log.
        step: what is done.
        values: more for the log.
    """
    try:
        await step()
    except Unavailable as error:
        _log.warning("postponed", part=name, reason=error.message, **values)
    except asyncio.CancelledError:
        if _is_cancelled():
            raise
        _log.warning("broken off", part=name, **values)
    except Exception as error:  # noqa: BLE001 - the next one may succeed
        _log.exception("failed", part=name, exc_info=error, **values)
    else:
        return True
    return False


async def stop_all(parts: Iterable[Kept]) -> None:
    """End parts, all at once."""
    stopping = list(parts)
    for part in stopping:
        part.cancel()
    await asyncio.gather(*(part.stop() for part in stopping))


def _is_cancelled() -> bool:
    """Whether it is this task that is to end.

    Whoever waits for something that is cancelled gets the same error.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
