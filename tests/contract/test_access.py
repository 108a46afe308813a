"""Who may do what, on a server that asks for tokens."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from .client import Api, assert_empty, assert_json, assert_page
from .models import BUILDING, K, M, building

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from kastor.testing import KastorServer

BODY_401 = {"statusCode": 401, "message": "Unauthorized"}


@pytest.fixture(scope="module")
def guarded() -> Iterator[KastorServer]:
    from kastor.testing import KastorServer

    with KastorServer(("--auth", "tokens")) as server:
        yield server


def _token(server: KastorServer, role: str) -> str:
    command = [sys.executable, "-m", "kastor", "token", "create"]
    command += ["--data", str(server.data_dir), "--role", role, "--name", f"a-{role}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def tokens(guarded: KastorServer) -> dict[str, str]:
    return {role: _token(guarded, role) for role in ("owner", "reader", "none")}


@pytest.fixture
def owner(guarded: KastorServer, tokens: dict[str, str]) -> Iterator[Api]:
    """An owner, in a graph that holds M and the twin `T`."""
    guarded.reset()
    with Api(guarded.url, token=tokens["owner"]) as client:
        client.add_models(M)
        client.add_twin("T", building(AverageTemperature=1))
        yield client


@pytest.fixture
def reader(guarded: KastorServer, tokens: dict[str, str]) -> Iterator[Api]:
    with Api(guarded.url, token=tokens["reader"]) as client:
        yield client


def _assert_401(response: httpx2.Response) -> None:
    assert assert_json(response, 401) == BODY_401
    assert "x-ms-error-code" not in response.headers
    assert response.headers["www-authenticate"].split()[0].rstrip(",") == "Bearer"


def _assert_403(response: httpx2.Response) -> None:
    assert response.status_code == 403
    assert response.content == b""
    assert response.headers["content-length"] == "0"


def _assert_lacks(response: httpx2.Response) -> None:
    error = assert_json(response, 403)["error"]
    assert error["code"] == "Forbidden"
    assert re.search(r" allows \S+/\S+ on the graph default\.", error["message"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/digitaltwins/T"),
        ("GET", "/models"),
        ("POST", "/query"),
        ("DELETE", "/digitaltwins/T"),
        ("POST", "/digitaltwins/T/telemetry"),
    ],
)
def test_P_01_a_request_without_a_token_is_unauthorized(
    owner: Api, guarded: KastorServer, method: str, path: str
) -> None:
    with Api(guarded.url) as nobody:
        _assert_401(nobody.send(method, path))
    assert owner.get("/digitaltwins/T").status_code == 200


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic YTpi", "nonsense"])
def test_P_01_a_bad_token_is_unauthorized(owner: Api, header: str) -> None:
    _assert_401(owner.get("/digitaltwins/T", headers={"Authorization": header}))


def test_P_02_a_token_without_a_role_is_forbidden_with_an_empty_body(
    owner: Api, guarded: KastorServer, tokens: dict[str, str]
) -> None:
    with Api(guarded.url, token=tokens["none"]) as stranger:
        _assert_403(stranger.get("/digitaltwins/T"))
        _assert_403(stranger.query("SELECT * FROM digitaltwins"))
        _assert_403(stranger.delete("/digitaltwins/T"))


def test_access_is_checked_before_the_api_version(
    owner: Api, guarded: KastorServer, tokens: dict[str, str]
) -> None:
    with Api(guarded.url) as nobody, Api(guarded.url, token=tokens["none"]) as stranger:
        _assert_401(nobody.get("/digitaltwins/T", version=None))
        _assert_403(stranger.get("/digitaltwins/T", version=None))


def test_an_owner_may_do_everything(owner: Api) -> None:
    owner.add_twin("B", building())
    owner.relate("T", "r", "B")
    assert_empty(owner.post("/digitaltwins/T/telemetry", {}))
    assert_json(owner.query("SELECT * FROM digitaltwins"))
    assert_empty(owner.delete("/digitaltwins/T/relationships/r"))
    assert_empty(owner.delete("/digitaltwins/T"))
    assert_empty(owner.delete(f"/models/{BUILDING}"))


def test_a_reader_may_read_and_query(owner: Api, reader: Api) -> None:
    assert reader.twin("T") == owner.twin("T")
    assert_json(reader.get(f"/models/{BUILDING}"))
    assert_page(reader.get("/models"))
    assert_page(reader.get("/digitaltwins/T/relationships"))
    assert_page(reader.get("/digitaltwins/T/incomingrelationships"))
    assert_json(reader.query("SELECT * FROM digitaltwins"))


PAST = ("history", "series?path=/AverageTemperature")


def test_a_reader_may_read_the_past_with_its_authors(owner: Api, reader: Api) -> None:
    for path in PAST:
        found = assert_json(reader.get(f"/kastor/v1/digitaltwins/T/{path}"))["value"]
        assert len(found) == 1
    (entry,) = assert_json(reader.get("/kastor/v1/digitaltwins/T/history"))["value"]
    assert entry["actor"] == "a-owner"
    assert reader.twin("T", headers={"kastor-as-of": f"change:{entry['change']}"})
    asked = {"query": "SELECT T.$dtId FROM digitaltwins T", "from": entry["from"], "bucket": "1d"}
    assert reader.post("/kastor/v1/series", asked).status_code == 200


def test_without_a_role_there_is_no_past(owner: Api, tokens: dict[str, str]) -> None:
    with Api(owner.url, token=tokens["none"]) as nobody:
        for path in PAST:
            _assert_403(nobody.get(f"/kastor/v1/digitaltwins/T/{path}"))
        _assert_403(nobody.post("/kastor/v1/series", {}))
        _assert_403(nobody.get("/digitaltwins/T?asOf=change:1"))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/models", [K]),
        (
            "PATCH",
            f"/models/{BUILDING}",
            [{"op": "replace", "path": "/decommissioned", "value": True}],
        ),
        ("DELETE", f"/models/{BUILDING}", None),
        ("PUT", "/digitaltwins/T", building()),
        ("PATCH", "/digitaltwins/T", []),
        ("DELETE", "/digitaltwins/T", None),
        ("PATCH", "/digitaltwins/T/components/x", []),
        ("PUT", "/digitaltwins/T/relationships/r", {"$relationshipName": "has", "$targetId": "T"}),
        ("PATCH", "/digitaltwins/T/relationships/r", []),
        ("DELETE", "/digitaltwins/T/relationships/r", None),
        ("POST", "/digitaltwins/T/telemetry", {}),
        ("POST", "/digitaltwins/T/components/x/telemetry", {}),
    ],
)
def test_a_reader_may_not_write(owner: Api, reader: Api, method: str, path: str, body: Any) -> None:
    before = owner.twin("T")
    more = {} if body is None else {"body": body}
    _assert_lacks(reader.send(method, path, **more))
    assert owner.twin("T") == before
    assert_json(owner.get(f"/models/{BUILDING}"))


def test_the_scheme_name_is_read_in_any_letter_case(owner: Api, tokens: dict[str, str]) -> None:
    response = owner.get("/digitaltwins/T", headers={"Authorization": f"bearer {tokens['owner']}"})
    assert_json(response)


def test_who_reads_sees_what_differs_and_takes_nothing_back(owner: Api, reader: Api) -> None:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    found = reader.get(f"/kastor/v1/diff?from={now}", version=None)
    assert found.status_code == 200, found.text
    for headers in ({}, {"kastor-dry-run": "true"}):
        body = {"asOf": now}
        _assert_lacks(reader.post("/kastor/v1/revert", body, version=None, headers=headers))
    assert owner.get("/digitaltwins/T").status_code == 200
