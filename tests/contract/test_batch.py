"""Many writes in one request: each as its own call would be, all or none, and repeated."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from kastor.testing import KastorServer

from .client import ETAG, Api, Unchanged, assert_error, assert_json, op, seg
from .models import M, building

BATCH = "/kastor/v1/batch"
TWINS = ("a", "b", "c")
MEMBERS = {"status", "etag", "error"}


def send(api: Api, *operations: dict[str, Any], **more: Any) -> httpx2.Response:
    headers = more.pop("headers", None)
    return api.post(BATCH, {"operations": operations, **more}, version=None, headers=headers)


def results(response: httpx2.Response) -> list[dict[str, Any]]:
    """The results of a batch that was taken; its counts are those of them."""
    body = assert_json(response)
    assert list(body) == ["results", "succeeded", "failed"]
    refused = [each for each in body["results"] if each["status"] >= 400]
    assert body["failed"] == len(refused)
    assert body["succeeded"] == len(body["results"]) - len(refused)
    for each in body["results"]:
        assert set(each) <= MEMBERS
        assert ("error" in each) is (each["status"] >= 400)
    found: list[dict[str, Any]] = body["results"]
    return found


def twin(verb: str, identifier: str, body: Any = None, **more: Any) -> dict[str, Any]:
    sent = {} if body is None else {"body": body}
    return {"op": verb, "kind": "twin", "id": identifier, **sent, **more}


def edge(verb: str, source: str, identifier: str, body: Any = None, **more: Any) -> dict[str, Any]:
    return {**twin(verb, identifier, body, **more), "kind": "relationship", "source": source}


def warm(value: float) -> list[dict[str, Any]]:
    return [op("add", "/AverageTemperature", value)]


def alone(api: Api, operation: dict[str, Any]) -> dict[str, Any]:
    """What the call for an operation alone answers, in the form of a result."""
    path = f"/digitaltwins/{seg(operation['id'])}"
    if operation["kind"] == "relationship":
        path = f"/digitaltwins/{seg(operation['source'])}/relationships/{seg(operation['id'])}"
    conditions = {"If-Match": "ifMatch", "If-None-Match": "ifNoneMatch"}
    headers = {name: operation[key] for name, key in conditions.items() if key in operation}
    content = None if "body" not in operation else json.dumps(operation["body"]).encode()
    answer = api.send(operation["op"].upper(), path, raw=content, headers=headers)
    result: dict[str, Any] = {"status": answer.status_code}
    if "etag" in answer.headers:
        result["etag"] = answer.headers["etag"]
    if answer.status_code >= 400:
        result["error"] = answer.json()["error"]
    return result


class Choices:
    """Random operations on a few twins; many of them are refused for one reason or another."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def operations(self, count: int) -> list[dict[str, Any]]:
        return [self._one() for _ in range(count)]

    def _one(self) -> dict[str, Any]:
        pick = self._random.choice
        verb = pick(("put", "put", "patch", "patch", "delete"))
        about_twin = pick((True, True, False))
        body = None
        if verb == "put":
            body = pick(self._twins() if about_twin else self._edges())
        elif verb == "patch":
            body = pick(self._patches() if about_twin else self._edge_patches())
        made = (
            twin(verb, pick((*TWINS, "x/y", "z" * 129)), body)
            if about_twin
            else edge(verb, pick((*TWINS, "none")), pick(("r", "s", "t/u")), body)
        )
        condition = "ifNoneMatch" if verb == "put" else "ifMatch"
        values = ("*", '"nonsense"', "nonsense") if verb == "put" else ("*", 'W/"1"', "nonsense")
        if pick((True, False, False, False)):
            made[condition] = pick(values)
        return made

    def _twins(self) -> list[Any]:
        good = [building(AverageTemperature=self._random.randrange(9)) for _ in range(5)]
        unknown = {"$metadata": {"$model": "dtmi:t:None;1"}}
        return [*good, building(), building(Nothing=1), unknown, {}, [], None]

    def _edges(self) -> list[Any]:
        good = [{"$relationshipName": "has", "$targetId": each} for each in TWINS]
        wrong = {"$relationshipName": "likes", "$targetId": "a"}
        missing = {"$relationshipName": "has", "$targetId": "nobody"}
        return [*good, {**good[0], "isAccessRestricted": True}, wrong, missing, {}, 1]

    def _patches(self) -> list[Any]:
        good = [warm(self._random.randrange(9)) for _ in range(4)]
        return [*good, [], [op("remove", "/TemperatureUnit")], [op("add", "/$dtId", "n")], {}, [1]]

    def _edge_patches(self) -> list[Any]:
        good = [op("add", "/isAccessRestricted", True)]
        return [good, [], [op("replace", "/$targetId", "b")], [op("add", "/x", 1)], None]


