"""A query as somebody asks it: its text and values, what may be asked of a server, and its rows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.client import features

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.client import KastorClient

Document: TypeAlias = dict[str, Any]  # any: JSON
MAX_TEXT = 1_000_000
"""Characters of a text that are read; a server says what it takes of them."""
_PAGE, _FIRST = 1_000, 100
"""Rows that are asked for at once where many are wanted; what servers answer unasked."""


class QuestionError(Exception):
    """What was given makes no query; the message says what would."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query, the values for each `$name` in it, and the instant of the past that it asks."""

    text: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    as_of: str | None = None


def read_text(given: str) -> str:
    """Return the text that an argument names: itself, `-` for stdin, or `@FILE`.

    Raises:
        QuestionError: there is none.
    """
    try:
        if given == "-":
            text = sys.stdin.read(MAX_TEXT + 1)
        elif given.startswith("@"):
            with Path(given[1:]).open(encoding="utf-8-sig") as file:
                text = file.read(MAX_TEXT + 1)
        else:
            text = given
    except OSError as error:
        raise QuestionError(f"Cannot read {given[1:]}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise QuestionError("The query is not UTF-8. Save it as UTF-8.") from None
    if len(text) > MAX_TEXT:
        raise QuestionError(f"A query has at most {MAX_TEXT:,} characters.")
    if not text.strip():
        raise QuestionError("The query is empty. Give a text, - for standard input, or @FILE.")
    return text


def read_parameters(given: Iterable[str]) -> dict[str, object]:
    """Return the values of `NAME=VALUE`, each as JSON where it is some, else as a text.

    Raises:
        QuestionError: one has no name or no value, or a name comes twice.
    """
    found: dict[str, object] = {}
    for each in given:
        name, equals, value = each.partition("=")
        name = name.strip().removeprefix("$")
        if not (name and equals):
            raise QuestionError(f"--param {each} is no NAME=VALUE; for example --param low=20.")
        if name in found:
            raise QuestionError(f"--param gives {name} twice.")
        found[name] = _value(value)
    return found


def _value(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def rows_of(
    client: KastorClient,
    question: Question,
    *,
    explain: bool = False,
    limit: int | None = None,
    warn: Callable[[str], None] | None = None,
) -> Iterator[Document]:
    """Yield the rows of a query as they are wanted, page by page.

    Args:
        client: of the server.
        question: what is asked.
        explain: ask for the one row that says how it runs.
        limit: the most rows that are wanted.
        warn: is told what the server warns of, such as names that no model knows.

    Raises:
        ClientError: as of any call; what the server does not announce is refused, unsent.
    """
    if explain:
        explained = client.explain(question.text, question.parameters or None, as_of=question.as_of)
        yield from explained.get("value") or ()
        return
    size = limit
    if limit is None or limit > _FIRST:
        # Azure's service has pages of its own size, and counts what it is asked for.
        size = _PAGE if features.PARAMETERS in client.features() else None
    listing = client.query(
        question.text, question.parameters or None, page_size=size, as_of=question.as_of
    )
    left, told = limit, set[str]()
    for page in listing.pages():
        for warning in page.warnings:
            if warn is not None and warning not in told:
                told.add(warning)
                warn(warning)
        yield from page.items[:left]
        if left is not None:
            left -= len(page.items)
            if left <= 0:
                return
