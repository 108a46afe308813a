"""Signs webhook requests as Standard Webhooks 1.0 has it, so that receivers find libraries for it.

Header `webhook-signature` is ``v1,`` and base64 of the HMAC-SHA256 over
``{webhook-id}.{webhook-timestamp}.{body}``; the timestamp is Unix seconds of the attempt. The key
is the secret's bytes; a secret that begins with ``whsec_`` is base64 behind that.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_PREFIX = "whsec_"


def signing_key(secret: str) -> bytes:
    """Return the key of a secret.

    Raises:
        ValueError: it begins with whsec_ and is no base64 behind that.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("the secret begins with whsec_, but is not base64 behind that") from None


def signature_headers(key: bytes, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a signed request."""
    signed = b"%s.%d.%s" % (message_id.encode(), seconds, body)
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{digest}",
    }
