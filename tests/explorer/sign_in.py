"""An issuer at which a browser signs in: authorisation code with PKCE, and nobody is asked for a password."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import secrets
import threading
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from kastor.types import override
from tests.auth.issuer import READER, Issuer

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT = "explorer"


class SignIn(Issuer):
    """Lets everybody in whom the explorer sends.

    Attributes:
        seconds_of_tokens: how long an access token holds.
        refreshed: how often one was renewed.
        claims: of the access tokens.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds_of_tokens = 3_600
        self.refreshed = 0
        self.claims: dict[str, Any] = {"roles": [READER], "name": "Ada"}
        self._begun: dict[str, dict[str, str]] = {}

    @override
    def start(self) -> Self:
        server = _Server(("127.0.0.1", self._port), _Handler)
        server.sign_in = self
        self._port, self._server = server.server_address[1], server
        self.discovery = {"token_endpoint": f"{self.url}/token"}
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def authorize(self, asked: Mapping[str, str]) -> str:
        """Return the address that the browser is sent back to."""
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._begun[code] = dict(asked)
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def grant(self, form: Mapping[str, str]) -> dict[str, Any] | None:
        """Return tokens for a code or a refresh token, None where it is not theirs."""
        if form["grant_type"] == "refresh_token":
            self.refreshed += 1
            return self._tokens({})
        asked = self._begun.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge:
            return None
        if asked["redirect_uri"] != form["redirect_uri"]:
            return None
        return self._tokens({"nonce": asked["nonce"]})

    def _tokens(self, claims: dict[str, Any]) -> dict[str, Any]:
        return {
            "access_token": self.token(**self.claims),
            "id_token": self.token(aud=CLIENT, **claims),
            "refresh_token": secrets.token_urlsafe(8),
            "token_type": "Bearer",
            "expires_in": self.seconds_of_tokens,
        }


class _Server(http.server.ThreadingHTTPServer):
    sign_in: SignIn
    daemon_threads = True


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _issuer(self) -> SignIn:
        assert isinstance(self.server, _Server)
        return self.server.sign_in

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/authorize":
            to = self._issuer.authorize({k: v[0] for k, v in parse_qs(asked.query).items()})
            self._send(302, {"Location": to}, b"")
        else:
            self._send(*self._issuer.answer(self.path))

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        granted = self._issuer.grant({k: v[0] for k, v in parse_qs(text).items()})
        body = granted or {"error": "invalid_grant"}
        self._send(200 if granted else 400, {}, json.dumps(body).encode())

    def do_OPTIONS(self) -> None:
        self._send(204, {"Access-Control-Allow-Headers": "*"}, b"")

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        usual = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}
        for name, value in {**usual, **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
        """Say nothing."""
