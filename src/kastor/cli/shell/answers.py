"""The answer of a query on a screen: its rows, or what EXPLAIN says."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from kastor.cli.rows import show_rows
from kastor.cli.screen import stdout_screen
from kastor.cli.shell.explained import show_explanation
from kastor.cli.shell.question import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kastor.cli.screen import Screen
    from kastor.cli.shell.question import Question
    from kastor.client import KastorClient


def show_answer(
    client: KastorClient,
    question: Question,
    output: str,
    *,
    explain: bool = False,
    limit: int | None = None,
    expanded: bool = False,
    warn: Callable[[str], None] | None = None,
    see: Callable[[dict[str, Any]], None] | None = None,  # any: JSON
    screen: Screen | None = None,
) -> int | None:
    """Print what a query answers, and return how many rows that were; None where it explains.

    Args:
        client: of the server.
        question: what is asked.
        output: as of `show_rows`.
        explain: print how it runs in the place of its rows.
        limit: the most rows.
        expanded: as of `show_rows`.
        warn: is told what the server warns of.
        see: is given each row.
        screen: where to; stdout without.

    Raises:
        ClientError: as of any call.
    """
    to = screen or stdout_screen()
    rows = rows_of(client, question, explain=explain, limit=limit, warn=warn)
    if see is not None:
        rows = _seen(rows, see)
    first = next(rows, None)
    if first is not None and output == "table" and "plan" in first and "steps" in first:
        show_explanation(first, to)
        return None
    every = rows if first is None else chain((first,), rows)
    return show_rows(every, output, empty="No rows.", expanded=expanded, screen=to)


def _seen(
    rows: Iterator[dict[str, Any]],  # any: JSON
    see: Callable[[dict[str, Any]], None],  # any: JSON
) -> Iterator[dict[str, Any]]:  # any: JSON
    for row in rows:
        see(row)
        yield row
