"""Keeps requests to what their clients may have: the limits of `ClientLimits`, at the entrance.

Whatever somebody asks counts, also what is refused for another reason, dry runs and paths that lead
nowhere; only what everybody may ask without a token does not. Whoever may ask no more is told so
instead of what else was wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kastor.api.http.clients import address_of, client_of
from kastor.auth.roles import Permission
from kastor.errors import (
    Forbidden,
    InvalidArgument,
    MethodNotAllowed,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)

if TYPE_CHECKING:
    from kastor.api.http.client_limits import ClientLimits
    from kastor.api.http.entrance import Entrance
    from kastor.api.http.operation import Operation
    from kastor.api.http.request import Request, Response, StreamResponse
    from kastor.hosting.services import Services

_BEFORE_HANDLERS = (Forbidden, NotFound, MethodNotAllowed, InvalidArgument)
"""Of what web pages and proxies send that are to be kept out nobody's rate is used up."""


class ClientGate:
    """One for each application."""

    def __init__(
        self,
        limits: ClientLimits,
        entrance: Entrance,
        trusted: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """Prepare.

        Args:
            limits: what each client may have.
            entrance: knows the callers.
            trusted: tells the addresses of proxies that are believed now; a reload changes them.
        """
        self._limits = limits
        self._trusted = trusted
        self._entrance = entrance

    def admit(self, request: Request, operation: Operation) -> None:
        """Count a request whose caller has been let in; raises TooManyRequests."""
        if self._limits.has_rate and operation.permission is not Permission.OPEN:
            self._limits.take(request.client, is_query=_is_query(operation))

    def guard(self, operation: Operation) -> Operation:
        """Return an operation of which a client has only so many under way; others as they are.

        Streams have places of their own (`kastor.budget`).
        """
        if not _is_query(operation):
            return operation
        handler, limits = operation.handler, self._limits

        async def bounded(services: Services, request: Request) -> Response | StreamResponse:
            client = request.client
            limits.begin_query(client)
            try:
                return await handler(services, request)
            finally:
                limits.end_query(client)

        return replace(operation, handler=bounded)

    def judged(
        self,
        error: Exception,
        scope: Mapping[str, Any],
        headers: Mapping[bytes, bytes],
        request: Request | None = None,
    ) -> Exception:
        """Return what a caller is told whose request failed: that it asks too often, or why.

        Args:
            error: why it failed.
            scope: of the request.
            headers: of the request.
            request: what became of it; None: it was for nothing that there is.
        """
        if isinstance(error, Unauthenticated):
            return self._limits.fail(address_of(scope, headers, self._trusted())) or error
        counted = request is not None and request.is_let_in
        if counted or not self._limits.has_rate or not isinstance(error, _BEFORE_HANDLERS):
            return error
        actor = self._entrance.seen(headers, Permission.KNOWN, None)
        if actor is None:  # its token has just ended
            return error
        try:
            self._limits.take(client_of(actor, scope, headers, self._trusted()))
        except TooManyRequests as too_many:
            return too_many
        return error


def _is_query(operation: Operation) -> bool:
    return operation.permission is Permission.QUERY and not operation.streams