def stored(api: Api) -> list[Any]:
    """Everything that is stored, but for times and etags, which no two writes share."""
    found = []
    for name in ("DIGITALTWINS", "RELATIONSHIPS"):
        rows = assert_json(api.query(f"SELECT * FROM {name}"))["value"]
        for row in rows:
            row.pop("$etag")
            row["$metadata"] = row.get("$metadata", {}).get("$model")
        found.append(sorted(rows, key=lambda row: json.dumps(row, sort_keys=True)))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_does_and_says_what_its_operations_would_alone(
    kastor: KastorServer, api: Api, seed: int
) -> None:
    operations = Choices(seed).operations(120)
    api.add_models(M)
    one_by_one = [alone(api, each) for each in operations]
    there = stored(api)
    kastor.reset()
    api.add_models(M)
    together = results(send(api, *operations))
    assert stored(api) == there
    statuses = {each["status"] for each in together}
    assert {200, 204, 400, 404} <= statuses
    for operation, single, batched in zip(operations, one_by_one, together, strict=True):
        assert ("etag" in single) is ("etag" in batched), operation
        if "etag" in batched:
            assert ETAG.fullmatch(batched["etag"])
        assert {**batched, "etag": 0} == {**single, "etag": 0}, operation


def test_each_operation_sees_those_before_it(api: Api, model_m: dict[str, Any]) -> None:
    has = {"$relationshipName": "has", "$targetId": "b"}
    found = results(
        send(
            api,
            twin("put", "a", building()),
            edge("put", "a", "r", has),
            twin("put", "b", building()),
            edge("put", "a", "r", has),
            twin("delete", "a"),
            edge("delete", "a", "r"),
            twin("delete", "a"),
        )
    )
    assert [each["status"] for each in found] == [200, 404, 200, 200, 400, 204, 204]
    assert found[1]["error"]["code"] == "TargetDigitalTwinNotFound"
    assert found[4]["error"]["code"] == "RelationshipsNotDeleted"
    assert api.get("/digitaltwins/a").status_code == 404


def test_the_etag_of_a_result_is_the_twins(api: Api, twin_t: dict[str, Any]) -> None:
    [first] = results(send(api, twin("patch", "T", warm(1), ifMatch=twin_t["$etag"])))
    assert first["etag"] == api.twin("T")["$etag"] != twin_t["$etag"]
    second = results(send(api, twin("delete", "T", ifMatch=twin_t["$etag"])))
    assert (second[0]["status"], second[0]["error"]["code"]) == (412, "PreconditionFailed")
    assert results(send(api, twin("delete", "T", ifMatch=first["etag"]))) == [{"status": 204}]


def test_an_empty_batch_has_an_empty_answer(api: Api) -> None:
    assert assert_json(send(api)) == {"results": [], "succeeded": 0, "failed": 0}
    assert assert_json(send(api, atomic=True)) == {"results": [], "succeeded": 0, "failed": 0}


