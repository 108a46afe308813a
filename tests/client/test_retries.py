"""What is sent again, and what never is: counted by a server that misbehaves."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kastor.client import (
    AnswerLostError,
    ClientError,
    OutcomeUnknownError,
    Retries,
    ServerFailedError,
    ServiceError,
    TooManyRequestsError,
    UnexpectedAnswerError,
    UnreachableError,
    writes,
)
from kastor.client.calls import Repetition

from .conftest import QUICK, Asking, ask_asynchronous
from .misbehaving import HALF, HALF_CHUNK, Behaviour, answer, drop, early, misbehaving, unread

TWIN = {"$dtId": "a", "$etag": "e"}
BATCH = {"results": [{"status": 200, "etag": "e"}]}
JOB = {"id": "j", "kind": "uploads", "status": "running"}
BUSY = answer(429, {"error": {"code": "TooManyRequests", "message": "Wait."}})
FAULTS = {
    "busy": BUSY,
    "down": answer(503),
    "unread": unread,
    "drop": drop,
    "half": HALF,
    "half-chunk": HALF_CHUNK,
}


def put(client: Any) -> Any:
    return client.twins.put("a", {"x": 1})


def get(client: Any) -> Any:
    return client.twins.get("a")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_read_is_sent_again_after_every_fault(ask: Asking, fault: str) -> None:
    with misbehaving(FAULTS[fault], FAULTS[fault], answer(body=TWIN)) as (server, url):
        assert ask(url, get) == TWIN
    assert {each.method for each in server.arrived} == {"GET"}


@pytest.mark.parametrize("faults", list(itertools.product(FAULTS, repeat=2)), ids="-".join)
def test_no_write_is_sent_twice_that_may_have_been_applied(
    ask: Asking, faults: tuple[str, str]
) -> None:
    behaviours: list[Behaviour] = [FAULTS[name] for name in faults]
    with misbehaving(*behaviours, answer(body=TWIN)) as (server, url):
        try:
            ask(url, put)
        except OutcomeUnknownError:
            last = "lost"
        except ServiceError:
            last = "refused"
        else:
            last = "done"
    # A 429 says that nothing was done; whatever else becomes of a write is its end.
    ends = [name for name in faults if name != "busy"]
    assert last == ("done" if not ends else "refused" if ends[0] == "down" else "lost")
    refused = len(list(itertools.takewhile(lambda name: name == "busy", faults)))
    assert len(server.arrived) == refused + (0 if ends[:1] == ["unread"] else 1)


@pytest.mark.parametrize("method", ["patch", "delete", "telemetry"])
def test_other_writes_are_not_sent_again_either(ask: Asking, method: str) -> None:
    calls = {
        "patch": lambda client: client.twins.patch("a", []),
        "delete": lambda client: client.twins.delete("a"),
        "telemetry": lambda client: client.twins.send_telemetry("a", {}),
    }
    with misbehaving(drop) as (server, url), pytest.raises(OutcomeUnknownError, match="Read what"):
        ask(url, calls[method])
    assert len(server.arrived) == 1


def test_a_server_that_stays_busy_ends_the_attempts(ask: Asking) -> None:
    with misbehaving(BUSY) as (server, url), pytest.raises(TooManyRequestsError, match="Wait"):
        ask(url, put)
    assert len(server.arrived) == QUICK.attempts


def test_a_server_says_how_long_to_wait(ask: Asking) -> None:
    busy = answer(429, retry_after="1")
    began = time.monotonic()
    with misbehaving(busy, answer(body=TWIN)) as (server, url):
        assert ask(url, put) == TWIN
    assert 1.0 <= time.monotonic() - began < 5
    assert len(server.arrived) == 2


def test_who_would_have_to_wait_for_too_long_is_told_at_once(ask: Asking) -> None:
    with (
        misbehaving(answer(429, retry_after="600")) as (server, url),
        pytest.raises(TooManyRequestsError) as raised,
    ):
        ask(url, get)
    assert (raised.value.retry_after, len(server.arrived)) == (600.0, 1)


def test_waits_grow_and_are_bounded() -> None:
    retries = Retries(attempts=99, first=1.0, longest=8.0)
    waits = [retries.after_fault(Repetition.ALWAYS, n, sent=True) for n in range(1, 9)]
    for wait, wanted in zip(waits, (1, 2, 4, 8, 8, 8, 8, 8), strict=True):
        assert wait is not None
        assert wanted <= wait <= wanted * 1.25
    assert retries.after_fault(Repetition.ALWAYS, 99, sent=True) is None
    assert retries.after_fault(Repetition.NEVER, 1, sent=False) is None
    patient = Retries(attempts=5_000)
    assert patient.after_fault(Repetition.ALWAYS, 4_000, sent=True) is not None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("", None), ("soon", None), ("-1", None), ("1" * 30, float("inf")), ("٣", None)],
)
def test_what_a_retry_after_says(text: str, seconds: float | None) -> None:
    from kastor.client.errors import seconds_to_wait

    assert seconds_to_wait({"retry-after": text}) == seconds


def test_a_retry_after_may_be_a_date() -> None:
    from email.utils import formatdate

    from kastor.client.errors import seconds_to_wait

    found = seconds_to_wait({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert found is not None
    assert 25 < found <= 31
    past = {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert seconds_to_wait(past) == 0.0


class TestWhatMayBeRepeated:
    @pytest.mark.parametrize("fault", ["busy", "down", "drop", "half", "unread"])
    def test_a_batch_with_an_id_comes_through(self, ask: Asking, fault: str) -> None:
        with misbehaving(FAULTS[fault], answer(body=BATCH)) as (server, url):
            found = ask(
                url, lambda client: client.batch([writes.put_twin("a", {})], operation_id="once")
            )
        assert (found.succeeded, found.failed) == (1, 0)
        assert {each.headers["operation-id"] for each in server.arrived} == {"once"}
        assert len({each.body for each in server.arrived}) == 1

    @pytest.mark.parametrize("is_away", [False, True])
    def test_one_whose_answer_never_comes_may_have_been_applied(
        self, ask: Asking, is_away: bool
    ) -> None:
        """Also where nobody listens any more when it is sent again."""
        batch = [writes.put_twin("a", {})]
        with misbehaving(drop) as (server, url):
            if is_away:
                server.then = server.close
            with pytest.raises(AnswerLostError, match=r"may have been done.*sent again") as lost:
                ask(url, lambda client: client.batch(batch, operation_id="once"))
        assert isinstance(lost.value, OutcomeUnknownError)
        assert len(server.arrived) == (1 if is_away else QUICK.attempts)

    def test_what_nobody_took_was_not_applied(self, ask: Asking) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(UnreachableError) as raised:
            ask(
                f"http://127.0.0.1:{port}",
                lambda client: client.batch([], operation_id="once"),
            )
        assert not isinstance(raised.value, OutcomeUnknownError)

    def test_a_batch_without_one_does_not(self, ask: Asking) -> None:
        with (
            misbehaving(drop, answer(body=BATCH)) as (server, url),
            pytest.raises(OutcomeUnknownError),
        ):
            ask(url, lambda client: client.batch([writes.put_twin("a", {})]))
        assert len(server.arrived) == 1

    def test_a_dry_run_changes_nothing(self, ask: Asking) -> None:
        told = answer(body=TWIN, kastor_dry_run="true")
        with misbehaving(drop, answer(503), told) as (server, url):
            assert ask(url, lambda client: client.dry_run().twins.put("a", {})) == TWIN
        assert [each.headers["kastor-dry-run"] for each in server.arrived] == ["true"] * 3

    def test_a_query_is_a_read(self, ask: Asking) -> None:
        page = {"value": [TWIN]}
        with misbehaving(drop, HALF, answer(body=page)) as (server, url):
            assert ask(url, lambda client: client.query("SELECT").collect()) == [TWIN]
        assert len(server.arrived) == 3


class TestUploads:
    LINES = (b"one\n", b"two\n")

    @pytest.mark.parametrize("form", ["bytes", "path"])
    def test_what_can_be_read_again_is_sent_again(
        self, ask: Asking, form: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "graph.ndjson"
        path.write_bytes(b"".join(self.LINES))
        content = path if form == "path" else path.read_bytes()
        with misbehaving(drop, answer(202, JOB)) as (server, url):
            job = ask(url, lambda client: client.jobs.upload(content, operation_id="once"))
        assert job.id == "j"
        assert [each.body for each in server.arrived] == [b"one\ntwo\n"] * 2

    @pytest.mark.parametrize("size", [1, 1_000, 300_000])
    def test_what_arrives_is_what_was_given(self, ask: Asking, size: int) -> None:
        text = bytes(range(256)) * 4_000 if size > 1 else bytes(range(256)) * 40
        parts = [text[start : start + size] for start in range(0, len(text), size)]

        async def later() -> AsyncIterator[bytes]:
            for part in parts:
                yield part

        with misbehaving(answer(202, JOB)) as (server, url):
            ask(url, lambda client: client.jobs.upload(iter(parts)))
            ask_asynchronous(url, lambda client: client.jobs.upload(later()))
        assert [each.body == text for each in server.arrived] == [True, True]

    @pytest.mark.parametrize("form", ["iterator", "file", "asynchronous"])
    def test_what_can_be_read_once_is_sent_once(
        self, ask: Asking, form: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "graph.ndjson"
        path.write_bytes(b"".join(self.LINES))

        async def lines() -> AsyncIterator[bytes]:
            for line in self.LINES:
                yield line

        with misbehaving(drop, answer(202, JOB)) as (server, url), path.open("rb") as file:
            content = {"iterator": iter(self.LINES), "file": file, "asynchronous": lines()}[form]
            with pytest.raises(ClientError) as raised:
                ask(url, lambda client: client.jobs.upload(content, operation_id="once"))
        if "asynchronous: send it" in str(raised.value):  # of the client that waits
            assert server.arrived == []
        else:
            assert [each.body for each in server.arrived] == [b"one\ntwo\n"]

    def test_a_source_that_fails_ends_the_upload(self, ask: Asking, tmp_path: Path) -> None:
        def broken() -> Any:
            yield b"one\n"
            raise RuntimeError("the source broke")

        with misbehaving(answer(202, JOB)) as (server, url):
            with pytest.raises(RuntimeError, match="the source broke"):
                ask(url, lambda client: client.jobs.upload(broken()))
            with pytest.raises(ClientError, match="no file that can be read"):
                ask(url, lambda client: client.jobs.upload(tmp_path / "nowhere"))
        assert server.arrived == []

    def test_a_refusal_that_comes_early_is_told(self, ask: Asking) -> None:
        told = {"error": {"code": "PayloadTooLarge", "message": "Too large."}}
        refuse = answer(413, told)
        pieces = itertools.repeat(b"x" * 65_536, 200)
        with misbehaving(early(refuse)) as (server, url), pytest.raises(ServiceError) as raised:
            ask(url, lambda client: client.jobs.upload(pieces))
        assert raised.value.code == "PayloadTooLarge"
        assert server.arrived == []


def test_nobody_listens_and_then_somebody_does(ask: Asking) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnreachableError, match="Nobody answers at http://127"):
        ask(f"http://127.0.0.1:{port}", put)
    arrived: list[bytes] = []

    def open_late() -> None:
        time.sleep(0.15)
        with socket.create_server(("127.0.0.1", port)) as listener:
            connection, _ = listener.accept()
            with connection:
                arrived.append(connection.recv(65_536))
                connection.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{"$dtId":"a"}')

    thread = threading.Thread(target=open_late)
    thread.start()
    patient = Retries(attempts=20, first=0.05, longest=0.1)
    assert ask(f"http://127.0.0.1:{port}", put, retries=patient) == {"$dtId": "a"}
    thread.join(10)
    assert len(arrived) == 1


def test_an_answer_to_a_dry_run_says_that_it_is_one(ask: Asking) -> None:
    with (
        misbehaving(answer(body=TWIN)) as (server, url),
        pytest.raises(UnexpectedAnswerError, match="may have been done"),
    ):
        ask(url, lambda client: client.dry_run().twins.put("a", {}))
    assert len(server.arrived) == 1


def test_faults_of_the_server_are_told_in_its_words(ask: Asking) -> None:
    told = {"error": {"code": "Oops", "message": "It broke.", "details": [{"path": "/x"}, 3]}}
    with misbehaving(answer(500, told)) as (_, url), pytest.raises(ServerFailedError) as raised:
        ask(url, put)
    error = raised.value
    assert (str(error), error.code, error.status) == ("It broke.", "Oops", 500)
    assert (error.details, error.document) == (({"path": "/x"},), told)
