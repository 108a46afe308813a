"""Fetches the documents of an issuer of tokens: where its keys are, and the keys.

The issuer is the operator's word, and so may be anywhere. Its discovery document is not: where that
says the keys are, on another origin, is reached over https and within the outside bounds.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from kastor.auth.oidc.documents import DocumentError
from kastor.outside.bounds import UNBOUNDED, EndpointPolicy
from kastor.outside.http_client import AddressRefused, GuardedTransport
from kastor.outside.trust import tls_context

LARGEST_DOCUMENT = 1_048_576
DOCUMENT_SECONDS = 10.0
_PORTS = {"http": 80, "https": 443}


class IssuerDocuments:
    """Fetches for one issuer."""

    def __init__(
        self, *trusted: str, ca_file: Path | None = None, private_addresses: bool = False
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            trusted: URLs that the operator has named: their origins may have any address.
            ca_file: authorities that vouch for the issuer; else the system's.
            private_addresses: whether other origins may have private ones.
        """
        self._trusted = {_origin(each) for each in trusted if each}
        self._ca_file = ca_file
        self._elsewhere = EndpointPolicy(private_addresses=private_addresses)
        self._context: ssl.SSLContext | None = None

    async def fetch(self, url: str) -> bytes:
        """Return what a URL answers.

        Raises:
            DocumentError: it may not be reached, does not answer in time, or not with a document.
        """
        origin = _origin(url)
        is_trusted = origin in self._trusted
        if not is_trusted and origin[0] != "https":
            raise DocumentError(f"{url} is on another origin than the issuer, and not https")
        policy = UNBOUNDED if is_trusted else self._elsewhere
        try:
            async with asyncio.timeout(DOCUMENT_SECONDS):
                return await self._get(url, policy)
        except TimeoutError:
            raise DocumentError(f"{url} did not answer in time") from None
        except AddressRefused as error:
            raise DocumentError(f"{url} may not be reached: {error}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise DocumentError(f"{url} cannot be read: {_why(error)}") from None

    async def _get(self, url: str, policy: EndpointPolicy) -> bytes:
        if self._context is None:  # OSError: the file may come and go
            self._context = tls_context(None if self._ca_file is None else str(self._ca_file))
        transport = GuardedTransport(self._context, policy, connections=1)
        headers = {"user-agent": "kastor", "accept": "application/json"}
        headers["accept-encoding"] = "identity"  # a small answer must not become a large one
        async with (
            httpx2.AsyncClient(
                transport=transport,
                timeout=DOCUMENT_SECONDS,
                follow_redirects=False,
                trust_env=False,
                headers=headers,
            ) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                raise DocumentError(f"{url} answers {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise DocumentError(f"{url} answers compressed, which was not asked for")
            return await _bounded_body(url, answer)


async def _bounded_body(url: str, answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > LARGEST_DOCUMENT:
            raise DocumentError(f"{url} answers more than {LARGEST_DOCUMENT} bytes")
    return bytes(body)


def _origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port; raises DocumentError for what has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise DocumentError("a URL of the issuer is none") from None
    return parts.scheme, (parts.hostname or "").lower(), port


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
