"""What the parser raises: one error with every problem, or the ids that nothing defines.

A `Problem` carries the fields of the reference parser (dtdl 10) and adds what a person
needs to mend the text: a JSON pointer, line and column, and two sentences of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from kastor.dtdl.follow_ups import causes
from kastor.errors import ModelRefused
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Place:
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
    other: Place | None = None

    def __str__(self) -> str:
        """Return message and cure as one text."""
        return f"{self.message} {self.cure}".strip()


_MOST_SHOWN = 20
_MOST_IDS = 100


def _summary(problems: tuple[Problem, ...]) -> str:
    """Return the problems as one text; of very many only the first."""
    problems = causes(problems)
    lines = [str(problem) for problem in problems[:_MOST_SHOWN]]
    if len(problems) > _MOST_SHOWN:
        lines.append(f"And {counted(len(problems) - _MOST_SHOWN, 'more problem')}.")
    return "\n".join(lines)


class DtdlError(ModelRefused):
    """The models are not valid; `problems` lists everything that was found.

    Attributes:
        problems: in the order of the documents as far as the phases allow (dtdl 1).
        complete: whether the parse came to the rules between models; if not, there may be more.
    """

    default_code: ClassVar[str] = "DTDLParserError"

    def __init__(
        self,
        problems: tuple[Problem, ...],
        message: str | None = None,
        *,
        complete: bool = False,
    ) -> None:
        super().__init__(message or _summary(problems))
        self.problems = problems
        self.complete = complete

    @property
    def causes(self) -> tuple[Problem, ...]:
        """The problems without those that only follow from others, as people want them."""
        return causes(self.problems)


class UnresolvedReferenceError(DtdlError):
    """References lead to ids that neither the documents nor the resolver define.

    Attributes:
        ids: the undefined ids, in order of their first reference.
        counts: number of references by id.
        problems: one per id (problem id ``unresolvedReference``, ours), so that a tool can show
            where the first reference stands.
    """

    def __init__(
        self, problems: tuple[Problem, ...], ids: tuple[str, ...], counts: Mapping[str, int]
    ) -> None:
        listed = ", ".join(f"{i} (referenced in {counts[i]} places)" for i in ids[:_MOST_IDS])
        more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
        super().__init__(problems, f"Failed to resolve references to element(s): {listed}{more}.")
        self.ids = ids
        self.counts = counts
