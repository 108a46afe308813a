"""What a problem of a model is, as users of the parser see it.

It carries the fields of the reference parser (dtdl 10) and adds what a person needs to mend
the text: a JSON pointer, line and column, and two sentences of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from kastor.types import override


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """Where an element stands.

    Attributes:
        interface: id of the interface that defines it; itself if it is one.
        document, pointer, line, column: as in `Problem`.
    """

    interface: str | None
    document: int
    pointer: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a model (dtdl 10).

    Attributes:
        id: validation id, such as ``missingObjectProperty``; the full form is
            ``dtmi:dtdl:parsingError:<id>``.
        primary: id of the element where the problem is reported.
        secondary: id of the other element involved.
        property: the property; for a closure a list such as ``'elementSchema' or 'schema'``.
        aux: a second property, such as ``name`` when two contents share a name.
        type: class or co-type involved.
        value: offending value as text.
        document: index of the document in the call that the problem lies in.
        pointer: JSON pointer (RFC 6901) into that document; ``""`` is its root.
        line: 1-based line when the document was given as text.
        column: 1-based column when the document was given as text.
        message: what is wrong.
        cure: how to mend it.
        other: where the other element stands that collides with this one.
    """

    id: str
    primary: str | None = None
    secondary: str | None = None
    property: str | None = None
    aux: str | None = None
    type: str | None = None
    value: str | None = None
    document: int = 0
    pointer: str = ""
    line: int | None = None
    column: int | None = None
    message: str = ""
    cure: str = ""
    other: SourceLocation | None = None

    @override
    def __str__(self) -> str:
        """Return message and cure as one text."""
        return f"{self.message} {self.cure}".strip()
