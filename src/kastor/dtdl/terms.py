"""The terms that each context defines and the id prefixes that it reserves (dtdl 4.1, 9)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from kastor.dtdl import extensions, units
from kastor.dtdl import language as tables
from kastor.dtdl.cotypes import EXTENSION_ID, QUANTITATIVE, cotypes, prefixes, unit_types
from kastor.dtdl.metamodel import CLASS_ID, PROPERTY_ID, class_rows, rows


@dataclass(frozen=True, slots=True, eq=False)
class ContextTerms:
    """The terms of one context and the id prefixes it reserves."""

    id: str
    terms: dict[str, str]
    reserved: tuple[str, ...] = ()


def _core_terms(version: int) -> dict[str, str]:
    terms = {name: f"{CLASS_ID}{name};{version}" for name in class_rows(version)}
    for row in rows(tables.PROPERTIES):
        if row[2 + version - 1] != "-":
            terms[row[1]] = f"{PROPERTY_ID}{row[1]};{version}"
    for term, form, versions in rows(tables.OTHER_TERMS):
        if str(version) in versions.split():
            terms[term] = f"{form};{version}"
    for term, _, since in rows(tables.PRIMITIVES):
        if int(since) <= version:
            terms[term] = f"dtmi:dtdl:instance:Schema:{term};{version}"
    for term in tables.COMMAND_TYPES:
        terms[term] = f"dtmi:dtdl:instance:CommandType:{term};{version}"
    for term, _, _ in rows(tables.GEOSPATIAL):
        terms[term] = f"dtmi:standard:schema:geospatial:{term};{version}"
    return terms | _object_terms(f"dtmi:dtdl:context;{version}")


def _object_terms(context_id: str) -> dict[str, str]:
    return {
        identifier.rpartition(":")[2].partition(";")[0]: identifier
        for identifier, context, _ in rows(tables.OBJECTS)
        if context == context_id
    }


def _builtin_unit_terms() -> dict[str, str]:
    terms = {
        unit: f"dtmi:standard:unit:{unit};2"
        for members in unit_types(0).values()
        for unit, _ in members
    }
    for name, _, _ in prefixes(binary=False) + prefixes(binary=True):
        own = units.PREFIX_NAMES_IN_2.get(name, name)
        terms[own] = f"dtmi:standard:unitprefix:{own};2"
    return terms


def _quantitative_terms(at: int) -> dict[str, str]:
    base = f"{EXTENSION_ID}{QUANTITATIVE}:v{at}"
    terms = {
        unit: f"{base}:unit:{unit}" for members in unit_types(at).values() for unit, _ in members
    }
    terms |= {name: f"{base}:enum:{name}" for name in unit_types(at)}
    terms |= {name: f"{base}:enum:{real}" for name, real in units.ALTERNATIVE_TERMS.items()}
    terms |= {name: f"{base}:enum:{name}" for name in ("DecimalPrefix", "BinaryPrefix")}
    terms |= {
        name: f"{base}:unitprefix:{name}"
        for name, _, _ in prefixes(binary=False) + prefixes(binary=True)
    }
    return terms


@cache
def contexts() -> dict[str, ContextTerms]:
    """Return every known context but the limits contexts, by id."""
    terms: dict[str, dict[str, str]] = {}
    for version in tables.VERSIONS:
        terms[f"dtmi:dtdl:context;{version}"] = _core_terms(version)
    terms["dtmi:dtdl:context;2"] |= _builtin_unit_terms()
    for at in (1, 2, 3):
        terms[f"{EXTENSION_ID}{QUANTITATIVE};{at}"] = _quantitative_terms(at)
    for found in cotypes().values():
        own = terms.setdefault(found.context, {})
        own[found.term] = found.id
        if found.context.startswith("dtmi:dtdl:context;"):
            continue
        own |= {p.name: p.id for p in found.properties if not p.id.startswith(PROPERTY_ID)}
    for identifier in extensions.PARTNER_CONTEXTS.values():
        terms[identifier] |= _object_terms(identifier)
    return {
        identifier: ContextTerms(identifier, own, _reserved(identifier))
        for identifier, own in terms.items()
    }


def _reserved(identifier: str) -> tuple[str, ...]:
    if identifier.startswith("dtmi:dtdl:context;"):
        return tables.RESERVED_PREFIXES
    return tables.CONTEXT_PREFIXES.get(identifier, ())
