"""`--watch`: the rows of a query and what becomes of them, for people and as lines for programs."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from kastor.cli.output import say, warn
from kastor.cli.rows import show_document, show_rows
from kastor.cli.screen import Screen, shown, stdout_screen
from kastor.cli.shell.following import Document, FirstRows, RowChange, changes_of
from kastor.cli.table import readable
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.cli.shell.question import Question
    from kastor.client import ClientError, KastorClient

_SIGNS = {"added": ("+", "32"), "changed": ("~", "33"), "removed": ("-", "31")}
"""A sign and a colour of the terminal for each kind."""
ABSENT = "nothing"


def watch(client: KastorClient, question: Question, output: str) -> None:
    """Print a query's rows, then each change, until something ends it.

    Args:
        client: of the server.
        question: what is asked.
        output: `table`, or `ndjson` for lines of `{"event", "key", "row"}`.

    Raises:
        KeyboardInterrupt: somebody has seen enough.
        ClientError: the query cannot be followed.
    """
    screen = stdout_screen()
    show = _show_line if output == "ndjson" else _show_for_people
    for each in changes_of(client, question, _say_lost):
        if isinstance(each, FirstRows):
            for warning in each.details.get("warnings") or ():
                warn(shown(str(warning)))
        show(each, screen)
        screen.stream.flush()


def _say_lost(error: ClientError, seconds: float) -> None:
    sys.stdout.flush()
    say(f"kastor: {error} Trying again in {seconds:g} s.", file=sys.stderr, flush=True)


def _show_line(each: RowChange | FirstRows, to: Screen) -> None:
    if isinstance(each, FirstRows):
        for key, row in each.rows.items():
            _line({"event": "added", "key": json.loads(key), "row": row}, to)
        _line({"event": "ready", "rows": len(each.rows)}, to)
        return
    told: Document = {"event": each.kind, "key": json.loads(each.key)}
    if each.row is not None:
        told["row"] = each.row
    _line(told, to)


def _line(document: Document, to: Screen) -> None:
    show_document(document, "ndjson", screen=to)


def _show_for_people(each: RowChange | FirstRows, to: Screen) -> None:
    if isinstance(each, FirstRows):
        show_rows(each.rows.values(), "table", empty="No rows yet.", screen=to)
        to.write(f"({counted(len(each.rows), 'row')}; changes follow, Ctrl+C ends it)")
        return
    sign, colour = _SIGNS[each.kind]
    moment = time.strftime("%H:%M:%S")
    text = f"{sign} {_label(each)}  {_what(each)}".rstrip()
    to.write(f"{moment}  \x1b[{colour}m{text}\x1b[0m" if to.colour else f"{moment}  {text}")


def _label(each: RowChange) -> str:
    key = json.loads(each.key)
    parts = key if isinstance(key, list) else [key]
    return shown(" ".join(part if isinstance(part, str) else json.dumps(part) for part in parts))


def _what(each: RowChange) -> str:
    if each.row is None:
        return ""
    row = readable(each.row)
    before = {} if each.before is None else readable(each.before)
    named = (*row, *(name for name in before if name not in row))
    told = []
    for name in named:
        new = _value(row[name]) if name in row else ABSENT
        if each.before is None:
            told.append(f"{shown(name)}: {new}")
        elif row.get(name) != before.get(name) or (name in row) != (name in before):
            old = _value(before[name]) if name in before else ABSENT
            told.append(f"{shown(name)}: {old} -> {new}")
    return ", ".join(told) or "changed in what is not shown"


def _value(value: object) -> str:
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
