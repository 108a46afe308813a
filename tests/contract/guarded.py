"""A server that asks who comes: callers of every role and of every way, and requests to make.

Each role has two callers: with a static token, and with one of an issuer whose tokens look like
those of Microsoft Entra.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from kastor.auth.tokens import create_token
from kastor.testing import KastorServer
from tests.auth.issuer import APPLICATION, AUDIENCE, OWNER, READER, Tenant

from . import proposed
from .client import UNSET, Api
from .test_dry_run import (
    CASES,
    DOOR_MODEL,
    FLOOR,
    FLOOR_MODEL,
    RULES,
    SPARE_MODEL,
    Case,
    floor,
    save,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2

    from kastor.api.http.operation import Operation

TEAM_GRAPH, OTHER_GRAPH, NO_GRAPH = "team-x", "other", "nothing"
DOMAIN = "graphs.test"
POLICY = """
[[rules]]
roles = ["owner"]
graphs = ["team-*"]
to = { scopes = ["twins.team"] }

[[rules]]
roles = ["sender"]
to = { groups = ["5e0d0000-0000-4000-8000-00000000feed"] }

[roles.half]
permissions = ["kastor/batch/write", "kastor/jobs/write", "kastor/export/read", "query/action",
    "kastor/history/read", "digitaltwins/read", "jobs/import/write"]

[[rules]]
roles = ["half"]
graphs = ["team-x"]
to = { tokens = ["half"] }

[[rules]]
roles = ["owner"]
graphs = ["team-y"]
to = { tokens = ["half"] }
"""
SENDERS = "5e0d0000-0000-4000-8000-00000000feed"
_HOOK = {"kind": "webhook", "settings": {"url": "http://localhost:9/x"}}
_FILES = {"inputBlobUri": "exchange/default/in", "outputBlobUri": "exchange/default/out"}
_ALL = "SELECT * FROM digitaltwins"


def _ours(method: str, path: str, body: Any = UNSET) -> Case:
    return Case(method, f"/kastor/v1{path}", body, versioned=False)


REAL: dict[str, Case] = {
    **CASES,
    "Query_QueryTwins": Case("POST", "/query", {"query": _ALL}),
    "DigitalTwinModels_Search": Case("POST", "/models/search", {"query": "room"}),
    "DigitalTwins_Search": Case("POST", "/digitaltwins/search", {"vector": [1, 2]}),
    "Kastor_CheckAccess": _ours(
        "POST", "/access/check", {"who": "token:half", "permission": "query/action"}
    ),
    "Kastor_TryMessage": _ours(
        "POST", "/inputs/sensors/try", {"payload": '{"floor": "a", "level": 3}'}
    ),
    "Kastor_LiveQuery": _ours("POST", "/query/live", {"query": _ALL}),
    "Kastor_QuerySeries": _ours(
        "POST",
        "/series",
        {"query": "SELECT T.$dtId FROM digitaltwins T", "from": "change:1", "bucket": "1d"},
    ),
    "ImportJobs_Add": Case("PUT", "/jobs/imports/one", _FILES),
    "ImportJobs_AddInPreview": Case("PUT", "/jobs/import/one", _FILES),
    "DeleteJobs_Add": Case("POST", "/jobs/deletions"),
    "Kastor_Update": _ours(
        "POST",
        "/update",
        {"query": _ALL, "patch": [{"op": "add", "path": "/level", "value": 1}], "atMost": 9},
    ),
    "Kastor_Delete": _ours("POST", "/delete", {"query": _ALL, "atMost": 9}),
    "Kastor_Revert": _ours("POST", "/revert", {"asOf": "change:1"}),
    "Kastor_ExportJob": _ours("POST", "/jobs/exports", {"outputBlobUri": "exchange/default/o"}),
    "Kastor_BackupJob": _ours("POST", "/jobs/backups", {"outputBlobUri": "exchange/default/b"}),
    "Kastor_ImportUpload": _ours("POST", "/jobs/imports", [{"Section": "Header"}]),
    "Kastor_MoveGraph": _ours("POST", "/graphs/spare/move", {"schema": "moved"}),
    "Kastor_GetGraph": _ours("GET", "/graphs/spare"),
    "Kastor_LoadSample": _ours("POST", "/sample", {"name": "building"}),
    "Kastor_Events": _ours("GET", "/events?format=ndjson"),
    "Kastor_Differences": _ours("GET", "/diff?from=change:1"),
}
"""Requests that would do something: each is of what is there."""
_THERE = {
    "/digitaltwins": "a",
    "/models": FLOOR_MODEL["@id"],
    "/eventroutes": "first",
    "/kastor/v1/routes": "first",
    "/kastor/v1/endpoints": "hook",
    "/kastor/v1/inputs": "sensors",
    "/kastor/v1/indexes": "name",
    "/kastor/v1/vectors": "meaning",
    "/kastor/v1/explorer": "mine",
    "/kastor/v1/digitaltwins": "a",
    "/kastor/v1/jobs": "job",
}
JOB = "job"


class Caller(NamedTuple):
    """Whoever holds a token; `role` is the letter of the table."""

    name: str
    role: str
    api: Api


@dataclass
class Guarded:
    """The server and its callers.

    Attributes:
        static, signed: callers by the letter of their role.
        team: owners of `team-*` alone: by the scope of a static token, and by the policy.
        half: may batch and begin jobs on `team-x`, is owner of `team-y`.
    """

    server: KastorServer
    tenant: Tenant
    policy: Path
    static: dict[str, Caller]
    signed: dict[str, Caller]
    team: list[Caller]
    half: Caller
    nobody: list[Caller]

    @property
    def owner(self) -> Api:
        """Of everything."""
        return self.static["o"].api

    def snapshot(self) -> tuple[object, ...]:
        """All that a request could have changed."""
        status = ours(self.owner, "/status").json()
        kept = ("counts", "modelEpoch")
        return (
            {name: status[name] for name in kept},
            ours(self.owner, "/export?kastor=true").content,
            [each for each in ours(self.owner, "/jobs").json()["value"] if "dryRun" not in each],
            [each["name"] for each in ours(self.owner, "/graphs").json()["value"]],
            ours(self.owner, "/history").json()["settings"],
            ours(self.owner, "/routes").json(),
            ours(self.owner, "/explorer/views").json(),
            ours(self.owner, "/explorer/files").json(),
            self.owner.get(f"/graphs/{OTHER_GRAPH}/kastor/v1/status", version=None).json()[
                "counts"
            ],
        )


def ours(api: Api, path: str) -> httpx2.Response:
    """Get something of Kastor's own that is there."""
    found = api.get(f"/kastor/v1{path}", version=None)
    assert found.status_code == 200, found.text
    return found


