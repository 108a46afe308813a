"""README's way to use Kastor from Python, followed as it stands by somebody who has only the clone.

Only the port is another one. What pip cannot fetch for want of a network is skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from kastor.pages import all_pages

from .program import environment

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## Use it from your code")[2].partition("\n## ")[0]
ADDRESS = "http://127.0.0.1:8080"
NO_NETWORK = re.compile(
    r"Could not find a version|No matching distribution|ConnectionError|timed out"
    r"|npm error (?:code E(?:AI_AGAIN|NOTFOUND|CONN|TIMEDOUT|404)|network)"
)
PARTS = ("src", "docs", "explorer", "packaging", "locks", "pyproject.toml", "README.md", "LICENSE")
pytestmark = pytest.mark.timeout(400)


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with README's environment in it."""
    folder = tmp_path_factory.mktemp("clone")
    for name in PARTS:
        if (ROOT / name).is_dir():
            unbuilt = shutil.ignore_patterns("node_modules", "__pycache__", "secrets")
            shutil.copytree(ROOT / name, folder / name, ignore=unbuilt)
        else:
            shutil.copy(ROOT / name, folder / name)
    programs = folder / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys._base_executable))  # type: ignore[attr-defined]  # CPython's own
    done = _run(_blocks("sh")[0], folder)
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip(f"pip reaches no index: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def url(clone: Path) -> Iterator[str]:
    """A server of that environment with the sample building."""
    command = ["my-env/bin/kastor", "serve", "--port", "0", "--data", "data"]
    process = subprocess.Popen(
        [*command, "--sample", "building"],
        cwd=clone,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    found = next((m for m in map(re.compile(r"address +(\S+)").search, process.stdout) if m), None)
    assert found is not None
    yield found[1]
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0


def _run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    variables = environment(PATH=f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    variables.pop("PYTHONPATH", None)
    return subprocess.run(
        ["sh", "-ec", script],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_example_prints_what_the_query_finds(clone: Path, url: str) -> None:
    (example,) = _blocks("python")
    assert ADDRESS in example
    # Whatever the building's weather is.
    wider = example.replace("> 22", "> -50")
    for text, least in ((example, 0), (wider, 10)):
        (clone / "example.py").write_text(text.replace(ADDRESS, url))
        done = _run(_blocks("sh")[1], clone)
        assert done.returncode == 0, done.stderr
        rows = done.stdout.splitlines()
        assert len(rows) >= least
        assert all("'temperature': " in row for row in rows)


def test_the_pages_have_come_along(clone: Path, url: str) -> None:
    done = _run("my-env/bin/kastor docs reference/settings", clone)
    assert done.stdout == all_pages()["reference/settings"].text()
    assert httpx2.get(f"{url}/docs/reference/settings").status_code == 200
    site = next((clone / "my-env" / "lib").glob("*/site-packages"))
    packed = {path.relative_to(site / "kastor" / "_pages") for path in site.rglob("_pages/**/*.md")}
    assert packed == {page.path.relative_to(ROOT / "docs") for page in all_pages().values()}


def test_the_explorer_has_come_along(clone: Path, url: str) -> None:
    page = httpx2.get(f"{url}/explorer/")
    assert page.status_code == 200
    site = next((clone / "my-env" / "lib").glob("*/site-packages"))
    scripts = re.findall(r'<script type="module"[^>]* src="\./([^"]+)"', page.text)
    assert scripts
    for script in scripts:
        coded = httpx2.get(f"{url}/explorer/{script}").headers["content-encoding"]
        assert coded in ("br", "gzip")
        assert (site / "kastor" / "_explorer" / script).is_file()


def test_an_extra_that_is_missing_is_named_as_it_can_be_installed(clone: Path) -> None:
    done = _run("my-env/bin/kastor serve --port 0 --db postgresql://127.0.0.1:1/x", clone)
    assert done.returncode == 1
    (extra,) = re.findall(r"pip install '\.\[(\w+)\]'", done.stderr)
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(rf"^{extra} = \[", text, re.MULTILINE)


def test_nothing_tells_people_to_install_a_release() -> None:
    texts = [*(ROOT / "src").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    pattern = re.compile(r"(pip install|additional_dependencies:).*?[ '\"\[]kastor\b")
    found = [path.name for path in texts if pattern.search(path.read_text(encoding="utf-8"))]
    assert found == []
