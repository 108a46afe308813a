"""Proposals where they are kept: graph, times, and that applying one is a single transaction."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
import pytest

from kastor.clock import TICKS_PER_SECOND, now_ticks
from kastor.errors import (
    Conflict,
    Forbidden,
    Gone,
    KastorError,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from kastor.graph.batch import BatchRules, Subject, Verb, commands_of
from kastor.graph.command import Command
from kastor.proposals import (
    Caller,
    Confirm,
    ProposalLimits,
    ProposalOutdated,
    ProposalRefused,
    ProposalService,
    Proposed,
    Via,
    read_proposal,
)
from kastor.records import Context
from kastor.storage.batches import AppliedProposal, NotHeldError, Results
from kastor.storage.history import Kind

from .engines import Engine
from .graphs import ROOM_MODEL, THERMOSTAT_MODEL, Graph, add, edge, remove, replace, room

pytestmark = pytest.mark.anyio
ANN, BEN = Context("ann"), Context("ben")
RULES = BatchRules(1_000_000)


def anything(_verb: Verb, _kind: Subject) -> KastorError | None:
    return None


def no_deletes(verb: Verb, _kind: Subject) -> KastorError | None:
    return Forbidden("no deletes") if verb is Verb.DELETE else None


ANNS, BENS = Caller("token:ann", anything, RULES), Caller("token:ben", anything, RULES)


def service_of(graph: Graph, confirm: Confirm = Confirm.NEVER, **limits: Any) -> ProposalService:
    return ProposalService(
        *(graph.store.proposals, graph.service, now_ticks, confirm),
        limits=ProposalLimits(**limits),
    )


def put(twin_id: str, **members: Any) -> dict[str, Any]:
    return {"op": "put", "kind": "twin", "id": twin_id, "body": room(**members)}


def patch(twin_id: str, *steps: Any) -> dict[str, Any]:
    return {"op": "patch", "kind": "twin", "id": twin_id, "body": steps}


def delete(twin_id: str) -> dict[str, Any]:
    return {"op": "delete", "kind": "twin", "id": twin_id}


def relate(source: str, name: str, target: str) -> dict[str, Any]:
    body = edge(target)
    return {"op": "put", "kind": "relationship", "source": source, "id": name, "body": body}


async def propose(
    service: ProposalService,
    *operations: dict[str, Any],
    caller: Caller = ANNS,
    context: Context = ANN,
) -> Proposed:
    body = orjson.dumps({"operations": operations, "reason": "a test"})
    read = read_proposal(body, 100)
    return await service.propose(read.operations, read.reason, caller, context)


async def test_what_is_kept_of_one_comes_back_and_holds_no_token(graph: Graph) -> None:
    service = service_of(graph)
    await graph.put("b", room())
    made = await propose(service, put("a", name="ä\u0007\"'"), relate("a", "r", "b"))
    found = await graph.store.proposals.proposal(made.entry.id)
    assert found is not None
    entry, contents = found
    assert entry == made.entry
    assert (entry.caller, entry.actor, entry.count) == ("token:ann", "ann", 2)
    assert entry.writes == "put relationship\nput twin"
    assert made.token.encode() not in msgspec.json.encode(contents)
    assert orjson.loads(contents.operations)["operations"][0]["body"]["name"] == "ä\u0007\"'"
    assert orjson.loads(contents.seen) == [["a", None], ["a", "r", None]]


async def test_one_that_expired_is_applied_by_nobody_and_goes_in_time(graph: Graph) -> None:
    service = service_of(graph, seconds=0, kept_seconds=3_600)
    made = await propose(service, put("a"))
    with pytest.raises(Gone) as caught:
        await service.apply(made.token, ANNS, ANN)
    assert caught.value.code == "ProposalExpired"
    with pytest.raises(Gone):
        await service.approve(made.entry.id, BENS, BEN)
    assert list(await service.list(ANNS, ANN)) == []
    assert await service.purge() == 0
    brief = service_of(graph, seconds=0, kept_seconds=0)
    assert await brief.purge() == 1
    with pytest.raises(NotFound) as missing:
        await service.apply(made.token, ANNS, ANN)
    assert missing.value.code == "ProposalNotFound"
    with pytest.raises(NotFound):
        await graph.document("a")


@dataclass(frozen=True)
class Spoiled:
    """What makes the mark fail although everything looked well before."""

    caller: str = ANNS.principal
    later: int = 0
    approved: bool = True


@pytest.mark.parametrize(
    "spoiled",
    [Spoiled(caller="token:ben"), Spoiled(later=3_600), Spoiled(approved=False)],
    ids=["another's", "too late", "not approved"],
)
async def test_the_writes_are_taken_back_where_the_mark_cannot_be_made(
    graph: Graph, spoiled: Spoiled
) -> None:
    service = service_of(graph, Confirm.ALWAYS)
    made = await propose(service, put("a"))
    if spoiled.approved:
        await service.approve(made.entry.id, BENS, BEN)
    now = now_ticks() + spoiled.later * TICKS_PER_SECOND
    note = AppliedProposal(made.entry.id, spoiled.caller, b"{}", now, b"{}")
    commands = _commands(put("a"))
    with pytest.raises(NotHeldError):
        await graph.service.execute_many(commands, ANN, atomic=True, note=lambda _: note)
    with pytest.raises(NotFound):
        await graph.document("a")
    found = await graph.store.proposals.proposal(made.entry.id)
    assert found is not None
    assert (found[0].applied, found[1].answer) == (None, None)
    assert not graph.history.origins()


def _commands(*operations: dict[str, Any]) -> list[Command[Any]]:
    body = orjson.dumps({"operations": operations, "reason": "a test"})
    return commands_of(read_proposal(body, 100).operations, RULES)


async def test_rights_are_asked_by_each_call(graph: Graph) -> None:
    await graph.put("a", room())
    service = service_of(graph, Confirm.DESTRUCTIVE)
    made = await propose(service, delete("a"))
    poor = Caller("token:ann", no_deletes, RULES)
    with pytest.raises(Forbidden):
        await propose(service, delete("a"), caller=poor)
    with pytest.raises(NotFound):  # not its own, and not one that it could approve
        await service.get(made.entry.id, Caller("token:cat", no_deletes, RULES), Context("cat"))
    assert not await service.list(Caller("token:cat", no_deletes, RULES), Context("cat"))
    with pytest.raises(Forbidden):
        await service.approve(made.entry.id, poor, ANN)
    await service.approve(made.entry.id, BENS, BEN)
    with pytest.raises(Forbidden):
        await service.apply(made.token, poor, ANN)
    assert (await graph.document("a"))["$dtId"] == "a"
    assert orjson.loads(await service.apply(made.token, ANNS, ANN))["succeeded"] == 1


async def test_there_is_an_end_of_proposals_and_of_their_bytes(graph: Graph) -> None:
    each = service_of(graph, open_each=2, open=3)
    for _ in range(2):
        await propose(each, put("a"))
    with pytest.raises(TooManyRequests, match="You have 2"):
        await propose(each, put("a"))
    made = await propose(each, put("a"), caller=BENS, context=BEN)
    with pytest.raises(TooManyRequests, match="The graph has 3"):
        await propose(each, put("a"), caller=BENS, context=BEN)
    await each.apply(made.token, BENS, BEN)
    await propose(each, put("b"), caller=BENS, context=BEN)
    with pytest.raises(TooManyRequests, match="bytes"):
        await propose(service_of(graph, size=100), put("c"))
    with pytest.raises(KastorError, match="more than 10 bytes"):
        await propose(service_of(graph, looked_bytes=10), put("a", name="n" * 20))


async def test_of_many_at_once_the_room_is_not_exceeded(graph: Graph) -> None:
    service = service_of(graph, open_each=3)
    tries = [propose(service, put("a")) for _ in range(8)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, Proposed) for each in found) == 3
    assert sum(isinstance(each, TooManyRequests) for each in found) == 5


async def test_rejecting_and_applying_at_once_is_one_of_them(graph: Graph) -> None:
    service = service_of(graph)
    for n in range(6):
        made = await propose(service, put(f"a{n}"))
        applied, rejected = await asyncio.gather(
            service.apply(made.token, ANNS, ANN),
            service.reject(made.entry.id, BENS, BEN),
            return_exceptions=True,
        )
        there = bool(await graph.store.twin(f"a{n}", ANN))
        assert there is isinstance(applied, bytes)
        assert there is isinstance(rejected, Conflict), (applied, rejected)


async def test_a_reset_forgets_them(graph: Graph) -> None:
    service = service_of(graph)
    made = await propose(service, put("a"))
    await graph.store.reset()
    with pytest.raises(NotFound):
        await service.apply(made.token, ANNS, ANN)


MCP = Caller("token:ann", anything, RULES, Via("mcp", "apply_change", "Some \u202eclient"))


async def _ways(graph: Graph, kind: Kind, *identity: str) -> list[tuple[int, str, Any]]:
    """Version, author and way of all versions, deletions among them."""
    found = await graph.store.history.versions(
        kind,
        identity,  # type: ignore[arg-type]  # one or two
        start=0,
        end=2**62,
        limit=100,
        descending=False,
    )
    return [
        (each.version, each.actor, each.via and orjson.loads(each.via)["proposal"])
        for each in found or ()
    ]


async def test_the_history_tells_by_which_way_changes_came_and_who_said_yes(graph: Graph) -> None:
    service = service_of(graph, Confirm.ALWAYS)
    await graph.put("a", room(name="by a call"))
    await graph.put("b", room())
    first = await propose(
        service, patch("a", replace("/name", "1")), relate("a", "r", "b"), put("c"), caller=MCP
    )
    await service.approve(first.entry.id, BENS, BEN)
    await service.apply(first.token, MCP, ANN)
    await graph.patch("a", replace("/name", "2"))
    second = await propose(
        service,
        {"op": "delete", "kind": "relationship", "source": "a", "id": "r"},
        *(patch("a", replace("/name", "3")), delete("b"), delete("c"), put("c")),
    )
    await service.approve(second.entry.id, BENS, BEN)
    await service.apply(second.token, ANNS, ANN)
    await service.apply(second.token, ANNS, ANN)  # a repeat tells nothing twice
    one, two = first.entry.id, second.entry.id
    assert await _ways(graph, "twin", "a") == [
        *((1, "ann", None), (2, "ann", one), (3, "ann", None), (4, "ann", two))
    ]
    assert await _ways(graph, "twin", "b") == [(1, "ann", None), (2, "ann", two)]
    assert await _ways(graph, "relationship", "a", "r") == [(1, "ann", one), (2, "ann", two)]
    assert await _ways(graph, "twin", "c") == [(1, "ann", one), (2, "ann", two), (3, "ann", two)]
    told = await graph.store.history.version_before("twin", ("a",), 2)
    assert told is not None
    assert told.via is not None
    assert orjson.loads(told.via) == {
        "way": "mcp",
        "tool": "apply_change",
        "clientClaims": "Some \u202eclient",
        "proposal": one,
        "approver": "ben",
        "reason": "a test",
    }
    assert len(graph.history.origins()) == 3 + 5


async def test_a_write_that_nobody_proposed_leaves_nothing_beside_it(graph: Graph) -> None:
    await graph.put("a", room())
    await graph.patch("a", add("/name", "x"))
    await graph.service.execute_many(_commands(put("b"), delete("b")), ANN, atomic=True)
    assert not graph.history.origins()


async def test_ways_go_with_the_states_that_they_led_to(engine: Engine) -> None:
    store = await engine.open(version_seconds=0.0, log_seconds=0.0)
    graph = Graph(store, engine.history())
    await graph.upload(THERMOSTAT_MODEL, ROOM_MODEL)
    service = service_of(graph)
    for n in range(3):
        made = await propose(service, put("a", temperature=float(n)))
        await service.apply(made.token, ANNS, ANN)
        await store.prune()
    assert len(graph.history.origins()) <= 1
    await graph.put("a", room(temperature=9.0))
    await store.prune()
    assert not graph.history.origins()


async def test_a_reset_forgets_ways(graph: Graph) -> None:
    service = service_of(graph)
    made = await propose(service, put("a"))
    await service.apply(made.token, ANNS, ANN)
    assert graph.history.origins()
    await graph.store.reset()
    assert not graph.history.origins()


async def test_who_proposed_cannot_approve_where_a_second_person_is_wanted(graph: Graph) -> None:
    service = ProposalService(
        *(graph.store.proposals, graph.service, now_ticks, Confirm.ALWAYS), second_person=True
    )
    made = await propose(service, put("a"))
    for dry in (True, False):
        with pytest.raises(Conflict, match="your own") as caught:
            await service.approve(made.entry.id, ANNS, Context("ann", dry_run=dry))
        assert caught.value.code == "ProposalNeedsSecondPerson"
    with pytest.raises(Conflict) as early:
        await service.apply(made.token, ANNS, ANN)
    assert early.value.code == "ProposalNotApproved"
    # Names are for people; principals are compared.
    await service.approve(made.entry.id, BENS, Context("ann"))
    assert orjson.loads(await service.apply(made.token, ANNS, ANN))["succeeded"] == 1


async def test_one_that_is_outdated_stays_so_and_counts_until_it_goes(graph: Graph) -> None:
    await graph.put("a", room(name="1"))
    service = service_of(graph, open_each=1)
    made = await propose(service, patch("a", replace("/name", "2")))
    await graph.put("a", room(name="other"))
    await graph.put("a", room(name="1"))  # as it was, and yet another version
    for _ in range(2):
        with pytest.raises(ProposalOutdated) as caught:
            await service.apply(made.token, ANNS, ANN)
        assert orjson.loads(caught.value.diff)[0]["patch"][0]["was"] == "1"
    assert [each.id for each in await service.list(ANNS, ANN)] == [made.entry.id]
    with pytest.raises(TooManyRequests):
        await propose(service, put("b"))
    await service.reject(made.entry.id, ANNS, ANN)
    await propose(service, put("b"))


OPERATIONS = (
    lambda n: put(f"t{n}", temperature=1.0),
    lambda n: patch(f"t{n}", add("/name", "x")),
    lambda n: patch(f"t{n}", replace("/temperature", 9.0)),
    lambda n: patch(f"t{n}", remove("/temperature")),
    lambda n: delete(f"t{n}"),
    lambda n: relate(f"t{n}", "r", f"t{(n + 1) % 4}"),
    lambda n: {"op": "delete", "kind": "relationship", "source": f"t{n}", "id": "r"},
)


async def _state(graph: Graph) -> dict[tuple[str, ...], str]:
    """The etag of everything that there may be."""
    found: dict[tuple[str, ...], str] = {}
    for n in range(4):
        twin_id = f"t{n}"
        row = await graph.store.twin(twin_id, ANN)
        if row is not None:
            found[(twin_id,)] = row.etag
            _, related = await graph.store.relationship(twin_id, "r", ANN)
            if related is not None:
                found[(twin_id, "r")] = related.etag
    return found


async def test_random_proposals_are_applied_as_shown_or_change_nothing(graph: Graph) -> None:
    """The oracle: outdated where the etag of something that it touches is another."""
    chance = random.Random(18)
    service = service_of(graph)
    applied = outdated = 0
    for _ in range(80):
        operations = [chance.choice(OPERATIONS)(chance.randrange(4)) for _ in range(3)]
        try:
            made = await propose(service, *operations)
        except ProposalRefused:
            await _write(graph, put(f"t{chance.randrange(4)}", temperature=2.0))
            continue
        shown = await _state(graph)
        if chance.random() < 0.7:
            await _write(graph, chance.choice(OPERATIONS)(chance.randrange(4)))
        now = await _state(graph)
        touched = [
            (each["source"], each["id"]) if "source" in each else (each["id"],)
            for each in operations
        ]
        changed = any(shown.get(each) != now.get(each) for each in touched)
        (answer,) = await asyncio.gather(
            service.apply(made.token, ANNS, ANN), return_exceptions=True
        )
        if isinstance(answer, bytes):
            applied += 1
            assert not changed
            continue
        outdated += 1
        assert isinstance(answer, ProposalOutdated)
        # What it does not touch may be in its way: a relationship at a twin that it deletes.
        assert changed or any(isinstance(each, KastorError) for each in answer.outcomes)
        assert await _state(graph) == now
        await service.reject(made.entry.id, ANNS, ANN)
    assert min(applied, outdated) >= 3, (applied, outdated)


async def _write(graph: Graph, operation: dict[str, Any]) -> None:
    await graph.service.execute_many(_commands(operation), BEN)


async def test_what_passes_by_itself_is_told_as_that_and_the_proposal_stays(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = service_of(graph)
    made = await propose(service, put("a"))
    execute = graph.service.execute_many

    async def busy(*args: Any, **named: Any) -> Results:
        return Results((Unavailable("The writer is busy."),), applied=False)

    monkeypatch.setattr(graph.service, "execute_many", busy)
    with pytest.raises(Unavailable):
        await service.apply(made.token, ANNS, ANN)
    monkeypatch.setattr(graph.service, "execute_many", execute)
    answer = orjson.loads(await service.apply(made.token, ANNS, ANN))
    assert [each["status"] for each in answer["results"]] == [200]