class TestAtomic:
    def test_one_refused_operation_takes_back_all(self, api: Api, twin_t: dict[str, Any]) -> None:
        with Unchanged(api, "/digitaltwins/T"):
            response = send(
                api,
                twin("put", "N", building()),
                twin("patch", "T", warm(1)),
                twin("delete", "nobody"),
                twin("patch", "T", warm("hot")),  # type: ignore[arg-type]
                atomic=True,
            )
        body = assert_json(response, 400)
        assert response.headers["x-ms-error-code"] == body["error"]["code"] == "BatchRefused"
        assert body["error"]["message"].startswith("2 of 4 operations were refused")
        assert (body["succeeded"], body["failed"]) == (0, 2)
        assert [each["status"] for each in body["results"]] == [200, 204, 404, 400]
        assert not any("etag" in each for each in body["results"])
        assert body["results"][3]["error"]["code"] == "ValidationFailed"
        assert api.get("/digitaltwins/N").status_code == 404

    def test_without_a_refused_one_all_are_applied(self, api: Api, twin_t: dict[str, Any]) -> None:
        has = {"$relationshipName": "has", "$targetId": "T"}
        found = results(
            send(
                api,
                twin("put", "N", building()),
                edge("put", "N", "r", has),
                twin("patch", "T", warm(1)),
                atomic=True,
            )
        )
        assert [each["status"] for each in found] == [200, 200, 204]
        assert found[2]["etag"] == api.twin("T")["$etag"]

    def test_an_operation_that_is_wrong_in_its_form_refuses_it_too(
        self, api: Api, twin_t: dict[str, Any]
    ) -> None:
        with Unchanged(api, "/digitaltwins/T"):
            body = assert_json(
                send(api, twin("patch", "T", warm(1)), twin("put", "a/b", {}), atomic=True), 400
            )
        assert [each["status"] for each in body["results"]] == [204, 400]


ONE = '{"op":"patch","kind":"twin","id":"T","body":[{"op":"add","path":"/TemperatureUnit","value":"K"}]}'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("", "needs a body"),
        ("[]", "not a batch"),
        ("{}", "operations"),
        ('{"operations":{}}', "array"),
        (f'{{"operations":[{ONE}],"Atomic":true}}', "Atomic"),
        (f'{{"operations":[{ONE}],"atomic":1}}', "bool"),
        (f'{{"operations":[{ONE},1]}}', "$.operations[1]"),
        (f'{{"operations":[{ONE},{{"kind":"twin","id":"b"}}]}}', "`op`"),
        (f'{{"operations":[{ONE},{{"op":"put","id":"b"}}]}}', "`kind`"),
        (f'{{"operations":[{ONE},{{"op":"post","kind":"twin","id":"b"}}]}}', "post"),
        (f'{{"operations":[{ONE},{{"op":"put","kind":"model","id":"b"}}]}}', "relationship"),
        (f'{{"operations":[{ONE},{{"op":"put","kind":["twin"],"id":"b"}}]}}', "relationship"),
        (f'{{"operations":[{ONE},{{"op":"delete","kind":"twin","id":"b","ifmatch":"*"}}]}}', "ifm"),
        (f'{{"operations":[{ONE},{{"op":"put","kind":"twin","id":7}}]}}', "$.operations[1].id"),
        (f'{{"operations":[{ONE},{{"op":"put","kind":"twin","id":"b","body":' + "[" * 9_000, ""),
        (f'{{"operations":[{ONE},{{"op":"put","kind":"twin","id":"\udcff"}}]}}', ""),
        (f'{{"operations":[{ONE}]}}x', ""),
    ],
)
def test_a_malformed_batch_changes_nothing(
    api: Api, twin_t: dict[str, Any], body: str, text: str
) -> None:
    with Unchanged(api, "/digitaltwins/T"):
        raw = body.encode("utf-8", "surrogateescape")
        assert_error(api.post(BATCH, raw=raw), 400, ("InvalidArgument", "BadRequest"), text)


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (edge("put", "T", "r", {}) | {"kind": "twin"}, "source"),
        (twin("put", "r", {}) | {"kind": "relationship"}, "source"),
        (twin("put", "T", building(), ifMatch="*"), "ifNoneMatch"),
        (twin("patch", "T", [], ifNoneMatch="*"), "ifMatch"),
        (twin("delete", "T", ifNoneMatch="*"), "ifMatch"),
        (twin("put", "T"), "needs a body"),
        (twin("patch", "T"), "needs a body"),
    ],
)
def test_an_operation_that_would_be_misread_is_refused_alone(
    api: Api, twin_t: dict[str, Any], operation: dict[str, Any], text: str
) -> None:
    with Unchanged(api, "/digitaltwins/T"):
        first, second = results(send(api, operation, twin("put", "N", building())))
    assert first["status"] == 400
    assert text in first["error"]["message"]
    assert second["status"] == 200


