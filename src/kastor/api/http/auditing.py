"""What of requests goes into the audit log: refusals, and what only administrators do.

The rest costs a look at its status and one at its operation's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from kastor.api.http.client_address import client_address, peer_of
from kastor.api.http.clients import address_of
from kastor.api.http.mount import READING
from kastor.auth.roles import Permission as P  # noqa: N817 - a table of them
from kastor.errors import Forbidden, KastorError

if TYPE_CHECKING:
    from kastor.api.http.entrance import Entrance
    from kastor.api.http.mount import Mount
    from kastor.api.http.operation import Operation
    from kastor.api.http.request import Request, Scope
    from kastor.audit.log import AuditLog
    from kastor.auth.actors import Actor

ADMINISTRATIVE = frozenset(
    {
        *(P.MODELS_WRITE, P.MODELS_DELETE),
        *(P.ROUTES_WRITE, P.ROUTES_DELETE, P.ROUTES_RUN, P.DEAD_LETTERS_WRITE),
        *(P.ENDPOINTS_WRITE, P.ENDPOINTS_DELETE),
        *(P.INPUTS_WRITE, P.INPUTS_DELETE, P.INPUTS_RUN),
        *(P.INDEXES_WRITE, P.INDEXES_DELETE),
        *(P.GRAPHS_WRITE, P.GRAPHS_DELETE, P.GRAPH_RESET, P.HISTORY_WRITE),
        P.SAMPLE_WRITE,
        *(P.EXPLORER_WRITE, P.EXPLORER_DELETE),
        *(P.IMPORTS_WRITE, P.IMPORTS_CANCEL, P.IMPORTS_DELETE, P.DELETIONS_WRITE),
        *(P.OWN_JOBS_WRITE, P.OWN_JOBS_CANCEL, P.OWN_JOBS_DELETE),
        # Whoever has them takes all that there is.
        *(P.EXPORT_READ, P.BACKUP_READ),
    }
)
"""Permissions of the operations that are acts: each that succeeds has a line."""
ORDINARY = frozenset(
    {
        *(P.MODELS_READ, P.TWINS_READ, P.RELATIONSHIPS_READ, P.QUERY, P.HISTORY_READ),
        *(P.TWINS_WRITE, P.TWINS_DELETE, P.RELATIONSHIPS_WRITE, P.RELATIONSHIPS_DELETE),
        *(P.TELEMETRY_SEND, P.INPUTS_SEND, P.BATCH_WRITE),
        *(P.ENDPOINTS_READ, P.DEAD_LETTERS_READ),
        *(P.ROUTES_READ, P.EVENTS_READ, P.INPUTS_READ, P.INDEXES_READ, P.JOBS_READ),
        *(P.EXPLORER_READ,),
        *(P.STATUS_READ, P.METRICS_READ, P.GRAPHS_READ, P.ACCESS_READ),
        *(P.OPEN, P.KNOWN),
    }
)
"""Those of all others: reading, and the writes that history keeps with their authors."""

_REFUSED = frozenset({401, 403, 429})
_FAULT, _GONE = 500, 499
_TRACE = re.compile(rb"00-([0-9a-f]{32})-")


class Auditing:
    """Tells the audit log of the requests that concern it."""

    def __init__(
        self,
        log: AuditLog,
        entrance: Entrance,
        operations: Iterable[Operation],
        trusted_proxies: Callable[[], Collection[str]],
    ) -> None:
        """Prepare.

        Args:
            log: of the process.
            entrance: knows the callers.
            operations: all that there are.
            trusted_proxies: tells the peers whose X-Forwarded-For is believed now.
        """
        self._log = log
        self._entrance = entrance
        self._acts = frozenset(each.id for each in operations if each.permission not in ORDINARY)
        self._trusted = trusted_proxies

    def concerns(self, operation: str, status: int) -> bool:
        """Whether an answer may be one for the audit log.

        Args:
            operation: its id, or what stands for it.
            status: of the answer.
        """
        return status in _REFUSED or operation in self._acts

    async def tell(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        operation: Operation | None,
        request: Request | None,
        outcome: tuple[int, Exception | None],
    ) -> None:
        """Add a line about a request that concerns it; of an act, before it is answered.

        An act counts where it succeeded, and where nobody knows: after a fault of the server, and
        where the client went away. What was only tried (`kastor-dry-run`) is none.

        Args:
            scope: of the request.
            headers: of the request, names in lower case.
            operation: what was asked for; None: nothing that there is.
            request: as handlers see it, once there was an operation.
            outcome: the status, and the error where there was one.
        """
        status, error = outcome
        values = _asked(operation, request)
        actor: Actor | None = None if request is None else getattr(request, "actor", None)
        if status in _REFUSED:
            self._refused(scope, headers, outcome, actor, values)
        elif request is not None and not request.dry_run and _may_be_done(status):
            # Who may only read repeats that as often as it likes; what changes something is told.
            is_read = scope["method"] in READING
            if is_read and not self._has_room(scope, headers, actor, status):
                return
            values |= {"status": status, "code": _code(error)}
            await self._log.record("act", **self._line(scope, headers, actor, values))

    def refused_at(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        mount: Mount,
        outcome: tuple[int, Exception | None],
    ) -> None:
        """Add a line about a request that a mounted application did not get, if it was refused."""
        if outcome[0] in _REFUSED:
            values: dict[str, object] = {"operation": mount.name, "permission": mount.permission}
            self._refused(scope, headers, outcome, None, values)

    def _refused(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        outcome: tuple[int, Exception | None],
        actor: Actor | None,
        values: dict[str, object],
    ) -> None:
        status, error = outcome
        actor = actor or self._entrance.known(headers)
        if not self._has_room(scope, headers, actor, status):
            return
        values |= {"status": status, "code": _code(error)}
        if isinstance(error, Forbidden) and error.permission:
            values["permission"] = error.permission
        self._log.note("refused", **self._line(scope, headers, actor, values))

    def _has_room(
        self, scope: Scope, headers: Mapping[bytes, bytes], actor: Actor | None, status: int
    ) -> bool:
        caller = address_of(scope, headers, self._trusted()) if actor is None else actor.id
        return self._log.floods.admits(status, caller)

    def _line(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        actor: Actor | None,
        values: dict[str, object],
    ) -> dict[str, object]:
        client, peer = client_address(scope, headers, self._trusted()), peer_of(scope)
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        trace = _TRACE.match(headers.get(b"traceparent", b""))
        line: dict[str, object] = {"status": values.get("status"), "code": values.get("code")}
        if actor is not None:
            principal = actor.principal
            line |= {"actor": actor.id, "name": actor.name, "kind": str(principal.kind)}
            line["issuer"] = principal.issuer or None
        return line | {
            "operation": values.get("operation"),
            "method": scope["method"],
            # Without the query: it may hold what lets others in, such as a signature.
            "path": raw_path.partition(b"?")[0].decode("latin-1"),
            "graph": values.get("graph"),
            "permission": values.get("permission"),
            "client": client or None,
            "proxy": peer if peer != client else None,
            "trace": None if trace is None else trace[1].decode(),
        }


def _asked(operation: Operation | None, request: Request | None) -> dict[str, object]:
    if operation is None or request is None:
        return {}
    return {
        "operation": operation.id,
        "graph": operation.judged_on(request.graph, request.parameters),
        "permission": str(operation.permission),
    }


def _may_be_done(status: int) -> bool:
    return status < 300 or status >= _FAULT or status == _GONE  # noqa: PLR2004 - success


def _code(error: Exception | None) -> str | None:
    return error.code if isinstance(error, KastorError) else None
