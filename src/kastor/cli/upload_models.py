"""`kastor models upload`: files and folders of models, checked here before anything is sent."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from kastor.cli.connection import Connection
from kastor.cli.output import Exit, Output, OutputOption, fail, say
from kastor.cli.progress import rows_shown
from kastor.cli.rows import show_document
from kastor.cli.twin_flags import DryRun
from kastor.cli.written import NOTHING_CHANGED
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kastor.cli.sources import Sources
    from kastor.client import KastorClient
    from kastor.moving.model_order import UploadBounds
    from kastor.types import Document

_SHOWN = 10
_AT_ONCE = 50
"""Ids in one request for what is stored; an address may not be too long."""


class Split(NamedTuple):
    """Models, by whether the server has them.

    Attributes:
        new: documents of those that it lacks.
        there: ids of those that it has, word for word.
    """

    new: list[Document]
    there: list[str]


def upload(
    connection: Connection,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATHS",
            help="Files and folders with models; - reads standard input.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    paths_flag: Annotated[
        list[str] | None,
        typer.Option(
            "--from-directory",
            "--models",
            help="A folder or a file, in the argument's place; repeatable.",
            metavar="PATH",
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Upload models, each after those that it needs; all are checked before the first is sent.

    Models that are there already, and are the same, are left. One that is there with other content
    prevents the upload: a model never changes, but has a new version.
    """
    from kastor.cli.sources import Sources
    from kastor.client import features

    given = [*(paths or ()), *(paths_flag or ())]
    if not given:
        fail("Name files or folders with models; - reads standard input.", Exit.USAGE)
    sources = Sources(given)
    for note in sources.notes:
        say(note, file=sys.stderr)
    with connection.client() as client:
        is_kastor = features.BATCH in client.features()
        documents = _checked(sources, client, is_kastor=is_kastor)
        split = _split(client, documents)
        sent = _send(client, split.new, dry_run=dry_run, is_kastor=is_kastor)
    _tell(split, sent, output, dry_run=dry_run)


def _checked(sources: Sources, client: KastorClient, *, is_kastor: bool) -> list[Document]:
    """Return the models of files; ends the command with every problem that they have."""
    from kastor import dtdl
    from kastor.cli.sources import INCOMPLETE
    from kastor.dtdl import report

    read: list[Any] = []
    try:
        dtdl.parse(
            sources.texts,
            max_version=4 if is_kastor else 3,
            resolver=lambda ids: _stored(client, ids),
            tolerate_solecisms={"resolve"},
            profile="server" if is_kastor else "adt",
            keep_going=True,
            on_read=read.append,
        )
    except dtdl.DtdlError as error:
        say(report.as_text(error.causes, sources.names, sources.shown), file=sys.stderr)
        if not error.complete:
            say(INCOMPLETE, file=sys.stderr)
        fail(f"{counted(len(error.causes), 'problem')}. Nothing was sent.")
    # What the server has was read after them.
    own = read[: len(sources.texts)]
    return [model for value in own for model in (value if isinstance(value, list) else [value])]


def _stored(client: KastorClient, ids: Sequence[str]) -> list[Document]:
    """Return those of some models that a server has."""
    from kastor.client import NotFoundError

    found = []
    for at in range(0, len(ids), _AT_ONCE):
        some = ids[at : at + _AT_ONCE]
        try:
            listed = client.models.list(some, definitions=True)
            found += [each["model"] for each in listed if each["id"] in some]
        except NotFoundError:
            found += _one_by_one(client, some)
    return found


def _one_by_one(client: KastorClient, ids: Sequence[str]) -> Iterator[Document]:
    """Yield those of some models that a server has, of which it lacks one."""
    from kastor.client import NotFoundError

    for each in ids:
        with contextlib.suppress(NotFoundError):
            yield client.models.get(each)["model"]


def _split(client: KastorClient, documents: Sequence[Document]) -> Split:
    """Tell the models that a server lacks from those that it has.

    Ends the command where it has one of them with other content.
    """
    known = {each["id"] for each in client.models.list()}
    common = [each["@id"] for each in documents if each["@id"] in known]
    stored: dict[str, Any] = {}
    for at in range(0, len(common), _AT_ONCE):
        wanted = common[at : at + _AT_ONCE]
        for each in client.models.list(wanted, definitions=True):
            stored[each["id"]] = each["model"]
    other = [
        each["@id"] for each in documents if each["@id"] in stored and each != stored[each["@id"]]
    ]
    if other:
        names = "".join(f"\n  {each}" for each in other[:_SHOWN])
        more = f"\n  and {len(other) - _SHOWN} more" if len(other) > _SHOWN else ""
        fail(
            f"The server has {counted(len(other), 'model')} of these with other content:{names}"
            f"{more}\nNothing was sent. Give what you changed a new version, such as ;2 at the end "
            "of its id, or delete the old one with `kastor models delete`.",
            Exit.CONFLICT,
        )
    new = [each for each in documents if each["@id"] not in stored]
    return Split(new, [each for each in common if each in stored])


def _send(
    client: KastorClient, documents: Sequence[Document], *, dry_run: bool, is_kastor: bool
) -> int:
    """Send models in requests within the bounds of a server, and return how many were.

    Of a dry run the first request alone is sent: the next ones would miss what it did not store.
    """
    from kastor.client import ClientError
    from kastor.moving.model_order import ADT_BOUNDS, KASTOR_BOUNDS, in_order, portions

    bounds: UploadBounds = KASTOR_BOUNDS if is_kastor else ADT_BOUNDS
    tried = client.dry_run() if dry_run else client
    sent = 0
    with contextlib.ExitStack() as stack:
        show = rows_shown(stack)
        for portion in portions(in_order(documents), bounds):
            show("models", sent, len(documents))
            try:
                tried.models.upload(portion)
            except ClientError:
                if sent:
                    say(
                        f"kastor: {sent} of {len(documents)} models were stored before this; the "
                        "same command goes on from there.",
                        file=sys.stderr,
                    )
                raise
            sent += len(portion)
            if dry_run:
                break
        show("models", sent, len(documents))
    return sent


def _tell(split: Split, sent: int, output: Output, *, dry_run: bool) -> None:
    if output == Output.JSON:
        ids = [each["@id"] for each in split.new]
        said = {"uploaded": ids, "alreadyThere": split.there, "dryRun": dry_run}
        show_document(said, output)
        return
    there = ""
    if split.there:
        there = f" {counted(len(split.there), 'model')} of the same content were there already."
        there = there.replace("1 model of the same content were", "1 model of the same content was")
    if not split.new:
        say(f"Nothing to upload.{there}")
        return
    count = counted(len(split.new), "model")
    if not dry_run:
        say(f"Uploaded {count}.{there}")
        return
    rest = len(split.new) - sent
    alone = f" The last {rest} were checked here alone." if rest else ""
    say(f"{count} would be uploaded.{there}{alone} {NOTHING_CHANGED}")
