"""Everything that can be read of a graph over HTTP, and what a later release may say otherwise.

A later release may add members to objects; whatever was told before has to be told again.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

import httpx2

from .world import DELETED, IDS, MODELS, OWN, PART, THING

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERIES = (
    "SELECT * FROM DIGITALTWINS",
    "SELECT * FROM RELATIONSHIPS",
    "SELECT COUNT() FROM DIGITALTWINS",
    "SELECT T.$dtId AS id, T.warmth AS warmth FROM DIGITALTWINS T WHERE T.warmth > 1",
    "SELECT T.$dtId AS id FROM DIGITALTWINS T WHERE T.part.level > 1",
    "SELECT R.$dtId AS id FROM DIGITALTWINS T JOIN R RELATED T.next WHERE T.$dtId = 't0'",
    "SELECT T.$dtId AS id FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:kept:Base;1')",
)
CYPHER = "MATCH (a)-[r:next]->(b) RETURN a.`$dtId` AS a, r.weight AS weight, b.`$dtId` AS b"
BODIES: tuple[dict[str, Any], ...] = (
    *({"query": each} for each in QUERIES),
    {"query": CYPHER, "language": "cypher"},
)
WORDS = ("caf\u00e9", "again", "Irgendwas", "next", "t1", "\U0001f600")
PATIENCE = 20.0
FEED_SECONDS = 1.0
OF_NOW = frozenset(
    # Where pages go on, and what says how a process fares, not what a graph holds.
    {
        *("nextLink", "continuationToken", "lag", "position", "building", "upkeep", "packed"),
        *("packedBytes", "wholeBytes", "score", "traceparent"),
    }
)
NOT_IN_BACKUPS = ("/proposals", "/jobs")
"""Parts of paths of what lives where it was made; see docs/reference/backups.md."""


def changes(http: httpx2.Client) -> list[int]:
    """The positions of which there are states: of a twin that was written often."""
    answer = http.get(f"{OWN}/digitaltwins/t1/history")
    return [each["change"] for each in answer.json()["value"]][::2]


def paths(positions: list[int]) -> Iterator[str]:
    """What is asked by GET."""
    twins = [quote(each, safe="") for each in [*IDS, "imported", "refused", "applied"]]
    for twin in twins:
        yield f"/digitaltwins/{twin}"
        yield f"/digitaltwins/{twin}/components/part"
        yield f"/digitaltwins/{twin}/relationships"
        yield f"/digitaltwins/{twin}/relationships/r"
        yield f"/digitaltwins/{twin}/incomingrelationships"
        yield f"{OWN}/digitaltwins/{twin}/history"
        yield f"{OWN}/digitaltwins/{twin}/history?as=patch&order=desc"
        yield f"{OWN}/digitaltwins/{twin}/relationships/r/history"
        yield f"{OWN}/digitaltwins/{twin}/vectors/beside"
    yield "/models?includeModelDefinition=true"
    for model in MODELS:
        yield f"/models/{model['@id']}"
    yield f"{OWN}/models/resolved?id={THING['@id']}"
    for way in ("change", "source"):
        yield f"{OWN}/digitaltwins/t0/series?path=/warmth&time={way}"
    yield f"{OWN}/digitaltwins/t1/series?telemetry=true&path=/watts"
    for position in positions:
        at = f"asOf=change:{position}"
        yield f"/digitaltwins/t1?{at}"
        yield f"/digitaltwins/{DELETED}?{at}"
        yield f"/digitaltwins/t0/relationships?{at}"
        yield f"/models?{at}"
        yield f"{OWN}/export?{at}&system=true"
        yield f"{OWN}/diff?from=change:{position}"
    yield f"{OWN}/export?system=true&kastor=true"
    for position in (positions[0], positions[-2]):
        yield f"{OWN}/export?since={position}"
    yield f"{OWN}/history"
    yield from (
        *("/eventroutes", "/eventroutes/created", "/jobs/imports", "/jobs/imports/kept"),
        *(f"{OWN}/{name}" for name in ("endpoints", "routes", "inputs", "indexes", "jobs")),
        f"{OWN}/vectors",
        *(f"{OWN}/{name}/sensors" for name in ("inputs",)),
        *(f"{OWN}/routes/created/deadletters", f"{OWN}/jobs/imports/kept-upload/log"),
        *(f"{OWN}/jobs/imports/kept-upload", f"{OWN}/jobs/exports/kept-export"),
        *(f"{OWN}/explorer/{kind}" for kind in ("views", "queries", "scenes", "files")),
        *(f"{OWN}/explorer/views/%C3%A4%20view", f"{OWN}/explorer/queries/warm"),
        *(f"{OWN}/explorer/files/plan", f"{OWN}/proposals"),
    )
    for word in WORDS:
        yield f"{OWN}/search?q={quote(word)}&limit=100"


def read(http: httpx2.Client) -> dict[str, Any]:
    """Ask for everything; return the answers by what was asked."""
    positions = changes(http)
    now = {"kastor-read": "current-replica"}
    found: dict[str, Any] = {"positions": positions}
    for path in paths(positions):
        if "asOf=" not in path:
            ask = _searched if "/search" in path else _get
            found[f"GET {path}"] = _told(ask(http, path, headers=now if "/search" in path else {}))
    for proposal in found[f"GET {OWN}/proposals"]["body"]["value"]:
        path = f"{OWN}/proposals/{proposal['id']}"
        found[f"GET {path}"] = _told(http.get(path))
    body = {"query": PART["@id"], "limit": 10}
    found["POST /models/search"] = _told(http.post("/models/search", json=body, headers=now))
    for body in BODIES:
        found[f"POST /query {body}"] = _rows(http, body, {})
    found["feed"] = list(feed(http))
    found |= past(http, positions)
    refused = {
        name: told
        for name, told in found.items()
        if isinstance(told, dict) and told["status"] not in (200, 404, 410)
    }
    assert not refused, refused
    return found


def past(http: httpx2.Client, positions: list[int]) -> dict[str, Any]:
    """Ask for what no later write changes: the states that there were."""
    found = {f"GET {path}": _told(_get(http, path)) for path in paths(positions) if "asOf=" in path}
    for position in positions:
        headers = {"kastor-as-of": f"change:{position}"}
        for body in BODIES:
            found[f"POST /query {body} {position}"] = _rows(http, body, headers)
    return found


def _get(http: httpx2.Client, path: str, **more: Any) -> httpx2.Response:
    # A query in the path would take the place of the client's own, which has the version.
    path, _, query = path.partition("?")
    return http.get(path, params=dict(parse_qsl(query)), **more)


def _searched(http: httpx2.Client, path: str, **more: Any) -> httpx2.Response:
    """An answer with all hits: on a busy machine the time for looking at them may not be enough."""
    until = time.monotonic() + PATIENCE
    while True:
        answer = _get(http, path, **more)
        if not answer.is_success or not answer.json()["more"] or time.monotonic() > until:
            return answer


def feed(http: httpx2.Client) -> Iterator[Any]:
    """All events that the change log still has."""
    gone = http.get(f"{OWN}/events", headers={"last-event-id": "0"})
    assert gone.status_code == 410, "the log of every fixture has lost its beginning"
    oldest = gone.json()["error"]["details"][0]["oldest"]
    headers = {"last-event-id": str(oldest - 1)}
    with http.stream("GET", f"{OWN}/events", headers=headers, timeout=FEED_SECONDS) as answer:
        assert answer.status_code == 200, answer.read()
        came = bytearray()
        try:
            for part in answer.iter_bytes():
                came += part
        except httpx2.ReadTimeout:
            pass
        for line in came.split(b"\n"):  # texts may hold what Unicode breaks lines at
            if line.startswith(b"data:"):
                yield without(json.loads(line.removeprefix(b"data:")))


def _rows(http: httpx2.Client, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    told = _told(http.post("/query", json=body, headers=headers))
    if isinstance(told["body"], dict) and "value" in told["body"]:
        told["body"]["value"].sort(key=lambda row: json.dumps(row, sort_keys=True))
    return told


def _told(answer: httpx2.Response) -> dict[str, Any]:
    kind = answer.headers.get("content-type", "").partition(";")[0]
    origin = str(answer.url.copy_with(path="/", query=None)).rstrip("/")
    text = answer.content.decode().replace(origin, "")
    body: Any = text
    if kind == "application/json":
        body = without(json.loads(text))
    elif kind == "application/x-ndjson":
        body = [without(json.loads(line)) for line in text.split("\n") if line]
    told = {"status": answer.status_code, "type": kind, "body": body}
    if etag := answer.headers.get("etag"):
        told["etag"] = etag
    if "asOf=" in str(answer.url) or "kastor-as-of" in answer.request.headers:
        told["asOf"] = answer.headers["kastor-as-of"]
    return told


def without(value: Any) -> Any:
    """An answer without what it says of this moment."""
    if isinstance(value, dict):
        found = {name: without(each) for name, each in value.items() if name not in OF_NOW}
        if isinstance(found.get("patch"), list):
            found["patch"].sort(key=json.dumps)  # in the order of members, which none have
        return found
    if isinstance(value, list):
        return [without(each) for each in value]
    return value


def missing(then: Any, now: Any, place: str = "") -> Iterator[str]:
    """What was told then and is not told now, with its place; more members are allowed."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name, value in then.items():
            if name not in now:
                yield f"{place}/{name} is gone"
            else:
                yield from missing(value, now[name], f"{place}/{name}")
    elif isinstance(then, list) and isinstance(now, list):
        if len(then) != len(now):
            yield f"{place} has {len(now)} items, not {len(then)}"
        for number, pair in enumerate(zip(then, now, strict=False)):
            yield from missing(*pair, f"{place}/{number}")
    elif repr(then) != repr(now):  # 1 is not 1.0, and -0.0 is not 0.0
        yield f"{place}:  {then!r} is now {now!r}"
