"""How tests of the past name a state: by the entry of the change log that was the last one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .client import seg

if TYPE_CHECKING:
    from .client import Api

AS_OF = "kastor-as-of"


def now_text() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def state(api: Api) -> int:
    """The state of now, by its number."""
    response = api.get("/models", headers={AS_OF: now_text()})
    assert response.status_code == 200, response.text
    return number_of(response.headers[AS_OF])


def number_of(header: str) -> int:
    time, _, change = header.partition("; change=")
    assert datetime.fromisoformat(time)
    return int(change)


def write(api: Api, twin: str, **properties: Any) -> None:
    """Patch properties of a twin; None removes one."""
    steps = [
        {"op": "remove", "path": f"/{name}"}
        if value is None
        else {"op": "add", "path": f"/{name}", "value": value}
        for name, value in properties.items()
    ]
    response = api.patch(f"/digitaltwins/{seg(twin)}", steps)
    assert response.status_code == 204, response.text
