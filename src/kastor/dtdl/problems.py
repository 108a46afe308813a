"""From findings to problems: sentences, pointers and, for texts, lines and columns.

Only runs when a parse failed; positions come from a second reading of the texts.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from kastor.dtdl.collector import Finding
from kastor.dtdl.errors import DtdlError, Problem, UnresolvedReferenceError
from kastor.dtdl.messages import MESSAGES
from kastor.dtdl.nodes import pointer
from kastor.dtdl.positions import Lines, locate
from kastor.dtdl.terms import contexts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kastor.dtdl.elements import Reference

_LONGEST_SHOWN = 200
_LONGEST_WORD = 40
# Looking for the word that was meant takes time; this many are enough for a person.
_MOST_SUGGESTIONS = 100
_LIKENESS = 0.8
_MISSPELT_VALUES = {"badDtmiOrTerm", "typeUndefinedTerm", "badType"}
_MISSPELT_PROPERTIES = {"propertyUndefinedTerm", "noTypeThatAllows", "inferredTypeDoesNotAllow"}


class _Shown(dict[str, str]):
    """Fields for a sentence; one that is absent reads as "none"."""

    def __missing__(self, key: str) -> str:
        return "none"


def dtdl_error(findings: Iterable[Finding], texts: Sequence[str | None]) -> DtdlError:
    """Return the error that tells of some findings."""
    return DtdlError(problems_of(findings, texts))


def unresolved_error(
    missing: Mapping[str, list[Reference]],
    texts: Sequence[str | None],
    most: int | None = None,
) -> UnresolvedReferenceError:
    """Return the error that tells of references that nothing defines, with `most` problems."""
    findings = [
        Finding(
            "unresolvedReference",
            references[0].path,
            primary=references[0].node.id,
            property=references[0].spec.name,
            value=identifier,
        )
        for identifier, references in islice(missing.items(), most)
    ]
    counts = {identifier: len(references) for identifier, references in missing.items()}
    return UnresolvedReferenceError(problems_of(findings, texts), tuple(missing), counts)


def problems_of(findings: Iterable[Finding], texts: Sequence[str | None]) -> tuple[Problem, ...]:
    """Return the problems of some findings, with positions where the input was text."""
    placed = [(finding, *_place(finding)) for finding in findings]
    wanted: dict[int, set[tuple[str | int, ...]]] = {}
    for _, document, keys, offset in placed:
        if offset is None:
            wanted.setdefault(document, set()).add(keys)
    found = {
        document: locate(text, keys)
        for document, keys in wanted.items()
        if document < len(texts) and (text := texts[document]) is not None
    }
    lines = {d: Lines(text) for d, text in enumerate(texts) if text is not None}
    problems = []
    for at, (finding, document, keys, given) in enumerate(placed):
        offset = found.get(document, {}).get(keys) if given is None else given
        line, column = (None, None)
        if offset is not None and document in lines:
            line, column = lines[document].position(offset)
        likely = suggestion(finding) if at < _MOST_SUGGESTIONS else None
        problems.append(_problem(finding, document, keys, (line, column), likely))
    return tuple(problems)


def _place(finding: Finding) -> tuple[int, tuple[str | int, ...], int | None]:
    """Return the document, the keys into it, and the offset if that is all that is known."""
    if isinstance(finding.path, tuple) and finding.path[0] == "@":
        _, offset, (_, document) = finding.path
        return document, (), offset
    document, keys = pointer(finding.path)
    return document, keys, None


def _problem(
    finding: Finding,
    document: int,
    keys: tuple[str | int, ...],
    position: tuple[int | None, int | None],
    likely: str | None,
) -> Problem:
    fields = {
        name: getattr(finding, name)
        for name in ("primary", "secondary", "property", "aux", "type", "value")
    }
    _, message, cure = MESSAGES[finding.id]
    shown = _Shown({n: _shorten(v) for n, v in fields.items() if v is not None})
    return Problem(
        id=finding.id,
        **fields,
        document=document,
        pointer=render_pointer(keys),
        line=position[0],
        column=position[1],
        message=message.format_map(shown),
        cure=cure.format_map(shown) + (f" Did you mean {likely}?" if likely else ""),
    )


@lru_cache(1)
def _vocabulary() -> dict[str, str]:
    """Return every term of the language and its extensions, by its lower-case form."""
    return {term.lower(): term for context in contexts().values() for term in context.terms}


@lru_cache(512)
def _closest(word: str) -> str | None:
    vocabulary = _vocabulary()
    found = get_close_matches(word.lower(), vocabulary, 1, _LIKENESS)
    term = vocabulary[found[0]] if found else None
    return term if term != word else None


def suggestion(finding: Finding) -> str | None:
    """Return the term that a misspelt one most likely means, or None."""
    word = finding.value if finding.id in _MISSPELT_VALUES else None
    if finding.id in _MISSPELT_PROPERTIES:
        word = finding.property
    if word is None or ":" in word or len(word) > _LONGEST_WORD:
        return None
    return _closest(word)


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def render_pointer(keys: Iterable[str | int]) -> str:
    """Return a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)
