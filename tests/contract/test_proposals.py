"""Proposals over REST: tried, approved, applied as they were shown, or refused (decisions 7)."""

from __future__ import annotations

import hashlib
import random
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from kastor.audit.reading import AuditReader
from kastor.auth.tokens import create_token
from kastor.testing import KastorServer, StartError

from .client import Api, assert_error, assert_json, op
from .models import M, building
from .proposed import PATH, propose
from .test_batch import edge, twin, warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 10
ALL = "SELECT * FROM DIGITALTWINS"


def apply(api: Api, made: dict[str, Any], token: str | None = None, **more: Any) -> httpx2.Response:
    body = {"token": token or made["token"]}
    return api.post(f"{PATH}/{made['id']}/apply", body, version=None, **more)


def approve(api: Api, made: dict[str, Any]) -> httpx2.Response:
    return api.post(f"{PATH}/{made['id']}/approve", version=None)


def reject(api: Api, made: dict[str, Any]) -> httpx2.Response:
    return api.delete(f"{PATH}/{made['id']}", version=None)


def get(api: Api, made: dict[str, Any]) -> httpx2.Response:
    return api.get(f"{PATH}/{made['id']}", version=None)


def listed(api: Api) -> list[str]:
    return [each["id"] for each in assert_json(api.get(PATH, version=None))["value"]]


def everything(api: Api) -> Any:
    return [
        assert_json(api.query(f"SELECT * FROM {each}"))
        for each in ("DIGITALTWINS", "RELATIONSHIPS")
    ]


def test_what_is_proposed_is_shown_and_written_only_when_it_is_applied(
    api: Api, twin_t: dict[str, Any]
) -> None:
    before = everything(api)
    made = propose(
        api,
        twin("patch", "T", warm(70)),
        twin("put", "N", building(AverageTemperature=1)),
        edge("put", "N", "r", {"$relationshipName": "has", "$targetId": "T"}),
        reason="It is warmer than that.",
    )
    assert everything(api) == before
    assert made["results"] == [{"status": 204}, {"status": 200}, {"status": 200}]
    changed, added, related = made["diff"]
    assert changed == {
        "kind": "twin",
        "id": "T",
        "what": "changed",
        "patch": [{**op("replace", "/AverageTemperature", 70), "was": 68}],
    }
    assert (added["kind"], added["id"], added["what"]) == ("twin", "N", "added")
    assert added["after"]["AverageTemperature"] == 1
    assert (related["source"], related["id"], related["what"]) == ("N", "r", "added")
    assert listed(api) == [made["id"]]
    whole = assert_json(get(api, made))
    assert whole["diff"] == made["diff"]
    assert [each["id"] for each in whole["operations"]] == ["T", "N", "r"]
    assert (whole["status"], whole["reason"]) == ("open", "It is warmer than that.")
    assert "token" not in whole
    done = assert_json(apply(api, made))
    assert [each["status"] for each in done["results"]] == [204, 200, 200]
    assert done["results"][0]["etag"] == api.twin("T")["$etag"] != twin_t["$etag"]
    assert api.twin("T")["AverageTemperature"] == 70
    after = everything(api)
    assert apply(api, made).json() == done, "a repeat is answered as the first time"
    assert everything(api) == after
    assert listed(api) == []
    assert assert_json(get(api, made))["status"] == "applied"
    assert_error(reject(api, made), 409, "ProposalApplied")


@pytest.mark.usefixtures("twin_t")
def test_what_deletes_or_touches_much_waits_for_approval(api: Api) -> None:
    many = [twin("put", f"n{n}", building(AverageTemperature=1)) for n in range(26)]
    assert propose(api, *many[:25])["needsApproval"] is False
    for operations in (many, [twin("delete", "T")]):
        made = propose(api, *operations)
        assert made["needsApproval"] is True
        before = everything(api)
        assert_error(apply(api, made), 409, "ProposalNotApproved", made["id"])
        assert everything(api) == before
        approved = assert_json(approve(api, made))
        assert (approved["status"], approved["approvedBy"]) == ("approved", made["by"])
        assert approve(api, made).json() == approved
        assert assert_json(apply(api, made))["succeeded"] == len(operations)
        assert_error(approve(api, made), 409, "ProposalApplied")
    assert api.get("/digitaltwins/T").status_code == 404


