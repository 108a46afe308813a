"""`kastor reset`: empties graphs where they are stored, without a server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.output import ask, fail, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.config import Settings
    from kastor.storage.sqlite.placement import FilePlacement


def reset(
    data: Annotated[
        Path | None, typer.Option(help="The data folder; default as for `kastor serve`.")
    ] = None,
    db: Annotated[
        str | None, typer.Option(help="The database; default as for `kastor serve`.", metavar="DSN")
    ] = None,
    graph_schema: Annotated[
        str | None, typer.Option(help="Schema of the default graph.", metavar="NAME")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The TOML file that `kastor serve` is given.")
    ] = None,
    graph: Annotated[
        list[str] | None,
        typer.Option(help="Empty this graph and not the default one; repeatable.", metavar="NAME"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Empty every graph.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete what is in a graph: models, twins, relationships and history.

    Without --graph or --all that is the default graph; the others stay and are named.
    Certificates and tokens stay. With a data folder the server must not be running.
    """
    from kastor.config import storage_settings

    if graph and every:
        fail("Give either --graph or --all, not both.", 2)
    given = {"data": data, "db": db, "graph_schema": graph_schema}
    flags = {name: value for name, value in given.items() if value is not None}
    settings = storage_settings(flags, config)
    wanted = None if every else graph or ["default"]
    if settings.db is None:
        _reset_files(settings, wanted, yes)
    else:
        asyncio.run(_reset_schemas(settings, wanted, yes))


def _reset_files(settings: Settings, wanted: list[str] | None, yes: bool) -> None:
    from kastor.storage.sqlite.folder import DataFolder
    from kastor.storage.sqlite.placement import FilePlacement

    folder = DataFolder(settings.data)
    placement = FilePlacement(folder.graph_file.parent)
    names = sorted(asyncio.run(placement.places()))
    if not names or (wanted == ["default"] and "default" not in names):
        say(f"There is no graph in {folder.path}.")
        return
    chosen = _choose(names, wanted, str(folder.path))
    _ask(chosen, names, f"in {folder.path}", yes)
    folder.acquire()
    try:
        asyncio.run(_make_anew(placement, chosen))
    finally:
        folder.release()
    _tell(chosen, f"in {folder.path}", "gone")


async def _make_anew(placement: FilePlacement, names: Sequence[str]) -> None:
    from kastor.errors import KastorError
    from kastor.storage.placement import DEFAULT, Wish
    from kastor.storage.refusals import GraphRefusedError

    for name in names:
        try:
            await placement.remove(name)
            if name != DEFAULT:  # which every start makes
                await placement.add(name, Wish())
        except KastorError as error:
            fail(error.message)
        except (GraphRefusedError, OSError) as error:
            fail(f"The graph {name} cannot be made anew: {error}")


async def _reset_schemas(settings: Settings, wanted: list[str] | None, yes: bool) -> None:
    from kastor.errors import KastorError
    from kastor.hosting.open import make_databases
    from kastor.server.run import empty

    databases = make_databases(settings)
    try:
        from kastor.storage.postgres.placement import SchemaPlacement

        places = await SchemaPlacement(databases, settings.graph_schema).places()
        where = f"of {places['default'].address}"
        chosen = _choose(sorted(places), wanted, places["default"].address)
        _ask(chosen, sorted(places), where, yes)
        for name in chosen:
            await empty(settings, databases, places[name])
    except KastorError as error:
        fail(error.message)
    finally:
        await databases.close()
    _tell(chosen, where, "empty")


def _choose(names: Sequence[str], wanted: list[str] | None, where: str) -> list[str]:
    chosen = list(names) if wanted is None else sorted(set(wanted))
    missing = [name for name in chosen if name not in names]
    if missing:
        fail(f"There is no graph {', '.join(missing)} at {where}; there is {', '.join(names)}.")
    return chosen


def _ask(chosen: Sequence[str], names: Sequence[str], where: str, yes: bool) -> None:
    """Say what will be emptied and what will not, and ask unless that was answered already."""
    left = [name for name in names if name not in chosen]
    if left:
        say(f"These graphs stay as they are: {', '.join(left)} (see --graph and --all).")
    what = "the whole graph" if chosen == ["default"] else f"all that is in {_named(chosen)}"
    if not yes:
        ask(f"Delete {what} {where}?")


def _tell(chosen: Sequence[str], where: str, end: str) -> None:
    if chosen == ["default"]:
        say(f"The graph {where} is {end}.")
    else:
        say(f"{_named(chosen)} {where}: empty.")


def _named(names: Sequence[str]) -> str:
    return f"the graph{'s' if len(names) > 1 else ''} {', '.join(names)}"
