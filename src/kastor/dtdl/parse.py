"""`parse`: model documents to a `ModelSet`, or every problem in them (spec dtdl 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from kastor.dtdl.model import ModelSet


def parse(
    documents: Iterable[object],
    *,
    max_version: int = 4,
    resolver: Callable[[Sequence[str]], Iterable[object] | None] | None = None,
    allow_undefined_extensions: Literal["default", "always", "never"] = "default",
    limit_contexts: Collection[str] = (),
    tolerate_solecisms: Collection[Literal["parse", "resolve"]] = (),
    profile: Literal["dtdl", "adt"] = "dtdl",
) -> ModelSet:
    """Parse models.

    Raises:
        DtdlError: the models are not valid.
        UnresolvedReferenceError: references lead to nothing.
    """
    raise NotImplementedError
