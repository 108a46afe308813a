"""x"""
from __future__ import annotations
from kastor.dtdl.errors import DtdlError, Problem, UnresolvedReferenceError
def dtdl_error(findings, texts):
    return DtdlError(tuple(Problem(f.id,f.primary,f.secondary,f.property,f.aux,f.type,f.value) for f in findings), message="bad")
def unresolved_error(missing, texts):
    return UnresolvedReferenceError((), tuple(missing), {k:len(v) for k,v in missing.items()})
