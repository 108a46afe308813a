"""Errors and their answers: a status for each class, one shape for all bodies."""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any

import pytest

import kastor
from kastor import errors as e
from kastor.api.http.problem import STATUS, answer, unexpected
from kastor.api.http.request import JSON_TYPE, Response
from kastor.jobs.refusals import AnotherJobRuns, JobConflict, JobNotFound, another_job_runs
from kastor.storage.search import IndexDamagedError


def _all_classes() -> list[type[e.KastorError]]:
    """Every error class of the program, whichever module it lives in."""
    for module in pkgutil.walk_packages(kastor.__path__, "kastor."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: list[type[e.KastorError]] = []
    pending = e.KastorError.__subclasses__()
    while pending:
        each = pending.pop()
        found.append(each)
        pending += each.__subclasses__()
    return [each for each in dict.fromkeys(found) if each.__module__.startswith("kastor.")]


CLASSES = _all_classes()
SPECIAL: dict[type, dict[str, Any]] = {
    e.MethodNotAllowed: {"allowed": ("GET", "PUT")},
    e.TooManyRequests: {"retry_after": 7},
    e.Unavailable: {"retry_after": 7},
    e.GraphMoved: {"retry_after": 7},
    IndexDamagedError: {"retry_after": 7},
}
PLAIN = [each for each in CLASSES if each is not e.Unauthenticated]


OF_JOBS = (JobNotFound, JobConflict, AnotherJobRuns)
"""As recorded, jobs' 404, 409 and 429 lack the header (decisions 6.6)."""


def _headers(response: Response) -> dict[bytes, bytes]:
    return dict(response.headers)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_class_has_a_status(kind: type[e.KastorError]) -> None:
    assert kind in STATUS, f"give {kind.__name__} a status in kastor.api.http.problem"
    assert 400 <= STATUS[kind] < 600


def test_the_table_has_error_classes_alone() -> None:
    assert set(STATUS) <= set(CLASSES)


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_every_error_has_the_one_shape(kind: type[e.KastorError]) -> None:
    error = kind.__new__(kind)
    e.KastorError.__init__(
        error, 'a "message"', details=(e.Detail("One", "first"), e.Detail("Two", "second"))
    )
    for name, value in SPECIAL.get(kind, {}).items():
        setattr(error, name, value)
    response = answer(error)
    assert response.status == STATUS[kind]
    assert json.loads(response.body) == {
        "error": {
            "code": kind.default_code,
            "message": 'a "message"',
            "details": [
                {"code": "One", "message": "first"},
                {"code": "Two", "message": "second"},
            ],
        }
    }
    code = None if kind in OF_JOBS else kind.default_code.encode()
    assert _headers(response).get(b"x-ms-error-code") == code
    assert response.content_type == (b"content-type", JSON_TYPE)


def test_only_faults_of_ours_have_the_code_of_one() -> None:
    kept = {each.__name__ for each in CLASSES if each.default_code == "InternalServerError"}
    assert kept <= {"ClientGone"}, "an error that is raised on purpose has a code of its own"


def test_an_error_that_the_table_lacks_is_answered_as_the_nearest_that_it_has() -> None:
    gone = type("Gone", (e.NotFound,), {"default_code": "Gone"})
    assert answer(gone("gone")).status == 404
    odd = type("Odd", (e.KastorError,), {"default_code": "Odd"})
    assert answer(odd("odd")).status == 500


def test_details_are_left_out_when_there_are_none() -> None:
    body = json.loads(answer(e.NotFound("gone", code="DigitalTwinNotFound")).body)
    assert body == {"error": {"code": "DigitalTwinNotFound", "message": "gone"}}


def test_an_unknown_caller_gets_the_recorded_body_and_no_envelope() -> None:
    response = answer(e.Unauthenticated("said to nobody"))
    assert response.status == 401
    assert json.loads(response.body) == {"statusCode": 401, "message": "Unauthorized"}
    assert _headers(response) == {b"www-authenticate": b"Bearer"}


def test_a_caller_without_any_role_gets_nothing_but_the_status() -> None:
    response = answer(e.Forbidden(""))
    assert (response.status, response.body, response.content_type) == (403, b"", None)
    assert response.headers == []


def test_a_second_job_is_not_told_to_wait_for_seconds() -> None:
    response = answer(another_job_runs())
    assert (response.status, response.headers) == (429, [])


def test_a_wrong_method_is_told_the_right_ones() -> None:
    response = answer(e.MethodNotAllowed("no", allowed=("GET", "PUT")))
    assert _headers(response)[b"allow"] == b"GET, PUT"


@pytest.mark.parametrize("kind", [e.TooManyRequests, e.Unavailable])
def test_who_may_try_again_is_told_when(kind: Any) -> None:
    assert _headers(answer(kind("later", retry_after=7)))[b"retry-after"] == b"7"


def test_a_fault_of_ours_says_nothing_about_its_cause() -> None:
    response = unexpected()
    assert response.status == 500
    assert json.loads(response.body)["error"]["code"] == "InternalServerError"
    assert _headers(response)[b"x-ms-error-code"] == b"InternalServerError"
    assert b"Traceback" not in response.body


def test_each_answer_has_headers_of_its_own() -> None:
    first, second = answer(e.NotFound("a")), answer(e.NotFound("a"))
    first.headers.append((b"x", b"y"))
    assert (b"x", b"y") not in second.headers


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        *((-5, "1"), (0, "1"), (0.2, "1"), (1, "1"), (1.2, "2"), (60, "60"), (1e9, "3600")),
        *((float("inf"), "3600"), (float("nan"), "1"), (float("-inf"), "1")),
    ],
)
def test_a_time_to_wait_is_one_that_clients_can_follow(given: Any, sent: str) -> None:
    for error in (
        e.Unavailable("x", retry_after=given),
        e.TooManyRequests("x", retry_after=given),
    ):
        assert dict(answer(error).headers)[b"retry-after"] == sent.encode()


def test_a_refused_coding_tells_which_are_taken() -> None:
    response = answer(e.EncodingError("x"))
    assert response.status == 415
    assert dict(response.headers)[b"accept-encoding"] == b"gzip, deflate"
