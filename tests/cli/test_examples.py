"""Every command has an example in docs/reference/cli.md, and all of them are run in a pipe.

test_examples_in_terminal.py runs them in a terminal. The server has the sample building.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .examples import Example, examples
from .page_reader import OTHERWISE, Reader, faults_of, form_of, is_for_people
from .terminal import ESCAPE
from .tree import LEAVES

if TYPE_CHECKING:
    from collections.abc import Iterator

READS = {"list", "show", "status"}
"""Commands that are run a second time as JSON."""

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


def test_they_do_in_a_pipe_what_the_page_says(reader: Reader) -> None:
    def run(example: Example) -> Iterator[str]:
        status, out, err = reader.in_pipe(example)
        if status != example.status:
            yield f"exits {status}: {out}{err}"
        if ESCAPE in out + err:
            yield f"writes control sequences: {out + err!r}"
        if "Traceback" in err:
            yield err
        if "…" in out and is_for_people(example):
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

    faults = faults_of(run, reader)
    assert not faults, "\n".join(faults)


def _faults_of_form(example: Example, out: str) -> Iterator[str]:
    form = form_of(example)
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
