"""GET /kastor/v1/backup: a tar of all graphs, each of one instant, for owners, without secrets."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import apsw
import httpx2
import pytest

from kastor.backup.folder import NewBackup
from kastor.backup.manifest import BackupError
from kastor.backup.receiving import receive
from kastor.storage.snapshots import MOST_OPEN
from kastor.testing import KastorServer
from tests.backups import MODEL, VERSION, fill, graph_file, make_large, manifest_of, twin
from tests.system.program import Served, invoked

PATH = "/kastor/v1/backup"
RATE, SECONDS = 200, 2.5


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events") / "events.ndjson"


@pytest.fixture(scope="module")
def guarded(events: Path) -> Any:
    with KastorServer(("--auth", "tokens", "--file-root", str(events.parent))) as server:
        with client(server, "owner") as http:
            fill(http, events)
            assert http.put("/kastor/v1/graphs/second").is_success
            fill(http, events.with_name("second.ndjson"), "/graphs/second")
        yield server


def client(server: KastorServer, role: str) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {server.token(role)}"}
    return httpx2.Client(base_url=server.url, params=VERSION, headers=headers, timeout=60)


def run(server: KastorServer, *arguments: object) -> str:
    done = invoked(*arguments, "--quiet", KASTOR_TOKEN=server.token("owner"))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_owners_get_a_tar_whose_manifest_comes_last(guarded: KastorServer) -> None:
    with client(guarded, "owner") as http:
        answer = http.get(PATH)
        again = http.get("/graphs/second" + PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        names = tar.getnames()
        assert names[-1] == "manifest.json"
        assert {member.mode for member in tar.getmembers()} == {0o600}
        held = {name: tar.extractfile(name).read() for name in names}  # type: ignore[union-attr]
    manifest = json.loads(held.pop("manifest.json"))
    assert [graph["name"] for graph in manifest["graphs"]] == ["default", "second"]
    for graph in manifest["graphs"]:
        packed = b"".join(held.pop(f"{graph['name']}.jsonl.zst.{n:06}") for n in range(1, 2))
        assert graph["sha256"] == hashlib.sha256(packed).hexdigest()
        assert "signingKey" not in graph
    assert held == {}
    assert "private" not in manifest
    with tarfile.open(fileobj=io.BytesIO(again.content)) as tar:
        assert tar.getnames() == names, "of the whole server, whichever graph is named"


def test_nobody_else_gets_any_of_it(guarded: KastorServer) -> None:
    for role in ("reader", "sender"):
        with client(guarded, role) as http:
            assert http.get(PATH).status_code == 403
    assert httpx2.get(guarded.url + PATH).status_code == 401


def test_the_command_writes_the_folder_and_tells_of_faults(
    guarded: KastorServer, tmp_path: Path
) -> None:
    told = run(guarded, "backup", tmp_path / "b", "--url", guarded.url)
    assert "Backed up 2 graphs" in told
    files = {path.name for path in (tmp_path / "b").iterdir()}
    assert files == {"manifest.json", "default.jsonl.zst", "second.jsonl.zst"}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "b").iterdir()} == {0o600}
    run(guarded, "restore", tmp_path / "b", "--data", tmp_path / "r")
    with client(guarded, "owner") as http:
        (tmp_path / "b.tar").write_bytes(http.get(PATH).content)
    run(guarded, "restore", tmp_path / "b.tar", "--data", tmp_path / "s")
    run(guarded, "backup", tmp_path / "c", "--data", tmp_path / "s")
    tables = [[each["tables"] for each in manifest_of(tmp_path / n)["graphs"]] for n in "bc"]
    assert tables[0] == tables[1]
    denied = invoked("backup", tmp_path / "d", "--url", guarded.url, "-q")
    assert "The server wants a token" in denied.stderr
    assert list((tmp_path / "d").iterdir()) == []
    token = guarded.token("reader")
    denied = invoked("backup", tmp_path / "d", "--url", guarded.url, "-q", KASTOR_TOKEN=token)
    assert "has no role that allows kastor/backup/read" in denied.stderr


def test_a_stream_that_breaks_off_leaves_nothing_whole(
    guarded: KastorServer, tmp_path: Path
) -> None:
    with client(guarded, "owner") as http:
        whole = http.get(PATH).content
    manifest = whole.index(b"manifest.json\0")
    for n, length in enumerate((0, 100, 512, 5_000, manifest, manifest + 600)):
        new = NewBackup(tmp_path / str(n))
        with pytest.raises(BackupError):
            receive(io.BytesIO(whole[:length]), new)
        assert not (tmp_path / str(n) / "manifest.json").exists()
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        done = invoked("restore", tmp_path / "cut.tar", "--data", tmp_path / "data", "-q")
        assert done.returncode == 1
        assert "backup is cut off" in done.stderr or "is damaged" in done.stderr
    damaged = bytearray(whole)
    damaged[2_000] ^= 1
    with pytest.raises(BackupError, match="is damaged"):
        receive(io.BytesIO(damaged), NewBackup(tmp_path / "damaged"))
    with pytest.raises(BackupError, match="which is no file of a backup"):
        receive(io.BytesIO(_linking()), NewBackup(tmp_path / "links"))
    assert not (tmp_path / "data").exists()


def test_two_backups_at_once_do_not_take_each_others_files(
    guarded: KastorServer, tmp_path: Path
) -> None:
    with client(guarded, "owner") as http:
        whole = http.get(PATH).content
    first = NewBackup(tmp_path / "b")
    with pytest.raises(BackupError, match="Another backup is being written"):
        NewBackup(tmp_path / "b")
    receive(io.BytesIO(whole), first)
    first.abandon()  # late: it is finished
    with pytest.raises(BackupError, match="is not empty"):
        NewBackup(tmp_path / "b")
    run(guarded, "restore", tmp_path / "b", "--data", tmp_path / "s")
    killed = NewBackup(tmp_path / "c")
    with killed.file("default.jsonl.zst"):
        pass
    assert killed._lock is not None
    killed._lock.release()  # as the end of its process does
    receive(io.BytesIO(whole), NewBackup(tmp_path / "c"))


def _linking() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        info = tarfile.TarInfo("default.jsonl.zst.000001")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    return made.getvalue()


@pytest.mark.skipif(
    os.environ.get("KASTOR_TEST_ENGINE") == "postgres", reason="its graph is written as a file"
)
def test_a_client_that_goes_away_ends_its_backup(tmp_path: Path) -> None:
    """As many as may be open at once: another one is refused, until they have gone away."""
    make_large(graph_file(tmp_path / "data"), 24)  # more than sockets hold
    with (
        KastorServer(data_dir=tmp_path / "data") as server,
        httpx2.Client(base_url=server.url, params=VERSION, timeout=60) as http,
    ):
        readers: list[Iterator[bytes]] = []
        with ExitStack() as stack:
            for _ in range(MOST_OPEN):
                answer = stack.enter_context(http.stream("GET", PATH))
                assert answer.status_code == 200
                readers.append(answer.iter_raw(512))  # one that is dropped closes its connection
                assert next(readers[-1])
            refused = http.get(PATH)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
        deadline = time.monotonic() + 20
        while http.get(PATH).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not list((tmp_path / "data").rglob("*.snapshot"))


class TestJobs:
    PATH = "/kastor/v1/jobs/backups"

    def ended(self, http: httpx2.Client, location: str) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while True:
            job: dict[str, Any] = http.get(location).json()
            if job["status"] in ("succeeded", "failed", "cancelled"):
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.02)

    def test_a_job_writes_the_tar_into_a_location(
        self, guarded: KastorServer, tmp_path: Path
    ) -> None:
        uri = f"exchange/default/{uuid4()}.tar"
        with client(guarded, "owner") as http:
            begun = http.post(self.PATH, json={"outputBlobUri": uri})
            assert begun.status_code == 202, begun.text
            job = self.ended(http, begun.headers["location"])
            assert job["status"] == "succeeded", job
            assert job["outputBlobUri"] == uri
            assert job["counts"] == {"graphs": 2}
            tar = guarded.data_dir / uri
            assert job["progress"] == {
                "done": tar.stat().st_size, "of": tar.stat().st_size, "unit": "bytes"
            }  # fmt: skip
            run(guarded, "restore", tar, "--data", tmp_path / "r")
            again = http.post(self.PATH, json={"outputBlobUri": uri})
            taken = self.ended(http, again.headers["location"])
            assert taken["status"] == "failed", "nothing is replaced"
            assert taken["error"]["code"] == "UnableToWriteToOutputBlob"

    def test_what_is_no_place_begins_no_job(self, guarded: KastorServer) -> None:
        with client(guarded, "owner") as http:
            before = http.get(self.PATH).json()["value"]
            for body in ({}, {"outputBlobUri": 1}, {"outputBlobUri": "file:///etc/b.tar"}):
                refused = http.post(self.PATH, json=body)
                assert refused.status_code == 400
                assert refused.json()["error"]["code"] == "InvalidArgument"
            assert http.get(self.PATH).json()["value"] == before
        with client(guarded, "reader") as http:
            uri = {"outputBlobUri": "exchange/default/r.tar"}
            assert http.post(self.PATH, json=uri).status_code == 403


class Writer:
    """Makes twins at a rate, over several connections, and knows which were acknowledged."""

    def __init__(self, url: str, threads: int = 4) -> None:
        self._url = url
        self._stop = threading.Event()
        self.made: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=(n, RATE / threads)) for n in range(threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int, rate: float) -> None:
        with httpx2.Client(base_url=self._url, params=VERSION, timeout=30) as http:
            begun, n = time.monotonic(), 0
            while not self._stop.is_set():
                name, n = f"w{number}-{n}", n + 1
                assert http.put(f"/digitaltwins/{name}", json=twin(n)).is_success
                self.made.append(name)
                time.sleep(max(0.0, begun + n / rate - time.monotonic()))


def subjects(file: Path) -> list[str]:
    lines = file.read_bytes().splitlines() if file.exists() else []
    return [json.loads(line)["subject"] for line in lines]


def test_a_backup_under_load_is_an_instant_and_routes_go_on_from_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    events, roots = outside / "events.ndjson", ("--file-root", str(outside))
    with (
        KastorServer(roots, data_dir=tmp_path / "data") as server,
        httpx2.Client(base_url=server.url, params=VERSION, timeout=30) as http,
    ):
        assert http.post("/models", json=[MODEL]).is_success
        settings = {"kind": "file", "settings": {"path": str(events)}}
        assert http.put("/kastor/v1/endpoints/log", json=settings).is_success
        route = {"endpointName": "log", "filter": "type = 'Microsoft.DigitalTwins.Twin.Create'"}
        assert http.put("/eventroutes/r", json=route).is_success
        with Writer(server.url) as writer:
            time.sleep(SECONDS / 2)
            before = list(writer.made)
            assert invoked("backup", tmp_path / "b", "--url", server.url, "-q").returncode == 0
            after = set(writer.made)
            time.sleep(SECONDS / 4)
            assert http.post("/kastor/v1/routes/r/pause").is_success
    assert len(writer.made) > RATE * SECONDS / 4, "the load was none"
    done = invoked("restore", tmp_path / "b", "--data", tmp_path / "r", "-q")
    assert done.returncode == 0, done.stderr
    connection = apsw.Connection(str(graph_file(tmp_path / "r")))
    twins = {name for (name,) in connection.execute("SELECT id FROM twins")}
    logged = {
        name
        for (name,) in connection.execute("SELECT subject FROM changes WHERE kind LIKE 'Twin%'")
    }
    ((position, head),) = connection.execute(
        "SELECT r.position, (SELECT max(seq) FROM changes) FROM routes r"
    ).fetchall()
    behind = {
        name
        for (name,) in connection.execute(
            "SELECT subject FROM changes WHERE kind LIKE 'Twin%' AND seq > ?", (position,)
        )
    }
    connection.close()
    assert twins == logged, "a twin and its entry are of one instant"
    assert set(before) <= twins <= after
    assert manifest_of(tmp_path / "b")["graphs"][0]["position"] == head
    sent_before = set(subjects(events))
    assert logged - behind <= sent_before, "what the backup has as delivered was delivered"
    events.rename(outside / "first.ndjson")
    served = Served(tmp_path / "r", *roots)
    try:
        with httpx2.Client(base_url=served.url, params=VERSION) as http:
            assert http.put("/digitaltwins/afterwards", json=twin()).is_success
        deadline = time.monotonic() + 20
        while "afterwards" not in subjects(events):
            assert time.monotonic() < deadline, "the route does not go on"
            time.sleep(0.05)
    finally:
        served.stop()
    assert behind <= set(subjects(events)), "events were lost"
