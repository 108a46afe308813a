"""From findings to problems: sentences, pointers and, for texts, lines and columns.

Only runs when a parse failed; positions come from a second reading of the texts.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from kastor.dtdl.advice import better_cure, suggestion
from kastor.dtdl.collector import Finding
from kastor.dtdl.errors import DtdlError, UnresolvedReferenceError
from kastor.dtdl.messages import MESSAGES
from kastor.dtdl.nodes import pointer
from kastor.dtdl.positions import Lines, locate
from kastor.dtdl.problem import Problem, SourceLocation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kastor.dtdl.nodes import Path, Reference

_LONGEST_SHOWN = 200
# Looking for the word that was meant takes time; this many are enough for a person.
_MOST_SUGGESTIONS = 100


class _Shown(dict[str, str]):
    """Fields for a sentence; one that is absent reads as "none"."""

    def __missing__(self, key: str) -> str:
        return "none"


def dtdl_error(
    findings: Iterable[Finding], texts: Sequence[str | None], *, complete: bool
) -> DtdlError:
    """Return the error that tells of some findings."""
    return DtdlError(problems_of(findings, texts), complete=complete)


def unresolved_error(
    missing: Mapping[str, list[Reference]],
    texts: Sequence[str | None],
    known: Iterable[str],
    most: int | None = None,
) -> UnresolvedReferenceError:
    """Return the error that tells of references that nothing defines, with `most` problems.

    `known` ids are defined.
    """
    alike = {identifier.lower(): identifier for identifier in known}
    findings = [
        Finding(
            "unresolvedReference",
            references[0].path,
            primary=references[0].node.id,
            property=references[0].spec.name,
            value=identifier,
            hint=alike.get(identifier.lower()),
        )
        for identifier, references in islice(missing.items(), most)
    ]
    counts = {identifier: len(references) for identifier, references in missing.items()}
    return UnresolvedReferenceError(problems_of(findings, texts), tuple(missing), counts)


def problems_of(findings: Iterable[Finding], texts: Sequence[str | None]) -> tuple[Problem, ...]:
    """Return the problems of some findings, with positions where the input was text."""
    found = list(findings)
    places = _Places(texts, [f.path for f in found] + [f.other.path for f in found if f.other])
    return tuple(
        _problem(finding, places, advised=at < _MOST_SUGGESTIONS)
        for at, finding in enumerate(found)
    )


class _Places:
    """Finds where paths lead to, reading each text once for all of them."""

    def __init__(self, texts: Sequence[str | None], paths: Iterable[Path]) -> None:
        wanted: dict[int, set[tuple[str | int, ...]]] = {}
        for path in paths:
            document, keys, offset = _place(path)
            if offset is None and document < len(texts) and texts[document] is not None:
                wanted.setdefault(document, set()).add(keys)
        self._lines = {d: Lines(text) for d, text in enumerate(texts) if text is not None}
        self._found = {d: locate(texts[d] or "", keys) for d, keys in wanted.items()}

    def of(self, path: Path, interface: str | None = None) -> SourceLocation:
        """Return the place of one of the paths."""
        document, keys, offset = _place(path)
        if offset is None:
            offset = self._found.get(document, {}).get(keys)
        line, column = None, None
        if offset is not None and document in self._lines:
            line, column = self._lines[document].position(offset)
        return SourceLocation(interface, document, render_pointer(keys), line, column)


def _place(path: Path) -> tuple[int, tuple[str | int, ...], int | None]:
    """Return the document, the keys into it, and the offset if that is all that is known."""
    if isinstance(path, tuple) and path[0] == "@":
        _, offset, (_, document) = path
        return document, (), offset
    document, keys = pointer(path)
    return document, keys, None


def _problem(finding: Finding, places: _Places, *, advised: bool) -> Problem:
    fields = {
        name: getattr(finding, name)
        for name in ("primary", "secondary", "property", "aux", "type", "value")
    }
    _, message, cure = MESSAGES[finding.id]
    shown = _Shown({n: _shorten(v) for n, v in fields.items() if v is not None})
    if "property" in shown:
        shown["property"] = _term(shown["property"])
    place, other = places.of(finding.path), finding.other
    return Problem(
        id=finding.id,
        **fields,
        document=place.document,
        pointer=place.pointer,
        line=place.line,
        column=place.column,
        message=message.format_map(shown),
        cure=_cure(finding, cure.format_map(shown), advised=advised),
        other=None if other is None else places.of(other.path, other.partition),
    )


def _cure(finding: Finding, usual: str, *, advised: bool) -> str:
    if not advised:
        return usual
    likely = suggestion(finding)
    return (better_cure(finding) or usual) + (f" Did you mean {likely}?" if likely else "")


def _term(name: str) -> str:
    """Return the term of a property of the language or an extension that is named by its id."""
    if not name.startswith("dtmi:dtdl:"):
        return name
    return name.rpartition(":")[2].partition(";")[0]


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def render_pointer(keys: Iterable[str | int]) -> str:
    """Return a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)
