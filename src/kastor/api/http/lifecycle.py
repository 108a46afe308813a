"""Where the process is in its life, for those who ask: readiness and metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Reloads:
    """How often the configuration was read again since the process began.

    Attributes:
        done: it was taken.
        refused: it was invalid, and everything stayed as it was.
    """

    done: int = 0
    refused: int = 0


@dataclass(slots=True)
class Lifecycle:
    """One for each process.

    Attributes:
        draining: whether the server is about to end, so that nobody should send it anything more.
        reloads: of the configuration.
        certificate_expiry: when the certificate ends that new connections get; None without one.
    """

    draining: bool = False
    reloads: Reloads = field(default_factory=Reloads)
    certificate_expiry: datetime | None = None
