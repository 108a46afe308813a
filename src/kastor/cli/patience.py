"""How patient commands are that somebody waits for."""

from __future__ import annotations

from kastor.client import Retries
from kastor.client.calls import Repetition
from kastor.types import override


class Prompt(Retries):
    """Tries again what was refused for now, but does not wait for a server that is not there."""

    @override
    def after_fault(self, repeat: Repetition, attempt: int, *, sent: bool) -> float | None:
        return super().after_fault(repeat, attempt, sent=sent) if sent else None
