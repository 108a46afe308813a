"""Jobs on the wire: order and presence of members, what nobody is shown, repeated requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from kastor.api.http.jobs import accepted, begin_job, delete_job, import_job, own_job
from kastor.auth.actors import ANONYMOUS
from kastor.clock import UNIX_EPOCH_TICKS
from kastor.errors import Conflict
from kastor.jobs.refusals import id_is_taken
from kastor.storage.jobs import JobRow, JobStatus

from .wire import request_of

CREATED = UNIX_EPOCH_TICKS + 16_855_714_751_753_609
URI = "https://account.blob.core.windows.net/box/in.ndjson"


def a_row(request: dict[str, Any], **members: Any) -> JobRow:
    times = (CREATED, CREATED, CREATED + 1)
    text = orjson.dumps(request)
    return replace(JobRow("imports", "one", JobStatus.NOT_STARTED, *times, "ann", text), **members)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class TestForms:
    def test_signatures_are_cut_and_what_a_kind_keeps_for_itself_is_not_shown(self) -> None:
        asked = {"inputBlobUri": f"{URI}?sig=a", "outputBlobUri": f"{URI}?sig=b", "permissions": []}
        row = a_row(asked, progress=b'{"done":1,"line":7,"unit":"lines","counts":{"twins":2}}')
        for shown in (import_job(row, counts=True), own_job(row)):
            text = orjson.dumps(shown).decode()
            assert "sig" not in text
            assert "permissions" not in text
            assert '"line"' not in text
        assert import_job(row, counts=True)["inputBlobUri"] == f"{URI}?..."
        assert own_job(row)["progress"] == {"done": 1, "unit": "lines"}
        assert own_job(row)["counts"] == {"twins": 2}

    def test_times_have_no_trailing_zeros(self) -> None:
        row = a_row({"timeoutInMinutes": 15}, kind="deletions", finished=CREATED - 9)
        assert delete_job(row) == {
            "id": "one",
            "createdDateTime": "2023-05-31T22:17:55.1753609Z",
            "finishedDateTime": "2023-05-31T22:17:55.17536Z",
            "purgeDateTime": "2023-05-31T22:17:55.175361Z",
            "status": "notstarted",
        }

    def test_a_kind_shows_members_of_its_own(self) -> None:
        row = a_row({"shown": {"destination": "x"}, "dryRun": True}, kind="exports")
        assert list(own_job(row))[:3] == ["id", "kind", "destination"]
        assert own_job(row)["dryRun"] is True

    def test_an_error_comes_last(self) -> None:
        row = a_row({}, kind="exports", error=b'{"code":"A","message":"b"}')
        assert list(own_job(row))[-2:] == ["status", "error"]


class Jobs:
    """A service that keeps one job."""

    def __init__(self) -> None:
        self.row: JobRow | None = None

    async def add(self, kind: str, job_id: str | None, request: Any, _context: Any) -> JobRow:
        if self.row is not None and job_id == self.row.id:
            raise id_is_taken(self.row.id)
        self.row = a_row(request, kind=kind, id=job_id or "made")
        return self.row

    async def job(self, _kind: str, _job_id: str, _context: Any) -> JobRow:
        assert self.row is not None
        return self.row


class Services:
    def __init__(self) -> None:
        self.jobs = Jobs()


@pytest.mark.anyio
class TestRepeats:
    async def begin(self, services: Any, asked: dict[str, Any]) -> tuple[JobRow, bool]:
        request = request_of(headers={"operation-id": "op-1"})
        request.let_in(ANONYMOUS, "default")
        return await begin_job(services, request, "updates", asked)

    async def test_the_same_request_again_finds_its_job(self) -> None:
        services = Services()
        first, is_new = await self.begin(services, {"query": "q", "permissions": ["a"]})
        again, is_new_again = await self.begin(services, {"query": "q", "permissions": ["b"]})
        assert (is_new, is_new_again) == (True, False)
        assert first == again

    async def test_another_request_under_the_id_is_refused(self) -> None:
        services = Services()
        await self.begin(services, {"query": "q"})
        with pytest.raises(Conflict) as raised:
            await self.begin(services, {"query": "other"})
        assert raised.value.code == "OperationIdReused"

    async def test_the_answer_says_where_the_job_is(self) -> None:
        row, _ = await self.begin(Services(), {"query": "q"})
        answer = accepted(request_of(), replace(row, id="a:b"))
        assert answer.status == 202
        assert answer.headers == [(b"location", b"http://here:8080/kastor/v1/jobs/updates/a%3Ab")]
