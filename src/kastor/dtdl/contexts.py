"""`@context`: which DTDL version, extensions and limits hold for an element (spec dtdl 4.1, 8).

An `ActiveContext` is immutable and shared; `Contexts` makes each one once per parse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from kastor.dtdl import language as tables
from kastor.dtdl.cotypes import contexts
from kastor.dtdl.documents import Fault
from kastor.dtdl.metamodel import Language, language

if TYPE_CHECKING:
    from collections.abc import Collection

Tolerance = Literal["default", "always", "never"]

DTDL = "dtmi:dtdl:context"
_LOOSE = re.compile(tables.DTMI_LOOSE)
_VERSIONED = re.compile(r"^(?P<name>[^;#]+);(?P<major>[0-9]{1,9})(?:\.(?P<minor>[0-9]+))?$")
_LIMITS = re.compile(r"^dtmi:dtdl:limits:")


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
            Fault: any of the rules of spec dtdl 4.1 is broken.
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
        specifiers: list[str] = []
        for entry in entries:
            if isinstance(entry, str):
                specifiers.append(entry)
            elif entry is entries[-1]:
                specifiers.append("")
            else:
                raise Fault("localContextNotLast", path)
        if not entries and outer is None:
            raise Fault("emptyContext", path)
        found, start = self._dtdl(outer, specifiers, path)
        extensions = list(outer.extensions if outer else ())
        incomplete = outer.incomplete if outer else False
        for at, entry in enumerate(entries):
            if start[0] <= at < start[1]:
                continue
            if not isinstance(entry, str):
                raise Fault("disallowedLocalContext", path)
            known = self._extension(entry, found.version, path)
            if known is None:
                incomplete = True
            elif known not in extensions:
                extensions.append(known)
        return self._active(found, tuple(extensions), incomplete)

    def _dtdl(
        self, outer: ActiveContext | None, specifiers: list[str], path: object
    ) -> tuple[Language, tuple[int, int]]:
        """Return the language, the number of leading contexts and where extensions start."""
        leading = 0
        while leading < len(specifiers) and specifiers[leading] in tables.LEADING_CONTEXTS:
            leading += 1
        at, found = leading, None
        while at < len(specifiers) and is_dtdl(specifiers[at]):
            found, at = self._version(specifiers, at, path)
        if found is None:
            if outer is None:
                raise Fault("missingDtdlContext", path)
            return outer.language, (0, 0)
        return found, (leading, at)

    def _version(self, specifiers: list[str], at: int, path: object) -> tuple[Language, int]:
        specifier = specifiers[at]
        base, hash_sign, fragment = specifier.partition("#")
        match = _VERSIONED.match(base)
        if not _LOOSE.search(specifier) or not match or specifier != specifier.strip():
            raise Fault("invalidContextSpecifier", path, specifier)
        major = int(match["major"])
        if major not in tables.VERSIONS:
            raise Fault("unrecognizedContextVersion", path, specifier)
        if match["minor"] and major == tables.VERSIONS[0]:
            raise Fault("invalidContextSpecifierForVersion", path, specifier)
        if hash_sign and fragment not in ("limits", "limitless"):
            raise Fault("invalidContextFragment", path, specifier)
        if hash_sign and major not in tables.CUSTOM_LIMITS:
            raise Fault("disallowedContextFragment", path, specifier)
        if major > self._max_version:
            raise Fault("disallowedContextVersion", path, specifier)
        if fragment == "limits":
            raise Fault("misplacedLimitContext", path, specifier)
        if fragment == "limitless":
            following = specifiers[at + 1] if at + 1 < len(specifiers) else ""
            return language(major, self._limit(specifier, following, major, path)), at + 2
        return language(major), at + 1

    def _limit(self, specifier: str, following: str, major: int, path: object) -> str:
        """Return the name of the limits context that must follow ``#limitless``."""
        base, _, fragment = following.partition("#")
        match = _VERSIONED.match(base)
        if match and match["name"] == DTDL and fragment in ("", "limits"):
            if int(match["major"]) == major:
                return ""
        elif _LIMITS.match(following):
            if not _LOOSE.search(following) or fragment or "#" in following:
                raise Fault("invalidContextSpecifier", path, following)
            for name, identifier in tables.LIMIT_CONTEXTS.items():
                if identifier == following and name in self._limits:
                    return name
            raise Fault("disallowedLimitContext", path, following)
        raise Fault("missingLimitContext", path, specifier)

    def _extension(self, specifier: str, version: int, path: object) -> str | None:
        """Return the id of the known context, or None for a tolerated unknown one."""
        if not specifier.startswith("dtmi:"):
            raise Fault("nonDtmiContextSpecifier", path, specifier)
        if is_dtdl(specifier):
            match = _VERSIONED.match(specifier.partition("#")[0])
            if match and int(match["major"]) not in tables.VERSIONS:
                raise Fault("unrecognizedContextVersion", path, specifier)
            raise Fault("dtdlContextFollowsAffiliate", path, specifier)
        if not _LOOSE.search(specifier) or "#" in specifier or specifier.endswith("\n"):
            raise Fault("invalidContextSpecifier", path, specifier)
        if _LIMITS.match(specifier):
            raise Fault("misplacedLimitContext", path, specifier)
        match = _VERSIONED.match(specifier)
        if version == tables.VERSIONS[0] and (not match or match["minor"]):
            raise Fault("invalidContextSpecifierForVersion", path, specifier)
        if not match:
            raise Fault("missingContextVersion", path, specifier)
        name, major = match["name"], int(match["major"])
        if f"{name};{major}" in contexts():
            return f"{name};{major}"
        tolerant = version in tables.TOLERANT
        if self._tolerance == "always" or (self._tolerance == "default" and tolerant):
            return None
        if any(known.partition(";")[0] == name for known in contexts()):
            raise Fault("unresolvableContextVersion", path, specifier)
        raise Fault("unresolvableContextSpecifier", path, specifier)

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


def is_dtdl(specifier: str) -> bool:
    """Tell whether a specifier means a DTDL context, well formed or not."""
    return specifier.startswith((f"{DTDL};", f"{DTDL}#"))
