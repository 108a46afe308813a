"""Locations on the plain web, which can only be read."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Never

from kastor.jobs.locations.faults import LocationError
from kastor.outside.hiding import hide
from kastor.outside.trust import tls_context
from kastor.waiting import in_own_thread

if TYPE_CHECKING:
    import httpx2

CHUNK_BYTES = 1_048_576
READ_SECONDS = 60.0
TRIES, PAUSE_SECONDS = 4, 1.0
_SHOWN = 200
_BUSY = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class WebLocation:
    """A file on a web server.

    Attributes:
        shown: its URL for people.
        url: as it came, with its query.
        ca_file: authorities to trust instead of the system's.
    """

    shown: str
    url: str = field(repr=False)
    ca_file: str | None = None

    async def read(self) -> AsyncIterator[bytes]:
        """Yield its bytes as they are, whatever their content coding. No redirect is followed."""
        import httpx2  # noqa: PLC0415 - an extra

        timeout = httpx2.Timeout(READ_SECONDS)
        try:
            context = await in_own_thread(tls_context, self.ca_file)
            async with httpx2.AsyncClient(
                verify=context, timeout=timeout, trust_env=False, follow_redirects=False
            ) as client:
                response = await self._answer(client)
                try:
                    async for chunk in response.aiter_raw(CHUNK_BYTES):
                        yield chunk
                finally:
                    await response.aclose()
        except (OSError, ssl.SSLError) as error:
            raise LocationError(f"{self.shown}: {self.ca_file}: {error.strerror}.") from None
        except httpx2.HTTPError as error:
            raise LocationError(
                f"{self.shown}: it cannot be read: {_reason(error, self.url)}."
            ) from None

    def log(self) -> Never:
        """Refuse; raises LocationError."""
        raise LocationError(f"{self.shown}: {READ_ONLY}.")

    async def write(self, *, again: bool = False) -> Never:  # noqa: ARG002 - as the others
        """Refuse; raises LocationError."""
        raise LocationError(f"{self.shown}: {READ_ONLY}.")

    async def _answer(self, client: httpx2.AsyncClient) -> httpx2.Response:
        """Return a good answer's head; tries again where the server is busy or out of reach."""
        import httpx2  # noqa: PLC0415 - an extra

        request = client.build_request("GET", self.url, headers={"Accept-Encoding": "identity"})
        for attempt in range(1, TRIES + 1):
            try:
                response = await client.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.TimeoutException):
                if attempt == TRIES:
                    raise
            else:
                if response.status_code == httpx2.codes.OK:
                    return response
                await response.aclose()
                if response.status_code not in _BUSY or attempt == TRIES:
                    raise self._refused(response.status_code)
            await asyncio.sleep(PAUSE_SECONDS * attempt)
        raise AssertionError

    def _refused(self, status: int) -> LocationError:
        if 300 <= status < 400:  # noqa: PLR2004 - statuses
            why = "the server answers with a redirect, which is not followed; name its target"
        else:
            why = f"the server answers with status {status}"
        return LocationError(f"{self.shown}: {why}.")


READ_ONLY = "what is on the plain web can only be read; name another location to write to"


def _reason(error: Exception, url: str) -> str:
    if "Timeout" in type(error).__name__:
        return "it takes too long"
    said = " ".join(hide(str(error), [url, url.partition("?")[2]]).split())
    return said[:_SHOWN] or type(error).__name__
