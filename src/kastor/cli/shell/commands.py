"""Commands of the shell, which begin with a backslash as those of psql: what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from kastor.cli.connection import Connection
from kastor.cli.output import Output
from kastor.cli.screen import shown
from kastor.cli.shell import descriptions
from kastor.cli.shell.lexing import WORDS
from kastor.cli.shell.question import Question

if TYPE_CHECKING:
    from kastor.cli.shell.session import Session

Document: TypeAlias = dict[str, Any]  # any: JSON


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """A command.

    Attributes:
        argument: what follows the name, in brackets where it may be left out.
        about: what it does.
        run: is given the session and what followed the name.
    """

    name: str
    argument: str
    about: str
    run: Callable[[Session, str], None]


class LeaveShellError(Exception):
    """The person has had enough."""


def run_typed(session: Session, text: str) -> None:
    """Run what was typed, a command or queries, and tell what goes wrong.

    Raises:
        LeaveShellError: it was the wish to leave.
    """
    text = WORDS.get(text.strip().rstrip(";").lower(), text)
    if text.lstrip().startswith("\\"):
        with session.telling(text):
            _run_command(session, text)
    else:
        session.run(text)


def _run_command(session: Session, text: str) -> None:
    name, _, argument = text.strip().partition(" ")
    found = BY_NAME.get(name)
    if found is None:
        session.complain(f"There is no command {shown(name)}. \\? lists them.")
        return
    argument = argument.strip().removesuffix(";").rstrip()
    needs = found.argument and not found.argument.startswith("[")
    if needs and not argument:
        session.complain(f"It lacks something: {found.name} {found.argument}")
        return
    if argument and not found.argument:
        session.complain(f"{found.name} takes nothing behind it.")
        return
    found.run(session, argument)


def _help(session: Session, _: str) -> None:
    width = max(len(f"{each.name} {each.argument}") for each in COMMANDS) + 2
    for each in COMMANDS:
        session.say(f"  {f'{each.name} {each.argument}':<{width}}{each.about}")
    session.say("")
    session.say("A query ends with ; or with an empty line. TAB completes, Up brings back what was")
    session.say("typed, Ctrl+C drops the line or cancels what runs, Ctrl+D leaves.")


def _models(session: Session, wanted: str) -> None:
    names = session.gatherer.current()
    found = descriptions.models_like(names, wanted)
    if wanted and (wanted in names.models or len(found) == 1):
        model = wanted if wanted in names.models else found[0]
        head, rows = descriptions.model_contents(names, model)
        session.show(rows, head=head, empty="It has no contents.")
        return
    if not names.is_complete:
        session.say(f"The graph has more models; these are the first {len(names.models):,}.")
    empty = "No models. `kastor models upload FOLDER` brings some."
    if wanted:
        empty = f"No model has {shown(wanted)!r} in its id or name. \\m lists all."
    session.show(descriptions.model_rows(names, found), empty=empty)


def _twin(session: Session, twin: str) -> None:
    document = session.client.twins.get(twin)
    session.gatherer.names.saw([twin])
    if session.display.output != Output.TABLE:
        session.show([document])
        return
    head, rows = descriptions.twin_rows(document)
    session.show(rows, head=head, empty="No property has a value.")


def _relationships(session: Session, twin: str) -> None:
    session.client.twins.get(twin)  # a twin that is not there has none, which says nothing
    session.show(_both_ways(session, twin), empty=f"{shown(twin)} has no relationships.")


def _both_ways(session: Session, twin: str) -> Iterator[Document]:
    for each in session.client.relationships.list(twin):
        session.gatherer.names.saw([str(each.get("$targetId"))])
        yield descriptions.relationship_row("to", each, "$targetId")
    for each in session.client.relationships.incoming(twin):
        session.gatherer.names.saw([str(each.get("$sourceId"))])
        yield descriptions.relationship_row("from", each, "$sourceId")


def _functions(session: Session, wanted: str) -> None:
    names = session.gatherer.names
    rows = descriptions.function_rows(wanted.strip("()"), has_superset=names.has_superset)
    empty = f"No function has {shown(wanted)!r} in its name. \\f lists all."
    session.show(rows, empty=empty)
    if not names.has_superset:
        session.say("The server announces no more than the functions of Azure Digital Twins.")


def _output(session: Session, wanted: str) -> None:
    if wanted and wanted not in list(Output):
        session.complain(f"Rows are written as one of: {', '.join(Output)}.")
        return
    session.display.output = Output(wanted) if wanted else session.display.output
    session.say(f"Rows are written as {session.display.output}.")


def _watch(session: Session, text: str) -> None:
    from kastor.cli.shell.watching import watch

    if question := _question(session, text):
        output = "ndjson" if session.display.output != Output.TABLE else "table"
        try:
            watch(session.client, question, output)
        except KeyboardInterrupt:
            session.say("")


def _explain(session: Session, text: str) -> None:
    if question := _question(session, text):
        session.ask(question, explain=True)


def _question(session: Session, text: str) -> Question | None:
    session.last = text or session.last
    if not session.last:
        session.complain("There is no query before this one. Write one behind the command.")
        return None
    return Question(session.last)


def _connect(session: Session, wanted: str) -> None:
    if wanted:
        is_address = "://" in wanted or "." in wanted or wanted.startswith("localhost")
        before = session.connection
        session.connect(
            Connection(wanted, None, before.ca_file) if is_address else Connection(None, wanted)
        )
        return
    for line in descriptions.where(session.client):
        session.say(line)


def _timing(session: Session, _: str) -> None:
    session.display.timing = not session.display.timing
    session.say(f"Times are {'shown' if session.display.timing else 'not shown'}.")


def _expanded(session: Session, _: str) -> None:
    session.display.expanded = not session.display.expanded
    each = "value" if session.display.expanded else "row"
    session.say(f"A table has a line for each {each}.")


def _quit(_session: Session, _: str) -> None:
    raise LeaveShellError


COMMANDS = (
    ShellCommand("\\?", "", "this help", _help),
    ShellCommand("\\m", "[MODEL]", "models; what a model has, with what it inherits", _models),
    ShellCommand("\\t", "TWIN", "a twin, with when each property changed", _twin),
    ShellCommand("\\r", "TWIN", "relationships from and to a twin", _relationships),
    ShellCommand("\\f", "[NAME]", "functions of the query language", _functions),
    ShellCommand("\\e", "[QUERY]", "explain a query, or the last one", _explain),
    ShellCommand("\\w", "[QUERY]", "watch a query, or the last one, until Ctrl+C", _watch),
    ShellCommand("\\o", f"[{'|'.join(Output)}]", "how rows are written", _output),
    ShellCommand("\\x", "", "a line for each value, or for each row", _expanded),
    ShellCommand("\\timing", "", "show how long queries take, or do not", _timing),
    ShellCommand(
        "\\c", "[CONTEXT|URL]", "go to another server or graph; say where this is", _connect
    ),
    ShellCommand("\\q", "", "leave", _quit),
)
"""As `\\?` lists them."""
BY_NAME = {each.name: each for each in COMMANDS}
