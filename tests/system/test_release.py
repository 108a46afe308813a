"""What a release consists of: licences that are listed, a wheel that works, a workflow that is true."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import venv
from importlib import util
from pathlib import Path
from typing import Any

import httpx2
import pytest

from .program import environment
from .test_readme import NO_NETWORK, ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"


def script(name: str) -> Any:
    spec = util.spec_from_file_location(name, ROOT / "packaging" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LICENCES, RELEASE = script("licences"), script("release")


def test_the_page_of_licences_is_as_the_lock_files_are() -> None:
    listed = LICENCES.PAGE.read_text("utf-8")
    for packages in (LICENCES.app(), LICENCES.libraries()):
        assert packages
        assert LICENCES.rows(packages) in listed, "run python3 dev licences"


@pytest.mark.parametrize("licence", ["unknown", "GPL-3.0-only", "AGPL-3.0 AND MIT", "SSPL-1.0"])
def test_a_licence_that_nobody_has_looked_at_is_refused(licence: str) -> None:
    with pytest.raises(LICENCES.UnknownLicenceError, match="look at it"):
        LICENCES.rows({("some", "1.0"): licence})
    assert LICENCES.is_taken("GPL-2.0 OR MIT")
    assert not LICENCES.is_taken("GPL-2.0 AND (ISC OR MIT)")
    assert LICENCES.is_taken("ISC AND (GPL-2.0 OR MIT)")


def test_a_release_is_of_the_version_of_its_tag() -> None:
    RELEASE.require_ready(None)
    with pytest.raises(RELEASE.ReleaseError, match="which the program says it is"):
        RELEASE.require_ready("v0.0.0")


def test_the_workflow_runs_what_there_is() -> None:
    text = WORKFLOW.read_text("utf-8")
    shown = subprocess.run(
        [sys.executable, ROOT / "dev"], capture_output=True, text=True, check=True
    ).stdout
    commands = re.findall(r"python3 dev (\w+)", text)
    assert commands
    assert all(re.search(rf"^  {each} ", shown, re.MULTILINE) for each in commands)
    assert (ROOT / ".ci" / "run").is_file()
    # What somebody names a tag is no part of a shell's text.
    scripts = re.findall(r"- run: (.*)", text)
    assert len(scripts) == 4
    assert not [each for each in scripts if "${{" in each]
    assert "permissions:\n  contents: read\n" in text


@pytest.mark.timeout(400)
def test_the_wheel_works_in_a_fresh_environment(tmp_path: Path) -> None:
    built = run(sys.executable, ROOT / "packaging" / "release.py", tmp_path / "dist")
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    for line in (tmp_path / "dist" / "SHA256SUMS").read_text("utf-8").splitlines():
        wanted, _, name = line.partition("  ")
        assert hashlib.sha256((tmp_path / "dist" / name).read_bytes()).hexdigest() == wanted
    venv.create(tmp_path / "venv", with_pip=False)
    programs = tmp_path / "venv" / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python", "install", "-q")
    done = run(*pip, "--disable-pip-version-check", wheel)
    assert done.returncode == 0, done.stderr
    said = run(programs / "kastor", "--version", cwd=tmp_path)
    assert RELEASE.version() in said.stdout
    assert "Licences" in run(programs / "kastor", "docs", "reference/licences", cwd=tmp_path).stdout
    command = [programs / "kastor", "serve", "--port", "0", "--data", tmp_path / "data"]
    with subprocess.Popen(
        [str(each) for each in command],
        cwd=tmp_path,
        env=environment(PATH=os.environ["PATH"]),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            url = next(match[1] for each in lines if (match := re.search(r"address +(\S+)", each)))
            assert httpx2.get(f"{url}/healthz").status_code == 200
            page = httpx2.get(f"{url}/explorer", follow_redirects=True)
            assert '<div id="root"' in page.text
            assert httpx2.get(f"{url}/digitaltwins/x?api-version=2023-10-31").status_code == 404
        finally:
            process.terminate()
            assert process.wait(30) == 0


def run(*command: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A command to its end; what pip cannot fetch for want of a network is skipped."""
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=environment(PYTHONPATH=""),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip(f"pip reaches no index: {done.stderr[-200:]}")
    return done
