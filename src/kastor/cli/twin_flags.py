"""Arguments and flags that several commands of `kastor twin` have.

Ids are arguments, and flags too for whoever is used to `az dt`.
"""

from __future__ import annotations

from typing import Annotated

import typer

Twin = Annotated[
    str | None, typer.Argument(metavar="TWIN", help="Id of the twin.", show_default=False)
]
TwinFlag = Annotated[
    str | None,
    typer.Option("--twin-id", "-t", help="Id of the twin, in the argument's place.", metavar="ID"),
]
Source = Annotated[
    str | None,
    typer.Argument(metavar="SOURCE", help="Id of the twin that it goes from.", show_default=False),
]
SourceFlag = Annotated[
    str | None,
    typer.Option(
        "--twin-id",
        "-t",
        "--source",
        help="Id of the twin that it goes from, in the argument's place.",
        metavar="ID",
    ),
]
Relationship = Annotated[
    str | None,
    typer.Argument(metavar="RELATIONSHIP", help="Id of the relationship.", show_default=False),
]
RelationshipFlag = Annotated[
    str | None,
    typer.Option(
        "--relationship-id",
        "-r",
        help="Id of the relationship, in the argument's place.",
        metavar="ID",
    ),
]
Component = Annotated[
    str | None,
    typer.Argument(metavar="COMPONENT", help="Name of the component.", show_default=False),
]
ComponentFlag = Annotated[
    str | None,
    typer.Option(
        "--component", help="Name of the component, in the argument's place.", metavar="NAME"
    ),
]
KIND_FLAGS = ("--kind", "--name", "--relationship")
Properties = Annotated[
    str | None,
    typer.Option(
        "--properties",
        "-p",
        help="JSON object of properties: text, @FILE, or - for standard input.",
        metavar="JSON",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="A property, typed by the model: temperature=21.5 or thermostat.setPoint=20; "
        "repeatable.",
        metavar="PATH=VALUE",
    ),
]
Remove = Annotated[
    list[str] | None,
    typer.Option("--remove", help="A property that is to go; repeatable.", metavar="PATH"),
]
Patch = Annotated[
    str | None,
    typer.Option(
        "--json-patch",
        "--jp",
        help="JSON Patch: text, @FILE, or - for standard input.",
        metavar="JSON",
    ),
]
IfNoneMatch = Annotated[
    bool,
    typer.Option(
        "--if-none-match", help="Only create it; without that one of this id is replaced."
    ),
]
ETag = Annotated[
    str | None,
    typer.Option(
        "--etag", "-e", help="Only if this is its ETag, as `show` tells it.", metavar="ETAG"
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only try: say what would come of it, and change nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
