"""Every tool, every caller, every graph: let in where REST lets in, and refused where it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from kastor.agents.catalogue import TOOLS
from tests.contract.guarded import NO_GRAPH, OTHER_GRAPH, TEAM_GRAPH, Caller, Guarded, guarding

from .speaking import Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL = "SELECT * FROM DIGITALTWINS T"
CYPHER = "MATCH (t) RETURN t"
DELETION = [{"op": "patch", "kind": "twin", "id": "a", "body": []}]
GRAPHS = ("", f"/graphs/{TEAM_GRAPH}", f"/graphs/{OTHER_GRAPH}", f"/graphs/{NO_GRAPH}")


class Probe(NamedTuple):
    """Arguments of a tool, and the requests over REST that show together what it shows."""

    arguments: dict[str, Any]
    rest: tuple[tuple[str, str, Any], ...]


_QUERY = ("POST", "/query", {"query": ALL})
_MODELS = ("GET", "/models", None)
_TWIN = ("GET", "/digitaltwins/a", None)
_EDGES = ("GET", "/digitaltwins/a/relationships", None)
_PROPOSE = ("POST", "/kastor/v1/proposals", {"operations": DELETION, "reason": "x"})
PROBES = {
    "describe_graph": Probe({}, (_QUERY, _MODELS)),
    "get_model": Probe({"id": "dtmi:none;1"}, (_QUERY, _MODELS)),
    "find": Probe({"text": "room"}, (("GET", "/kastor/v1/search?q=room", None),)),
    "get_twin": Probe({"ids": ["a"]}, (_QUERY, _TWIN)),
    "neighbours": Probe({"id": "a"}, (_QUERY, _TWIN, _EDGES)),
    "query": Probe({"q": CYPHER}, (_QUERY, ("POST", "/query", {"query": CYPHER}))),
    "explain_query": Probe({"q": CYPHER}, (_QUERY,)),
    "history": Probe(
        {"id": "a"}, (_QUERY, _TWIN, ("GET", "/kastor/v1/digitaltwins/a/history", None))
    ),
    "diff": Probe(
        {"from": "change:1"}, (_QUERY, _TWIN, ("GET", "/kastor/v1/diff?from=change:1", None))
    ),
    "propose_change": Probe({"operations": DELETION, "reason": "x"}, (_QUERY, _PROPOSE)),
    "apply_change": Probe(
        {"token": "x"}, (_QUERY, ("POST", "/kastor/v1/proposals/none/apply", {"token": "x"}))
    ),
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("matrix"), ("--agents", "write")) as made:
        yield made


def _callers(guarded: Guarded) -> list[Caller]:
    known = [*guarded.static.values(), *guarded.signed.values(), *guarded.team, guarded.half]
    return [*known, *guarded.nobody]


def _rest(caller: Caller, prefix: str, probe: tuple[str, str, Any]) -> int:
    method, path, body = probe
    version = {"version": None} if path.startswith("/kastor/") else {}
    more = {} if body is None else {"body": body}
    headers = {"kastor-dry-run": "true"} if path.endswith("/proposals") else {}
    return caller.api.send(method, prefix + path, headers=headers, **more, **version).status_code


def _let_in(caller: Caller, prefix: str, tool: str, arguments: dict[str, Any]) -> bool | None:
    """Whether a tool does something for a caller; None: there is no such graph."""
    asked = {"name": tool, "arguments": arguments}
    response = Speaker(caller.api, prefix=prefix).send("tools/call", asked)
    assert response.status_code in (200, 401, 403, 404), response.text
    if response.status_code == 404:
        return None
    if response.status_code != 200:
        return False
    result = response.json()["result"]
    return not result["isError"] or '"Forbidden"' not in result["content"][0]["text"]


def test_there_is_a_probe_for_each_tool() -> None:
    assert list(PROBES) == [each.name for each in TOOLS]


@pytest.mark.parametrize("tool", PROBES)
def test_a_tool_lets_in_whom_rest_lets_in(guarded: Guarded, tool: str) -> None:
    probe, let_in = PROBES[tool], 0
    for caller in _callers(guarded):
        for prefix in GRAPHS:
            statuses = [_rest(caller, prefix, each) for each in probe.rest]
            found = _let_in(caller, prefix, tool, probe.arguments)
            if found is None:
                assert statuses[0] == 404
                continue
            over_rest = all(each not in (401, 403) for each in statuses)
            assert found is over_rest, (caller.name, prefix, statuses)
            let_in += found
    assert 0 < let_in < len(_callers(guarded)) * len(GRAPHS)


@pytest.mark.parametrize(
    "text", [CYPHER, "MATCH (t) DELETE t", "MATCH", "RETURN 1", "EXPLAIN MATCH"]
)
def test_cypher_over_rest_is_refused_as_sql_is(guarded: Guarded, text: str) -> None:
    for caller in _callers(guarded):
        for prefix in GRAPHS:
            sql = caller.api.send("POST", f"{prefix}/query", {"query": ALL})
            cypher = caller.api.send("POST", f"{prefix}/query", {"query": text})
            if sql.status_code in (401, 403):
                assert (cypher.status_code, cypher.content) == (sql.status_code, sql.content)
            else:
                assert cypher.status_code not in (401, 403)


def test_what_is_shown_is_of_the_addressed_graph_alone(guarded: Guarded) -> None:
    for caller in (guarded.static["o"], guarded.signed["r"]):
        for prefix in GRAPHS[:3]:
            speaker = Speaker(caller.api, prefix=prefix)
            rows = caller.api.send("POST", f"{prefix}/query", {"query": ALL})
            if rows.status_code != 200:
                continue
            expected = sorted(each["$dtId"] for each in rows.json()["value"])
            for text in ("SELECT T.$dtId AS id FROM DIGITALTWINS T", "MATCH (t) RETURN t.`$dtId`"):
                shown = speaker.got("query", q=text, limit=200)["rows"]
                assert sorted(each[0] for each in shown) == expected
            assert speaker.got("describe_graph")["counts"]["twins"] == len(expected)
