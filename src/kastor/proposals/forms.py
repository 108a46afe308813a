"""The texts of proposals: how they come in, and how their operations are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from kastor.errors import InvalidArgument
from kastor.graph.batch import BatchOperation, Verb, read_operations
from kastor.history.ways import ChangeVia

if TYPE_CHECKING:
    from kastor.proposals.caller import Caller
    from kastor.storage.proposals import ProposalEntry

MOST_BYTES = 1_048_576
"""Of the body of a proposal."""
LONGEST_REASON = 300
LONGEST_CLIENT = 200
"""Characters of the name that a program gives itself, where it is kept."""
_REMEDY = "(a limit of proposals). Propose a part of them."


class ProposalRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Writes that somebody proposes, and why."""

    operations: Annotated[list[BatchOperation], Meta(min_length=1)]
    reason: Annotated[str, Meta(min_length=1, max_length=LONGEST_REASON)]

    def __post_init__(self) -> None:
        """See that the reason is a line of text; raises ValueError."""
        if not self.reason.isprintable() or not self.reason.strip():
            raise ValueError("the reason is one line of text, without control characters")


class _KeptOperations(Struct, frozen=True):
    operations: list[BatchOperation]


def read_proposal(body: bytes, most: int) -> ProposalRequest:
    """Return a request's body as a proposal. Meant for a thread where it is large.

    Args:
        body: JSON text of at most MOST_BYTES.
        most: operations.

    Raises:
        BadRequest: there is no body.
        InvalidArgument: it is no proposal.
        LimitExceeded: it has more operations.
    """
    return read_operations(body, ProposalRequest, most, "proposal", _REMEDY)


def operations_text(operations: Sequence[BatchOperation]) -> bytes:
    """Return operations as they are kept: as a batch has them, in order.

    Raises:
        InvalidArgument: a body is no UTF-8.
    """
    text = b'{"operations":[' + b",".join(map(_text, operations)) + b"]}"
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument(
            f"An operation's body is not valid UTF-8: {error}. Nothing was changed."
        ) from None
    return text


def read_kept(text: bytes) -> list[BatchOperation]:
    """Return the operations of what `operations_text` made."""
    found = read_operations(text, _KeptOperations, text.count(b'"kind"'), "proposal", _REMEDY)
    return found.operations


def way_of(entry: ProposalEntry, caller: Caller) -> ChangeVia:
    """Return by which way the changes of an applied proposal came, as the history keeps it."""
    via = caller.via
    return ChangeVia(
        way=via.way,
        proposal=entry.id,
        reason=entry.reason,
        approver=entry.approver,
        tool=via.tool,
        client_claims=None if via.client is None else via.client[:LONGEST_CLIENT],
    )


def _text(operation: BatchOperation) -> bytes:
    members = {
        "op": operation.op.value,
        "kind": operation.kind.name,
        "id": operation.id,
        "source": operation.source,
        "ifMatch": operation.if_match,
        "ifNoneMatch": operation.if_none_match,
    }
    text = msgspec.json.encode({name: each for name, each in members.items() if each is not None})
    body = bytes(operation.body)
    if operation.op is Verb.DELETE or not body:
        return text
    return b'%b,"body":%b}' % (text[:-1], body)
