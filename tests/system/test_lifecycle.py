"""The life of a server: it lets go without losing a request, and reads anew what it was told."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import apsw
import httpx2
import pytest

from kastor.server.certificate import ensure_development_certificate
from tests.metrics.scrape import scrape

from .drain_load import DrainLoad
from .program import COMMAND, Served, environment, refused, serving
from .test_shutdown import _begin as begin_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 10.0


def until(true: Any, *, seconds: float = SECONDS) -> Any:
    """What a question answers once that is true."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def events(served: Served) -> list[dict[str, Any]]:
    return [json.loads(line) for line in served.log]


def logged(served: Served, event: str) -> dict[str, Any]:
    """The line of the log that tells of an event; waited for."""

    def find() -> dict[str, Any] | None:
        return next((each for each in events(served) if each["event"] == event), None)

    found: dict[str, Any] = until(find)
    return found


class TestDrain:
    def test_under_load_nothing_is_lost_and_every_request_is_answered(self, tmp_path: Path) -> None:
        served = Served(tmp_path)
        load = DrainLoad(served.address)
        load.prepare()
        load.start()
        until(lambda: len(load.acknowledged) == 8)
        time.sleep(0.3)
        served.process.terminate()
        load.join()
        assert served.process.wait(SECONDS) == 0
        assert (load.faults, set(load.outcomes)) == ([], {"200"})
        assert load.closings >= 8
        database = apsw.Connection(str(tmp_path / "graphs" / "default.sqlite3"))
        rows = database.execute("SELECT id, doc ->> '$.size' FROM twins").fetchall()
        database.close()
        assert load.lost({str(row[0]): int(str(row[1])) for row in rows}) == []

    def test_requests_are_taken_while_load_balancers_notice(self, tmp_path: Path) -> None:
        with serving(tmp_path, KASTOR_DRAIN_SECONDS="1") as served:
            with httpx2.Client(base_url=served.url) as client:
                assert client.get("/readyz").status_code == 200
                served.process.terminate()
                started = time.monotonic()
                answer = until(lambda: (got := client.get("/readyz")).status_code == 503 and got)
                assert "about to end" in answer.text
                assert answer.headers["connection"] == "close"
                assert client.get("/healthz").status_code == 200
                time.sleep(0.5)
                assert client.get("/healthz").status_code == 200
            assert served.process.wait(SECONDS) == 0
            assert 0.9 < time.monotonic() - started < 4
            assert logged(served, "drain began")["drain_seconds"] == 1
            assert logged(served, "drain ended")["requests_cut"] == 0

    def test_a_stream_ends_as_one_that_is_whole(self, tmp_path: Path) -> None:
        with (
            serving(tmp_path) as served,
            httpx2.stream("GET", f"{served.url}/kastor/v1/events", timeout=20) as answer,
        ):
            served.process.terminate()
            assert list(answer.iter_bytes()) is not None  # no RemoteProtocolError
            assert served.process.wait(SECONDS) == 0

    def test_what_is_cut_off_is_told_so(self, tmp_path: Path) -> None:
        with (
            serving(tmp_path, KASTOR_SHUTDOWN_SECONDS="0.5") as served,
            begin_request(served) as connection,
        ):
            served.process.terminate()
            answer = connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"not known what became of it" in answer
            assert served.process.wait(SECONDS) == 0
            assert logged(served, "drain ended")["requests_cut"] == 1
            assert {each["event"] for each in events(served)} == {"drain began", "drain ended"}

    @pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGQUIT])
    def test_a_second_signal_ends_it_at_once(self, tmp_path: Path, second: signal.Signals) -> None:
        with (
            serving(tmp_path, KASTOR_SHUTDOWN_SECONDS="60") as served,
            begin_request(served) as connection,
        ):
            served.process.terminate()
            logged(served, "drain began")
            started = time.monotonic()
            served.process.send_signal(second)
            assert connection.recv(4096).startswith(b"HTTP/1.1 503")
            assert served.process.wait(SECONDS) == 0
            assert time.monotonic() - started < 3


def _lines(audit: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in audit.read_text().splitlines()]


def _clients(audit: Path) -> list[str]:
    return [each["client"] for each in _lines(audit) if each["event"] == "refused"]


@contextmanager
def configured(folder: Path, text: str, *arguments: str) -> Iterator[tuple[Served, Path]]:
    """A server with a configuration file, and the file."""
    file = folder / "kastor.toml"
    file.write_text(text)
    with serving(folder / "data", "--config", str(file), *arguments) as served:
        yield served, file


