"""An upload's text is cut apart once and decoded twice, by whoever judges it; nobody needs more."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from kastor.api.app import Application
from kastor.api.http.addressing import Addressing
from kastor.api.http.limits import RequestLimits
from kastor.api.http.server_state import ServerState
from kastor.dtdl.documents import read_text
from kastor.graph import commands as c
from kastor.graph import uploads
from kastor.graph.model_facts import read_facts
from kastor.records import Context
from tests.unit.api.wire import Answer, ask, scope_of

from .graphs import interface, prop

if TYPE_CHECKING:
    from collections.abc import Callable

    from .engines import Engine
    from .graphs import Graph

pytestmark = pytest.mark.anyio

MARK = "Mark"


def model(name: str) -> dict[str, Any]:
    """A model with an element inside that has an id of its own."""
    kind = f"dtmi:s:Kind{name};1"
    values = [{"name": "on", "enumValue": "on"}]
    return interface(
        f"dtmi:s:{MARK}{name};1",
        prop("p", kind),
        schemas=[{"@id": kind, "@type": "Enum", "valueSchema": "string", "enumValues": values}],
        description={"en": f"{MARK}ed", "de": "Ü"},
        displayName=f"{MARK}er",
    )


MODELS = [model("A"), model("B")]
BODY = orjson.dumps(MODELS)
HEADERS = {"Content-Type": "application/json", "Content-Length": str(len(BODY))}


class Decodes:
    """Decodings of texts with models in them, by the function that made them."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def counted(self, name: str, decode: Callable[..., Any]) -> Callable[..., Any]:
        def counting(text: Any, *args: Any, **more: Any) -> Any:
            plain = text if isinstance(text, str) else bytes(text).decode()
            count = plain.count(f'"@id":"dtmi:s:{MARK}')
            if count:
                self.seen.append((name, count))
            return decode(text, *args, **more)

        return counting

    def take(self) -> dict[str, int]:
        """How many models each has decoded."""
        found: dict[str, int] = {}
        for name, count in self.seen:
            found[name] = found.get(name, 0) + count
        self.seen.clear()
        return found


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> Decodes:
    made = Decodes()
    monkeypatch.setattr(orjson, "loads", made.counted("orjson", orjson.loads))
    monkeypatch.setattr(json, "loads", made.counted("json", json.loads))
    cut = made.counted("cut", uploads._ITEMS.decode)
    monkeypatch.setattr(uploads, "_ITEMS", SimpleNamespace(decode=cut))
    return made


TWICE = {"cut": 2, "orjson": 2, "json": 2}
"""Both models: cut apart, decoded when the body is read, decoded by the parse."""


async def test_an_upload_decodes_its_text_twice(empty: Graph, decodes: Decodes) -> None:
    documents = await empty.service.read_upload(BODY)
    stored = await empty.service.upload(BODY, documents, Context("ann"))
    assert decodes.take() == TWICE
    assert [each.id for each in stored] == [each["@id"] for each in MODELS]


async def test_over_http_no_more(empty: Graph, decodes: Decodes) -> None:
    graphs: Any = SimpleNamespace(default=SimpleNamespace(graph=empty.service))
    app = Application(ServerState(graphs, RequestLimits()), Addressing())
    scope = scope_of(method="POST", query="api-version=2023-10-31", headers=HEADERS)
    answer = await _asked(app, scope)
    assert decodes.take() == TWICE
    assert answer.status == 201
    for one, sent in zip(answer.json(), MODELS, strict=True):
        assert one["id"] == sent["@id"]
        assert one["description"] == sent["description"]
        assert one["displayName"] == {"en": sent["displayName"]}


async def _asked(app: Application, scope: dict[str, Any]) -> Answer:
    """The answer to a client that stays until it has it."""
    coming = [{"type": "http.request", "body": BODY}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return coming.pop() if coming else await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return Answer(sent)


async def test_a_list_of_names_decodes_nothing(empty: Graph, decodes: Decodes) -> None:
    services = SimpleNamespace(graph=empty.service, signing_key=b"k" * 32)
    await empty.service.upload(BODY, await empty.service.read_upload(BODY), Context("ann"))
    decodes.take()
    graphs: Any = SimpleNamespace(default=services)
    app = Application(ServerState(graphs, RequestLimits()), Addressing())
    for path in ("/models", f"/models/{MODELS[0]['@id']}"):
        answer = await ask(app, scope_of(path, query="api-version=2023-10-31"))
        assert answer.status == 200
        assert MODELS[0]["description"]["de"] in answer.body.decode()
    assert decodes.take() == {}


async def test_what_is_read_at_an_upload_is_read_again_when_the_graph_is_opened(
    engine: Engine, empty: Graph
) -> None:
    await empty.service.upload(BODY, await empty.service.read_upload(BODY), Context("ann"))
    uploaded = dict(empty.service.catalog.models)
    await empty.store.close()
    assert dict((await engine.open()).catalog.models) == uploaded
    inside = [definition.id for each in uploaded.values() for definition in each.facts.defines]
    assert inside == ["dtmi:s:KindA;1", "dtmi:s:KindB;1"]


async def test_a_command_without_facts_reads_them_itself(empty: Graph) -> None:
    identifier, text = MODELS[0]["@id"], orjson.dumps(MODELS[0])
    command = c.UploadModels(((identifier, text),), empty.service.catalog.epoch)
    stored = (await empty.execute(command))[identifier]
    assert stored.facts == read_facts(text, MODELS[0])


@pytest.mark.parametrize(
    "value", ["1", "-0", "-0.0", "1E5", "0.1e-7", "18446744073709551616", "-9223372036854775809"]
)
def test_whoever_decodes_a_text_reads_the_same_facts_from_it(value: str) -> None:
    text = (
        '{"@id":"dtmi:s:A;1","@context":"dtmi:dtdl:context;3","@type":"Interface",'
        '"displayName":[{"@value":"a","@language":"de"},"b"],"contents":[{"@type":"Property",'
        '"name":"p","name":"q","schema":{"@id":"dtmi:s:B;1","@type":"Enum","more":' + value + "}}]}"
    )
    parsed: Any = read_text(text)
    facts = read_facts(text.encode(), parsed)
    assert facts == read_facts(text.encode(), orjson.loads(text))
    assert facts.members == {"q"}
    assert orjson.loads(facts.display_name) == {"de": "a", "en": "b"}
    assert [each.id for each in facts.defines] == ["dtmi:s:B;1"]
