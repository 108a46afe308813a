"""Fetches Debian's brokers and pooler into `.cache/programs`, without root and without a trace elsewhere.

`python3 dev programs` runs it, and `python3 dev test` before the suite. apt resolves, downloads and
verifies with lists and caches of its own; `dpkg-deb` unpacks. Only what this machine does not
have is fetched. Where that is not possible (no Debian, no network, too slow), tests are skipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "programs"
SECONDS = 120.0
"""All of it takes no longer: a slow network means skipped tests, not a suite that hangs."""
PACKAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "mosquitto": {"mosquitto": ("-h",), "mosquitto_passwd": ()},
    "mosquitto-clients": {"mosquitto_sub": ("--help",)},
    "pgbouncer": {"pgbouncer": ("--version",)},
    "rabbitmq-server": {
        "erl": ("-noshell", "-eval", "halt(0)."),
        "epmd": ("-help",),
        "rabbitmqctl": (),  # would write a cookie into the home folder, and start a daemon
        "rabbitmq-server": (),
    },
}
"""Packages, their programs, and how to see that one runs at all."""
MACHINE = ("/usr/lib/rabbitmq/bin", "/usr/sbin")
"""Where Debian puts programs beside the path; the first before it, as the rabbitmqctl of /usr/sbin
works for a user of its own only."""
INSTALLED = Path("/var/lib/dpkg/status")
"""What this machine has, as dpkg wrote it down."""
_USAGE = {"mosquitto", "mosquitto_sub", "epmd"}
"""Whose help ends with a status of its own."""
_PLACES = ("usr/lib/rabbitmq/bin", "usr/bin", "usr/sbin")
_APT = """#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Debug::NoLocking "true";
"""
_WRAPPER = """#!/bin/sh
root="$(dirname "$(dirname "$(readlink -f "$0")")")/root"
for folder in "$root"/usr/lib/*-linux-gnu* "$root"/lib/*-linux-gnu*; do
  [ -d "$folder" ] && LD_LIBRARY_PATH="$folder${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
done
export LD_LIBRARY_PATH ERL_ROOTDIR="$root/usr/lib/erlang" PATH="$root/usr/bin:$PATH"
exec "$root/{path}" "$@"
"""


class FetchError(Exception):
    """Why the programs could not be fetched."""


def search_path() -> str:
    """Return the folders where the programs of packages are, this machine's own first."""
    path = os.environ.get("PATH", os.defpath)
    return os.pathsep.join([*MACHINE[:1], path, *MACHINE[1:], str(FOLDER / "bin")])


def fetch(packages: list[str], seconds: float = SECONDS) -> None:
    """Fetch packages with all that they need, so that their programs stand in `FOLDER/bin`.

    Raises:
        FetchError: with the reason; nothing has changed.
    """
    require_tools()
    deadline = time.monotonic() + seconds
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent, prefix="programs-") as scratch:
        fresh = Path(scratch, "programs")
        _unpack(download(Path(scratch), packages, deadline), fresh / "root", deadline)
        _wrap(fresh, packages)
        _try(fresh / "bin", packages, deadline)
        shutil.rmtree(FOLDER, ignore_errors=True)
        fresh.rename(FOLDER)


def require_tools() -> None:
    """Raise FetchError where this is no Debian."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise FetchError(f"this is no Debian: it has no {tool}")


def missing() -> list[str]:
    """Return the packages of which this machine lacks a program, `FOLDER` included."""
    path = search_path()
    return [
        package
        for package, programs in PACKAGES.items()
        if any(shutil.which(program, path=path) is None for program in programs)
    ]


def main() -> int:
    """Fetch what is missing; say what came of it in one line."""
    wanted = missing()
    if not wanted:
        return 0
    print(f"Fetching {', '.join(wanted)} into {FOLDER} (once, without root) ...", flush=True)
    started = time.monotonic()
    try:
        # All of them, as they replace what an earlier run fetched.
        fetch([each for each in PACKAGES if each in wanted or _is_fetched(each)])
    except FetchError as error:
        print(f"They could not be fetched, so that their tests are skipped: {error}", flush=True)
        return 1
    print(f"Fetched in {time.monotonic() - started:.0f} s.", flush=True)
    return 0


def _is_fetched(package: str) -> bool:
    return any((FOLDER / "bin" / program).exists() for program in PACKAGES[package])


def download(scratch: Path, packages: list[str], deadline: float, status: Path = INSTALLED) -> Path:
    """Let apt download packages and what they need; return the folder of the archives.

    Args:
        scratch: a folder for apt's own files.
        packages: names.
        deadline: of `time.monotonic`.
        status: a list of what is installed; with an empty one everything that they need comes.

    Raises:
        FetchError: with what apt says.
    """
    state, cache = scratch / "state", scratch / "cache"
    archives = cache / "archives"
    for folder in (state / "lists" / "partial", archives / "partial"):
        folder.mkdir(parents=True)
    config = scratch / "apt.conf"
    config.write_text(
        f'{_APT}Dir::State "{state}";\nDir::Cache "{cache}";\nDir::State::status "{status}";\n'
    )
    apt = ["apt-get", "-c", str(config), "-q", "-y"]
    # An address that fails among others' is no reason to stop: what matters is the next step.
    with contextlib.suppress(FetchError):
        run([*apt, "update"], deadline)
    run([*apt, "--download-only", "install", *packages], deadline)
    return archives


def _unpack(archives: Path, root: Path, deadline: float) -> None:
    extract(archives, root, deadline)
    for script in root.glob("usr/lib/erlang/**/bin/erl"):
        text = script.read_text()
        script.write_text(text.replace("ROOTDIR=/usr/lib/erlang", 'ROOTDIR="$ERL_ROOTDIR"'))


def extract(archives: Path, root: Path, deadline: float) -> None:
    """Unpack every package of a folder into one, which is made.

    Raises:
        FetchError: with what dpkg says.
    """
    root.mkdir(parents=True)
    for archive in sorted(archives.glob("*.deb")):
        run(["dpkg-deb", "-x", str(archive), str(root)], deadline)


def _wrap(fresh: Path, packages: list[str]) -> None:
    """Write a script for each program that sets what an unpacked one cannot know."""
    folder = fresh / "bin"
    folder.mkdir()
    for program in (name for package in packages for name in PACKAGES[package]):
        place = next((each for each in _PLACES if (fresh / "root" / each / program).exists()), None)
        if place is None:
            raise FetchError(f"the packages have no {program}")
        wrapper = folder / program
        wrapper.write_text(_WRAPPER.format(path=f"{place}/{program}"))
        wrapper.chmod(0o755)


def _try(folder: Path, packages: list[str], deadline: float) -> None:
    for package in packages:
        for program, arguments in PACKAGES[package].items():
            if arguments:
                run([str(folder / program), *arguments], deadline, any_status=program in _USAGE)


def run(command: list[str], deadline: float, *, any_status: bool = False) -> None:
    """Run a program to its end, or end it and all that it started when the time is over.

    Raises:
        FetchError: it failed, or took too long.
    """
    process = subprocess.Popen(
        command,
        env=os.environ | {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise FetchError(f"{Path(command[0]).name} took too long") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode and not (any_status and process.returncode in range(1, 126)):
        raise FetchError(f"{Path(command[0]).name}: {said.strip()[-600:]}")


if __name__ == "__main__":
    sys.exit(main())