def real(operation: Operation) -> Case:
    """A request of the operation that finds something, and that would do something."""
    if operation.id in REAL:
        return REAL[operation.id]
    beginning = operation.path.partition("/{")[0]
    name = next((found for start, found in _THERE.items() if beginning.startswith(start)), JOB)
    path = operation.path.format(
        id=name, name=name, path=name, kind="views", relationshipId="r", componentPath="door"
    )
    return Case(operation.method, path, versioned=operation.versioned)


def idle(operation: Operation, name: str = "none") -> Case:
    """A request of the operation that can get no further than to something missing."""
    path = operation.path.format(
        id="dtmi:none;1" if "/models" in operation.path else name,
        name=name,
        path=name,
        kind="views",
        relationshipId="none",
        componentPath="none",
    )
    if operation.id == "Kastor_Events":
        path += "?format=ndjson"  # the other form would have no end
    return Case(operation.method, path, versioned=operation.versioned)


def send(api: Api, case: Case, prefix: str = "", **headers: str) -> httpx2.Response:
    """Send a request to the graph of a prefix."""
    path, body = proposed.filled(case.path, case.body)
    return api.send(
        case.method,
        prefix + path,
        body,
        headers=headers,
        content_type=case.content_type,
        **({} if case.versioned else {"version": None}),
    )


def send_wrong(api: Api, case: Case, prefix: str = "") -> httpx2.Response:
    """The same with everything wrong: version, header, condition, body and a name."""
    mark = "&" if "?" in case.path else "?"
    wrong = {"kastor-nonsense": "1", "if-match": "?", "if-none-match": "?", "kastor-as-of": "?"}
    path = f"{prefix}{case.path}{mark}api-version=1999-01-01&nonsense=1"
    return api.send(case.method, path, raw=b"{", headers=wrong, version=None)