def test_bodies_of_operations_have_the_limit_of_a_request(
    api: Api, model_m: dict[str, Any]
) -> None:
    large = building(TemperatureUnit="x" * 1_100_000)
    first, second = results(send(api, twin("put", "a", large), twin("put", "b", building())))
    assert (first["status"], first["error"]["code"]) == (413, "PayloadTooLarge")
    assert second["status"] == 200


def test_a_batch_has_a_limit_of_operations(api: Api, twin_t: dict[str, Any]) -> None:
    with Unchanged(api, "/digitaltwins/T"):
        many = [twin("patch", "T", warm(1))] * 10_001
        assert_error(send(api, *many), 400, "LimitExceeded", "max_batch_operations")


def test_a_batch_larger_than_its_limit_is_refused(api: Api) -> None:
    body = b'{"operations":[]' + b" " * 33_554_432 + b"}"
    assert_error(api.post(BATCH, raw=body), 413, "PayloadTooLarge")


def test_more_than_a_portion_keeps_its_order(api: Api, model_m: dict[str, Any]) -> None:
    puts = [twin("put", f"t{n}", building(AverageTemperature=n)) for n in range(600)]
    found = results(send(api, *puts, twin("put", "t0", {}), *[twin("delete", "t5")] * 2))
    assert [each["status"] for each in found] == [200] * 600 + [400, 204, 404]
    assert api.twin("t599")["AverageTemperature"] == 599


