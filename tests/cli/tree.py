"""All commands, imported: what `kastor` has beside what is needed to run one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer.main

from kastor.cli.commands import Later
from kastor.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator


def _walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _walk(inner.now() if isinstance(inner, Later) else inner, (*path, name))


COMMANDS = dict(_walk(typer.main.get_command(app)))
"""Commands and groups by the words that lead to them."""
LEAVES = {path: each for path, each in COMMANDS.items() if not hasattr(each, "commands")}
"""Those that do something."""
