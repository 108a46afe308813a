"""`kastor doctor`: each thing that can be wrong is made wrong, and it says what to mend."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import httpx2
import pytest

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.server.doctor import data, machine, reach
from kastor.server.doctor.findings import State
from kastor.testing import KastorServer
from tests.metrics.scrape import VERSION
from tests.otel.collector import Collector
from tests.ports import free_port


def examined(*arguments: object, status: int = 0, **variables: str) -> dict[str, Any]:
    """What it says as JSON."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KASTOR_")}
    done = subprocess.run(
        [sys.executable, "-m", "kastor", "doctor", "--json", *map(str, arguments)],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["ok"] is (status == 0)
    for each in found["checks"]:
        assert bool(each["cure"]) is (each["state"] != "ok"), each
    return found


def of(found: dict[str, Any], check: str, state: str | None = None) -> list[dict[str, Any]]:
    return [
        each
        for each in found["checks"]
        if each["check"] == check and (state is None or each["state"] == state)
    ]


def only(found: dict[str, Any], check: str, state: str) -> dict[str, Any]:
    chosen = of(found, check, state)
    assert len(chosen) == 1, found
    return chosen[0]


def files(folder: Path) -> list[Path]:
    """All files, without those of the search index, which the server itself makes meanwhile."""
    return sorted(each for each in folder.rglob("*") if "search" not in each.name)


@pytest.fixture
def port() -> int:
    return free_port()


def config(tmp_path: Path, port: int, text: str = "") -> Path:
    file = tmp_path / "kastor.toml"
    file.write_text(f"port = {port}\n{text}")
    return file


class TestWell:
    def test_before_the_first_start_nothing_is_made(self, tmp_path: Path, port: int) -> None:
        folder = tmp_path / "data"
        found = examined("--data", folder, KASTOR_PORT=str(port))
        assert not of(found, "graph", "fail")
        assert "a start makes it" in only(found, "graph", "ok")["told"]
        assert not folder.exists()

    def test_beside_a_server_with_a_graph(self) -> None:
        with KastorServer() as server:
            before = files(server.data_dir)
            port = server.url.rpartition(":")[2]
            found = examined("--data", server.data_dir, KASTOR_PORT=port)
            assert "no damage" in only(found, "graph", "ok")["told"]
            assert "of the server running" in only(found, "port", "ok")["told"]
            assert files(server.data_dir) == before
            assert httpx2.get(f"{server.url}/models", params=VERSION).status_code == 200

    def test_people_get_lines_and_cures_below(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "kastor", "doctor", "--data", str(tmp_path), "--db", "nonsense"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert done.stdout.startswith("fail  configuration  ")
        assert "kastor docs reference/settings" in done.stdout


class TestWrong:
    def test_settings(self, tmp_path: Path) -> None:
        file = tmp_path / "kastor.toml"
        file.write_text("port = 99999999\nnonsense = 1\n")
        found = examined("--config", file, status=1)
        assert [each["check"] for each in found["checks"]] == ["configuration"] * 2
        assert "port" in found["checks"][0]["told"] + found["checks"][1]["told"]

    def test_a_file_that_is_no_graph_and_a_damaged_one(self, tmp_path: Path, port: int) -> None:
        folder = tmp_path / "data"
        with KastorServer(data_dir=folder):
            pass
        graph = folder / "graphs" / "default.sqlite3"
        size = graph.stat().st_size
        with graph.open("r+b") as file:  # pages behind the first ones
            file.seek(3 * 4096)
            file.write(os.urandom(size - 3 * 4096))
        (folder / "graphs" / "other.sqlite3").write_bytes(b"no database at all" * 1000)
        found = examined("--data", folder, status=1, KASTOR_PORT=str(port))
        told = [each["told"] for each in of(found, "graph", "fail")]
        assert len(told) == 2
        assert any("default" in each for each in told)
        assert any("other" in each for each in told)

    def test_a_graph_of_a_newer_kastor_and_a_clock_set_back(
        self, tmp_path: Path, port: int
    ) -> None:
        folder = tmp_path / "data"
        with KastorServer(data_dir=folder):
            pass
        graph = folder / "graphs" / "default.sqlite3"
        connection = apsw.Connection(str(graph))
        ahead = now_ticks() + 3_600 * TICKS_PER_SECOND
        connection.execute("UPDATE meta SET last_tick = ?", (ahead,))
        found = examined("--data", folder, KASTOR_PORT=str(port))
        assert any("ahead" in each["told"] for each in of(found, "clock", "warn"))
        connection.execute("PRAGMA user_version = 9999")
        connection.close()
        found = examined("--data", folder, status=1, KASTOR_PORT=str(port))
        assert "newer" in only(found, "graph", "fail")["cure"]

    def test_a_port_of_somebody_else(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            taken = listener.getsockname()[1]
            found = examined("--data", tmp_path, status=1, KASTOR_PORT=str(taken))
        assert "in use" in only(found, "port", "fail")["told"]
        found = examined(
            "--data",
            tmp_path,
            status=1,
            KASTOR_HOST="192.0.2.1",
            KASTOR_PORT="9",
            KASTOR_ALLOW_ANONYMOUS="1",
        )
        assert "cannot be listened on" in only(found, "port", "fail")["told"]

    def test_a_database_that_is_not_there(self, tmp_path: Path, port: int) -> None:
        address = f"postgresql://u:secretword@127.0.0.1:{free_port()}/x"
        found = examined("--data", tmp_path, "--db", address, status=1, KASTOR_PORT=str(port))
        assert only(found, "database", "fail")
        assert "secretword" not in json.dumps(found)

    def test_brokers_of_settings_and_of_the_graph(self, tmp_path: Path, port: int) -> None:
        folder, gone = tmp_path / "data", free_port()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            there = listener.getsockname()[1]
            with KastorServer(data_dir=folder) as server:
                for name, number in (("good", there), ("bad", gone)):
                    body = {"kind": "webhook", "settings": {"url": f"http://127.0.0.1:{number}/x"}}
                    place = f"{server.url}/kastor/v1/endpoints/{name}"
                    assert httpx2.put(place, json=body).status_code == 200
            text = (
                f'[endpoints.set]\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {gone}\ntopic = "t"\n'
            )
            found = examined("--data", folder, "--config", config(tmp_path, port, text), status=1)
        assert "endpoint good of default" in only(found, "brokers", "ok")["told"]
        told = sorted(each["told"].partition(":")[0] for each in of(found, "brokers", "fail"))
        assert told == ["endpoint bad of default", "endpoint set of the settings"]

    def test_a_collector(self, tmp_path: Path, port: int) -> None:
        with Collector() as own:
            found = examined(
                "--data", tmp_path, KASTOR_PORT=str(port), KASTOR_OTEL_ENDPOINT=own.url
            )
            assert only(found, "collector", "ok")
            own.status = 401
            found = examined(
                "--data", tmp_path, KASTOR_PORT=str(port), KASTOR_OTEL_ENDPOINT=own.url
            )
            assert "key" in only(found, "collector", "warn")["cure"]
        gone = f"http://127.0.0.1:{free_port()}"
        found = examined("--data", tmp_path, KASTOR_PORT=str(port), KASTOR_OTEL_ENDPOINT=gone)
        assert only(found, "collector", "warn")

    def test_tokens_policy_and_who_is_let_in(self, tmp_path: Path, port: int) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text("nonsense = [")
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "tokens").write_text("no token line\n")
        found = examined(
            *("--data", tmp_path / "data"),
            status=1,
            KASTOR_PORT=str(port),
            KASTOR_AUTH="tokens",
            KASTOR_POLICY=str(policy),
        )
        assert len(of(found, "access", "fail")) == 2
        found = examined("--data", tmp_path / "x", KASTOR_PORT=str(port), KASTOR_AUTH="tokens")
        assert "kastor token create" in only(found, "access", "warn")["cure"]
        found = examined(
            *("--data", tmp_path / "x"),
            KASTOR_PORT=str(port),
            KASTOR_HOST="0.0.0.0",
            KASTOR_ALLOW_ANONYMOUS="1",
        )
        assert only(found, "access", "warn")
        assert only(found, "tls", "warn")


def test_files_that_others_can_read(tmp_path: Path, port: int) -> None:
    (tmp_path / "tokens").write_text("")
    (tmp_path / "tokens").chmod(0o644)
    found = examined("--data", tmp_path, KASTOR_PORT=str(port))
    assert "tokens" in only(found, "data folder", "warn")["told"]
    (tmp_path / "tokens").chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert not of(examined("--data", tmp_path, KASTOR_PORT=str(port)), "data folder", "warn")


class TestCertificate:
    def made(self, folder: Path, *, days: float) -> dict[str, str]:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
        now = datetime.now(UTC)
        begins = now - timedelta(days=30)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(begins)
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.example.org")]), False)
            .sign(key, hashes.SHA256())
        )
        (folder / "c.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (folder / "k.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
        (folder / "k.pem").chmod(0o600)
        return {
            "KASTOR_TLS_CERT": str(folder / "c.pem"),
            "KASTOR_TLS_KEY": str(folder / "k.pem"),
        }

    @pytest.mark.parametrize(("days", "state"), [(100.0, "ok"), (5.0, "warn"), (-1.0, "fail")])
    def test_its_end(self, days: float, state: str, tmp_path: Path, port: int) -> None:
        variables = self.made(tmp_path, days=days)
        found = examined(
            *("--data", tmp_path / "d"),
            status=int(state == "fail"),
            KASTOR_PORT=str(port),
            **variables,
        )
        assert only(found, "tls", state)

    def test_its_names_and_its_key(self, tmp_path: Path, port: int) -> None:
        variables = self.made(tmp_path, days=100) | {"KASTOR_PORT": str(port)}
        folder = ("--data", tmp_path / "d")
        url = {"KASTOR_PUBLIC_URL": "https://twins.example.org", "KASTOR_ALLOW_ANONYMOUS": "1"}
        assert not of(examined(*folder, status=0, **variables, **url), "tls", "warn")
        url["KASTOR_PUBLIC_URL"] = "https://twins.example.com"
        found = examined(*folder, status=0, **variables, **url)
        assert "twins.example.com" in only(found, "tls", "warn")["told"]
        (tmp_path / "k.pem").write_text("no key")
        assert only(examined(*folder, status=1, **variables), "tls", "fail")


class TestPieces:
    def test_a_disk_that_is_nearly_full(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Usage:
            free = 0

        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage)
        for free, state in ((10, State.FAIL), (data.FULL, State.WARN), (2**40, State.OK)):
            Usage.free = free
            assert next(iter(data.check_disk(tmp_path))).state is state

    def test_clocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for kept, state in ((True, State.OK), (None, State.OK), (False, State.WARN)):
            monkeypatch.setattr(machine, "_is_kept", lambda kept=kept: kept)
            assert [each.state for each in machine.check_clock()] == [state]
        monkeypatch.setattr(time, "time", lambda: 0.0)
        assert [each.state for each in machine.check_clock()] == [State.FAIL]

    @pytest.mark.parametrize(
        ("kind", "settings", "places"),
        [
            ("webhook", {"url": "https://u:p@h.example/x"}, [("h.example", 443)]),
            ("webhook", {"url": {"env": "SECRET"}}, []),
            ("kafka", {"brokers": ["a:1", "b", "[::1]:2"]}, [("a", 1), ("b", 9092), ("::1", 2)]),
            ("mqtt", {"host": "m"}, [("m", 1883)]),
            ("mqtt", {"host": "m", "tls": True}, [("m", 8883)]),
            ("amqp", {"url": "amqps://q"}, [("q", 5671)]),
            ("nats", {"servers": ["nats://n:5", "tls://t"]}, [("n", 5), ("t", 4222)]),
            ("nats", {"servers": ["nats://n:notaport"]}, []),
            ("kafka", {"brokers": 7}, []),
            ("stdout", {}, []),
            ("nobody knows", {"url": "http://x"}, []),
        ],
    )
    def test_places(self, kind: str, settings: Any, places: Any) -> None:
        assert reach.places_of(kind, settings) == places
