"""`kastor.testing`: the context manager, and the fixtures of its pytest plugin."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from kastor.testing import KastorServer, StartError, plugin
from tests.postgres.server import database

from .program import PART, ROOM, VERSION, environment, room

if TYPE_CHECKING:
    from collections.abc import Iterator

THEIR_TESTS = '''
"""The tests of somebody who uses Kastor; nothing is imported for the fixtures."""

import httpx2

MODEL = {"@id": "dtmi:their:A;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
SEEN = []


def upload(server):
    url = f"{server.url}/models?api-version=2023-10-31"
    return httpx2.post(url, json=[MODEL]).status_code


def test_first(kastor):
    SEEN.append(kastor.url)
    assert upload(kastor) == 201
    assert upload(kastor) == 409


def test_the_session_shares_one_server(kastor):
    assert SEEN == [kastor.url]
    assert upload(kastor) == 409


def test_empty(kastor_empty):
    assert SEEN == [kastor_empty.url]
    assert upload(kastor_empty) == 201


def test_empty_again(kastor_empty):
    assert upload(kastor_empty) == 201
    assert kastor_empty.credential.get_token("scope").token
'''


def _fill(server: KastorServer) -> None:
    assert httpx2.post(f"{server.url}/models?{VERSION}", json=[ROOM, PART]).status_code == 201
    for name in ("a", "b"):
        answer = httpx2.put(f"{server.url}/digitaltwins/{name}?{VERSION}", json=room())
        assert answer.status_code == 200
    body = {"$relationshipName": "next", "$targetId": "b"}
    path = f"{server.url}/digitaltwins/a/relationships/r?{VERSION}"
    assert httpx2.put(path, json=body).status_code == 200


def _counts(server: KastorServer) -> dict[str, int]:
    token = server.credential.get_token().token
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx2.get(f"{server.url}/kastor/v1/status", headers=headers)
    counts: dict[str, int] = answer.json()["counts"]
    return counts


@pytest.fixture(scope="module")
def server() -> Iterator[KastorServer]:
    with KastorServer() as started:
        yield started


def test_a_start_takes_about_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    started = time.perf_counter()
    with KastorServer() as server:
        seconds = time.perf_counter() - started
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
        folder = server.data_dir
        assert folder.is_dir()
    assert not folder.exists()
    assert server.process.returncode == 0
    with capsys.disabled():
        print(f"\nkastor.testing: a start took {seconds:.2f} s")


def test_a_reset_empties_everything(
    server: KastorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    times = []
    for _ in range(5):
        _fill(server)
        assert _counts(server)["relationships"] == 1
        started = time.perf_counter()
        server.reset()
        times.append(time.perf_counter() - started)
        assert set(_counts(server).values()) == {0}
        answer = httpx2.get(f"{server.url}/digitaltwins/a?{VERSION}")
        assert answer.json()["error"]["code"] == "DigitalTwinNotFound"
    with capsys.disabled():
        print(f"\nkastor.testing: a reset took {sorted(times)[2] * 1000:.0f} ms")


def test_a_reset_is_of_one_graph_and_the_others_can_be_deleted(server: KastorServer) -> None:
    for name in ("one", "two"):
        assert httpx2.put(f"{server.url}/kastor/v1/graphs/{name}").status_code == 201
    bases = {name: f"{server.url}/graphs/{name}" for name in ("one", "two")}
    model = [{"@id": "dtmi:a:B;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}]

    def models(name: str) -> int:
        listed = httpx2.get(f"{bases[name]}/models?{VERSION}").json()["value"]
        return len(listed)

    for base in bases.values():
        assert httpx2.post(f"{base}/models?{VERSION}", json=model).status_code == 201
    _fill(server)
    server.reset("one")
    assert (models("one"), models("two"), _counts(server)["twins"]) == (0, 1, 2)
    server.reset()
    assert (models("two"), _counts(server)["twins"]) == (1, 0)
    server.delete_graphs()
    listed = httpx2.get(f"{server.url}/kastor/v1/graphs").json()["value"]
    assert [each["name"] for each in listed] == ["default"]
    with pytest.raises(StartError, match="GraphNotFound"):
        server.reset("one")


def test_several_servers_know_nothing_of_one_another(server: KastorServer) -> None:
    with KastorServer() as other:
        assert other.url != server.url
        assert other.data_dir != server.data_dir
        _fill(server)
        server.reset()
        _fill(other)
        assert _counts(server)["twins"] == 0
        server.reset()
        assert _counts(other)["twins"] == 2


def test_a_folder_that_was_given_is_kept_and_can_be_started_on_again(tmp_path: Path) -> None:
    server = KastorServer(data_dir=tmp_path)
    with server:
        _fill(server)
        first = server.url
    with server:
        assert _counts(server)["twins"] == 2
        assert server.url != first or server.output.count("is ready") == 1
    assert (tmp_path / "graphs" / "default.sqlite3").exists()


def test_with_tokens_the_credential_is_an_owners() -> None:
    with KastorServer(("--auth", "tokens")) as server:
        assert httpx2.get(f"{server.url}/models?{VERSION}").status_code == 401
        assert _counts(server)["models"] == 0
        server.reset()


@pytest.mark.parametrize("flags", [("--auth", "tokens"), ("--auth=tokens",)], ids=len)
def test_each_role_has_a_token(flags: tuple[str, ...]) -> None:
    body = {"@id": "dtmi:roles:Room;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
    with KastorServer(flags) as server:
        for role, reads, writes in (
            ("owner", 200, 201),
            ("reader", 200, 403),
            ("sender", 403, 403),
            ("none", 403, 403),
        ):
            token = server.token(role)
            assert server.token(role) == token
            with httpx2.Client(headers={"Authorization": f"Bearer {token}"}) as http:
                assert http.get(f"{server.url}/models?{VERSION}").status_code == reads
                made = http.post(f"{server.url}/models?{VERSION}", json=[body])
                assert made.status_code == writes
        assert server.token() == server.token("reader")
        assert server.token("owner") == server.credential.get_token().token
        with pytest.raises(StartError, match="no role writer; choose one of none, owner"):
            server.token("writer")


def test_tokens_are_made_anew_on_a_folder_that_was_kept(tmp_path: Path) -> None:
    server = KastorServer(("--auth", "tokens"), data_dir=tmp_path)
    with server:
        first = server.token()
    with server:
        headers = {"Authorization": f"Bearer {server.token()}"}
        assert server.token() != first
        assert httpx2.get(f"{server.url}/models?{VERSION}", headers=headers).status_code == 200


def test_without_tokens_there_is_none_to_have(server: KastorServer) -> None:
    with pytest.raises(StartError, match=r"start it with \(\"--auth\", \"tokens\"\)"):
        server.token()


def test_a_start_that_fails_says_why() -> None:
    server = KastorServer(("--profile", "nothing"))
    with pytest.raises(StartError, match="profile: Input should be 'default' or 'adt'"):
        server.start()
    assert not server.data_dir.exists()


def test_a_server_that_was_not_started_says_so() -> None:
    with pytest.raises(StartError, match="use it as a context manager"):
        _ = KastorServer().process


TESTER = """
import multiprocessing, sys, threading, time
from kastor.testing import KastorServer

