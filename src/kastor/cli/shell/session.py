"""What a shell does with what is typed: it runs it, tells what goes wrong, and goes on."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import typer

from kastor.cli.access import words_of
from kastor.cli.contexts import load_contexts
from kastor.cli.output import say
from kastor.cli.rows import show_rows
from kastor.cli.screen import Screen, shown, stdout_screen
from kastor.cli.shell.answers import show_answer
from kastor.cli.shell.descriptions import where
from kastor.cli.shell.faults import lines_of
from kastor.cli.shell.gathering import NameGatherer
from kastor.cli.shell.lexing import statements
from kastor.cli.shell.question import Question
from kastor.client.errors import (
    AccessError,
    ClientError,
    OutcomeUnknownError,
    UnreachableError,
)
from kastor.errors import CannotStartError
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kastor.cli.connection import Connection
    from kastor.client import KastorClient

Pager = Callable[[], AbstractContextManager[Screen]]


@dataclass(slots=True)
class Display:
    """How answers are shown."""

    output: str = "table"
    expanded: bool = False
    timing: bool = False


class Session:
    """A connection, how answers are shown, and what was asked last.

    Attributes:
        display: how answers are shown; commands change it.
        last: the query before, for commands that take it again.
        place: a name for where this is: the context, the graph, or the program.
    """

    def __init__(
        self, connection: Connection, output: str = "table", *, pager: Pager | None = None
    ) -> None:
        """Connect to a server.

        Args:
            connection: to the server; one that cannot be ends the command.
            output: how rows are shown.
            pager: a block with a screen for what may be long.
        """
        self.display = Display(output)
        self.last = ""
        self._pager = pager or _unpaged
        self._stack = ExitStack()
        self._connect(connection)

    def _connect(self, connection: Connection) -> None:
        self.connection = connection
        self.client: KastorClient = self._stack.enter_context(connection.client())
        contexts = load_contexts()
        current = None if connection.url else contexts.current
        self.place = connection.context or current or _graph_of(self.client.url) or "kastor"
        self.gatherer = NameGatherer(self.client, contexts.by_name)
        self.gatherer.look()

    def close(self) -> None:
        """Close the connections."""
        self.gatherer.close()
        self._stack.close()

    def connect(self, connection: Connection) -> None:
        """Go to another server and say what is there, or stay where that does not answer."""
        try:
            with connection.client() as client:
                found = list(where(client))
        except (typer.Exit, CannotStartError) as error:
            if isinstance(error, CannotStartError):
                self.complain(str(error))
            self.say(f"This is still {self.client.url}.")
            return
        self.close()
        self._connect(connection)
        self.say("\n".join(found))

    def run(self, text: str) -> None:
        """Run queries one after the other, and tell what they answer or what is wrong."""
        complete, rest = statements(text)
        for each in (*complete, rest):
            if each and not self._query(each):
                return  # what follows may count on it

    def _query(self, text: str) -> bool:
        self.last = text
        with self.telling(text) as told:
            self.ask(Question(text))
        return not told

    def ask(self, question: Question, *, explain: bool = False) -> None:
        """Run a query and show its answer, or how it runs.

        Raises:
            ClientError: as of any call.
        """
        started = time.monotonic()
        with self._pager() as screen:
            count = show_answer(
                self.client, question, self.display.output, explain=explain,
                expanded=self.display.expanded, warn=self.warn, see=self._saw, screen=screen,
            )  # fmt: skip
            if self.display.output == "table" and count:
                screen.write(f"({counted(count, 'row')})")
            if self.display.timing:
                screen.write(f"Time: {(time.monotonic() - started) * 1000:.1f} ms")

    def show(
        self,
        rows: Iterable[dict[str, Any]],  # any: JSON
        columns: tuple[str, ...] | None = None,
        *,
        head: Iterable[str] = (),
        empty: str = "",
    ) -> None:
        """Show rows that a command made, below lines for people."""
        with self._pager() as screen:
            if self.display.output == "table":
                for line in head:
                    screen.write(_folded(line, screen.width))
            show_rows(
                rows, self.display.output,
                columns=columns, empty=empty, expanded=self.display.expanded, screen=screen,
            )  # fmt: skip

    def say(self, text: str) -> None:
        """Print a line."""
        say(text)

    def complain(self, text: str) -> None:
        """Say what is wrong with a command, and what would not be."""
        _tell(f"error: {text}")

    def warn(self, text: str) -> None:
        """Print what somebody should know of a query that runs."""
        _tell(f"warning: {shown(text)}")

    @contextmanager
    def telling(self, text: str) -> Iterator[list[str]]:
        """Return a block that tells what goes wrong in it, and what it told."""
        told: list[str] = []
        try:
            yield told
        except KeyboardInterrupt:
            told.append("\nCancelled.")  # the terminal has written ^C
        except (UnreachableError, OutcomeUnknownError) as error:
            told += [f"error: {error}", "The shell goes on: try again, or \\c ADDRESS."]
        except AccessError as error:
            told.append(f"error: {words_of(error)}")
        except ClientError as error:
            first, *more = lines_of(error, text)
            told += [f"error: {first}", *more]
        except typer.Exit:
            told.append("")
        for line in told:
            _tell(line)

    def _saw(self, row: dict[str, Any]) -> None:  # any: JSON
        for value in (row, *row.values()):
            twin = value.get("$dtId") if isinstance(value, dict) else None
            if isinstance(twin, str):
                self.gatherer.names.saw([twin])


def _tell(line: str) -> None:
    """Print a line on stderr; the lines that show a text stay as they are."""
    if line:
        width = stdout_screen().width
        say(line if line.startswith("  ") else _folded(line, width), file=sys.stderr)


def _folded(line: str, width: int) -> str:
    return "\n".join(
        textwrap.fill(part, width, subsequent_indent="  ", break_on_hyphens=False)
        for part in line.split("\n")
    )


def _graph_of(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/graphs/")[2])


@contextmanager
def _unpaged() -> Iterator[Screen]:
    yield stdout_screen()
