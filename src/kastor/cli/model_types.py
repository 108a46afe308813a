"""`kastor models json-schema` and `kastor models generate`: types from models."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.commands import Commands
from kastor.cli.connection import Connection
from kastor.cli.output import Exit, fail, say
from kastor.words import counted

if TYPE_CHECKING:
    from kastor.dtdl import ModelSet, ValueRules

generate = Commands()
"""Classes for twins and relationships, by language."""


class ValueProfile(StrEnum):
    """Whose rules for values hold."""

    server = "server"
    adt = "adt"


class Style(StrEnum):
    """What kind of classes is made."""

    dataclasses = "dataclasses"
    pydantic = "pydantic"
    typeddict = "typeddict"


Paths = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files and folders with models; - reads standard input. Without any, the models "
        "of the server.",
    ),
]
ModelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model", help="Only of this model; repeatable.", metavar="DTMI", show_default="all"
    ),
]


@generate.callback()
def _languages() -> None:
    """Write classes for twins and relationships in a programming language."""


def json_schema(
    connection: Connection,
    paths: Paths = None,
    model: ModelOption = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Write a file for each model into this folder, and print none."),
    ] = None,
    profile: Annotated[
        ValueProfile,
        typer.Option(help="server: what Kastor takes; adt: what Azure Digital Twins takes."),
    ] = ValueProfile.server,
) -> None:
    """Print the JSON Schema of bodies of twins and relationships.

    One schema has all models, under their ids in $defs. With --folder each model has its own,
    with its relationships in $defs.
    """
    from kastor.dtdl.json_schema import all_bodies, bodies_of

    models = _models(connection, paths)
    chosen, rules = _chosen(models, model), _rules(profile)
    if folder is None:
        say(json.dumps(all_bodies(models, chosen, rules), indent=2, ensure_ascii=False))
        return
    for identifier in chosen:
        text = json.dumps(bodies_of(models, identifier, rules), indent=2, ensure_ascii=False)
        _write(folder / f"{_file_name(identifier)}.json", f"{text}\n")
    say(f"Wrote {counted(len(chosen), 'schema')} to {folder}.")


@generate.command("python")
def generate_python(
    connection: Connection,
    paths: Paths = None,
    model: ModelOption = None,
    style: Annotated[
        Style,
        typer.Option(
            help="dataclasses; pydantic: models of pydantic 2, which check values; typeddict: "
            "dictionaries as they are sent."
        ),
    ] = Style.dataclasses,
) -> None:
    """Print a Python module with a class for each model and relationship.

    It needs the extra codegen.
    """
    from kastor.cli.python_types import CodegenMissing, python_module

    models = _models(connection, paths)
    try:
        text = python_module(
            models, _chosen(models, model), style.value, _rules(ValueProfile.server)
        )
    except CodegenMissing as error:
        fail(str(error))
    say(text, end="")


def _models(connection: Connection, paths: list[str] | None) -> ModelSet:
    from kastor.cli.model_sets import models_of_files, models_of_server

    found = models_of_files(paths) if paths else models_of_server(connection)
    if not found.interfaces:
        where = "there" if paths else "on the server; `kastor models upload` brings some"
        fail(f"There are no models {where}.", Exit.NOT_FOUND)
    return found


def _chosen(models: ModelSet, wanted: list[str] | None) -> list[str]:
    for identifier in wanted or ():
        if identifier not in models.interfaces:
            fail(f"There is no model {identifier} among these.", Exit.NOT_FOUND)
    return sorted(set(wanted or models.interfaces))


def _rules(profile: ValueProfile) -> ValueRules:
    from kastor.config import Settings
    from kastor.hosting.limits import value_rules

    return value_rules(Settings.model_construct(profile=profile.value))


def _file_name(identifier: str) -> str:
    """Return a name for files from an id, in which other ids have others."""
    return identifier.replace(":", ".").replace(";", "-")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}.")
