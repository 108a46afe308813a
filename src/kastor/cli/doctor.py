"""`kastor doctor`: whether a server can run under these settings, and what to mend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.output import Exit, JsonOption, Output, OutputOption, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.server.doctor.findings import CheckFinding

_Flag = typer.Option


def doctor(
    data: Annotated[
        Path | None, _Flag(help="The data folder; default as for `kastor serve`.")
    ] = None,
    db: Annotated[
        str | None, _Flag(help="PostgreSQL database that holds the graph.", metavar="DSN")
    ] = None,
    config: Annotated[
        Path | None, _Flag(help="The TOML file of settings that `kastor serve` is given.")
    ] = None,
    output: OutputOption = Output.TABLE,
    as_json: JsonOption = False,
) -> None:
    """Look whether a server can run under these settings, and say what to mend.

    It reads files and connects to databases and brokers; nothing is changed, no event is sent, and
    a server may run meanwhile. If something has to be mended it exits with 1.
    """
    from kastor.server.doctor.examine import examine
    from kastor.server.doctor.findings import State

    flags = {name: value for name, value in (("data", data), ("db", db)) if value is not None}
    found = examine(flags, config)
    fine = all(each.state is not State.FAIL for each in found)
    if as_json or output is Output.JSON:
        from kastor.cli.rows import show_document

        checks = [
            {"check": each.check, "state": str(each.state), "told": each.told, "cure": each.cure}
            for each in found
        ]
        show_document({"ok": fine, "checks": checks}, Output.JSON)
    else:
        _show(found)
    if not fine:
        raise typer.Exit(Exit.FAULT)


def _show(found: Sequence[CheckFinding]) -> None:
    width = max(len(each.check) for each in found)
    for each in found:
        say(f"{each.state:4}  {each.check:{width}}  {each.told}")
        if each.cure:
            say(f"{'':{width + 8}}{' '.join(each.cure.split())}")