class TestReload:
    def test_what_can_change_does_and_what_cannot_is_named(self, tmp_path: Path) -> None:
        with configured(tmp_path, "max_query_page = 50\n") as (served, file):
            preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
            with httpx2.Client(base_url=served.url) as client:  # one connection before and after
                assert client.get("/docs").status_code == 200
                file.write_text(
                    "max_query_page = 3\nmax_body_bytes = 100\nmax_connections = 9\n"
                    'max_routes = 3\naccess_log = true\nhost = "127.0.0.2"\n'
                )
                served.process.send_signal(signal.SIGHUP)
                done = logged(served, "the configuration was read again")
                assert done["changed"] == [
                    *("access_log", "max_body_bytes", "max_connections", "max_query_page")
                ]
                later = "changed, but needs a restart: host, max_routes"
                assert logged(served, later)["settings"] == ["host", "max_routes"]
                body = {"query": "SELECT * FROM DIGITALTWINS" + " " * 100}
                url = "/query?api-version=2023-10-31"
                assert client.post(url, json=body).status_code == 413
                assert logged(served, "request")["status"] == 413
                assert client.options("/models", headers=preflight).status_code != 200
            found = scrape(served.url)
            assert found("reloads_total", outcome="done", worker="0") == 1

    def test_an_invalid_one_changes_nothing_and_every_fault_is_told(self, tmp_path: Path) -> None:
        with configured(tmp_path, "access_log = false\n") as (served, file):
            file.write_text('access_log = true\ncolour = 1\nmax_routes = "many"\n')
            served.process.send_signal(signal.SIGHUP)
            told = logged(served, "the configuration is invalid; everything stays as it was")
            assert [each.split()[0] for each in told["faults"]] == ["max_routes:", "There"]
            assert httpx2.get(f"{served.url}/healthz").status_code == 200
            file.unlink()
            served.process.send_signal(signal.SIGHUP)
            until(lambda: len(served.log) == 2)
            assert "does not exist" in served.log[1]
            found = scrape(served.url)
            assert found("reloads_total", outcome="refused", worker="0") == 2

    def test_on_a_server_without_tokens_nobody_new_is_let_in(self, tmp_path: Path) -> None:
        with configured(tmp_path, "") as (served, file):
            file.write_text('cors_origin = ["https://a.example"]\n')
            served.process.send_signal(signal.SIGHUP)
            logged(served, "changed, but needs a restart: cors_origin")
            answer = httpx2.get(f"{served.url}/", headers={"Origin": "https://a.example"})
            assert answer.status_code == 403

    def test_origins_and_addresses_change_where_callers_are_known(self, tmp_path: Path) -> None:
        origin = {"Origin": "https://a.example"}
        with (
            configured(tmp_path, "", "--auth", "tokens") as (served, file),
            httpx2.Client(base_url=served.url, headers=origin) as client,
        ):
            assert "access-control-allow-origin" not in client.get("/").headers
            file.write_text(
                'cors_origin = ["https://a.example"]\npublic_url = "https://twins.example"\n'
            )
            served.process.send_signal(signal.SIGHUP)
            logged(served, "the configuration was read again")
            answer = client.get("/")  # over the same connection
            assert answer.headers["access-control-allow-origin"] == "https://a.example"
            assert answer.json()["links"]["docs"] == "https://twins.example/docs"

    def test_a_proxy_that_is_trusted_no_more_names_no_clients(self, tmp_path: Path) -> None:
        limit = "failed_access_limit = 1\n"
        text = f'trusted_proxies = ["127.0.0.1"]\n{limit}'
        with (
            configured(tmp_path, text, "--auth", "tokens") as (served, file),
            httpx2.Client(base_url=served.url) as client,
        ):

            def refused() -> list[int]:
                said = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(2)]
                return [client.get("/models", headers=each).status_code for each in said]

            assert refused() == [401, 401]
            file.write_text(limit)
            served.process.send_signal(signal.SIGHUP)
            logged(served, "the configuration was read again")
            assert refused() == [401, 429]
            audit = tmp_path / "data" / "audit" / "audit.ndjson"
            clients = until(lambda: len(found := _clients(audit)) == 4 and found)
        assert clients == ["192.0.2.0", "192.0.2.1", "127.0.0.1", "127.0.0.1"]
        told = [each for each in _lines(audit) if each["event"] == "reloaded"]
        assert [(each["changed"], each["trusted_proxies"]) for each in told] == [
            (["trusted_proxies"], [])
        ]

    def test_a_terminal_that_goes_away_ends_the_server(self, tmp_path: Path) -> None:
        leader, follower = pty.openpty()
        command = [*COMMAND, "serve", "--port", "0", "--data", str(tmp_path)]
        # Who started the tests may have gone on without a terminal (nohup).
        code = "import os,signal,sys;signal.signal(signal.SIGHUP,signal.SIG_DFL);"
        code += "os.setsid();os.open(os.ttyname(0),os.O_RDWR);os.execv(sys.argv[1],sys.argv[1:])"
        process = subprocess.Popen(
            [COMMAND[0], "-c", code, *command],
            env=environment(),
            stdin=follower,
            stdout=follower,
            stderr=subprocess.DEVNULL,
        )
        os.close(follower)
        try:
            text = b""
            while b"Stop with" not in text:
                text += os.read(leader, 4096)
            os.close(leader)
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()
            process.wait()


