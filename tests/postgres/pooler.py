"""A real PgBouncer in front of a server, in transaction mode, with few connections behind it.

A Debian package: where it is missing, tests that need it are skipped and say so.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from tests.ports import free_port
from tests.programs import need

from .cluster import answers, other_user

SERVER_CONNECTIONS = 4
START_SECONDS = 30


class Pooler:
    """One PgBouncer; a context manager that leaves nothing behind."""

    def __init__(self, dsn: str, *, connections: int = SERVER_CONNECTIONS) -> None:
        self._program = str(need("pgbouncer"))
        self._target = urlsplit(dsn)
        self.port = free_port()
        self._connections = connections
        self.folder = Path(tempfile.mkdtemp(prefix="kastor-pooler-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._user = other_user()
        if self._user is not None:
            shutil.chown(self.folder, self._user)

    @property
    def dsn(self) -> str:
        """The same database, through the pooler."""
        user, path = self._target.username or "postgres", self._target.path
        return f"postgresql://{user}@127.0.0.1:{self.port}{path}?sslmode=disable"

    def start(self) -> Self:
        config = self.folder / "pgbouncer.ini"
        config.write_text(self._config())
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(
            [self._program, "-q", str(config)],
            user=self._user,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.port):
            alive = self._process.poll() is None and time.monotonic() < deadline
            assert alive, (self.folder / "log").read_text(errors="replace")[-2000:]
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """End it without a word to anybody, as a crash does."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _config(self) -> str:
        host, port = self._target.hostname, self._target.port or 5432
        server = f"host={host} port={port} user={self._target.username or 'postgres'}"
        if self._target.password:
            server += f" password={unquote(self._target.password)}"
        return (
            f"[databases]\n* = {server}\n[pgbouncer]\npool_mode = transaction\n"
            f"default_pool_size = {self._connections}\nmax_client_conn = 500\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            "auth_type = any\nlog_connections = 0\nlog_disconnections = 0\n"
        )
