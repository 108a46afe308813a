"""Several processes that serve one port; only with a database that they can share.

The parent makes the socket and the schema, starts the workers, starts those again that end by
themselves, and passes its own end on to them. It serves nothing itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from kastor.config import Settings
from kastor.errors import CannotStartError
from kastor.logs import get_logger
from kastor.server import run as server
from kastor.server.socket import development_certificate, listen, require_certificate
from kastor.storage.sqlite.folder import DataFolder

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from kastor.server.run import Started

START_SECONDS = 60.0
RESTART_SECONDS = 1.0
KILL_AFTER_SECONDS = 5.0

_log = get_logger("kastor.workers")
_spawn = multiprocessing.get_context("spawn")


class WorkerError(CannotStartError):
    """A worker did not start; it has said why."""


def run(
    settings: Settings,
    announce: Callable[[Started], None],
    configure: Callable[[Settings], None],
) -> None:
    """Serve until SIGTERM or SIGINT, with as many processes as the settings want.

    Args:
        settings: of the server.
        announce: told once, when all of them serve.
        configure: called in every worker before anything else.

    Raises:
        CannotStartError: nothing was started, or a worker did not start.
    """
    if settings.workers == 1:
        server.run(settings, announce)
        return
    require_certificate(settings)
    with ExitStack() as stack:
        listener = listen(settings.host, settings.port)
        stack.callback(listener.close)
        development_certificate(settings, DataFolder(settings.data))
        server.prepare(settings)
        _Supervisor(settings, listener, configure).run(announce)


class _Supervisor:
    """Keeps the workers alive."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        configure: Callable[[Settings], None],
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._configure = configure
        self._workers: list[SpawnProcess] = []
        self._ending = False

    def run(self, announce: Callable[[Started], None]) -> None:
        """Start, watch, end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        try:
            ready = [self._start(index) for index in range(self._settings.workers)]
            started = [self._wait_for(index, each) for index, each in enumerate(ready)]
            if not self._ending:
                announce(started[0])
            self._watch()
        finally:
            self._stop()

    def _end(self, _number: int, _frame: Any) -> None:
        self._ending = True
        for worker in self._workers:
            worker.terminate()

    def _start(self, index: int) -> Connection:
        ours, theirs = _spawn.Pipe(duplex=False)
        # As read, they are of a class that only this process knows.
        given, values = self._settings.model_fields_set, dict(self._settings)
        if index:  # the sample is filled and simulated by one of them
            values["sample"] = None
        settings = Settings.model_construct(given, **values)
        arguments = (settings, self._listener, index, theirs, self._configure)
        worker = _spawn.Process(target=_work, args=arguments, name=f"kastor-{index}", daemon=False)
        worker.start()
        theirs.close()
        self._workers[index : index + 1] = [worker]
        return ours

    def _wait_for(self, index: int, ready: Connection) -> Started:
        with ready:
            try:
                if ready.poll(START_SECONDS):
                    started: Started = ready.recv()
                    return started
            except EOFError:
                pass
        raise WorkerError(f"Worker {index} did not start; see its messages above.")

    def _watch(self) -> None:
        while not self._ending:
            ended = wait([worker.sentinel for worker in self._workers], timeout=1.0)
            for index, worker in enumerate(self._workers):
                if worker.sentinel in ended and not self._ending:
                    _log.error("worker ended, starting another", status=worker.exitcode)
                    time.sleep(RESTART_SECONDS)
                    try:
                        self._start(index).close()
                    except Exception as error:  # noqa: BLE001 - tried again in the next round
                        _log.exception("a worker cannot be started", exc_info=error)

    def _stop(self) -> None:
        self._end(0, None)
        deadline = time.monotonic() + self._settings.shutdown_seconds + KILL_AFTER_SECONDS
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
            if worker.is_alive():
                worker.kill()
                worker.join()


def _work(
    settings: Settings,
    listener: socket.socket,
    index: int,
    ready: Connection,
    configure: Callable[[Settings], None],
) -> None:
    """Serve as one of several; the parent is told when it begins."""
    configure(settings)

    def announce(started: Started) -> None:
        # The parent may have gone on without waiting.
        with contextlib.suppress(OSError), ready:
            ready.send(started)

    server.run(settings, announce, listener, index)
