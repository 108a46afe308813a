"""What Kastor logs meanwhile, as entries instead of lines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from unittest.mock import patch

from kastor import logs


@contextlib.contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """Gather entries: level, logger, event, and the values."""
    found: list[dict[str, Any]] = []

    def note(level: str, name: str, event: str, values: Mapping[str, Any]) -> None:
        found.append({"log_level": level, "logger": name, "event": event, **values})

    with patch.object(logs, "_log", note):
        yield found
