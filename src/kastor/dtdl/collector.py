"""Collects what is wrong while a parse runs; no sentences here, only ids, fields and paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kastor.dtdl.nodes import Node, Path


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem before it has its sentences and its position.

    Attributes:
        other: the element that collides with this one, where two stand against each other.
        version: DTDL version of the element, where a word is not known in it.
        hint: what else may tell what was meant: a name that passed as one of an extension, an id.
    """

    id: str
    path: Path
    primary: str | None = None
    secondary: str | None = None
    property: str | None = None
    aux: str | None = None
    type: str | None = None
    value: str | None = None
    other: Node | None = None
    version: int | None = None
    hint: str | None = None


class Stop(Exception):
    """The parse can not go on: a phase ended with findings (dtdl 1)."""


class Quit(Exception):
    """A finding of the kind that ends the text it is in (dtdl 1); already collected."""


class Collector:
    """The findings so far; with `most` of them the parse stops."""

    __slots__ = ("_most", "findings")

    def __init__(self, most: int | None = None) -> None:
        self.findings: list[Finding] = []
        self._most = most

    def report(
        self,
        identifier: str,
        path: Path,
        *,
        primary: str | None = None,
        secondary: str | None = None,
        property: str | None = None,  # noqa: A002 - the field's name in the reference parser
        aux: str | None = None,
        type: str | None = None,  # noqa: A002 - the same
        value: str | None = None,
        other: Node | None = None,
        version: int | None = None,
        hint: str | None = None,
    ) -> None:
        """Collect a finding and go on, unless there are enough of them."""
        fields = (primary, secondary, property, aux, type, value)
        self.findings.append(Finding(identifier, path, *fields, other, version, hint))
        if self._most is not None and len(self.findings) >= self._most:
            raise Stop

    def quit(self, identifier: str, path: Path, **fields: Any) -> Quit:  # any: those of `report`
        """Collect a finding and return what ends the text that it is in, to be raised."""
        self.report(identifier, path, **fields)
        return Quit(identifier)

    def end_phase(self) -> None:
        """Raise `Stop` if anything was found."""
        if self.findings:
            raise Stop
