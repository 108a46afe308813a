"""The explorer as a server serves it: its page, its files, what it is told, where it stands."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import httpx2
import pytest

from kastor import __version__

from .built_explorer import CODE, PLAIN, SCRIPT, built
from .program import PART, ROOM, VERSION, room, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .program import Served

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{}'; img-src 'self' data: "
    "blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; frame-ancestors 'none'; "
    "form-action 'none'; base-uri 'self'"
)
PREFIX = "/plant/twins-1"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server behind a proxy that it trusts: this machine."""
    folder = tmp_path_factory.mktemp("explorer")
    files = str(built(folder / "dist"))
    proxied = ("--trusted-proxy", "127.0.0.1", "--allow-anonymous")
    with serving(folder / "data", *proxied, KASTOR_EXPLORER_FILES=files) as started:
        yield started


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose public address has a path, with two models and two twins."""
    folder = tmp_path_factory.mktemp("public")
    files = str(built(folder / "dist"))
    address = ("--public-url", f"https://example.org{PREFIX}/", "--allow-anonymous")
    with serving(folder / "data", *address, KASTOR_EXPLORER_FILES=files) as started:
        assert httpx2.post(f"{started.url}/models?{VERSION}", json=[ROOM, PART]).is_success
        for name in "ab":
            httpx2.put(f"{started.url}/digitaltwins/{name}?{VERSION}", json=room())
        body = {"$relationshipName": "next", "$targetId": "b"}
        for number in range(11):
            path = f"{started.url}/digitaltwins/a/relationships/n{number:02}?{VERSION}"
            assert httpx2.put(path, json=body).is_success
        yield started


def raw(served: Served, target: str | bytes, **headers: str) -> httpx2.Response:
    """What a path is answered, sent byte for byte."""
    path = target.encode() if isinstance(target, str) else target
    with httpx2.Client() as client:
        return client.request("GET", served.url, headers=headers, extensions={"target": path})


def base_of(page: httpx2.Response) -> str:
    (found,) = re.findall(r'<base href="([^"]*)">', page.text)
    return str(found)


class TestPage:
    @pytest.mark.parametrize(
        "path", ["/", "/g/default/graph?sel=a", "/g/x/twins/room-2.14", "/callback", "/none.js"]
    )
    def test_every_path_that_is_no_file_is_the_page(self, served: Served, path: str) -> None:
        page = httpx2.get(f"{served.url}/explorer{path}")
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["cache-control"] == "no-cache"
        assert base_of(page) == "/explorer/"
        (nonce,) = re.findall(r'name="nonce" content="([\w-]{20,})"', page.text)
        assert page.headers["content-security-policy"] == POLICY.format(nonce)
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["x-frame-options"] == "DENY"

    def test_each_answer_has_a_nonce_of_its_own(self, served: Served) -> None:
        said = {httpx2.get(f"{served.url}/explorer/").text for _ in range(3)}
        assert len(said) == 3

    def test_it_is_led_to_with_its_query(self, served: Served) -> None:
        answer = httpx2.get(f"{served.url}/explorer?test&q=a%20b")
        assert (answer.status_code, answer.headers["location"]) == (307, "explorer/?test&q=a%20b")
        page = httpx2.get(f"{served.url}/explorer?test", follow_redirects=True)
        assert str(page.url) == f"{served.url}/explorer/?test"
        assert base_of(page) == "/explorer/"

    def test_it_can_only_be_read(self, served: Served) -> None:
        assert httpx2.head(f"{served.url}/explorer/").status_code == 200
        answer = httpx2.post(f"{served.url}/explorer/")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize(
        "path",
        [
            "/explorer/../pyproject.toml",
            "/explorer/%2e%2e/%2e%2e/etc/passwd",
            "/explorer/assets/..%2f..%2fdata/graphs/default.sqlite3",
            "/explorer/assets/%2e%2e/index.html",
            "/explorer/g/a%00b",
            "/explorer/g/a%5c..%5cb",
            "/explorer/g/%0d%0aset-cookie:a=b",
            "/explorer/assets/",
            "/explorer/assets/none-12345678.js",
            "/explorer/assets/secret.txt",
            f"/explorer/{'a' * 5_000}",
            "/explorerx",
            "/Explorer/",
            "//explorer/",
        ],
    )
    def test_there_is_nothing_outside(self, served: Served, path: str) -> None:
        answer = raw(served, path)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "NotFound"
        assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize(
        "path", ["/explorer/%61ssets/x", "/explorer//etc/passwd", "/explorer/%2fetc%2fpasswd"]
    )
    def test_what_looks_like_a_path_elsewhere_is_the_page(self, served: Served, path: str) -> None:
        assert base_of(raw(served, path)) == "/explorer/"


class TestFiles:
    @pytest.mark.parametrize(
        ("accepted", "coding"),
        [
            ("br;q=1, gzip;q=0.5", "br"),
            ("gzip, deflate", "gzip"),
            ("gzip, br;q=0", "gzip"),
            ("identity", None),
            ("", None),
        ],
    )
    def test_they_come_as_the_client_takes_them(
        self, served: Served, accepted: str, coding: str | None
    ) -> None:
        with httpx2.stream(
            "GET", f"{served.url}/explorer/{SCRIPT}", headers={"Accept-Encoding": accepted}
        ) as answer:
            content = b"".join(answer.iter_raw())
        assert answer.headers.get("content-encoding") == coding
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(content) == int(answer.headers["content-length"])
        assert (content == CODE) is (coding is None)

    def test_one_whose_name_stays_is_asked_for_again(self, served: Served) -> None:
        url = f"{served.url}/explorer/{PLAIN}"
        first = httpx2.get(url)
        assert first.headers["cache-control"] == "no-cache"
        again = httpx2.get(url, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_another_build_is_served_without_a_restart(self, tmp_path: Path) -> None:
        """And until it is there, how far it is; what is said of it is no HTML."""
        folder, told = tmp_path / "dist", tmp_path / "dist.building.json"
        with serving(tmp_path / "data", KASTOR_EXPLORER_FILES=str(folder)) as it:
            url = f"{it.url}/explorer/"
            none = httpx2.get(url)
            assert (none.status_code, none.headers["retry-after"]) == (503, "5")
            assert "python3 dev serve" in none.text
            building = {"state": "building", "step": "Installing", "pid": os.getpid(), "since": 0}
            told.write_text(json.dumps(building))
            page = httpx2.get(url)
            assert page.status_code == 503
            assert "being built" in page.text
            assert '<meta http-equiv="refresh" content="1">' in page.text
            (nonce,) = re.findall(r'<style nonce="([^"]+)">', page.text)
            policy = page.headers["content-security-policy"]
            assert policy.startswith(f"default-src 'none'; style-src 'nonce-{nonce}'; ")
            failed = {"state": "failed", "step": "No room.", "lines": ["<script>x</script>"]}
            told.write_text(json.dumps(failed))
            page = httpx2.get(url)
            assert "could not be built" in page.text
            assert "&lt;script&gt;x&lt;/script&gt;" in page.text
            built(folder)
            told.unlink()
            assert base_of(httpx2.get(url)) == "/explorer/"
            assert httpx2.get(f"{url}{SCRIPT}").content == CODE


class TestConfiguration:
    def test_it_is_told_before_anybody_signs_in(self, served: Served) -> None:
        answer = httpx2.get(f"{served.url}/explorer/config.json")
        assert answer.headers["cache-control"] == "no-cache"
        found = answer.json()
        assert found.keys() == {
            *("version", "apiVersion", "profile", "auth", "tokens", "issuers", "prefix", "sample"),
            *("limits", "features"),
        }
        assert (found["version"], found["auth"], found["prefix"]) == (__version__, "none", "")
        assert found["sample"] is True  # by default where the server listens on loopback
        assert "me" in found["features"]


class TestAtTheTop:
    def test_a_browser_is_led_there(self, served: Served) -> None:
        answer = httpx2.get(served.url, headers=BROWSER)
        assert (answer.status_code, answer.headers["location"]) == (307, f"{served.url}/explorer/")
        assert httpx2.get(f"{served.url}/explorer/").status_code == 200

    def test_the_icon_is_one(self, served: Served) -> None:
        answer = httpx2.get(f"{served.url}/favicon.ico")
        assert answer.headers["content-type"] == "image/x-icon"
        assert answer.content.startswith(b"\0\0\1\0")
        assert len(answer.content) == int(answer.headers["content-length"])


class TestPrefixOfAProxy:
    """What a trusted proxy says in X-Forwarded-Prefix, having taken it off the path."""

    def test_links_and_addresses_carry_it(self, served: Served) -> None:
        said = {"X-Forwarded-Prefix": PREFIX, "X-Forwarded-Proto": "https"}
        said["X-Forwarded-Host"] = "example.org"
        page = raw(served, "/explorer/g/x/graph", **said)
        assert base_of(page) == f"{PREFIX}/explorer/"
        told = raw(served, "/explorer/config.json", **said).json()
        assert told["prefix"] == PREFIX
        base = f"https://example.org{PREFIX}"
        assert raw(served, "/", **said, **BROWSER).headers["location"] == f"{base}/explorer/"
        assert raw(served, "/", **said).json()["links"]["openapi"] == f"{base}/openapi.json"
        for path in ("/openapi.json", "/docs/openapi.json"):
            assert raw(served, path, **said).json()["servers"] == [{"url": base}]
        for path in ("/docs", "/docs/pages", "/docs/reference/settings"):
            text = raw(served, path, **said).text
            assert f'"{PREFIX}/docs' in text
            assert '"/docs' not in text

    @pytest.mark.parametrize(
        "said",
        [
            "//evil.example",
            "/a/../b",
            "/a//b",
            '/a"><script>',
            "/a b",
            "/%2e%2e",
            "a",
            f"/{'a' * 65}",
            "/a" * 9,
            "/models",
            "https://evil.example/",
            "/\xff",
        ],
    )
    def test_what_can_be_none_is_none(self, served: Served, said: str) -> None:
        headers = {b"x-forwarded-prefix": said.encode("latin-1")}
        page = httpx2.get(f"{served.url}/explorer/", headers=headers)
        assert base_of(page) == "/explorer/"

    def test_of_several_the_first_counts(self, served: Served) -> None:
        page = raw(served, "/explorer/", **{"X-Forwarded-Prefix": "/a/ , /b"})
        assert base_of(page) == "/a/explorer/"


class TestPathOfThePublicAddress:
    @pytest.mark.parametrize("kept", [PREFIX, ""])
    def test_requests_have_it_or_not(self, public: Served, kept: str) -> None:
        base = f"https://example.org{PREFIX}"
        page = raw(public, f"{kept}/explorer/g/a", **{"X-Forwarded-Prefix": "/other"})
        assert base_of(page) == f"{PREFIX}/explorer/"
        assert raw(public, f"{kept}/explorer/{SCRIPT}").content == CODE
        assert raw(public, kept or "/", **BROWSER).headers["location"] == f"{base}/explorer/"
        path = f"{kept}/digitaltwins/a/relationships?{VERSION}"
        link = raw(public, path).json()["nextLink"]
        assert link.startswith(f"{base}/digitaltwins/a/relationships?")
        rest = link.removeprefix("https://example.org")
        assert [each["$relationshipId"] for each in raw(public, rest).json()["value"]] == ["n10"]
        incoming = raw(public, f"{kept}/digitaltwins/b/incomingrelationships?{VERSION}").json()
        assert incoming["value"][0]["$relationshipLink"].startswith(f"{base}/digitaltwins/a/")
        docs = raw(public, f"{kept}/docs")
        assert f'src="{PREFIX}/docs/assets/swagger-ui-bundle.js"' in docs.text
        assert raw(public, f"{kept}/docs/assets/swagger-ui.css").status_code == 200

    def test_of_a_graph_it_stands_first(self, public: Served) -> None:
        graph = f"{public.url}{PREFIX}/kastor/v1/graphs/other"
        assert httpx2.put(graph).is_success
        path = f"{PREFIX}/graphs/other/openapi.json"
        assert raw(public, path).status_code == 404  # the server's, and no graph's
        location = raw(public, f"{PREFIX}/graphs/other/", **BROWSER).headers["location"]
        assert location == f"https://example.org{PREFIX}/explorer/g/other/graph"

    @pytest.mark.parametrize("path", ["x", "/models", f"{PREFIX}/models", "/explorer/"])
    def test_nothing_else_is_taken_off(self, public: Served, path: str) -> None:
        wrong = f"{PREFIX}{path}" if path == "x" else f"/plant/twins-2{path}"
        assert raw(public, f"{wrong}?{VERSION}").status_code == 404


@pytest.mark.parametrize(
    ("flags", "why"),
    [(("--profile", "adt"), "--profile adt"), (("--no-explorer",), "--no-explorer")],
)
def test_where_there_is_none_people_are_led_to_the_api(
    flags: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    with serving(tmp_path, *flags) as server, httpx2.Client(base_url=server.url) as http:
        led = http.get("/", headers=BROWSER)
        assert (led.status_code, led.headers["location"]) == (307, f"{server.url}/docs")
        links = http.get("/").json()["links"]
        assert links["docs"] == f"{server.url}/docs"
        assert "explorer" not in links
        for path in ("/explorer", "/explorer/", "/explorer/config.json", "/explorer/g/a/graph"):
            answer = http.get(path, headers=BROWSER)
            assert answer.status_code == 404
            assert why in answer.json()["error"]["message"]
        assert http.get("/favicon.ico").status_code == 200
