"""Flags of an import that speak of tables."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_TABLES = "Tables"


class TableKindFlag(StrEnum):
    """What kind of table a file is."""

    AUTO = "auto"
    CSV = "csv"
    EXCEL = "excel"
    PARQUET = "parquet"
    EXPLORER = "explorer"


Mapping = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What the columns mean; without it their names say so.",
        rich_help_panel=_TABLES,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="DTMI", help="The model of twins whose row names none.", rich_help_panel=_TABLES
    ),
]
Kind = Annotated[
    TableKindFlag,
    typer.Option(help="What the tables are; auto goes by names.", rich_help_panel=_TABLES),
]
Sheet = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The only sheet to read.", rich_help_panel=_TABLES),
]
Separator = Annotated[
    str | None,
    typer.Option(metavar="SIGN", help="Between the cells of a CSV file.", rich_help_panel=_TABLES),
]
Encoding = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of a CSV file; UTF-8 if not told.", rich_help_panel=_TABLES),
]
Decimal = Annotated[
    str,
    typer.Option(metavar="SIGN", help="Before the fraction of a number.", rich_help_panel=_TABLES),
]
Zone = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Time zone of times that have none, such as Europe/Paris.",
        rich_help_panel=_TABLES,
    ),
]
SkipFaults = Annotated[
    bool,
    typer.Option(
        "--skip-faults",
        help="Import the other rows where some cannot be read.",
        rich_help_panel=_TABLES,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where it is written what became of each row: .csv or .ndjson.",
        rich_help_panel=_TABLES,
    ),
]
