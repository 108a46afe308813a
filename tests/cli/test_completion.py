"""What shells complete, asked of the shells themselves where they are installed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.programs import need
from tests.system.program import environment

from .tree import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .terminal import Cli


def _shell(name: str, script: str, folder: Path) -> str:
    """What a shell prints that has `kastor`, completes it, and runs a script."""
    program = folder / "bin" / "kastor"
    if not program.exists():
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kastor "$@"\n')
        program.chmod(0o755)
    variables = environment(PATH=f"{program.parent}:/usr/bin:/bin", HOME=str(folder))
    done = subprocess.run(
        [name, *(["--norc", "--noprofile"] if name == "bash" else []), "-c", script],
        env=variables, cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def test_bash_completes_commands_flags_and_values(tmp_path: Path) -> None:
    need("bash")
    lines = ["kastor mod", "kastor input cre", "kastor job list --ki", "kastor job list --kind upl",
             "kastor route list --output ", "kastor endpoint create e --kind ka"]  # fmt: skip
    # As bash does it: the words of a line, and which one the cursor is at.
    typed = [f"{line}''" if line.endswith(" ") else line for line in lines]
    ask = "\n".join(
        f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=(); "
        '_kastor_completion kastor; echo "${COMPREPLY[*]}"'
        for line in typed
    )
    told = _shell("bash", f'eval "$(kastor completion bash)"\n{ask}', tmp_path).splitlines()
    assert told == ["models", "create", "--kind", "uploads", "table json", "kafka"]


def test_zsh_takes_the_script(tmp_path: Path) -> None:
    need("zsh")
    script = 'autoload -U compinit; compinit -u; eval "$(kastor completion zsh)"; '
    assert "_kastor_completion" in _shell("zsh", f"{script}echo $_comps[kastor]", tmp_path)


def test_fish_completes_commands(tmp_path: Path) -> None:
    need("fish")
    script = "kastor completion fish | source; complete --do-complete 'kastor mod'"
    assert _shell("fish", script, tmp_path).startswith("models")


@pytest.fixture
def complete(cli: Cli, tmp_path: Path) -> Callable[..., list[str]]:
    """Asks the program as the script of a shell does."""

    def ask(line: str, shell: str = "bash") -> list[str]:
        words = line.split(" ")
        asked = {
            "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_TYPER_COMPLETE_ARGS": line,
            "_KASTOR_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }  # fmt: skip
        done = cli.pipe(folder=tmp_path, HOME=str(tmp_path), **asked)
        assert (done.status, done.err) == (0, ""), done
        return done.out.splitlines()

    return ask


def test_groups_are_completed_with_all_their_commands(complete: Callable[..., list[str]]) -> None:
    assert complete("kastor ") == [path[0] for path in COMMANDS if len(path) == 1]
    assert complete("kastor job ") == [path[1] for path in COMMANDS if path[:1] == ("job",) != path]


def test_fish_and_zsh_are_told_what_a_command_does(complete: Callable[..., list[str]]) -> None:
    assert complete("kastor jo", "fish")[0].startswith("job\tLong work")
    assert complete("kastor jo", "zsh")[0].startswith('_arguments \'*: :(("job":"Long work')


def test_contexts_are_completed(
    cli: Cli, complete: Callable[..., list[str]], tmp_path: Path
) -> None:
    add = ("context", "add", "plant", "--url", "http://127.0.0.1:9")
    assert cli.pipe(*add, folder=tmp_path, HOME=str(tmp_path)).status == 0
    assert complete("kastor graph list --context pl") == ["plant"]
    (tmp_path / ".config" / "kastor" / "contexts.json").write_text("{")
    assert complete("kastor graph list --context pl") == [""]
