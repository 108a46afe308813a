"""Which locations a graph's jobs may read and write, and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kastor.errors import InvalidArgument
from kastor.jobs.locations.allowed import Root, folder_of
from kastor.jobs.locations.files import FileLocation
from kastor.jobs.locations.forms import Location
from kastor.jobs.locations.objects import ObjectLocation
from kastor.jobs.locations.stores import object_place
from kastor.jobs.locations.uris import (
    MOST_CHARACTERS,
    LocationUri,
    UriFormError,
    parse_uri,
    require_name,
    shown,
)
from kastor.jobs.locations.web import WebLocation

EXCHANGE = "exchange"
"""Folder of the data folder with one for each graph, which its jobs may always use."""


class Locations:
    """The locations of one graph's jobs."""

    def __init__(self, roots: Sequence[Root], data: Path, graph: str) -> None:
        self._roots = roots
        self._data = data
        self._graph = graph
        given, found = Path.cwd() / data, data.resolve()
        self._bases = [(*each.parts[1:], EXCHANGE, graph) for each in {given, found}]

    def check(self, uri: str, *, setting: str) -> Location:
        """Return what a URI of a request names.

        Args:
            uri: a URI, or `exchange/<graph>/name` of the data folder.
            setting: what the request calls it, for the message.

        Raises:
            InvalidArgument: it is malformed (jobs 4.1), or no job may use it.
        """
        if uri.startswith(f"{EXCHANGE}/"):
            return self._relative(uri, setting)
        try:
            found = self._found(uri)
        except UriFormError as error:
            raise _malformed(uri, setting, str(error)) from None
        if found is None:
            raise self._not_allowed(uri, setting)
        return found

    def _found(self, uri: str) -> Location | None:
        parsed = parse_uri(uri)
        if not parsed.steps or uri.partition("?")[0].endswith("/"):
            raise UriFormError("it names a folder or container, and no file or blob")
        return self._in_exchange(parsed, uri) or self._below_a_root(parsed, uri)

    def _relative(self, uri: str, setting: str) -> Location:
        steps = tuple(uri.split("/"))
        if len(uri) > MOST_CHARACTERS:
            raise _malformed(uri, setting, f"it has more than {MOST_CHARACTERS} characters")
        try:
            for each in steps:
                require_name(each)
        except UriFormError as error:
            raise _malformed(uri, setting, str(error)) from None
        if steps[:2] != (EXCHANGE, self._graph) or not steps[2:]:
            raise self._not_allowed(uri, setting)
        return FileLocation(uri, self._data, steps, made_from=0)

    def _in_exchange(self, parsed: LocationUri, uri: str) -> Location | None:
        for base in self._bases:
            below = parsed.steps[len(base) :]
            if parsed.scheme == "file" and below and parsed.steps[: len(base)] == base:
                steps = (EXCHANGE, self._graph, *below)
                return FileLocation(shown(uri), self._data, steps, made_from=0)
        return None

    def _below_a_root(self, parsed: LocationUri, uri: str) -> Location | None:
        root = next((each for each in self._roots if parsed.begins_with(each.uri)), None)
        if root is None:
            return None
        below = parsed.steps[len(root.uri.steps) :]
        if root.kind == "file":
            return FileLocation(shown(uri), folder_of(root.uri), below) if below else None
        if root.kind == "web":
            return WebLocation(shown(uri), uri, root.allowed.ca_file)
        return ObjectLocation(shown(uri), object_place(root, parsed), self._data)

    def _not_allowed(self, uri: str, setting: str) -> InvalidArgument:
        return InvalidArgument(
            f"{setting}: {shown(uri)} is none of the locations that jobs of this graph may use: "
            f"{EXCHANGE}/{self._graph}/NAME of the server's data folder, and what begins with a "
            "prefix that --job-location named when the server was started."
        )


def _malformed(uri: str, setting: str, why: str) -> InvalidArgument:
    """Return the error with the sentence that the cloud was recorded to answer."""
    return InvalidArgument(
        f"Azure Storage Blob URI '{shown(uri)}' failed validation. Invalid URI: The format of the "
        f"URI could not be determined. The {setting} is no location of a job: {why}."
    )
