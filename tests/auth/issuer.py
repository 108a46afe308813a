"""A local issuer of tokens: a real HTTP server with discovery, keys, and everything that goes wrong.

::

    with Issuer() as issuer:
        token = issuer.token(sub="ada", roles=["Azure Digital Twins Data Reader"])

`Tenant` is a tenant of Microsoft Entra: two issuers with the same keys, as its v1 and v2 tokens
have them.
"""

from __future__ import annotations

import http.server
import itertools
import json
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from .keys import KeyPair, key_pair, token_of

if TYPE_CHECKING:
    from types import TracebackType

AUDIENCE = "https://digitaltwins.azure.net"
APPLICATION = "0b07f429-9f4b-4714-9392-cc5e8e80c8b0"
"""The id of the application that has that audience."""
TENANT = "4c0f1d5e-7b7a-4b5b-9d4e-3f1f6f0f8a11"
OWNER, READER = "Azure Digital Twins Data Owner", "Azure Digital Twins Data Reader"
_HOUR = 3_600
_DIFFERENT = 8
"""Keys at once; making one takes long."""
_numbers = itertools.count()


class Issuer:
    """An issuer on this machine; a context manager.

    Args:
        path: what stands behind host and port in its name, such as `/realms/plant`.
        keys: those of another issuer, to have the same; else one of its own.

    Attributes:
        keys: by id, what it signs with and publishes; change it as you like.
        signing: id of the key that tokens are signed with.
        published: further keys in the form of JWKs, whatever they are.
        discovery: members that its discovery document has instead of the right ones.
        answers: by the path's end (`openid-configuration`, `keys`), a status, further headers and
            bytes to answer instead.
        seconds: before each answer.
        requests: paths that were asked for, in order.
    """

    def __init__(self, path: str = "", keys: dict[str, KeyPair] | None = None) -> None:
        self._path = path
        self.keys: dict[str, KeyPair] = {} if keys is None else keys
        self.signing = next(iter(self.keys), "")
        self.published: list[dict[str, Any]] = []
        self.discovery: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.seconds = 0.0
        self.requests: list[str] = []
        self._port = 0
        self._server: http.server.ThreadingHTTPServer | None = None
        if not self.keys:
            self.rotate()

    @property
    def url(self) -> str:
        """Its name: what tokens carry as `iss`. It keeps it when it is started again."""
        return f"http://127.0.0.1:{self._port}{self._path}"

    def start(self) -> Self:
        """Answer requests from now on, where it did before."""
        server = _Server(("127.0.0.1", self._port), _Handler)
        server.issuer = self
        self._port, self._server = server.server_address[1], server
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Be down."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def asked_for_keys(self) -> int:
        """How often somebody asked for its keys."""
        return sum(path.endswith("/keys") for path in self.requests)

    def add(self, key: KeyPair) -> KeyPair:
        """Publish another key."""
        self.keys[key.kid] = key
        return key

    def rotate(self, algorithm: str = "RS256") -> KeyPair:
        """Sign with a new key from now on; the others stay published."""
        number = next(_numbers)
        key = self.add(key_pair(f"key-{number}", algorithm, number % _DIFFERENT))
        self.signing = key.kid
        return key

    def withdraw(self, kid: str) -> None:
        """Publish a key no more."""
        del self.keys[kid]

    def token(self, key: KeyPair | None = None, **claims: Any) -> str:
        """A token of an hour for `AUDIENCE`.

        Args:
            key: that signs it; else the one of now.
            claims: that it has besides, or instead; None leaves one out.
        """
        key = key or self.keys[self.signing]
        now = int(time.time())
        usual: dict[str, Any] = {"iss": self.url, "aud": AUDIENCE, "sub": "someone"}
        usual |= {"iat": now, "nbf": now, "exp": now + _HOUR}
        payload = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return token_of(self.header(key), payload, key)

    def header(self, key: KeyPair | None = None, **more: Any) -> dict[str, Any]:
        """A token's header."""
        key = key or self.keys[self.signing]
        return {"typ": "JWT", "alg": key.algorithm, "kid": key.kid, **more}

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a path."""
        self.requests.append(path)
        time.sleep(self.seconds)
        name = path.rpartition("/")[2]
        if name in self.answers:
            return self.answers[name]
        base = self.url.removesuffix("/")
        if path == f"{self._path.removesuffix('/')}/.well-known/openid-configuration":
            usual = {"issuer": self.url, "jwks_uri": f"{base}/keys"}
            usual |= {"authorization_endpoint": f"{base}/authorize"}
            return 200, {}, json.dumps({**usual, **self.discovery}).encode()
        if name == "keys":
            keys = [each.jwk() for each in self.keys.values()] + self.published
            return 200, {}, json.dumps({"keys": keys}).encode()
        return 404, {}, b"{}"


class Tenant:
    """A tenant of Microsoft Entra; a context manager.

    Attributes:
        v1, v2: its two issuers; a token's version is what the application asked for.
    """

    def __init__(self, tenant: str = TENANT) -> None:
        self.id = tenant
        self.v1 = Issuer(f"/{tenant}/")
        self.v2 = Issuer(f"/{tenant}/v2.0", self.v1.keys)

    def __enter__(self) -> Self:
        self.v1.start()
        self.v2.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.v1.stop()
        self.v2.stop()

    def v1_user(self, **claims: Any) -> str:
        """A token of a person, as v1 has it."""
        return self._token(
            self.v1,
            {"ver": "1.0", "upn": "ada@example.org", "unique_name": "ada@example.org"}
            | {"appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "appidacr": "0"}
            | {"scp": "user_impersonation", "name": "Ada", **_person(), **claims},
        )

    def v1_application(self, **claims: Any) -> str:
        """A token of an application or a managed identity, as v1 has it."""
        return self._token(
            self.v1,
            {"ver": "1.0", "idtyp": "app", "appid": "7a1c0e9d-0c53-4f0e-8c0e-2b6a52a0a001"}
            | {"appidacr": "1", **_application(), **claims},
        )

    def v2_user(self, **claims: Any) -> str:
        """A token of a person, as v2 has it."""
        return self._token(
            self.v2,
            {"ver": "2.0", "aud": APPLICATION, "preferred_username": "ada@example.org"}
            | {"azp": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "azpacr": "0"}
            | {"scp": "user_impersonation", "name": "Ada", **_person(), **claims},
        )

    def v2_application(self, **claims: Any) -> str:
        """A token of an application or a managed identity, as v2 has it."""
        return self._token(
            self.v2,
            {"ver": "2.0", "aud": APPLICATION, "idtyp": "app"}
            | {"azp": "7a1c0e9d-0c53-4f0e-8c0e-2b6a52a0a001", "azpacr": "1"}
            | {**_application(), **claims},
        )

    def _token(self, issuer: Issuer, claims: dict[str, Any]) -> str:
        common = {"tid": self.id, "uti": "Zm9yIHRyYWNpbmcgb25seQ", "aio": "E2ZgYNhy", "rh": "0.A"}
        return issuer.token(**{**common, **claims})


def _person() -> dict[str, Any]:
    return {
        "oid": "8f3a2b61-64c4-4d3b-9a36-0f4d3a3e0001",
        "sub": "pairwise-ada",
        "roles": [READER],
    }


def _application() -> dict[str, Any]:
    oid = "c0de2b61-64c4-4d3b-9a36-0f4d3a3e0002"
    return {"oid": oid, "sub": oid, "roles": [OWNER]}


class _Server(http.server.ThreadingHTTPServer):
    issuer: Issuer
    daemon_threads = True
    request_queue_size = 128


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        status, headers, body = server.issuer.answer(self.path)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
        """Say nothing."""
