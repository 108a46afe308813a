"""Checks the models of an upload against those that are stored, before anything is decided.

Slow for many models, so it runs in a thread against a snapshot of the catalog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from kastor.dtdl import Definition, DtdlError, UnresolvedReferenceError, parse
from kastor.dtdl.make_problems import render_pointer
from kastor.dtdl.positions import Lines, locate
from kastor.errors import Detail, ModelRefused
from kastor.graph.model_facts import read_facts
from kastor.graph.uploads import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.dtdl import Problem
    from kastor.graph.catalog import ModelCatalog
    from kastor.graph.model_facts import ModelFacts
    from kastor.types import Document, ModelId

_WRONG_VERSION = frozenset({"disallowedContextVersion", "unrecognizedContextVersion"})
MOST_PROBLEMS = 100
"""Problems of an upload that are looked for; reading on costs more than it tells."""

_REFUSED = (
    "None of the models in this request could be created due to a problem with one or more models"
)
_DUPLICATE = "duplicateDefinition"


def read_valid(
    text: bytes,
    documents: Sequence[tuple[Document, bytes]],
    catalog: ModelCatalog,
    max_version: int,
    profile: Literal["server", "adt"],
) -> tuple[ModelFacts, ...]:
    """Check that models can be stored beside those of a catalog.

    The parse decodes the text; what is kept of the models comes from that, so that nobody has to
    decode it again.

    Args:
        text: the request's body, a JSON array of models.
        documents: its items: members that begin with @, at least, and the whole text.
        catalog: what is stored.
        max_version: newest version of DTDL that is taken.
        profile: as of `kastor.dtdl.parse`.

    Returns:
        The facts of each of them; none where an id is stored already, which is another refusal.

    Raises:
        ModelRefused: no valid DTDL, or not for a server; `details` has every problem with its
            place in the request.
    """
    stored: list[ModelId] = []
    read: list[Any] = []

    def resolve(ids: Sequence[str]) -> list[Document]:
        found = [each for each in ids if each in catalog.models]
        stored.extend(found)
        return [catalog.models[each].document() for each in found]

    try:
        parse(
            [text],
            max_version=max_version,
            resolver=resolve,
            tolerate_solecisms={"resolve"},
            profile=profile,
            max_problems=MOST_PROBLEMS,
            on_read=read.append,
        )
    except UnresolvedReferenceError as error:
        raise _unresolved(error, catalog) from error
    except DtdlError as error:
        raise _invalid(error, stored) from error
    if any(document["@id"] in catalog.models for document, _ in documents):
        return ()
    facts = tuple(
        read_facts(item, whole) for (_, item), whole in zip(documents, read[0], strict=True)
    )
    _require_one_definition(text, [document["@id"] for document, _ in documents], facts, catalog)
    return facts


def _invalid(error: DtdlError, stored: Sequence[ModelId]) -> ModelRefused:
    """Return the refusal of models that are no valid DTDL, or not for servers."""
    wrong_version = any(problem.id in _WRONG_VERSION for problem in error.problems)
    problems = error.causes
    texts = [_sentences(problem, stored) for problem in problems]
    more = f" ({len(problems) - 1} more in details)" if len(problems) > 1 else ""
    if len(error.problems) >= MOST_PROBLEMS:
        more = f" (more in details, which end after {MOST_PROBLEMS})"
    return ModelRefused(
        f"{_REFUSED}: {texts[0]}{more}",
        code="ModelVersionNotSupported" if wrong_version else None,
        details=tuple(
            Detail(problem.id, text, _place(problem))
            for problem, text in zip(problems, texts, strict=True)
        ),
    )


def _sentences(problem: Problem, stored: Sequence[ModelId]) -> str:
    parts = [problem.message, problem.cure]
    if problem.other is not None:
        other = problem.other
        owner = f" of {other.interface}" if other.interface else ""
        where = f"at {other.pointer}" if other.document == 0 else "stored"
        parts.insert(1, f"The other one{owner} is {where}.")
    if problem.document:
        parts.insert(0, f"In the stored model {stored[problem.document - 1]}:")
    return " ".join(part for part in parts if part)


def _place(problem: Problem) -> dict[str, Any]:
    """Return where a problem stands in the request: nowhere, if it is in a stored model."""
    if problem.document:
        return {}
    return _where(problem.pointer, problem.line, problem.column)


def _where(pointer: str, line: int | None, column: int | None) -> dict[str, Any]:
    index = pointer.split("/", 2)[1:2]
    place: dict[str, Any] = {"path": pointer}
    if index and index[0].isdecimal():
        place["index"] = int(index[0])
    if line is None or column is None:
        return place
    return {**place, "line": line, "column": column - 1}


def _unresolved(error: UnresolvedReferenceError, catalog: ModelCatalog) -> ModelRefused:
    """Return the refusal of models that refer to what no model is."""
    inside = catalog.defined_inside()
    alike = {model_id.lower(): model_id for model_id in catalog.models}
    nowhere = [identifier for identifier in error.ids if identifier not in inside]
    parts = []
    if nowhere:
        parts.append(
            "these models are referred to but neither in the request nor stored: "
            f"{named(nowhere)}. Upload them first, or together."
        )
    parts += [
        _owned(identifier, *inside[identifier][0])
        for identifier in error.ids
        if identifier in inside
    ]
    details: list[Detail] = []
    for identifier, problem in zip(error.ids, error.problems, strict=False):
        meant = alike.get(identifier.lower())
        cure = f"{problem.cure} Did you mean {meant}?" if meant else problem.cure
        if identifier in inside:
            message = _owned(identifier, *inside[identifier][0])
        else:
            message = f"{problem.message} {cure}"
        details.append(Detail(problem.id, message, _place(problem)))
        if meant and "Did you mean" not in problem.cure:
            parts.append(f"Did you mean {meant}?")
    return ModelRefused(f"{_REFUSED}: {' '.join(parts)}", details=tuple(details))


def _owned(identifier: str, model_id: ModelId, definition: Definition) -> str:
    """Say why what is defined inside a stored model can not be referred to."""
    start = f"{identifier} is defined inside the stored model {model_id}"
    if definition.interface:
        return (
            f"{start}, not as a model of its own. Delete that model, and upload both as models "
            "that refer to each other by id."
        )
    return f"{start}, and other models can not use it. Define it in this model under another id."


# --- one id, one definition --------------------------------------------------------------------


def _require_one_definition(
    text: bytes, ids: Sequence[ModelId], facts: Sequence[ModelFacts], catalog: ModelCatalog
) -> None:
    """Refuse what gives an id to something else than a stored model does.

    Models that share no reference are never parsed together, so a parse can not find it; a later
    model that needs both could not be uploaded.
    """
    stored = catalog.defined_inside()
    found: list[tuple[str, str, tuple[str | int, ...]]] = []
    for at, (model_id, fact) in enumerate(zip(ids, facts, strict=True)):
        if model_id in stored:
            found.append(
                (_taken(model_id, model_id, stored[model_id][0][0]), model_id, (at, "@id"))
            )
        for each in fact.defines:
            owner = _other_owner(each, stored, catalog)
            if owner is not None:
                found.append((_taken(each.id, model_id, owner), model_id, (at, *each.keys, "@id")))
    if found:
        places = _positions(text, [keys for _, _, keys in found])
        details = tuple(Detail(_DUPLICATE, message, places[keys]) for message, _, keys in found)
        more = f" ({len(found) - 1} more in details)" if len(found) > 1 else ""
        raise ModelRefused(f"{_REFUSED}: {found[0][0]}{more}", details=details)


def _other_owner(
    definition: Definition,
    stored: dict[str, list[tuple[ModelId, Definition]]],
    catalog: ModelCatalog,
) -> ModelId | None:
    """Return the stored model that defines an id differently, or None."""
    if definition.id in catalog.models:
        return definition.id
    return next(
        (
            model_id
            for model_id, other in stored.get(definition.id, ())
            if other.digest != definition.digest
        ),
        None,
    )


def _taken(identifier: str, model_id: ModelId, owner: ModelId) -> str:
    if identifier == model_id:
        return (
            f"{identifier} is defined inside the stored model {owner} already, as something of "
            f"its own. Delete {owner} first and upload it anew with a reference to {identifier}, "
            "or take another id."
        )
    where = "is a stored model" if identifier == owner else f"the stored model {owner} defines it"
    return (
        f"{model_id} defines {identifier}, but {where} differently. Give it another id, or the "
        "same definition."
    )


def _positions(
    text: bytes, wanted: Sequence[tuple[str | int, ...]]
) -> dict[tuple[str | int, ...], dict[str, Any]]:
    decoded = text.decode("utf-8", "replace")
    offsets = locate(decoded, wanted)
    lines = Lines(decoded)
    return {keys: _where(render_pointer(keys), *lines.position(offsets[keys])) for keys in wanted}