server = KastorServer(sys.argv[2:])
starting = threading.Thread(target=server.start)
starting.start()
starting.join()  # who starts a server may be a thread that ends long before it
if sys.argv[1] == "forks":
    fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    fork.start()
    print(fork.pid)
print(server.process.pid, server.url, flush=True)
time.sleep(60)
"""


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in map(int, found) for each in (child, *_children(child))]


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@contextmanager
def _killed_tester(tmp_path: Path, how: str, *flags: str) -> Iterator[list[int]]:
    """Kill whoever has started a server; the processes that the server consists of."""
    script = tmp_path / "tester.py"
    script.write_text(TESTER)
    tester = subprocess.Popen(
        [sys.executable, str(script), how, *flags],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert tester.stdout is not None
    fork = int(tester.stdout.readline()) if how == "forks" else None
    pid, url = tester.stdout.readline().split()
    family = [int(pid), *_children(int(pid))]
    try:
        time.sleep(1)
        assert httpx2.get(f"{url}/healthz").status_code == 200
        tester.kill()
        tester.wait()
        yield family
        if fork is not None:
            assert not _is_gone(fork), "it ended because of the fork's end"
    finally:
        for each in family if fork is None else [fork, *family]:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        tester.stdout.close()


def _wait_until_gone(family: list[int]) -> float:
    started = time.monotonic()
    while not all(_is_gone(each) for each in family):
        assert time.monotonic() < started + 8, "the server outlives its tester"
        time.sleep(0.02)
    return time.monotonic() - started


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("how", ["alone", "forks"])
def test_a_server_ends_with_a_tester_that_is_killed(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with _killed_tester(tmp_path, how) as family:
        seconds = _wait_until_gone(family)
    with capsys.disabled():
        print(f"\nkastor.testing: a server ended {seconds:.2f} s after its tester ({how})")


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_the_workers_of_a_server_end_with_a_tester_that_is_killed(tmp_path: Path) -> None:
    with (
        database() as dsn,
        _killed_tester(tmp_path, "alone", "--db", dsn, "--workers", "2") as family,
    ):
        assert len(family) >= 3
        _wait_until_gone(family)


def test_the_fixtures_work_in_a_suite_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(THEIR_TESTS)
    # Other plugins take seconds to load; that ours is found by itself is the next test's matter.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    command += ["-p", "kastor.testing.plugin"]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_the_plugin_is_found_wherever_kastor_is_installed() -> None:
    (point,) = entry_points(group="pytest11", name="kastor")
    assert point.load() is plugin
