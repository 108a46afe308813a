"""What a running server does beside the contract."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from kastor import __version__
from tests.programs import need

from .program import PART, ROOM, VERSION, room, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .program import Served

PROXY = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "out.example"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a room that leads to eleven others."""
    with serving(tmp_path_factory.mktemp("served"), "--no-explorer") as started:
        _fill(started.url)
        yield started


def _fill(url: str) -> None:
    assert httpx2.post(f"{url}/models?{VERSION}", json=[ROOM, PART]).status_code == 201
    with httpx2.Client(base_url=url, params={"api-version": "2023-10-31"}) as client:
        for number in range(12):
            assert client.put(f"/digitaltwins/r{number}", json=room(number)).status_code == 200
        for number in range(1, 12):
            body = {"$relationshipName": "next", "$targetId": f"r{number}"}
            path = f"/digitaltwins/r0/relationships/n{number:02}"
            assert client.put(path, json=body).status_code == 200


def _next_link(url: str, **headers: str) -> str:
    path = f"{url}/digitaltwins/r0/relationships?{VERSION}"
    link: str = httpx2.get(path, headers=headers).json()["nextLink"]
    return link


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("narrow"), "--profile", "adt") as started:
        _fill(started.url)
        yield started


class TestWithoutApiVersion:
    def test_curl_gets_an_answer(self, served: Served) -> None:
        assert httpx2.get(f"{served.url}/digitaltwins/r0").json()["$dtId"] == "r0"

    @pytest.mark.parametrize(
        "path", ["/models", "/digitaltwins/r0?a=b%20c", "/models?api-version="]
    )
    def test_under_adt_curl_is_told_an_address_that_works(self, narrow: Served, path: str) -> None:
        served, curl = narrow, need("curl")
        done = subprocess.run(
            [curl, "-s", "-w", "%{http_code}", f"{served.url}{path}"],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        body, status = done.stdout[:-3], done.stdout[-3:]
        assert status == "400"
        error = json.loads(body)["error"]
        assert error["code"] == "ApiVersionUnspecified"
        corrected = error["message"].split()[-1]
        assert corrected.startswith(f"{served.url}{path.partition('?')[0]}?")
        again = subprocess.run(
            [curl, "-s", "-f", corrected], capture_output=True, check=True, timeout=30
        )
        assert json.loads(again.stdout)


def test_the_start_names_ids_that_only_an_encoded_percent_sign_reaches(tmp_path: Path) -> None:
    with serving(tmp_path) as started:
        _fill(started.url)
        path = f"{started.url}/digitaltwins/a%252Fb?{VERSION}"
        assert httpx2.put(path, json=room()).json()["$dtId"] == "a%2Fb"
    with serving(tmp_path) as again:
        assert httpx2.get(path.replace(started.url, again.url)).status_code == 200
        assert httpx2.get(f"{again.url}/digitaltwins/a%2Fb").status_code == 404
    [line] = [each for each in again.log if "%252F" in each]
    assert json.loads(line)["count"] == 1
    assert json.loads(line)["first"] == ["a%2Fb"]


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/openapi.json"])
def test_what_adt_does_not_have_is_not_described_under_it(
    served: Served, narrow: Served, path: str
) -> None:
    for server, has in ((served, True), (narrow, False)):
        found = httpx2.get(f"{server.url}{path}").json()["paths"]
        assert ("/health" in found) is has
        assert ("delete" in found["/models"]) is has


class TestAtTheTop:
    def test_a_program_is_told_what_this_is(self, served: Served) -> None:
        answer = httpx2.get(served.url).json()
        assert (answer["name"], answer["version"]) == ("Kastor", __version__)
        for link in answer["links"].values():
            assert httpx2.get(link).status_code == 200

    @pytest.mark.parametrize("path", ["/", "/graphs/default/"])
    def test_a_browser_is_led_to_the_page_of_the_api(self, served: Served, path: str) -> None:
        headers = {"Accept": "text/html,application/xhtml+xml"}
        answer = httpx2.get(f"{served.url}{path}", headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (307, f"{served.url}/docs")
        assert httpx2.get(f"{served.url}/explorer/").status_code == 404

    def test_under_adt_there_is_no_explorer(self, narrow: Served) -> None:
        answer = httpx2.get(narrow.url, headers={"Accept": "text/html"})
        assert answer.headers["location"] == f"{narrow.url}/docs"
        assert "explorer" not in httpx2.get(narrow.url).json()["links"]
        assert httpx2.get(f"{narrow.url}/explorer/").status_code == 404

    @pytest.mark.parametrize(("agent", "end"), [("curl/8.5.0", b"\n"), ("azsdk-python", b"}")])
    def test_on_a_terminal_the_prompt_begins_a_line(
        self, served: Served, agent: str, end: bytes
    ) -> None:
        for path in ("/healthz", "/digitaltwins/r0", "/digitaltwins/none"):
            answer = httpx2.get(f"{served.url}{path}", headers={"User-Agent": agent})
            assert answer.content.endswith(end)
            assert int(answer.headers["content-length"]) == len(answer.content)


class TestHealth:
    def test_it_answers_without_version_and_token(self, served: Served) -> None:
        assert httpx2.get(f"{served.url}/healthz").json() == {"status": "ok"}
        assert httpx2.get(f"{served.url}/readyz").json() == {"status": "ready"}

    def test_the_status_has_counts_sizes_and_the_reach_of_history(self, served: Served) -> None:
        found = httpx2.get(f"{served.url}/kastor/v1/status").json()
        assert found["kastor"] == __version__
        counts = found["counts"]
        assert (counts["models"], counts["twins"], counts["relationships"]) == (2, 12, 11)
        assert counts["changeLog"] == 25
        assert found["bytes"]["file"] > 0
        assert found["oldestVersion"] is None
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", found["oldestLogEntry"])

    def test_a_write_over_something_is_a_version(self, served: Served) -> None:
        for size in (2, 3):
            httpx2.put(f"{served.url}/digitaltwins/r11?{VERSION}", json=room(size))
        found = httpx2.get(f"{served.url}/kastor/v1/status").json()
        assert found["counts"]["versions"] == 2
        assert found["bytes"]["versions"] > 0
        assert found["oldestVersion"] is not None

    def test_a_reset_over_http_is_refused_unless_it_was_allowed(self, served: Served) -> None:
        answer = httpx2.post(f"{served.url}/kastor/v1/reset")
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "OperationNotAllowed"
        assert "--allow-reset" in answer.json()["error"]["message"]
        assert httpx2.get(f"{served.url}/digitaltwins/r0?{VERSION}").status_code == 200


class TestDocs:
    def test_the_description_is_there(self, served: Served) -> None:
        description = httpx2.get(f"{served.url}/openapi.json").json()
        assert description["openapi"].startswith("3.1")
        assert description["servers"] == [{"url": served.url}]

    def test_the_page_takes_everything_from_this_server(self, served: Served) -> None:
        page = httpx2.get(f"{served.url}/docs")
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert re.findall(r"(?:https?:)?//[\w.-]+", page.text) == []
        assets = re.findall(r'(?:href|src)="([^"]+)"', page.text)
        assert len(assets) >= 2
        for path in [*assets, "/openapi.json"]:
            assert path.startswith("/")
            answer = httpx2.get(f"{served.url}{path}")
            assert answer.status_code == 200
            assert len(answer.content) > 500

    def test_nothing_beside_the_assets_is_given_away(self, served: Served) -> None:
        for path in ("/docs/assets/../docs.py", "/docs/assets/%2e%2e/__init__.py", "/docs/x"):
            with httpx2.Client() as client:
                target = {"target": path.encode()}
                answer = client.request("GET", served.url, extensions=target)
            assert answer.status_code == 404


class TestPages:
    def test_the_list_leads_to_every_page(self, served: Served) -> None:
        answer = httpx2.get(f"{served.url}/docs/pages")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        links = set(re.findall(r'href="(/docs/[^"#]+/[^"#]+)"', answer.text))
        assert len(links) > 30
        for path in links:
            page = httpx2.get(f"{served.url}{path}")
            assert page.status_code == 200
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert "<h1" in page.text
        assert '<a href="/docs/pages">' in httpx2.get(f"{served.url}/docs").text

    def test_pages_show_their_pictures_and_nothing_beside_them(self, served: Served) -> None:
        page = httpx2.get(f"{served.url}/docs/explorer/first-look")
        shown = re.findall(r'<img src="(/docs/pictures/[^"]+)"', page.text)
        assert shown
        for path in shown:
            picture = httpx2.get(f"{served.url}{path}")
            assert picture.headers["content-type"] == "image/webp"
            assert picture.content[:4] == b"RIFF"
        for path in ("nothing.webp", "..%2findex.md", "../index.md", "%00"):
            assert httpx2.get(f"{served.url}/docs/pictures/{path}").status_code == 404

    @pytest.mark.parametrize("path", ["reference/contract", "reference/contract/index.md"])
    def test_a_folder_is_served_as_its_index(self, served: Served, path: str) -> None:
        page = httpx2.get(f"{served.url}/docs/{path}")
        assert page.status_code == 200
        assert 'href="/docs/reference/contract/rest-api"' in page.text
        assert 'href="/docs/reference/http"' in page.text

    def test_an_error_names_a_page_that_the_server_has(self, served: Served) -> None:
        answer = httpx2.post(f"{served.url}/query?{VERSION}", json={"query": "SELECT"})
        (path,) = re.findall(r"/docs/\S+", answer.json()["error"]["message"])
        page = httpx2.get(f"{served.url}{path}")
        assert page.status_code == 200
        assert "<h1" in page.text

    @pytest.mark.parametrize(
        "path",
        [
            "/docs/reference/../../pyproject.toml",
            "/docs/reference/%2e%2e/%2e%2e/pyproject",
            "/docs/..%2f..%2fREADME.md",
            "/docs//etc/passwd",
            "/docs/%2fetc%2fpasswd",
            "/docs/reference/settings.md.md",
            "/docs/reference%5csettings",
            "/docs/reference/",
            "/docs/reference/settings%00",
            "/docs/<script>",
            "/docs/" + "a" * 4_000,
        ],
    )
    def test_there_is_nothing_but_pages(self, served: Served, path: str) -> None:
        with httpx2.Client() as client:
            answer = client.request("GET", served.url, extensions={"target": path.encode()})
        assert answer.status_code == 404
        assert path[6:] not in answer.text

    def test_they_can_only_be_read(self, served: Served) -> None:
        url = f"{served.url}/docs/reference/settings"
        assert httpx2.get(f"{url}.md").status_code == 200
        assert httpx2.head(url).status_code == 200
        assert httpx2.post(url, json={}).status_code == 405


class TestCompression:
    """Answers of JSON, in the coding that a client takes; what is in them and their etags stay."""

    def _raw(self, url: str, accepted: str | None) -> tuple[httpx2.Headers, bytes]:
        headers = {} if accepted is None else {"Accept-Encoding": accepted}
        with httpx2.Client() as client:
            client.headers.pop("Accept-Encoding")
            with client.stream("GET", url, headers=headers) as answer:
                assert answer.status_code == 200
                return answer.headers, b"".join(answer.iter_raw())

    @pytest.mark.parametrize("path", [f"/digitaltwins/r0/relationships?{VERSION}", "/openapi.json"])
    def test_large_ones_are_compressed_for_who_takes_it(self, served: Served, path: str) -> None:
        """The first is compressed at once, the second in a thread."""
        url = f"{served.url}{path}"
        plain_headers, plain = self._raw(url, None)
        for accepted in ("gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.1", "x-gzip"):
            headers, body = self._raw(url, accepted)
            assert headers["content-encoding"] == "gzip"
            assert len(body) == int(headers["content-length"]) < len(plain) / 2
            assert gzip.decompress(body) == plain
        for accepted in ("gzip;q=0", "identity", "br", "*;q=0, gzip;q=0.0", "gzip;q=x", ""):
            headers, body = self._raw(url, accepted)
            assert "content-encoding" not in headers
            assert body == plain
            assert headers["vary"] == plain_headers["vary"] == "accept-encoding"

    def test_small_ones_are_as_they_were(self, served: Served) -> None:
        headers, body = self._raw(f"{served.url}/digitaltwins/r0?{VERSION}", "gzip")
        assert not {"content-encoding", "vary"} & headers.keys()
        assert json.loads(body)["$dtId"] == "r0"

    def test_etags_are_the_same_in_either_form(self, served: Served) -> None:
        url = f"{served.url}/digitaltwins/long?{VERSION}"
        models = [{**ROOM, "@id": "dtmi:system:Long;1", "contents": [TEXT]}]
        assert httpx2.post(f"{served.url}/models?{VERSION}", json=models).is_success
        body = {"$metadata": {"$model": "dtmi:system:Long;1"}, "text": "abc " * 600}
        assert httpx2.put(url, json=body).is_success
        coded, plain = self._raw(url, "gzip")[0], self._raw(url, None)[0]
        assert coded["content-encoding"] == "gzip"
        assert coded["etag"] == plain["etag"]
        patch = [{"op": "replace", "path": "/text", "value": "new"}]
        headers = {"If-Match": coded["etag"], "Content-Type": "application/json-patch+json"}
        assert httpx2.patch(url, json=patch, headers=headers).status_code == 204
        assert httpx2.delete(url).status_code == 204


TEXT = {"@type": "Property", "name": "text", "schema": "string"}
ASK = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}


class TestCors:
    ORIGIN = "https://explorer.example"

    def test_it_is_off_by_default(self, served: Served) -> None:
        answer = httpx2.get(f"{served.url}/healthz", headers={"Origin": self.ORIGIN})
        assert not [each for each in answer.headers if each.startswith("access-control")]
        preflight = httpx2.request(
            "OPTIONS", f"{served.url}/models", headers={"Origin": self.ORIGIN, **ASK}
        )
        assert preflight.status_code == 403

    def test_an_origin_that_is_allowed_may_ask_and_read(self, tmp_path: Path) -> None:
        arguments = ("--cors-origin", "https://a.example", "--cors-origin", self.ORIGIN)
        with serving(tmp_path, *arguments, "--auth", "tokens") as served:
            url, origin = f"{served.url}/models?{VERSION}", {"Origin": self.ORIGIN}
            preflight = httpx2.request("OPTIONS", url, headers={**origin, **ASK})
            assert preflight.status_code == 200
            assert preflight.headers["access-control-allow-origin"] == self.ORIGIN
            assert "PATCH" in preflight.headers["access-control-allow-methods"]
            assert preflight.headers["access-control-allow-headers"] == "if-match"
            simple = httpx2.get(url, headers=origin)
            assert simple.status_code == 401
            assert simple.headers["access-control-allow-origin"] == self.ORIGIN
            exposed = simple.headers["access-control-expose-headers"].lower()
            assert {"etag", "query-charge", "x-ms-error-code"} <= set(exposed.split(", "))
            other = {"Origin": "https://evil.example"}
            assert httpx2.request("OPTIONS", url, headers={**other, **ASK}).status_code == 400
            assert "access-control-allow-origin" not in httpx2.get(url, headers=other).headers


class TestLinks:
    def test_they_lead_to_the_host_that_was_asked(self, served: Served) -> None:
        assert _next_link(served.url).startswith(f"{served.url}/digitaltwins/r0/relationships?")
        assert _next_link(served.url, Host="localhost:1").startswith("http://localhost:1/")

    def test_forwarded_headers_of_strangers_are_ignored(self, tmp_path: Path) -> None:
        with serving(tmp_path, "--allow-anonymous") as it:
            _fill(it.url)
            assert _next_link(it.url, **PROXY).startswith(it.url)

    def test_forwarded_headers_of_a_trusted_proxy_count(self, tmp_path: Path) -> None:
        proxies = ("--trusted-proxy", "10.0.0.1", "--trusted-proxy", "127.0.0.1")
        with serving(tmp_path, *proxies, "--allow-anonymous") as it:
            _fill(it.url)
            link = _next_link(it.url, **PROXY)
        assert link.startswith("https://out.example/digitaltwins/r0/relationships?")

    def test_a_public_address_stands_in_every_link(self, tmp_path: Path) -> None:
        with serving(tmp_path, "--public-url", "https://twins.example/", "--allow-anonymous") as it:
            _fill(it.url)
            link = _next_link(it.url, **PROXY)
            assert link.startswith("https://twins.example/digitaltwins/r0/relationships?")
            rest = link.removeprefix("https://twins.example")
            page = httpx2.get(f"{it.url}{rest}").json()
            assert [each["$relationshipId"] for each in page["value"]] == ["n11"]
            path = f"{it.url}/digitaltwins/r1/incomingrelationships?{VERSION}"
            (incoming,) = httpx2.get(path).json()["value"]
            assert incoming["$relationshipLink"] == (
                f"https://twins.example/digitaltwins/r0/relationships/n01?{VERSION}"
            )


class TestAccessLog:
    def _requests(self, log: list[str]) -> list[dict[str, Any]]:
        return [entry for entry in map(json.loads, log) if entry["event"] == "request"]

    def test_it_has_one_json_line_for_each_request_and_no_token(self, tmp_path: Path) -> None:
        with serving(tmp_path, "--access-log", "--log-format", "json") as served:
            httpx2.get(f"{served.url}/healthz")
            headers = {"Authorization": "Bearer kst_secret"}
            httpx2.get(f"{served.url}/digitaltwins/none?{VERSION}", headers=headers)
            httpx2.get(f"{served.url}/docs")
        entries = self._requests(served.log)
        assert [(each["method"], each["path"], each["status"]) for each in entries] == [
            ("GET", "/healthz", 200),
            ("GET", "/digitaltwins/none", 404),
            ("GET", "/docs", 200),
        ]
        assert all(each["milliseconds"] >= 0 for each in entries)
        assert "secret" not in "".join(served.log)

    def test_it_is_off_by_default(self, served: Served) -> None:
        httpx2.get(f"{served.url}/healthz")
        assert served.log == []


class TestStrangers:
    """A server without tokens, and web pages that are not its own."""

    def _refused(self, served: Served, path: str, code: str, **headers: str) -> None:
        for method, content in (("GET", None), ("POST", b"[]"), ("OPTIONS", None)):
            answer = httpx2.request(method, f"{served.url}{path}", headers=headers, content=content)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)

    @pytest.mark.parametrize("path", ["/models", "/nothing", "/docs", "/openapi.json", "/healthz"])
    def test_neither_rebound_names_nor_other_origins_get_anywhere(
        self, served: Served, path: str
    ) -> None:
        self._refused(served, path, "HostNotAllowed", Host="evil.example:8080")
        self._refused(served, path, "OriginNotAllowed", Origin="http://evil.example")

    def test_its_own_page_may_call(self, served: Served) -> None:
        port = served.url.rpartition(":")[2]
        for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
            headers = {"Host": host, "Origin": f"http://{host}"}
            answer = httpx2.post(
                f"{served.url}/query?{VERSION}",
                json={"query": "SELECT COUNT() FROM DIGITALTWINS"},
                headers=headers,
            )
            assert answer.status_code == 200

    def test_a_server_for_everybody_is_called_by_any_name(self, tmp_path: Path) -> None:
        with serving(tmp_path, "--host", "0.0.0.0", "--allow-anonymous") as it:
            url = it.url.replace("0.0.0.0", "127.0.0.1")
            models = f"{url}/models?{VERSION}"
            assert httpx2.get(models, headers={"Host": "kastor:8080"}).status_code == 200
            foreign = {"Host": "kastor:8080", "Origin": "http://evil.example"}
            assert httpx2.get(models, headers=foreign).status_code == 403

    def test_tokens_are_guard_enough(self, tmp_path: Path) -> None:
        with serving(tmp_path, "--auth", "tokens") as it:
            headers = {"Host": "evil.example", "Origin": "http://evil.example"}
            answer = httpx2.get(f"{it.url}/models?{VERSION}", headers=headers)
            assert answer.status_code == 401
