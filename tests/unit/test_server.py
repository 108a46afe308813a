"""What the server checks before it starts, apart from sockets and files of graphs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization

from kastor.config import load_settings
from kastor.server.certificate import DevelopmentCertificate, ensure_development_certificate
from kastor.server.tls import CertificateError, require_certificate

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def own(tmp_path: Path) -> DevelopmentCertificate:
    return ensure_development_certificate(tmp_path / "own", "localhost")


def _check(certificate: Path, key: Path) -> None:
    require_certificate(load_settings({"tls_cert": certificate, "tls_key": key}))


def test_a_certificate_with_its_key_is_taken(own: DevelopmentCertificate) -> None:
    _check(own.certificate, own.key)
    require_certificate(load_settings({}))


def _locked(own: DevelopmentCertificate, folder: Path) -> tuple[Path, Path]:
    key = serialization.load_pem_private_key(own.key.read_bytes(), None)
    path = folder / "locked.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    return own.certificate, path


def _foreign(own: DevelopmentCertificate, folder: Path) -> tuple[Path, Path]:
    return own.certificate, ensure_development_certificate(folder / "other", "localhost").key


def _missing(own: DevelopmentCertificate, folder: Path) -> tuple[Path, Path]:
    return folder / "none.pem", own.key


def _nonsense(own: DevelopmentCertificate, folder: Path) -> tuple[Path, Path]:
    (folder / "text.pem").write_text("nonsense")
    return folder / "text.pem", own.key


def _folder(own: DevelopmentCertificate, folder: Path) -> tuple[Path, Path]:
    return own.certificate, folder


@pytest.mark.parametrize("make", [_locked, _foreign, _missing, _nonsense, _folder])
def test_one_that_cannot_be_used_is_told_with_both_files(
    own: DevelopmentCertificate,
    tmp_path: Path,
    make: Callable[[DevelopmentCertificate, Path], tuple[Path, Path]],
) -> None:
    certificate, key = make(own, tmp_path)
    with pytest.raises(CertificateError) as caught:
        _check(certificate, key)
    text = str(caught.value)
    assert str(certificate) in text
    assert str(key) in text
    assert "--tls-cert takes a PEM chain, --tls-key its unencrypted PEM key." in text
