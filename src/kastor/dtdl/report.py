"""Problems as people and tools want them: text with an excerpt, JSON, GitHub, SARIF."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kastor.dtdl.messages import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.dtdl.errors import Problem

_WIDTH = 100
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(problems: Sequence[Problem], names: Sequence[str], texts: Sequence[str | None]) -> str:
    """Return the problems with place, sentences and the line they lie in, marked by a caret."""
    return "\n".join(
        _one_as_text(problem, _name(names, problem), _text(texts, problem)) for problem in problems
    )


def _name(names: Sequence[str], problem: Problem) -> str:
    return names[problem.document] if problem.document < len(names) else "<resolved>"


def _text(texts: Sequence[str | None], problem: Problem) -> str | None:
    return texts[problem.document] if problem.document < len(texts) else None


def place(problem: Problem, name: str) -> str:
    """Return file, line and column as compilers write them."""
    if problem.line is None:
        return f"{name}{problem.pointer and ': '}{problem.pointer}"
    return f"{name}:{problem.line}:{problem.column}"


def _one_as_text(problem: Problem, name: str, text: str | None) -> str:
    lines = [f"{place(problem, name)}: {problem.id}", f"  {problem.message}"]
    if text is not None and problem.line is not None and problem.column is not None:
        lines += excerpt(text, problem.line, problem.column)
    return "\n".join([*lines, f"  {problem.cure}", ""])


def excerpt(text: str, line: int, column: int) -> list[str]:
    """Return a line of a text, cut around the column, and a caret below it."""
    content = text.split("\n", line)[line - 1].rstrip("\r").replace("\t", " ")
    start = max(0, min(column - 1 - _WIDTH // 2, len(content) - _WIDTH))
    shown = content[start : start + _WIDTH]
    before = "..." if start else ""
    after = "..." if start + _WIDTH < len(content) else ""
    gutter = f"  {line:>5} | "
    caret = " " * (len(before) + column - 1 - start) + "^"
    return [f"{gutter}{before}{shown}{after}", f"  {'':>5} | {caret}"]


def as_json(problems: Sequence[Problem], names: Sequence[str]) -> str:
    """Return the problems as one JSON object with ``valid``, ``files`` and ``problems``."""
    fields = ("id", "primary", "secondary", "property", "aux", "type", "value")
    shown = [
        {
            "file": _name(names, problem),
            "line": problem.line,
            "column": problem.column,
            "pointer": problem.pointer,
            **{f: v for f in fields if (v := getattr(problem, f)) is not None},
            "message": problem.message,
            "cure": problem.cure,
        }
        for problem in problems
    ]
    return json.dumps(
        {"valid": not problems, "files": list(names), "problems": shown},
        indent=2,
        ensure_ascii=False,
    )


def as_github(problems: Sequence[Problem], names: Sequence[str]) -> str:
    """Return the problems as workflow commands that annotate a pull request."""
    return "\n".join(
        f"::error file={_property(_name(names, p))},line={p.line or 1},col={p.column or 1},"
        f"title={_property(p.id)}::{_data(str(p))}"
        for p in problems
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(problems: Sequence[Problem], names: Sequence[str], version: str) -> str:
    """Return the problems as a SARIF 2.1.0 log."""
    rules = sorted({problem.id for problem in problems})
    driver = {
        "name": "kastor",
        "version": version,
        "rules": [{"id": rule, "help": {"text": MESSAGES[rule][2]}} for rule in rules],
    }
    log = {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "results": [_sarif_result(p, _name(names, p), rules) for p in problems],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _sarif_result(problem: Problem, name: str, rules: list[str]) -> dict[str, Any]:
    place_of: dict[str, Any] = {"artifactLocation": {"uri": name}}
    if problem.line is not None:
        place_of["region"] = {"startLine": problem.line, "startColumn": problem.column}
    return {
        "ruleId": problem.id,
        "ruleIndex": rules.index(problem.id),
        "level": "error",
        "message": {"text": str(problem)},
        "locations": [{"physicalLocation": place_of}],
    }
