"""How the explorer is built: once for each state of its sources, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.programs import need

from .program import SECONDS, environment, serving

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "packaging" / "explorer_build.py"
NODE = """#!/bin/sh
echo "$2" >> {root}/ran
case "$2" in
ci) mkdir -p node_modules;;
build) {build};;
esac
"""
PAGE = 'echo made > "$4/index.html"'
MOST_KILOBYTES = 300


def _module() -> Any:
    spec = util.spec_from_file_location("explorer_build", BUILD)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXPLORER = _module()


class Clone:
    """A clone with a small app, and a Node that is a shell script."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.app = root / "explorer"
        self.wheel = root / "wheel" / EXPLORER.NODE_MODULE
        for folder in (self.app / "src", root / "packaging", self.wheel / "bin"):
            folder.mkdir(parents=True)
        for name in ("index.html", "package.json", "package-lock.json"):
            (self.app / name).write_text("{}")
        for name in ("tsconfig.json", "vite.config.ts", "src/main.tsx"):
            (self.app / name).write_text("")
        shutil.copy(BUILD, root / "packaging")
        (self.wheel / "__init__.py").touch()
        self.use_node(PAGE)

    def use_node(self, build: str) -> None:
        node = self.wheel / "bin" / "node"
        node.write_text(NODE.format(root=self.root, build=build))
        node.chmod(0o755)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.root / "packaging" / BUILD.name), *map(str, arguments)],
            env=environment(PYTHONPATH=str(self.wheel.parent)),
            start_new_session=True,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: object) -> tuple[int, str]:
        process = self.start(*arguments)
        said = process.communicate(timeout=SECONDS)[1]
        return process.returncode, said

    @property
    def ran(self) -> list[str]:
        file = self.root / "ran"
        found = file.read_text().split() if file.exists() else []
        file.unlink(missing_ok=True)
        return found

    @property
    def told(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.app / "dist.building.json").read_text())
        except FileNotFoundError:
            return None
        return found


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def wait_until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


class TestWhatIsBuilt:
    def test_it_is_built_once_for_each_state_of_the_sources(self, clone: Clone) -> None:
        assert clone.run("build") == (
            0,
            "Fetching the explorer's packages (once) ...\nBuilding the explorer ...\n",
        )
        assert clone.ran == ["ci", "build"]
        os.utime(clone.app / "src" / "main.tsx", (1, 1))  # a checkout changes times, not content
        (clone.app / "test").mkdir()
        (clone.app / "test" / "a.test.ts").touch()
        assert clone.run("build") == (0, "")
        assert clone.ran == []
        (clone.app / "src" / "more.ts").touch()
        assert clone.run("build")[0] == 0
        assert clone.ran == ["build"]
        (clone.app / "package-lock.json").write_text("{ }")
        assert clone.run("build")[0] == 0
        assert clone.ran == ["ci", "build"]
        names = sorted(each.name for each in clone.app.glob("dist*"))
        assert names == ["dist", "dist.lock"]

    @pytest.mark.parametrize("build", ["echo no room >&2; exit 3", "true"])
    def test_a_build_that_fails_leaves_what_there_was(self, clone: Clone, build: str) -> None:
        clone.run("build")
        (clone.app / "src" / "more.ts").touch()
        clone.use_node(build)
        status, said = clone.run("build")
        assert status == 1
        assert ("no room" in said) is ("room" in build)
        assert (clone.app / "dist" / "index.html").read_text() == "made\n"
        assert sorted(each.name for each in clone.app.glob("dist*")) == ["dist", "dist.lock"]

    def test_sources_that_are_missing_are_named(self, clone: Clone) -> None:
        clone.run("build")
        (clone.app / "vite.config.ts").unlink()
        status, said = clone.run("build")
        assert (status, "vite.config.ts" in said) == (1, True)
        assert "Traceback" not in said


class TestBesideAServer:
    def test_it_tells_how_far_it_is_and_why_it_failed(self, clone: Clone) -> None:
        clone.use_node("echo broken; printf '\\033[31mline 7\\033[0m\\n'; exit 1")
        status, said = clone.run("built-beside", os.getpid())
        assert (status, "broken" in said) == (1, True)
        told = clone.told
        assert told is not None
        assert (told["state"], told["lines"]) == ("failed", ["broken", "line 7"])
        clone.use_node(PAGE)
        assert clone.run("built-beside", os.getpid())[0] == 0
        assert clone.told is None

    def test_it_ends_with_the_server(self, clone: Clone) -> None:
        clone.use_node("sleep 60")
        with subprocess.Popen(["sleep", "60"]) as server:
            process = clone.start("built-beside", server.pid)
            wait_until(lambda: (clone.told or {}).get("step") == "Building the explorer")
            assert (clone.told or {})["pid"] == process.pid
            server.kill()
            server.wait()
            process.communicate(timeout=SECONDS)  # nobody has its stderr any more
        assert clone.told is None

    def test_nothing_is_begun_where_nothing_is_to_be_done(self, clone: Clone) -> None:
        clone.run("build")
        assert clone.run("beside", os.getpid()) == (0, "")


def test_the_app_is_built_and_a_browser_may_load_all_of_it(tmp_path: Path) -> None:
    """The real one, with the real Node; what it loads first is within its budget."""
    need("node")
    try:
        EXPLORER.install(ROOT)
    except EXPLORER.BuildError as error:
        if re.search(r"npm error (code E(AI_AGAIN|NOTFOUND|CONN|TIMEDOUT)|network)", str(error)):
            pytest.skip("The explorer's packages cannot be had")
        raise
    app = tmp_path / "explorer"
    ignored = shutil.ignore_patterns("node_modules", "dist*")
    shutil.copytree(ROOT / "explorer", app, ignore=ignored)
    (app / "node_modules").symlink_to(ROOT / "explorer" / "node_modules")
    folder = EXPLORER.build(tmp_path, lambda _: None)
    assert EXPLORER.is_fresh(tmp_path)
    with serving(tmp_path / "data", KASTOR_EXPLORER_FILES=str(folder)) as served:
        base = f"{served.url}/explorer/"
        page = httpx2.get(f"{base}g/default/graph")
        assert page.status_code == 200
        assert not re.search("__BASE__|__NONCE__", page.text)
        assert not re.findall(r"<style|<script(?![^>]* src=)|\son\w+=|style=", page.text)
        loaded = re.findall(r'(?:src|href)="\./([^"]+)"', page.text)
        scripts = {each for each in loaded if each.endswith(".js")}
        assert scripts
        size = 0
        for name in loaded:
            answer = httpx2.get(f"{base}{name}", headers={"Accept-Encoding": "gzip"})
            assert answer.status_code == 200
            size += int(answer.headers["content-length"]) if name in scripts else 0
        assert size < MOST_KILOBYTES * 1024
