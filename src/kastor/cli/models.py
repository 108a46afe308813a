"""`kastor models`: check, draw and describe DTDL models in files; those of a server elsewhere."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kastor import __version__, dtdl
from kastor.cli.commands import CommandEntry, Commands
from kastor.cli.model_sets import models_of_files
from kastor.cli.output import Exit, fail, say
from kastor.cli.sources import INCOMPLETE, Sources
from kastor.dtdl import report
from kastor.dtdl.describe import describe as describe_element
from kastor.dtdl.diagram import as_dot, as_mermaid
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

app = Commands(
    (
        CommandEntry(
            "list",
            "kastor.cli.stored_models:list_command",
            "Print the models that a server has: ids, names, when they came, which are "
            "decommissioned.",
        ),
        CommandEntry(
            "show",
            "kastor.cli.stored_models:show",
            "Print what a model is and has; with --definition its DTDL document alone.",
        ),
        CommandEntry(
            "upload",
            "kastor.cli.upload_models:upload",
            "Upload models, each after those that it needs; all are checked before the first is "
            "sent.",
        ),
        CommandEntry(
            "delete",
            "kastor.cli.models_deletion:delete",
            "Delete models that no other one needs; their twins stay, without a model. It asks "
            "first.",
        ),
        CommandEntry(
            "decommission",
            "kastor.cli.stored_models:decommission",
            "Let a model have no new twins; those that it has go on.",
        ),
        CommandEntry(
            "download",
            "kastor.cli.download_models:download",
            "Write models into files: a file for each, in the folders that its id names, or one "
            "of all.",
        ),
        CommandEntry(
            "json-schema",
            "kastor.cli.model_types:json_schema",
            "Print the JSON Schema of bodies of twins and relationships.",
        ),
        CommandEntry(
            "generate",
            "kastor.cli.model_types:generate",
            "Write classes for twins and relationships in a programming language.",
        ),
    )
)


class Format(StrEnum):
    """How problems are written."""

    text = "text"
    json = "json"
    github = "github"
    sarif = "sarif"


class Picture(StrEnum):
    """How a graph is written."""

    mermaid = "mermaid"
    dot = "dot"


class Profile(StrEnum):
    """Whose rules hold."""

    server = "server"
    dtdl = "dtdl"
    adt = "adt"


class Tolerance(StrEnum):
    """Whether extensions that are not known pass."""

    default = "default"
    always = "always"
    never = "never"


Paths = Annotated[
    list[str], typer.Argument(help="Files and folders with models; - reads standard input.")
]


def _parse(
    sources: Sources,
    *,
    max_version: int = 4,
    profile: Literal["dtdl", "server", "adt"] = "dtdl",
    undefined: Literal["default", "always", "never"] = "default",
    limits: Sequence[str] = (),
) -> dtdl.ModelSet:
    return dtdl.parse(
        sources.texts,
        max_version=max_version,
        profile=profile,
        allow_undefined_extensions=undefined,
        limit_contexts=[f"dtmi:dtdl:limits:{name}" for name in limits],
        keep_going=True,
    )


@app.command()
def validate(
    paths: Paths,
    output: Annotated[
        Format, typer.Option("--format", "-f", help="How problems are written.")
    ] = Format.text,
    profile: Annotated[
        Profile,
        typer.Option(
            help="server: what a server takes; dtdl: the language alone; "
            "adt: what Azure Digital Twins takes."
        ),
    ] = Profile.server,
    max_version: Annotated[
        int | None, typer.Option(min=2, max=4, help="Newest DTDL version; 3 with --profile adt.")
    ] = None,
    undefined_extensions: Annotated[
        Tolerance, typer.Option(help="Whether unknown extensions pass; by default in DTDL 2 only.")
    ] = Tolerance.default,
    limits: Annotated[
        list[str] | None,
        typer.Option(help="A limits context to accept; repeatable.", metavar="<aio|onvif>"),
    ] = None,
) -> None:
    """Check models; all files together make one set.

    Exit status: 0 all valid, 1 there are problems, 2 files can not be read.
    """
    sources = Sources(paths)
    problems: tuple[dtdl.Problem, ...] = ()
    count, complete = 0, True
    try:
        models = _parse(
            sources,
            max_version=max_version or (3 if profile is Profile.adt else 4),
            profile=profile.value,
            undefined=undefined_extensions.value,
            limits=limits or (),
        )
        count = len(models.interfaces)
    except dtdl.DtdlError as error:
        problems, complete = error.causes, error.complete
    say(_rendered(output, problems, sources, count, complete=complete))
    raise typer.Exit(1 if problems else 0)


def _rendered(
    output: Format,
    problems: tuple[dtdl.Problem, ...],
    sources: Sources,
    count: int,
    *,
    complete: bool,
) -> str:
    notes = [*sources.notes, *([] if complete else [INCOMPLETE])]
    if output is Format.json:
        return report.as_json(problems, sources.names, sources.skipped, complete)
    if output is Format.github:
        return report.as_github(problems, sources.names, notes)
    if output is Format.sarif:
        return report.as_sarif(problems, sources.names, __version__, notes)
    shown = [report.as_text(problems, sources.names, sources.shown)] if problems else []
    return "\n".join([*shown, *notes, _total(problems, sources, count)])


def _total(problems: tuple[dtdl.Problem, ...], sources: Sources, count: int) -> str:
    files = counted(len(sources.names), "file")
    if not problems:
        return f"{counted(count, 'interface')} in {files}: all valid."
    bad = len({problem.document for problem in problems})
    return f"{counted(len(problems), 'problem')} in {bad} of {files}."


@app.command()
def graph(
    paths: Paths,
    output: Annotated[
        Picture, typer.Option("--format", "-f", help="The notation of the graph.")
    ] = Picture.mermaid,
) -> None:
    """Draw inheritance, relationships and components of models."""
    models = models_of_files(paths)
    say(as_mermaid(models) if output is Picture.mermaid else as_dot(models))


@app.command()
def describe(
    identifier: Annotated[str, typer.Argument(metavar="DTMI", help="Id of a model or element.")],
    paths: Paths,
) -> None:
    """Say what an interface has, inherited contents included, or what another element is."""
    models = models_of_files(paths)
    try:
        say(describe_element(models, identifier))
    except KeyError:
        fail(f"There is no {identifier} in these files.", Exit.NOT_FOUND)
