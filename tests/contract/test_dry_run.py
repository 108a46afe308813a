"""Dry runs: of every write of the operation table, and of what is wrong with one (decisions 5)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from kastor.api.operations import OPERATIONS

from . import proposed
from .client import PATCH_TYPE, UNSET, Api, assert_error, assert_json, op
from .models import BUILDING, M, building
from .tables import rows_of

if TYPE_CHECKING:
    import httpx2

    from kastor.testing import KastorServer

DRY_RUN = "kastor-dry-run"
TRYING = {DRY_RUN: "true"}

_OF_A_JOB = "is about a job, and changes nothing of the graph"
_TO_OUTSIDE = "reads the graph; what it writes lies outside"
_KINDS = ("Import", "Export", "Backup", "Update", "Delete", "Revert")
WITHOUT: dict[str, str] = {
    **{f"Kastor_{what}{kind}Job": _OF_A_JOB for what in ("Cancel", "Delete") for kind in _KINDS},
    **dict.fromkeys(("ImportJobs_Cancel", "ImportJobs_CancelInPreview"), _OF_A_JOB),
    **dict.fromkeys(("ImportJobs_Delete", "ImportJobs_DeleteInPreview"), _OF_A_JOB),
    "ImportJobs_Resume": "goes on as the job began, as a dry run where it is one",
    "Kastor_TestEndpoint": "has something sent, and changes nothing of the graph",
    **dict.fromkeys(("Kastor_ExportJob", "Kastor_BackupJob"), _TO_OUTSIDE),
}
"""Operations that are no reads and that cannot be tried, by id, each with its reason.

