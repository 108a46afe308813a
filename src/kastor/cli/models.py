"""`kastor models`: check, draw and describe DTDL models in files, without a server."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kastor import __version__, dtdl
from kastor.cli.output import fail
from kastor.dtdl import report
from kastor.dtdl.describe import describe as describe_element
from kastor.dtdl.diagram import as_dot, as_mermaid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

STDIN = "-"
USAGE = 2


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


class _Sources:
    """The texts of some files, under the names that problems show."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.names: list[str] = []
        self.texts: list[str | bytes] = []
        for path in paths:
            if path == STDIN:
                self._add("<stdin>", sys.stdin.buffer.read())
                continue
            for file in _files(Path(path)):
                try:
                    self._add(file.as_posix(), file.read_bytes())
                except OSError as error:
                    fail(f"can not read {file}: {error.strerror}", USAGE)
        if not self.names:
            fail("there are no .json files there", USAGE)

    def _add(self, name: str, data: bytes) -> None:
        self.names.append(name)
        try:
            # Editors on Windows begin files with a mark that JSON does not know.
            self.texts.append(data.decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.texts.append(data)

    @property
    def shown(self) -> list[str | None]:
        """The texts that can be shown."""
        return [text if isinstance(text, str) else None for text in self.texts]


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*.json") if file.is_file())
    elif path.exists():
        yield path
    else:
        fail(f"there is no {path}", USAGE)


def _parse(
    sources: _Sources,
    *,
    max_version: int = 4,
    profile: Literal["dtdl", "adt"] = "dtdl",
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
        Profile, typer.Option(help="adt: also what Azure Digital Twins refuses.")
    ] = Profile.dtdl,
    max_version: Annotated[
        int | None, typer.Option(min=2, max=4, help="Newest DTDL version; 3 with --profile adt.")
    ] = None,
    undefined_extensions: Annotated[
        Tolerance, typer.Option(help="Whether unknown extensions pass; by default in DTDL 2 only.")
    ] = Tolerance.default,
    limits: Annotated[
        list[str] | None, typer.Option(help="A limits context to accept: aio or onvif.")
    ] = None,
) -> None:
    """Check models; all files together make one set.

    Exit status: 0 all valid, 1 there are problems, 2 files can not be read.
    """
    sources = _Sources(paths)
    problems: tuple[dtdl.Problem, ...] = ()
    count = 0
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
        problems = error.problems
    print(_rendered(output, problems, sources, count))
    raise typer.Exit(1 if problems else 0)


def _rendered(
    output: Format, problems: tuple[dtdl.Problem, ...], sources: _Sources, count: int
) -> str:
    if output is Format.json:
        return report.as_json(problems, sources.names)
    if output is Format.github:
        return report.as_github(problems, sources.names)
    if output is Format.sarif:
        return report.as_sarif(problems, sources.names, __version__)
    if not problems:
        return f"{_number(count, 'interface')} in {_number(len(sources.names), 'file')}: all valid."
    bad = len({problem.document for problem in problems})
    total = (
        f"{_number(len(problems), 'problem')} in {bad} of {_number(len(sources.names), 'file')}."
    )
    return f"{report.as_text(problems, sources.names, sources.shown)}\n{total}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _valid_models(paths: Sequence[str]) -> dtdl.ModelSet:
    sources = _Sources(paths)
    try:
        return _parse(sources)
    except dtdl.DtdlError as error:
        print(report.as_text(error.problems, sources.names, sources.shown), file=sys.stderr)
        fail("the models are not valid")


@app.command()
def graph(
    paths: Paths,
    output: Annotated[
        Picture, typer.Option("--format", "-f", help="The notation of the graph.")
    ] = Picture.mermaid,
) -> None:
    """Draw inheritance, relationships and components of models."""
    models = _valid_models(paths)
    print(as_mermaid(models) if output is Picture.mermaid else as_dot(models))


@app.command()
def describe(
    identifier: Annotated[str, typer.Argument(metavar="DTMI", help="Id of a model or element.")],
    paths: Paths,
) -> None:
    """Say what an interface has, inherited contents included, or what another element is."""
    models = _valid_models(paths)
    try:
        print(describe_element(models, identifier))
    except KeyError:
        fail(f"there is no {identifier} in these files")
