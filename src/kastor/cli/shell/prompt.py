"""The shell in a terminal: the line that is typed, its completion and history, until it is left."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.output import ColorDepth

from kastor.cli.connection import told
from kastor.cli.output import say
from kastor.cli.screen import shown
from kastor.cli.shell.commands import BY_NAME, COMMANDS, LeaveShellError, run_typed
from kastor.cli.shell.completion import MOST, Candidate, completed
from kastor.cli.shell.descriptions import where
from kastor.cli.shell.highlight import STYLE, QueryLexer
from kastor.cli.shell.history import PrivateHistory, history_file
from kastor.cli.shell.lexing import is_complete
from kastor.cli.shell.pager import paged
from kastor.cli.shell.session import Session
from kastor.types import override

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import AnyFormattedText
    from prompt_toolkit.key_binding import KeyPressEvent

    from kastor.cli.connection import Connection

_MENU_LINES = 8


def run_shell(connection: Connection, output: str) -> None:
    """Run the shell until it is left; a server that cannot be reached ends it at once."""
    session = Session(connection, output, pager=paged)
    try:
        with told():
            say("\n".join(where(session.client)))
        say("\\? for help, \\q to leave.")
        terminal = _terminal(session)
        while _run_one(session, terminal):
            pass
    finally:
        session.close()


def _run_one(session: Session, terminal: PromptSession[str]) -> bool:
    """Run what is typed next, and return whether to go on."""
    session.gatherer.look()
    try:
        text = terminal.prompt([("class:prompt", f"{shown(session.place)}> ")])
    except KeyboardInterrupt:  # the line is dropped, as in other shells
        return True
    except EOFError:
        return False
    try:
        run_typed(session, text)
    except LeaveShellError:
        return False
    return True


def _terminal(session: Session) -> PromptSession[str]:
    return PromptSession(
        multiline=True,
        history=PrivateHistory(history_file()),
        completer=ShellCompleter(session),
        complete_while_typing=False,
        reserve_space_for_menu=_MENU_LINES,
        lexer=QueryLexer(),
        style=STYLE,
        color_depth=ColorDepth.DEPTH_1_BIT if "NO_COLOR" in os.environ else None,
        key_bindings=_keys(),
        prompt_continuation=_continuation,
        enable_suspend=True,
        tempfile_suffix=".sql",
    )


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion:
            buffer.complete_state = None
            return
        at_end = not buffer.document.text_after_cursor.strip()
        if at_end and is_complete(buffer.document.text_before_cursor):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys


def _continuation(width: int, _line: int, _wrapped: int) -> AnyFormattedText:
    return [("class:prompt", "-> ".rjust(width))]


class ShellCompleter(Completer):
    """Completes queries and commands with the names that are known at that moment."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @override
    def get_completions(self, document: Document, _event: CompleteEvent) -> Iterable[Completion]:
        """Yield what may stand where the cursor is."""
        for each in candidates(self._session, document.text, document.cursor_position):
            yield Completion(each.text, each.start, display_meta=each.note)


def candidates(session: Session, text: str, cursor: int) -> list[Candidate]:
    """Return what may stand at a place of what is typed, a query or a command."""
    names = session.gatherer.names
    before = text[:cursor].lstrip()
    if not before.startswith("\\"):
        return completed(text, cursor, names)
    name, blank, argument = before.partition(" ")
    if not blank:
        return [
            Candidate(each.name, -len(name), each.about)
            for each in COMMANDS
            if each.name.startswith(name)
        ]
    found = BY_NAME.get(name)
    if found is None:
        return []
    if "QUERY" in found.argument:
        return completed(argument + text[cursor:], len(argument), names)
    typed = argument.lower()
    listed = [each for each in _arguments(found.argument, session) if typed in each.lower()]
    listed.sort(key=lambda each: not each.lower().startswith(typed))
    return [Candidate(each, -len(argument)) for each in listed[:MOST]]


def _arguments(kind: str, session: Session) -> list[str]:
    from kastor.cli.output import Output
    from kastor.lang.words import FUNCTIONS

    names = session.gatherer.names
    match kind.strip("[]"):
        case "MODEL":
            return sorted(names.models)
        case "TWIN":
            return list(names.twins)[::-1]
        case "NAME":
            return sorted(FUNCTIONS)
        case "CONTEXT|URL":
            return list(names.contexts)
        case "":
            return []
        case _:
            return list(Output)