They answer 400 to the header and change nothing.
"""
READS = frozenset(
    {
        *("Query_QueryTwins", "Kastor_LiveQuery", "Kastor_QuerySeries"),
        *(
            "DigitalTwinModels_Search",
            "DigitalTwins_Search",
            "Kastor_CheckAccess",
            "Kastor_TryMessage",
        ),
    }
)
"""What reads by POST: the header changes nothing."""

AS_JOBS = frozenset(
    (
        *("ImportJobs_Add", "ImportJobs_AddInPreview", "Kastor_ImportUpload"),
        *("DeleteJobs_Add", "Kastor_Update", "Kastor_Delete", "Kastor_Revert"),
    )
)
"""Whose dry run is a job, or answered in another form than its job: see tests/jobs, and of a revert
test_revert.py."""

FLOOR = "dtmi:dry:Floor;1"
FLOOR_MODEL = {
    "@id": FLOOR,
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;2",
    "contents": [
        {"@type": "Property", "name": "level", "schema": "integer", "writable": True},
        {"@type": "Property", "name": "name", "schema": "string", "writable": True},
        {"@type": "Component", "name": "door", "schema": "dtmi:dry:Door;1"},
        {
            "@type": "Relationship",
            "name": "above",
            "properties": [{"@type": "Property", "name": "by", "schema": "string"}],
        },
    ],
}
DOOR_MODEL = {
    "@id": "dtmi:dry:Door;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;2",
    "contents": [{"@type": "Property", "name": "colour", "schema": "string"}],
}
SPARE_MODEL = {**DOOR_MODEL, "@id": "dtmi:dry:Spare;1"}
LIFT_MODEL = {**DOOR_MODEL, "@id": "dtmi:dry:Lift;1"}
RULES = [
    {
        "name": "level",
        "match": {"from": "/floor"},
        "twin": "{value}",
        "patch": {"/level": "/level"},
        "telemetry": "",
    }
]


def floor(**members: Any) -> dict[str, Any]:
    return {"$metadata": {"$model": FLOOR}, "door": {"$metadata": {}}, **members}


@dataclass(frozen=True)
class Case:
    """A write that would succeed.

    Attributes:
        says: members of the dry run's answer that have to be there.
        adds: whether it changes rows, when it is done.
        apart: members of the answer that a dry run has otherwise.
    """

    method: str
    path: str
    body: Any = UNSET
    content_type: str = "application/json"
    says: dict[str, Any] = field(default_factory=dict)
    changes: bool = True
    versioned: bool = True
    apart: frozenset[str] = frozenset()


def patch(path: str, *operations: Any, **says: Any) -> Case:
    return Case("PATCH", path, list(operations), PATCH_TYPE, says)


def ours(method: str, path: str, body: Any = UNSET, **more: Any) -> Case:
    return Case(method, f"/kastor/v1{path}", body, versioned=False, **more)


SENT = {"celsius": 20}
A_TO_B = "/digitaltwins/a/relationships/r"
# In an order in which each can be done after those before.
CASES: dict[str, Case] = {
    "DigitalTwins_Add": Case("PUT", "/digitaltwins/new", floor(level=1), says={"level": 1}),
    "DigitalTwins_Update": patch("/digitaltwins/a", op("add", "/level", 7), level=7, name="A"),
    "DigitalTwins_Delete": Case("DELETE", "/digitaltwins/d"),
    "DigitalTwins_UpdateComponent": patch(
        "/digitaltwins/a/components/door", op("add", "/colour", "red"), colour="red"
    ),
    "DigitalTwins_SendTelemetry": Case("POST", "/digitaltwins/a/telemetry", SENT),
    "DigitalTwins_SendComponentTelemetry": Case(
        "POST", "/digitaltwins/a/components/door/telemetry", SENT
    ),
    "DigitalTwins_SendTelemetryOfComponent": Case(
        "POST", "/digitaltwins/a/telemetry/components/door", SENT
    ),
    "DigitalTwins_AddRelationship": Case(
        "PUT",
        "/digitaltwins/b/relationships/new",
        {"$relationshipName": "above", "$targetId": "c", "by": "stairs"},
        says={"$sourceId": "b", "by": "stairs"},
    ),
    "DigitalTwins_UpdateRelationship": patch(A_TO_B, op("add", "/by", "lift"), by="lift"),
    "DigitalTwins_DeleteRelationship": Case("DELETE", A_TO_B),
    "Kastor_Batch": ours(
        "POST",
        "/batch",
        {"operations": [{"op": "put", "kind": "twin", "id": "more", "body": floor()}]},
        says={"succeeded": 1, "failed": 0},
    ),
    "Kastor_Propose": ours(
        "POST",
        "/proposals",
        {
            "operations": [{"op": "put", "kind": "twin", "id": "maybe", "body": floor()}],
            "reason": "to see",
        },
        says={"status": "open", "count": 1, "needsApproval": False, "id": None, "token": None},
        apart=frozenset(("id", "token", "expires")),
    ),
    "Kastor_ApproveProposal": ours(
        "POST",
        f"/proposals/{proposed.ID}/approve",
        says={"count": 1, "status": "approved"},
        apart=frozenset(("approvedTime",)),
    ),
    "Kastor_ApplyProposal": ours(
        "POST",
        f"/proposals/{proposed.ID}/apply",
        {"token": proposed.TOKEN},
        says={"succeeded": 1, "failed": 0},
    ),
    "Kastor_RejectProposal": ours("DELETE", f"/proposals/{proposed.SPARE}"),
    "DigitalTwinModels_Add": Case("POST", "/models", [LIFT_MODEL]),
    "EventRoutes_Add": Case(
        "PUT", "/eventroutes/second", {"endpointName": "hook", "filter": "true"}
    ),
    "Kastor_PutEndpoint": ours(
        "PUT",
        "/endpoints/other",
        {"kind": "webhook", "settings": {"url": "http://localhost:9/x"}},
        says={"name": "other", "routes": []},
    ),
    "Kastor_DeleteEndpoint": ours("DELETE", "/endpoints/spare"),
    "Kastor_PauseRoute": ours("POST", "/routes/first/pause"),
    "Kastor_ResumeRoute": ours("POST", "/routes/paused/resume"),
    "Kastor_ReplayRoute": ours("POST", "/routes/paused/replay?from=0", says={"position": 0}),
    "Kastor_RequeueDeadLetters": ours(
        "POST", "/routes/first/deadletters/requeue", says={"count": 0}, changes=False
    ),
    "Kastor_PurgeDeadLetters": ours(
        "DELETE", "/routes/first/deadletters", says={"count": 0}, changes=False
    ),
    "Kastor_PutInput": ours(
        "PUT",
        "/inputs/other",
        {"kind": "webhook", "settings": {"rules": RULES}},
        says={"name": "other", "paused": False},
    ),
    "Kastor_SendMessages": ours(
        "POST",
        "/inputs/sensors/messages",
        [{"floor": "a", "level": 3}, {"floor": "none", "level": 3}, {"floor": "b", "level": "x"}],
        says={"received": 3, "written": 1, "rejected": 2},
    ),
    "Kastor_PauseInput": ours("POST", "/inputs/sensors/pause"),
    "Kastor_ResumeInput": ours("POST", "/inputs/spare/resume"),
    "Kastor_DeleteInput": ours("DELETE", "/inputs/spare"),
    "Kastor_PutSaved": ours("PUT", "/explorer/views/other", {"zoom": 2}, says={"name": "other"}),
    "Kastor_DeleteSaved": ours("DELETE", "/explorer/views/mine"),
    "Kastor_PutSceneFile": ours(
        "PUT",
        "/explorer/files/other",
        {"asset": {"version": "2.0"}},
        content_type="model/gltf+json",
        says={"contentType": "model/gltf+json", "dropped": []},
    ),
    "Kastor_DeleteSceneFile": ours("DELETE", "/explorer/files/mine"),
    "Kastor_CreateIndex": ours("PUT", "/indexes/level", says={"path": "level"}),
    "Kastor_DropIndex": ours("DELETE", "/indexes/name"),
    "Kastor_PutVectorIndex": ours("PUT", "/vectors/other", {"dims": 2}, says={"dims": 2}),
    "Kastor_PutVector": ours("PUT", "/digitaltwins/a/vectors/meaning", {"vector": [1, 0]}),
    "Kastor_DeleteVector": ours("DELETE", "/digitaltwins/b/vectors/meaning"),
    "Kastor_DropVectorIndex": ours("DELETE", "/vectors/meaning"),
    "Kastor_HistorySettings": ours(
        "PUT", "/history", {"graph": {"bytes": 5}}, says={"settings": {"graph": {"bytes": 5}}}
    ),
    "Kastor_LoadSample": Case(
        "POST",
        "/graphs/spare/kastor/v1/sample",
        {"name": "building"},
        says={"loaded": True, "simulated": True, "twins": 342, "relationships": 802},
        changes=False,
        versioned=False,
    ),
    "Kastor_CreateGraph": ours(
        "PUT", "/graphs/second", says={"name": "second", "state": "open"}, changes=False
    ),
    "Kastor_DeleteGraph": ours("DELETE", "/graphs/spare", changes=False),
    "EventRoutes_Delete": Case("DELETE", "/eventroutes/first"),
    "DigitalTwinModels_Update": patch(
        f"/models/{FLOOR}", op("replace", "/decommissioned", True), decommissioned=True, id=FLOOR
    ),
    "DigitalTwinModels_Delete": Case("DELETE", f"/models/{SPARE_MODEL['@id']}"),
    "Kastor_DeleteAllModels": Case("DELETE", "/models"),
    "DigitalTwins_PutMany": Case("POST", "/digitaltwins", [], versioned=False, changes=False),
    "DigitalTwins_PutManyRelationships": Case(
        "POST",
        "/relationships",
        [{"$sourceId": "x", "$relationshipId": "y", "$targetId": "z", "$relationshipName": "n"}],
        says={"successCount": 0, "failureCount": 1},
        versioned=False,
        changes=False,
    ),
    "Kastor_Reset": ours("POST", "/reset"),
}
REFUSED_BY_SQLITE = "Kastor_MoveGraph"
"""A server on SQLite moves no graphs; tried on PostgreSQL in tests/postgres/test_graphs.py."""


@dataclass
class Receiver:
    """Counts what a webhook is sent."""

    url: str = ""
    got: int = 0


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            found.got += 1
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found.url = f"http://localhost:{server.server_address[1]}/events"
        yield found
        server.shutdown()


def send(api: Api, case: Case, **headers: str) -> httpx2.Response:
    path, body = proposed.filled(case.path, case.body)
    return api.send(
        case.method,
        path,
        body,
        headers=headers,
        content_type=case.content_type,
        **({} if case.versioned else {"version": None}),
    )


def done(api: Api, method: str, path: str, body: Any = UNSET) -> None:
    own = path.startswith("/kastor/")
    response = api.send(method, path, body, **({"version": None} if own else {}))
    assert response.is_success, response.text


def save(api: Api) -> None:
    """A saved view and a scene file, both named `mine`."""
    done(api, "PUT", "/kastor/v1/explorer/views/mine", {})
    path, model = "/kastor/v1/explorer/files/mine", {"asset": {"version": "2.0"}}
    made = api.put(path, model, content_type="model/gltf+json", version=None)
    assert made.is_success, made.text


@pytest.fixture(scope="module")
def world(kastor: KastorServer, connection: Api, receiver: Receiver) -> Iterator[Api]:
    """A graph with one of everything, whose route has nothing left to send."""
    api = connection
    kastor.reset()
    api.add_models(FLOOR_MODEL, DOOR_MODEL, SPARE_MODEL)
    for name in ("hook", "spare"):
        settings = {"kind": "webhook", "settings": {"url": receiver.url}}
        done(api, "PUT", f"/kastor/v1/endpoints/{name}", settings)
    for name in ("first", "paused"):
        route = {"endpointName": "hook", "filter": "true"}
        done(api, "PUT", f"/eventroutes/{name}", route)
    done(api, "POST", "/kastor/v1/routes/paused/pause")
    for name in ("sensors", "spare"):
        done(
            api,
            "PUT",
            f"/kastor/v1/inputs/{name}",
            {"kind": "webhook", "settings": {"rules": RULES}},
        )
    done(api, "POST", "/kastor/v1/inputs/spare/pause")
    save(api)
    done(api, "PUT", "/kastor/v1/indexes/name")
    done(api, "PUT", "/kastor/v1/graphs/spare")
    for name in "abcd":
        api.add_twin(name, floor(name=name.upper()))
    api.relate("a", "r", "b", "above", by="stairs")
    done(api, "PUT", "/kastor/v1/vectors/meaning", {"dims": 2})
    done(api, "PUT", "/kastor/v1/digitaltwins/b/vectors/meaning", {"vector": [1, 0]})
    proposed.furnish(api, FLOOR)
    settled(api)
    yield api
    kastor.reset()
    saved = ("explorer/views", "explorer/files")
    for kind in ("inputs", "indexes", "vectors", "endpoints", *saved):
        for each in api.get(f"/kastor/v1/{kind}", version=None).json()["value"]:
            name = each.get("name", each.get("path"))
            api.delete(f"/kastor/v1/{kind}/{name}", version=None)
    for each in api.get("/kastor/v1/graphs", version=None).json()["value"]:
        if each["name"] != "default":
            api.delete(f"/kastor/v1/graphs/{each['name']}", version=None)


def settled(api: Api) -> None:
    """Wait until the route has delivered everything, and has noted it."""
    end = time.monotonic() + 10
    before = None
    while True:
        state = api.get("/kastor/v1/routes/first", version=None).json()
        if state["lag"] == 0 and state == before:
            return
        assert time.monotonic() < end, state
        before = state
        time.sleep(0.05)


MADE_ANEW = frozenset(
    ("$lastUpdateTime", "lastUpdateTime", "$etag", "etag", "uploadTime", "createdTime")
)
STATE = "state"
"""Of a graph: another process may not have opened it yet."""


def without_chance(value: Any) -> Any:
    """An answer without times and etags."""
    if isinstance(value, dict):
        return {
            key: without_chance(member)
            for key, member in value.items()
            if key not in MADE_ANEW and key != STATE
        }
    return [without_chance(each) for each in value] if isinstance(value, list) else value


def test_every_operation_that_is_no_read_can_be_tried_or_says_why_not() -> None:
    writes = {each.id for each in OPERATIONS if each.method != "GET"}
    marked = {each.id for each in OPERATIONS if each.dry_run and each.method != "GET"}
    assert marked.isdisjoint(WITHOUT)
    assert marked | WITHOUT.keys() == writes
    assert CASES.keys() | READS | AS_JOBS | {REFUSED_BY_SQLITE} == marked


@pytest.mark.parametrize("name", CASES)
def test_a_dry_run_changes_nothing(
    name: str, kastor: KastorServer, world: Api, receiver: Receiver
) -> None:
    case = CASES[name]
    before, received = rows_of(kastor), receiver.got
    tried = send(world, case, **TRYING)
    assert tried.is_success, tried.text
    assert tried.headers[DRY_RUN] == "true"
    assert rows_of(kastor) == before
    assert receiver.got == received
    if case.says:
        said = assert_json(tried, tried.status_code)
        assert {key: said[key] for key in case.says} == case.says


WRONG: tuple[tuple[str, Case, int, str], ...] = (
    ("a twin of no model", Case("PUT", "/digitaltwins/x", {}), 400, "ValidationFailed"),
    ("a value", Case("PUT", "/digitaltwins/x", floor(level="high")), 400, "ValidationFailed"),
    ("a path", patch("/digitaltwins/a", op("add", "/nothing", 1)), 400, "ValidationFailed"),
    ("no twin", patch("/digitaltwins/x", op("add", "/level", 1)), 404, "DigitalTwinNotFound"),
    ("has relationships", Case("DELETE", "/digitaltwins/a"), 400, "RelationshipsNotDeleted"),
    (
        "no target",
        Case(
            "PUT",
            "/digitaltwins/a/relationships/x",
            {"$relationshipName": "above", "$targetId": "x"},
        ),
        404,
        "TargetDigitalTwinNotFound",
    ),
    ("a model again", Case("POST", "/models", [DOOR_MODEL]), 409, "ModelIdAlreadyExists"),
    ("no model", Case("POST", "/models", [{"@id": "x"}]), 400, "DTDLParserError"),
    (
        "a model that is needed",
        Case("DELETE", f"/models/{DOOR_MODEL['@id']}"),
        409,
        "ModelReferencesNotDeleted",
    ),
    ("no telemetry", Case("POST", "/digitaltwins/x/telemetry", {}), 404, "DigitalTwinNotFound"),
    (
        "a filter",
        Case("PUT", "/eventroutes/x", {"endpointName": "hook", "filter": "type ="}),
        400,
        "EventRouteFilterInvalid",
    ),
    ("no route", Case("DELETE", "/eventroutes/x"), 404, "EventRouteNotFound"),
    ("an endpoint in use", ours("DELETE", "/endpoints/hook"), 409, "EndpointInUse"),
    ("an endpoint", ours("PUT", "/endpoints/x1y", {"kind": "fax"}), 400, "InvalidArgument"),
    ("an input", ours("PUT", "/inputs/x1y", {"kind": "webhook", "settings": {}}), 400, ""),
    ("no input", ours("DELETE", "/inputs/x1y"), 404, "InputNotFound"),
    ("no input to pause", ours("POST", "/inputs/x1y/pause"), 404, "InputNotFound"),
    ("no proposal", ours("DELETE", "/proposals/x"), 404, "ProposalNotFound"),
    (
        "a proposal without a reason",
        ours("POST", "/proposals", {"operations": [{"op": "delete", "kind": "twin", "id": "x"}]}),
        400,
        "InvalidArgument",
    ),
    ("a scene", ours("PUT", "/explorer/scenes/x", {}), 400, "InvalidArgument"),
    ("no view", ours("DELETE", "/explorer/views/x"), 404, "SavedDocumentNotFound"),
    ("no kind", ours("PUT", "/explorer/hats/x", {}), 404, "SavedKindNotFound"),
    (
        "no model",
        ours("PUT", "/explorer/files/x", {}, content_type="model/gltf+json"),
        400,
        "SceneFileRefused",
    ),
    ("an index", ours("PUT", "/indexes/a%20b"), 400, "InvalidArgument"),
    ("no index", ours("DELETE", "/indexes/nothing"), 404, "IndexNotFound"),
    ("a rule", ours("PUT", "/history", {"graph": {"days": 7}}), 400, "InvalidArgument"),
    ("a graph", ours("PUT", "/graphs/Second"), 400, "InvalidArgument"),
    ("a graph again", ours("PUT", "/graphs/spare"), 409, "GraphExists"),
    ("no graph", ours("DELETE", "/graphs/nothing"), 404, "GraphNotFound"),
    ("a graph of the start", ours("DELETE", "/graphs/default"), 400, "OperationNotAllowed"),
)


@pytest.mark.parametrize(("case", "status", "code"), [each[1:] for each in WRONG])
def test_what_is_wrong_is_said_in_the_same_words(
    case: Case, status: int, code: str, world: Api
) -> None:
    tried, really = send(world, case, **TRYING), send(world, case)
    assert_error(tried, status, code or tried.json()["error"]["code"])
    assert tried.status_code == really.status_code
    assert tried.json() == really.json()
    assert tried.headers[DRY_RUN] == "true"


def test_conditions_hold_in_a_dry_run(world: Api) -> None:
    etag = world.twin("a")["$etag"]
    change = patch("/digitaltwins/a", op("add", "/level", 1))
    assert send(world, change, **TRYING, **{"If-Match": etag}).status_code == 200
    stale = 'W/"00000000-0000-4000-8000-000000000000"'
    for case in (change, Case("DELETE", "/digitaltwins/d")):
        tried = send(world, case, **TRYING, **{"If-Match": stale})
        assert_error(tried, 412, "PreconditionFailed")
    again = Case("PUT", "/digitaltwins/a", floor())
    assert_error(send(world, again, **TRYING, **{"If-None-Match": "*"}), 412, "PreconditionFailed")
    assert world.twin("a")["$etag"] == etag


def test_the_header_is_true_or_false_and_reads_take_it(world: Api) -> None:
    case = Case("PUT", "/digitaltwins/e", floor())
    assert_error(send(world, case, **{DRY_RUN: "yes"}), 400, "InvalidArgument", "true or false")
    assert world.get("/digitaltwins/e").status_code == 404
    read = world.get("/digitaltwins/a", headers=TRYING)
    assert read.status_code == 200
    assert world.query("SELECT * FROM digitaltwins", headers=TRYING).status_code == 200
    done_now = send(world, case, **{DRY_RUN: "False"})
    assert done_now.status_code == 200
    assert DRY_RUN not in done_now.headers
    assert world.get("/digitaltwins/e").status_code == 200


def test_what_would_be_written_is_shown_as_it_would_be_read(world: Api) -> None:
    change = patch("/digitaltwins/a", op("replace", "/name", "new"), op("add", "/level", 2))
    tried = assert_json(send(world, change, **TRYING))
    etag = send(world, change).headers["etag"]
    stored = world.twin("a")
    assert stored["$etag"] == etag
    assert without_chance(tried) == without_chance(stored)
    assert tried["$metadata"]["level"]["lastUpdateTime"] == tried["$metadata"]["$lastUpdateTime"]
    assert json.dumps(list(tried)) == json.dumps(list(stored))


def test_a_large_upload_of_models_is_tried_whole(world: Api) -> None:
    models = [{**DOOR_MODEL, "@id": f"dtmi:dry:M{n};1"} for n in range(200)]
    tried = assert_json(world.post("/models", models, headers=TRYING), 201)
    assert [each["id"] for each in tried] == [each["@id"] for each in models]
    assert world.get(f"/models/{models[0]['@id']}").status_code == 404


def test_under_adt_the_header_is_taken_too(adt: Api) -> None:
    adt.add_models(M)
    tried = adt.put("/digitaltwins/T", building(AverageTemperature=1), headers=TRYING)
    assert assert_json(tried)["$metadata"]["$model"] == BUILDING
    assert adt.get("/digitaltwins/T").status_code == 404


def _without(answer: Any, apart: frozenset[str]) -> Any:
    """An answer without the values of some of its members."""
    if not apart:
        return answer
    return {name: None if name in apart else value for name, value in answer.items()}


def test_the_write_is_answered_as_the_dry_run_was(kastor: KastorServer, world: Api) -> None:
    for name, case in CASES.items():
        tried = send(world, case, **TRYING)
        before = rows_of(kastor)
        really = send(world, case)
        assert really.is_success, (name, really.text)
        assert DRY_RUN not in really.headers
        assert ("etag" in tried.headers) == ("etag" in really.headers), name
        if case.method == "PATCH":
            assert (tried.status_code, really.status_code) == (200, 204), name
            shown = without_chance(world.get(case.path).json())
        else:
            assert tried.status_code == really.status_code, name
            shown = without_chance(really.json()) if really.content else None
        said = without_chance(tried.json()) if tried.content else None
        assert _without(said, case.apart) == _without(shown, case.apart), name
        if case.changes:
            assert rows_of(kastor) != before, name
