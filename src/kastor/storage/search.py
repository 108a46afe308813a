"""What the search package needs of a store: the graph to read from, and the index to write to.

The index is derived: it may be thrown away at any time, and whoever follows the change log makes it
anew. What is written goes with the position that it is of, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from kastor.errors import Unavailable
from kastor.types import ModelId, TwinId

IndexedKind: TypeAlias = Literal["twin", "model"]
"""What has rows of its own in the index; of names of relationships it has counts."""

MODEL, TWIN = 0, 1
NUMBERS = 2**48
"""Rows are numbered by kind and key, so that a kind is one stretch of them."""
KINDS: dict[IndexedKind, int] = {"model": MODEL, "twin": TWIN}

CANDIDATES = 200
"""Rows that each step of a search by trigrams finds, at most."""
PORTION_BYTES = 2 * 2**20
"""Of documents that a scan reads together; the one that reaches them is the last."""
SAMPLED = 500
"""Rows by which is told how frequent a trigram is."""
MOST_WORDS = 200_000
"""Of the vocabulary."""
MOST_RESEMBLING = 8
"""Words that are searched for in place of one."""


class IndexDamagedError(Unavailable):
    """The index cannot be read or written any more; the graph is as it was."""


@dataclass(frozen=True, slots=True)
class IndexedText:
    """What is found of a twin or a model.

    Attributes:
        key: of the graph's row.
        name: what people call it; None where it has none but its id.
        model: the id of a twin's model.
        fields: (path, text) of everything, id and name included.
        heads: how many of them, from the first on, are id and names.
    """

    kind: IndexedKind
    key: int
    id: str
    name: str | None
    model: ModelId | None
    fields: tuple[tuple[str, str], ...]
    heads: int

    @property
    def number(self) -> int:
        """The number of its row."""
        return KINDS[self.kind] * NUMBERS + self.key


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A twin or a model as it is stored now; `doc` is its JSON text."""

    key: int
    id: str
    doc: bytes


@dataclass(frozen=True, slots=True)
class NameCounts:
    """How many relationships have which name.

    Attributes:
        position: of the change log that they are of.
        unplaced: event ids of later entries that are counted already.
    """

    position: int
    unplaced: tuple[str, ...]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class IndexState:
    """Where the index stands.

    Attributes:
        source: of which graph it is; its host name.
        position: the index holds all that the log tells up to here.
        mark: the event id of the entry at `position`; empty where none is known.
        scan: the number of the scan that is under way, or of the last one; 0 before the first.
        place: where the scan is, as its reader wrote it; None where none is under way.
        target: the position at which it began.
        done: how much it has read.
        counted: the position that counts of names are of, where it is a later one.
        unplaced: see NameCounts.
    """

    source: str = ""
    position: int = 0
    mark: str = ""
    scan: int = 0
    place: str | None = None
    target: int = 0
    done: int = 0
    counted: int = 0
    unplaced: tuple[str, ...] = ()

    @property
    def building(self) -> bool:
        """Whether a scan is under way, or has to be."""
        return self.scan == 0 or self.place is not None


@dataclass(slots=True)
class IndexBatch:
    """What is written in one transaction, with the state that follows from it.

    Attributes:
        put: rows that are as they were are left alone.
        twins, models: ids of what is gone.
        counted: what is added to counts of names, or taken off.
        counts: what replaces all of them; None to keep them.
        sweep: whether rows go that no scan from `state.scan` on has met.
    """

    state: IndexState
    put: list[IndexedText] = field(default_factory=list)
    twins: list[TwinId] = field(default_factory=list)
    models: list[ModelId] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] | None = None
    sweep: bool = False


@dataclass(frozen=True, slots=True)
class IndexQuestion:
    """A question to the index.

    Attributes:
        kind: what is asked for.
        text: all of it, folded.
        words: those of three letters and more.
        short: the others.
        limit: how many hits are wanted.
        seconds: after which it gives what it has.
        suits: whether the JSON of a row's texts answers what the index cannot tell; None: all do.
    """

    kind: IndexedKind
    text: str
    words: tuple[str, ...]
    short: tuple[str, ...]
    limit: int
    seconds: float
    suits: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class IndexedRow:
    """A row that answers a question; `fields` is JSON, pairs of path and text."""

    id: str
    name: str | None
    model: ModelId | None
    fields: bytes


@dataclass(slots=True)
class Candidates:
    """What the index found.

    Attributes:
        rows: each once, in order of the steps that found them.
        resembling: words of the vocabulary by the word that they resemble, if they were asked for.
        cut: whether there may be more.
    """

    rows: list[IndexedRow] = field(default_factory=list)
    resembling: dict[str, tuple[str, ...]] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Shares:
    """In what part of a sample of rows a trigram is: of ids and names, and of everything."""

    heads: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, float] = field(default_factory=dict)


class SearchStore(Protocol):
    """One graph's search index.

    Attributes:
        shared: other processes may serve the graph too, so one of them holds the index.
    """

    shared: bool

    async def prepare(self) -> None:
        """Make what is missing of the index, and make anew what is damaged or of another format."""

    async def clear(self) -> None:
        """Throw away what is in it, and make it anew."""

    async def hold(self, owner: str, seconds: float) -> bool:
        """Claim the index for a while; return whether `owner` has it."""

    async def keep(self, owner: str, seconds: float) -> bool:
        """Renew a claim; return False where it was taken away or given up."""

    async def let_go(self, owner: str) -> None:
        """Give it up before its time is over."""

    async def holder(self) -> str | None:
        """Return who has it now; None where nobody does, or where nobody else can."""

    async def state(self) -> IndexState:
        """Return where it stands."""

    async def write(self, owner: str, batch: IndexBatch) -> bool:
        """Write a batch in one transaction; return False where `owner` has lost the index.

        Raises:
            IndexDamagedError: the index cannot be used any more; `prepare` makes it anew.
            Unavailable: nothing was written.
        """

    async def twins(self, ids: list[TwinId]) -> list[SourceRow]:
        """Return those of these twins that exist now."""

    async def models(self, ids: list[ModelId]) -> list[SourceRow]:
        """Return those of these models that are stored now."""

    async def next_rows(self, kind: IndexedKind, after: int, limit: int) -> list[SourceRow]:
        """Return what is stored of a kind in order of keys, strictly after a key.

        Up to `limit`; fewer where their documents are large.
        """

    async def count_names(self) -> NameCounts:
        """Count relationships by name; reads all of them."""

    async def sample(self) -> None:
        """Look anew at how frequent trigrams are; questions are asked by the rare ones."""

    async def find(self, asked: IndexQuestion) -> Candidates:
        """Return rows that answer a question.

        Raises:
            IndexDamagedError: as `write`.
            Unavailable: the store does not answer.
        """

    async def names(self, limit: int) -> list[tuple[str, int]]:
        """Return names of relationships with their counts, the most frequent ones first."""
