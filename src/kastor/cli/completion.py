"""`kastor completion`: what has a shell complete commands, flags and values."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from kastor.cli.output import say

VARIABLE = "_KASTOR_COMPLETE"
"""By this a shell asks what may come next; its script sets it."""


class Shell(StrEnum):
    """Shells that can be told."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell that the script is for.")],
) -> None:
    """Print the script that has a shell complete commands, flags and values.

    For bash put `eval "$(kastor completion bash)"` into ~/.bashrc; for zsh the same with zsh into
    ~/.zshrc, behind compinit. For fish write what is printed into
    ~/.config/fish/completions/kastor.fish.
    """
    import typer.completion as scripts

    made = scripts.get_completion_script(  # type: ignore[attr-defined]
        prog_name="kastor", complete_var=VARIABLE, shell=shell.value
    )
    say(made)


def register() -> None:
    """Have the program answer the scripts of all shells."""
    import typer.completion as scripts

    scripts.completion_init()  # type: ignore[attr-defined]