CHANGES: dict[str, list[dict[str, Any]]] = {
    "changed": [twin("patch", "T", warm(1))],
    "replaced": [twin("put", "T", building(AverageTemperature=68))],
    "deleted": [twin("delete", "T")],
    "made anew": [twin("delete", "T"), twin("put", "T", building(AverageTemperature=68))],
    "there by now": [twin("put", "N", building(AverageTemperature=2))],
}


@pytest.mark.usefixtures("twin_t")
@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_since_makes_it_outdated_and_nothing_is_written(
    api: Api, what: str
) -> None:
    made = propose(
        api, twin("put", "N", building(AverageTemperature=1)), twin("patch", "T", warm(70))
    )
    answer = api.post("/kastor/v1/batch", {"operations": CHANGES[what]}, version=None)
    assert answer.json()["failed"] == 0
    before = everything(api)
    for _ in range(2):
        refused = apply(api, made)
        assert refused.status_code == 409
        assert refused.headers["x-ms-error-code"] == "ProposalOutdated"
        assert refused.json()["error"]["code"] == "ProposalOutdated"
        assert everything(api) == before
    fresh = {each["id"]: each for each in refused.json()["diff"]}
    if what == "changed":
        assert fresh["T"]["patch"][0]["was"] == 1
    if what == "deleted":
        assert refused.json()["results"][1]["error"]["code"] == "DigitalTwinNotFound"
    if what == "there by now":
        assert fresh["N"]["patch"] == [{**op("replace", "/AverageTemperature", 1), "was": 2}]
    assert listed(api) == [made["id"]]
    assert reject(api, made).status_code == 204
    assert_error(apply(api, made), 404, "ProposalNotFound")


@pytest.mark.usefixtures("twin_t")
def test_what_it_does_not_touch_may_change(api: Api) -> None:
    api.add_twin("other", building(AverageTemperature=1))
    made = propose(api, twin("patch", "T", warm(70)))
    changed = api.patch("/digitaltwins/other", warm(9))
    assert changed.status_code == 204, changed.text
    assert assert_json(apply(api, made))["succeeded"] == 1


def test_of_many_who_apply_at_once_one_writes_and_all_get_its_answer(
    api: Api, model_m: dict[str, Any]
) -> None:
    del model_m
    made = propose(api, twin("put", "N", building(AverageTemperature=1)))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: apply(api, made), range(16)))
    assert [each.status_code for each in answers] == [200] * 16
    assert len({each.text for each in answers}) == 1
    history = assert_json(api.get("/kastor/v1/digitaltwins/N/history", version=None))
    assert len(history["value"]) == 1


def test_what_would_be_refused_is_no_proposal(api: Api, twin_t: dict[str, Any]) -> None:
    del twin_t
    body = {
        "operations": [twin("patch", "T", warm(1)), twin("delete", "x")],
        "reason": "a test",
    }
    refused = api.post(PATH, body, version=None)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "BatchRefused"
    assert [each["status"] for each in refused.json()["results"]] == [204, 404]
    assert listed(api) == []


ONE = {"op": "delete", "kind": "twin", "id": "x"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "InvalidArgument"),
        ([], "InvalidArgument"),
        ({"operations": [], "reason": "r"}, "InvalidArgument"),
        ({"operations": [ONE]}, "InvalidArgument"),
        ({"operations": [ONE], "reason": ""}, "InvalidArgument"),
        ({"operations": [ONE], "reason": "a\nb"}, "InvalidArgument"),
        ({"operations": [ONE], "reason": "\u202eb"}, "InvalidArgument"),
        ({"operations": [ONE], "reason": "r" * 301}, "InvalidArgument"),
        ({"operations": [ONE], "reason": "r", "atomic": True}, "InvalidArgument"),
        ({"operations": [{**ONE, "kind": "model"}], "reason": "r"}, "InvalidArgument"),
        ({"operations": [ONE] * 101, "reason": "r"}, "LimitExceeded"),
    ],
)
def test_what_is_no_proposal_is_refused(api: Api, body: Any, code: str) -> None:
    assert_error(api.post(PATH, body, version=None), 400, code)