class TestOperationId:
    def test_a_repeated_batch_has_the_first_answer_and_is_not_applied_again(
        self, api: Api, twin_t: dict[str, Any]
    ) -> None:
        headers = {"operation-id": str(uuid4())}
        operations = (twin("patch", "T", warm(1)), twin("delete", "nobody"))
        first = send(api, *operations, headers=headers)
        with Unchanged(api, "/digitaltwins/T"):
            second = send(api, *operations, headers=headers)
        assert (second.status_code, second.content) == (200, first.content)

    def test_neither_is_one_of_several_portions(self, api: Api, twin_t: dict[str, Any]) -> None:
        headers = {"operation-id": "portions"}
        operations = [twin("patch", "T", warm(n)) for n in range(600)]
        first = send(api, *operations, headers=headers)
        assert results(first)[-1]["etag"] == api.twin("T")["$etag"]
        with Unchanged(api, "/digitaltwins/T"):
            assert send(api, *operations, headers=headers).content == first.content

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_an_atomic_batch_is_kept_as_well(
        self, api: Api, twin_t: dict[str, Any], count: int
    ) -> None:
        headers = {"operation-id": str(uuid4())}
        operations = [twin("patch", "T", warm(n)) for n in range(count)]
        first = send(api, *operations, headers=headers, atomic=True)
        assert len(results(first)) == count
        with Unchanged(api, "/digitaltwins/T"):
            second = send(api, *operations, headers=headers, atomic=True)
        assert (second.status_code, second.content) == (200, first.content)

    def test_so_is_the_refusal_of_one(self, api: Api, model_m: dict[str, Any]) -> None:
        headers = {"operation-id": str(uuid4())}
        operation = twin("patch", "late", warm(1))
        first = send(api, operation, headers=headers, atomic=True)
        api.add_twin("late", building())
        second = send(api, operation, headers=headers, atomic=True)
        assert first.status_code == second.status_code == 400
        assert second.content == first.content
        assert second.headers["x-ms-error-code"] == "BatchRefused"

    def test_the_id_of_another_batch_is_refused(self, api: Api, twin_t: dict[str, Any]) -> None:
        headers = {"operation-id": "once"}
        results(send(api, twin("patch", "T", warm(1)), headers=headers))
        with Unchanged(api, "/digitaltwins/T"):
            again = send(api, twin("patch", "T", warm(2)), headers=headers)
        assert_error(again, 409, "OperationIdReused", "once")

    def test_a_malformed_batch_uses_up_no_id(self, api: Api, twin_t: dict[str, Any]) -> None:
        headers = {"operation-id": str(uuid4())}
        assert_error(send(api, {"op": "put"}, headers=headers), 400, "InvalidArgument")
        assert results(send(api, twin("patch", "T", warm(1)), headers=headers))[0]["status"] == 204

    @pytest.mark.parametrize("value", ["", "a b", "x" * 129, "a/b", "\xe9"])
    def test_ids_are_bounded(self, api: Api, twin_t: dict[str, Any], value: str) -> None:
        with Unchanged(api, "/digitaltwins/T"):
            headers: Any = {"operation-id": value.encode("latin-1")}
            response = send(api, twin("patch", "T", warm(1)), headers=headers)
            assert_error(response, 400, "InvalidArgument", "operation-id")

    def test_two_at_once_are_applied_once(
        self, kastor: KastorServer, api: Api, twin_t: dict[str, Any]
    ) -> None:
        headers = {"operation-id": str(uuid4())}
        operations = [twin("patch", "T", warm(n)) for n in range(1_500)]

        def one(_: int) -> httpx2.Response:
            with Api(kastor.url) as client:
                return send(client, *operations, headers=headers)

        before = entries(api)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(one, range(4)))
        taken = [each for each in answers if each.status_code == 200]
        assert taken
        assert len({each.content for each in taken}) == 1
        for each in answers:
            if each.status_code != 200:
                assert_error(each, 429, "TooManyRequests")
                assert int(each.headers["retry-after"]) >= 1
        assert send(api, *operations, headers=headers).content == taken[0].content
        assert entries(api) - before == len(operations)


def entries(api: Api) -> int:
    """How many entries the change log has."""
    status = assert_json(api.get("/kastor/v1/status", version=None))
    return int(status["counts"]["changeLog"])


def test_access_is_asked_for_the_batch_and_ids_are_the_callers(tmp_path: Any) -> None:
    with (
        KastorServer(("--auth", "tokens")) as server,
        Api(server.url, token=server.token("owner")) as owner,
        Api(server.url, token=server.token("reader")) as reader,
        Api(server.url) as nobody,
    ):
        owner.add_models(M)
        operation = twin("put", "a", building())
        assert results(send(owner, operation))[0]["status"] == 200
        assert send(reader, twin("delete", "a")).status_code == 403
        assert reader.post("/digitaltwins", [{"$dtId": "b", **building()}]).status_code == 403
        assert reader.post("/relationships", []).status_code == 403
        assert send(nobody, twin("delete", "a")).status_code == 401
        assert owner.twin("a")["$dtId"] == "a"


def test_none_of_it_is_there_under_adt(adt: Api) -> None:
    assert_error(send(adt, twin("delete", "a")), 404, "NotFound")
    assert_error(adt.post("/digitaltwins", []), 404, "NotFound", "PUT /digitaltwins/{id}")
    assert_error(adt.post("/relationships", []), 404, "NotFound")
