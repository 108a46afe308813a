"""Operations of a batch (`docs/how-to/change-many.md`)."""

from __future__ import annotations

from collections.abc import Sequence

from kastor.client.calls import Document


def put_twin(twin: str, body: Document, *, if_none_match: str | None = None) -> Document:
    """Return what creates or replaces a twin; with `*` it only creates one."""
    return _made("put", {"kind": "twin", "id": twin}, body, ifNoneMatch=if_none_match)


def patch_twin(twin: str, patch: Sequence[Document], *, if_match: str | None = None) -> Document:
    """Return what changes a twin by a JSON Patch."""
    return _made("patch", {"kind": "twin", "id": twin}, list(patch), ifMatch=if_match)


def delete_twin(twin: str, *, if_match: str | None = None) -> Document:
    """Return what deletes a twin that has no relationships."""
    return _made("delete", {"kind": "twin", "id": twin}, None, ifMatch=if_match)


def put_relationship(
    source: str, relationship: str, body: Document, *, if_none_match: str | None = None
) -> Document:
    """Return what creates or replaces a relationship; with `*` it only creates one."""
    return _made("put", _named(source, relationship), body, ifNoneMatch=if_none_match)


def patch_relationship(
    source: str, relationship: str, patch: Sequence[Document], *, if_match: str | None = None
) -> Document:
    """Return what changes a relationship by a JSON Patch."""
    return _made("patch", _named(source, relationship), list(patch), ifMatch=if_match)


def delete_relationship(source: str, relationship: str, *, if_match: str | None = None) -> Document:
    """Return what deletes a relationship."""
    return _made("delete", _named(source, relationship), None, ifMatch=if_match)


def _named(source: str, relationship: str) -> Document:
    return {"kind": "relationship", "source": source, "id": relationship}


def _made(op: str, named: Document, body: object, **conditions: str | None) -> Document:
    made = {"op": op, **named, **conditions, "body": body}
    return {name: value for name, value in made.items() if value is not None}
