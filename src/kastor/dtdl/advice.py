"""What a finding's writer most likely meant: a term of the fitting kind, an extension, a version.

Only runs when a parse failed.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from kastor.dtdl import language as tables
from kastor.dtdl.cotypes import cotypes, prefixes, unit_types
from kastor.dtdl.metamodel import class_rows, rows
from kastor.dtdl.terms import contexts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kastor.dtdl.collector import Finding

_LONGEST_WORD = 40
_LIKENESS = 0.8
_CORE = "dtmi:dtdl:context;"
_GEOSPATIAL = "dtmi:standard:schema:geospatial:"
_PROPERTIES = {
    "propertyUndefinedTerm",
    "noTypeThatAllows",
    "inferredTypeDoesNotAllow",
    "propertyIrrelevantDtmiOrTerm",
}
# Kind of the terms that a value of a property may be.
_KINDS = {
    "schema": "schema",
    "elementSchema": "schema",
    "valueSchema": "value schema",
    "commandType": "command type",
    "unit": "unit",
    "baseUnit": "unit",
    "topUnit": "unit",
    "bottomUnit": "unit",
    "prefix": "prefix",
}


def suggestion(finding: Finding) -> str | None:
    """Return the term or id that a misspelt one most likely means, or None."""
    if finding.id == "unresolvedReference":
        return finding.hint
    word, kind = _word(finding)
    if word is None or ":" in word or len(word) > _LONGEST_WORD:
        return None
    return _closest(word, kind)


def better_cure(finding: Finding) -> str | None:
    """Return what mends a finding where more is known than its id says, or None."""
    if finding.id == "excludedType" and (finding.secondary or "").startswith(_GEOSPATIAL):
        return (
            "Geospatial schemas are made of arrays, which properties can have from DTDL 3 on: use "
            '"@context": "dtmi:dtdl:context;3", or make it a Telemetry.'
        )
    word, kind = _word(finding)
    if word is None or finding.version is None or ":" in word:
        return None
    known = finding.id == "propertyIrrelevantDtmiOrTerm"
    return _where(word, kind, finding.version, known)


def _word(finding: Finding) -> tuple[str | None, str]:
    """Return the term that is wrong, and of which kind it should be."""
    if finding.id in _PROPERTIES:
        return finding.property, "property"
    if finding.id == "typeUndefinedTerm":
        return finding.value, "type"
    if finding.id == "badType":
        of_type = isinstance(finding.path, tuple) and finding.path[1] == "@type"
        return finding.hint, "type" if of_type else _KINDS.get(finding.property or "", "")
    if finding.id == "badDtmiOrTerm":
        return finding.value, _KINDS.get(finding.property or "", "")
    return None, ""


@cache
def _tables(kind: str) -> Mapping[str, frozenset[str]]:
    """Return the terms of a kind by the context that defines them."""
    found: dict[str, set[str]] = {}
    for context in contexts().values():
        wanted = _terms(kind, context.id)
        found[context.id] = {term for term in context.terms if term in wanted}
    if kind in ("type", "property"):
        for each in cotypes().values():
            usable = each.on and not each.abstract
            names = [each.term] if usable and kind == "type" else []
            if kind == "property" and each.on:
                names = [spec.name for spec in each.properties]
            found.setdefault(each.context, set()).update(names)
    return {context: frozenset(terms) for context, terms in found.items()}


def _terms(kind: str, context: str) -> frozenset[str]:
    version = int(context.removeprefix(_CORE)) if context.startswith(_CORE) else 0
    terms = _TERMS.get(kind)
    return frozenset(terms(version) if terms is not None else ())


def _properties_of(version: int) -> Iterable[str]:
    """The properties that elements of the language have; of no version none."""
    return (row[1] for row in rows(tables.PROPERTIES) if version and row[1 + version] != "-")


def _written_classes(version: int) -> Iterable[str]:
    manners = class_rows(version) if version else {}
    return (name for name, manner in manners.items() if manner[:7] == "written")


def _schemas(_version: int) -> Iterable[str]:
    for table in (tables.PRIMITIVES, tables.GEOSPATIAL):
        yield from (row[0] for row in rows(table))
    yield from (row[0].rpartition(":")[2].partition(";")[0] for row in rows(tables.OBJECTS))
    for level in (1, 2, 3):
        yield from unit_types(level)


def _units(_version: int) -> Iterable[str]:
    levels = [unit_types(level) for level in range(4)]
    return (unit for level in levels for members in level.values() for unit, _ in members)


def _unit_prefixes(_version: int) -> Iterable[str]:
    return (name for binary in (False, True) for name, _, _ in prefixes(binary))


_TERMS: Mapping[str, Callable[[int], Iterable[str]]] = {
    "property": _properties_of,
    "type": _written_classes,
    "schema": _schemas,
    "value schema": lambda _version: ("integer", "string"),
    "command type": lambda _version: tables.COMMAND_TYPES,
    "unit": _units,
    "prefix": _unit_prefixes,
}
"""The terms of each kind that the language itself defines, by its version."""


@cache
def _vocabulary(kind: str) -> dict[str, str]:
    """Return every term of a kind by its lower-case form."""
    return {term.lower(): term for terms in _tables(kind).values() for term in terms}


@lru_cache(512)
def _closest(word: str, kind: str) -> str | None:
    vocabulary = _vocabulary(kind)
    found = get_close_matches(word.lower(), vocabulary, 1, _LIKENESS)
    term = vocabulary[found[0]] if found else None
    return term if term != word else None


@lru_cache(512)
def _where(word: str, kind: str, version: int, known: bool) -> str | None:
    """Return which extension or version of DTDL has a term that does not stand where it may.

    `known` is whether some active context defines it.
    """
    having = [context for context, terms in _tables(kind).items() if word in terms]
    if f"{_CORE}{version}" in having and kind != "property":
        return None
    extension = min((c for c in having if version in _versions(c)), default=None)
    if extension is not None:
        return _beside(word, kind, extension, known)
    newer = [c for c in having if c.startswith(_CORE) and int(c.removeprefix(_CORE)) > version]
    if newer and kind != "property":
        return f'{word} exists from DTDL {min(newer)[-1]} on: use "@context": "{min(newer)}".'
    return None


def _beside(word: str, kind: str, extension: str, known: bool) -> str | None:
    """Return what has to stand beside a term of a context that this version can have."""
    owner = _owner(word, extension) if known or kind == "property" else None
    if known or extension.startswith(_CORE):
        return owner and f"{word} comes with types such as {owner}: add such a type to @type."
    types = f", and a type that brings it, such as {owner}, to @type" if owner else ""
    return (
        f'The extension "{extension}" defines {word}: add it to @context, behind the DTDL '
        f"context{types}."
    )


def _owner(term: str, context: str) -> str | None:
    """Return a type of a context that brings a property."""
    return next(
        (
            each.term
            for each in cotypes().values()
            if each.context == context
            and not each.abstract
            and each.on
            and any(spec.name == term for spec in each.properties)
        ),
        None,
    )


@cache
def _versions(context: str) -> frozenset[int]:
    """Return the versions of DTDL whose elements a context has types for."""
    if context.startswith(_CORE):
        return frozenset({int(context.removeprefix(_CORE))})
    own = [each.versions for each in cotypes().values() if each.context == context and each.on]
    return frozenset().union(*own)
