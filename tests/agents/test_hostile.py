"""Forged cursors, tokens and states, hostile operations: refused in words, within the bounds."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kastor.agents.calling import SECONDS
from kastor.testing import KastorServer
from tests.contract.client import Api

from .speaking import NEWEST, Speaker
from .test_bounds import HOSTILE, MODEL, ORDER, UNSEEN

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE = 5.0
"""Seconds beyond its time that a busy machine may take to send an answer."""
BASE64 = "ABCXYZabcxyz0189-_"
TEXT = "SELECT T.$dtId AS id FROM DIGITALTWINS T"


@pytest.fixture(scope="module")
def writing() -> Iterator[Api]:
    flags = ("--agents", "write", "--agents-confirm", "always")
    with KastorServer(flags) as server, Api(server.url) as client:
        prop = {"@type": "Property", "name": "text", "schema": "string"}
        model = {"@id": MODEL, "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
        client.add_models({**model, "contents": [prop, {"@type": "Relationship", "name": "r"}]})
        for n, text in enumerate(HOSTILE):
            client.add_twin(f"t{n}", {"$metadata": {"$model": MODEL}, "text": text})
        yield client


def _bounded(speaker: Speaker, tool: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What a call answers, which is whole, short and in time."""
    began = time.monotonic()
    asked = {"name": tool, "arguments": arguments, **more}
    response = speaker.send("tools/call", asked)
    assert time.monotonic() - began <= SECONDS + LATE
    assert response.status_code in (200, 400), response.text
    answer: dict[str, Any] = response.json()
    assert not set(UNSEEN) & set(response.text)
    if "result" not in answer:
        assert len(response.text) <= 2_000
        return answer
    result = answer["result"]
    assert len(json.dumps(result)) <= arguments.get("max_chars", 12_000)
    if "content" in result:
        told = json.loads(result["content"][0]["text"])
        assert result.get("structuredContent", told) == told
    return answer


_bent = st.tuples(
    st.integers(0, 400), st.sampled_from(BASE64), st.sampled_from(["set", "cut", "add"])
)


@settings(max_examples=100, deadline=None)
@given(change=_bent)
def test_a_cursor_that_was_bent_is_none(writing: Api, change: tuple[int, str, str]) -> None:
    speaker = Speaker(writing)
    cursor = speaker.got("query", q=TEXT, limit=2)["cursor"]
    place, letter, how = change
    place %= len(cursor)
    bent = {
        "set": cursor[:place] + letter + cursor[place + 1 :],
        "cut": cursor[:place],
        "add": cursor[:place] + letter + cursor[place:],
    }[how]
    if bent == cursor:
        return
    answer = _bounded(speaker, "query", {"q": TEXT, "cursor": bent})
    told = json.loads(answer["result"]["content"][0]["text"])
    if not answer["result"]["isError"]:
        # Bits behind the last byte of base64 mean nothing: the same cursor, written otherwise.
        assert how == "set"
        assert place == len(cursor) - 1
        return
    assert told["code"] == "InvalidCursor"


_ids = st.sampled_from(
    [*(f"t{n}" for n in range(4)), "none", "a/b", UNSEEN, '"', "x" * 200]
) | st.text(max_size=20)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | st.sampled_from([*HOSTILE, ORDER]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=8,
)
_steps = st.lists(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "replace", "remove", "copy"]),
            "path": st.sampled_from(["/text", "/$metadata", "/no", "text", ""])
            | st.text(max_size=9),
        },
        optional={"value": _values},
    ),
    max_size=3,
)
_operations = st.lists(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["put", "patch", "delete", "drop"]),
            "kind": st.sampled_from(["twin", "relationship", "model"]),
            "id": _ids,
        },
        optional={
            "source": _ids,
            "body": _steps
            | _values
            | st.just({"$metadata": {"$model": MODEL}, "text": UNSEEN})
            | st.just({"$targetId": "t1", "$relationshipName": "r"}),
            "ifMatch": st.sampled_from(["*", 'W/"x"', UNSEEN]),
        },
    ),
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(
    operations=_operations,
    reason=st.sampled_from(HOSTILE) | st.text(max_size=310),
    most=st.sampled_from([2_000, 12_000]),
)
def test_no_proposal_changes_the_graph_or_passes_its_bound(
    writing: Api, operations: list[Any], reason: str, most: int
) -> None:
    speaker = Speaker(writing, NEWEST, capabilities={"elicitation": {"form": {}}})
    before = writing.query("SELECT * FROM DIGITALTWINS T").json()["value"]
    asked = {"operations": operations, "reason": reason, "max_chars": most}
    try:
        json.dumps(asked).encode().decode("utf-8")
        reason.encode()
    except UnicodeEncodeError:
        return
    answer = _bounded(speaker, "propose_change", asked)
    if "result" in answer and not answer["result"]["isError"]:
        made = answer["result"]["structuredContent"]
        question = _bounded(speaker, "apply_change", {"token": made["token"], "max_chars": most})
        assert question["result"]["resultType"] == "input_required"
        writing.delete(f"/kastor/v1/proposals/{made['id']}", version=None)
    assert writing.query("SELECT * FROM DIGITALTWINS T").json()["value"] == before


@settings(max_examples=60, deadline=None)
@given(
    token=st.sampled_from(HOSTILE) | st.text(max_size=140),
    state=st.none() | st.sampled_from(HOSTILE) | st.text(max_size=200),
    said=st.sampled_from(["accept", "decline"]),
)
def test_no_token_and_no_state_that_was_made_up_applies(
    writing: Api, token: str, state: str | None, said: str
) -> None:
    speaker = Speaker(writing, NEWEST, capabilities={"elicitation": {"form": {}}})
    answers = {"approve": {"action": said, "content": {"apply": True}}}
    more = {} if state is None else {"requestState": state, "inputResponses": answers}
    answer = _bounded(speaker, "apply_change", {"token": token}, **more)
    if "result" in answer:
        assert answer["result"]["isError"]
    else:
        assert answer["error"]["code"] == -32_602


@pytest.mark.parametrize("name", [ORDER, UNSEEN, '"}', "\\u202e", "x" * 5_000])
@pytest.mark.parametrize("method", ["resources/read", "prompts/get", "completion/complete"])
def test_names_come_back_in_no_message_that_is_not_json(
    writing: Api, method: str, name: str
) -> None:
    speaker = Speaker(writing, "2025-11-25")  # in which no header repeats the name
    all_params: dict[str, dict[str, Any]] = {
        "resources/read": {"uri": f"kastor://twins/{name}"},
        "prompts/get": {"name": "investigate", "arguments": {"id": name}},
        "completion/complete": {
            "ref": {"type": "ref/resource", "uri": "kastor://twins/{id}"},
            "argument": {"name": "id", "value": name},
        },
    }
    response = speaker.send(method, all_params[method])
    assert len(response.content) <= 12_000
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", response.text)
    json.loads(response.text)
