"""What a write is: a command says what its decision has to see, and how it is decided. Pure.

Every command is a frozen class that stands beside its decision; `kastor.graph.commands` has all.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Generic, TypeAlias

from msgspec import Struct

from kastor.graph.documents import with_etag
from kastor.records import Current, Decision, Needs, T
from kastor.types import Etag

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.graph.catalog import ModelCatalog

State: TypeAlias = Current["ModelCatalog"]
"""What a graph's decisions are made on."""

Decided: TypeAlias = Decision["ModelCatalog", T]
"""A decision of the graph; `T` is what its caller gets."""


class Command(Struct, Generic[T], frozen=True):
    """One write. Nothing in it knows HTTP; `T` is its outcome, once it is durable.

    Bodies are decoded JSON that has the right outer shape already; what stands in them is judged
    by the decision.
    """

    @abstractmethod
    def needs(self) -> Needs:
        """Return what the decision has to see.

        Raises:
            InvalidArgument: the body does not say it.
        """

    @abstractmethod
    def decide(self, current: State, stamp: Stamp) -> Decided[T]:
        """Return the change and the outcome: without I/O, clock or chance, so it may be repeated.

        Raises:
            KastorError: the write is refused.
        """


class IfMatch(Struct, frozen=True):
    """The condition of an If-Match header: any present version, or one of these etags."""

    etags: frozenset[Etag]
    any: bool = False

    def allows(self, etag: Etag) -> bool:
        """Return whether a resource with this etag meets the condition (weak comparison)."""
        return self.any or etag in self.etags


class Written(Struct, frozen=True, gc=False):
    """The outcome of a write that leaves a resource: its new etag and text.

    Attributes:
        shown: the text with `$etag`, where the event of a creation has it already.
        same: a PUT found it there with the same values.
    """

    etag: Etag
    doc: bytes
    shown: bytes | None = None
    same: bool = False

    @property
    def answer(self) -> bytes:
        """The text as it goes out, with `$etag`."""
        return with_etag(self.doc, self.etag) if self.shown is None else self.shown
