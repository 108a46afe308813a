"""What stands in for login.microsoftonline.com, so that programs with a credential need no change.

It is a proxy to which programs are sent by the variable HTTPS_PROXY. Of all hosts it lets through
none, and answers as login.microsoftonline.com itself: the tenant's discovery document, and tokens
for applications that show their secret.
"""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import parse_qs

from kastor.server.certificate import ensure_development_certificate

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from .issuer import Tenant

HOST = "login.microsoftonline.com"
SCOPE = "https://digitaltwins.azure.net/.default"


class Application(NamedTuple):
    """One that is registered with the tenant."""

    client_id: str
    secret: str
    object_id: str
    roles: tuple[str, ...]


class EntraAuthority:
    """The authority of a tenant; a context manager.

    Attributes:
        ca_file: the certificate that its programs have to trust.
        requests: what was asked for: methods and paths, and hosts of others.
    """

    def __init__(self, tenant: Tenant, applications: list[Application], folder: Path) -> None:
        self._tenant = tenant
        self._applications = {each.client_id: each for each in applications}
        made = ensure_development_certificate(folder, HOST)
        self.ca_file = folder / "ca.pem"
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(made.certificate, made.key)
        self.requests: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.authority = self

    @property
    def proxy(self) -> str:
        """What HTTPS_PROXY is to be."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self, client_id: str) -> dict[str, str]:
        """The variables by which an application tells who it is, as those of Azure do."""
        return {
            "HTTPS_PROXY": self.proxy,
            "NO_PROXY": "127.0.0.1,localhost",
            "AZURE_TENANT_ID": self._tenant.id,
            "AZURE_CLIENT_ID": client_id,
            "AZURE_CLIENT_SECRET": self._applications[client_id].secret,
        }

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        """Status and document for a request."""
        self.requests.append(f"{method} {path}")
        base = f"https://{HOST}/{self._tenant.id}"
        match method, path.partition("?")[0].removeprefix(f"/{self._tenant.id}"):
            case "GET", "/v2.0/.well-known/openid-configuration":
                return 200, {
                    "issuer": f"{base}/v2.0",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "jwks_uri": f"{base}/discovery/v2.0/keys",
                }
            case "GET", "/common/discovery/instance":  # by MSAL, after a refusal
                known = {"preferred_network": HOST, "preferred_cache": HOST, "aliases": [HOST]}
                endpoint = f"{base}/v2.0/.well-known/openid-configuration"
                return 200, {"tenant_discovery_endpoint": endpoint, "metadata": [known]}
            case "POST", "/oauth2/v2.0/token":
                return self._token({name: values[0] for name, values in form.items()})
        return 404, {"error": "not_found"}

    def _token(self, form: dict[str, str]) -> tuple[int, Any]:
        application = self._applications.get(form.get("client_id", ""))
        if application is None or form.get("client_secret") != application.secret:
            return 401, {"error": "invalid_client", "error_description": "AADSTS7000215"}
        if (form.get("grant_type"), form.get("scope")) != ("client_credentials", SCOPE):
            return 400, {"error": "invalid_scope", "error_description": "AADSTS70011"}
        token = self._tenant.v1_application(
            appid=application.client_id,
            oid=application.object_id,
            sub=application.object_id,
            roles=list(application.roles) or None,
        )
        return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token}


class _Server(http.server.ThreadingHTTPServer):
    authority: EntraAuthority
    daemon_threads = True


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_CONNECT(self) -> None:
        authority = self.server.authority
        if self.path != f"{HOST}:443":
            authority.requests.append(self.path)
            self.send_error(403)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        # From here on it is that host itself.
        self.request = self.connection = authority.tls.wrap_socket(
            self.connection, server_side=True
        )
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(parse_qs(body.decode()))

    def _answer(self, form: dict[str, list[str]]) -> None:
        status, document = self.server.authority.answer(self.command, self.path, form)
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
        """Say nothing."""
