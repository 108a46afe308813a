"""Graphs, jobs, batches and streams of callers who may something on some graphs alone."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from kastor.auth.tokens import create_token, revoke_token
from tests.auth.issuer import Issuer

from .client import Api, assert_error, assert_json
from .guarded import (
    DOMAIN,
    NO_GRAPH,
    OTHER_GRAPH,
    POLICY,
    TEAM_GRAPH,
    Guarded,
    guarding,
    without_names,
)
from .test_access_matrix import is_401
from .test_dry_run import DOOR_MODEL, FLOOR_MODEL, floor

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAPHS = (OTHER_GRAPH, NO_GRAPH)
PATHS = ("/", "/healthz", "/readyz", "/kastor/v1/me", "/kastor/v1/graphs", "/nothing", "/models/")
LOST_SECONDS = 5.0
"""For two seconds and a busy machine."""
PUT_E = {"op": "put", "kind": "twin", "id": "e", "body": floor()}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("graphs")) as made:
        for name in (TEAM_GRAPH, "team-y", OTHER_GRAPH):
            with Api(f"{made.server.url}/graphs/{name}", token=_token(made.owner)) as api:
                _send(api, "POST", "/models", [FLOOR_MODEL, DOOR_MODEL])
                _send(api, "PUT", "/digitaltwins/a", floor(name=f"of {name}"))
        yield made


@pytest.fixture
def team(guarded: Guarded) -> Api:
    return guarded.team[0].api


def _token(api: Api) -> str:
    return api.credentials["Authorization"].removeprefix("Bearer ")


def _send(api: Api, method: str, path: str, body: Any) -> None:
    # `Api` sends paths as they are, so a graph's prefix has to be part of them.
    prefix = "/" + api.url.partition("//")[2].partition("/")[2]
    done = api.send(method, prefix + path, body)
    assert done.is_success, done.text


def _get(api: Api, path: str, **headers: str) -> httpx2.Response:
    return api.get(path, version=None, headers=headers)


def test_a_graph_is_not_told_from_none_by_path_or_by_host(guarded: Guarded, team: Api) -> None:
    for api in (team, guarded.static["n"].api, guarded.nobody[0].api):
        for path in PATHS:
            by_path = [_get(api, f"/graphs/{name}{path}") for name in GRAPHS]
            by_host = [_get(api, path, Host=f"{name}.{DOMAIN}") for name in GRAPHS]
            for there, missing in (by_path, by_host):
                assert without_names(there, *GRAPHS) == without_names(missing, *GRAPHS), path


def test_the_list_has_the_callers_own_graphs_alone(guarded: Guarded, team: Api) -> None:
    listed = _get(team, "/kastor/v1/graphs").json()["value"]
    assert [each["name"] for each in listed] == [TEAM_GRAPH, "team-y"]
    everything = _get(guarded.static["r"].api, "/kastor/v1/graphs").json()["value"]
    assert {"default", OTHER_GRAPH, "spare", TEAM_GRAPH} <= {each["name"] for each in everything}
    assert _get(guarded.static["s"].api, "/kastor/v1/graphs").status_code == 403


ADDRESSES = (
    ("/digitaltwins/a", f"{OTHER_GRAPH}.{DOMAIN}"),
    ("/digitaltwins/a", f"{OTHER_GRAPH.upper()}.{DOMAIN.upper()}:80"),
    ("//digitaltwins/a", f"{OTHER_GRAPH}.{DOMAIN}"),
    (f"/GRAPHS/{OTHER_GRAPH}/digitaltwins/a", "localhost"),
    (f"/graphs/{OTHER_GRAPH}//digitaltwins/a", "localhost"),
    (f"/graphs/{OTHER_GRAPH}/digitaltwins/a", f"{TEAM_GRAPH}.{DOMAIN}"),
    ("/digitaltwins/a", "localhost"),
    ("/digitaltwins/a", f"{TEAM_GRAPH}.{DOMAIN}."),
    (f"/kastor/v1/graphs/{OTHER_GRAPH}", f"{TEAM_GRAPH}.{DOMAIN}"),
    (f"/graphs/{TEAM_GRAPH}/kastor/v1/graphs/%6Fther", "localhost"),
    (f"/graphs/{TEAM_GRAPH}/metrics", "localhost"),
    ("/metrics", f"{TEAM_GRAPH}.{DOMAIN}"),
)
NOWHERE = (
    "/graphs/%6Fther/digitaltwins/a",
    f"/graphs/{OTHER_GRAPH.upper()}/digitaltwins/a",
    f"//graphs/{OTHER_GRAPH}/digitaltwins/a",
    f"/graphs/{TEAM_GRAPH}/graphs/{OTHER_GRAPH}/digitaltwins/a",
    f"/graphs/{TEAM_GRAPH}/../{OTHER_GRAPH}/digitaltwins/a",
    f"/graphs/{TEAM_GRAPH}%2F..%2F{OTHER_GRAPH}/digitaltwins/a",
    f"/kastor/v1/graphs/{TEAM_GRAPH}%2F..%2F{OTHER_GRAPH}",
    f"/kastor/v1/graphs/{TEAM_GRAPH}%00",
)


@pytest.mark.parametrize(("path", "host"), ADDRESSES)
def test_no_way_to_write_an_address_leads_to_another_graph(team: Api, path: str, host: str) -> None:
    assert team.get(path, headers={"Host": host}, version=None).status_code == 403


@pytest.mark.parametrize("path", NOWHERE)
def test_what_is_no_name_of_a_graph_is_none(team: Api, path: str) -> None:
    for method in ("GET", "DELETE"):
        assert team.send(method, path).status_code in (404, 405)


def test_the_graph_of_the_path_goes_before_that_of_the_host(team: Api) -> None:
    for path, host in (
        (f"/graphs/{TEAM_GRAPH}/digitaltwins/a", f"{OTHER_GRAPH}.{DOMAIN}"),
        ("/digitaltwins/a", f"{TEAM_GRAPH}.{DOMAIN}"),
    ):
        found = team.get(path, headers={"Host": host})
        assert found.json()["name"] == f"of {TEAM_GRAPH}"


def test_graphs_are_made_and_deleted_by_their_owners_and_placed_by_others(
    guarded: Guarded, team: Api
) -> None:
    path = "/kastor/v1/graphs/team-new"
    for place in ({"schema": "elsewhere"}, {"database": "second"}, {}):
        refused = team.put(path, place, version=None)
        assert_error(refused, 403, "Forbidden", "Places of graphs are given by who has")
    assert _get(guarded.owner, path).status_code == 404
    assert team.put(path, version=None).status_code == 201
    assert team.put(path, version=None).status_code == 409
    assert _get(team, path).json()["name"] == "team-new"
    assert team.delete(path, version=None).status_code == 204
    for method in ("PUT", "DELETE"):
        for name in (*GRAPHS, "default", "team", "eam-x"):
            assert team.send(method, f"/kastor/v1/graphs/{name}").status_code == 403
    assert _get(guarded.owner, f"/kastor/v1/graphs/{OTHER_GRAPH}").status_code == 200


def test_HEAD_asks_for_a_token_where_GET_does(guarded: Guarded, team: Api) -> None:
    for path in ("/digitaltwins/a", "/kastor/v1/me", "/metrics"):
        nobody = guarded.nobody[0].api.send("HEAD", path)
        assert (nobody.status_code, nobody.content) == (401, b"")
        assert team.send("HEAD", path).status_code == 405
    for name in GRAPHS:
        assert team.send("HEAD", f"/graphs/{name}/healthz").status_code == 200


class TestFurtherPermissions:
    """Of a caller with a narrow role on `team-x`, and all of them on `team-y`."""

    @pytest.fixture
    def half(self, guarded: Guarded) -> Api:
        return guarded.half.api

    BODIES = (
        ("PATCH /update", {"query": "SELECT * FROM digitaltwins", "patch": [], "atMost": 9}),
        ("/delete", {"query": "SELECT * FROM digitaltwins", "atMost": 9}),
        ("/revert", {"asOf": "change:1"}),
        ("/revert", {"asOf": "change:1", "twin": "a"}),
        ("/jobs/exports", {"outputBlobUri": "exchange/team-x/o", "kastor": True}),
    )

    @pytest.mark.parametrize("trying", [False, True])
    @pytest.mark.parametrize(("path", "body"), BODIES)
    def test_what_a_body_asks_for_is_needed_on_the_graph_itself(
        self, half: Api, path: str, body: dict[str, Any], trying: bool
    ) -> None:
        headers = {"kastor-dry-run": "true"} if trying and "exports" not in path else {}
        path = path.rpartition(" ")[2]
        refused = half.post(f"/graphs/team-x/kastor/v1{path}", body, version=None, headers=headers)
        assert_error(refused, 403, "Forbidden", "on the graph team-x")
        assert _get(half, "/graphs/team-x/digitaltwins/a").status_code == 200

    def test_a_batch_writes_what_single_calls_may(self, half: Api) -> None:
        for atomic in (False, True):
            body = {"atomic": atomic, "operations": [PUT_E]}
            refused = half.post("/graphs/team-x/kastor/v1/batch", body, version=None)
            (result,) = refused.json()["results"]
            assert result["status"] == 403
            done = half.post("/graphs/team-y/kastor/v1/batch", body, version=None)
            assert done.json()["succeeded"] == 1
        assert _get(half, "/graphs/team-x/digitaltwins/e").status_code == 404

    def test_an_export_with_settings_needs_what_shows_them(self, half: Api) -> None:
        for path, status in (("team-x", 403), ("team-y", 200)):
            found = _get(half, f"/graphs/{path}/kastor/v1/export?kastor=true")
            assert found.status_code == status

    def test_files_of_other_graphs_are_no_locations(self, guarded: Guarded, half: Api) -> None:
        data = guarded.server.data_dir
        (data / "exchange" / OTHER_GRAPH).mkdir(parents=True, exist_ok=True)
        secret = data / "exchange" / OTHER_GRAPH / "in.ndjson"
        secret.write_text("{}")
        for uri in (
            f"exchange/{OTHER_GRAPH}/in.ndjson",
            f"exchange/team-y/../{OTHER_GRAPH}/in.ndjson",
            secret.resolve().as_uri(),
            (data / "tokens").resolve().as_uri(),
        ):
            files = {"inputBlobUri": uri, "outputBlobUri": "exchange/team-y/out"}
            refused = half.put("/graphs/team-y/jobs/imports/one", files)
            assert_error(refused, 400, "InvalidArgument")

    def test_who_lets_an_import_go_on_needs_what_its_beginner_had(
        self, guarded: Guarded, half: Api
    ) -> None:
        files = {
            "inputBlobUri": "exchange/team-x/missing",
            "outputBlobUri": "exchange/team-x/out",
        }
        path = "/graphs/team-x/jobs/imports/theirs"
        assert guarded.owner.put(path, files).status_code == 201
        _until(lambda: guarded.owner.get(path).json()["status"] == "failed")
        assert_error(half.post(f"{path}/resume"), 403, "Forbidden", "models/write")
        assert guarded.owner.get(path).json()["status"] == "failed"
        assert guarded.owner.post(f"{path}/resume").status_code == 200


def test_a_page_goes_on_in_its_graph_alone_and_for_who_may_read_it(
    guarded: Guarded, team: Api
) -> None:
    owner, reader = guarded.owner, guarded.static["r"].api
    first = owner.post(
        "/query",
        {"query": "SELECT * FROM digitaltwins"},
        headers={"max-items-per-page": "1"},
    )
    token = assert_json(first)["continuationToken"]
    for api, prefix, status in (
        (reader, "", 200),
        (guarded.static["s"].api, "", 403),
        (team, "", 403),
        (team, f"/graphs/{TEAM_GRAPH}", 400),
    ):
        found = api.post(f"{prefix}/query", {"continuationToken": token})
        assert found.status_code == status, found.text


def test_jobs_are_of_the_graph_and_handled_by_role(guarded: Guarded, team: Api) -> None:
    begun = team.post(
        f"/graphs/{TEAM_GRAPH}/kastor/v1/jobs/exports",
        {"outputBlobUri": f"exchange/{TEAM_GRAPH}/o"},
        version=None,
        headers={"operation-id": "ours"},
    )
    assert begun.status_code == 202, begun.text
    path = f"/graphs/{TEAM_GRAPH}/kastor/v1/jobs/exports/ours"
    reader = guarded.static["r"].api
    assert _get(reader, path).json()["id"] == "ours"
    assert reader.post(f"{path}/cancel", version=None).status_code == 403
    assert reader.delete(path, version=None).status_code == 403
    assert _get(guarded.half.api, path).status_code == 403
    # The same id on another graph is another job.
    elsewhere = path.replace(TEAM_GRAPH, "team-y")
    assert _get(team, elsewhere).status_code == 404
    assert guarded.owner.post(f"{path}/cancel", version=None).status_code == 200


def test_an_operation_id_is_each_callers_own(guarded: Guarded) -> None:
    headers = {"operation-id": "twice"}
    body = {"operations": [{"op": "delete", "kind": "twin", "id": "e"}]}
    path = "/graphs/team-y/kastor/v1/batch"
    first = guarded.half.api.post(path, body, version=None, headers=headers)
    again = guarded.half.api.post(path, body, version=None, headers=headers)
    assert first.json()["succeeded"] == 1
    assert again.json() == first.json()
    for caller in guarded.team:
        other = caller.api.post(path, body, version=None, headers=headers)
        assert other.json()["failed"] == 1, other.text


def test_every_token_that_is_none_is_answered_alike(guarded: Guarded) -> None:
    tokens = guarded.server.data_dir / "tokens"
    now = time.time()
    revoked = create_token(tokens, "owner", "revoked")
    old = create_token(tokens, "owner", "old", expires=now - 1, clock=lambda: now - 9)
    issuer, roles = guarded.tenant.v1, ["Azure Digital Twins Data Owner"]
    past = issuer.token(oid="o", roles=roles, exp=int(now) - 61)
    wrong = issuer.token(oid="o", roles=roles, aud="https://management.azure.com/")
    with Issuer() as stranger:
        foreign = stranger.token(iss=issuer.url, roles=roles)
        unknown = stranger.token(roles=roles)
    with Api(guarded.server.url, token=revoked) as api:
        assert api.get("/digitaltwins/a").status_code == 200
        revoke_token(tokens, "revoked")
        _until(lambda: api.get("/digitaltwins/a").status_code == 401)
    headers = []
    made_up = ("kst_unknown", "a.b.c", "x" * 20_000, "")
    for token in (revoked, old, past, wrong, foreign, unknown, *made_up):
        with Api(guarded.server.url, token=token) as api:
            answer = api.get("/digitaltwins/a")
            assert is_401(answer)
            headers.append({**answer.headers, "date": ""})
    assert all(each == headers[0] for each in headers)


def _until(done: Any) -> None:
    end = time.monotonic() + LOST_SECONDS
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def _streaming(api: Api, path: str, body: object = None) -> Iterator[threading.Event]:
    """A stream of somebody; the event tells that it has ended."""
    ended, begun = threading.Event(), threading.Event()

    def follow() -> None:
        method = "GET" if body is None else "POST"
        with (
            httpx2.Client(timeout=30) as client,
            client.stream(method, api.url + path, json=body, headers=api.credentials) as answer,
        ):
            assert answer.status_code == 200, answer.read()
            begun.set()
            for _ in answer.iter_raw():
                pass
        ended.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    assert begun.wait(10)
    yield ended
    thread.join(10)


def test_streams_end_with_the_right_to_them(guarded: Guarded) -> None:
    tokens, url = guarded.server.data_dir / "tokens", guarded.server.url
    ends = int(time.time()) - 57
    last = guarded.tenant.v1.token(oid="o", roles=["Azure Digital Twins Data Reader"], exp=ends)
    short = create_token(tokens, "reader", "brief", expires=time.time() + 2.0)
    live = ("/kastor/v1/query/live", {"query": "SELECT * FROM digitaltwins"})
    events = "/kastor/v1/events"
    team, reader = guarded.team[1].api, guarded.signed["r"].api
    with (
        Api(url, token=last) as signed,
        Api(url, token=short) as static,
        _streaming(signed, events) as until_expiry,
        _streaming(static, *live) as until_end,
        _streaming(team, f"/graphs/{TEAM_GRAPH}{events}") as by_policy,
        _streaming(team, f"/graphs/{TEAM_GRAPH}{live[0]}", live[1]) as live_by_policy,
        _streaming(reader, events) as kept,
    ):
        try:
            assert not by_policy.is_set()
            guarded.policy.write_text(POLICY.replace("twins.team", "twins.nobody"))
            assert by_policy.wait(LOST_SECONDS)
            assert live_by_policy.wait(LOST_SECONDS)
            assert team.get(f"/graphs/{TEAM_GRAPH}/digitaltwins/a").status_code == 403
            assert until_expiry.wait(LOST_SECONDS + 3)
            assert until_end.wait(LOST_SECONDS)
            assert not kept.is_set()  # who lost nothing goes on
        finally:
            guarded.policy.write_text("adt_roles = false\n" + POLICY)
        assert kept.wait(LOST_SECONDS)
    guarded.policy.write_text(POLICY)
    _until(lambda: reader.get("/digitaltwins/a").status_code == 200)


def test_names_are_harmless_and_nobody_passes_for_another(guarded: Guarded) -> None:
    roles = ["Azure Digital Twins Data Owner"]
    evil = "ci\r\nSet-Cookie: a=b\x1b[2J\u202e"
    found = []
    for number, name in enumerate(("ci", evil, "a owner", "ada@example.org (8f3a)", "x" * 5_000)):
        token = guarded.tenant.v2.token(
            aud="https://digitaltwins.azure.net",
            oid=f"id-{number}",
            tid="t",
            roles=roles,
            preferred_username=name,
        )
        with Api(guarded.server.url, token=token) as api:
            written = api.put("/digitaltwins/named", floor())
            assert written.status_code == 200
            assert "set-cookie" not in written.headers
            history = _get(api, "/kastor/v1/digitaltwins/named/history").json()["value"]
            found.append(history[-1]["actor"])
    for number, actor in enumerate(found):
        assert actor.rpartition("(")[2].startswith(f"id-{number}, ")
        assert actor.isprintable()
        assert len(actor) <= 200
    assert "Set-Cookie" not in guarded.server.output
    audit = (guarded.server.data_dir / "audit" / "audit.ndjson").read_text("utf-8")
    assert audit
    for line in audit.split("\n")[:-1]:
        assert line.isprintable()
        assert isinstance(json.loads(line), dict)
    guarded.owner.delete("/digitaltwins/named")


def test_under_adt_a_refusal_says_nothing() -> None:
    from kastor.testing import KastorServer

    with KastorServer(("--profile", "adt", "--auth", "tokens")) as server:
        with Api(server.url, token=server.token("reader")) as reader:
            refused = reader.put("/digitaltwins/a", {})
        assert refused.status_code == 403
        assert refused.content == b""
        assert json.loads(httpx2.get(f"{server.url}/models").content)["statusCode"] == 401
