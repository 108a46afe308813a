"""Several processes that serve one port; only with a database that they can share.

The parent makes the socket and the schema, starts the workers, starts those again that end by
themselves, and passes signals on to them. It serves nothing itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from kastor.config import Settings
from kastor.edge.refusing import take_no_more
from kastor.errors import CannotStartError
from kastor.logs import get_logger
from kastor.server import run as server
from kastor.server.process import (
    Orders,
    Process,
    early_signals_held,
    service_notifier,
)
from kastor.server.reload import merged
from kastor.server.socket import bind, listen
from kastor.server.tls import development_certificate, require_certificate
from kastor.storage.sqlite.folder import DataFolder

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from kastor.server.notify import Notifier
    from kastor.server.process import Started

START_SECONDS = 60.0
RESTART_SECONDS = 1.0
KILL_AFTER_SECONDS = 5.0
BEATS = 4
"""Signs of life in the time after which a watchdog would end the service."""

_log = get_logger("kastor.workers")
_spawn = multiprocessing.get_context("spawn")


class WorkerError(CannotStartError):
    """A worker did not start; it has said why."""


def run(settings: Settings, orders: Orders) -> None:
    """Serve until SIGTERM or SIGINT, with as many processes as the settings want.

    Args:
        settings: of the server.
        orders: of the command line; with several processes they must be such that can be sent.

    Raises:
        CannotStartError: nothing was started, or a worker did not start.
    """
    notifier = service_notifier()
    if settings.workers == 1:
        beat, seconds = None, notifier.watchdog_seconds
        if seconds is not None:
            beat, seconds = notifier.alive, seconds / BEATS
        process = Process(orders, notifier=notifier, beat=beat, beat_seconds=seconds or 1.0)
        server.run(settings, process)
        return
    require_certificate(settings)
    with ExitStack() as stack:
        listener = bind(settings.host, settings.port)
        stack.callback(listener.close)
        development_certificate(settings, DataFolder(settings.data))
        supervisor = _Supervisor(settings, listener, orders, notifier)
        supervisor.catch_reloads()
        if server.prepare(settings, notifier):
            listen(listener)
            supervisor.run()


class _Supervisor:
    """Keeps the workers alive."""

    def __init__(
        self, settings: Settings, listener: socket.socket, orders: Orders, notifier: Notifier
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._orders = orders
        self._notifier = notifier
        self._workers: list[SpawnProcess] = []
        self._signals = 0
        self._woken, self._wake = socket.socketpair()
        self._wake.setblocking(False)
        self._reloads = self._is_ready = False
        # When each worker gave its last sign of life; the clock is that of all processes.
        self._beats: Any = _spawn.RawArray("d", settings.workers)

    def run(self) -> None:
        """Start, watch, end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        if hasattr(signal, "SIGQUIT"):
            signal.signal(signal.SIGQUIT, self._end)
        try:
            ready = [self._start(index) for index in range(self._settings.workers)]
            started = [self._wait_for(index, each) for index, each in enumerate(ready)]
            if not self._signals:
                self._orders.announce(started[0])
                self._notifier.ready(f"Serving on {started[0].url} with {len(ready)} workers")
                self._is_ready = True
            self._watch()
        finally:
            self._stop()

    # Signals

    def catch_reloads(self) -> None:
        """Take SIGHUP from now on; what comes before there are workers is done by each of them."""
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._reload)

    def _end(self, number: int, _frame: Any) -> None:
        """Have the workers end; a second signal, and SIGQUIT, has them do so at once."""
        self._signals += 1
        if self._signals == 1:
            self._notifier.stopping("Ending")
        with contextlib.suppress(OSError):  # it is full: somebody has no patience at all
            self._wake.send(b"!")
        at_once = self._signals > 1 or number not in (signal.SIGTERM, signal.SIGINT)
        self._pass_on(signal.SIGQUIT if at_once and os.name == "posix" else signal.SIGTERM)

    def _reload(self, _number: int, _frame: Any) -> None:
        """Have the workers read the configuration again, and those that are started later."""
        self._reloads = True
        if not self._workers:
            return
        self._pass_on(signal.SIGHUP)
        if self._is_ready:
            self._notifier.reloading()
            self._notifier.ready(f"Serving with {len(self._workers)} workers")

    def _pass_on(self, number: int) -> None:
        for worker in list(self._workers):
            if worker.pid is not None and worker.exitcode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, number)

    # Workers

    def in_force(self) -> Settings:
        """Return the settings of a worker that starts now: as the others have them.

        Those of the start may name a certificate that is gone.
        """
        reread = self._orders.reread
        if self._reloads and reread is not None:
            try:
                self._settings, _, _ = merged(self._settings, reread())
            except CannotStartError as error:  # the worker says so as well, and goes on
                _log.warning("the configuration is invalid", faults=str(error).splitlines())
        return self._settings

    def _start(self, index: int) -> Connection:
        ours, theirs = _spawn.Pipe(duplex=False)
        # As read, they are of a class that only this process knows.
        in_force = self.in_force()
        given, values = in_force.model_fields_set, dict(in_force)
        settings = Settings.model_construct(given, **_of_worker(values, index))
        orders = replace(self._orders, announce=partial(_tell, theirs))
        if orders.reread is not None:
            orders = replace(orders, reread=partial(_read_again, orders.reread, index))
        seconds = self._notifier.watchdog_seconds
        process = Process(
            orders,
            self._listener,
            index,
            beat=None if seconds is None else partial(_beat, self._beats, index),
            beat_seconds=(seconds or 1.0) / BEATS,
            reloads_first=self._reloads,
        )
        worker = _spawn.Process(
            target=_work, args=(settings, process), name=f"kastor-{index}", daemon=False
        )
        # Until it serves it has as much time as a start may take.
        self._beats[index] = time.monotonic() + START_SECONDS + settings.db_wait_seconds
        with early_signals_held():
            worker.start()
            self._workers[index : index + 1] = [worker]
        theirs.close()
        return ours

    def _wait_for(self, index: int, ready: Connection) -> Started:
        with ready:
            try:
                if ready.poll(START_SECONDS + self._settings.db_wait_seconds):
                    started: Started = ready.recv()
                    return started
            except EOFError:
                pass
        raise WorkerError(f"Worker {index} did not start; see its messages above.")

    def _watch(self) -> None:
        pause = min(1.0, (self._notifier.watchdog_seconds or BEATS) / BEATS)
        while not self._signals:
            sentinels = [worker.sentinel for worker in self._workers]
            ended = wait([*sentinels, self._woken], timeout=pause)
            for index, worker in enumerate(self._workers):
                if worker.sentinel in ended and not self._signals:
                    _log.error("worker ended, starting another", status=worker.exitcode)
                    time.sleep(RESTART_SECONDS)
                    try:
                        self._start(index).close()
                    except Exception as error:  # noqa: BLE001 - tried again in the next round
                        _log.exception("a worker cannot be started", exc_info=error)
            self._give_sign_of_life()

    def _give_sign_of_life(self) -> None:
        """Tell the watchdog that all is well, if every worker did so."""
        seconds = self._notifier.watchdog_seconds
        if seconds is not None and min(self._beats) > time.monotonic() - seconds:
            self._notifier.alive()

    def _stop(self) -> None:
        self._signals = self._signals or 1
        self._pass_on(signal.SIGTERM)  # also to one that was being started just now
        settings = self.in_force()  # a reload may have given the workers more time
        if self._signals == 1 and settings.drain_seconds:
            wait([each.sentinel for each in self._workers], timeout=settings.drain_seconds)
        # Before the workers look into the queue of the socket for the last time.
        take_no_more(self._listener)
        self._listener.close()
        patience = settings.drain_seconds + settings.shutdown_seconds
        deadline = time.monotonic() + patience + KILL_AFTER_SECONDS
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
            if worker.is_alive():
                worker.kill()
                worker.join()


def _of_worker(values: dict[str, Any], index: int) -> dict[str, Any]:
    """Return the values of settings that a worker has."""
    # The sample is filled and simulated by one of them.
    return values if index == 0 else {**values, "sample": None}


def _read_again(reread: Any, index: int) -> Settings:
    found: Settings = reread()
    return Settings.model_construct(found.model_fields_set, **_of_worker(dict(found), index))


def _beat(beats: Any, index: int) -> None:
    beats[index] = time.monotonic()


def _tell(ready: Connection, started: Started) -> None:
    """Tell the parent that it begins; it may have gone on without waiting."""
    with contextlib.suppress(OSError), ready:
        ready.send(started)


def _work(settings: Settings, process: Process) -> None:
    """Serve as one of several; the parent is told when it begins."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent acts
    process.orders.configure(settings)
    server.run(settings, process)
