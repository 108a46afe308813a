"""Writes and what came of them, whichever way they went."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from kastor.client import operations
from kastor.client.calls import Document, HttpAnswer, HttpCall, Json


class WriteVerb(StrEnum):
    """What a write does."""

    PUT = "put"
    PATCH = "patch"
    DELETE = "delete"


class ThingKind(StrEnum):
    """What a write is about."""

    TWIN = "twin"
    RELATIONSHIP = "relationship"

    @property
    def collection(self) -> str:
        """The collection of queries that has them all."""
        return "digitaltwins" if self is ThingKind.TWIN else "relationships"


@dataclass(frozen=True, slots=True)
class WriteOperation:
    """One write.

    Attributes:
        source: of a relationship the twin that it goes from; of a twin the empty string.
        body: of a put the document, of a patch the JSON Patch, of a delete None.
        if_match: an ETag that has to be the current one, of a patch or a delete.
        create: whether a put may only create (`If-None-Match: *`).
    """

    verb: WriteVerb
    kind: ThingKind
    source: str
    id: str
    body: Json = None
    if_match: str | None = None
    create: bool = False

    def of_batch(self) -> Document:
        """Return it as a batch has it (`POST /kastor/v1/batch`)."""
        made: Document = {"op": self.verb.value, "kind": self.kind.value, "id": self.id}
        if self.kind is ThingKind.RELATIONSHIP:
            made["source"] = self.source
        if self.body is not None:
            made["body"] = self.body
        if self.if_match is not None:
            made["ifMatch"] = self.if_match
        if self.create:
            made["ifNoneMatch"] = "*"
        return made

    def call(self) -> HttpCall[str | None]:
        """Return the call that does it alone; its result is the new ETag."""
        made = self._contract_call()
        return HttpCall(
            *(made.method, made.path, _etag, made.query, made.headers),
            content=made.content,
            media_type=made.media_type,
            repeat=made.repeat,
        )

    def _contract_call(self) -> HttpCall[Json]:
        # Branches because each thing has three calls of its own.
        once = "*" if self.create else None
        made: HttpCall[Json]
        if self.kind is ThingKind.TWIN:
            if self.verb is WriteVerb.PUT:
                made = operations.put_twin(self.id, self.body, None, once)
            elif self.verb is WriteVerb.PATCH:
                made = operations.patch_twin(self.id, self.body, self.if_match)
            else:
                made = operations.delete_twin(self.id, self.if_match)
        elif self.verb is WriteVerb.PUT:
            made = operations.put_relationship(self.source, self.id, self.body, None, once)
        elif self.verb is WriteVerb.PATCH:
            made = operations.patch_relationship(self.source, self.id, self.body, self.if_match)
        else:
            made = operations.delete_relationship(self.source, self.id, self.if_match)
        return made


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What came of a write.

    Attributes:
        status: of HTTP; 0 where no answer came, so that it may have been applied or not.
        etag: of what was written; None where the other side told none.
        code: of the error, such as `ValidationFailed`.
        message: of the error, for people.
    """

    status: int
    etag: str | None = None
    code: str = ""
    message: str = ""

    @property
    def done(self) -> bool:
        """Whether it was applied."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def unsure(self) -> bool:
        """Whether nobody knows: no answer, or one that says nothing of it."""
        return self.status == 0 or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _etag(answer: HttpAnswer) -> str | None:
    """Decode the ETag of an answer, which some servers have in the body alone."""
    found = answer.headers.get("etag")
    if found is None and answer.body:
        document = answer.json()
        found = document.get("$etag") if isinstance(document, dict) else None
    return found
