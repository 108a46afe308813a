"""DTDL 2, 3 and 4: parse models, resolve them, check values against them (spec dtdl).

Pure: no I/O, no clock, no logging, standard library only.
"""

from __future__ import annotations

from kastor.dtdl.compiled import (
    Check,
    CompiledInterface,
    CompiledRelationship,
    PropertyCheck,
    compile_interface,
)
from kastor.dtdl.errors import DtdlError, Problem, UnresolvedReferenceError
from kastor.dtdl.model import Element, Interface, ModelSet
from kastor.dtdl.parse import parse
from kastor.dtdl.references import ModelReferences, references
from kastor.dtdl.rules import STRICT, ValueRules, Violation

__all__ = [
    "STRICT",
    "Check",
    "CompiledInterface",
    "CompiledRelationship",
    "DtdlError",
    "Element",
    "Interface",
    "ModelReferences",
    "ModelSet",
    "Problem",
    "PropertyCheck",
    "UnresolvedReferenceError",
    "ValueRules",
    "Violation",
    "compile_interface",
    "parse",
    "references",
]
