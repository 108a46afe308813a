"""Models that a server has and models that are on their way to it, parsed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kastor import dtdl
from kastor.dtdl import DtdlError, ModelSet
from kastor.moving.items import ItemFault, ModelItem, Placed
from kastor.types import Document

_ROUNDS = 20
_SHOWN = 3
_ADT_VERSION, _NEWEST_VERSION = 3, 4


class KnownModels:
    """Judges models, and knows those that are valid.

    Attributes:
        set: of the valid ones; None while there are none.
    """

    def __init__(self, stored: Sequence[Document], *, strict: bool) -> None:
        """Prepare.

        Args:
            stored: what the server has.
            strict: whether the rules are those of Azure Digital Twins.
        """
        self._stored: Mapping[str, Document] = {each["@id"]: each for each in stored}
        self._strict = strict
        self._taken: list[Document] = []
        self.set: ModelSet | None = None
        self.take([])

    def stored(self, model: str) -> Document | None:
        """Return a model of the server."""
        return self._stored.get(model)

    def take(self, fresh: Sequence[Placed]) -> list[ItemFault]:
        """Add models that are not stored, as far as they are valid; return the faults of others."""
        left = list(fresh)
        known = [*self._stored.values(), *self._taken]
        faults: list[ItemFault] = []
        for _ in range(_ROUNDS):
            documents = [*known, *map(document_of, left)]
            try:
                self.set = self._parsed(documents)
            except DtdlError as error:
                bad = _by_document(error)
                faults += [
                    _fault(each, bad[number])
                    for number, each in enumerate(left, len(known))
                    if number in bad
                ]
                left = [e for n, e in enumerate(left, len(known)) if n not in bad]
                known = [e for n, e in enumerate(known) if n not in bad]
                if bad:
                    continue
                faults += [_fault(each, [str(error)]) for each in left]
                left = []
            else:
                break
        self._taken += documents[len(known) :] if left else []
        return faults

    def _parsed(self, documents: Sequence[Document]) -> ModelSet:
        return dtdl.parse(
            documents,
            max_version=_ADT_VERSION if self._strict else _NEWEST_VERSION,
            profile="adt" if self._strict else "server",
            keep_going=True,
        )


def document_of(placed: Placed) -> Document:
    """Return the document of a model.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(placed.item, ModelItem):
        raise TypeError("this is no model")
    return placed.item.document


def _by_document(error: DtdlError) -> dict[int, list[str]]:
    """Return the problems' texts by the number of the document that they lie in."""
    found: dict[int, list[str]] = {}
    for problem in error.causes:
        found.setdefault(problem.document, []).append(str(problem))
    return found


def _fault(placed: Placed, problems: Sequence[str]) -> ItemFault:
    return ItemFault(placed.where, "DTDLParserError", " ".join(problems[:_SHOWN]), placed.item)
