"""The password of the database: where it may stand, and that it is shown nowhere."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from kastor.testing import KastorServer
from kastor.testing.server import StartError
from tests.system.program import environment

from .cluster import Cluster

FIRST, SECOND = "pw-first-7Kq", "pw-second-9Zt"
RULE = "host all guarded 127.0.0.1/32 scram-sha-256\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A server with a user who needs a password."""
    with Cluster(durable=False) as made:
        made.create()
        rules = made.data / "pg_hba.conf"
        rules.write_text(RULE + rules.read_text())
        made.start()
        made.psql(f"CREATE USER guarded SUPERUSER PASSWORD '{FIRST}'")
        yield made


def address(cluster: Cluster, password: str = "") -> str:
    user = f"guarded:{password}" if password else "guarded"
    return f"postgresql://{user}@127.0.0.1:{cluster.port}/postgres"


def flags(cluster: Cluster, *more: str, password: str = "") -> tuple[str, ...]:
    schema = ("--graph-schema", f"g{uuid4().hex[:12]}")
    return ("--db", address(cluster, password), *schema, *more)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "password"
    made.write_text(f"{FIRST}\n")
    return made


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_file_has_it(cluster: Cluster, file: Path, workers: str) -> None:
    given = flags(cluster, "--db-password-file", str(file), "--workers", workers)
    with KastorServer(given) as server:
        assert httpx2.get(f"{server.url}/kastor/v1/status").status_code == 200
        places = httpx2.get(f"{server.url}/kastor/v1/graphs").text
        assert str(cluster.port) in places
    for text in (server.output, places):
        assert FIRST not in text
        assert "warning" not in text


def test_a_new_password_is_taken_without_a_restart(cluster: Cluster, file: Path) -> None:
    with KastorServer(flags(cluster, "--db-password-file", str(file))) as server:
        try:
            cluster.psql(f"ALTER USER guarded PASSWORD '{SECOND}'")
            file.write_text(SECOND)
            cluster.psql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guarded'"
            )
            deadline = time.monotonic() + 20
            while httpx2.get(f"{server.url}/kastor/v1/status").status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        finally:
            cluster.psql(f"ALTER USER guarded PASSWORD '{FIRST}'")


def test_a_wrong_one_is_told_and_not_shown(cluster: Cluster, file: Path) -> None:
    file.write_text("wr0ng-password")
    with pytest.raises(StartError) as caught:
        KastorServer(flags(cluster, "--db-password-file", str(file))).start()
    assert "password authentication failed" in str(caught.value)
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(StartError, match="No such file"):
        KastorServer(flags(cluster, "--db-password-file", f"{file}.none")).start()


def test_on_the_command_line_it_brings_a_warning(cluster: Cluster) -> None:
    with KastorServer(flags(cluster, password=FIRST)) as server:
        assert httpx2.get(f"{server.url}/kastor/v1/status").status_code == 200
    assert "seen by every user" in server.output
    assert "--db-password-file" in server.output
    assert FIRST not in server.output


@pytest.mark.parametrize("way", ["KASTOR_DB", "PGPASSFILE", "PGPASSWORD", "toml"])
def test_elsewhere_it_brings_none(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    schema = ("--graph-schema", f"g{uuid4().hex[:12]}")
    given: tuple[str, ...] = ("--db", address(cluster), *schema)
    if way == "KASTOR_DB":
        monkeypatch.setenv(way, address(cluster, FIRST))
        given = schema
    elif way == "PGPASSWORD":
        monkeypatch.setenv(way, FIRST)
    elif way == "PGPASSFILE":
        file = tmp_path / "pgpass"
        file.write_text(f"*:*:*:guarded:{FIRST}\n")
        file.chmod(0o600)
        monkeypatch.setenv(way, str(file))
    else:
        file = tmp_path / "kastor.toml"
        file.write_text(f'db = "{address(cluster, FIRST)}"\n')
        given = (*schema, "--config", str(file))
    with KastorServer(given) as server:
        assert httpx2.get(f"{server.url}/kastor/v1/status").status_code == 200
        command = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
    assert FIRST.encode() not in command
    assert FIRST not in server.output
    assert "warning" not in server.output


def copy(*places: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kastor", "copy", "--quiet", *places],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )


def test_copies_show_none_either(cluster: Cluster, file: Path, tmp_path: Path) -> None:
    places = []
    for name in ("one", "two"):
        with KastorServer(data_dir=tmp_path / name) as server:
            model = {"@id": "dtmi:p:A;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
            params = {"api-version": "2023-10-31"}
            assert httpx2.post(f"{server.url}/models", params=params, json=[model]).is_success
        places.append(str(tmp_path / name / "graphs" / "default.sqlite3"))
    schema = f"graph_schema=copy_{uuid4().hex[:8]}"
    named = copy(places[0], f"{address(cluster)}?{schema}&password_file={file}")
    assert named.returncode == 0, named.stderr
    assert "warning" not in named.stderr
    told = copy(places[1], f"{address(cluster, FIRST)}?{schema}")
    assert told.returncode == 1
    assert "holds another graph" in told.stderr
    assert "seen by every user" in told.stderr
    refused = copy(places[0], f"{address(cluster, 'wr0ng-one')}?{schema}")
    assert "password authentication failed" in refused.stderr
    broken = copy(places[0], f"postgresql://guarded:a/{FIRST}@127.0.0.1:{cluster.port}/postgres")
    assert "percent-encode" in broken.stderr
    for done in (named, told, refused, broken):
        assert FIRST not in done.stdout + done.stderr
        assert "wr0ng" not in done.stdout + done.stderr
