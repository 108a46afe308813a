"""Every command has an example in docs/reference/cli.md, and all of them are run.

Against a server with the sample building, in a pipe and in a terminal of 80 columns.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from kastor.client import KastorClient
from kastor.testing import KastorServer

from .examples import ADDRESS, Example, examples
from .terminal import ESCAPE, Cli
from .tree import LEAVES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OTHERWISE = {
    ("shell",): "it is typed to: test_shell.py",
    ("serve",): "it ends with Ctrl+C alone: test_terminal.py",
}
"""Commands that are not run from the page, with the place that runs them in a terminal."""
READS = {"list", "show", "status"}
"""Commands that are run a second time as JSON."""
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])")
_LINE_OF_BOX = re.compile("──")
"""Beneath the heads of tables; what has none is a sentence or a value, which a terminal wraps."""

pytestmark = pytest.mark.timeout(240)


def test_every_command_has_an_example() -> None:
    shown = {each.path for each in examples() if not each.is_file}
    assert () not in shown, [str(each) for each in examples() if not each.path]
    missing = LEAVES.keys() - shown - OTHERWISE.keys()
    assert not missing, f"no example in docs/reference/cli.md: {sorted(missing)}"


def test_a_text_is_compared_as_the_page_says() -> None:
    (made,) = examples("```console\n$ kastor twin show a # exits 3\nid  ...\n...\nend\n```\n")
    assert (made.status, made.printed) == (3, ["id  ...", "...", "end"])
    assert made.is_printed("id  x\nend\n")
    assert made.is_printed("id  x\n1\n2\nend\n")
    assert not made.is_printed("id  x\n1\nends\n")
    assert not made.is_printed("no\nend\n")


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


@pytest.fixture
def reader(cli: Cli, tmp_path: Path) -> Iterator[Reader]:
    with KastorServer(("--sample", "building")) as server, KastorClient(server.url) as client:
        # The one job that is there already; commands of the page begin others.
        job = client.jobs.begin_export("exchange/default/graph.ndjson", operation_id="nightly")
        client.jobs.wait(job)
        yield Reader(cli, server, tmp_path)


def _faults(run: Callable[[Example], Iterator[str]], reader: Reader) -> list[str]:
    found: list[str] = []
    for example in examples():
        if example.is_file:
            reader.write(example)
        elif example.path not in OTHERWISE:
            found += [f"{example}\n    {fault}" for fault in run(example)]
    return found


def test_they_do_in_a_pipe_what_the_page_says(reader: Reader) -> None:
    def run(example: Example) -> Iterator[str]:
        status, out, err = reader.in_pipe(example)
        if status != example.status:
            yield f"exits {status}: {out}{err}"
        if ESCAPE in out + err:
            yield f"writes control sequences: {out + err!r}"
        if "Traceback" in err:
            yield err
        if "…" in out and _is_for_people(example):
            yield f"leaves something out: {out}"
        if not example.is_printed(out + err):
            yield f"prints:\n{out}{err}"
        yield from _faults_of_form(example, out)
        command = LEAVES[example.path]
        flags = {flag for each in command.params for flag in each.opts}
        if example.path[-1] in READS and "--output" in flags and status == 0 == example.status:
            status, out, err = reader.in_pipe(example, "--output", "json")
            if status or err or not _is_json(out):
                yield f"--output json: exits {status}: {out}{err}"

    faults = _faults(run, reader)
    assert not faults, "\n".join(faults)


def test_they_do_the_same_in_a_terminal(reader: Reader) -> None:
    def run(example: Example) -> Iterator[str]:
        status, raw = reader.in_terminal(example)
        if status != example.status:
            yield f"exits {status}: {raw}"
        if "Traceback" in raw:
            yield raw
        lines = [_SEQUENCE.sub("", line).rpartition("\r")[2] for line in _lines(raw)]
        if any(_LINE_OF_BOX.search(line) for line in lines) and _is_for_people(example):
            yield from (f"is wider than 80 columns: {line}" for line in lines if _cells(line) > 80)

    faults = _faults(run, reader)
    assert not faults, "\n".join(faults)


def _form(example: Example) -> str:
    words = example.words
    for flag in ("--output", "-o"):
        if flag in words:
            return words[words.index(flag) + 1]
    return "json" if "--json" in words else ""


def _is_for_people(example: Example) -> bool:
    """Tell whether an answer is a table or a sentence, and no text for programs."""
    return _form(example) in ("", "table") and not example.stdout


def _faults_of_form(example: Example, out: str) -> Iterator[str]:
    form = _form(example)
    if form == "json" and not _is_json(out):
        yield f"prints no JSON: {out}"
    if form == "ndjson" and not all(_is_json(line) for line in out.splitlines()):
        yield f"prints no lines of JSON: {out}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _lines(raw: str) -> list[str]:
    return raw.replace("\r\n", "\n").split("\n")


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
