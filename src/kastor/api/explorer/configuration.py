"""What the app is told of the server before anybody has signed in; no secret is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor import __version__
from kastor.api.http.versions import SUPPORTED
from kastor.api.own.features import announced

if TYPE_CHECKING:
    from kastor.api.http.limits import RequestLimits
    from kastor.config import IssuerSettings, Settings
    from kastor.types import Document


def sign_in_issuers(settings: Settings) -> list[IssuerSettings]:
    """Return the issuers at which the app has an id, so that it can sign in there."""
    if "oidc" not in settings.auth:
        return []
    return [each for each in settings.all_issuers if each.client_id is not None]


def configuration(
    settings: Settings, limits: RequestLimits, prefix: str, *, sample: bool
) -> Document:
    """Return what `config.json` says.

    Args:
        settings: in force.
        limits: of requests.
        prefix: path that clients have before the server's own.
        sample: whether a sample may be loaded over HTTP.
    """
    issuers = sign_in_issuers(settings)
    auth = "none" if not settings.asks_who else "oidc" if issuers else "token"
    return {
        "version": __version__,
        "apiVersion": max(SUPPORTED),
        "profile": settings.profile,
        "auth": auth,
        "tokens": settings.asks_who and ("tokens" in settings.auth or not issuers),
        "issuers": [
            {
                "issuer": each.issuer,
                "name": each.name or each.issuer,
                "clientId": each.client_id,
                "scope": each.scope,
            }
            for each in issuers
        ],
        "prefix": prefix,
        "sample": sample,
        "limits": {
            "bodyBytes": limits.body_bytes,
            "modelsBodyBytes": limits.models_body_bytes,
            "modelsPerUpload": settings.max_models_per_upload,
            "modelBytes": settings.max_model_bytes,
            "batchBytes": limits.batch_bytes,
            "batchOperations": limits.batch_operations,
            "uploadBytes": settings.max_upload_bytes,
            "queryPage": settings.query_page,
            "maxQueryPage": settings.max_query_page,
            "liveRows": settings.max_live_rows,
        },
        "features": announced(strict=limits.strict),
    }
