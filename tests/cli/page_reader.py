"""Somebody who types the examples of docs/reference/cli.md one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kastor.testing import KastorServer

from .examples import ADDRESS, Example, examples
from .terminal import Cli

OTHERWISE = {
    ("shell",): "it is typed to: test_shell.py",
    ("serve",): "it ends with Ctrl+C alone: test_terminal.py",
}
"""Commands that are not run from the page, with the place that runs them in a terminal."""


class Reader:
    """Somebody who types the page, in a folder of their own."""

    def __init__(self, cli: Cli, server: KastorServer, folder: Path) -> None:
        self._cli, self._server, self._folder = cli, server, folder
        (folder / "home").mkdir()
        self._variables = {"HOME": str(folder / "home"), "KASTOR_URL": server.url}

    def words(self, example: Example) -> list[str]:
        return [each.replace(ADDRESS, self._server.url) for each in example.words]

    def in_pipe(self, example: Example, *more: str) -> tuple[int, str, str]:
        given = (self._folder / example.stdin).read_text() if example.stdin else ""
        done = self._cli.pipe(
            *self.words(example), *more, stdin=given, folder=self._folder, **self._variables
        )
        if example.stdout and not more:
            (self._folder / example.stdout).write_text(done.out)
        return done.status, self._told(done.out), self._told(done.err)

    def in_terminal(self, example: Example) -> tuple[int, str]:
        streams: dict[str, Any] = {}
        if example.stdin:
            streams["stdin"] = os.open(self._folder / example.stdin, os.O_RDONLY)
        if example.stdout:
            name = self._folder / example.stdout
            streams["stdout"] = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            options = {"folder": self._folder, **streams, **self._variables}
            done = self._cli.shown(*self.words(example), **options)
        finally:
            for each in streams.values():
                os.close(each)
        return done.status, self._told(done.raw)

    def write(self, example: Example) -> None:
        name = self._folder / example.words[1]
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_text("\n".join(example.printed) + "\n")

    def _told(self, text: str) -> str:
        return text.replace(self._server.url, ADDRESS)


def faults_of(run: Callable[[Example], Iterator[str]], reader: Reader) -> list[str]:
    found: list[str] = []
    for example in examples():
        if example.is_file:
            reader.write(example)
        elif example.path not in OTHERWISE:
            found += [f"{example}\n    {fault}" for fault in run(example)]
    return found


def form_of(example: Example) -> str:
    words = example.words
    for flag in ("--output", "-o"):
        if flag in words:
            return words[words.index(flag) + 1]
    return "json" if "--json" in words else ""


def is_for_people(example: Example) -> bool:
    """Tell whether an answer is a table or a sentence, and no text for programs."""
    return form_of(example) in ("", "table") and not example.stdout
