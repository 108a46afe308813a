"""Builds what a release consists of: sdist, wheel with the explorer inside, and checksums.

`python3 dev release [FOLDER] [--tag vVERSION]` is what the workflow of a release runs as well. The
wheel is built from the sdist, so that the sdist is known to be whole.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import explorer_build as explorer

ROOT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"
IN_WHEEL = (
    "kastor/_explorer/index.html",
    "kastor/_pages/start/install.md",
    "kastor/_pages/reference/licences.md",
    "kastor/storage/sqlite/schema.sql",
    "kastor/storage/postgres/schema.sql",
    "kastor/py.typed",
)


class ReleaseError(Exception):
    """What is missing for a release; says what to do."""


def version() -> str:
    """Return the version of the program."""
    text = (ROOT / "src" / "kastor" / "__init__.py").read_text("utf-8")
    match = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if match is None:
        raise ReleaseError("src/kastor/__init__.py names no __version__.")
    return match[1]


def require_ready(tag: str | None) -> None:
    """Raise ReleaseError where something stands against a release.

    Args:
        tag: of the release; None: a build to try.
    """
    schema = (ROOT / "src/kastor/storage/sqlite/schema.py").read_text("utf-8")
    number = re.findall(r"^SCHEMA_VERSION = (\d+)", schema, re.MULTILINE)[0]
    if tag is None:
        return
    if tag != f"v{version()}":
        raise ReleaseError(f"The tag {tag} is not v{version()}, which the program says it is.")
    if not (ROOT / "tests" / "upgrades" / "fixtures" / number).is_dir():
        raise ReleaseError(
            f"Schema {number} leaves nothing behind to upgrade from: run python3 dev fixtures."
        )
    if f"\n## {version()}" not in (ROOT / "CHANGELOG.md").read_text("utf-8"):
        raise ReleaseError(f"CHANGELOG.md has no part for {version()}.")


def build(folder: Path) -> list[Path]:
    """Build into an empty folder; return the files. Raises ReleaseError."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ReleaseError(f"{folder} is not empty.")
    with tempfile.TemporaryDirectory(prefix="kastor-release-") as work:
        python = _builder(Path(work))
        _run([python, "-m", "hatchling", "build", "-t", "sdist", "-d", folder], ROOT)
        (sdist,) = folder.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(work, filter="data")
        source = Path(work) / sdist.name.removesuffix(".tar.gz")
        _run([python, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], source)
    (wheel,) = folder.glob("*.whl")
    _require_whole(wheel)
    files = [sdist, wheel]
    lines = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in files]
    (folder / SUMS).write_text("".join(lines), "utf-8")
    return [*files, folder / SUMS]


def _builder(work: Path) -> Path:
    """Return a Python with what pyproject.toml builds with."""
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    if not explorer.is_fresh(ROOT):
        needs = [*needs, explorer.NODE_WHEEL]
    venv.create(work / "venv", with_pip=False)
    python = work / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    _run([*pip, "install", "-q", *needs], ROOT)
    return python


def _require_whole(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    missing = [each for each in IN_WHEEL if each not in names]
    if not any(each.endswith("/licenses/LICENSE") for each in names):
        missing.append("LICENSE")
    if missing:
        raise ReleaseError(f"{wheel.name} lacks {', '.join(missing)}.")


def _run(command: list[object], folder: Path) -> None:
    done = subprocess.run([str(each) for each in command], cwd=folder, check=False)
    if done.returncode:
        raise ReleaseError(f"It ended with status {done.returncode}; see above.")


def main() -> int:
    """Build what the arguments say."""
    parser = argparse.ArgumentParser(prog="python3 dev release", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist")
    parser.add_argument("--tag", help="of the release; without it this is a build to try")
    given = parser.parse_args()
    try:
        require_ready(given.tag)
        files = build(given.folder.resolve())
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    for each in files:
        print(f"{each.stat().st_size:>12,}  {each}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
