"""What sinks with one connection to a broker share: connect, deliver in lanes, begin anew.

The client libraries' own reconnecting is switched off: it would hold events back and send them
later, past the order and the count that the relay keeps.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from kastor.events.model import Delivered, DeliveryFault, Event
from kastor.events.sinks.lanes import Lanes
from kastor.outside.hiding import hide
from kastor.outside.secrets import SecretError
from kastor.words import counted

_CLOSE_SECONDS = 2.0


class ConnectedSink(ABC):
    """A sink with one connection."""

    def __init__(self, where: str, concurrency: int, timeout: float) -> None:
        self._where = where
        self._timeout = timeout
        self._lanes = Lanes(concurrency, timeout)
        self._hidden: tuple[str | None, ...] = ()

    @abstractmethod
    def _is_connected(self) -> bool:
        """Whether the connection can be used, as far as is known."""

    @abstractmethod
    async def _connect(self) -> None:
        """Connect; raises whatever the library raises, SecretError or OSError."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """Close whatever there is of a connection."""

    @abstractmethod
    async def _send(self, event: Event) -> DeliveryFault | None:
        """Send one event and wait for its confirmation; may raise, and need not watch the time."""

    async def open(self) -> None:
        """Connect; trouble shows again in `deliver`."""
        await self._ensure()

    async def close(self) -> None:
        """Disconnect."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._disconnect()
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
        except Exception:  # noqa: BLE001 - it is given up anyhow
            return

    async def deliver(self, events: Sequence[Event]) -> Delivered:
        """Send; events of one twin one after the other."""
        fault = await self._ensure()
        if fault is not None:
            return Delivered(0, fault)
        report = await self._lanes.deliver(events, self._send_in_time)
        if report.fault is not None and report.fault.kind == "unavailable":
            await self.close()
        return report

    async def _ensure(self) -> DeliveryFault | None:
        if self._is_connected():
            return None
        await self.close()
        try:
            async with asyncio.timeout(self._timeout):
                await self._connect()
        except SecretError as error:
            return DeliveryFault("unavailable", f"The endpoint is not usable: {error}")
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            await self.close()
            return self._broken()
        except Exception as error:  # noqa: BLE001 - each library has its own, and some have no root
            await self.close()
            return self._unavailable(error, "no connection")
        return None

    async def _send_in_time(self, event: Event) -> DeliveryFault | None:
        try:
            async with asyncio.timeout(self._timeout):
                fault = await self._send(event)
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            return self._broken()
        except Exception as error:  # noqa: BLE001 - as above
            return self._unavailable(error, "no confirmation")
        if fault is None:
            return None
        return replace(fault, message=hide(fault.message, self._hidden))

    def _broken(self) -> DeliveryFault:
        return DeliveryFault("unavailable", f"{self._where}: the connection broke")

    def _unavailable(self, error: Exception, missing: str) -> DeliveryFault:
        if isinstance(error, TimeoutError):
            text = f"{self._where}: {missing} within {counted(self._timeout, 'second')}"
        else:
            text = f"{self._where}: {str(error) or type(error).__name__}"
        return DeliveryFault("unavailable", hide(text, self._hidden))


def _is_cancelled() -> bool:
    """Whether it is this task that is to end.

    Libraries too raise CancelledError, in whoever waits for them when the connection breaks; a
    route that took it for its own end would stay silent for ever.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
