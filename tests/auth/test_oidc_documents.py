"""What fetches an issuer's documents: where it may go, and how much it takes."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from kastor.auth.oidc.documents import DocumentError
from kastor.outside import issuer_documents
from kastor.outside.issuer_documents import LARGEST_DOCUMENT, IssuerDocuments
from kastor.server.certificate import ensure_development_certificate

from .issuer import Issuer
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


def fetched(url: str, *trusted: str, **more: Any) -> bytes:
    return asyncio.run(IssuerDocuments(*trusted, **more).fetch(url))


def refused(url: str, *trusted: str, **more: Any) -> str:
    with pytest.raises(DocumentError) as told:
        fetched(url, *trusted, **more)
    return str(told.value)


def test_the_origin_of_the_issuer_is_the_operators_word(issuer: Issuer) -> None:
    assert json.loads(fetched(f"{issuer.url}/keys", issuer.url))["keys"]


def test_another_origin_has_to_be_https_and_public(issuer: Issuer) -> None:
    url = f"{issuer.url}/keys"
    assert "and not https" in refused(url, "https://login.example.org")
    assert "and not https" in refused(url, issuer.url.replace("127.0.0.1", "localhost"))
    port = issuer.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "2130706433"):
        text = refused(f"https://{host}:{port}/keys", issuer.url)
        assert "may not reach private, loopback and link-local addresses" in text, host
    assert issuer.requests == []


def test_private_addresses_can_be_allowed_and_have_to_be_https_still(issuer: Issuer) -> None:
    url = f"{issuer.url}/keys"
    assert "and not https" in refused(url, "https://a.example", private_addresses=True)
    text = refused(url.replace("http:", "https:"), "https://a.example", private_addresses=True)
    assert "cannot be read" in text  # it speaks no TLS, so it was reached


def test_keys_elsewhere_are_not_fetched_by_a_discovery_document(issuer: Issuer) -> None:
    with Issuer() as evil:
        issuer.discovery = {"jwks_uri": f"{evil.url}/keys"}
        world = World(issuer.url)
        world.refresh()
        assert "and not https" in world.log[-1]["reason"]
        assert evil.requests == []
        world.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirection_is_followed(issuer: Issuer, status: int) -> None:
    issuer.answers["keys"] = (status, {"Location": f"{issuer.url}/elsewhere"}, b"")
    assert refused(f"{issuer.url}/keys", issuer.url) == f"{issuer.url}/keys answers {status}"
    assert issuer.requests == ["/keys"]


@pytest.mark.parametrize("status", [204, 401, 404, 500])
def test_only_an_answer_that_has_a_document_counts(issuer: Issuer, status: int) -> None:
    issuer.answers["keys"] = (status, {}, b"")
    assert f"answers {status}" in refused(f"{issuer.url}/keys", issuer.url)


def test_a_large_document_is_broken_off(issuer: Issuer) -> None:
    issuer.answers["keys"] = (200, {}, b" " * LARGEST_DOCUMENT)
    assert len(fetched(f"{issuer.url}/keys", issuer.url)) == LARGEST_DOCUMENT
    issuer.answers["keys"] = (200, {}, b" " * (LARGEST_DOCUMENT + 1))
    assert "more than 1048576 bytes" in refused(f"{issuer.url}/keys", issuer.url)


def test_a_small_answer_does_not_become_a_large_one(issuer: Issuer) -> None:
    body = zlib.compress(b" " * 50_000_000, wbits=31)
    issuer.answers["keys"] = (200, {"Content-Encoding": "gzip"}, body)
    assert "compressed" in refused(f"{issuer.url}/keys", issuer.url)


def test_an_answer_that_trickles_is_given_up(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_documents, "DOCUMENT_SECONDS", 0.3)
    issuer.seconds = 5.0
    assert "did not answer in time" in refused(f"{issuer.url}/keys", issuer.url)


def test_one_that_is_not_there_is_told_as_that(issuer: Issuer) -> None:
    issuer.stop()
    assert "cannot be read" in refused(f"{issuer.url}/keys", issuer.url)


def test_an_issuer_with_an_authority_of_its_own(tmp_path: Path) -> None:
    found = ensure_development_certificate(tmp_path, "127.0.0.1")
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    context = _server_context(found.certificate, found.key)
    served.socket = context.wrap_socket(served.socket, server_side=True)
    threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
    url = f"https://127.0.0.1:{served.server_address[1]}"
    assert fetched(f"{url}/keys", url, ca_file=found.authority) == b"{}"
    assert "CERTIFICATE_VERIFY_FAILED" in refused(f"{url}/keys", url)
    assert "cannot be read" in refused(f"{url}/keys", url, ca_file=tmp_path / "missing.pem")
    served.shutdown()
    served.server_close()


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


def _server_context(certificate: Path, key: Path) -> Any:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
