"""https: with the development certificate, and with one of the user's own."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx2
import pytest

from kastor.server.certificate import ensure_development_certificate

from .program import invoked, refused, serving

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path, Path]:
    """An authority, a certificate and its key, as if somebody else had made them."""
    made = ensure_development_certificate(tmp_path / "own", "127.0.0.1")
    return made.authority, made.certificate, made.key


def test_a_development_certificate_is_made_and_clients_are_told_how_to_trust_it(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, "--tls-dev", "--allow-anonymous") as served:
        authority = tmp_path / "tls" / "ca.pem"
        text = "\n".join(served.lines)
        assert served.url.startswith("https://127.0.0.1:")
        assert f"trust        {authority}" in text
        assert "open to everybody who can reach this address" in text
        for way in (
            "connection_verify=",
            "NODE_EXTRA_CA_CERTS=",
            "SSL_CERT_FILE=",
            "--cacert",
            "--ca-file",
        ):
            assert f"{way.split('=')[0]}" in text
            assert str(authority) in text.split(way)[1].splitlines()[0]
        trusting = ssl.create_default_context(cafile=authority)
        _, port = served.address
        for host in ("127.0.0.1", "localhost"):
            answer = httpx2.get(f"https://{host}:{port}/", verify=trusting)
            assert answer.json()["links"]["docs"] == f"https://{host}:{port}/docs"
        distrusting = invoked("status", "--url", served.url)
        assert (distrusting.returncode, "with --ca-file or" in distrusting.stderr) == (6, True)
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{served.url}/healthz")
        with pytest.raises(httpx2.RemoteProtocolError):
            httpx2.get(f"http://127.0.0.1:{port}/healthz")


def test_a_certificate_of_ones_own_is_served(tmp_path: Path, own: tuple[Path, Path, Path]) -> None:
    authority, certificate, key = own
    arguments = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with serving(tmp_path / "data", *arguments) as served:
        trusting = ssl.create_default_context(cafile=authority)
        assert httpx2.get(f"{served.url}/healthz", verify=trusting).status_code == 200
        assert not (tmp_path / "data" / "tls").exists()


def test_one_that_cannot_be_used_is_refused(tmp_path: Path, own: tuple[Path, Path, Path]) -> None:
    missing = tmp_path / "none.pem"
    arguments = ("--tls-cert", own[1], "--tls-key", missing)
    text = refused("serve", "--data", tmp_path / "data", "--port", 0, *arguments)
    assert f"there is no file {missing}" in text
    assert "--tls-key its unencrypted PEM key" in text
