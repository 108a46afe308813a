"""What the target would refuse, found out without sending it: by models, names and limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kastor.dtdl import CompiledInterface, DtdlError, ValueRules, compile_interface, parse
from kastor.identifiers import ID_RULE, is_id

if TYPE_CHECKING:
    from kastor.client.calls import Document
    from kastor.dtdl import ModelSet

NARROW_BODY = 32_768
"""Bytes of a body that Azure Digital Twins takes."""
_WIDE_BODY = 1_048_576
"""Bytes of a body that Kastor takes unless `max_body_bytes` says otherwise."""
_NARROW_STRING = 4_096
_NARROW_VERSION, _WIDE_VERSION = 3, 4
_NARROW_MODELS, _NARROW_MODEL = 10_000, 1_048_576
_MOST_PROBLEMS = 20


class TargetRules:
    """What a target accepts.

    Args:
        narrow: whether it keeps to the limits of Azure Digital Twins.
    """

    def __init__(self, *, narrow: bool) -> None:
        self._narrow = narrow
        self._most_bytes = NARROW_BODY if narrow else _WIDE_BODY
        self._values = ValueRules(
            zone_optional=not narrow,
            dollar_keys=False,
            empty_keys=False,
            max_string_bytes=_NARROW_STRING if narrow else None,
        )
        self._models: ModelSet | None = None

    def read_models(self, documents: list[Document]) -> list[str]:
        """Take in all models, and return what is wrong with them."""
        found = []
        if self._narrow and len(documents) > _NARROW_MODELS:
            found.append(f"{len(documents)} models, where {_NARROW_MODELS} may be")
        if self._narrow:
            found += [
                f"model {each['@id']} is larger than 1 MB"
                for each in documents
                if len(json.dumps(each)) > _NARROW_MODEL
            ]
        try:
            self._models = parse(
                documents,
                max_version=_NARROW_VERSION if self._narrow else _WIDE_VERSION,
                profile="adt" if self._narrow else "server",
                keep_going=True,
                max_problems=_MOST_PROBLEMS,
            )
        except DtdlError as error:
            found.append(f"models: {error}")
        return found

    def refusal_of_twin(self, identifier: str, body: Document) -> str | None:
        """Return why a twin would be refused; None where nothing speaks against it."""
        return next(self._of_twin(identifier, body), None)

    def _of_twin(self, identifier: str, body: Document) -> Iterator[str]:
        yield from self._of_form(identifier, body)
        metadata = body.get("$metadata")
        model = metadata.get("$model") if isinstance(metadata, dict) else None
        if not isinstance(model, str):
            yield "it has no $metadata.$model"
        elif (compiled := self._compiled(model)) is not None:
            for each in compiled.violations(body):
                yield f"{'/'.join(map(str, each.path))}: {each.detail}"
        elif self._models is not None:
            yield f"the source has no model {model}"

    def refusal_of_relationship(
        self, identifier: str, body: Document, models: Mapping[str, str | None]
    ) -> str | None:
        """Return why a relationship would be refused.

        Args:
            identifier: its id.
            body: of its PUT.
            models: of the twins at its ends, `source` and `target`; None where there is no twin.
        """
        return next(self._of_relationship(identifier, body, models), None)

    def _of_relationship(
        self, identifier: str, body: Document, models: Mapping[str, str | None]
    ) -> Iterator[str]:
        yield from self._of_form(identifier, body)
        name = str(body.get("$relationshipName"))
        source, target = models["source"], models["target"]
        if source is None or target is None:
            yield f"there is no twin at its {'source' if source is None else 'target'}"
            return
        compiled = self._compiled(source)
        if compiled is None or self._models is None:
            return
        declared = compiled.relationships.get(name)
        if declared is None:
            yield f"{source} has no relationship {name}"
            return
        if declared.target is not None and declared.target not in self._models.supertypes(target):
            yield f"{name} leads to {declared.target}, and not to {target}"
        for each in declared.violations(body):
            yield f"{'/'.join(map(str, each.path))}: {each.detail}"

    def _of_form(self, identifier: str, body: Document) -> Iterator[str]:
        if not is_id(identifier):
            yield f"its id is no id: {ID_RULE}"
        size = len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
        if size > self._most_bytes:
            yield f"it has {size} bytes, and {self._most_bytes} may be"

    def _compiled(self, model: str) -> CompiledInterface | None:
        if self._models is None:
            return None
        try:
            return compile_interface(self._models, model, self._values)
        except KeyError:
            return None
