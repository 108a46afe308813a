"""What the page of the API fills in works on the sample building, and no operation lacks it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2
import pytest

from kastor.api.description.examples import _EXAMPLES, example_of
from kastor.api.operations import OPERATIONS

from .program import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kastor.api.http.operation import Operation

ONLY_ON_POSTGRESQL = {"Kastor_MoveGraph"}
OF_JOBS = "/jobs/"
"""What may be done to a job depends on how far it has come: see tests/jobs and test_jobs.py."""
OF_PROPOSALS = "/proposals/"
"""The server names a proposal, so none has the example's id: see tests/contract/test_proposals.py."""
_ORDER = ("PUT", "POST", "GET", "PATCH", "DELETE")
_FIRST = ("Kastor_PutEndpoint", "EventRoutes_Add", "Kastor_PutInput")
_LAST = (
    "EventRoutes_Delete",
    "Kastor_DeleteEndpoint",
    "Kastor_DropVectorIndex",
    "Kastor_Reset",
)


def _rank(operation: Operation) -> tuple[int, int]:
    """What makes something comes first, what it makes is used, and deleted at last."""
    if operation.id in _FIRST:
        return _FIRST.index(operation.id), 0
    if operation.id in _LAST:
        return len(_FIRST) + 1 + _LAST.index(operation.id), 0
    return len(_FIRST), _ORDER.index(operation.method)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("examples")
    with serving(folder, "--sample", "building", "--allow-reset") as served:
        yield served.url


def test_every_parameter_of_a_path_and_every_body_has_one() -> None:
    for operation in OPERATIONS:
        example = example_of(operation.id)
        assert set(re.findall(r"\{(\w+)\}", operation.path)) <= example.parameters.keys()
        assert (example.body is not None) == (operation.body is not None), operation.id
        known = {*re.findall(r"\{(\w+)\}", operation.path), *operation.query}
        assert example.parameters.keys() <= known, operation.id
    assert _EXAMPLES.keys() <= {each.id for each in OPERATIONS}


def test_they_work_one_after_the_other(url: str) -> None:
    with httpx2.Client(base_url=url, timeout=30) as client:
        for operation in sorted(OPERATIONS, key=_rank):
            if operation.streams or operation.id in ONLY_ON_POSTGRESQL:
                continue
            if OF_JOBS in operation.path or OF_PROPOSALS in operation.path:
                continue
            answer = _send(client, operation)
            assert answer.status_code == operation.status, (operation.id, answer.text)


def _send(client: httpx2.Client, operation: Operation) -> httpx2.Response:
    example = example_of(operation.id)
    values = {name: quote(str(value), safe="") for name, value in example.parameters.items()}
    path = operation.path.format_map(values)
    asked = example.parameters
    query = {name: str(asked[name]) for name in operation.query if name in asked}
    more: dict[str, Any] = {} if example.body is None else {"json": example.body}
    if isinstance(example.body, str):
        more = {"content": example.body.encode()}
    if operation.body is not None:
        more["headers"] = {"Content-Type": operation.body[0]}
    return client.request(operation.method, path, params=query, **more)
