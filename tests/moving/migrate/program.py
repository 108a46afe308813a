"""`kastor migrate` as people run it, and killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.system.program import environment, invoked

SECONDS = 120.0


def begin(home: Path, *arguments: object, **variables: str) -> subprocess.Popen[str]:
    """A command as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "kastor", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(HOME=str(home), XDG_DATA_HOME=str(home / "data"), **variables),
    )


def start(home: Path, *arguments: object, **variables: str) -> subprocess.Popen[str]:
    """A migration as a process."""
    return begin(home, "migrate", *arguments, **variables)


def run(
    home: Path, *arguments: object, seconds: float = SECONDS, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A migration to its end."""
    return kastor(home, "migrate", *arguments, seconds=seconds, **variables)


def inside(home: Path, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command to its end inside this process, which takes a tenth of the time."""
    done = invoked(*arguments, HOME=str(home), XDG_DATA_HOME=str(home / "data"), **variables)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def kastor(
    home: Path, *arguments: object, seconds: float = SECONDS, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A command to its end."""
    with begin(home, *arguments, **variables) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except BaseException:
            process.kill()
            raise
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess((), process.returncode, out, err)


def wait_until(holds: Callable[[], Any], seconds: float = SECONDS) -> None:
    """Wait for something that will be so."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
