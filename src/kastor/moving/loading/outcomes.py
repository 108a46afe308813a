"""Takes what became of each item into the report, and ends a load where that was wished."""

from __future__ import annotations

from collections.abc import Callable

from kastor.client import ServiceError
from kastor.moving.items import ItemFault, Placed
from kastor.moving.loading.report import LoadReport

_DETAILS = 3
"""Of an error that are told."""


class StopLoadingError(Exception):
    """There was a fault, and the first one is to end the load."""


class Outcomes:
    """Counts and tells what became of items.

    Attributes:
        report: as it grows.
    """

    def __init__(
        self,
        on_fault: Callable[[ItemFault], None],
        on_progress: Callable[[LoadReport], None],
        *,
        stop_on_error: bool,
    ) -> None:
        self.report = LoadReport()
        self._on_fault, self._on_progress = on_fault, on_progress
        self._stop_on_error = stop_on_error

    def came(self, placed: Placed) -> None:
        """Count what the stream brought."""
        self.report.read.add(placed.item)

    def written(self, placed: Placed) -> None:
        """Count what is in the graph now."""
        self.report.written.add(placed.item)
        self._on_progress(self.report)

    def unchanged(self) -> None:
        """Count a model that was there."""
        self.report.unchanged += 1
        self._on_progress(self.report)

    def refused(self, placed: Placed, error: Exception) -> None:
        """Tell of an item that could not be written; raises StopLoadingError where that ends it."""
        code, message = "InvalidArgument", str(error)
        if isinstance(error, ServiceError):
            code, message = error.code or str(error.status), _told(error)
        self.failed(ItemFault(placed.where, code, message, placed.item))

    def failed(self, fault: ItemFault) -> None:
        """Tell of a fault; raises StopLoadingError where that ends the load."""
        if self.report.stopped:
            return
        self.report.fail(fault)
        self._on_fault(fault)
        self._on_progress(self.report)
        if self._stop_on_error:
            self.report.stopped = True
            raise StopLoadingError


def _told(error: ServiceError) -> str:
    """Return the message of an error with what its details say: often they alone name the cause."""
    said = [each.get("message") for each in error.details[:_DETAILS]]
    more = " ".join(each for each in said if isinstance(each, str) and each != error.message)
    return f"{error.message.rstrip('.')}: {more}" if more else error.message
