"""`kastor models download`: the models of a server as files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kastor.cli.connection import Connection
from kastor.cli.output import Exit, Output, OutputOption, fail, say
from kastor.cli.rows import show_document
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kastor.types import Document

_DTMI = re.compile(r"dtmi:[A-Za-z0-9_]+(?::[A-Za-z0-9_]+)*(?:;[0-9]+(?:\.[0-9]+)?)?", re.ASCII)
_SHOWN = 10
_AT_ONCE = 50
"""Ids in one request; an address may not be too long."""


def download(
    connection: Connection,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DTMIS",
            help="Ids of models, which come with those that they need; all without.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        Path,
        typer.Option("--to", help="A folder, or one file that ends in .json.", metavar="PATH"),
    ] = Path("models"),
    flat: Annotated[
        bool,
        typer.Option("--flat", help="All files in the folder itself, none in folders of it."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that have other content.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Write models into files: a file for each, in the folders that its id names, or one of all.

    dtmi:com:example:Thermostat;1 becomes dtmi/com/example/thermostat-1.json, as model repositories
    have it. `kastor models upload` takes the folder or the file.
    """
    found: dict[str, Document] = {}
    wanted = list(models or ())
    with connection.client() as client:
        # What several of them need comes with each.
        for at in range(0, max(1, len(wanted)), _AT_ONCE):
            some = wanted[at : at + _AT_ONCE]
            found |= {
                each["id"]: each["model"] for each in client.models.list(some, definitions=True)
            }
    if to.suffix.lower() == ".json":
        files = {to: _text(_ordered(found))} if found else {}
    else:
        files = _files(found, to, flat=flat)
    _write(files, overwrite=overwrite)
    if output == Output.JSON:
        said = {"models": list(found), "files": [each.as_posix() for each in files]}
        show_document(said, output)
    elif not found:
        say("No models. `kastor models upload` brings some.")
    else:
        into = str(to) if to in files else f"{counted(len(files), 'file')} of {to}"
        say(f"Wrote {counted(len(found), 'model')} into {into}.")


def path_of(model: str, *, flat: bool) -> Path:
    """Return the path of a model's file below a folder.

    Ends the command where the id is no DTMI: it would lead anywhere.
    """
    if not _DTMI.fullmatch(model):
        fail(f"The server has a model whose id is none and names no file: {model!r}.")
    name = model.replace(";", "-")
    if flat:
        return Path(f"{name.removeprefix('dtmi:').replace(':', '.')}.json")
    return Path(*f"{name.lower()}.json".split(":"))


def _ordered(found: Mapping[str, Document]) -> list[Document]:
    from kastor.moving.model_order import in_order

    return [model for group in in_order(found.values()) for model in group]


def _files(found: Mapping[str, Document], folder: Path, *, flat: bool) -> dict[Path, str]:
    files: dict[Path, str] = {}
    owners: dict[str, str] = {}
    for identifier, model in found.items():
        path = folder / path_of(identifier, flat=flat)
        # Not every file system tells upper case from lower case.
        other = owners.setdefault(str(path).lower(), identifier)
        if other != identifier:
            fail(
                f"{other} and {identifier} would be one file, {path}. Give one file for all, such "
                "as --to models.json."
            )
        files[path] = _text(model)
    return files


def _write(files: Mapping[Path, str], *, overwrite: bool) -> None:
    """Write files; none of them where one is there with other content."""
    try:
        other = [] if overwrite else [path for path in files if _differs(path, files[path])]
        if other:
            fail(_there(other), Exit.CONFLICT)
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        fail(f"{error.filename} cannot be written: {error.strerror}.")


def _differs(path: Path, text: str) -> bool:
    return path.exists() and (not path.is_file() or path.read_bytes() != text.encode())


def _there(other: Sequence[Path]) -> str:
    names = "".join(f"\n  {each}" for each in other[:_SHOWN])
    more = f"\n  and {len(other) - _SHOWN} more" if len(other) > _SHOWN else ""
    return (
        f"{counted(len(other), 'file')} with other content:{names}{more}\nNothing was written. "
        "--overwrite replaces files; or name another folder by --to."
    )


def _text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