def test_who_opens_too_many_is_told(api: Api, twin_t: dict[str, Any]) -> None:
    del twin_t
    made = [propose(api, twin("patch", "T", warm(n))) for n in range(20)]
    body = {"operations": [twin("patch", "T", warm(70))], "reason": "one more"}
    assert_error(api.post(PATH, body, version=None), 429, "TooManyRequests", "20 proposals")
    assert reject(api, made[0]).status_code == 204
    assert propose(api, twin("patch", "T", warm(70)))["status"] == "open"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KastorServer]:
    del tmp_path_factory
    with KastorServer(("--auth", "tokens", "--agents-confirm", "always")) as server:
        yield server


def test_a_proposal_is_its_callers_and_is_approved_by_whoever_may_write_it(
    guarded: KastorServer,
) -> None:
    first, second = guarded.token("owner"), other_owner(guarded)
    with Api(guarded.url, token=first) as anna, Api(guarded.url, token=second) as ben:
        anna.add_models(M)
        anna.add_twin("T", building(AverageTemperature=68))
        made = propose(anna, twin("patch", "T", warm(70)), reason="warmer")
        assert made["needsApproval"] is True
        assert listed(ben) == [made["id"]]
        assert_error(apply(ben, made), 404, "ProposalNotFound")
        assert_error(apply(anna, made, "nonsense"), 404, "ProposalNotFound")
        assert_error(apply(anna, {**made, "id": "other"}), 404, "ProposalNotFound")
        assert_error(apply(anna, made), 409, "ProposalNotApproved")
        approved = assert_json(approve(ben, made))
        assert approved["approvedBy"] == "ben"
        assert assert_json(apply(anna, made))["succeeded"] == 1
        # They are on disk before anybody is told.
        lines = proposal_lines(guarded, made["id"])
        with Api(guarded.url, token=guarded.token("reader")) as reader:
            assert reader.get(PATH, version=None).status_code == 403
    assert [each["what"] for each in lines] == ["proposed", "approved", "applied"]
    assert [each["name"] for each in lines] == [made["by"], "ben", made["by"]]
    for each in lines:
        assert (each["reason"], each["via"], each["proposer"]) == ("warmer", "rest", made["by"])
        assert made["token"] not in str(each)
    assert lines[2]["approver"] == "ben"


def test_the_history_tells_the_way_and_events_do_not(api: Api, twin_t: dict[str, Any]) -> None:
    api.patch("/digitaltwins/T", [op("replace", "/AverageTemperature", 69)])
    made = propose(api, twin("patch", "T", warm(70)), twin("delete", "T"), reason="w\u00e4rmer")
    approve(api, made)
    assert apply(api, made).status_code == 200
    entries = assert_json(api.get("/kastor/v1/digitaltwins/T/history", version=None))["value"]
    way = {
        "way": "rest",
        "proposal": made["id"],
        "reason": "w\u00e4rmer",
        "approver": "anonymous",
    }
    assert [each.get("via") for each in entries] == [None, None, way, way]
    assert [each.get("deleted", False) for each in entries] == [False, False, False, True]
    patches = api.get("/kastor/v1/digitaltwins/T/history?as=patch&order=desc", version=None)
    assert [each.get("via") for each in assert_json(patches)["value"]] == [way, way, None, None]
    page = api.get("/kastor/v1/events?format=ndjson&after=0", version=None)
    assert "DigitalTwins.Twin.Delete" in page.text
    assert made["id"] not in page.text
    assert "rmer" not in page.text


