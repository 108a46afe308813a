"""Writes docs/reference/dtdl-problems.md from the table of problems and the examples.

Run it from the root of the repository: ``python -m tests.dtdl.problem_page``, or
``python tests/dtdl/problem_page.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kastor import dtdl
from kastor.dtdl.messages import MESSAGES, OWN
from tests.dtdl.problem_examples import EXAMPLES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "dtdl-problems.md"

HEAD = """\
# Problems that a DTDL model can have

Every problem of `kastor.dtdl.parse`, `kastor models validate` and an upload to the server, with
an example that has it and what to do. The ids are those of the DTDL reference parser; the ones
marked *own* are Kastor's, for inputs on which that parser gives no id.

A problem that *ends* the document hides what comes after it in that document; the others are
reported together.

<!-- Made by tests/dtdl/problem_page.py; change the tables there and in kastor/dtdl/messages.py. -->
"""


def problems_of(name: str) -> tuple[dtdl.Problem, ...]:
    """Return the problems that the example of an id has."""
    example = EXAMPLES[name]
    document = example.text
    if document is None:
        document = example.build() if example.build else example.value
    try:
        dtdl.parse([document], **example.options)
    except dtdl.DtdlError as error:
        return error.problems
    return ()


def render() -> str:
    return HEAD + "".join(section(name) for name in sorted(MESSAGES, key=str.lower))


def section(name: str) -> str:
    effect = MESSAGES[name][0]
    [problem, *_] = [p for p in problems_of(name) if p.id == name]
    marks = ["own"] if name in OWN else []
    if effect == "quit":
        marks.append("ends the document")
    lines = [f"\n## {name}\n"]
    if marks:
        lines.append(f"*{', '.join(marks)}*\n")
    lines.append(example_of(name))
    lines.append(f"> {shorten(problem.message)}\n")
    lines.append(f"{problem.cure}\n")
    return "\n".join(lines)


def example_of(name: str) -> str:
    example = EXAMPLES[name]
    options = ", ".join(f"`{k}={v!r}`" for k, v in example.options.items())
    note = f"With {options}:\n\n" if options else ""
    if example.words:
        return f"{note}{example.words}\n"
    text = example.text
    if text is None:
        text = json.dumps(example.value, indent=2)
    return f"{note}```json\n{text}\n```\n"


def shorten(text: str) -> str:
    return text if len(text) < 300 else f"{text[:300]}..."


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
