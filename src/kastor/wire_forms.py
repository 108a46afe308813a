"""Lets msgspec learn the forms of values while one thread imports them.

It learns a form when it is first used. Two threads that do that at once end the process, so forms
that are read in threads are learnt where they stand.
"""

from __future__ import annotations

import contextlib

import msgspec


def learn(*forms: object) -> None:
    """Learn forms: types as `msgspec.convert` takes them, those within them included."""
    for form in forms:
        with contextlib.suppress(msgspec.ValidationError):
            msgspec.convert(None, form)
