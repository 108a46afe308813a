"""The program as people run it: its commands to the end, its server as a process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from kastor.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 30
COMMAND = (sys.executable, "-m", "kastor")
VERSION = "api-version=2023-10-31"
ROOM = {
    "@id": "dtmi:system:Room;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "size", "schema": "integer"},
        {"@type": "Component", "name": "part", "schema": "dtmi:system:Part;1"},
        {"@type": "Relationship", "name": "next"},
    ],
}
PART = {"@id": "dtmi:system:Part;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}


def room(size: int = 1) -> dict[str, Any]:
    return {"$metadata": {"$model": ROOM["@id"]}, "size": size, "part": {"$metadata": {}}}


def environment(**more: str) -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KASTOR_")}
    return {**kept, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", **more}


def kastor(
    *arguments: object, answer: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """A command run to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=answer,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def refused(*arguments: object, status: int = 1, **variables: str) -> str:
    """What a command says on stderr that must not get anywhere."""
    done = kastor(*arguments, **variables)
    assert done.returncode == status, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    # A test's files are readable for others; that this was changed is said before all else.
    lines = [each for each in done.stderr.splitlines() if "others could use files" not in each]
    assert lines
    assert all(line.startswith("kastor: ") for line in lines), done.stderr
    return "\n".join(line.removeprefix("kastor: ") for line in lines)


def invoked(
    *arguments: object, answer: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """A command run inside this process, which takes a tenth of the time."""
    cleared: dict[str, str | None] = {
        name: None for name in os.environ if name.startswith("KASTOR_")
    }
    done = CliRunner().invoke(
        app, [*map(str, arguments)], input=answer, env={**cleared, **variables}
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return subprocess.CompletedProcess([], done.exit_code, done.stdout, done.stderr)


class Served:
    """A server's process and what it prints, line by line."""

    def __init__(self, data: Path, *arguments: str, **variables: str) -> None:
        command = [*COMMAND, "serve", "--port", "0", "--data", str(data), *arguments]
        self.process = subprocess.Popen(
            command,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self.log: list[str] = []
        self._ready = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, args=pair)
            for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.log))
        ]
        for thread in self._threads:
            thread.start()
        assert self._ready.wait(SECONDS), self.log
        assert self.process.poll() is None, self.log

    @property
    def url(self) -> str:
        match = re.search(r"address +(\S+)", "\n".join(self.lines))
        assert match is not None, self.lines
        return match[1]

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.rpartition("//")[2].rpartition(":")
        return host, int(port)

    def stop(self) -> int:
        """End the process with SIGTERM; its exit status."""
        self.process.terminate()
        status = self.process.wait(SECONDS)
        for thread in self._threads:
            thread.join()
        return status

    def _read(self, stream: Any, lines: list[str]) -> None:
        with stream:
            for line in stream:
                lines.append(line.rstrip("\n"))
                if line.startswith("Stop with"):
                    self._ready.set()
        self._ready.set()


@contextmanager
def serving(data: Path, *arguments: str, **variables: str) -> Iterator[Served]:
    """A server with everything that it says when it starts; ended, and gracefully, afterwards."""
    served = Served(data, *arguments, **variables)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            status = served.stop()
            assert status == 0, (status, served.log)
