"""The manifest of a backup: what is in it, by counts and hashes; format 1 (decisions 5).

Everything that comes out of a manifest is bounded and checked here: names lead to no other folder,
hashes are hashes, and no number is negative.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from kastor import __version__
from kastor.errors import CannotStartError
from kastor.storage.tables import COPIED
from kastor.storage.transfer import NO_ROWS, TableDigest

FORMAT = 1
MANIFEST = "manifest.json"
SUFFIX = ".jsonl.zst"
LONGEST_MANIFEST = 16 * 2**20
MOST_GRAPHS = 10_000
ADDED = frozenset({"origins", "saved", "vector_indexes", "vectors"})
"""Tables that backups of this format may lack: those made before there were such."""
LARGEST_PRIVATE_FILE = 4 * 2**20
"""Bytes of a file of tokens, certificates or secrets."""

Sha256: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**62)]
GraphName: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")]
PrivatePath: TypeAlias = Annotated[
    str, Meta(pattern=r"^(?:tokens|(?:tls|secrets)/[A-Za-z0-9_][A-Za-z0-9._-]{0,199})\Z")
]


class BackupError(CannotStartError):
    """A backup that is damaged or cannot be made, or a place where none can go; says what to do."""


class TableEntry(Struct, frozen=True):
    """A table: its rows, and the digest that `kastor.storage.transfer` makes of them."""

    rows: Count
    sha256: Sha256


class GraphEntry(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A graph and its file.

    Attributes:
        host_name: the `source` of its events.
        model_epoch: how often its models changed.
        last_tick: time of its newest change, in ticks.
        time: the same for people.
        position: of the newest entry of its change log there ever was.
        history_from: the position of the oldest state that is kept.
        history: how much of the past is kept, as JSON; None: as the server says.
        size, sha256: of the file as it is stored; the size in bytes.
        decompressed_bytes, longest_line: of what is in it, in bytes.
        indexes: paths of its property indexes.
        parts: into how many files the file was cut, named FILE.000001 and so on; 0: it is one.
        signing_key: of its continuation tokens; only in backups with secrets.
    """

    name: GraphName
    host_name: Annotated[str, Meta(min_length=1, max_length=300)]
    model_epoch: Count
    last_tick: Count
    time: Annotated[str, Meta(max_length=40)]
    position: Count
    size: Count = msgspec.field(name="bytes")
    sha256: Sha256
    decompressed_bytes: Count
    longest_line: Count
    tables: dict[str, TableEntry]
    indexes: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=10_000)
    ]
    history_from: Count = 0
    history: Annotated[str, Meta(max_length=1_048_576)] | None = None
    parts: Annotated[int, Meta(ge=0, le=999_999)] = 0
    signing_key: Annotated[bytes, Meta(min_length=16, max_length=1_024)] | None = None

    @property
    def file(self) -> str:
        """Name of its file."""
        return file_of(self.name)

    @property
    def files(self) -> list[str]:
        """Names of the files that are its file one after the other."""
        return [part_of(self.file, n) for n in range(1, self.parts + 1)] or [self.file]

    @property
    def digests(self) -> dict[str, TableDigest]:
        """The digests of its tables, also of those that it lacks."""
        found = {name: TableDigest(each.rows, each.sha256) for name, each in self.tables.items()}
        return {**dict.fromkeys(ADDED, NO_ROWS), **found}

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())


class PrivateEntry(Struct, frozen=True):
    """A file of the data folder that is nobody else's: tokens, certificates, secrets.

    Attributes:
        path: where it belongs, from the data folder on.
        file: its name in the backup.
        size: in bytes.
    """

    path: PrivatePath
    file: Annotated[str, Meta(pattern=r"^private-[0-9]{1,5}\Z")]
    size: Annotated[int, Meta(ge=0, le=LARGEST_PRIVATE_FILE)] = msgspec.field(name="bytes")
    sha256: Sha256


class Manifest(Struct, frozen=True, omit_defaults=True):
    """What is in a backup.

    Attributes:
        kastor: the version that made it.
        engine: that kept the graphs; restored are they on any.
        created: when, for people.
    """

    format: int
    kastor: Annotated[str, Meta(max_length=100)]
    engine: Annotated[str, Meta(max_length=40)]
    created: Annotated[str, Meta(max_length=40)]
    graphs: Annotated[tuple[GraphEntry, ...], Meta(min_length=1, max_length=MOST_GRAPHS)]
    private: Annotated[tuple[PrivateEntry, ...], Meta(max_length=1_000)] = ()

    @property
    def files(self) -> list[str]:
        """Names of all files beside the manifest."""
        graphs = [name for graph in self.graphs for name in graph.files]
        return [*graphs, *(each.file for each in self.private)]


class _Head(Struct):
    format: int


def new_manifest(
    engine: str, created: str, graphs: list[GraphEntry], private: list[PrivateEntry]
) -> Manifest:
    """Return the manifest of a backup that this program makes."""
    return Manifest(FORMAT, __version__, engine, created, tuple(graphs), tuple(private))


def file_of(graph: str) -> str:
    """Return the name of a graph's file."""
    return f"{graph}{SUFFIX}"


def part_of(file: str, number: int) -> str:
    """Return the name of a part of a file; the first has the number 1."""
    return f"{file}.{number:06}"


def encode_manifest(manifest: Manifest) -> bytes:
    """Return a manifest as it is stored."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode_manifest(text: bytes) -> Manifest:
    """Return the manifest that a text is.

    Raises:
        BackupError: it is none, or one of a format that this program does not know.
    """
    try:
        found = msgspec.json.decode(text, type=_Head).format
        if found != FORMAT:
            raise BackupError(
                f"The backup has format {found}, and this Kastor reads format {FORMAT}. Restore it "
                "with the Kastor that made it, or a newer one."
            )
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BackupError(
            f"The backup is damaged: {MANIFEST} is no manifest ({error}). Use another backup."
        ) from error
    _require_consistent(manifest)
    return manifest


def _require_consistent(manifest: Manifest) -> None:
    names = [graph.name for graph in manifest.graphs]
    paths = [each.path for each in manifest.private]
    for what in (names, paths, [each.file for each in manifest.private]):
        if len(set(what)) < len(what):
            raise BackupError(
                f"The backup is damaged: {MANIFEST} names something twice. Use another backup."
            )
    wanted = {table.name for table in COPIED}
    for graph in manifest.graphs:
        if different := (wanted | ADDED) ^ (graph.tables.keys() | ADDED):
            odd = ", ".join(sorted(different))[:200]
            raise BackupError(
                f"The backup is damaged: the tables of the graph {graph.name} are not those of "
                f"format {FORMAT} ({odd}). Use another backup."
            )
