"""Podman for the tests of the image: without a daemon, a registry, or a trace on this machine.

Where Podman is not installed, Debian's is unpacked into `.cache/containers` beside a small root of
Debian's own packages, which stands in for the image that the Containerfile names: no registry of
images is asked. Everything runs in namespaces of mounts and processes of its own, with the images
in memory, so that the end of one process ends all of it. That needs root; elsewhere the tests are skipped.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import debian, programs

FOLDER = debian.FOLDER.parent / "containers"
SECONDS = 60.0
"""That fetching takes at most."""
BASE = "localhost/base:test"
_TOOLS = ["podman", "crun"]
_BASE_PACKAGES = ["base-files", "ca-certificates", "coreutils", "dash", "python3-venv", "sed"]
_MERGED = ("bin", "lib", "lib64", "sbin")
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_UNPACK = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink'
_SETUP = """
tools=$1 cache=$2
if [ -d "$tools" ]; then
  mount -t overlay -o "lowerdir=$tools/usr:/usr" tools /usr
  mount -t overlay -o "lowerdir=$tools/etc:/etc" tools /etc
fi
mount --bind "$cache" /var/tmp
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755,size=4g tmpfs /var/lib
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
podman --version > /dev/null
echo ready
exec cat
"""
"""What packages are downloaded is kept in /var/tmp. crun refuses cgroups of both versions at once."""
_CONF = """[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
[containers]
cgroups = "disabled"
"""


class Podman:
    """Runs Podman's commands where `_namespace` is."""

    def __init__(self, holder: int, scratch: Path) -> None:
        self._holder = holder
        self._conf = scratch / "containers.conf"
        self._conf.write_text(_CONF)

    def __call__(
        self, *arguments: object, status: int | None = 0, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; the status is looked at unless it is None."""
        enter = ["nsenter", "--mount", "--pid", "--target", str(self._holder), "--"]
        done = subprocess.run(
            [*enter, "podman", *map(str, arguments)],
            env={
                **os.environ,
                "CONTAINERS_CONF": str(self._conf),
                "TMPDIR": "/var/tmp",
                "HOME": "/run",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert status in (None, done.returncode), (arguments, done.stdout, done.stderr)
        return done


@contextlib.contextmanager
def podman() -> Iterator[Podman]:
    """Return a block with Podman and the base image; the test is skipped where it cannot be had."""
    if programs.hidden("podman"):
        pytest.skip(programs.missing("podman"))
    if os.geteuid() != 0:
        pytest.skip("only root can build an image here: it needs mounts")
    for tool in ("unshare", "nsenter"):
        programs.need(tool)
    try:
        _fetch(time.monotonic() + SECONDS)
    except debian.FetchError as error:
        pytest.skip(f"what builds images cannot be had: {error}")
    with tempfile.TemporaryDirectory(prefix="kastor-podman-") as scratch, _namespace() as holder:
        run = Podman(holder, Path(scratch))
        dockerfile = Path(scratch, "base")
        dockerfile.write_text("FROM scratch\nCOPY . /\n")
        base = ("-t", BASE, "-f", dockerfile, FOLDER / "base")
        done = run("build", "-q", "--isolation=chroot", *base, status=None)
        if done.returncode:
            pytest.skip(f"Podman cannot build here: {done.stderr.strip()[-300:]}")
        yield run


def own_limits() -> list[str]:
    """Return flags for limits that anybody may set; Podman asks for a million of each."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return [f"--ulimit=nofile={files}:{files}", "--ulimit=nproc=1024:1024"]


def machine_certificates() -> list[str]:
    """Return flags that have a build trust the indexes of packages that this machine trusts."""
    found = os.environ.get("PIP_CERT") or _CERTIFICATES
    return [f"--volume={found}:{_CERTIFICATES}:ro"] if Path(found).exists() else []


@contextlib.contextmanager
def _namespace() -> Iterator[int]:
    """Return a block with a process in namespaces for Podman; nothing in them survives it."""
    cache = FOLDER / "cache"
    cache.mkdir(exist_ok=True)
    holder = subprocess.Popen(
        [
            *("unshare", "--mount", "--propagation=private", "--mount-proc"),
            *("--pid", "--fork", "--kill-child"),
            *("sh", "-euc", _SETUP, "sh", str(FOLDER / "tools"), str(cache)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    try:
        if holder.stdout.readline() != "ready\n":
            said = holder.communicate(timeout=10)[1].strip()
            pytest.skip(f"no namespace of mounts can be had here: {said[-300:]}")
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
        yield int(children.read_text())
    finally:
        if holder.poll() is None:
            holder.communicate(timeout=30)  # its input ends, and so it does


def _fetch(deadline: float) -> None:
    """Fetch Podman, unless this machine has it, and the root of the base image; both only once."""
    wanted = {"base": _BASE_PACKAGES}
    if not all(map(programs.find, _TOOLS)):
        wanted["tools"] = _TOOLS
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, packages in wanted.items():
        if (FOLDER / name).exists():
            continue
        debian.require_tools()
        with tempfile.TemporaryDirectory(dir=FOLDER, prefix=f"{name}-") as scratch:
            root = Path(scratch, "root")
            if name == "tools":
                debian.extract(debian.download(Path(scratch), packages, deadline), root, deadline)
            else:
                _make_base(Path(scratch), root, deadline)
            root.rename(FOLDER / name)


def _make_base(scratch: Path, root: Path, deadline: float) -> None:
    """Make a root with Python and a shell of Debian's packages, as far as one needs no scripts."""
    nothing = scratch / "nothing"
    nothing.touch()
    archives = debian.download(scratch, _BASE_PACKAGES, deadline, nothing)
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in sorted(archives.glob("*.deb")):
        debian.run(["sh", "-c", _UNPACK, "sh", str(archive), str(root)], deadline)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    authorities = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = "".join(each.read_text() for each in authorities)
    Path(f"{root}{_CERTIFICATES}").write_text(bundle)
