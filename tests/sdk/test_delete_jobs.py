"""Delete jobs by the poller of azure-digitaltwins-core 1.3.0 (its generated client)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import HttpResponseError

from .graph import PART_MODEL, ROOM_MODEL, room
from .test_python_sync import connect

if TYPE_CHECKING:
    from kastor.testing import KastorServer

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def test_Y_08_the_poller_waits_for_the_end_and_asks_every_second(server: KastorServer) -> None:
    client = connect(server)
    client.create_models([ROOM_MODEL, PART_MODEL])
    for n in range(20):
        client.upsert_digital_twin(f"t{n}", room())
    jobs = client._client.delete_jobs
    began = time.monotonic()
    poller = jobs.begin_add()
    job = poller.result(60)
    assert poller.status().lower() == "succeeded"
    assert (job.status, job.error) == ("succeeded", None)
    assert job.id is not None
    assert job.created_date_time is not None
    assert job.finished_date_time is not None
    assert job.finished_date_time >= job.created_date_time
    assert time.monotonic() - began < 25  # the client's own pause is 30 s
    assert list(client.list_models()) == []
    assert job.id in [each.id for each in jobs.list()]
    assert jobs.get_by_id(job.id).status == "succeeded"
    with pytest.raises(HttpResponseError) as raised:
        jobs.get_by_id("nowhere")
    assert raised.value.status_code == 404
    client._client.close()
