"""`@context`: which DTDL version, extensions and limits hold for an element (dtdl 4.1, 8).

An `ActiveContext` is immutable and shared; `Contexts` makes each one once per parse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from kastor.dtdl import language as tables
from kastor.dtdl.documents import DocumentFault
from kastor.dtdl.metamodel import Language, language
from kastor.dtdl.terms import contexts

if TYPE_CHECKING:
    from collections.abc import Collection

Tolerance = Literal["default", "always", "never"]

DTDL = "dtmi:dtdl:context"
_LOOSE = re.compile(tables.DTMI_LOOSE)
_VERSIONED = re.compile(r"^(?P<name>[^;#]+);(?P<major>[0-9]{1,9})(?:\.(?P<minor>[0-9]+))?$")
_FRAGMENTS = ("limitless", "limits")


@dataclass(frozen=True, slots=True, eq=False)
class ActiveContext:
    """What holds for an element.

    Attributes:
        language: the DTDL version under its limits context.
        extensions: ids of the known extensions, in the order in which they became active.
        reserved: prefixes that ids must not have.
        incomplete: an unknown extension is active, so unknown terms may be its.
    """

    language: Language
    extensions: tuple[str, ...]
    reserved: tuple[str, ...]
    incomplete: bool
    _tables: tuple[dict[str, str], ...] = field(repr=False)

    def term(self, name: str) -> str | None:
        """Return the identifier that a term stands for, or None.

        The language's own terms win, then the extension that became active first.
        """
        for table in self._tables:
            found = table.get(name)
            if found is not None:
                return found
        return None


class Contexts:
    """Makes active contexts from `@context` values, each one once."""

    def __init__(
        self, max_version: int, tolerance: Tolerance, limit_contexts: Collection[str]
    ) -> None:
        self._max_version = max_version
        self._tolerance = tolerance
        self._limits = {
            name
            for name, identifier in tables.LIMIT_CONTEXTS.items()
            if identifier in limit_contexts or identifier.partition(";")[0] in limit_contexts
        }
        self._made: dict[tuple[object, ...], ActiveContext] = {}

    def child(self, outer: ActiveContext | None, value: object, path: object) -> ActiveContext:
        """Return the context of an element with `@context`.

        Raises:
            DocumentFault: any of the rules of dtdl 4.1 is broken.
        """
        entries = value if isinstance(value, list) else [value]
        key = (outer, *map(str, entries))
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._make(outer, entries, path)
        return found

    def _make(
        self, outer: ActiveContext | None, entries: list[object], path: object
    ) -> ActiveContext:
        if not entries and outer is None:
            raise DocumentFault("emptyContext", path)
        found, (leading, start) = self._dtdl(outer, entries, path)
        if entries and not isinstance(entries[-1], str):
            raise DocumentFault("disallowedLocalContext", path)
        # One version of an extension is active; a later one takes the place of an earlier.
        extensions = {_name(known): known for known in (outer.extensions if outer else ())}
        incomplete = outer.incomplete if outer else False
        for entry in [*entries[:leading], *entries[start:]]:
            if not isinstance(entry, str):
                raise DocumentFault("localContextNotLast", path)
            known = self._extension(entry, found, path)
            if known is None:
                incomplete = True
            else:
                extensions[_name(known)] = known
        return self._active(found, tuple(extensions.values()), incomplete)

    def _dtdl(
        self, outer: ActiveContext | None, entries: list[object], path: object
    ) -> tuple[Language, tuple[int, int]]:
        """Return the language, the number of leading contexts and where extensions start."""
        leading = 0
        while leading < len(entries) and str(entries[leading]) in tables.LEADING_CONTEXTS:
            leading += 1
        at, found = leading, None
        while at < len(entries):
            entry = entries[at]
            if not isinstance(entry, str) or not entry.startswith(f"{DTDL};"):
                break
            found, at = self._version(entry, entries, at, path)
        if found is None:
            if outer is None:
                raise DocumentFault("missingDtdlContext", path)
            return outer.language, (0, 0)
        return found, (leading, at)

    def _version(
        self, specifier: str, entries: list[object], at: int, path: object
    ) -> tuple[Language, int]:
        # Of several faults the first one here is told.
        base, _, fragment = specifier.partition("#")
        match = _VERSIONED.match(base)
        if match is None or not _LOOSE.search(specifier) or specifier != specifier.strip():
            raise DocumentFault("invalidContextSpecifier", path, specifier)
        major = int(match["major"])
        if "#" in specifier:
            _check_fragment(fragment, major, specifier, path)
        if major not in tables.VERSIONS:
            raise DocumentFault("unrecognizedContextVersion", path, specifier)
        if major > self._max_version:
            raise DocumentFault("disallowedContextVersion", path, specifier)
        if not language(major).id_pattern.search(base):
            raise DocumentFault("invalidContextSpecifierForVersion", path, specifier)
        if fragment != "limitless":
            return language(major), at + 1
        following = entries[at + 1] if at + 1 < len(entries) else None
        limits = None
        if isinstance(following, str):
            limits = self._limits_of(following, language(major), path)
        if limits is None:
            raise DocumentFault("missingLimitContext", path, specifier)
        return language(major, limits), at + 2

    def _limits_of(self, specifier: str, spoken: Language, path: object) -> str | None:
        """Return the name of a limits context, or None for one that sets no limits."""
        match = self._well_formed(specifier, spoken, path)
        fragment = specifier.partition("#")[2] if "#" in specifier else None
        if specifier.startswith(f"{DTDL};"):
            if fragment not in (None, *_FRAGMENTS):
                raise DocumentFault("invalidContextFragment", path, specifier)
            same = int(match["major"]) == spoken.version
            return "" if same and fragment != "limitless" else None
        if fragment is not None:
            raise DocumentFault("invalidContextSpecifier", path, specifier)
        for name, identifier in tables.LIMIT_CONTEXTS.items():
            if identifier == f"{match['name']};{match['major']}":
                if name in self._limits:
                    return name
                raise DocumentFault("disallowedLimitContext", path, specifier)
        return None

    def _well_formed(self, specifier: str, spoken: Language, path: object) -> re.Match[str]:
        """Return name and version of a context id."""
        base = specifier.partition("#")[0]
        if not specifier.startswith("dtmi:"):
            raise DocumentFault("nonDtmiContextSpecifier", path, specifier)
        if not _LOOSE.search(specifier) or specifier.endswith("\n"):
            raise DocumentFault("invalidContextSpecifier", path, specifier)
        match = _VERSIONED.match(base)
        if not spoken.id_pattern.search(base) or len(base) > spoken.id_length:
            raise DocumentFault("invalidContextSpecifierForVersion", path, specifier)
        if match is None:
            raise DocumentFault("missingContextVersion", path, specifier)
        return match

    def _extension(self, specifier: str, spoken: Language, path: object) -> str | None:
        """Return the id of the known context, or None for a tolerated unknown one."""
        if specifier.startswith(f"{DTDL};"):
            raise DocumentFault("dtdlContextFollowsAffiliate", path, specifier)
        if specifier.startswith("dtmi:") and "#" in specifier:
            raise DocumentFault("invalidContextSpecifier", path, specifier)
        match = self._well_formed(specifier, spoken, path)
        known = f"{match['name']};{match['major']}"
        if known in contexts():
            return known
        if known in tables.LIMIT_CONTEXTS.values():
            raise DocumentFault("misplacedLimitContext", path, specifier)
        if self._tolerance == "always" or (self._tolerance == "default" and spoken.tolerant):
            return None
        names = {_name(identifier) for identifier in contexts()}
        names |= {_name(identifier) for identifier in tables.LIMIT_CONTEXTS.values()}
        if match["name"] in names:
            raise DocumentFault("unresolvableContextVersion", path, specifier)
        raise DocumentFault("unresolvableContextSpecifier", path, specifier)

    def _active(
        self, found: Language, extensions: tuple[str, ...], incomplete: bool
    ) -> ActiveContext:
        key = (found, extensions, incomplete)
        same = self._made.get(key)
        if same is None:
            core = contexts()[f"{DTDL};{found.version}"]
            known = [contexts()[extension] for extension in extensions]
            same = self._made[key] = ActiveContext(
                language=found,
                extensions=extensions,
                reserved=core.reserved + tuple(p for c in known for p in c.reserved),
                incomplete=incomplete,
                _tables=(core.terms, *(c.terms for c in known)),
            )
        return same


def _name(identifier: str) -> str:
    return identifier.partition(";")[0]


def _check_fragment(fragment: str, major: int, specifier: str, path: object) -> None:
    """Refuse what stands behind the `#` of a version's context, unless it lifts the limits."""
    if fragment not in _FRAGMENTS:
        raise DocumentFault("invalidContextFragment", path, specifier)
    if major not in tables.CUSTOM_LIMITS:
        raise DocumentFault("disallowedContextFragment", path, specifier)
    if fragment == "limits":
        raise DocumentFault("misplacedLimitContext", path, specifier)
