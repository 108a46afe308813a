"""What an answer says beside what was asked for: the header `kastor-warning` (decisions 5).

Bounded, whatever a request gives reason to: clients and proxies refuse long headers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

MOST = 10
LONGEST = 400
"""Bytes of one warning as it is written."""

HEADER = b"kastor-warning"


def warning_header(warnings: Sequence[str]) -> tuple[bytes, bytes]:
    """Return the header for at least one warning: JSON strings in ASCII, separated by commas."""
    told = list(dict.fromkeys(warnings))
    if len(told) > MOST:
        told[MOST - 1 :] = [f"{len(told) - MOST + 1} more warnings are left out."]
    return HEADER, ", ".join(map(_quote, told)).encode()


def _quote(text: str) -> str:
    """Return a text as a JSON string in ASCII, cut off where it is too long."""
    quoted = json.dumps(text[:LONGEST])
    while len(quoted) > LONGEST:
        text = text[: min(len(text), LONGEST) * 3 // 4]
        quoted = json.dumps(f"{text} ...")
    return quoted
