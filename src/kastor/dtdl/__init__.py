"""DTDL 2, 3 and 4: parse models, resolve them, check values against them (dtdl).

Pure: no I/O, no clock, no logging, standard library only. `parse` makes a `ModelSet` of model
documents or raises a `DtdlError` with every problem; `compile_interface` makes the checks that a
server runs on every write.

The language is data: `language`, `extensions`, `units` and `messages` are tables that a person
can hold against the spec; `metamodel`, `cotypes`, `terms` and `standard` read them.

A parse passes through `documents` (text to JSON that keeps everything), `contexts`, `read_nodes`
with `read_ids`, `identity`, `type_names` and `literals` (JSON to nodes), `link` (references),
`closures`, `contents`, `cotype_rules` and `sizes` (what only the whole shows). What is wrong is
gathered by `collector`; `make_problems` words and places it with `messages`, `positions` and
`advice`, and `follow_ups` tells causes from what follows.

Its result is a `model_set`. `make_elements` shows the nodes as the elements of `model`; `compiler`
makes of them what checks twins: `compiled` interfaces with `checks`, which stand on `values` and
`geojson`. `report`, `diagram` and `describe` are for the command line, `references` and
`definitions` for servers that keep documents.
"""

from __future__ import annotations

from kastor.dtdl.checks import PropertyCheck
from kastor.dtdl.compiled import CompiledInterface, CompiledRelationship
from kastor.dtdl.definitions import Definition, definitions
from kastor.dtdl.errors import DtdlError, UnresolvedReferenceError
from kastor.dtdl.model import Element, Interface
from kastor.dtdl.model_set import ModelSet, compile_interface
from kastor.dtdl.parse import parse
from kastor.dtdl.problem import Problem
from kastor.dtdl.references import ModelReferences, contents_by_kind, references, schemas_of
from kastor.dtdl.rules import STRICT, ValueRules, Violation

__all__ = [
    "STRICT",
    "CompiledInterface",
    "CompiledRelationship",
    "Definition",
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
    "contents_by_kind",
    "definitions",
    "parse",
    "references",
    "schemas_of",
]
