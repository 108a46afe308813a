"""A graph with something of everything that a release can keep, made over HTTP."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

VERSION = {"api-version": "2023-10-31"}
OWN = "/kastor/v1"
PART: dict[str, Any] = {
    "@id": "dtmi:kept:Part;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "level", "schema": "integer", "writable": True}],
}
BASE: dict[str, Any] = {
    "@id": "dtmi:kept:Base;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "displayName": {"en": "Anything", "de": "Irgendwas"},
    "contents": [{"@type": "Property", "name": "note", "schema": "string", "writable": True}],
}
THING: dict[str, Any] = {
    "@id": "dtmi:kept:Thing;1",
    "@type": "Interface",
    "@context": ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:quantitativeTypes;1"],
    "extends": "dtmi:kept:Base;1",
    "contents": [
        {
            "@type": ["Property", "Temperature"],
            "name": "warmth",
            "schema": "double",
            "unit": "degreeCelsius",
            "writable": True,
        },
        {"@type": "Property", "name": "count", "schema": "long", "writable": True},
        {"@type": "Property", "name": "since", "schema": "dateTime", "writable": True},
        {
            "@type": "Property",
            "name": "tags",
            "writable": True,
            "schema": {"@type": "Map", "mapKey": {"name": "k", "schema": "string"}, "mapValue": {"name": "v", "schema": "boolean"}},
        },
        {"@type": "Telemetry", "name": "watts", "schema": "double"},
        {"@type": "Component", "name": "part", "schema": "dtmi:kept:Part;1"},
        {
            "@type": "Relationship",
            "name": "next",
            "properties": [{"@type": "Property", "name": "weight", "schema": "double"}],
        },
    ],
}  # fmt: skip
BARE: dict[str, Any] = {"@type": "Interface", "@context": "dtmi:dtdl:context;2"}
OLD, GONE, AGAIN = (BARE | {"@id": f"dtmi:kept:{name};1"} for name in ("Old", "Gone", "Again"))
MODELS: list[dict[str, Any]] = [PART, BASE, THING, OLD, GONE, AGAIN]

WARMTH = [0, -0.0, 1.0, -2.5, 1e22, 1.5e-9, 5e-324, 1.7976931348623157e308]
COUNTS = [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 1, 2, 3]
IDS = [*(f"t{number}" for number in range(6)), "\u00e4 \U0001f600", "A'\"_%"]
DELETED, REMADE = "t5", "t4"
PLAN = '<svg xmlns="http://www.w3.org/2000/svg"><title>\u00e4</title></svg>'
IMPORTED = "\n".join(
    json.dumps(line)
    for line in (
        {"Section": "Header"},
        {"fileVersion": "1.0.0", "author": "kept", "organization": "kept"},
        {"Section": "Twins"},
        {"$dtId": "imported", "$metadata": {"$model": "dtmi:kept:Base;1"}, "note": "from a file"},
        {"$dtId": "refused", "$metadata": {"$model": "dtmi:kept:Unknown;1"}},
    )
)


def thing(number: int) -> dict[str, Any]:
    return {
        "$metadata": {"$model": THING["@id"]},
        "warmth": WARMTH[number],
        "count": COUNTS[number],
        "note": f"caf\u00e9 {number} \u2028 \U0001f600",
        "since": "2026-11-30T08:15:00.1234567+01:00",
        "tags": {"a": True, "\u00e4.b": False},
        "part": {"$metadata": {}, "level": number},
    }


def replace(path: str, value: object) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]


class World:
    """Fills the default graph of a server.

    Args:
        http: to the server, without redirections.
        data: folder of the server, whose exchange folder jobs read and write.
    """

    def __init__(self, http: httpx2.Client, data: Path) -> None:
        self._http = http
        self._data = data
        self.tokens: dict[str, str] = {}
        """Of the proposals that are open, by their ids."""

    def fill(self) -> None:
        """Write everything; each part needs those before it."""
        self._models()
        self._settings()
        self._twins()
        self._relationships()
        self._jobs()
        self._saved()
        self._vectors()
        self._proposals()

    def _call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = self._http.request(method, path, json=body, **more)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def _models(self) -> None:
        self._call("POST", "/models", MODELS)
        self._call("PATCH", f"/models/{OLD['@id']}", replace("/decommissioned", True))
        self._call("DELETE", f"/models/{GONE['@id']}")
        self._call("DELETE", f"/models/{AGAIN['@id']}")
        self._call("POST", "/models", [AGAIN | {"displayName": "again"}])

    def _settings(self) -> None:
        self._call("PUT", f"{OWN}/history", {"telemetry": {"seconds": 3e9}})
        self._call("PUT", f"{OWN}/endpoints/out", {"kind": "stdout"})
        hook = {"url": "https://hooks.example.org/x", "headers": {"x-kept": "yes"}}
        self._call("PUT", f"{OWN}/endpoints/hook", {"kind": "webhook", "settings": hook})
        route = {"endpointName": "out", "filter": "type = 'Microsoft.DigitalTwins.Twin.Create'"}
        self._call("PUT", "/eventroutes/created", route)
        self._call("POST", f"{OWN}/routes/created/pause")
        rules = [{"twin": "{/device}", "patch": {"/warmth": "/t"}}]
        for name in ("sensors", "resting"):
            settings = {"kind": "webhook", "settings": {"rules": rules}}
            self._call("PUT", f"{OWN}/inputs/{name}", settings)
        self._call("POST", f"{OWN}/inputs/resting/pause")
        self._call("PUT", f"{OWN}/indexes/warmth")
        self._call("PUT", f"{OWN}/indexes/part.level")

    def _twins(self) -> None:
        for number, name in enumerate(IDS):
            self._call("PUT", f"/digitaltwins/{name}", thing(number))
        for number in range(4):
            self._call("PATCH", "/digitaltwins/t0", replace("/warmth", number + 0.5))
            self._call("PATCH", "/digitaltwins/t1", replace("/note", f"again {number}"))
        self._call("PATCH", "/digitaltwins/t2/components/part", replace("/level", 77))
        message = {"device": "t3", "t": 21.25}
        self._call("POST", f"{OWN}/inputs/sensors/messages", message)
        self._call("DELETE", f"/digitaltwins/{DELETED}")
        self._call("DELETE", f"/digitaltwins/{REMADE}")
        self._call("PUT", f"/digitaltwins/{REMADE}", thing(7))
        for watts in (1, 2.5, 1e3):
            self._call("POST", "/digitaltwins/t1/telemetry", {"watts": watts})

    def _relationships(self) -> None:
        for number in range(4):
            target = f"t{(number + 1) % 4}"
            body = {"$relationshipName": "next", "$targetId": target, "weight": number / 3}
            self._call("PUT", f"/digitaltwins/t{number}/relationships/r", body)
        self._call("PATCH", "/digitaltwins/t0/relationships/r", replace("/weight", 9.5))
        self._call("DELETE", "/digitaltwins/t3/relationships/r")
        operations = [
            {"op": "patch", "kind": "twin", "id": name, "body": replace("/count", 5)}
            for name in ("t0", "t1")
        ]
        named = {"operation-id": "kept-batch"}
        self._call("POST", f"{OWN}/batch", {"operations": operations}, headers=named)

    def _jobs(self) -> None:
        folder = self._data / "exchange" / "default"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "in.ndjson").write_text(IMPORTED, "utf-8")
        places = {
            "inputBlobUri": "exchange/default/in.ndjson",
            "outputBlobUri": "exchange/default/in.log",
        }
        self._call("PUT", "/jobs/imports/kept", places)
        self._ended("/jobs/imports/kept")
        sent = {"content-type": "application/x-ndjson", "operation-id": "kept-upload"}
        answer = self._http.post(f"{OWN}/jobs/imports", content=IMPORTED.encode(), headers=sent)
        assert answer.is_success, answer.text
        self._ended(f"{OWN}/jobs/imports/kept-upload")
        named = {"operation-id": "kept-export"}
        where = {"outputBlobUri": "exchange/default/out.ndjson"}
        self._call("POST", f"{OWN}/jobs/exports", where, headers=named)
        self._ended(f"{OWN}/jobs/exports/kept-export")

    def _ended(self, path: str) -> None:
        for _ in range(300):
            if self._call("GET", path)["status"] in ("succeeded", "failed"):
                return
            time.sleep(0.1)
        raise AssertionError(path)

    def _saved(self) -> None:
        kept = f"{OWN}/explorer"
        self._call("PUT", f"{kept}/views/\u00e4 view", {"zoom": 1.50, "ids": IDS})
        self._call("PUT", f"{kept}/queries/warm", {"text": "SELECT * FROM DIGITALTWINS"})
        drawn = {"content-type": "image/svg+xml"}
        answer = self._http.put(f"{kept}/files/plan", content=PLAN.encode(), headers=drawn)
        assert answer.is_success, answer.text

    def _vectors(self) -> None:
        self._call("PUT", f"{OWN}/vectors/beside", {"dims": 3, "metric": "l2"})
        of_things = {"dims": 2, "property": "part.level", "models": [THING["@id"]]}
        self._call("PUT", f"{OWN}/vectors/of-things", of_things)
        for number, name in enumerate(IDS[:4]):
            body = {"vector": [number, -0.25, 1e-9]}
            self._call("PUT", f"{OWN}/digitaltwins/{name}/vectors/beside", body)
        self._call("DELETE", f"{OWN}/digitaltwins/{IDS[3]}/vectors/beside")

    def _proposals(self) -> None:
        applied = {"op": "put", "kind": "twin", "id": "applied", "body": thing(3)}
        made = self._call("POST", f"{OWN}/proposals", {"operations": [applied], "reason": "kept"})
        self._call("POST", f"{OWN}/proposals/{made['id']}/apply", {"token": made["token"]})
        for name in ("apply", "reject"):
            operation = {"op": "put", "kind": "twin", "id": f"to {name}", "body": thing(2)}
            other = {"op": "patch", "kind": "twin", "id": "t1", "body": replace("/count", 9)}
            body = {"operations": [operation, other], "reason": f"to {name}"}
            made = self._call("POST", f"{OWN}/proposals", body)
            self.tokens[made["id"]] = made["token"]
