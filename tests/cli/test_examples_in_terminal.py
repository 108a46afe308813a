"""The examples of docs/reference/cli.md once more, in a terminal of 80 columns."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import pytest

from .page_reader import Reader, faults_of, is_for_people

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .examples import Example

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])")
_LINE_OF_BOX = re.compile("──")
"""Beneath the heads of tables; what has none is a sentence or a value, which a terminal wraps."""


pytestmark = pytest.mark.timeout(240)


def test_they_do_the_same_in_a_terminal(reader: Reader) -> None:
    def run(example: Example) -> Iterator[str]:
        status, raw = reader.in_terminal(example)
        if status != example.status:
            yield f"exits {status}: {raw}"
        if "Traceback" in raw:
            yield raw
        lines = [_SEQUENCE.sub("", line).rpartition("\r")[2] for line in _lines(raw)]
        if any(_LINE_OF_BOX.search(line) for line in lines) and is_for_people(example):
            yield from (f"is wider than 80 columns: {line}" for line in lines if _cells(line) > 80)

    faults = faults_of(run, reader)
    assert not faults, "\n".join(faults)


def _lines(raw: str) -> list[str]:
    return raw.replace("\r\n", "\n").split("\n")


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
