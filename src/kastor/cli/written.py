"""What commands say of what they wrote, in words or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.cli.output import Output, say
from kastor.cli.rows import show_document

if TYPE_CHECKING:
    from kastor.client import Patched
    from kastor.types import Document

NOTHING_CHANGED = "Dry run: nothing was changed."


def show_thing(document: Document, output: Output) -> None:
    """Print a twin, a component or a relationship; a table leaves out when each value was set."""
    show_document(document if output == Output.JSON else _for_people(document), output)


def _for_people(document: Document) -> Document:
    """Return the members that people read, those of components each in a line."""
    shown: Document = {}
    for name, value in document.items():
        if name == "$metadata":
            wanted = ("$model", "$lastUpdateTime")
            shown |= {each: value[each] for each in wanted if each in value}
        elif isinstance(value, dict) and "$metadata" in value:
            shown |= {f"{name}.{key}": each for key, each in value.items() if key != "$metadata"}
        else:
            shown[name] = value
    # What describes the thing comes before what it says.
    return dict(sorted(shown.items(), key=lambda each: not each[0].startswith("$")))


def tell_stored(document: Document, what: str, output: Output, *, dry_run: bool) -> None:
    """Say that something is stored now; as JSON, what."""
    if output == Output.JSON:
        show_document(document, output)
    elif dry_run:
        say(f"{what} would be stored so:")
        show_thing(document, output)
        say(NOTHING_CHANGED)
    else:
        say(f"{what} is stored; its ETag is {document.get('$etag')}")


def tell_patched(
    found: Patched, ids: Document, what: str, output: Output, *, dry_run: bool
) -> None:
    """Say that something was changed; as JSON, its ids and ETag, or the document of a dry run."""
    if dry_run and found.document is not None:
        tell_stored(found.document, what, output, dry_run=True)
    elif output == Output.JSON:
        show_document(ids | {"$etag": found.etag}, output)
    else:
        say(f"{what} is changed; its ETag is {found.etag}")


def tell_gone(
    ids: Document, what: str, output: Output, *, dry_run: bool, with_it: Document | None = None
) -> None:
    """Say that something is gone.

    Args:
        ids: members that name it, as JSON.
        what: its name, as a sentence begins.
        output: how it is said.
        dry_run: whether it is there still.
        with_it: further members, as JSON.
    """
    if output == Output.JSON:
        show_document(ids | (with_it or {}) | {"deleted": True, "dryRun": dry_run}, output)
    elif dry_run:
        say(f"{what} would be deleted. {NOTHING_CHANGED}")
    else:
        say(f"{what} is gone.")
