"""What the parser raises: one error with every problem, or the ids that nothing defines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from kastor.dtdl.follow_ups import causes
from kastor.errors import ModelRefused
from kastor.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kastor.dtdl.problem import Problem


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
