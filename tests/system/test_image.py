"""The container image: built from the Containerfile without a daemon, and run as the page says.

No registry of images is asked: the base is made of Debian's packages (tests/containers.py). What
is tried is all of the rest: the build, what is in the image, and a server in it with a read-only
root, no capabilities, a user of its own and Docker's profile of system calls.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml  # type: ignore[import-untyped]

from kastor import __version__
from tests.containers import BASE, Podman, machine_certificates, own_limits, podman
from tests.ports import free_port
from tests.postgres.cluster import Cluster
from tests.programs import need

from .program import VERSION

ROOT = Path(__file__).resolve().parents[2]
CONTAINER = ROOT / "packaging" / "container"
NO_NETWORK = re.compile(
    r"Could not find a version|No matching distribution|ConnectionError|timed out"
)
ALONE = (
    *("--network=host", "--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp", "--cap-drop=all"),
    *("--security-opt=no-new-privileges", *own_limits()),
)
QUERY = f"/query?{VERSION}"
PASSWORD = "it's a \\ secret: $x"
MOST_BYTES = 400_000_000
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def run() -> Iterator[Podman]:
    with podman() as found:
        yield found


@pytest.fixture(scope="module")
def image(run: Podman) -> dict[str, Any]:
    """The image, as it describes itself."""
    # Else npm's packages would be fetched in the container, which takes a while.
    build = [sys.executable, str(ROOT / "packaging" / "explorer_build.py")]
    subprocess.run(build, check=False, timeout=200)
    started = time.monotonic()
    done = run(
        *("build", "--format=docker", "--network=host", "--pull=never", "--layers=false"),
        *(f"--build-arg=BASE={BASE}", "--build-arg=REVISION=abc123", *machine_certificates()),
        *("--ignorefile", CONTAINER / "Containerfile.dockerignore"),
        *("-f", CONTAINER / "Containerfile", "-t", "kastor", ROOT),
        seconds=250,
        status=None,
    )
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip(f"pip reaches no index: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr[-3000:]
    (found,) = json.loads(run("image", "inspect", "kastor").stdout)
    (base,) = json.loads(run("image", "inspect", BASE).stdout)
    seconds, size = time.monotonic() - started, found["Size"]
    print(f"image: {size / 1e6:.0f} MB, of it base {base['Size'] / 1e6:.0f}; {seconds:.0f} s")
    assert isinstance(found, dict)
    return found


@dataclass(frozen=True)
class Running:
    """A container with a server."""

    run: Podman
    name: str
    port: int

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return httpx2.get(f"http://127.0.0.1:{self.port}{path}", timeout=10, **more)

    def execute(self, *command: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run("exec", self.name, *command, status=status)

    def wait(self) -> None:
        end = time.monotonic() + 30
        while True:
            done = self.run("exec", self.name, "kastor", "health", status=None)
            if done.stdout == "ready\n":
                return
            assert time.monotonic() < end, (done.stderr, self.run("logs", self.name))
            time.sleep(0.1)

    def stop(self) -> int:
        """End it as Docker does; its exit status."""
        self.run("stop", "--time=15", self.name)
        (found,) = json.loads(self.run("inspect", self.name).stdout)
        status = found["State"]["ExitCode"]
        assert isinstance(status, int)
        return status


def start(run: Podman, name: str, *arguments: str, flags: tuple[str, ...] = ()) -> Running:
    port = free_port()
    run(
        *("run", "--detach", f"--name={name}", *ALONE, f"--volume={name}:/data"),
        *(f"--env=KASTOR_PORT={port}", *flags, "kastor", *arguments),
    )
    found = Running(run, name, port)
    found.wait()
    return found


class TestWhatIsInIt:
    def test_it_says_how_it_is_run(self, image: dict[str, Any]) -> None:
        config = image["Config"]
        assert config["User"] == "10001:10001"
        assert config["Entrypoint"] == ["kastor"]
        assert config["Cmd"] == ["serve", "--auth", "tokens"]
        assert config["ExposedPorts"] == {"8080/tcp": {}}
        assert config["Volumes"] == {"/data": {}}
        assert config["StopSignal"] in ("SIGTERM", "15")
        assert image["HealthCheck" if "HealthCheck" in image else "Healthcheck"]["Test"] == [
            *("CMD", "kastor", "health")
        ]
        assert config["Labels"]["org.opencontainers.image.version"] == __version__
        assert config["Labels"]["org.opencontainers.image.revision"] == "abc123"

    def test_it_is_no_larger_than_the_page_says(self, image: dict[str, Any]) -> None:
        assert image["Size"] < MOST_BYTES

    def test_what_runs_is_there_and_what_builds_is_not(
        self, run: Podman, image: dict[str, Any]
    ) -> None:
        code = (
            "import importlib.util as u, importlib.metadata as m, json, kastor\n"
            "from shutil import which\n"
            "names = ['pip', 'ensurepip', 'setuptools', 'polars', 'openpyxl', 'asyncpg',"
            " 'confluent_kafka', 'paho', 'aio_pika', 'nats', 'obstore']\n"
            "print(json.dumps([[n for n in names if u.find_spec(n)],"
            " [p for p in ('pip', 'pip3', 'gcc', 'cc') if which(p)],"
            " sorted(f'{d.name.lower()}=={d.version}' for d in m.distributions())]))"
        )
        done = run("run", "--rm", *ALONE, "--entrypoint=python", "kastor", "-c", code)
        modules, programs, installed = json.loads(done.stdout)
        wanted = ["asyncpg", "confluent_kafka", "paho", "aio_pika", "nats", "obstore"]
        assert modules[-len(wanted) :] == wanted
        # Debian's own packages carry what makes the environments; the image of Python does not.
        assert set(modules) - set(wanted) <= {"ensurepip"}
        assert programs == []
        lock = (ROOT / "locks" / "run.txt").read_text(encoding="utf-8")
        locked = {
            each.lower().replace("_", "-") for each in re.findall(r"^\S+==\S+", lock, re.MULTILINE)
        }
        others = {each.replace("_", "-") for each in installed} - locked
        assert others == {f"kastor=={__version__}"}

    def test_the_explorer_is_in_it(self, run: Podman, image: dict[str, Any]) -> None:
        code = "import kastor; print(*sorted(p.name for p in __import__('pathlib').Path(kastor.__file__).with_name('_explorer').iterdir()))"
        done = run("run", "--rm", *ALONE, "--entrypoint=python", "kastor", "-c", code)
        assert {"index.html", "assets"} <= set(done.stdout.split())
        assert "node_modules" not in done.stdout

    def test_nothing_that_runs_is_compiled_again(self, run: Podman, image: dict[str, Any]) -> None:
        code = (
            "import sys, pathlib, kastor.server.run, kastor.cli.serve\n"
            "print([m.__file__ for m in list(sys.modules.values()) if getattr(m, '__cached__', None)"
            " and not pathlib.Path(m.__cached__).exists()])"
        )
        done = run("run", "--rm", *ALONE, "--entrypoint=python", "kastor", "-c", code)
        assert done.stdout == "[]\n"


class TestAServerInIt:
    def test_with_tokens_the_first_one_is_made_inside(
        self, run: Podman, image: dict[str, Any]
    ) -> None:
        server = start(run, "tokens")
        question = {"query": "SELECT COUNT() FROM DIGITALTWINS"}
        assert server.get(f"/models?{VERSION}").status_code == 401
        assert "kastor token create --role owner --data /data" in run("logs", "tokens").stdout
        token = server.execute("kastor", "token", "create", "--role", "owner").stdout.strip()
        headers = {"Authorization": f"Bearer {token}"}
        end = time.monotonic() + 10
        while server.get(f"/models?{VERSION}", headers=headers).status_code == 401:
            assert time.monotonic() < end
            time.sleep(0.1)
        url = f"http://127.0.0.1:{server.port}{QUERY}"
        answer = httpx2.post(url, json=question, headers=headers)
        assert answer.json()["value"] == [{"COUNT": 0}]
        assert server.stop() == 0

    def test_it_writes_to_its_volume_and_nowhere_else(
        self, run: Podman, image: dict[str, Any]
    ) -> None:
        server = start(run, "sample", "serve", "--sample", "building", "--allow-anonymous")
        url = f"http://127.0.0.1:{server.port}"
        counted = ("SELECT COUNT() FROM DIGITALTWINS", "--output", "csv")
        asked = server.execute("kastor", "query", *counted, "--url", url)
        assert asked.stdout.split() == ["COUNT", "342"]
        status = server.execute("cat", "/proc/1/status").stdout
        for line in ("Uid:\t10001", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
            assert line in status
        written = server.execute("ls", "-A", "/tmp", "/data").stdout.split()
        assert written == ["/data:", "graphs", "kastor.lock", "/tmp:"]
        changed = run("diff", "sample").stdout.splitlines()
        assert [each for each in changed if each.split()[1] not in ("/etc", "/data", "/run")] == []
        before = server.get("/kastor/v1/status").json()["counts"]["twins"]
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 10
        run("rm", "sample")
        again = start(run, "sample", "serve", "--allow-anonymous")
        assert again.get("/kastor/v1/status").json()["counts"]["twins"] == before
        assert again.stop() == 0

    def test_with_tls_it_is_healthy_too(self, run: Podman, image: dict[str, Any]) -> None:
        server = start(run, "tls", "serve", "--tls-dev", "--auth", "tokens")
        authority = server.execute("cat", "/data/tls/ca.pem").stdout
        assert authority.startswith("-----BEGIN CERTIFICATE-----")
        assert run("healthcheck", "run", "tls").returncode == 0
        assert server.stop() == 0

    def test_where_nothing_serves_it_is_not_healthy(
        self, run: Podman, image: dict[str, Any]
    ) -> None:
        port = free_port()
        done = run(
            *("run", "--rm", *ALONE, f"--env=KASTOR_PORT={port}", "kastor", "health"), status=6
        )
        assert f"No server answers at http://127.0.0.1:{port}" in done.stderr

    def test_without_access_control_it_does_not_start(
        self, run: Podman, image: dict[str, Any]
    ) -> None:
        done = run("run", "--rm", *ALONE, "kastor", "serve", status=2)
        assert "no access control is set" in done.stderr


@pytest.fixture
def database() -> Iterator[Cluster]:
    """PostgreSQL as its image leaves it: made with a script, whose role gives a password."""
    with Cluster(durable=False) as cluster:
        cluster.create()
        rules = "host kastor kastor 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
        (cluster.data / "pg_hba.conf").write_text(rules)
        cluster.start()
        variables = {
            "PATH": os.pathsep.join([str(need("postgresql")), os.environ["PATH"]]),
            "PGHOST": "127.0.0.1",
            "PGPORT": str(cluster.port),
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": PASSWORD,
        }
        subprocess.run([CONTAINER / "database.sh"], env=variables, check=True)
        yield cluster


class TestWithPostgreSQL:
    def test_the_script_makes_a_role_that_owns_its_database_and_no_more(
        self, database: Cluster
    ) -> None:
        role = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = 'kastor'"
        assert database.psql(role) == "f|f|f"
        owner = "SELECT datdba::regrole, datacl FROM pg_database WHERE datname = 'kastor'"
        assert database.psql(owner) == "kastor|{kastor=CTc/kastor}"
        secret = "SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'postgres'"
        assert database.psql(secret) == "t"

    def test_it_serves_with_what_the_compose_file_says(
        self, run: Podman, image: dict[str, Any], database: Cluster, tmp_path: Path
    ) -> None:
        text = (CONTAINER / "compose.yaml").read_text(encoding="utf-8")
        service = yaml.safe_load(text)["services"]["kastor"]
        given = service["environment"]["KASTOR_DB"]
        variables = {
            "KASTOR_DB": given.replace("@db/", f"@127.0.0.1:{database.port}/"),
            "KASTOR_DB_PASSWORD_FILE": service["environment"]["KASTOR_DB_PASSWORD_FILE"],
        }
        secret = tmp_path / "db_password"
        secret.write_text(f"{PASSWORD}\n")
        secret.chmod(0o444)
        flags = [f"--env={name}={value}" for name, value in variables.items()]
        flags.append(f"--volume={secret}:{variables['KASTOR_DB_PASSWORD_FILE']}:ro")
        command = (*service["command"], "--sample", "building", "--allow-anonymous")
        server = start(run, "postgres", *command, flags=tuple(flags))
        status = server.get("/kastor/v1/status").json()
        assert (status["engine"], status["counts"]["twins"]) == ("postgres", 342)
        database.stop("immediate")
        assert "kastor: " in server.execute("kastor", "health", status=1).stderr
        assert server.stop() == 0
