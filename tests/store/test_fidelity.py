"""Values come back as the fidelity table says, by every way in and after a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kastor.errors import KastorError
from kastor.graph.bodies import parse_json
from kastor.records import SYSTEM

from .engines import Engine
from .fidelity import CASES, LARGE, LARGE_MODEL, VALUES, VALUES_MODEL, Case, markdown
from .graphs import Graph

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "fidelity.md"
KEPT = [case for case in CASES if not case.refused]
REFUSED = [case for case in CASES if case.refused]


def names(cases: list[Case]) -> dict[str, Any]:
    return {"argvalues": cases, "ids": [case.what for case in cases]}


@pytest.fixture
async def values(empty: Graph) -> Graph:
    await empty.upload(VALUES_MODEL, LARGE_MODEL)
    return empty


def model_of(case: Case) -> str:
    return LARGE if case.member == "unsignedLong" else VALUES


async def put(graph: Graph, case: Case) -> None:
    body = f'{{"$metadata": {{"$model": "{model_of(case)}"}}, "{case.member}": {case.sent}}}'
    await graph.put("t", parse_json(body.encode()))


async def patch(graph: Graph, case: Case) -> None:
    await graph.put("t", {"$metadata": {"$model": model_of(case)}})
    body = f'[{{"op": "add", "path": "/{case.member}", "value": {case.sent}}}]'
    await graph.patch("t", *parse_json(body.encode()))


async def returned(graph: Graph, member: str) -> str:
    """The member's value as the bytes that go out have it."""
    row = await graph.service.twin("t", SYSTEM)
    return bytes(msgspec.json.decode(row.doc, type=dict[str, msgspec.Raw])[member]).decode()


def same(case: Case, text: str) -> bool:
    if case.returned[0] in "-0123456789":
        return text == case.returned
    return bool(_exact(json.loads(text)) == _exact(json.loads(case.returned)))


def _exact(value: Any) -> Any:
    """Tell 1 from 1.0 and from true, and 0.0 from -0.0."""
    if isinstance(value, dict):
        return {key: _exact(each) for key, each in value.items()}
    return type(value), str(value)


@pytest.mark.parametrize("case", **names(KEPT))
@pytest.mark.parametrize("write", [put, patch])
async def test_a_value_comes_back_as_the_table_says(values: Graph, write: Any, case: Case) -> None:
    await write(values, case)
    text = await returned(values, case.member)
    assert same(case, text), text


@pytest.mark.parametrize("case", **names(REFUSED))
@pytest.mark.parametrize("write", [put, patch])
async def test_a_value_is_refused_as_the_table_says(values: Graph, write: Any, case: Case) -> None:
    with pytest.raises(KastorError) as caught:
        await write(values, case)
    assert caught.value.code == case.refused
    stored = [row.kind for row in values.history.log() if row.subject == "t"]
    assert stored == (["Twin.Create"] if write is patch else [])


async def test_a_value_that_was_read_can_be_written_again_and_stays_the_same(
    values: Graph,
) -> None:
    for case in KEPT:
        await put(values, case)
        first = await returned(values, case.member)
        await values.put("t", parse_json((await values.service.twin("t", SYSTEM)).doc))
        await values.patch("t", {"op": "add", "path": "/$metadata/$model", "value": model_of(case)})
        assert await returned(values, case.member) == first, case.what


async def test_values_are_the_same_after_a_restart(engine: Engine, values: Graph) -> None:
    members = {}
    for case in KEPT:
        if case.member != "unsignedLong":
            await put(values, case)
            members[case.what] = await returned(values, case.member)
            await values.put(case.what.replace(" ", "-"), await values.document("t"))
    await values.store.close()
    graph = Graph(await engine.open(), engine.history())
    for case in KEPT:
        if case.what in members:
            row = await graph.service.twin(case.what.replace(" ", "-"), SYSTEM)
            raw = msgspec.json.decode(row.doc, type=dict[str, msgspec.Raw])
            assert same(case, bytes(raw[case.member]).decode()), case.what


async def test_versions_and_events_have_the_values_that_are_stored(values: Graph) -> None:
    for case in KEPT:
        await put(values, case)
        await values.delete("t")
        version = values.history.twin_versions("t")[-1]
        event = json.loads(values.history.log()[-1].data)
        for document in (version.doc, event):
            assert _exact(document[case.member]) == _exact(json.loads(case.returned)), case.what


async def test_names_that_differ_in_case_are_different_twins(values: Graph) -> None:
    for twin_id in ("Pump", "pump", "PUMP"):
        await values.put(twin_id, {"$metadata": {"$model": VALUES}, "string": twin_id})
    for twin_id in ("Pump", "pump", "PUMP"):
        assert (await values.document(twin_id))["string"] == twin_id


def test_the_page_shows_the_table_that_is_tested() -> None:
    assert markdown() in PAGE.read_text(encoding="utf-8")
