"""Installs the npm packages that tests run: what a lock file names, once, beside the environment."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.programs import need

ROOT = Path(__file__).parents[1]
INSTALL_SECONDS = 100


def packages(locked: Path) -> Path:
    """Return the folder with the packages of `package-lock.json` in a folder.

    The test is skipped where Node.js is missing, and where they cannot be had in time.
    """
    folder = _cache_folder(locked)
    if (folder / "complete").exists():
        return folder
    node, npm = need("node"), need("npm")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="js-new-") as outer:
        scratch = Path(outer, "packages")
        scratch.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(locked / name, scratch)
        _install(scratch, [str(node), str(npm)], str(node.parent))
        (scratch / "complete").touch()
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
    return folder


def _install(folder: Path, npm: list[str], path: str) -> None:
    command = [*npm, "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"The npm packages could not be installed within {INSTALL_SECONDS} seconds")
    if done.returncode != 0:
        pytest.skip(f"The npm packages could not be installed: {done.stderr[-500:]}")


def _cache_folder(locked: Path) -> Path:
    lock = (locked / "package-lock.json").read_bytes()
    configured = os.environ.get("KASTOR_JS_CACHE")
    base = Path(configured) if configured else ROOT / ".venv"
    return base / f"js-{hashlib.sha256(lock).hexdigest()[:12]}"
