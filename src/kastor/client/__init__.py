"""A client of Kastor and of Azure Digital Twins; it needs nothing of either.

`KastorClient` waits for each answer, `AsyncKastorClient` is for asyncio, and both have the same
methods. See docs/how-to/use-the-client.md.
"""

from __future__ import annotations

from kastor.client import writes
from kastor.client.asynchronous.client import AsyncKastorClient
from kastor.client.asynchronous.pages import AsyncListing
from kastor.client.errors import (
    AccessError,
    AnswerLostError,
    BadRequestError,
    BatchRefusedError,
    ClientError,
    ConflictError,
    CredentialError,
    MissingExtraError,
    NotAnnouncedError,
    NotFoundError,
    OutcomeUnknownError,
    PreconditionError,
    ServerFailedError,
    ServiceError,
    StillRunningError,
    StreamRefusedError,
    TooManyRequestsError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsendableError,
)
from kastor.client.job_state import JobState
from kastor.client.many import BatchAnswer, TriedChange, WriteResult
from kastor.client.operations import Patched
from kastor.client.pages import ListingPage
from kastor.client.retries import Retries
from kastor.client.streams import FeedEvent, FeedPage, LiveRow, LiveUpdate
from kastor.client.synchronous.client import KastorClient
from kastor.client.synchronous.pages import Listing

__all__ = [
    "AccessError",
    "AnswerLostError",
    "AsyncKastorClient",
    "AsyncListing",
    "BadRequestError",
    "BatchAnswer",
    "BatchRefusedError",
    "ClientError",
    "ConflictError",
    "CredentialError",
    "FeedEvent",
    "FeedPage",
    "JobState",
    "KastorClient",
    "Listing",
    "ListingPage",
    "LiveRow",
    "LiveUpdate",
    "MissingExtraError",
    "NotAnnouncedError",
    "NotFoundError",
    "OutcomeUnknownError",
    "Patched",
    "PreconditionError",
    "Retries",
    "ServerFailedError",
    "ServiceError",
    "StillRunningError",
    "StreamRefusedError",
    "TooManyRequestsError",
    "TriedChange",
    "UnexpectedAnswerError",
    "UnreachableError",
    "UnsendableError",
    "WriteResult",
    "writes",
]
