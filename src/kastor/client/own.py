"""The calls of what Kastor has beyond the contract, each with the feature that it needs."""

from __future__ import annotations

from kastor.client import features
from kastor.client.calls import Document, HttpCall, document, read


def status() -> HttpCall[Document]:
    """Kastor_Status."""
    return read("/kastor/v1/status", document, needs=features.STATUS)
