"""The development certificate: who it is for, and when it is made anew."""

from __future__ import annotations

import ssl
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from kastor.server import certificate as tls

if TYPE_CHECKING:
    from pathlib import Path


def _handshake(files: tls.DevelopmentCertificate, name: str) -> None:
    """A whole TLS handshake in memory, with Python's own checks; raises as they do."""
    client_in, client_out = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.create_default_context(cafile=files.authority)
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    client = trusting.wrap_bio(client_in, client_out, server_hostname=name)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(files.certificate, files.key)
    server = serving.wrap_bio(client_out, client_in, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() is not None


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "twins.example.org"])
def test_python_accepts_it_for_this_machine_and_the_given_host(tmp_path: Path, name: str) -> None:
    _handshake(tls.ensure_development_certificate(tmp_path, "twins.example.org"), name)


def test_python_accepts_it_for_a_given_address(tmp_path: Path) -> None:
    _handshake(tls.ensure_development_certificate(tmp_path, "192.0.2.7"), "192.0.2.7")


@pytest.mark.parametrize("name", ["example.org", "other.example.org", "192.0.2.8"])
def test_python_refuses_it_for_another_host(tmp_path: Path, name: str) -> None:
    files = tls.ensure_development_certificate(tmp_path, "twins.example.org")
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(files, name)


def test_python_refuses_it_without_its_authority(tmp_path: Path) -> None:
    files = tls.ensure_development_certificate(tmp_path / "a", "localhost")
    other = tls.ensure_development_certificate(tmp_path / "b", "localhost")
    mixed = tls.DevelopmentCertificate(other.authority, files.certificate, files.key)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(mixed, "localhost")


def test_it_is_kept_while_it_is_good(tmp_path: Path) -> None:
    first = tls.ensure_development_certificate(tmp_path, "127.0.0.1")
    before = [path.read_bytes() for path in (first.authority, first.certificate, first.key)]
    again = tls.ensure_development_certificate(tmp_path, "127.0.0.1")
    assert again == first
    assert [path.read_bytes() for path in (again.authority, again.certificate, again.key)] == before


def test_the_host_all_addresses_needs_no_certificate_of_its_own(tmp_path: Path) -> None:
    before = tls.ensure_development_certificate(tmp_path, "127.0.0.1").certificate.read_bytes()
    for host in ("0.0.0.0", "::", ""):
        files = tls.ensure_development_certificate(tmp_path, host)
        assert files.certificate.read_bytes() == before


def test_it_is_made_anew_for_another_host(tmp_path: Path) -> None:
    before = tls.ensure_development_certificate(tmp_path, "127.0.0.1").certificate.read_bytes()
    files = tls.ensure_development_certificate(tmp_path, "other.example.org")
    assert files.certificate.read_bytes() != before
    _handshake(files, "other.example.org")


@pytest.mark.parametrize("days", [-1, tls.RENEW_DAYS - 1])
def test_it_is_made_anew_when_it_has_run_out_or_soon_will(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tls, "VALID_DAYS", days)
        patch.setattr(tls, "_CLOCK_SKEW", timedelta(days=9))
        before = tls.ensure_development_certificate(tmp_path, "localhost").certificate.read_bytes()
    files = tls.ensure_development_certificate(tmp_path, "localhost")
    assert files.certificate.read_bytes() != before
    _handshake(files, "localhost")


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server-key.pem"])
def test_it_is_made_anew_when_a_file_is_missing(tmp_path: Path, name: str) -> None:
    tls.ensure_development_certificate(tmp_path, "localhost")
    (tmp_path / name).unlink()
    _handshake(tls.ensure_development_certificate(tmp_path, "localhost"), "localhost")


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAA==\n"])
def test_it_is_made_anew_when_it_cannot_be_read(tmp_path: Path, text: str) -> None:
    files = tls.ensure_development_certificate(tmp_path, "localhost")
    files.certificate.write_text(text)
    _handshake(tls.ensure_development_certificate(tmp_path, "localhost"), "localhost")


def test_its_key_is_for_its_owner_alone_and_the_authoritys_key_for_nobody(tmp_path: Path) -> None:
    files = tls.ensure_development_certificate(tmp_path, "localhost")
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "ca.pem",
        "server-key.pem",
        "server.pem",
    ]
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    key = files.key.read_bytes()
    assert authority.public_key() != serialization.load_pem_private_key(key, None).public_key()
