"""Problems as people and tools want them: text with an excerpt, JSON, GitHub, SARIF."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kastor.dtdl.messages import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.dtdl.problem import Problem, SourceLocation

_WIDTH = 100
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(problems: Sequence[Problem], names: Sequence[str], texts: Sequence[str | None]) -> str:
    """Return the problems with place, sentences and the line they lie in, marked by a caret."""
    return "\n".join(_one_as_text(problem, names, _text(texts, problem)) for problem in problems)


def _name(names: Sequence[str], problem: Problem | SourceLocation) -> str:
    return names[problem.document] if problem.document < len(names) else "<resolved>"


def _text(texts: Sequence[str | None], problem: Problem) -> str | None:
    return texts[problem.document] if problem.document < len(texts) else None


def place(problem: Problem | SourceLocation, name: str) -> str:
    """Return file, line and column as compilers write them."""
    if problem.line is None:
        return f"{name}{problem.pointer and ': '}{problem.pointer}"
    return f"{name}:{problem.line}:{problem.column}"


def _one_as_text(problem: Problem, names: Sequence[str], text: str | None) -> str:
    where = place(problem, _name(names, problem))
    lines = [f"{where}: {problem.id}", f"  {problem.message}"]
    if text is not None and problem.line is not None and problem.column is not None:
        lines += excerpt(text, problem.line, problem.column)
    if problem.other is not None:
        lines.append(f"  {_other(problem.other, names)}")
    return "\n".join([*lines, f"  {problem.cure}", ""])


def _other(other: SourceLocation, names: Sequence[str]) -> str:
    owner = f" of {other.interface}" if other.interface else ""
    return f"The other one{owner} stands at {place(other, _name(names, other))}."


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


def as_json(
    problems: Sequence[Problem],
    names: Sequence[str],
    skipped: Sequence[str] = (),
    complete: bool = True,
) -> str:
    """Return the problems as one JSON object.

    Its members are ``valid``, ``files``, ``skipped`` (files without models), ``complete`` (whether
    the rules between models were reached) and ``problems``.
    """
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
            **({"other": _place_as_json(problem.other, names)} if problem.other else {}),
        }
        for problem in problems
    ]
    found = {
        "valid": not problems,
        "files": list(names),
        "skipped": list(skipped),
        "complete": complete,
        "problems": shown,
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _place_as_json(other: SourceLocation, names: Sequence[str]) -> dict[str, Any]:
    return {
        "file": _name(names, other),
        "line": other.line,
        "column": other.column,
        "pointer": other.pointer,
        "interface": other.interface,
    }


def as_github(problems: Sequence[Problem], names: Sequence[str], notes: Sequence[str] = ()) -> str:
    """Return the problems, and notes, as workflow commands that annotate a pull request."""
    lines = [
        f"::error file={_property(_name(names, p))},line={p.line or 1},col={p.column or 1},"
        f"title={_property(p.id)}::{_data(_with_other(p, names))}"
        for p in problems
    ]
    return "\n".join([*lines, *(f"::notice::{_data(note)}" for note in notes)])


def _with_other(problem: Problem, names: Sequence[str]) -> str:
    other = "" if problem.other is None else f"{_other(problem.other, names)} "
    return f"{problem.message} {other}{problem.cure}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(
    problems: Sequence[Problem], names: Sequence[str], version: str, notes: Sequence[str] = ()
) -> str:
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
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {"level": "note", "message": {"text": note}} for note in notes
                        ],
                    }
                ],
                "results": [_sarif_result(p, names, rules) for p in problems],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _sarif_result(problem: Problem, names: Sequence[str], rules: list[str]) -> dict[str, Any]:
    related = [] if problem.other is None else [_sarif_place(problem.other, names)]
    return {
        "ruleId": problem.id,
        "ruleIndex": rules.index(problem.id),
        "level": "error",
        "message": {"text": _with_other(problem, names)},
        "locations": [_sarif_place(problem, names)],
        **({"relatedLocations": related} if related else {}),
    }


def _sarif_place(found: Problem | SourceLocation, names: Sequence[str]) -> dict[str, Any]:
    place_of: dict[str, Any] = {"artifactLocation": {"uri": _name(names, found)}}
    if found.line is not None:
        place_of["region"] = {"startLine": found.line, "startColumn": found.column}
    return {"physicalLocation": place_of}
