"""Who may something with some twins alone: what keeps to them, and that all else refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kastor.api.http.operation import Operation
from kastor.api.operations import OPERATIONS
from kastor.auth.roles import KNOWN_CALLERS
from kastor.auth.tokens import create_token
from kastor.testing import KastorServer

from .access_table import SERVER_WIDE
from .client import Api
from .guarded import furnish, idle, real, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

POLICY = """
[twins.below-b]
under = "b"
outgoing = ["above"]

[twins.floors]
models = ["MODEL"]

[[rules]]
roles = ["owner"]
twins = ["below-b"]
to = { tokens = ["part"] }

[[rules]]
roles = ["reader"]
twins = ["floors"]
to = { tokens = ["floors"] }

[[rules]]
roles = ["reader"]
to = { tokens = ["mixed"] }

[[rules]]
roles = ["owner"]
twins = ["below-b"]
to = { tokens = ["mixed"] }
"""
KEEPING = frozenset(
    (
        *("DigitalTwins_GetById", "DigitalTwins_GetComponent", "Query_QueryTwins"),
        *("DigitalTwins_GetRelationshipById", "DigitalTwins_ListRelationships"),
        *("DigitalTwins_ListIncomingRelationships",),
        *("DigitalTwinModels_List", "DigitalTwinModels_GetById"),
    )
)
"""What keeps to parts of a graph; whoever adds one looks at all that it shows."""
OTHERS = [
    each for each in OPERATIONS if each.id not in KEEPING and each.permission not in KNOWN_CALLERS
]
ALL = "SELECT * FROM digitaltwins"


class Callers:
    """The owner of everything, and who may something with some twins: `b` and those below it."""

    def __init__(self, owner: Api, part: Api, floors: Api, mixed: Api) -> None:
        self.owner, self.part, self.floors, self.mixed = owner, part, floors, mixed


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    from .test_dry_run import FLOOR_MODEL

    folder = tmp_path_factory.mktemp("parts")
    policy, data = folder / "policy.toml", folder / "data"
    policy.write_text(POLICY.replace("MODEL", str(FLOOR_MODEL["@id"])))
    policy.chmod(0o600)
    made = KastorServer(("--auth", "tokens", "--policy", str(policy)), data_dir=data)
    tokens = [create_token(data / "tokens", "owner", "all")]
    tokens += [create_token(data / "tokens", "none", each) for each in ("part", "floors", "mixed")]
    with made as server:
        apis = [Api(server.url, token=each) for each in tokens]
        furnish(apis[0])
        apis[0].relate("b", "s", "c", "above", by="stairs")
        yield Callers(*apis)


def query(api: Api, text: str, **headers: str) -> httpx2.Response:
    return api.send("POST", "/query", {"query": text}, headers=headers)


def found(api: Api, text: str) -> Any:
    answer = query(api, text)
    assert answer.status_code == 200, answer.text
    return answer.json()["value"]


def test_the_operations_that_keep_to_parts_are_these() -> None:
    assert {each.id for each in OPERATIONS if each.by_twin} == KEEPING


@pytest.mark.parametrize("operation", OTHERS, ids=lambda each: each.id)
def test_all_others_refuse_and_change_nothing(callers: Callers, operation: Operation) -> None:
    for case in (real(operation), idle(operation)):
        answer = send(callers.part, case)
        assert answer.status_code == 403, answer.text
        message = answer.json()["error"]["message"]
        if operation.id not in SERVER_WIDE and operation.judged.value == "addressed":
            assert "for some twins of the graph default alone" in message
        for name in ("digitaltwins/a", '"a"', "stairs"):
            assert name not in answer.text


def test_the_agents_door_refuses(callers: Callers) -> None:
    answer = callers.part.send("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("path", ["", "/relationships", "/incomingrelationships"])
def test_a_hidden_twin_is_answered_as_one_that_is_missing(callers: Callers, path: str) -> None:
    for twin in "bc":
        assert callers.part.get(f"/digitaltwins/{twin}{path}").status_code == 200
    for headers in ({}, {"If-None-Match": "*"}, {"If-Match": 'W/"x"'}):
        hidden = callers.part.get(f"/digitaltwins/a{path}", headers=headers)
        missing = callers.part.get(f"/digitaltwins/nobody{path}", headers=headers)
        assert (hidden.status_code, missing.status_code) == (404, 404)
        assert hidden.text == missing.text.replace("nobody", "a")
        assert hidden.headers.keys() == missing.headers.keys()


def test_relationships_have_both_ends_in_the_part(callers: Callers) -> None:
    listed = callers.part.get("/digitaltwins/b/relationships").json()["value"]
    assert [each["$relationshipId"] for each in listed] == ["s"]
    assert callers.part.get("/digitaltwins/b/incomingrelationships").json()["value"] == []
    assert len(callers.owner.get("/digitaltwins/b/incomingrelationships").json()["value"]) == 1
    assert callers.part.get("/digitaltwins/b/relationships/s").status_code == 200
    assert callers.part.get("/digitaltwins/a/relationships/r").status_code == 404


def test_queries_show_the_part_in_both_languages(callers: Callers) -> None:
    assert sorted(each["$dtId"] for each in found(callers.part, ALL)) == ["b", "c"]
    assert found(callers.part, "SELECT COUNT() FROM digitaltwins") == [{"COUNT": 2}]
    assert found(callers.part, "SELECT COUNT() FROM relationships") == [{"COUNT": 1}]
    rows = found(callers.part, "MATCH (n) RETURN count(n) AS n")
    assert rows == [{"n": 2}]
    paths = "MATCH (x)-[*1..3]->(y) RETURN x.`$dtId` AS x, y.`$dtId` AS y"
    assert found(callers.part, paths) == [{"x": "b", "y": "c"}]
    assert len(found(callers.floors, ALL)) == len(found(callers.owner, ALL))


def test_explain_is_refused(callers: Callers) -> None:
    assert query(callers.part, f"EXPLAIN {ALL}").status_code == 403
    assert query(callers.part, ALL, **{"kastor-explain": "true"}).status_code == 403


def test_the_past_shows_what_can_be_seen_now(callers: Callers) -> None:
    """A twin that has gone is told to those who could see it last."""
    owner, part = callers.owner, callers.part
    body = owner.get("/digitaltwins/d").json()
    owner.add_twin("gone", {name: value for name, value in body.items() if name != "$dtId"})
    owner.relate("c", "g", "gone", "above", by="ladder")
    path = "/kastor/v1/digitaltwins/c/relationships/g/history"
    made = owner.get(path, version=None).json()["value"][0]["change"]
    then = {"kastor-as-of": f"change:{made}"}
    assert owner.send("DELETE", "/digitaltwins/c/relationships/g").is_success
    assert part.get("/digitaltwins/gone").status_code == 404
    assert part.get("/digitaltwins/gone", headers=then).status_code == 404, "it is elsewhere now"
    assert owner.send("DELETE", "/digitaltwins/gone").is_success
    assert part.get("/digitaltwins/gone", headers=then).status_code == 200
    shown = query(part, ALL, **then).json()["value"]
    assert sorted(each["$dtId"] for each in shown) == ["b", "c", "gone"]
    paths = "MATCH (x)-[*1..3]->(y) RETURN x.`$dtId` AS x, y.`$dtId` AS y ORDER BY x, y"
    rows = query(part, paths, **then).json()["value"]
    assert rows == [{"x": "b", "y": "c"}, {"x": "b", "y": "gone"}, {"x": "c", "y": "gone"}]
    listed = part.get("/digitaltwins/c/relationships", headers=then).json()["value"]
    assert [each["$relationshipId"] for each in listed] == ["g"]
    hidden = part.get("/digitaltwins/a", headers=then)
    missing = part.get("/digitaltwins/nobody", headers=then)
    assert hidden.text == missing.text.replace("nobody", "a")
    assert hidden.headers.keys() == missing.headers.keys()


def test_a_token_of_somebody_else_shows_no_more(callers: Callers) -> None:
    first = callers.owner.send(
        "POST", "/query", {"query": ALL}, headers={"max-items-per-page": "1"}
    )
    body = {"continuationToken": first.json()["continuationToken"]}
    rest = callers.part.send("POST", "/query", body, headers={"max-items-per-page": "99"})
    assert sorted(each["$dtId"] for each in rest.json()["value"]) == ["b", "c"]
    past = {"max-items-per-page": "1", "kastor-as-of": "change:9"}
    first = callers.owner.send("POST", "/query", {"query": ALL}, headers=past)
    body = {"continuationToken": first.json()["continuationToken"]}
    assert body["continuationToken"], "there is a page of the past"
    rest = callers.part.send("POST", "/query", body, headers={"max-items-per-page": "99"})
    assert {each["$dtId"] for each in rest.json()["value"]} <= {"b", "c"}


def test_who_reads_all_and_owns_a_part_reads_all(callers: Callers) -> None:
    assert len(found(callers.mixed, ALL)) == len(found(callers.owner, ALL))
    assert callers.mixed.get("/digitaltwins/a").status_code == 200
    assert callers.mixed.send("DELETE", "/digitaltwins/b").status_code == 403


def test_membership_follows_writes(callers: Callers) -> None:
    assert callers.part.get("/digitaltwins/d").status_code == 404
    callers.owner.relate("c", "t", "d", "above", by="lift")
    assert callers.part.get("/digitaltwins/d").status_code == 200
    assert callers.owner.send("DELETE", "/digitaltwins/c/relationships/t").is_success
    assert callers.part.get("/digitaltwins/d").status_code == 404
