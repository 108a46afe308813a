"""Real stores of objects for tests: Azure's emulator Azurite, and SeaweedFS for S3."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

import obstore
import pytest
from obstore.store import AzureStore, S3Store

from tests.npm import packages
from tests.ports import free_port
from tests.programs import need

NPM = Path(__file__).parent / "npm"
START_SECONDS = 30.0
ACCOUNT = "devstoreaccount1"
# Not secret: every copy of the emulator has it.
AZURITE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
CONTAINER = "jobs"
S3_ID, S3_SECRET = "kastor-tests", "a-secret-of-the-tests"
GRPC = 10_000
"""SeaweedFS takes further ports, so much above each that it is told."""


@dataclass(frozen=True)
class Stored:
    """A server with one container or bucket, `jobs`.

    Attributes:
        prefix: what its objects' URIs begin with, without a slash at the end.
        setting: a table of `job_location` that opens it.
        client: obstore's, with all rights.
        parts: where S3's server lists what was begun in parts and not ended.
    """

    prefix: str
    setting: dict[str, Any]
    client: Any
    parts: str = ""

    def put(self, name: str, content: bytes) -> str:
        """Put an object; return its URI."""
        obstore.put(self.client, name, content)
        return f"{self.prefix}/{quote(name)}"

    def get(self, name: str) -> bytes:
        return bytes(obstore.get(self.client, name).bytes())

    def unfinished(self) -> list[str]:
        """Return the uploads that were begun in parts, and neither completed nor aborted."""
        request = urllib.request.Request(self.parts, headers={"Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                entries = json.load(answer)["Entries"] or []
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return []
        return [str(each["FullPath"]) for each in entries]

    def names(self) -> list[str]:
        return sorted(each["path"] for part in obstore.list(self.client) for each in part)


@contextmanager
def azurite(folder: Path) -> Iterator[Stored]:
    """Azurite with its container; the test is skipped where it cannot be had."""
    script = packages(NPM) / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    port = free_port()
    options = ["--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck"]
    command = [str(need("node")), str(script), *options, "--silent", "--disableTelemetry"]
    url = f"http://127.0.0.1:{port}/{ACCOUNT}"
    client = AzureStore(
        CONTAINER,
        account_name=ACCOUNT,
        account_key=AZURITE_KEY,
        endpoint=url,
        credential_type="access_key",
        client_options={"allow_http": True},
    )
    with _running(command, folder, dict(os.environ), lambda: _make_container(port)):
        setting = {"prefix": f"{url}/{CONTAINER}", "account_key": {"env": "KASTOR_SECRET_AZURE"}}
        yield Stored(f"{url}/{CONTAINER}", setting, client)


@contextmanager
def seaweed(folder: Path) -> Iterator[Stored]:
    """SeaweedFS with its bucket; the test is skipped where it cannot be had."""
    ports = {name: low_port() for name in ("s3", "master", "filer", "volume", "admin")}
    command = [str(need("weed")), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += [f"-bucket={CONTAINER}", "-admin.ui=false", "-webdav=false"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    keys = {"AWS_ACCESS_KEY_ID": S3_ID, "AWS_SECRET_ACCESS_KEY": S3_SECRET}
    endpoint = f"http://127.0.0.1:{ports['s3']}"
    client = S3Store(
        CONTAINER,
        endpoint=endpoint,
        access_key_id=S3_ID,
        secret_access_key=S3_SECRET,
        region="us-east-1",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    with _running(command, folder, {**os.environ, **keys}, lambda: obstore.put(client, "up", b"")):
        obstore.delete(client, "up")
        setting = {
            "prefix": f"s3://{CONTAINER}/",
            "endpoint": endpoint,
            "access_key_id": S3_ID,
            "secret_access_key": {"env": "KASTOR_SECRET_S3"},
        }
        parts = f"http://127.0.0.1:{ports['filer']}/buckets/{CONTAINER}/.uploads/"
        yield Stored(f"s3://{CONTAINER}", setting, client, parts)


def sas_of(url: str, rights: str = "rcw", *, minutes: float = 30) -> str:
    """Return a URL of a blob in Azurite with a shared access signature for that blob alone."""
    path = urlsplit(url).path.removeprefix(f"/{ACCOUNT}")
    begin, end = (
        (datetime.now(UTC) + timedelta(minutes=each)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for each in (-5, minutes)
    )
    version, kind = "2021-12-02", "b"
    resource = f"/blob/{ACCOUNT}{path}"
    signed = [rights, begin, end, resource, "", "", "http,https", version, kind, *[""] * 7]
    parts = {"sv": version, "sr": kind, "sp": rights, "st": begin, "se": end, "spr": "http,https"}
    parts["sig"] = _signature("\n".join(signed))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parts.items())
    return f"{url}?{query}"


def low_port() -> int:
    """Return a port for which a second one, `GRPC` above, is free as well."""
    while True:
        port = free_port()
        if port + GRPC < 65_536:
            with socket.socket() as above:
                if above.connect_ex(("127.0.0.1", port + GRPC)):
                    return port


@contextmanager
def _running(
    command: list[str], folder: Path, environment: dict[str, str], ready: Callable[[], object]
) -> Iterator[None]:
    with (folder / "said.log").open("wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            _wait(process, ready, said)
            yield
        finally:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], object], said: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ready()
        except Exception as error:  # noqa: BLE001 - not yet there, in whatever words
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{Path(str(said.name)).read_text()[-1000:]}: {error}")
            time.sleep(0.1)
        else:
            return


def _make_container(port: int) -> None:
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-date": now, "x-ms-version": "2021-12-02"}
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    path = f"/{ACCOUNT}/{CONTAINER}"
    signed = "PUT" + "\n" * 12 + f"{lines}/{ACCOUNT}{path}\nrestype:container"
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{_signature(signed)}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        "PUT", f"{path}?restype=container", headers={**headers, "Content-Length": "0"}
    )
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()


def _signature(text: str) -> str:
    key = base64.b64decode(AZURITE_KEY)
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
