"""What a process of the server is told by whoever started it, beside its settings."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kastor.server.notify import Notifier

if TYPE_CHECKING:
    from kastor.config import Settings
    from kastor.server.certificate import DevelopmentCertificate

BLOCKED = tuple(
    getattr(signal, name) for name in ("SIGHUP", "SIGINT") if hasattr(signal, "pthread_sigmask")
)
"""Signals that a terminal, or somebody who is too early, sends to processes that cannot take them
yet; they come when the process lets them."""


@dataclass(frozen=True, slots=True)
class Started:
    """What the start-up lines tell: the address, the folder, what is in it."""

    url: str
    settings: Settings
    place: str
    models: int
    twins: int
    certificate: DevelopmentCertificate | None
    sample: str | None


@dataclass(frozen=True, slots=True)
class Orders:
    """How a command line runs a server.

    Attributes:
        announce: told once, when it serves.
        configure: has the log take the form that the settings say.
        reread: returns the settings as they are now; raises SettingsError.
    """

    announce: Callable[[Started], None]
    configure: Callable[[Settings], None] = field(default=lambda _settings: None)
    reread: Callable[[], Settings] | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """One process that serves.

    Attributes:
        orders: of the command line.
        shared: a listening socket that other processes serve too; else one is made.
        worker: number of this process among those.
        notifier: of the service, where this is its only process.
        beat: gives a sign of life every so many seconds, where somebody waits for it.
        beat_seconds: how often.
        reloads_first: whether the settings were read again since they were handed over.
    """

    orders: Orders
    shared: socket.socket | None = None
    worker: int = 0
    notifier: Notifier = field(default_factory=Notifier)
    beat: Callable[[], None] | None = None
    beat_seconds: float = 1.0
    reloads_first: bool = False

    @property
    def is_one_of_several(self) -> bool:
        """Whether a supervisor passes signals on."""
        return self.shared is not None


@contextlib.contextmanager
def early_signals_held() -> Iterator[None]:
    """Start processes that get signals of `BLOCKED` when they call `take_held_signals`."""
    if not BLOCKED:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def take_held_signals() -> None:
    """Take the signals that came before anything was there to take them."""
    if BLOCKED:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)


def service_notifier() -> Notifier:
    """Return what tells the service manager, if there is one; children are not to do so too."""
    found = Notifier(os.environ)
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        os.environ.pop(name, None)
    return found
