"""Brings the names of a graph into the shell, in its own thread, and again when they change."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from kastor.cli.shell.declared import DeclaredModel, read_facts
from kastor.cli.shell.graph_names import GraphNames
from kastor.client import features
from kastor.client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.client import KastorClient

MAX_MODELS = 10_000
"""Models that are read; the rest is not completed, and the list of models says so."""
CHECK_SECONDS = 2.0
"""Between two looks whether models have changed."""
UNTOLD_SECONDS = 300.0
"""The same for a server that does not tell: all is read again then."""


class NameGatherer:
    """Keeps the names of one server's graph.

    Attributes:
        names: as they are known now; another object when they are known better.
    """

    def __init__(self, client: KastorClient, contexts: Iterable[str] = ()) -> None:
        self.names = GraphNames(contexts=tuple(contexts))
        self._client = client
        self._epoch: object = None
        self._read_at: float | None = None
        self._checked_at = float("-inf")
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def look(self) -> None:
        """Begin to look for changes, unless that was just done; returns at once."""
        is_running = self._thread is not None and self._thread.is_alive()
        if is_running or time.monotonic() - self._checked_at < CHECK_SECONDS:
            return
        self._thread = threading.Thread(target=self._look_quietly, name="names", daemon=True)
        self._thread.start()

    def current(self) -> GraphNames:
        """Return the names as the server has them now.

        Raises:
            ClientError: it does not tell them.
        """
        with self._lock:
            self._update()
        return self.names

    def close(self) -> None:
        """Let a thread that reads end with the page that it is at."""
        self._is_closed = True

    def _look_quietly(self) -> None:
        # Whoever completes nothing loses little; the next query tells what is the matter.
        with self._lock:
            try:
                self._update()
            except (ClientError, OSError, RuntimeError):
                self._checked_at = time.monotonic()

    def _update(self) -> None:
        self._checked_at = time.monotonic()
        announced = self._client.features()
        epoch = None
        if features.STATUS in announced:
            epoch = self._client.status().get("modelEpoch")
        now = time.monotonic()
        is_fresh = self._read_at is not None and (
            epoch == self._epoch if epoch is not None else now - self._read_at < UNTOLD_SECONDS
        )
        if is_fresh:
            return
        models: dict[str, DeclaredModel] = {}
        for page in self._client.models.list(definitions=True).pages():
            models.update((facts.id, facts) for facts in map(read_facts, page.items))
            if self._is_closed:
                return
            if len(models) > MAX_MODELS:
                break
        self.names = GraphNames(
            models,
            is_complete=len(models) <= MAX_MODELS,
            # Parameters are part of the superset, and the cloud's profile has nothing of it.
            has_superset=features.PARAMETERS in announced,
            contexts=self.names.contexts,
            twins=self.names.twins,
        )
        self._epoch, self._read_at = epoch, now
