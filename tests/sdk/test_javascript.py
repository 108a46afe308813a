"""@azure/digital-twins-core 1.1.0 on Node.js: every method in scope, over https and over http."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.npm import packages
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


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder that holds the packages of the lock file, filled on the first run."""
    return packages(HERE)


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


def test_the_lock_names_the_release_of_the_sdk() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/@azure/digital-twins-core"]["version"] == "1.1.0"


@pytest.mark.parametrize("lock", sorted(ROOT.glob("tests/*/*/package-lock.json")), ids=str)
def test_a_lock_pins_every_package_by_its_hash_and_names_no_address(lock: Path) -> None:
    packages = {
        name: package for name, package in json.loads(lock.read_text())["packages"].items() if name
    }
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())