def _presented(address: tuple[str, int]) -> bytes:
    """The certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(address, timeout=SECONDS) as plain,
        context.wrap_socket(plain) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


class TestCertificates:
    def test_new_connections_get_the_new_one_and_old_ones_go_on(self, tmp_path: Path) -> None:
        first = ensure_development_certificate(tmp_path / "first", "127.0.0.1")
        second = ensure_development_certificate(tmp_path / "second", "127.0.0.1")
        cert, key = tmp_path / "chain.pem", tmp_path / "key.pem"

        def install(text: bytes, key_text: bytes) -> None:
            cert.write_bytes(text)
            key.write_bytes(key_text)

        install(first.certificate.read_bytes(), first.key.read_bytes())
        arguments = ("--tls-cert", str(cert), "--tls-key", str(key))
        trusting = ssl.create_default_context(cafile=first.authority)
        with (
            serving(tmp_path / "data", *arguments) as served,
            httpx2.Client(base_url=served.url, verify=trusting) as old,
        ):
            assert old.get("/healthz").status_code == 200
            before = _presented(served.address)
            install(second.certificate.read_bytes(), first.key.read_bytes())
            served.process.send_signal(signal.SIGHUP)
            told = logged(served, "the certificate is invalid; everything stays as it was")
            assert str(cert) in told["reason"]
            assert _presented(served.address) == before
            install(second.certificate.read_bytes(), second.key.read_bytes())
            served.process.send_signal(signal.SIGHUP)
            logged(served, "a new certificate is served")
            logged(served, "the configuration was read again")
            after = _presented(served.address)
            assert after == ssl.PEM_cert_to_DER_cert(second.certificate.read_text())
            assert after != before
            found = old.get("/metrics")  # over the connection with the old one
            assert "kastor_certificate_expiry_timestamp_seconds{" in found.text


class TestUnreachableDatabase:
    def test_what_will_not_pass_ends_the_start_at_once(self, tmp_path: Path) -> None:
        told = refused(
            *("serve", "--data", tmp_path, "--db", "postgresql://u@127.0.0.1/x"),
            *("--db-password-file", tmp_path / "none"),
        )
        assert "its password cannot be read" in told  # and nothing else: no line of a wait

    def test_it_is_waited_for_and_given_up(self, tmp_path: Path) -> None:
        address = "postgresql://u:secret-word@127.0.0.1:1/x"
        told = refused("serve", "--data", tmp_path, "--db-wait", "0", KASTOR_DB=address)
        assert "cannot be used now" in told
        assert "--db-wait" in told
        assert "secret-word" not in told

    @pytest.mark.parametrize(
        ("workers", "number", "status"),
        [("1", signal.SIGTERM, 0), ("2", signal.SIGTERM, 0), ("1", signal.SIGINT, 130)],
    )
    def test_it_ends_at_once_when_it_is_told_to(
        self, tmp_path: Path, workers: str, number: signal.Signals, status: int
    ) -> None:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--data", str(tmp_path), "--workers", workers],
            env=environment(KASTOR_DB="postgresql://u:secret-word@127.0.0.1:1/x"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        first = json.loads(process.stderr.readline())
        assert first["event"] == "waiting for the database"
        assert "secret-word" not in json.dumps(first)
        started = time.monotonic()
        process.send_signal(number)
        _, rest = process.communicate(timeout=SECONDS)
        assert (process.returncode, time.monotonic() - started < 3) == (status, True)
        assert "Traceback" not in rest
