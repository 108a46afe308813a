"""Commands and groups of them: their help is plain, and what prevents one ends it in a line.

In the help flags have no type, and defaults no parentheses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from kastor.cli.output import fail
from kastor.errors import CannotStartError
from kastor.types import override

if TYPE_CHECKING:
    from collections.abc import Iterable


class Commands(typer.Typer):
    """A group of commands; all of them, and groups in it, are to be made by this class."""

    def __init__(self, **options: Any) -> None:  # any: as Typer has them
        super().__init__(
            cls=_Group, no_args_is_help=True, pretty_exceptions_enable=False, **options
        )

    @override
    def command(  # type: ignore[override]  # the options are Typer's
        self,
        name: str | None = None,
        **options: Any,  # any: as Typer has them
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator that makes a function a command of this group."""
        return super().command(name, cls=_Command, **options)


class _Command(TyperCommand):
    @override
    def invoke(self, ctx: Any) -> Any:
        """Run the command; the one place that turns what prevents it into an exit status."""
        try:
            return super().invoke(ctx)
        except CannotStartError as error:
            fail(str(error), error.exit_status)

    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:
        _plain(self.get_params(ctx))
        super().format_help(ctx, formatter)


class _Group(TyperGroup):
    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:
        _plain(self.get_params(ctx))
        super().format_help(ctx, formatter)


def _plain(parameters: Iterable[Any]) -> None:
    """Put right what the help of parameters shows; changes nothing of what they accept."""
    for each in parameters:
        if getattr(each, "is_flag", False) and each.metavar is None:
            each.metavar = ""
        if isinstance(getattr(each, "show_default", None), str):
            # Typer puts a default that is told in words into parentheses; the bracket is escaped,
            # since it would be markup.
            each.help = f"{each.help} \\[default: {each.show_default}]"
            each.show_default = False
