"""Many writes in one request: what a batch says, and the commands that it stands for (decisions 5).

Each operation becomes the command that the call for it alone would make, under the same rules of
ids, conditions and bodies. What a body holds is not decoded with the batch: three bytes of `{}`
would become a hundred, and a batch has megabytes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from kastor.errors import BadRequest, InvalidArgument, KastorError, LimitExceeded
from kastor.graph.bodies import as_document, as_patch, parse_json, too_large
from kastor.graph.command import Command, Decided, State
from kastor.graph.conditions import read_if_match, read_if_none_match
from kastor.graph.ids import require_id, require_new_id
from kastor.graph.relationship import DeleteRelationship, PatchRelationship, PutRelationship
from kastor.graph.twin import DeleteTwin, PatchTwin, PutTwin
from kastor.records import Needs
from kastor.types import override

if TYPE_CHECKING:
    from kastor.clock import Stamp
    from kastor.graph.command import IfMatch

PORTION = 250
"""Operations that are written together, where the batch need not be; others write in between."""
PORTION_BYTES = 1_048_576
"""Of bodies that are values at the same time; a larger one comes alone."""
MOST_DETAILS = 10_000
"""Problems that the errors of operations decided together keep; what they say besides stays."""
_NOT_CHANGED = "Nothing was changed."

F = TypeVar("F", bound=Struct)


class Verb(StrEnum):
    """What an operation does."""

    PUT = "put"
    PATCH = "patch"
    DELETE = "delete"


class Subject:
    """What an operation is about; there are TWIN and RELATIONSHIP alone."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


TWIN, RELATIONSHIP = Subject("twin"), Subject("relationship")


class BatchOperation(Struct, frozen=True, forbid_unknown_fields=True, gc=False, rename="camel"):
    """One write of a batch, as it was sent; `body` is its JSON text, empty where there is none."""

    op: Verb
    kind: Subject
    id: str
    source: str | None = None
    body: msgspec.Raw = msgspec.Raw()
    if_match: str | None = None
    if_none_match: str | None = None


class WriteBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Writes that came together; `atomic`: all of them are applied, or none."""

    operations: list[BatchOperation]
    atomic: bool = False


class BatchRules(Struct, frozen=True):
    """What the server holds single calls to.

    Attributes:
        body_bytes: the largest body of one operation.
        add_components: as `PutTwin` has it.
    """

    body_bytes: int
    add_components: bool | None = None


def read_batch(body: bytes, most: int) -> WriteBatch:
    """Return a request's body as a batch. Meant for a thread where it is large.

    Args:
        body: JSON text.
        most: operations; reading ends there.

    Raises:
        BadRequest: there is no body.
        InvalidArgument: it is no batch.
        LimitExceeded: it has more than `most` operations.
    """
    remedy = "(setting max_batch_operations). Send them in several batches."
    return read_operations(body, WriteBatch, most, "batch", remedy)


def read_operations(body: bytes, form: type[F], most: int, what: str, remedy: str) -> F:
    """Return a request's body as what holds operations of a batch.

    Args:
        body: JSON text.
        form: what it is read as.
        most: operations; reading ends there.
        what: its name, for messages.
        remedy: what to do where there are more, as the end of a sentence and another one.

    Raises:
        BadRequest: there is no body.
        InvalidArgument: it has another form.
        LimitExceeded: it has more than `most` operations.
    """
    if not body.strip():
        raise BadRequest("The request needs a body.")
    too_many = f"The {what} has more than {most} operations {remedy} {_NOT_CHANGED}"
    try:
        return msgspec.json.Decoder(form, dec_hook=_counting(most, too_many)).decode(body)
    except RecursionError:
        raise InvalidArgument(f"The {what} is nested too deeply. {_NOT_CHANGED}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"The body is not a {what}: {error}. {_NOT_CHANGED}") from None


def _counting(most: int, too_many: str) -> Callable[[type, Any], Any]:
    # Every operation has a kind, so whoever reads that also counts, before the next one is made.
    count = 0

    def read(_: type, value: object) -> Subject:
        nonlocal count
        count += 1
        if count > most:
            raise LimitExceeded(too_many)
        for each in (TWIN, RELATIONSHIP):
            if value == each.name:
                return each
        raise ValueError("Expected `twin` or `relationship`")

    return read


def portions(operations: Sequence[BatchOperation]) -> Iterator[Sequence[BatchOperation]]:
    """Yield operations in order, so few at a time that nobody has to wait long for them."""
    start = size = 0
    for at, each in enumerate(operations):
        length = len(memoryview(each.body))
        if at - start == PORTION or (at > start and size + length > PORTION_BYTES):
            yield operations[start:at]
            start, size = at, 0
        size += length
    if start < len(operations):
        yield operations[start:]


def commands_of(operations: Sequence[BatchOperation], rules: BatchRules) -> list[Command[Any]]:
    """Return the commands of some operations; one that is wrong in its form is refused when asked.

    Where their bodies together are large, each is decoded no sooner than it is decided. Of errors
    the first keep their details, MOST_DETAILS in all.
    """
    large = sum(len(memoryview(each.body)) for each in operations) > PORTION_BYTES
    sparing = _Sparing()
    return [_command(each, rules, sparing, large=large) for each in operations]


def _command(
    operation: BatchOperation, rules: BatchRules, sparing: _Sparing, *, large: bool
) -> Command[Any]:
    try:
        command = command_of(operation, rules)
        made = (operation, rules) if large and operation.op is not Verb.DELETE else command
        return _OfBatch(command.needs(), made, sparing)
    except KastorError as error:
        return RefusedWrite(sparing.spared(error))


class _Sparing:
    """Lets errors of a batch go without what they were raised from: there may be ten thousand."""

    def __init__(self) -> None:
        self._left = MOST_DETAILS

    def spared(self, error: KastorError) -> KastorError:
        """Return the error, with its details only while there are few of them in all."""
        self._left -= len(error.details) or bool(error.place)
        if self._left < 0:
            error.details, error.place = (), {}
        # The frames that it came through hold the decoded body, and the text that it is from.
        error.__context__ = error.__cause__ = None
        return error.with_traceback(None)


class _OfBatch(Command[Any], frozen=True):
    """A command among others; `made` is what makes it anew, where its body is not to be kept."""

    needed: Needs
    made: Command[Any] | tuple[BatchOperation, BatchRules]
    sparing: _Sparing

    @override
    def needs(self) -> Needs:
        """Name what the command does."""
        return self.needed

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Any]:
        """Decide as the command does."""
        try:
            return self._command().decide(current, stamp)
        except KastorError as error:
            raise self.sparing.spared(error) from None

    def _command(self) -> Command[Any]:
        return command_of(*self.made) if isinstance(self.made, tuple) else self.made


class RefusedWrite(Command[Any], frozen=True):
    """A write that is wrong in its form, among others that are not."""

    error: KastorError

    @override
    def needs(self) -> Needs:
        """Name nothing."""
        return Needs()

    @override
    def decide(self, current: State, stamp: Stamp) -> Decided[Any]:
        """Raise the error."""
        raise self.error


def command_of(operation: BatchOperation, rules: BatchRules) -> Command[Any]:
    """Return the command that the call for the operation alone would make.

    Raises:
        KastorError: as that call would, for its condition, its ids and its body, in this order.
    """
    _require_fitting(operation)
    if operation.kind is TWIN:
        return _twin_command(operation, rules)
    return _relationship_command(operation, rules)


def _require_fitting(operation: BatchOperation) -> None:
    """Refuse members that the operation would overlook: a condition must never be."""
    puts = operation.op is Verb.PUT
    if puts and operation.if_match is not None:
        raise InvalidArgument(
            "ifMatch goes with patch and delete; a put takes ifNoneMatch: *, which only creates."
        )
    if not puts and operation.if_none_match is not None:
        raise InvalidArgument("ifNoneMatch goes with put; a patch or delete takes ifMatch.")
    if operation.kind is TWIN and operation.source is not None:
        raise InvalidArgument("source goes with relationships; a twin has its id alone.")
    if operation.kind is RELATIONSHIP and operation.source is None:
        raise InvalidArgument("A relationship needs source, the id of the twin that it leaves.")


def _twin_command(operation: BatchOperation, rules: BatchRules) -> Command[Any]:
    match operation.op:
        case Verb.PUT:
            only_if_absent = _only_if_absent(operation)
            twin_id = require_new_id(operation.id, "twin")
            body = as_document(_value(operation, rules))
            return PutTwin(twin_id, body, only_if_absent, rules.add_components)
        case Verb.PATCH:
            if_match = _if_match(operation)
            twin_id = require_id(operation.id, "twin")
            return PatchTwin(twin_id, as_patch(_value(operation, rules)), if_match)
        case Verb.DELETE:
            if_match = _if_match(operation)
            return DeleteTwin(require_id(operation.id, "twin"), if_match)


def _relationship_command(operation: BatchOperation, rules: BatchRules) -> Command[Any]:
    source = operation.source or ""
    if operation.op is Verb.PUT:
        only_if_absent = _only_if_absent(operation)
        source = require_id(source, "twin")
        new_id = require_new_id(operation.id, "relationship")
        body = as_document(_value(operation, rules))
        return PutRelationship(source, new_id, body, only_if_absent)
    if_match = _if_match(operation)
    source, known_id = require_id(source, "twin"), require_id(operation.id, "relationship")
    if operation.op is Verb.DELETE:
        return DeleteRelationship(source, known_id, if_match)
    return PatchRelationship(source, known_id, as_patch(_value(operation, rules)), if_match)


def _if_match(operation: BatchOperation) -> IfMatch | None:
    value = operation.if_match
    return None if value is None else read_if_match(value)


def _only_if_absent(operation: BatchOperation) -> bool:
    value = operation.if_none_match
    return value is not None and read_if_none_match(value)


def _value(operation: BatchOperation, rules: BatchRules) -> Any:
    text = bytes(operation.body)
    if len(text) > rules.body_bytes:
        raise too_large(rules.body_bytes)
    return parse_json(text)