@contextmanager
def guarding(folder: Path, more: tuple[str, ...] = ()) -> Iterator[Guarded]:
    """Start the server, with one of everything in it."""
    policy = folder / "policy.toml"
    policy.write_text(POLICY)
    policy.chmod(0o600)
    data = folder / "data"
    names = {"o": "owner", "r": "reader", "s": "sender", "n": "none"}
    with ExitStack() as stack:
        tenant = stack.enter_context(Tenant())
        issuers = ("--oidc-issuer", tenant.v1.url, "--oidc-issuer", tenant.v2.url)
        audiences = ("--oidc-audience", AUDIENCE, "--oidc-audience", APPLICATION)
        flags = (
            "--auth",
            "tokens",
            "--auth",
            "oidc",
            *issuers,
            *audiences,
            "--graph-domain",
            DOMAIN,
        )
        made = KastorServer((*flags, "--policy", str(policy), *more), data_dir=data)
        tokens = {role: create_token(data / "tokens", role, f"a {role}") for role in names.values()}
        tokens["team"] = create_token(data / "tokens", "owner", "team", graphs=("team-*",))
        tokens["half"] = create_token(data / "tokens", "none", "half")
        server = stack.enter_context(made)

        def caller(name: str, role: str, token: str | None) -> Caller:
            return Caller(name, role, stack.enter_context(Api(server.url, token=token)))

        signed = {
            "o": tenant.v1_application(roles=[OWNER]),
            "r": tenant.v2_user(roles=[READER]),
            "s": tenant.v1_user(roles=None, groups=[SENDERS]),
            "n": tenant.v2_application(roles=["Azure Digital Twins Data Ownership"]),
        }
        scoped = tenant.v2_user(roles=[], scp="openid twins.team")
        found = Guarded(
            server,
            tenant,
            policy,
            {role: caller(f"a {name}", role, tokens[name]) for role, name in names.items()},
            {role: caller(f"an issuer's {role}", role, token) for role, token in signed.items()},
            [caller("team", "o", tokens["team"]), caller("scoped", "o", scoped)],
            caller("half", "", tokens["half"]),
            [
                caller("nobody", "", None),
                caller("part of a token", "", tokens["owner"][:-1]),
                caller("a forged token", "", signed["o"][:-9] + "AAAAAAAAA"),
            ],
        )
        furnish(found.owner)
        yield found


def furnish(api: Api) -> None:
    """One of everything, as the requests of `REAL` want it, and graphs beside the default one."""

    def done(method: str, path: str, body: Any = UNSET) -> None:
        version = {"version": None} if path.startswith("/kastor/") else {}
        response = api.send(method, path, body, **version)
        assert response.is_success, (path, response.text)

    api.add_models(FLOOR_MODEL, DOOR_MODEL, SPARE_MODEL)
    for name in ("hook", "spare"):
        done("PUT", f"/kastor/v1/endpoints/{name}", _HOOK)
    for name in ("first", "paused"):
        done("PUT", f"/eventroutes/{name}", {"endpointName": "hook", "filter": "false"})
    done("POST", "/kastor/v1/routes/paused/pause")
    for name in ("sensors", "spare"):
        rules = {"kind": "webhook", "settings": {"rules": RULES}}
        done("PUT", f"/kastor/v1/inputs/{name}", rules)
    done("POST", "/kastor/v1/inputs/spare/pause")
    save(api)
    done("PUT", "/kastor/v1/indexes/name")
    for name in ("spare", TEAM_GRAPH, "team-y", OTHER_GRAPH):
        done("PUT", f"/kastor/v1/graphs/{name}")
    for name in "abcd":
        api.add_twin(name, floor(name=name.upper()))
    api.relate("a", "r", "b", "above", by="stairs")
    done("PUT", "/kastor/v1/vectors/meaning", {"dims": 2})
    for name in "ab":
        path = f"/kastor/v1/digitaltwins/{name}/vectors/meaning"
        done("PUT", path, {"vector": [1, 0]})
    proposed.furnish(api, FLOOR)
    body = {"outputBlobUri": "exchange/default/done"}
    named = {"operation-id": JOB}
    begun = api.post("/kastor/v1/jobs/exports", body, version=None, headers=named)
    assert begun.status_code == 202, begun.text
    while ours(api, f"/jobs/exports/{JOB}").json()["status"] in ("notstarted", "running"):
        time.sleep(0.02)


def on_graph(case: Case, name: str) -> Case:
    """A request about a graph, of another graph."""
    return replace(case, path=re.sub("/graphs/[a-z]+", f"/graphs/{name}", case.path))


def without_names(response: httpx2.Response, *names: str) -> tuple[object, ...]:
    """Status, body and headers, but for names, also the caller's, and the time."""
    text = _CALLER.sub('"NAME has no role', response.text)
    for name in names:
        text = text.replace(name, "NAME")
    kept = {key: value for key, value in response.headers.items() if key not in _VARY}
    return response.status_code, _form(text), kept


_VARY = ("date", "content-length")
_CALLER = re.compile(r'"[^"]* has no role')


def _form(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
