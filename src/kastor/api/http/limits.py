"""How large requests and pages may be, and what of ADT's narrowness holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Sizes in bytes, counts, seconds; what of ADT's narrowness holds.

    Attributes:
        strict: as narrow as the cloud.
        add_components: as `PutTwin` has it.
    """

    body_bytes: int = 1_048_576
    models_body_bytes: int = 33_554_432
    batch_bytes: int = 33_554_432
    batch_operations: int = 10_000
    dependencies_for: int = 10_000
    models_page: int = 1_000
    default_models_page: int = 100
    relationships_page: int = 1_000
    default_relationships_page: int = 10
    slow_query_seconds: float = 1.0
    strict: bool = False
    add_components: bool | None = False


ADT_REQUEST_LIMITS = RequestLimits(
    body_bytes=32_768,
    models_body_bytes=262_144_000,
    dependencies_for=250,
    models_page=100,
    strict=True,
    add_components=None,
)
