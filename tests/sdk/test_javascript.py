"""@azure/digital-twins-core 1.1.0 on Node.js: every method in scope, over https and over http."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.programs import need

if TYPE_CHECKING:
    from kastor.testing import KastorServer

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "js"
ROOT = Path(__file__).parents[2]
CHECKS = [
    "credential_is_a_token_credential",
    "bearer_tokens_stay_off_plain_http",
    "createModels",
    "getModel",
    "listModels",
    "upsertDigitalTwin",
    "getDigitalTwin",
    "updateDigitalTwin",
    "updateComponent_and_getComponent",
    "upsertRelationship_and_getRelationship",
    "updateRelationship_and_deleteRelationship",
    "listRelationships_and_listIncomingRelationships",
    "publishTelemetry",
    "publishComponentTelemetry",
    "queryTwins",
    "deleteDigitalTwin",
    "decomissionModel",
    "deleteModel",
]


def _cache_folder() -> Path:
    lock = (HERE / "package-lock.json").read_bytes()
    configured = os.environ.get("KASTOR_JS_CACHE")
    base = Path(configured) if configured else ROOT / ".venv"
    return base / f"js-{hashlib.sha256(lock).hexdigest()[:12]}"


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder that holds the packages of the lock file, filled on the first run."""
    folder = _cache_folder()
    if (folder / "complete").exists():
        return folder
    node, npm = need("node"), need("npm")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="js-new-") as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, scratch)
        environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
        command = [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(
                command,
                cwd=scratch,
                env=environment,
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
        except subprocess.TimeoutExpired:
            pytest.skip("The npm packages could not be installed within 100 seconds")
        if done.returncode != 0:
            pytest.skip(f"The npm packages could not be installed: {done.stderr[-500:]}")
        (Path(scratch) / "complete").touch()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(scratch, folder)
    return folder


def _run(modules: Path, server: KastorServer, *, trust: bool) -> dict[str, str | None]:
    """Runs all checks in one process; answers what went wrong with each, or None."""
    server.reset()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NODE_")}
    if trust:
        environment["NODE_EXTRA_CA_CERTS"] = str(server.ca_file)
    command = [str(need("node")), str(HERE / "checks.mjs"), str(modules), server.url]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["check"]: None if each["ok"] else each["detail"] for each in results}


@pytest.fixture(scope="module")
def over_https(modules: Path, secure: KastorServer) -> dict[str, str | None]:
    return _run(modules, secure, trust=True)


@pytest.fixture(scope="module")
def over_http(modules: Path, kastor: KastorServer) -> dict[str, str | None]:
    return _run(modules, kastor, trust=False)


@pytest.mark.parametrize("check", CHECKS)
def test_a_method_works_over_https_with_the_certificate_trusted(
    over_https: dict[str, str | None], check: str
) -> None:
    assert over_https[check] is None, over_https[check]


@pytest.mark.parametrize("check", CHECKS)
def test_a_method_works_over_http_without_the_token_policy(
    over_http: dict[str, str | None], check: str
) -> None:
    assert over_http[check] is None, over_http[check]


def test_every_check_of_the_script_is_asserted_here(over_http: dict[str, str | None]) -> None:
    assert list(over_http) == CHECKS


def test_the_certificate_has_to_be_trusted(modules: Path, secure: KastorServer) -> None:
    results = _run(modules, secure, trust=False)
    assert "certificate" in (results["createModels"] or "")


def test_the_lock_pins_every_package_by_its_hash_and_names_no_address() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages["node_modules/@azure/digital-twins-core"]["version"] == "1.1.0"
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())
