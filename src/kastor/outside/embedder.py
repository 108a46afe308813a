"""Asks an embedder for vectors of texts: `POST /embeddings` as OpenAI's API has it.

The address is the operator's alone. What it answers is read within a bound and believed only where
it is as many vectors as were asked for, of the right length, in finite numbers.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import msgspec

from kastor.distances import rounded
from kastor.outside.bounds import UNBOUNDED
from kastor.outside.http_client import GuardedTransport
from kastor.outside.secrets import Secret, SecretError, read_secret
from kastor.outside.trust import tls_context

_NUMBER_BYTES = 32
"""Of a number in an answer, with what stands around it."""
_SPARE_BYTES = 65_536
_PASSING = frozenset({408, 425, 429})
_OF_TEXTS = frozenset({400, 413, 422})


class EmbedderError(Exception):
    """There are no vectors; the message is for the operator and holds no secret.

    Attributes:
        of_texts: whether it is these texts that are refused, so that others may pass.
    """

    def __init__(self, message: str, *, of_texts: bool = False) -> None:
        super().__init__(message)
        self.of_texts = of_texts


@dataclass(frozen=True, slots=True)
class EmbedderSettings:
    """Where an embedder is, and how much it is asked.

    Attributes:
        url: of its API; `/embeddings` is added.
        model: its name there.
        key: where the key is; None: none is sent.
        ca_file: certificates that vouch for it; None: the system's.
        seconds: for one answer.
        batch: texts that are asked for together.
        at_once: questions that are under way.
        daily_bytes: of texts that a graph sends in a day; 0: any number.
    """

    url: str
    model: str
    key: Secret | None = None
    ca_file: Path | None = None
    seconds: float = 30.0
    batch: int = 32
    at_once: int = 1
    daily_bytes: int = 0


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]


_DECODER = msgspec.json.Decoder(_Answer)


class Embedder:
    """One embedder; `close` it."""

    def __init__(self, settings: EmbedderSettings) -> None:
        self.settings = settings
        self._turns = asyncio.Semaphore(settings.at_once)
        self._context: ssl.SSLContext | None = None
        self._client: httpx2.AsyncClient | None = None

    async def embed(
        self, texts: Sequence[str], dims: int, *, seconds: float | None = None
    ) -> list[tuple[float, ...]]:
        """Return a vector of each text, in order.

        Args:
            texts: not more than are asked for together.
            dims: length that the vectors have to have.
            seconds: for the answer and the wait for a turn; as the settings say without.

        Raises:
            EmbedderError: there are none.
        """
        seconds = self.settings.seconds if seconds is None else seconds
        try:
            async with asyncio.timeout(seconds), self._turns:
                body = await self._ask(texts, dims)
        except TimeoutError:
            raise EmbedderError(f"the embedder did not answer within {seconds:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise EmbedderError(f"the embedder cannot be reached: {_why(error)}") from None
        return await asyncio.to_thread(_vectors, body, len(texts), dims)

    async def close(self) -> None:
        """End its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(self, texts: Sequence[str], dims: int) -> bytes:
        asked = {"model": self.settings.model, "input": texts, "encoding_format": "float"}
        headers = {"content-type": "application/json", **self._key()}
        url = f"{self.settings.url.rstrip('/')}/embeddings"
        content = msgspec.json.encode(asked)
        async with self._ready().stream("POST", url, content=content, headers=headers) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise _refused(answer.status_code)
            most = _SPARE_BYTES + len(texts) * dims * _NUMBER_BYTES
            found = bytearray()
            async for part in answer.aiter_raw():
                found += part
                if len(found) > most:
                    raise EmbedderError(f"the embedder answers with more than {most} bytes")
            return bytes(found)

    def _key(self) -> dict[str, str]:
        if self.settings.key is None:
            return {}
        try:
            return {"authorization": f"Bearer {read_secret(self.settings.key)}"}
        except SecretError as error:
            raise EmbedderError(str(error)) from None

    def _ready(self) -> httpx2.AsyncClient:
        if self._client is None:
            file = self.settings.ca_file
            context = tls_context(None if file is None else str(file))
            self._client = httpx2.AsyncClient(
                transport=GuardedTransport(context, UNBOUNDED, self.settings.at_once),
                timeout=self.settings.seconds,
                follow_redirects=False,
                trust_env=False,
                # A small answer must not become a large one.
                headers={"user-agent": "kastor", "accept-encoding": "identity"},
            )
        return self._client


def _refused(status: int) -> EmbedderError:
    # Its text is not told: it may hold what was sent.
    return EmbedderError(f"the embedder answers with status {status}", of_texts=status in _OF_TEXTS)


def _vectors(body: bytes, count: int, dims: int) -> list[tuple[float, ...]]:
    try:
        items = _DECODER.decode(body).data
    except (msgspec.MsgspecError, RecursionError):
        raise EmbedderError("the embedder's answer holds no vectors") from None
    if sorted(each.index for each in items) != list(range(count)):
        raise EmbedderError(f"the embedder answers with {len(items)} vectors to {count} texts")
    found: list[tuple[float, ...]] = [()] * count
    for item in items:
        vector = rounded(item.embedding)
        if vector is None or len(vector) != dims:
            length = len(item.embedding)
            raise EmbedderError(f"the embedder's vectors have {length} numbers, not {dims}")
        found[item.index] = vector
    return found


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
