"""Names of types and members: what `@type` says, and what no type explains (dtdl 4.2, 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kastor.dtdl.cotypes import Cotype, cotype
from kastor.dtdl.metamodel import CLASS_ID, ClassSpec, PropertySpec, language, material_names

if TYPE_CHECKING:
    from kastor.dtdl.collector import Collector
    from kastor.dtdl.contexts import ActiveContext
    from kastor.dtdl.nodes import Node, Path


class Types(NamedTuple):
    """What `@type` said."""

    spec: ClassSpec
    cotypes: tuple[Cotype, ...]
    undefined: tuple[str, ...]
    inferred: bool


def report_bad_type(
    collector: Collector,
    parent: Node | None,
    spec: PropertySpec | None,
    identifier: str,
    value: str | None,
    path: Path,
    *,
    hint: str | None = None,
) -> None:
    """Report that `@type` names no class that may stand here."""
    collector.report(
        "badType",
        path,
        primary=parent.id if parent else identifier,
        secondary=identifier,
        property=spec.shown if spec else None,
        value=value,
        hint=hint,
    )


class TypeReader:
    """Reads an `@type` that is more than the name of one class."""

    def __init__(
        self, collector: Collector, context: ActiveContext, identifier: str, path: Path
    ) -> None:
        self.collector = collector
        self.context = context
        self.identifier = identifier
        self.path = path
        self.failed = False

    def read(
        self,
        entries: list[Any],
        names: frozenset[str],
        parent: Node | None,
        parent_spec: PropertySpec | None,
    ) -> Types | None:
        """Return what the entries say, or None if the element is to be dropped."""
        materials: list[str] = []
        cotypes: list[Cotype] = []
        undefined: list[str] = []
        for entry in entries:
            name = self._class_name(entry)
            if name in names:
                if name not in materials:
                    materials.append(name)
            elif name in material_names() or _is_class_id(entry):
                materials.append(entry)
            else:
                self._cotype(entry, cotypes, undefined, materials)
        wrong = [m for m in materials if m not in names]
        if wrong or not (materials or self.failed):
            hint = undefined[0] if undefined and not wrong else None
            self._report_bad(wrong, parent, parent_spec, hint)
        elif len(materials) > 1:
            self._report("multipleMaterialTypes", value=" and ".join(materials))
            self.failed = True
        if self.failed:
            return None
        spec = self.context.language.classes[materials[0]]
        self._check_cotypes(spec, cotypes)
        return Types(spec, tuple(cotypes), tuple(undefined), inferred=False)

    def _class_name(self, entry: str) -> str:
        """Return the name of a class of this version that an entry gives as its id."""
        suffix = f";{self.context.language.version}"
        if entry.startswith(CLASS_ID) and entry.endswith(suffix):
            return entry[len(CLASS_ID) : -len(suffix)]
        return entry

    def _report_bad(
        self,
        wrong: list[str],
        parent: Node | None,
        parent_spec: PropertySpec | None,
        hint: str | None,
    ) -> None:
        """Tell of classes that cannot stand here, or that there is none."""
        named: list[str | None] = [*wrong] or [None]
        for value in named:
            report_bad_type(
                self.collector, parent, parent_spec, self.identifier, value, self.path, hint=hint
            )
        self.failed = True

    def _report(self, identifier: str, **fields: Any) -> None:
        self.collector.report(identifier, self.path, primary=self.identifier, **fields)

    def _cotype(
        self, entry: str, cotypes: list[Cotype], undefined: list[str], wrong: list[str]
    ) -> None:
        # Branches because a name may be an id or a term, known, tolerated or wrong; each has a
        # problem of its own.
        tolerant, incomplete = self.context.language.tolerant, self.context.incomplete
        found: str | None
        if entry.startswith("dtmi:"):
            if not self.context.language.id_pattern.search(entry):
                self._fail("typeInvalidDtmi", entry)
                return
            found = entry
        elif ":" in entry:
            if tolerant:
                undefined.append(entry)
            else:
                self._fail("typeNotDtmiNorTerm", entry)
            return
        else:
            found = self.context.term(entry)
            if found is None:
                if tolerant or incomplete:
                    undefined.append(entry)
                else:
                    self._fail("typeUndefinedTerm", entry)
                return
        known = cotype(found)
        if known is not None and known.abstract:
            self._report("abstractSupplementalType", type=known.term)
            self.failed = True
        elif known is not None and not known.on:
            # The unit types of version 2 are classes of the language that no model can use.
            wrong.append(entry)
        elif known is not None:
            if known not in cotypes:
                cotypes.append(known)
        elif incomplete:
            undefined.append(entry)
        else:
            self._fail("typeIrrelevantDtmiOrTerm", entry)

    def _fail(self, identifier: str, value: str) -> None:
        self._report(identifier, value=value, version=self.context.language.version)
        self.failed = True

    def _check_cotypes(self, spec: ClassSpec, cotypes: list[Cotype]) -> None:
        """Check whether co-types may stand on the class and beside each other."""
        version = self.context.language.version
        ids = {c.id for c in cotypes}
        fitting: list[Cotype] = []
        for found in cotypes:
            if not found.alternatives & ids and spec.name not in found.on:
                self._report("invalidCotype", type=found.term)
            elif not found.alternatives & ids and version not in found.versions:
                self._report("invalidCotypeVersion", type=found.term)
            else:
                fitting.append(found)
                for _ in (need for need in found.needs if need not in ids):
                    self._report("missingCocotype", type=found.term)
                for _ in (other for other in found.excludes if other in ids):
                    self._report("disallowedCocotype", type=found.term)
        self._check_conflicts(fitting)

    def _check_conflicts(self, cotypes: list[Cotype]) -> None:
        owners: dict[str, Cotype] = {}
        for found in cotypes:
            for spec in found.properties:
                if spec.id in owners:
                    self._report(
                        "conflictingSupplementalTypes",
                        type=owners[spec.id].term,
                        property=spec.name,
                    )
                owners.setdefault(spec.id, found)


def _is_class_id(entry: str) -> bool:
    if not entry.startswith(CLASS_ID):
        return False
    name, _, version = entry[len(CLASS_ID) :].partition(";")
    return version in ("2", "3", "4") and name in language(int(version)).classes


def unknown_problem(key: str, context: ActiveContext, *, undefined_types: bool) -> str | None:
    """Return the problem of a member that no type has, or None if one may have it (dtdl 4.3)."""
    if context.language.tolerant:
        return None if undefined_types else "noTypeThatAllows"
    if ":" in key:
        if not key.startswith("dtmi:"):
            return "propertyNotDtmiNorTerm"
        if not context.language.id_pattern.search(key):
            return "propertyInvalidDtmi"
        problem = "propertyIrrelevantDtmiOrTerm"
    elif context.term(key) is not None:
        problem = "propertyIrrelevantDtmiOrTerm"
    else:
        problem = "propertyUndefinedTerm"
    if not context.incomplete:
        return problem
    return None if undefined_types else "noTypeThatAllows"
