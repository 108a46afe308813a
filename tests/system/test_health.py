"""`kastor health`: what a health check is told of a server that is there, is not, or is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kastor.cli import health
from kastor.cli.connection import DEFAULT_URL
from kastor.config import Settings

from .program import invoked, serving


def answer_of(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


NOT_READY = b'{"error":{"code":"ServiceUnavailable","message":"Not ready, upkeep: ended"}}'


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Something that answers everybody the same and goes away."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    connection.recv(4096)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.parametrize("flags", [(), ("--tls-dev",)], ids=["http", "https"])
def test_a_server_is_ready_however_it_was_told_to_listen(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    with serving(tmp_path / "data", *flags) as server:
        port = str(server.address[1])
        file = tmp_path / "kastor.toml"
        file.write_text(f'host = "0.0.0.0"\nport = {port}\ntls_dev = true\nmax_graphs = -1\n')
        asked = [
            invoked("health", KASTOR_PORT=port),
            invoked("health", KASTOR_PORT=port, KASTOR_HOST="0.0.0.0"),
            invoked("health", KASTOR_PORT=port, KASTOR_TLS_DEV="true"),
            invoked("health", "--config", file),
            invoked("health", "--url", server.url, KASTOR_PORT="1"),
        ]
        assert [(done.returncode, done.stdout) for done in asked] == [(0, "ready\n")] * 5
        assert not [line for line in server.log if "others could use" not in line]
    done = invoked("health", KASTOR_PORT=port)
    assert done.returncode == 6
    assert f"kastor: No server answers at http://127.0.0.1:{port}: Connection refused." in (
        done.stderr
    )


def test_what_keeps_a_server_from_being_ready_is_told() -> None:
    with answering(answer_of(503, NOT_READY)) as port:
        done = invoked("health", KASTOR_PORT=str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "kastor: Not ready, upkeep: ended\n"


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 OK\r\n\r\n"])
def test_what_speaks_no_http_is_no_server(answer: bytes) -> None:
    with answering(answer) as port:
        done = invoked("health", KASTOR_PORT=str(port))
    assert done.returncode == 6
    assert done.stderr.startswith(f"kastor: No server answers at http://127.0.0.1:{port}: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"status":"ok"}', b'{"error":"x"}', b"[" * 50_000]
)
def test_whoever_else_answers_is_no_server(body: bytes) -> None:
    with answering(answer_of(200, body)) as port:
        done = invoked("health", KASTOR_PORT=str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "kastor: It answers 200, but not as Kastor does. Is this the address?\n"


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = invoked("health", KASTOR_PORT=str(listener.getsockname()[1]))
    assert done.returncode == 6
    assert "timed out" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (("--url", "ftp://x"), {}, "ftp://x is no address of a server"),
        (("--url", "http://[x"), {}, "http://[x is no address of a server"),
        (("--url", "http://x:99999"), {}, "http://x:99999 is no address of a server"),
        ((), {"KASTOR_PORT": "0"}, "The port 0 cannot be asked."),
        ((), {"KASTOR_PORT": "many"}, "The port many cannot be asked."),
        (("--config", "/nowhere"), {}, "/nowhere cannot be read: No such file"),
    ],
)
def test_an_address_that_is_none_is_a_wrong_command_line(
    arguments: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    done = invoked("health", *arguments, **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_it_knows_the_servers_own_defaults(tmp_path: Path) -> None:
    fields = Settings.model_fields
    assert f"http://{fields['host'].default}:{fields['port'].default}" == DEFAULT_URL
    (tmp_path / "kastor.toml").write_text("port = [")
    done = invoked("health", "--config", tmp_path / "kastor.toml")
    assert done.returncode == 2
