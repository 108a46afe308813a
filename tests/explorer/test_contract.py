"""The app and the server's description of its API agree: `explorer/tools/contract` compares them.

Types of the app are written by hand, as it uses them. What is compared is all that it asks (paths,
methods, names in queries and bodies) and all that it relies on in answers.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest

from kastor.api.description.openapi import build_openapi
from kastor.api.explorer.configuration import configuration
from kastor.api.http.limits import RequestLimits
from kastor.config import load_settings
from kastor.events.envelope import as_line
from kastor.events.model import Event
from tests.npm import ROOT
from tests.programs import need

FOLDER = ROOT / "explorer"
SECONDS = 60
EVENT = Event(
    "1",
    "type",
    "source",
    "room",
    "2026-01-01T00:00:00Z",
    "application/json",
    None,
    None,
    b"{}",
    *("room", 1),
)
TELEMETRY = Event(
    "1", "type", "source", None, None, "application/json", "dtmi:x;1", None, b"{}", *("room", 1)
)
KINDS: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", type(None): "null"}


def _schema(*values: Any) -> dict[str, Any]:
    """Return what examples have in common, as a schema."""
    first = values[0]
    if isinstance(first, dict):
        names = dict.fromkeys(name for value in values for name in value)
        having = {name: [value[name] for value in values if name in value] for name in names}
        return {
            "type": "object",
            "required": [name for name, found in having.items() if len(found) == len(values)],
            "properties": {name: _schema(*found) for name, found in having.items()},
        }
    if isinstance(first, list):
        items = [each for value in values for each in value]
        return {"type": "array", "items": _schema(*items)}
    return {"type": sorted({KINDS[type(value)] for value in values})}


def _described() -> dict[str, Any]:
    """Return the description, with schemas of what is no answer of an operation."""
    oidc = {
        "auth": ("tokens", "oidc"),
        "oidc_issuer": ("https://login.example.org",),
        "oidc_audience": ("kastor",),
        "oidc_client_id": "explorer",
    }
    settings = [load_settings(each) for each in (oidc, {**oidc, "oidc_scope": "openid"})]
    told = [configuration(each, RequestLimits(), "/twins", sample=True) for each in settings]
    found = _schema(*told)
    found["properties"]["auth"] = {"enum": ["none", "token", "oidc"]}
    events = [orjson.loads(as_line(each)) for each in (EVENT, TELEMETRY)]
    return {
        "openapi": build_openapi("https://twins.example"),
        "schemas": {"Config": found, "CloudEvent": _schema(*events)},
    }


def _problems(described: Mapping[str, Any], folder: Path, src: Path = FOLDER / "src") -> list[str]:
    if not Path(FOLDER, "node_modules").is_dir():
        pytest.skip("The explorer's packages are not installed; run: npm ci in explorer/")
    file = folder / "described.json"
    file.write_text(json.dumps(described))
    done = subprocess.run(
        [str(need("node")), "tools/contract/check.mjs", str(file), str(src)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    *problems, last = done.stdout.splitlines() or [""]
    assert last.endswith(f", {len(problems)} problems"), done.stderr[-4_000:]
    assert done.returncode == (1 if problems else 0)
    return problems


def test_the_app_asks_and_expects_what_the_server_describes(tmp_path: Path) -> None:
    assert _problems(_described(), tmp_path) == []


def test_another_description_is_noticed(tmp_path: Path) -> None:
    described = deepcopy(_described())
    paths = described["openapi"]["paths"]
    schemas = described["openapi"]["components"]["schemas"]
    paths["/kastor/v1/self"] = paths.pop("/kastor/v1/me")
    paths["/kastor/v1/batch"]["put"] = paths["/kastor/v1/batch"].pop("post")
    diff = paths["/kastor/v1/diff"]["get"]["parameters"]
    diff[:] = [each for each in diff if each["name"] != "from"]
    status = schemas["Status"]["properties"]
    status["version"] = status.pop("kastor")
    status["counts"]["properties"]["twins"] = {"type": "string"}
    schemas["Relationship"]["required"].remove("$etag")
    schemas["RouteState"]["properties"]["lastDelivery"] = {"type": "integer"}
    schemas["ResolvedContent"]["properties"]["kind"]["enum"].append("event")
    schemas["SampleName"]["properties"]["sample"] = schemas["SampleName"]["properties"].pop("name")
    described["schemas"]["Config"]["required"].remove("tokens")

    found = "\n".join(_problems(described, tmp_path))
    for problem in (
        "the description has no GET /kastor/v1/me",
        "the description has no POST /kastor/v1/batch",
        "Kastor_Differences has no from in its query",
        "Kastor_Status.kastor: the description has no such property",
        "Kastor_Status.counts.twins: may be string, which the app does not expect",
        "DigitalTwins_GetRelationshipById.$etag: the app relies on it",
        "Kastor_ListRouteStates.lastDelivery: may be integer, which the app does not expect",
        'contents[].kind: may be "event", which the app does not expect',
        "the body of Kastor_LoadSample has no name",
        "Config.tokens: the app relies on it",
    ):
        assert problem in found


def test_another_app_is_noticed(tmp_path: Path) -> None:
    src = tmp_path / "src"
    shutil.copytree(FOLDER / "src", src)
    for name, before, after in (
        ("api/types.ts", "readonly expires: string | null", "readonly expires: string"),
        ("api/types.ts", "readonly hostName: string", "readonly host: string"),
        ("api/types.ts", "readonly source: string", "readonly origin: string"),
        ("api/types.ts", "readonly $targetId: string", "readonly $targetId: number"),
        ("features/operate/data.ts", "readonly perMinute: number", "readonly perHour: number"),
        ("state/graph.tsx", "/kastor/v1/status", "/kastor/v1/state"),
        ("features/history/Diff.tsx", "as: 'document'", "shape: 'document'"),
        ("parts/relationships.ts", "method: 'DELETE'", "method: 'POST'"),
    ):
        file = src / name
        text = file.read_text()
        assert before in text, f"{name} is another one; let this test change something else"
        file.write_text(text.replace(before, after))

    found = "\n".join(_problems(_described(), tmp_path, src))
    for problem in (
        "Kastor_Me.expires: may be null, which the app does not expect",
        "the description has no GET /kastor/v1/state",
        "CloudEvent.origin: the description has no such property",
        "$targetId: may be string, which the app does not expect",
        "Kastor_ListRouteStates.perHour: the description has no such property",
        "Kastor_Differences has no shape in its query",
        "the description has no POST /digitaltwins/{source}/relationships/{id}",
    ):
        assert problem in found
