"""A thin HTTP client that sends exactly the bytes it is told to, and the checks every answer meets."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, quote, urlsplit

import httpx2

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

LATEST = "2023-10-31"
VERSIONS = ("2020-10-31", "2022-05-31", "2023-06-30", "2023-10-31")
PATCH_TYPE = "application/json-patch+json"
ETAG = re.compile(r'W/"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"')
TWIN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
MODEL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?\+00:00")

UNSET = object()


def seg(identifier: str) -> str:
    """Percent-encodes one path segment the way the Python SDK does: all but the unreserved set."""
    return quote(identifier, safe="")


def op(kind: str, path: str, *value: Any) -> dict[str, Any]:
    """One operation of a JSON Patch, with a `value` only where one is given."""
    return {"op": kind, "path": path, **({"value": value[0]} if value else {})}


class Api:
    """Requests against one server; paths reach it byte for byte as they are written."""

    def __init__(self, url: str, *, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.credentials = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx2.Client(timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        body: Any = UNSET,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = "application/json",
        version: str | None = LATEST,
    ) -> httpx2.Response:
        """Sends a JSON `body` or the bytes `raw` to a raw path, which may carry a query."""
        content = raw if body is UNSET else json.dumps(body).encode()
        target = path
        if version is not None:
            target += ("&" if "?" in path else "?") + f"api-version={version}"
        all_headers = {**self.credentials, **(headers or {})}
        if content is not None and content_type is not None:
            all_headers.setdefault("Content-Type", content_type)
        return self._client.request(
            method,
            self.url,
            content=content,
            headers=all_headers,
            extensions={"target": target.encode("ascii")},
        )

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return self.send("GET", path, **more)

    def put(self, path: str, body: Any = UNSET, **more: Any) -> httpx2.Response:
        return self.send("PUT", path, body, **more)

    def post(self, path: str, body: Any = UNSET, **more: Any) -> httpx2.Response:
        return self.send("POST", path, body, **more)

    def patch(self, path: str, body: Any = UNSET, **more: Any) -> httpx2.Response:
        more.setdefault("content_type", PATCH_TYPE)
        return self.send("PATCH", path, body, **more)

    def delete(self, path: str, **more: Any) -> httpx2.Response:
        return self.send("DELETE", path, **more)

    def query(self, text: str, **more: Any) -> httpx2.Response:
        return self.post("/query", {"query": text}, **more)

    def add_models(self, *models: dict[str, Any]) -> list[dict[str, Any]]:
        response = self.post("/models", list(models))
        assert response.status_code == 201, response.text
        stored: list[dict[str, Any]] = response.json()
        return stored

    def add_twin(self, identifier: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self.put(f"/digitaltwins/{seg(identifier)}", body)
        assert response.status_code == 200, response.text
        twin: dict[str, Any] = response.json()
        return twin

    def twin(self, identifier: str, **more: Any) -> dict[str, Any]:
        response = self.get(f"/digitaltwins/{seg(identifier)}", **more)
        assert response.status_code == 200, response.text
        twin: dict[str, Any] = response.json()
        return twin

    def relate(
        self, source: str, identifier: str, target: str, name: str = "has", **properties: Any
    ) -> dict[str, Any]:
        body = {"$relationshipName": name, "$targetId": target, **properties}
        response = self.put(f"/digitaltwins/{seg(source)}/relationships/{seg(identifier)}", body)
        assert response.status_code == 200, response.text
        relationship: dict[str, Any] = response.json()
        return relationship

    def follow(self, link: str, **more: Any) -> httpx2.Response:
        """Follows an absolute link exactly as the server wrote it."""
        assert link.startswith(self.url + "/"), f"{link} is not absolute on {self.url}"
        return self.send("GET", link[len(self.url) :], version=None, **more)

    def pages(self, path: str, **more: Any) -> list[dict[str, Any]]:
        """All pages of a listing, by its nextLinks."""
        response = self.get(path, **more)
        found = [assert_page(response)]
        while found[-1]["nextLink"] is not None:
            assert len(found) < 100, "the listing does not end"
            found.append(assert_page(self.follow(found[-1]["nextLink"])))
        return found


def requoted(link: str) -> str:
    """A link as the Python SDK sends it on: decoded, empty parameters dropped, encoded again."""
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    query["api-version"] = [LATEST]
    text = "&".join(f"{name}={quote(v, safe='')}" for name in query for v in query[name])
    return parts._replace(query=text).geturl()


def media_type(response: httpx2.Response) -> str:
    return response.headers["content-type"].replace(" ", "").lower()


def assert_json(response: httpx2.Response, status: int = 200) -> Any:
    """The answer has this status and a body declared and readable as JSON; returns the body."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:500]}"
    assert media_type(response) == "application/json;charset=utf-8"
    return json.loads(response.content)


def assert_page(response: httpx2.Response) -> dict[str, Any]:
    page: dict[str, Any] = assert_json(response)
    assert set(page) == {"value", "nextLink"}
    assert isinstance(page["value"], list)
    return page


def assert_empty(response: httpx2.Response, *, etag: bool = False) -> str:
    """A 204 without body, with an ETag exactly when one is due; returns the ETag."""
    assert response.status_code == 204, f"{response.status_code}: {response.text[:500]}"
    assert response.content == b""
    assert response.headers.get("content-length") == "0"
    if not etag:
        assert "etag" not in response.headers
        return ""
    assert ETAG.fullmatch(response.headers["etag"])
    return response.headers["etag"]


def assert_error(
    response: httpx2.Response, status: int, code: str | tuple[str, ...], text: str | None = None
) -> dict[str, Any]:
    """The specified refusal in the one envelope; returns its `error` object.

    `text` has to occur in the message or in one of the details.
    """
    body = assert_json(response, status)
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    codes = (code,) if isinstance(code, str) else code
    assert error["code"] in codes, error
    assert response.headers["x-ms-error-code"] == error["code"]
    _assert_error_object(error)
    if text is not None:
        texts = [error["message"], *(detail["message"] for detail in error.get("details", []))]
        assert any(text in each for each in texts), texts
    return error


# Where a detail's problem stands.
PLACE = frozenset({"path", "kind", "line", "column", "length", "index", "oldest"})


def _assert_error_object(error: dict[str, Any], place: frozenset[str] = frozenset()) -> None:
    assert set(error) - place <= {"code", "message", "details"}, "members outside the envelope"
    assert isinstance(error["code"], str)
    assert error["code"]
    assert isinstance(error["message"], str)
    assert error["message"]
    assert "Traceback" not in error["message"]
    if "details" in error:
        assert error["details"], "details are left out rather than empty"
        for detail in error["details"]:
            _assert_error_object(detail, PLACE)


def details(error: dict[str, Any]) -> list[str]:
    return [detail["message"] for detail in error.get("details", [])]


class Unchanged:
    """Holds that a refused request leaves a resource as it was, ETag and times included."""

    def __init__(self, api: Api, path: str) -> None:
        self._api = api
        self._path = path
        self._before: tuple[int, str | None, bytes] | None = None

    def _read(self) -> tuple[int, str | None, bytes]:
        response = self._api.get(self._path)
        body = response.content if response.status_code == 200 else b""
        return response.status_code, response.headers.get("etag"), body

    def __enter__(self) -> Self:
        self._before = self._read()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            assert self._read() == self._before, "a refused request changed something"
