"""Commands and groups of them: their help is plain, and what prevents one ends it in a line.

In the help flags have no type, and defaults no parentheses. A module is imported when one of its
commands is called, and not before: no help and no completion waits for what it does not need.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from kastor.cli.connection import CaFileOption, Connection, ContextOption, UrlOption
from kastor.cli.misuse import Misuse, explain
from kastor.cli.output import Exit, fail, give_up, interrupted, written
from kastor.errors import CannotStartError
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class CommandEntry(NamedTuple):
    """A command, or a group of them, of which nothing is imported before it is called.

    Attributes:
        name: as people type it.
        place: `module:attribute`, where the function or the `Commands` of a group is.
        help: what it does, in one line; of a command the first line of its function.
        alias: another name, which no list shows.
    """

    name: str
    place: str
    help: str
    alias: str | None = None


class Commands(typer.Typer):
    """A group of commands; all of them, and groups in it, are to be made by this class.

    Args:
        entries: commands that are imported when they are called.
        options: as Typer has them.
    """

    def __init__(
        self,
        entries: Sequence[CommandEntry] = (),
        **options: Any,  # any: as Typer has them
    ) -> None:
        group = type("_Group", (_Group,), {"entries": entries}) if entries else _Group
        super().__init__(
            cls=group,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            add_completion=False,
            **options,
        )

    @override
    def command(  # type: ignore[override]  # the options are Typer's
        self,
        name: str | None = None,
        **options: Any,  # any: as Typer has them
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator that makes a function a command of this group.

        A parameter of type `Connection` becomes the flags that say which server is meant.
        """
        register = super().command(name, cls=_Command, **options)

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            register(_with_flags_of_connections(function))
            return function

        return add


def _with_flags_of_connections(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that has the flags of a connection in the place of the connection."""
    hints = get_type_hints(function, include_extras=True)
    name = next((each for each, hint in hints.items() if hint is Connection), None)
    if name is None:
        return function
    flags = {"url": UrlOption, "context": ContextOption, "ca_file": CaFileOption}

    @wraps(function)
    def command(*arguments: Any, **values: Any) -> Any:
        values[name] = Connection(**{each: values.pop(each) for each in flags})
        return function(*arguments, **values)

    signature = inspect.signature(function)
    kept = [
        each.replace(annotation=hints[each.name])
        for each in signature.parameters.values()
        if each.name != name
    ]
    added = [
        inspect.Parameter(each, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)
        for each, hint in flags.items()
    ]
    command.__signature__ = signature.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in (*kept, *added)}
    del command.__wrapped__
    return command


class _Command(TyperCommand):
    def __init__(self, name: str | None, **options: Any) -> None:
        super().__init__(name, **options)
        self.help = _flowing(self.help)
        for each in _arguments(self):
            each.metavar = (each.metavar or each.name).upper()

    @override
    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what the first line of the help shows, as manuals write it."""
        return ["[OPTIONS]", *map(_in_usage, _arguments(self))]

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; where it is wrong, say also what would be right."""
        try:
            return super().parse_args(ctx, args)
        except Misuse as error:
            explain(error, self)
            raise

    @override
    def invoke(self, ctx: Any) -> Any:
        """Run the command; the one place that turns what prevents it into an exit status."""
        _keep_one_address(ctx)
        try:
            return super().invoke(ctx)
        except CannotStartError as error:
            fail(str(error), error.exit_status)
        except KeyboardInterrupt:
            interrupted()
        except (typer.Exit, typer.Abort, typer.BadParameter, EOFError):
            raise
        except BrokenPipeError:
            give_up()
            raise typer.Exit(Exit.UNREAD) from None
        except Exception as error:
            # Whoever runs a server wants to know where it was, and reads logs.
            if self.name == "serve" or os.environ.get("KASTOR_TRACEBACK"):
                raise
            _end_with(error)

    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:
        _plain(self.get_params(ctx))
        with written():
            super().format_help(ctx, formatter)


def _end_with(error: Exception) -> NoReturn:
    """End a command that was prevented by what nobody foresaw."""
    if isinstance(error, OSError):
        give_up()
        place = "" if error.filename is None else f"{error.filename}: "
        fail(f"{place}{error.strerror or error}.")
    from kastor.cli.connection import end_with
    from kastor.client import ClientError

    if isinstance(error, ClientError):
        end_with(error)
    fail(
        f"{type(error).__name__}: {error}. This is a fault of Kastor; with KASTOR_TRACEBACK=1 the "
        "same command shows where it is."
    )


def _keep_one_address(ctx: Any) -> None:
    """Of an address and a context keep what was typed, else the address.

    Both may come from variables, which must not win over what somebody types.
    """
    url, context = ctx.params.get("url"), ctx.params.get("context")
    if url is None or not isinstance(context, str):
        return
    typed = [ctx.get_parameter_source(each).name == "COMMANDLINE" for each in ("url", "context")]
    if all(typed):
        fail("Give either --url or --context, not both.", Exit.USAGE)
    ctx.params["url" if typed[1] else "context"] = None


class Later(TyperCommand):
    """Stands for a command that is not imported yet, where a name and a line of help suffice."""

    def __init__(self, entry: CommandEntry) -> None:
        super().__init__(entry.name, help=entry.help)
        self.entry = entry

    def now(self) -> TyperCommand | TyperGroup:
        """Import the command."""
        module, _, attribute = self.entry.place.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if isinstance(found, Commands):
            made: Any = typer.main.get_group(found)
        else:
            alone = Commands()
            alone.command(self.entry.name)(found)
            made = typer.main.get_command(alone)
        made.name, made.help = self.entry.name, made.help or self.entry.help
        return cast("TyperCommand | TyperGroup", made)


class _Group(TyperGroup):
    entries: Sequence[CommandEntry] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands.update({entry.name: Later(entry) for entry in self.entries})
        self._aliases = {entry.alias: entry.name for entry in self.entries if entry.alias}

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; where it is wrong, say also what would be right."""
        try:
            return super().parse_args(ctx, args)
        except Misuse as error:
            explain(error, self)
            raise

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, self._aliases.get(cmd_name, cmd_name))

    @override
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find what is called; where it was not imported yet, it is now."""
        found: Any
        _, found, rest = super().resolve_command(ctx, args)
        if isinstance(found, Later):
            name, found = found.entry.name, found.now()
            self.commands[name] = found
        return None if found is None else found.name, found, rest

    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:
        _plain(self.get_params(ctx))
        with written():
            super().format_help(ctx, formatter)


def _flowing(text: str | None) -> str | None:
    """Return a help whose paragraphs are lines, so that they break where the terminal ends."""
    if text is None:
        return None
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(each.replace("\n", " ") for each in paragraphs)


def _arguments(command: TyperCommand) -> list[Any]:
    return [each for each in command.params if each.param_type_name == "argument"]


def _in_usage(argument: Any) -> str:
    shown = argument.metavar + ("..." if argument.nargs != 1 else "")
    return shown if argument.required else f"[{shown}]"


def _plain(parameters: Iterable[Any]) -> None:
    """Put right what the help of parameters shows; changes nothing of what they accept."""
    for each in parameters:
        if each.param_type_name == "argument" and not each.type_descriptor.is_choice:
            each.display_type_rich = lambda ctx: None  # noqa: ARG005 - its name says what it is
        if getattr(each, "is_flag", False) and each.metavar is None:
            each.metavar = ""
        if isinstance(getattr(each, "show_default", None), str):
            # Typer puts a default that is told in words into parentheses; the bracket is escaped,
            # since it would be markup.
            each.help = f"{each.help} \\[default: {each.show_default}]"
            each.show_default = False
