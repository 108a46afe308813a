"""The audit log: who was refused, who did what only an administrator does; never rewritten.

`docs/reference/audit-log.md` says what its lines hold. A server writes through `AuditLog`, which
costs a request nothing but the wait for an act; commands write theirs by `append_now`.
"""

from __future__ import annotations

from kastor.audit.current import install, note, record

__all__ = ["install", "note", "record"]