def test_nothing_but_the_whole_token_of_the_caller_lets_anybody_apply(api: Api) -> None:
    api.add_models(M)
    made = propose(api, twin("put", "guessed", building()))
    other = propose(api, twin("put", "other", building()))
    token = made["token"]
    digest = hashlib.sha256(token.encode())
    chance = random.Random(18)
    guesses = [
        *(token[:-1], f"{token} ", token.swapcase(), token[::-1], other["token"], made["id"]),
        *(digest.hexdigest(), "%", "*", "null", "\u0000", "' OR 1=1 --"),
        *(secrets.token_urlsafe(16) for _ in range(100)),
        *(_changed(token, chance) for _ in range(100)),
    ]
    answers = {apply(api, made, guess).text for guess in guesses}
    assert len(answers) == 1, "what is wrong with a guess is told by none"
    assert "ProposalNotFound" in next(iter(answers))
    for body in ({"token": None}, {"token": [token]}, {"token": ""}, {"token": token, "id": 1}):
        answer = api.post(f"{PATH}/{made['id']}/apply", body, version=None)
        assert_error(answer, 400, "InvalidArgument")
    assert api.get("/digitaltwins/guessed").status_code == 404
    assert apply(api, made).status_code == 200


def _changed(token: str, chance: random.Random) -> str:
    at = chance.randrange(len(token) - 1)  # bits of the last one may count for nothing
    return f"{token[:at]}{'A' if token[at] != 'A' else 'B'}{token[at + 1 :]}"


def test_whoever_proposed_cannot_approve_where_a_second_person_is_wanted() -> None:
    flags = ("--auth", "tokens", "--agents-confirm", "always", "--agents-second-person")
    with KastorServer(flags) as server:
        first, second = server.token("owner"), other_owner(server)
        with Api(server.url, token=first) as anna, Api(server.url, token=second) as ben:
            anna.add_models(M)
            made = propose(anna, twin("put", "N", building()))
            assert_error(approve(anna, made), 409, "ProposalNeedsSecondPerson", made["id"])
            assert_error(apply(anna, made), 409, "ProposalNotApproved")
            assert assert_json(approve(ben, made))["approvedBy"] == "ben"
            assert assert_json(apply(anna, made))["succeeded"] == 1


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--agents-second-person",), "--auth tokens"),
        (
            ("--auth", "tokens", "--agents-confirm", "never", "--agents-second-person"),
            "nobody is asked",
        ),
    ],
)
def test_a_second_person_is_not_asked_for_where_there_can_be_none(
    flags: tuple[str, ...], said: str
) -> None:
    with pytest.raises(StartError, match=said), KastorServer(flags):
        pass


def test_a_server_that_is_killed_has_applied_a_proposal_whole_or_not_at_all(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    names = [f"n{n}" for n in range(20)]
    with KastorServer(data_dir=data) as server, Api(server.url) as api:
        api.add_models(M)
        made = {
            name: propose(
                api, *(twin("put", f"{name}-{n}", building(AverageTemperature=n)) for n in range(9))
            )
            for name in names
        }
        answered: list[tuple[str, Any]] = []
        killed = threading.Event()

        def apply_all() -> None:
            for name in names:
                if len(answered) == 6:
                    killed.set()
                try:
                    answered.append((name, apply(api, made[name]).json()))
                except httpx2.HTTPError:
                    return

        applying = threading.Thread(target=apply_all)
        applying.start()
        assert killed.wait(PATIENCE)
        server.process.kill()
        server.process.wait()
        applying.join()
    with KastorServer(data_dir=data) as server, Api(server.url) as api:
        there = {each["$dtId"] for each in assert_json(api.query(ALL))["value"]}
        for name in names:
            applied = assert_json(get(api, made[name]))["status"] == "applied"
            written = [f"{name}-{n}" in there for n in range(9)]
            assert written == [applied] * 9
        for name, answer in answered:
            assert apply(api, made[name]).json() == answer
        left = made[names[-1]]
        assert assert_json(apply(api, left))["succeeded"] == 9


def other_owner(server: KastorServer) -> str:
    return create_token(server.data_dir / "tokens", "owner", "ben")


def proposal_lines(server: KastorServer, proposal: str) -> list[dict[str, Any]]:
    path = server.data_dir / "audit" / "audit.ndjson"
    return [each for each in AuditReader(path).lines() if each.get("proposal") == proposal]
